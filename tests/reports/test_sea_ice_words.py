"""Sentences and the table of gridded sea ice, computed from the series."""

from __future__ import annotations

import pandas as pd
from tests.conftest import ROOT

from nunatak import reports
from nunatak.reports import front, sea_ice


def series(months=3):
    """Months from January 2019 on, 0.2, 0.3 .. m, with a week before them that must not be told."""
    starts = pd.date_range("2019-01-01", periods=months, freq="MS")
    table = pd.DataFrame(
        {
            "region": "region",
            "bins": "month",
            "time_start": starts,
            "time_end": starts + pd.DateOffset(months=1),
            "count": 1234,
            "n_pass": 5,
            "n_day": 4,
            "mean": 0.2 + 0.1 * pd.RangeIndex(months),
            "stderr": 0.012,
            "std": 0.1,
            "cell_mean": 0.25,
            "area": 5e4,
        }
    )
    week = table.iloc[:1].assign(bins="week", mean=9.0)
    return pd.concat([week, table], ignore_index=True)


def test_one_month_is_one_sentence():
    assert sea_ice.sentences(series(1)) == [
        "In January 2019 the mean freeboard of the region was 0.200 ± 0.012 m (1,234 segments of 5 passes)."
    ]


def test_several_months_have_a_course():
    """The first, the last, the highest and the lowest; the week is not among them."""
    first, course = sea_ice.sentences(series(3))
    assert "January 2019" in first
    assert course == (
        "In March 2019 it was 0.400 ± 0.012 m; it was highest in March 2019 (0.400 ± 0.012 m) and lowest in "
        "January 2019 (0.200 ± 0.012 m)."
    )


def test_a_bin_of_which_a_part_was_asked_for_is_told_as_that_part():
    """A month cut by the period is a span of days, or one day; a whole one stays a month."""
    said = {
        ("2019-01-01T00:00:00", "2019-01-08T00:00:00"): "From 1 Jan 2019 to 7 Jan 2019 the mean",
        ("2019-01-05T00:00:00", "2019-01-06T00:00:00"): "On 5 Jan 2019 the mean",
        ("2018-12-01T00:00:00", "2019-03-01T00:00:00"): "In January 2019 the mean",
    }
    for (start, end), begins in said.items():
        cut = sea_ice.within(series(1), {"start": start, "end": end})
        assert sea_ice.sentences(cut)[0].startswith(begins)
        assert len(cut) == len(series(1))


def test_table_of_the_longest_bins():
    """One row per month; beyond two years the last ones, and a note says how many there are."""
    assert len(sea_ice.series_table(series(3)).rows) == 3
    long = sea_ice.series_table(series(30))
    assert len(long.rows) == 24 and "24 of 30" in long.notes[-1]


def test_heights_are_not_called_freeboard():
    """A study of ATL07 speaks of heights above the mean sea surface in headline, table and conclusion."""
    study = {"products": {"atl10": None, "atl07": {"version": "007"}}}
    what = sea_ice.quantity(study)
    assert what == "height above the mean sea surface"
    (line,) = front.lead(None, None, [], series(1), what=what)[:1]
    assert line.startswith("In January 2019 the mean height above the mean sea surface of the region was 0.200")
    assert sea_ice.series_table(series(1), what).title == "Sea ice on the grid: height above the mean sea surface"
    assert "it is no freeboard" in sea_ice.remark("atl07")
    assert sea_ice.quantity({"products": {"atl10": {}, "atl07": None}}) == "freeboard"


def test_sea_ice_cites_its_own_works(tmp_path):
    """No glacier geodesy: what is cited follows the product; errors of summed glacier volumes belong to ATL15."""
    works = reports.read_references(ROOT / "config/references.bib")
    for product in ("atl07", "atl10"):
        study, provenance = {"products": {product: {}}}, {}
        lines = " ".join(front.citations(works, {product: {"version": "007"}}, study, provenance, False))
        assert "Surface height and sea ice freeboard" in lines and "science requirements" in lines
        assert "glacier" not in lines and "Land ice" not in lines
    gridded = " ".join(front.citations(works, {"atl15": {"version": "005"}}, {}, {}, False))
    assert "geodetic glacier mass balance" in gridded and "sea ice" not in gridded
