"""Words and tables of velocities, for the front page and the notebook."""

from __future__ import annotations

import numpy as np

from nunatak.reports import words
from nunatak.reports.page import Table
from nunatak.velocity import years_by_status
from nunatak.velocity.mosaic_years import METHOD

GATE_SHARES = ("observed_share", "thickness_share")
_QUALITATIVE = (
    "Errors are those that the mosaics state: ITS_LIVE's user guide calls them unrealistically low and to be read "
    "qualitatively."
)
_ROWS = 24  # years listed; more are in series.parquet


def years_table(series):
    """
    Format annual speeds at every point in words.

    Parameters
    ----------
    series : DataFrame of series.parquet
    """
    annual = series[series["kind"] == "annual"]
    rows = [
        [
            row["point"].replace("_", " "),
            str(row["time"].year),
            f"{row['pairs']:.0f}",
            words.plus_minus(row["v"], row["v_error"]),
        ]
        for row in annual.tail(_ROWS).to_dict("records")
    ]
    notes: tuple[str, ...] = (
        "Annual means of the components by weighted least squares on displacements; pairs are those that touch the "
        "year in the point's cell. The error is the formal one times the root of reduced chi-squared where that "
        "exceeds 1."
        if (series["kind"] == "pair").any()
        else "Annual velocities of ITS_LIVE's mosaics; pairs are those that its fit took for the year in the point's "
        f"cell. {_QUALITATIVE}",
    )
    if len(annual) > _ROWS:
        notes = (*notes, f"The last {_ROWS} of {len(annual)} rows; all of them are in velocity/series.parquet.")
    return Table("Speed at points", ("point", "year", "pairs", "speed (m/yr)"), rows, notes)


def sentences(series):
    """Describe for every point what the annual speeds are: the first, the last, and what changed."""
    said = []
    for point, rows in series[series["kind"] == "annual"].groupby("point", sort=False):
        first, last = rows.iloc[0], rows.iloc[-1]
        place = point.replace("_", " ")
        begin = words.plus_minus(first["v"], first["v_error"], "m/yr")
        if len(rows) == 1:
            said.append(f"At the point {place} the speed was {begin} in {first['time'].year}.")
            continue
        change, sigma = last["v"] - first["v"], float(np.hypot(first["v_error"], last["v_error"]))
        verdict = "faster" if change > 2 * sigma else "slower" if change < -2 * sigma else "no significant change"
        said.append(
            f"At the point {place} the speed was {begin} in {first['time'].year} and "
            f"{words.plus_minus(last['v'], last['v_error'], 'm/yr')} in {last['time'].year}: "
            f"{words.plus_minus(change, sigma, 'm/yr')} of change, {verdict}."
        )
    return said


def fates_rows(pairs):
    """Count how many pairs met each fate, with the commonest reason, as rows for a table."""
    rows = []
    for fate, some in pairs.groupby("fate"):
        reasons = some["why"].fillna("").str.partition(":")[0]
        common = reasons[reasons != ""].value_counts()
        rows.append((fate, str(len(some)), f"{common.index[0]} ({common.iloc[0]})" if len(common) else ""))
    return sorted(rows, key=lambda row: -int(row[1]))


def method_sentences(annual):
    """Say how the annual velocities were made and which are given."""
    made = {
        "lsq": "Annual means and a seasonal cycle fitted by weighted least squares to displacements.",
        "mean": "Means of the components, weighted by overlap with the year and by 1/sigma².",
        "median": "Medians of the components of the pairs with their middle in the year.",
        METHOD: f"Annual velocities of ITS_LIVE's mosaics, put over ground. {_QUALITATIVE}",
    }
    method = annual.attrs["method"]
    said = [made.get(method, f"Annual values of the components by {method}.")]
    if "error_limit" in annual.attrs:
        said.append(
            f"A velocity is given where the error of its speed is at most {annual.attrs['error_limit']:g} m/yr plus "
            f"{100 * annual.attrs['error_limit_of_speed']:g} % of the cell's mean speed."
        )
    return said


