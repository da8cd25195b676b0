"""Statistics by cell and bin: exact cases, calibrated errors, CF datasets, climatology, the ATL20 style."""

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from numpy.testing import assert_allclose, assert_array_equal

from nunatak.files.rasters import write_netcdf
from nunatak.gridding import accumulate, anomaly, atl20_style, cell_statistics, climatology, make_grid, statistics
from nunatak.gridding.atl20 import difference
from nunatak.runtime import NunatakError

GRID = make_grid(crs="EPSG:6932", cell=10_000, bounds=(0, -1.62e6, 40_000, -1.6e6))


def in_cell(value, *, cell=0, granule="a", day="2019-09-03", weight=1.0, lead=0, error=0.1):
    """Segments with these values in one cell of GRID."""
    longitude, latitude = GRID.lonlat()
    n = len(value)
    return pd.DataFrame(
        {
            "longitude": np.full(n, longitude.ravel()[cell]),
            "latitude": np.full(n, latitude.ravel()[cell]),
            "granule_id": granule,
            "time": np.datetime64(day, "ns"),
            "value": value,
            "weight": weight,
            "lead": lead,
            "error": error,
        }
    )


def gridded(*tables, grid=GRID):
    """Accumulators of tables of segments."""
    table = pd.concat(tables, ignore_index=True)
    return accumulate(table, grid, value="value", weight="weight", lead="lead", error="error", level_width=0.01)


def one(accumulators, *names, bins="month", **options):
    """The statistics of the only cell and bin."""
    table = cell_statistics(accumulators, bins, names, **options)
    assert len(table) == 1
    return table.iloc[0][list(names)].to_list()


def test_standard_error_is_that_of_pass_means():
    """Passes of equal weight with means 1, 2, 3: 1/sqrt(3), however many segments each has and however they spread."""
    done = gridded(*(in_cell([m - 0.5, m + 0.5], granule=f"g{m}") for m in (1, 2, 3)))
    assert_allclose(one(done, "mean", "stderr", "n_pass"), [2.0, 1 / np.sqrt(3), 3])
    assert_allclose(one(done, "mean", "stderr", weighting="pass_mean"), [2.0, 1 / np.sqrt(3)])
    assert_allclose(one(done, "std"), np.sqrt(2 / 3 + 0.25))


def test_variances_of_unequal_weights():
    """
    Values 1, 2, 6 with weights 1, 2, 3 vary about their mean 23/6.

    Without bias, the variance is divided by 1 - 14/36. A single value has no variance without bias.
    """
    done = gridded(in_cell([1.0, 2.0, 6.0], weight=[1.0, 2.0, 3.0]))
    variance = (1 * (1 - 23 / 6) ** 2 + 2 * (2 - 23 / 6) ** 2 + 3 * (6 - 23 / 6) ** 2) / 6
    unbiased = variance / (1 - 14 / 36)
    names = ("mean", "variance", "std", "sample_variance", "sample_std", "n_effective", "mean_length")
    expected = [23 / 6, variance, np.sqrt(variance), unbiased, np.sqrt(unbiased), 36 / 14, 2.0]
    assert_allclose(one(done, *names), expected)
    assert_allclose(one(gridded(in_cell([1.0])), "variance", "sample_variance", "sample_std"), [0.0, np.nan, np.nan])


def test_one_pass_has_no_standard_error():
    """A thousand segments of one pass say nothing about the next pass."""
    assert np.isnan(one(gridded(in_cell(np.linspace(0, 1, 1000))), "stderr")[0])


def test_two_stages_give_each_pass_one_vote():
    """A pass of ninety segments at 1 m and one of ten at 0: 0.9 by segments, 0.5 by passes."""
    done = gridded(in_cell(np.ones(90), granule="a"), in_cell(np.zeros(10), granule="b"))
    assert_allclose(one(done, "mean"), 0.9)
    assert_allclose(one(done, "mean", "stderr", weighting="pass_mean"), [0.5, 0.5])


def test_daily_means_differ_from_segment_means_and_say_so():
    """Three segments on one day and one on the next: the mean of days is not the mean of segments; both are offered."""
    done = gridded(in_cell([0.1, 0.1, 0.1], day="2019-09-01"), in_cell([0.5], day="2019-09-02", granule="b"))
    assert_allclose(one(done, "mean"), 0.2)
    assert_allclose(one(done, "mean", "n_day", weighting="daily_mean"), [0.3, 2])
    dataset = statistics(done, weighting="daily_mean")
    assert dataset["mean"].attrs["weighting"] == "daily_mean"
    assert dataset.attrs["weighting"] == "daily_mean: the means of the days, one vote each"


def test_a_pass_over_midnight_is_one_pass_on_two_days():
    """Segments of one granule on both sides of midnight."""
    done = gridded(in_cell([0.1], day="2019-09-01"), in_cell([0.2], day="2019-09-02"))
    assert one(done, "n_pass", "n_day") == [1, 2]


