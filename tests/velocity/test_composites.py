"""Composites: the fit against numpy's least squares, the filters against their definition, the truth recovered."""

import numpy as np
import pytest
import xarray as xr
from tests.builders.velocity import FILL, cells_of, cube_of, mean_over, noisy_cube, pair_times

from nunatak.products.itslive.cubes import open_datacube
from nunatak.runtime import NunatakError
from nunatak.velocity import Filters, composite, composites_by_sensor, composition
from nunatak.velocity.annual_cells import fit_cells, kept_cells
from nunatak.velocity.annual_fields import line_through
from nunatak.velocity.annual_fit import fit_reference
from nunatak.velocity.design import design
from nunatak.velocity.filters import NO_FILTERS, keep_reference
from nunatak.velocity.sensors import slower_groups, slower_groups_reference

TIBET = "real/ITS_LIVE_cube/ITS_LIVE_vel_EPSG32646_G0120_X750000_Y3350000_crop_1986-2020.zarr"
ALL = Filters(before_minimum=1, after_minimum=1)


def as_float(row):
    return np.where(row == FILL, np.nan, row.astype(float))


@pytest.mark.parametrize("seasonal", [True, False])
def test_fit_equals_least_squares(seasonal):
    """Annual means, their errors, a, b, covariance and misfit against lstsq, to 1e-6 m/yr."""
    rng = np.random.default_rng(11)
    cube, _ = noisy_cube(rng, n=300, shape=(2, 3), amplitude=60.0, dt_days=(16, 64, 368))
    pairs, (vx, vy) = design(cube), cells_of(cube)
    out = fit_cells(vx, vy, pairs, NO_FILTERS, seasonal=seasonal, trend_inside=False)
    for cell in range(6):
        for c, values in enumerate((vx, vy)):
            expected = fit_reference(as_float(values[cell]), pairs, component=c, seasonal=seasonal)
            np.testing.assert_allclose(out["annual"][cell, c], expected["annual"], atol=1e-6, rtol=0)
            np.testing.assert_allclose(out["sigma"][cell, c], expected["annual_sigma"], rtol=1e-9)
            a, b, var_a, _, cov_ab, chi2 = out["cycle"][cell, c]
            np.testing.assert_allclose(chi2, expected["chi2"], rtol=1e-9)
            if seasonal:
                np.testing.assert_allclose([a, b], [expected["a"], expected["b"]], atol=1e-6)
                np.testing.assert_allclose(cov_ab, expected["covariance"][-1, -2], rtol=1e-9)
                np.testing.assert_allclose(var_a, expected["covariance"][-2, -2], rtol=1e-9)
            else:
                assert np.isnan([a, b]).all()


def test_filters_equal_their_definition():
    """Blunders, a group that locks on to rest at long separations, impossible speeds: the same pairs stay."""
    rng = np.random.default_rng(12)
    cube, (start, end) = noisy_cube(rng, n=400, shape=(4, 5), outliers=0.05, dt_days=(16, 32, 64, 110))
    days = np.rint((end - start) * 365.25)
    group = rng.choice(["L89", "S2", "L7"], 400)
    for name in ("vx", "vy"):
        cube[name].values[(group == "S2") & (days > 50)] = 3
    cube["vx"].values[::37] = 25000
    cube = cube.assign_coords(group=("time", group.astype(object)))
    pairs, (vx, vy) = design(cube), cells_of(cube)
    for filters in (
        Filters(),
        Filters(longest_separation=False),
        Filters(window=0),
        Filters(window=5, outlier_factor=4),
    ):
        kept, _, counts = kept_cells(vx, vy, pairs, filters)
        for cell in range(20):
            keep = keep_reference(as_float(vx[cell]), as_float(vy[cell]), pairs.dt * 365.25, pairs.group, filters)
            np.testing.assert_array_equal(np.isfinite(kept[cell]), keep)
            assert counts["totals"][cell, 1] == keep.sum()
    locked = (np.asarray(pairs.group_names)[pairs.group] == "S2") & (pairs.dt * 365.25 > 50)
    kept, *_ = kept_cells(vx, vy, pairs, Filters())
    assert (
        not np.isfinite(kept[:, locked]).any() and np.isfinite(kept[:, ~locked]).mean() > 0.5
    )  # of 0.57 that are there