def status_rows(annual):
    """
    Return the share of the region's cells and years with a velocity, and why the others have none, as rows for a table.
    """
    told = {
        "too few pairs": "too few pairs in all after the filters",
        "only touched": "only touched by pairs of other years",
        "not separable": "years that only share pairs, not to be told apart",
        "error too large": "error beyond the composite's limit",
        "too fast": "faster than any glacier",
    }
    counts = years_by_status(annual)
    total = max(sum(counts.values()), 1)
    return [(told.get(word, word), _per_cent(n / total)) for word, n in counts.items() if n]


def _per_cent(share):
    return f"{100 * share:.0f} %" if share >= 0.01 else "below 1 %"


def gates_rows(gates):
    """Return ice through every gate and year with its errors, as rows for a table."""
    rows = []
    for row in gates.to_dict("records"):
        mass = words.plus_minus(row["discharge"], row["discharge_sigma"]) if np.isfinite(row["discharge"]) else ""
        shares = [f"{100 * row[name]:.0f} %" if np.isfinite(row[name]) else "" for name in GATE_SHARES]
        rows.append(
            (
                row["gate"],
                str(row["year"]),
                f"{row['width'] / 1000:.1f}",
                f"{row['angle']:.0f}",
                *shares,
                words.plus_minus(row["area_flux"], row["area_flux_sigma"]),
                mass,
            )
        )
    return rows


def is_of_mosaics(table):
    """Return whether pairs.parquet lists mosaics, not image pairs."""
    return "place" in table


def mosaic_rows(mosaics):
    """List every mosaic of the study with its region, version, units and cells, as rows for a table."""
    return [
        (
            str(row["year"]) if row["year"] else "static",
            row["place"],
            row["version"],
            row["fate"],
            row["crs"],
            f"{row['valid_cells']:,}",
        )
        for row in mosaics.sort_values(["year", "place"]).to_dict("records")
    ]


def mosaic_sentences(annual, mosaics):
    """Say what mosaics are, what of the study does not act on them, and what they do not tell."""
    on_map = int((mosaics["units_in_granule"] == "map").sum())
    said = [
        f"The mosaics are of version {annual.attrs['mosaic_versions']} ({annual.attrs['mosaic_regions']}); "
        f"{on_map} of {len(mosaics)} hold velocities in units of the map, which are divided by its scale.",
        "ITS_LIVE chose and fitted the pairs behind them: the keys of the study that choose pairs (months, satellites, "
        "separations, max_per_year) and those of the fit do not act.",
        "Annual mosaics tell no seasonal cycle, no single pair and no regular series; pairs and datacubes do.",
    ]
    if "static_v_amp" in annual:
        amplitude = annual["static_v_amp"].values
        said.append(
            "The static mosaic's seasonal amplitude, of all its years, has a median of "
            f"{words.number(float(np.nanmedian(amplitude)))} m/yr in the region; `static_*` of velocity/annual.nc are "
            "its fields."
        )
    return said


def agreement_rows(table):
    """List how the velocities of every year differ from those of the mosaics, as rows for a table."""
    return [
        (
            str(row["year"]) if row["year"] else "mean",
            f"{row['cells']:,}",
            *(f"{row[f'bias_{c}']:+.1f}" for c in ("v", "vx", "vy")),
            *(f"{row[f'nmad_{c}']:.1f}" for c in ("v", "vx", "vy")),
            f"{100 * row['within_v']:.0f} %",
        )
        for row in table.to_dict("records")
    ]


def agreement_sentence(table):
    """Say in one sentence how the mean speed differs from that of the mosaics."""
    mean = table[table["year"] == 0].iloc[0]
    return (
        f"The mean speed of the study differs from that of ITS_LIVE's annual mosaics by {mean['bias_v']:+.1f} m/yr "
        f"(median of {mean['cells']:,} cells, NMAD {mean['nmad_v']:.1f} m/yr), over the years both have in a cell; "
        f"{100 * mean['within_v']:.0f} % lie within two standard errors of both."
    )