def test_histogram_statistics_lie_within_a_level():
    """Median, percentiles, MAD and mode of 5,000 weighted values, within its width of the exact one."""
    rng = np.random.default_rng(0)
    value, weight = rng.gamma(3, 0.1, 5000), rng.uniform(5, 50, 5000)
    done = gridded(in_cell(value, weight=weight))
    order = np.argsort(value)
    share = np.cumsum(weight[order]) / weight.sum()
    exact = [value[order][np.searchsorted(share, f)] for f in (0.5, 0.05, 0.95)]
    deviation = np.abs(value - exact[0])
    order = np.argsort(deviation)
    exact.append(deviation[order][np.searchsorted(np.cumsum(weight[order]) / weight.sum(), 0.5)])
    assert_allclose(one(done, "median", "p05", "p95", "mad"), exact, atol=0.01)
    assert_allclose(one(gridded(in_cell([0.1, 0.214, 0.216, 0.3])), "mode"), 0.215)


def test_histogram_statistics_need_a_histogram():
    """Without a level width the median is refused with the remedy."""
    done = accumulate(in_cell([0.1]), GRID, value="value")
    with pytest.raises(NunatakError, match="median needs a histogram; accumulate with a level_width"):
        cell_statistics(done, "month", ("median",))


def test_propagated_error_and_lead_share():
    """Four segments with 0.1 m error each: 0.05 m; a lead of 30 m among 60 m: one half."""
    assert_allclose(one(gridded(in_cell([0.1, 0.2, 0.3, 0.4])), "sigma"), 0.05)
    done = gridded(in_cell([0.0, 0.3], weight=[30.0, 30.0], lead=[1, 0]))
    assert one(done, "lead_share", "n_lead") == [0.5, 1]


@pytest.mark.parametrize(("option", "value"), [("minimum_segments", 4), ("minimum_passes", 3), ("minimum_days", 2)])
def test_minimum_counts_hide_values_but_not_counts(option, value):
    """Below a minimum the mean is missing; the count still says what was there."""
    done = gridded(in_cell([0.1, 0.2]), in_cell([0.3], granule="b"))
    count, mean = one(done, "count", "mean", **{option: value})
    assert count == 3
    assert np.isnan(mean)
    assert one(done, "mean", **{option: value - 1})[0] == pytest.approx(0.2)


def test_standard_error_is_calibrated():
    """
    Over 2,000 realisations the squared error of the mean is what stderr says.

    Passes share an offset (0.05 m) far above their segments' noise: an error from counting segments would be five times
    too small.
    """
    rng = np.random.default_rng(5)
    n_cell, n_pass, n_segment = 2000, 8, 25
    longitude, latitude = make_grid(preset="ease2_south", cell="25km").lonlat()
    places = rng.choice(np.flatnonzero((latitude < -60).ravel()), n_cell, replace=False)
    tables = []
    for number in range(n_pass):
        cell = np.repeat(places, n_segment)
        value = np.repeat(0.3 + rng.normal(0, 0.05, n_cell), n_segment) + rng.normal(0, 0.02, cell.size)
        columns = {"longitude": longitude.ravel()[cell], "latitude": latitude.ravel()[cell], "value": value}
        tables.append(pd.DataFrame(columns | {"granule_id": f"g{number}", "weight": rng.uniform(10, 30, cell.size)}))
    done = accumulate(pd.concat(tables), make_grid(preset="ease2_south"), value="value", weight="weight")
    for weighting in ("segment_weighted", "pass_mean"):
        table = cell_statistics(done, "all", ("mean", "stderr"), weighting=weighting)
        ratio = np.mean((table["mean"] - 0.3) ** 2) / np.mean(table["stderr"] ** 2)
        assert 0.9 < ratio < 1.1  # 2,000 squares of one degree of freedom: +-3 %


def test_dataset_lies_where_gdal_looks_and_links_its_variables(tmp_path):
    """The NetCDF of a month: place, bounds, grid mapping, ancillary variables, units."""
    done = gridded(in_cell([0.1, 0.3], cell=5), in_cell([0.3], cell=5, granule="b"))
    dataset = statistics(done, "month", ("count", "mean", "std", "variance", "stderr"))
    write_netcdf(dataset, tmp_path / "grid.nc", {"study": "x"})
    with rasterio.open(f"netcdf:{tmp_path / 'grid.nc'}:mean") as source:
        assert tuple(source.transform)[:6] == GRID.transform
        assert source.crs.to_epsg() == 6932
        assert_allclose(source.read(1)[1, 1], 0.7 / 3)
    with xr.open_dataset(tmp_path / "grid.nc", engine="h5netcdf") as back:
        assert back["mean"].attrs["ancillary_variables"] == "stderr std count"
        assert back["mean"].attrs["grid_mapping"] == "spatial_ref"
        assert back["variance"].attrs["units"] == "m2"
        assert back["count"].dtype == np.int32
        assert_array_equal(back["time_bnds"].values[0], np.array(["2019-09-01", "2019-10-01"], "M8[ns]"))