def test_a_trend_is_no_seasonal_cycle():
    """ITS_LIVE's constant years turn 60 m/yr per year into a false cycle; following the trend inside them does not."""
    rng = np.random.default_rng(5)
    cube, _ = noisy_cube(rng, n=800, shape=(3, 3), sigma=10.0, trend=60.0)
    followed = composite(cube, filters=NO_FILTERS)
    constant = composite(cube, filters=NO_FILTERS, trend_inside=False)
    assert float(followed["v_amp"].median()) < 3 < 10 < float(constant["v_amp"].median()) < 60 / np.pi + 5


def test_mean_median_and_a_function_of_the_user():
    """Three pairs of one year by hand: weighted mean, median, largest; a pair in the next year; none in between."""
    start = np.array([2001.1, 2001.2, 2001.3, 2003.2])
    end = start + 0.1
    vx = np.array([10.0, 20.0, 60.0, 7.0])[:, None, None]
    cube = cube_of(vx, 0 * vx, start, end, sigma=np.array([20.0, 20.0, 40.0, 20.0]))
    mean = composite(cube, method="mean", filters=ALL)
    assert mean["year"].values.tolist() == [2001, 2002, 2003]
    np.testing.assert_allclose(mean["vx"].squeeze(), [(10 + 20 + 60 / 4) / 2.25, np.nan, 7.0], rtol=1e-6)
    np.testing.assert_allclose(mean["vx_error_formal"].squeeze(), [20 / 1.5, np.nan, 20.0], rtol=1e-6)
    assert mean["count"].squeeze().values.tolist() == [3, 0, 1]
    assert mean["images"].squeeze().values.tolist() == [6, 0, 2]
    assert composite(cube, method="median", filters=ALL)["vx"].squeeze()[0] == 20
    largest = composite(cube, method=lambda values: np.nanmax(values, axis=0), filters=ALL)
    np.testing.assert_array_equal(largest["vx"].squeeze(), [60, np.nan, 7])


def test_a_year_between_data_is_nan_and_the_trend_bridges_it():
    """No pair in 2004 to 2006: NaN there, never 0; means and trend of the other years stay right."""
    rng = np.random.default_rng(7)
    cube, (start, end) = noisy_cube(rng, n=500, shape=(3, 3), sigma=10.0, trend=20.0)
    annual = composite(cube.isel(time=np.nonzero((end < 2004) | (start > 2007))[0]))
    gap = annual.sel(year=[2004, 2005, 2006])
    assert np.isnan(gap["v"]).all() and (gap["count"] == 0).all()
    np.testing.assert_allclose(annual["dv_dt"], 20.0, atol=2.5)


def test_two_pairs_in_all_give_no_fit_but_a_mean(caplog):
    """Too few for ITS_LIVE's filters, which is said; enough for a mean."""
    cube = cube_of(
        np.full((2, 1, 1), 100.0), np.full((2, 1, 1), 5.0), np.array([2001.1, 2001.5]), np.array([2001.2, 2001.6])
    )
    fit = composite(cube)
    assert np.isnan(fit["v"]).all() and "no cell has enough of the 2 pairs" in caplog.text
    assert float(composite(cube, method="mean")["vx"].squeeze()) == 100


def test_years_that_share_all_their_pairs_cannot_be_told_apart():
    """Identical pairs across one New Year: their sum is known, each year is not."""
    start, end = np.full(40, 2001.9), np.full(40, 2002.1)
    v = 100 + np.random.default_rng(8).standard_normal((40, 1, 1))
    annual = composite(cube_of(v, v, start, end), filters=NO_FILTERS, seasonal=False)
    assert np.isnan(annual["vx"]).all() and (annual["count"].values == 40).all()


def test_stable_shift_is_dropped_or_undone():
    """Landsat 8: a shift of 90 m is beyond 61.6 m; flag 1 drops the pair, flag 2 takes the correction back."""
    n = 60
    start = np.sort(np.random.default_rng(9).uniform(2013, 2015, n))
    end = start + 32 / 365.25
    shift = 90 / (32 / 365.25)
    flag = np.where(np.arange(n) % 3 == 0, 1, np.where(np.arange(n) % 3 == 1, 2, 0))
    true = np.full((n, 1, 1), 500.0)
    seen = true - np.where(flag == 0, 0.0, shift)[:, None, None]
    cube = cube_of(seen, seen, start, end, flag=flag, shift=np.where(flag == 0, np.nan, shift))
    annual = composite(cube, method="mean", filters=NO_FILTERS)
    np.testing.assert_allclose(annual["vx"].squeeze(), 500.0, atol=0.6)  # the file holds whole m/yr
    assert int(annual["count0"].squeeze()) == (flag != 1).sum()


