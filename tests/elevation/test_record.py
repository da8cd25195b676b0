"""Long record: conservative means, quarters, and two records joined over the epochs that they share."""

import numpy as np
import pytest
import xarray as xr
from tests.builders import records as made

from nunatak.dynamics.surface import rate_between, yearly_change
from nunatak.elevation import PARTS, join, of_one_source, quarterly
from nunatak.elevation.quarters import quarters_of
from nunatak.elevation.record import ATL15_ALONE, ITSLIVE_ALONE, JOINED, NONE, offset_of
from nunatak.elevation.regridding import onto_coarser
from nunatak.geometry.grid import Grid
from nunatak.runtime import NunatakError

OLD = np.arange(1992.0, 2020.99, 0.25)
NEW = np.arange(2019.0, 2024.01, 0.25)


def test_coarser_means_keep_the_sum_of_area_times_value():
    rng = np.random.default_rng(1)
    fine = made.atl15([2020.0, 2021.0], bounds=(-1600e3, -320e3, -1580e3, -298e3))
    fine["delta_h"] = (fine["delta_h"].dims, rng.standard_normal(fine["delta_h"].shape))
    fine["ice_area"] = fine["ice_area"] * rng.random(fine["ice_area"].shape)
    grid = Grid.from_bounds(made.CRS, (-1603e3, -322e3, -1577e3, -295e3), 3700.0)
    coarse = onto_coarser(fine, ("delta_h",), grid, area="ice_area", least=0.0)
    volume = [float((data["delta_h"] * data["ice_area"]).sum()) for data in (fine, coarse)]
    assert volume[1] == pytest.approx(volume[0], rel=1e-6)
    assert float(coarse["ice_area"].sum()) == pytest.approx(float(fine["ice_area"].sum()))
    with pytest.raises(NunatakError, match="EPSG:3413"):
        onto_coarser(fine.assign_attrs(crs="EPSG:3413"), ("delta_h",), grid, area="ice_area")


def test_a_mean_needs_values_over_half_of_its_area():
    fine = made.atl15([2020.0], bounds=(0, 0, 4e3, 4e3))
    fine["delta_h"][0, :2, 1:3] = np.nan
    fine["delta_h"][0, 0, 3] = np.nan
    coarse = onto_coarser(fine, ("delta_h",), Grid(made.CRS, 0, 4e3, 2000.0, 2000.0, 2, 2), area="ice_area")
    assert np.isfinite(coarse["delta_h"].values).tolist() == [[[True, False], [True, True]]]


def test_a_quarter_is_centred_on_its_epoch():
    """November to February make up 2020.0, the outer two by half."""
    years, parts = quarters_of(np.array(["2019-11-15", "2019-12-15", "2020-01-15", "2020-02-15"], "datetime64[ns]"))
    assert years.tolist() == [2019.75, 2020.0, 2020.25]
    assert parts.tolist() == [[0.5, 0, 0, 0], [0.5, 1, 1, 0.5], [0, 0, 0, 0.5]]


def test_quarterly_means_of_a_line_lie_on_the_line():
    """Also where months are missing: 5 m/yr would otherwise shift a mean of half a quarter by 0.3 m."""
    time = np.arange("1999-01", "2003-12", dtype="datetime64[M]").astype("datetime64[D]").astype("datetime64[ns]")
    time = time + np.timedelta64(14, "D")
    years = xr.DataArray(1970 + (time - np.datetime64("1970-01-01", "ns")) / np.timedelta64(1, "D") / 365.25)
    dh = np.broadcast_to(-5.0 * (years.values - 2001)[:, None, None], (time.size, 2, 2)).copy()
    dh[::3, 0, 0] = np.nan
    data = xr.Dataset(
        {"dh": (("time", "y", "x"), dh), "dh_sigma": (("time", "y", "x"), np.full(dh.shape, 0.3))},
        {"time": time, "y": [1.0, 0.0], "x": [0.0, 1.0]},
    )
    found = quarterly(data, ("dh", "dh_sigma"), sigma="dh_sigma")
    off = found["dh"] + 5.0 * (found["decimal_year"] - 2001)
    assert np.isfinite(off.values[1:-1]).all() and float(np.abs(off).max()) < 0.03
    np.testing.assert_allclose(found["dh_sigma"].values[np.isfinite(found["dh"].values)], 0.3, rtol=1e-6)
    assert np.isnan(found["dh"].values[-1]).all(), "half a month does not make a quarter"


def test_a_record_may_begin_before_and_end_after_atl15():
    record = join(made.itslive(np.arange(2015.0, 2023.01, 0.25)), made.atl15(np.arange(2019.0, 2021.01, 0.25)))
    np.testing.assert_array_equal(record["decimal_year"], np.arange(2015.0, 2023.01, 0.25))
    seen = np.isfinite(record["delta_h"]).any(["y", "x"])
    assert seen.all()


