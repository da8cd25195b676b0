"""Which years of velocity and height change a budget rests on."""

import numpy as np
import pytest
import xarray as xr

from nunatak.dynamics.surface import covered_years, shared_spans

CELLS = 10


def composite(cells_by_year):
    """Return a composite whose years see so many of 100 cells."""
    years = list(cells_by_year)
    seen = np.arange(CELLS * CELLS).reshape(CELLS, CELLS)
    vx = np.stack([np.where(seen < count, 100.0, np.nan) for count in cells_by_year.values()])
    starts = ("year", np.array(years, float))
    return xr.Dataset(
        {"vx": (("year", "y", "x"), vx)},
        {"year": years, "year_start": starts, "year_end": ("year", np.array(years) + 1.0)},
    )


@pytest.mark.parametrize(
    ("cells", "chosen"),
    [
        ({2018: 100, 2019: 90, 2020: 80}, [2018, 2019, 2020]),
        ({1996: 100, 2018: 100, 2019: 100}, [2018, 2019]),
        ({1996: 30, 1997: 79, 2018: 0, 2019: 100, 2020: 95}, [2019, 2020]),
        ({2000: 100, 2001: 100, 2002: 10, 2003: 100, 2004: 100}, [2003, 2004]),
        ({2000: 100, 2001: 100, 2002: 100, 2003: 10, 2004: 100}, [2000, 2001, 2002]),
        ({2019: 0, 2020: 0}, []),
    ],
)
def test_years_are_the_longest_run_that_covers_the_map(cells, chosen):
    annual = composite(cells)
    assert [int(year) for year in annual["year"].values[covered_years(annual)]] == chosen


def test_spans_leave_out_years_beyond_the_record_and_sparse_ones():
    change = xr.Dataset(coords={"year": [1995.0, 2020.5]})
    spans = shared_spans(change, composite({1994: 100, 1996: 20, 2017: 90, 2018: 100, 2019: 95, 2020: 100}))
    assert list(spans) == [2017, 2018, 2019, 0]
    np.testing.assert_array_equal(spans[0], [2017.0, 2020.0])


def test_no_year_within_the_record_gives_no_span():
    assert shared_spans(xr.Dataset(coords={"year": [2022.0, 2023.0]}), composite({2018: 100})) == {}
