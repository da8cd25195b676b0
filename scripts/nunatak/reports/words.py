"""Numbers as a reader wants them: values with errors, and sentences computed from results."""

from __future__ import annotations

import math
import re

from nunatak.elevation import faults_of_pairs, unaligned
from nunatak.times import day, month

MINUS = "−"


def number(value, digits=3):
    """
    Format a number with so many significant digits, a true minus and no exponent.

    >>> number(-0.01234), number(1234.5), number(float("nan"))
    ('−0.0123', '1234', 'unknown')
    """
    if value is None or not math.isfinite(value):
        return "unknown"
    if value == 0:
        return "0"
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    return f"{value:.{decimals}f}".replace("-", MINUS)


def plus_minus(value, sigma, unit="", *, digits=2):
    """
    Format a value with its standard error, both to the error's significant digits.

    >>> plus_minus(-10.912, 1.68, "km³")
    '−10.9 ± 1.7 km³'
    """
    unit = f" {unit}" if unit else ""
    if not math.isfinite(value):
        return "unknown"
    if sigma is None or not math.isfinite(sigma) or sigma <= 0:
        return f"{number(value)}{unit}"
    decimals = max(digits - 1 - math.floor(math.log10(sigma)), 0)
    return f"{value:.{decimals}f} ± {sigma:.{decimals}f}{unit}".replace("-", MINUS)


def minus(text):
    """
    Put true minus signs before the numbers of a text. Dates and names keep their hyphens.

    >>> minus("-20.7 km³ of -3, 2019-01-01, EPSG-code")
    '−20.7 km³ of −3, 2019-01-01, EPSG-code'
    """
    return re.sub(r"(?<![\w−-])-(?=\d)", MINUS, text)


def counted(n, noun):
    """
    Format a number with its noun.

    >>> counted(1, "granule"), counted(2, "granule")
    ('1 granule', '2 granules')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def epoch(time):
    """
    Return the day an ATL15 epoch is named by: the first of its nominal quarter.

    >>> epoch("2020-12-31T18:00")
    '1 Jan 2021'
    """
    return f"1 {month(time)}"


def place(longitude, latitude):
    """
    Format a position in words.

    >>> place(-101.2, -75.05)
    '75.05° S, 101.20° W'
    """
    ns, ew = ("N" if latitude >= 0 else "S"), ("E" if longitude >= 0 else "W")
    return f"{abs(latitude):.2f}° {ns}, {abs(longitude):.2f}° {ew}"


def size(n_bytes):
    """
    Format a size in the unit that suits it.

    >>> size(0), size(1234), size(5_600_000)
    ('0 B', '1.2 kB', '5.6 MB')
    """
    for factor, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.1f} {unit}"
    return f"{int(n_bytes)} B"


def region_change(name, row):
    """
    Describe a region's change in one sentence.

    Parameters
    ----------
    row : mapping with volume_change, volume_sigma (km3), mean_dh, mean_dh_sigma (m), since, time
    """
    verb = "lost" if row["volume_change"] < 0 else "gained"
    volume = plus_minus(abs(row["volume_change"]), row["volume_sigma"], "km³ of volume")
    mean = plus_minus(row["mean_dh"], row["mean_dh_sigma"], "m")
    span = f"From {epoch(row['since'])} to {epoch(row['time'])}"
    return f"{span} the {name.replace('_', ' ')} {verb} {volume}, a mean height change of {mean}."


def long_record(table):
    """
    Describe each region's change over the whole of the long record in one sentence.

    Parameters
    ----------
    table : DataFrame of record_change.csv: region, period, since, until, volume_change, volume_change_sigma (km3),
        mean_rate, mean_rate_sigma (m/yr), share

    Returns
    -------
    list of str
    """
    found = []
    for row in table[(table["period"] == "all") & table["volume_change"].notna()].to_dict("records"):
        verb = "lost" if row["volume_change"] < 0 else "gained"
        volume = plus_minus(abs(row["volume_change"]), row["volume_change_sigma"], "km³ of volume")
        rate = plus_minus(row["mean_rate"], row["mean_rate_sigma"], "m/yr")
        span, name = f"{row['since']:.2f} to {row['until']:.2f}", row["region"].replace("_", " ")
        seen = f"over {100 * row['share']:.0f} % of its ice"
        found.append(f"Over the long record, {span}, the {name} {verb} {volume}, {rate} of height, {seen}.")
    return found


def pair_medians(pairs):
    """
    Say the medians of a repeat pair, beam by beam, with their errors.

    The error is the median of the errors of single differences: segments of one pass may err together, so that their
    number makes it no smaller.

    Parameters
    ----------
    pairs : DataFrame of `elevation.repeat_pairs` of two passes: beam, dh, dh_sigma (m), time_first, time_second
    """
    medians = pairs.groupby("beam", observed=True)[["dh", "dh_sigma"]].median()
    said = ", ".join(f"{row.Index} {plus_minus(row.dh, row.dh_sigma, 'm')}" for row in medians.itertuples())
    first, last = day(pairs["time_first"].min()), day(pairs["time_second"].max())
    return (
        f"Between {first} and {last} the median height difference was {said} ({len(pairs)} pairs of segments; errors "
        "as if the segments of a pass erred together)."
    )


def pairs_left_out(counts):
    """
    Return sentences on the passes that lie too far apart across the track for a pair, empty where none do.

    Parameters
    ----------
    counts : repeat_counts.csv: rgt, beam, cycle_first, cycle_second, n_joined, n_beyond, n_unknown, median_dy (m)
    """
    said = []
    beside = unaligned([*counts["cycle_first"], *counts["cycle_second"]])
    if beside:
        named = " and ".join(f"{cycle:02d}" for cycle in beside)
        said.append(
            f"Cycle{'s' if len(beside) > 1 else ''} {named} of the mission (October 2018 to March 2019) were flown "
            "kilometres beside the reference tracks: their passes saw other ground than the later ones."
        )
    far = counts[counts["n_beyond"] > 0]
    groups = list(far.groupby(["rgt", "cycle_first", "cycle_second"]))
    for (rgt, first, second), rows in groups[:5]:
        faults = faults_of_pairs(rows, counts.attrs["attributes"]["max_across"])
        said += [f"RGT {rgt:04d}, cycles {first:02d} and {second:02d}: {fault}." for fault in faults]
    if len(groups) > 5:
        said.append(f"So do segments of {len(groups) - 5} more pairs of passes; elevation/repeat_counts.csv has all.")
    return " ".join(said)