@pytest.mark.parametrize("cell", [1000.0, 5000.0])
def test_joined_record_follows_the_truth_from_end_to_end(cell):
    """Without errors the two are one curve in ATL15's datum, on the coarser of both grids."""
    bounds = (-1600e3, -320e3, -1580e3, -300e3)
    record = join(made.itslive(OLD), made.atl15(NEW, cell=cell, bounds=bounds))
    assert record.attrs["resolution"] == max(cell, made.CELL) and record.attrs["crs"] == made.CRS
    inner = record.where((record["part"] == JOINED) & (record["x"] < -1586e3) & (record["y"] > -312e3), drop=True)
    true = made.curve(record["decimal_year"].values) - made.curve(2020.0)
    assert inner.sizes["x"] * inner.sizes["y"] >= 4
    np.testing.assert_allclose(
        inner["delta_h"].values, np.broadcast_to(true[:, None, None], inner["delta_h"].shape), atol=1e-4
    )
    np.testing.assert_array_equal(inner["from_atl15"].values[:, 0, 0], record["decimal_year"].values >= 2019)
    assert float(inner["n_shared"].min()) == 8 and inner.sizes["shared"] == 8


def test_the_other_room_takes_it_like_atl15():
    record = join(made.itslive(OLD), made.atl15(NEW))
    rate = rate_between(yearly_change(record), 2000.0, 2010.0)
    true = (made.curve(2010.0) - made.curve(2000.0)) / 10
    np.testing.assert_allclose(rate["dhdt"].values, true, atol=1e-5)


def test_offset_is_right_within_its_error():
    rng = np.random.default_rng(3)
    change = made.atl15(NEW)
    z, sigmas = [], []
    for _ in range(20):
        record = join(made.itslive(OLD, rng, missing=0.3), change)
        true = made.curve(2013.96) - made.curve(2020.0)
        z.append(((record["offset"] - true) / record["offset_sigma"]).values.ravel())
        sigmas.append(float(record["offset_sigma"].median()))
    assert 0.8 < np.nanstd(np.concatenate(z)) < 1.1
    assert 0.3 / np.sqrt(8) < np.mean(sigmas) < 0.3 / np.sqrt(3)


def test_persistent_differences_widen_the_error_of_the_offset():
    rng = np.random.default_rng(4)
    white = rng.standard_normal((12, 500))
    slow = np.empty_like(white)
    slow[0] = white[0]
    for k in range(1, 12):
        slow[k] = 0.7 * slow[k - 1] + np.sqrt(1 - 0.49) * white[k]
    told = []
    for difference in (white, slow):
        offset, sigma, _ = offset_of(difference, np.full(difference.shape, 0.1))
        told.append(float(np.median(sigma)))
        assert 0.7 < np.std(offset / sigma) < 1.6
    assert told[1] > 1.7 * told[0]


def test_a_cell_without_shared_epochs_is_not_joined():
    record, change = made.itslive(OLD), made.atl15(NEW)
    record["dh"][-6:, 0, 0] = np.nan
    record["dh"][:, 1, 1] = np.nan
    change["delta_h"][:, :, -8:] = np.nan
    joined = join(record, change)
    assert joined["part"].values[0, 0] == ATL15_ALONE == joined["part"].values[1, 1]
    assert joined["part"].values[2, 2] == JOINED and joined["part"].values[2, -1] == ITSLIVE_ALONE
    assert np.isnan(joined["delta_h"].values[:, 2, -1]).all()
    assert np.isnan(joined["delta_h"].values[joined["decimal_year"].values < 2019, 0, 0]).all()
    assert PARTS.split()[NONE] == "none"


def test_alone_the_record_is_its_own():
    record = of_one_source(made.itslive(OLD))
    np.testing.assert_array_equal(record["delta_h"], made.itslive(OLD)["dh"])
    assert record.attrs["relative_to"] == "2013-12-16" and not record["from_atl15"].any()


def test_firn_is_the_mean_of_two_models_with_half_their_difference():
    source = made.itslive(OLD)
    ramp = 0.02 * (OLD - 2014.0)[:, None, None] * np.ones((1, 8, 9))
    source = source.assign({name: (("time", "y", "x"), k * ramp) for name, k in (("dfac_gemb", 1), ("dfac_gsfc", 3))})
    record = join(source, made.atl15(NEW))
    at = {round(year, 2): k for k, year in enumerate(record["decimal_year"].values)}
    assert float(record["firn"][at[2010.0], 2, 2]) == pytest.approx(-0.4)
    assert float(record["firn_sigma"][at[2010.0], 2, 2]) == pytest.approx(0.2)
    assert float(record["firn"][at[2020.0], 2, 2]) == 0 and np.isnan(record["firn"].values[at[2022.0]]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            made.atl15(np.arange(2021.0, 2024.0, 0.25)),
            r"2020.75\) and ATL15 \(2021.00 to 2023.75\) share no",
        ),
        (made.atl15(np.arange(2020.25, 2024.0, 0.25)), "no cell has 4 epochs of both .*at most 3"),
        (made.atl15(NEW, bounds=(0, 0, 20e3, 20e3)), "do not meet; take granules of one place"),
        (made.atl15(NEW).assign_attrs(crs="EPSG:3413"), "EPSG:3413 is not the EPSG:3031"),
    ],
)
def test_records_that_do_not_meet_are_told_in_one_line(change, message):
    with pytest.raises(NunatakError, match=message) as told:
        join(made.itslive(OLD), change)
    assert "\n" not in str(told.value)