def test_empty_bins_of_the_period_are_layers():
    """A week without a segment is an empty layer when a period is given; a segment outside the period is refused."""
    done = gridded(in_cell([0.1], day="2019-09-03"), in_cell([0.2], day="2019-09-24"))
    dataset = statistics(done, "week", ("count", "mean"), period=("2019-09-02", "2019-09-30"))
    assert_array_equal(dataset["count"].sum(("y", "x")), [1, 0, 0, 1])
    assert_array_equal(dataset["mean"].notnull().sum(("y", "x")), [1, 0, 0, 1])
    with pytest.raises(NunatakError, match="points on 2019-09-23 lie outside the period"):
        statistics(done, "week", period=("2019-09-02", "2019-09-16"))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"names": ("average",)}, "statistics: 'average' is not known; choose from count"),
        ({"weighting": "equal"}, "weighting: 'equal' is not known; choose from segment_weighted"),
        ({"bins": "fortnight"}, "bins: 'fortnight' is not a time bin"),
    ],
)
def test_unknown_words_are_refused(options, text):
    """A misspelt statistic, weighting or bin names those that exist."""
    with pytest.raises(NunatakError, match=text):
        cell_statistics(gridded(in_cell([0.1])), **options)


def test_climatology_and_anomaly_of_several_septembers():
    """Means 0.2, 0.3, 0.4 in three Septembers: climatology 0.3, between-year spread 0.1, anomalies -0.1, 0, 0.1."""
    tables = [
        in_cell([0.1 * year - 0.02, 0.1 * year + 0.02], granule=[f"a{year}", f"b{year}"], day=f"{2017 + year}-09-10")
        for year in (2, 3, 4)
    ]
    monthly = statistics(gridded(*tables), "month", ("mean", "stderr"))
    normal = climatology(monthly)
    assert_allclose(normal["mean"].sel(month=9)[0, 0], 0.3)
    assert_allclose(normal["std_between_years"].sel(month=9)[0, 0], 0.1)
    assert normal.attrs["years"] == "2019, 2020, 2021"
    out = anomaly(monthly, normal)
    assert_allclose(out["anomaly"][:, 0, 0], [-0.1, 0.0, 0.1], atol=1e-12)
    # var = (2/3)^2 s^2 + 2 s^2 / 9 = 2/3 s^2 with s = 0.02
    assert_allclose(out["anomaly_sigma"][:, 0, 0], 0.02 * np.sqrt(2 / 3))
    assert normal["mean"].isnull().sum() == GRID.size - 1


def test_a_month_seen_in_one_year_has_no_climatology():
    """One September is no climatology unless one year is declared enough."""
    monthly = statistics(gridded(in_cell([0.2])), "month", ("mean",))
    assert climatology(monthly)["mean"].isnull().all()
    assert_allclose(climatology(monthly, minimum_years=1)["mean"].values[0, 0, 0], 0.2)


def test_atl20_style_says_what_is_not_verified():
    """25 km polar stereographic, strong beams, length weights; the thresholds not read are named in the output."""
    style = atl20_style("south")
    assert (style.grid.shape, style.grid.crs, style.beams) == ((332, 316), "EPSG:3412", "strong")
    assert "lowest ice concentration" in style.attributes["style_unverified"]
    assert "not ATL20-equivalent" in style.attributes["style"]
    with pytest.raises(NunatakError, match="hemisphere 'arctic' is not known"):
        atl20_style("arctic")


def test_difference_from_atl20():
    """Ours less theirs where both have a value, with the cells that only one has; other grids or months are refused."""
    grid = atl20_style("south").grid
    ours = statistics(gridded(in_cell([0.5]), grid=grid), "month", ("mean",))
    theirs = xr.Dataset(
        {"mean_fb": (("time", "y", "x"), np.full((1, *grid.shape), 0.4))},
        coords={"time": np.array(["2019-09-01"], "M8[ns]"), "y": grid.y, "x": grid.x},
    )
    out = difference(ours, theirs)
    assert_allclose([out.attrs["mean"], out.attrs["rms"]], 0.1)
    assert (out.attrs["cells"], out.attrs["only_ours"], out.attrs["only_theirs"]) == (1, 0, grid.size - 1)
    with pytest.raises(NunatakError, match="the grids differ"):
        difference(statistics(gridded(in_cell([0.5])), "month", ("mean",)), theirs)
    with pytest.raises(NunatakError, match="no common time: ours begins 2019-09-01, theirs 2020-01-01"):
        difference(ours, theirs.assign_coords(time=np.array(["2020-01-01"], "M8[ns]")))