def test_season_years_begin_where_they_are_told():
    """A year from July: pairs around one New Year belong to one year, named after its end."""
    start = np.array([2003.85, 2004.05])
    cube = cube_of(np.full((2, 1, 1), 50.0), np.zeros((2, 1, 1)), start, start + 0.05)
    annual = composite(cube, method="mean", year_start=7)
    assert annual["year"].values.tolist() == [2004] and int(annual["count"].squeeze()) == 2
    assert annual["year_start"].values[0] == pytest.approx(2003.5, abs=0.01)


def test_shared_images_make_errors_larger():
    """Every pair uses one first image: what that image is wrong by does not average out."""
    n = 80
    start = np.full(n, 2001.05)
    end = start + np.linspace(0.1, 0.9, n)
    rng = np.random.default_rng(10)
    v = 300 + 20 * rng.standard_normal((n, 1, 1))
    shared = cube_of(v, v, start, end, images=[np.zeros(n, int), np.arange(1, n + 1)])
    alone = cube_of(v, v, start, end)
    options = {"filters": NO_FILTERS, "seasonal": False, "image_sigma": 1.0}
    errors = [float(composite(c, **options)["vx_error_formal"].squeeze()) for c in (shared, alone)]
    assert errors[0] > 1.5 * errors[1]
    # by hand: the pair's weight is 1 / variance of displacement, the image's error enters with their sum
    variance = (20.0 * (end - start)) ** 2
    dt = end - start
    gain = dt / variance / np.sum(dt**2 / variance)
    expected = np.sqrt(np.sum(gain**2 * (np.maximum(variance - 2, 0) + 1)) + np.sum(gain) ** 2)
    assert errors[0] == pytest.approx(expected, rel=1e-5)


def sensor_cube(rng, change, *, shape=(3, 4), n=500):
    """Landsat 8 and Sentinel-2 over one motion; `change(speed, mid, is_sentinel)` gives what they see."""
    start, end = pair_times(rng, n, first=2016.0, last=2022.0, dt_days=(16, 32, 48))
    sentinel = rng.random(n) < 0.5
    speed = change(mean_over(start, end, reference=2018.0), (start + end) / 2, sentinel)
    v = speed[:, None, None] + 20 * rng.standard_normal((n, *shape))
    v[rng.random((n, *shape)) < 0.2] = np.nan
    cube = cube_of(0.6 * v, -0.8 * v, start, end, group=np.where(sentinel, "S2", "L89").astype(object))
    return cube, sentinel


def test_a_group_that_is_slower_than_sentinel_2_is_left_out_near_margins():
    """Landsat 8 sees 60 m/yr less: left out where it is judged, kept in the interior; as the definition has it."""
    cube, _ = sensor_cube(np.random.default_rng(20), lambda v, t, s: v - np.where(s, 0.0, 60.0))
    interior = np.zeros((3, 4), bool)
    interior[:, 2:] = True
    annual = composite(cube, interior=interior)
    assert (annual["sensor_excluded"].values[~interior] == 1).all()
    assert float(annual["v0"].values[~interior].mean()) == pytest.approx(1000, abs=6)
    assert float(np.median(annual["v0"].values[interior])) < 985
    pairs, (vx, vy) = design(cube), cells_of(cube)
    found = slower_groups(vx, vy, pairs, np.ones(12, bool))
    reference = pairs.group_names.index("S2")
    for cell in range(12):
        expected = slower_groups_reference(
            as_float(vx[cell]), as_float(vy[cell]), pairs.mid * 365.25, pairs.dt * 365.25, pairs.group, reference
        )
        assert np.nonzero(found[cell])[0].tolist() == expected
    same, _ = sensor_cube(np.random.default_rng(21), lambda v, t, s: v)
    assert int(composite(same, interior=np.zeros((3, 4), bool))["sensor_excluded"].sum()) == 0


