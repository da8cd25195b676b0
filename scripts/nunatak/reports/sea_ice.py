"""Words and tables of gridded sea ice, for the front page and its notebook."""

from __future__ import annotations

import pandas as pd

from nunatak.figures.freeboard_layouts import span
from nunatak.figures.freeboard_layouts import within as cut_to
from nunatak.figures.study_freeboard import VALUES
from nunatak.reports import words
from nunatak.reports.page import Table

_REMARKS = {
    "atl10": "Freeboard is the height of snow and ice above the local sea surface, not the thickness of the ice: snow "
    "depth and densities would be needed for that.",
    "atl07": "The height is that of snow, ice and water above the mean sea surface, less tides and inverted barometer; "
    "it is no freeboard, because the local sea surface between the floes is not taken off.",
}
_ROWS = 24  # bins listed; more are in series.csv


def quantity(study):
    """Return what the study's sea-ice values are, in words: freeboard (ATL10) or height (ATL07)."""
    return next((said for product, said in VALUES.items() if study["products"].get(product)), VALUES["atl10"])


def remark(product):
    """Return what the values of a product are not."""
    return _REMARKS[product]


def within(series, period):
    """
    Cut the time bins to the study's period: a month of which a week was asked for is told as that week.

    Parameters
    ----------
    series : DataFrame of series.csv, with time_start and time_end (datetime64, UTC)
    period : of the study as plain values, with start and end

    Returns
    -------
    DataFrame like `series`
    """
    start, end = cut_to(series["time_start"].to_numpy(), series["time_end"].to_numpy(), period)
    return series.assign(time_start=start, time_end=end)


def longest_bins(series):
    """Return the rows of the longest time bins of series.csv."""
    return series[series["bins"] == series["bins"].iloc[-1]] if len(series) else series


def series_table(series, what="freeboard"):
    """
    Format the longest bins of every region in words.

    Parameters
    ----------
    series : DataFrame of series.csv
    what : the value, in words
    """
    last = longest_bins(series)
    rows = [
        [
            row["region"].replace("_", " "),
            span(row["time_start"], row["time_end"]),
            f"{row['count']:,}",
            str(row["n_pass"]),
            str(row["n_day"]),
            words.plus_minus(row["mean"], row["stderr"]),
            words.plus_minus(row["cell_mean"], None),
            f"{row['std']:.2f}",
            f"{row['area'] / 1000:,.0f}",
        ]
        for row in last.tail(_ROWS).to_dict("records")
    ]
    heads = (
        "region",
        "time",
        "segments",
        "passes",
        "days",
        "mean of segments (m)",
        "mean over area (m)",
        "spread (m)",
        "area seen (1000 km²)",
    )
    notes: tuple[str, ...] = (
        "Segments count by their length. The error is that of the mean, from the scatter of passes, because segments "
        "of one pass are not independent; the spread is the standard deviation of segments.",
    )
    if len(last) > _ROWS:
        notes = (*notes, f"The last {_ROWS} of {len(last)} rows; all of them are in freeboard/series.csv.")
    return Table(f"Sea ice on the grid: {what}", heads, rows, notes)


def sentences(series, what="freeboard"):
    """Describe for every region what the first of the longest bins is, and how the last differs from it."""
    said = []
    for name, rows in longest_bins(series).groupby("region", sort=False):
        rows = rows.reset_index(drop=True)
        first, last = rows.iloc[0], rows.iloc[-1]
        place = name.replace("_", " ")
        mean = words.plus_minus(first["mean"], first["stderr"], "m")
        said.append(
            f"{_when(first, begins=True)} the mean {what} of the {place} was {mean} "
            f"({first['count']:,} segments of {first['n_pass']} pass{'' if first['n_pass'] == 1 else 'es'})."
        )
        if len(rows) > 1:
            highest, lowest = rows.loc[rows["mean"].idxmax()], rows.loc[rows["mean"].idxmin()]
            said.append(
                f"{_when(last, begins=True)} it was {words.plus_minus(last['mean'], last['stderr'], 'm')}; it was "
                f"highest {_when(highest)} ({words.plus_minus(highest['mean'], highest['stderr'], 'm')}) and lowest "
                f"{_when(lowest)} ({words.plus_minus(lowest['mean'], lowest['stderr'], 'm')})."
            )
    return said


def _when(row, *, begins=False):
    """Format a time bin with its preposition: in a month, on a day, from a day to another."""
    said = span(pd.Timestamp(row["time_start"]), pd.Timestamp(row["time_end"]))
    before = "from" if " to " in said else "on" if said[0].isdigit() else "in"
    return f"{before.capitalize() if begins else before} {said}"


def settings_rows(dataset):
    """Return what was kept and how it was weighted, as rows for a table, from a group of grid.nc."""
    about = dataset.attrs
    return [
        ("segments read", f"{about['segments_read']:,}"),
        ("of them outside the grid", f"{about['segments_outside']:,}"),
        ("of them without a valid value, weight, position or time", f"{about['segments_invalid']:,}"),
        ("granules with a segment", f"{about['granules']:,}"),
        ("mean", str(about["weighting"])),
        (
            "fewest segments, passes, days of a cell",
            ", ".join(str(about[f"minimum_{name}"]) for name in ("segments", "passes", "days")),
        ),
    ]
