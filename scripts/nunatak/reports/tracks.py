"""The words and tables of tracks: which there are, what they measured, how well the products agree."""

from __future__ import annotations

import numpy as np

from nunatak.compute.robust import nmad
from nunatak.elevation import LARGE_ERROR, OUT_OF_LINE, TOO_FAST, good_rates
from nunatak.elevation.crossovers import NOISE_DAYS
from nunatak.reports.words import counted, day, number, plus_minus

_SHOWN = 12
_SCATTER = 10.0  # m, of differences along a track; outlets that change fast scatter less about their median


def seen_table(seen):
    """Return heads and rows of the tracks nearest to the middle of the focus, at most twelve."""
    heads = ("product", "track", "pair or beam", "direction", "cycles", "rows in the focus", "nearest approach")
    rows = [
        (
            row.product.upper(),
            f"RGT {row.rgt:04d}",
            row.beam,
            row.direction,
            cycles_in_words(row.cycles),
            row.n_inside,
            f"{row.nearest / 1000:.1f} km",
        )
        for row in seen.head(_SHOWN).itertuples()
    ]
    if len(seen) > _SHOWN:
        rows.append((f"… and {len(seen) - _SHOWN} more", "", "", "", "", "", ""))
    return heads, rows


def cycles_in_words(cycles):
    """
    Format cycles with runs drawn together.

    >>> cycles_in_words("3 4 5 7 9 10")
    '3 to 5, 7, 9 to 10'
    """
    numbers = [int(word) for word in str(cycles).split()]
    breaks = np.flatnonzero(np.diff(numbers) > 1) + 1
    runs = np.split(np.array(numbers), breaks) if numbers else []
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def points_sentence(points):
    """Say what ATL11 holds of the chosen track."""
    if not len(points):
        return "ATL11 holds no height of this track in the focus."
    cycles = " ".join(map(str, sorted(points["cycle"].unique())))
    step = np.diff(np.sort(points["number"].unique()))
    share = 100 * points["good"].mean()
    return (
        f"The track that saw most of the change is RGT {points['rgt'].iloc[0]:04d}, pair {points['beam'].iloc[0]}: "
        f"{points['number'].nunique():,} reference points, mostly {20 * int(np.median(step)) if step.size else 0} m "
        f"apart, {len(points):,} heights in cycles {cycles_in_words(cycles)}, {share:.0f} % of them of best quality."
    )


def segments_sentence(segments, *, alone=False):
    """
    Say what ATL06 holds of the chosen track.

    Parameters
    ----------
    alone : the track was chosen from ATL06 itself
    """
    where = (
        f"On RGT {segments['rgt'].iloc[0]:04d}, of which the figures show one pair," if alone else "On the same track"
    )
    beams = ", ".join(sorted(segments["beam"].unique()))
    cycles = " ".join(map(str, sorted(segments["cycle"].unique())))
    return (
        f"{where} ATL06 holds {len(segments):,} segments of {beams} in cycles {cycles_in_words(cycles)}, "
        f"{100 * segments['h'].notna().mean():.0f} % with a height and {100 * segments['good'].mean():.0f} % that pass "
        "the study's filter."
    )