def test_a_season_of_sentinel_2_alone_is_not_believed_inside():
    """A cycle of 80 m/yr that only Sentinel-2 sees vanishes inside; one that both see stays."""
    wave = lambda t: 80 * np.cos(2 * np.pi * t)  # noqa: E731
    false, _ = sensor_cube(np.random.default_rng(22), lambda v, t, s: v + np.where(s, wave(t), 0.0))
    everywhere = np.ones((3, 4), bool)
    annual = composite(false, interior=everywhere)
    assert (annual["sensor_excluded"] == 1).all() and float(annual["v_amp"].median()) < 8
    true, _ = sensor_cube(np.random.default_rng(23), lambda v, t, s: v + wave(t))
    annual = composite(true, interior=everywhere)
    assert (annual["sensor_excluded"] == 0).all() and float(annual["v_amp"].median()) > 70
    with pytest.raises(NunatakError, match="does not fit the cube"):
        composite(true, interior=np.ones((2, 2), bool))


def test_line_through_by_hand():
    """Speeds 1, 2, 3 in three years with equal errors; all years on one side give the mean and no slope."""
    values, sigma = np.array([[1.0, 2.0, 3.0]]), np.ones((1, 3))
    mean, mean_error, slope, slope_error = line_through(np.array([-1.0, 0.0, 1.0]), values, sigma)
    np.testing.assert_allclose([mean, mean_error, slope, slope_error], [[2], [3**-0.5], [1], [2**-0.5]])
    mean, _, slope, _ = line_through(np.array([1.0, 2.0, 3.0]), values, sigma)
    assert mean == 2 and np.isnan(slope)


def test_every_sensor_of_a_real_datacube_tells_nearly_the_same(data):
    """12,401 pairs of a slow glacier in Tibet, mid-dates repeated: the optical groups agree to 2 m/yr, none is lost."""
    cube = open_datacube(data(TIBET), variables=("vx", "vy"))
    assert cube.sizes["time"] == 12401 > np.unique(cube["time"].values).size
    found = composites_by_sensor(cube)
    assert sum(annual.attrs["n_pairs"] for annual in found.values()) == 12401
    assert {"L45", "L7", "L89", "S1", "S2"} <= set(found)
    speeds = {name: float(annual["v0"].median()) for name, annual in found.items()}
    optical = [speeds[name] for name in ("L45", "L7", "L89", "S2")]
    assert max(optical) - min(optical) < 2 and 0 < min(optical) < 6
    assert (found["L89"]["v"].notnull().sum() > 5000) and 2013 <= found["L89"]["year"].min() <= 2014


def test_bands_threads_and_dask_do_not_change_values(monkeypatch):
    """A row or some cells at a time, one thread, Dask, fields that hold the cells alone: identical results."""
    rng = np.random.default_rng(13)
    cube, _ = noisy_cube(rng, n=200, shape=(6, 5))
    whole = composite(cube)
    monkeypatch.setattr(composition, "_CELLS", 7)
    for other in (
        composite(cube, compact=True),
        composite(cube, memory_mb=0.01, threads=1),
        composite(cube.chunk({"time": 50, "y": 2}), memory_mb=0.05),
    ):
        assert whole.equals(other)


def test_the_order_of_layers_does_not_matter():
    """Filters go by date: a cube put together of parts is that of one in order."""
    cube, _ = noisy_cube(np.random.default_rng(17), n=200, shape=(2, 2), sigma=80.0)
    shuffled = cube.isel(time=np.random.default_rng(18).permutation(200))
    for method in ("lsq", "mean"):
        xr.testing.assert_equal(composite(shuffled, method=method), composite(cube, method=method))


def test_bad_input_is_refused():
    """No layers, an unknown method, a month 13, a region without a cell."""
    cube, _ = noisy_cube(np.random.default_rng(0), n=10, shape=(2, 2))
    with pytest.raises(NunatakError, match="has no layers"):
        composite(cube.isel(time=slice(0, 0)))
    with pytest.raises(NunatakError, match="method 'mode'; choose lsq, mean, median"):
        composite(cube, method="mode")
    with pytest.raises(NunatakError, match="year_start: 13 is no month"):
        composite(cube, year_start=13)
    with pytest.raises(NunatakError, match="the region has no cell"):
        composite(cube.assign_coords(roi=cube["roi"] * 0))