def profile_sentence(points):
    """
    Say where along the track the surface changed most between two cycles, and how its ends changed.

    Differences beyond six NMAD of their median are left out. Where the NMAD of all is larger than `_SCATTER`, most of
    them are clouds and the sentence says only that.
    """
    good = points[points["good"]]
    change = good.pivot_table(index="x_atc", columns="cycle", values="h")
    full = change.columns[change.notna().sum() > 0.3 * len(change)]
    if len(full) < 2:
        return "There are no two cycles with enough heights on this track to say how its profile changed."
    dh = (change[full[-1]] - change[full[0]]).dropna()
    spread = nmad(dh) if len(dh) else 0.0
    if spread > _SCATTER:
        return (
            f"The heights of the first and the last cycle on this track differ by {number(spread)} m (NMAD) from their "
            "median, as under clouds: too much to say how its profile changed."
        )
    dh = dh[np.abs(dh - dh.median()) <= max(6.0 * spread, 1.0)]
    dh = dh.rolling(15, center=True, min_periods=5).median().dropna()
    if len(dh) < 10:
        return "The first and the last cycle have too few points in common to say how the profile changed."
    km = (dh.index - dh.index.min()) / 1000
    edge, most = max(len(dh) // 12, 3), int(np.argmax(np.abs(dh.to_numpy())))
    first, last = (good[good["cycle"] == cycle]["time"].min() for cycle in (full[0], full[-1]))
    return (
        f"Between {day(first)} and {day(last)} the surface along the track changed most, by "
        f"{plus_minus(dh.iloc[most], spread)} m (NMAD of single points), {km[most]:.0f} km from its "
        "start in the focus; over the first and the last "
        f"{km[-1] / 12:.0f} km the median change is {number(dh.iloc[:edge].median(), 2)} m and "
        f"{number(dh.iloc[-edge:].median(), 2)} m."
    )


def disagreement_sentence(agreement, compared):
    """Say how far two products differ, all slopes together."""
    rows = agreement[agreement["compared"] == compared] if agreement is not None else None
    if rows is None or not len(rows):
        return ""
    row = rows.iloc[-1]
    what = compared.split(",")[0].replace(" less ", " and ")
    how = "Unfiltered, " if "unfiltered" in compared else "Filtered, " if "filtered" in compared else ""
    return (
        f"{how}{what} differ by a median of {number(100 * row['median'], 2)} cm with a spread (NMAD) of "
        f"{number(100 * row['nmad'], 2)} cm over {int(row['n']):,} points and cycles."
    )


def filter_table(counts):
    """Return heads and rows of what each test of each filter took away."""
    heads = ("filter", "test", "before", "taken away", "left")
    rows = [
        (row.filter, row.test, f"{row.n_before:,}", f"{row.n_removed:,}", f"{row.n_after:,}")
        for row in counts.itertuples()
    ]
    return heads, rows


def agreement_table(agreement):
    """Return heads and rows of agreement by slope class."""
    heads = ("compared", "slope", "in common", "median", "spread (NMAD)", "spread / stated error")
    rows = []
    for row in agreement.itertuples():
        all_slopes = row.slope_low == 0 and np.isinf(row.slope_high)
        low, high = f"{row.slope_low:g}", "" if np.isinf(row.slope_high) else f" to {row.slope_high:g}"
        slope = "all" if all_slopes else f"{low}{high}" if high else f"above {low}"
        rows.append(
            (
                row.compared,
                slope,
                f"{row.n:,}",
                f"{number(row.median, 2)} m",
                f"{number(row.nmad, 2)} m",
                number(row.nmad_z, 2),
            )
        )
    return heads, rows


def rates_sentence(rates):
    """Describe the rates of reference points in one sentence."""
    known, every = good_rates(rates), int(np.isfinite(rates["dhdt"]).sum())
    if not every:
        return "No reference point was seen often and long enough for a rate."
    if not len(known):
        return f"None of {every:,} rates of reference points can be used." + flagged_sentence(rates)
    low, high = known["dhdt"].quantile([0.25, 0.75])
    steepest = known.loc[known["dhdt"].idxmin()]
    sigma = float(np.hypot(steepest["dhdt_sigma"], steepest["dhdt_sigma_systematic"]))
    return (
        f"Of {len(rates):,} reference points {len(known):,} have a rate that is used, seen in "
        f"{known['n_cycles'].median():.0f} cycles (median). Half of the rates lie between {number(low, 2)} and "
        f"{number(high, 2)} m/yr, the lowest is {plus_minus(steepest['dhdt'], sigma, 'm/yr')} on RGT "
        f"{int(steepest['rgt']):04d}. Their median error is {number(100 * known['dhdt_sigma'].median(), 2)} cm/yr, of "
        f"what passes share {number(100 * known['dhdt_sigma_systematic'].median(), 2)} cm/yr."
    ) + flagged_sentence(rates)


def flagged_sentence(rates):
    """Say what is left out of maps and words, and how many heights no rate rests on. Empty where nothing is."""
    flag = rates["flag"][np.isfinite(rates["dhdt"])]
    parts = []
    if (flag > 0).any():
        large, off, fast = (int((flag & bit > 0).sum()) for bit in (LARGE_ERROR, OUT_OF_LINE, TOO_FAST))
        parts.append(
            f" {int((flag > 0).sum()):,} further rates, {100 * (flag > 0).mean():.2g} % of all, are in the table with "
            f"a flag and in no map: the error of {large:,} is too large, {off:,} are out of line with their neighbours"
            + (f", {fast:,} are faster than the study allows (max_rate)." if fast else ".")
        )
    if rates["n_left_out"].sum():
        parts.append(f" {int(rates['n_left_out'].sum()):,} heights lie off the line of their point and do not count.")
    return "".join(parts)


def outlier_sentence(report):
    """Say which tracks and passes are out of line, if any."""
    parts = []
    for what, rows in report.groupby("what", sort=False):
        bad = rows[rows["outlier"].astype(bool)]
        noun = "track" if "tracks" in what else "pass"
        plural = "tracks" if noun == "track" else "passes"
        if not len(bad):
            parts.append(
                f"None of {counted(len(rows), noun) if len(rows) == 1 else f'{len(rows)} {plural}'} is out of "
                f"line ({what})."
            )
            continue
        names = ", ".join(
            f"RGT {int(row.rgt):04d}"
            + ("" if noun == "track" else f" cycle {int(row.cycle):02d}")
            + f" ({number(row.median, 2)} {row.unit})"
            for row in bad.head(5).itertuples()
        )
        parts.append(f"Out of line ({what}): {names}" + (f" and {len(bad) - 5} more." if len(bad) > 5 else "."))
        left_out = int(bad["left_out"].astype(bool).sum()) if "left_out" in bad else 0
        if left_out:
            parts.append(f"The rates are fitted without {left_out} pass{'es' if left_out > 1 else ''} of them.")
    return " ".join(parts)


def crossover_sentence(product, table):
    """Say what the crossovers of one product tell of its errors."""
    near = table[table["dt_days"] < NOISE_DAYS]
    tracks = len(set(table["rgt_1"]) | set(table["rgt_2"]))
    name = f"{product.upper()}: {len(table):,} crossovers between {tracks} tracks"
    if len(near) < 5:
        return f"{name}; {len(near)} of them within {NOISE_DAYS:g} days, too few to speak of the errors."
    return (
        f"{name}, {len(near)} of them within {NOISE_DAYS:g} days: median {number(100 * near['dh'].median(), 2)} cm, "
        f"spread (NMAD) {number(100 * nmad(near['dh']), 2)} cm{_own(near)}."
    )


def _own(near):
    """Say what is left without what two passes share, where enough of them cross."""
    if np.isfinite(near["z_own"]).sum() < 5:
        return ""
    left = number(100 * nmad(near["dh"] - near["dh_common"]), 2)
    return (
        f"; without what two passes share {left} cm, {number(nmad(near['z_own']), 2)} times the stated error of the "
        "two heights"
    )
