"""Two sources of velocity held against each other, and the same truth through all three of them."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from nunatak import api, simulation, velocity
from nunatak.cubes.datacubes import plan_layers
from nunatak.cubes.mosaics import on_grid, plan_mosaics, read_mosaics
from nunatak.cubes.streaming import stream_composite
from nunatak.cubes.tiles import stack_of
from nunatak.geometry.region import load
from nunatak.products.itslive.store import open_cube
from nunatak.runtime import NunatakError
from nunatak.simulation import itslive_mosaics
from nunatak.velocity.agreement import agreement, at_places_of, difference
from nunatak.velocity.filters import Filters
from nunatak.velocity.mosaic_years import annual_of_mosaics

AREA = {"lonlat": [[-101.1, -75.0], [-100.7, -75.0], [-100.7, -75.1], [-101.1, -75.1]]}
EVERY = {"percent_valid_pixels": 0, "min_separation": 0, "geometry": "any"}
OPTIONS = {"filters": Filters(before_minimum=5, after_minimum=5), "error_limit": None}


def field(vx, vy, error, years=(2015, 2016), crs="EPSG:3031", x0=0.0):
    """Annual velocities of two rows and three columns."""
    shape = len(years), 2, 3
    vx, vy = np.broadcast_to(vx, shape).astype(float), np.broadcast_to(vy, shape).astype(float)
    values = {"vx": vx, "vy": vy, "v": np.hypot(vx, vy)}
    values |= {f"{name}_error": np.full(shape, float(error)) for name in ("vx", "vy", "v")}
    fields = {name: (("year", "y", "x"), v) for name, v in values.items()}
    places = {"year": list(years), "y": [240.0, 120.0], "x": x0 + 120.0 * np.arange(3)}
    return xr.Dataset(fields, places, {"crs": crs})


def test_bias_and_spread_are_those_of_the_differences():
    """
    Of constant fields the bias is their difference, and the spread 0.

    Of the mean, only years that both have in a cell count.
    """
    one, other = field(100.0, 0.0, 3.0), field(96.0, 3.0, 1.0)
    other["vx"][1, 0, 0] = np.nan
    one["vx"][0] += np.array([[0.0, 2.0, 4.0], [6.0, 8.0, 10.0]])
    table = agreement(one, other).set_index("year")
    assert list(table.index) == [0, 2015, 2016] and list(table["cells"]) == [6, 6, 5]
    assert (
        table.loc[2016, "bias_vx"] == 4.0 and table.loc[2016, "bias_vy"] == -3.0 and table.loc[2016, "nmad_vx"] == 0.0
    )
    off = np.array([4.0, 6.0, 8.0, 10.0, 12.0, 14.0])
    assert table.loc[2015, "bias_vx"] == np.median(off)
    assert table.loc[2015, "nmad_vx"] == pytest.approx(1.4826 * np.median(np.abs(off - 9.0)), rel=1e-3)
    assert table.loc[2015, "within_vx"] == pytest.approx((off <= 2 * np.hypot(3, 1)).mean())
    mean = difference(one, other)
    assert mean["years"].values.tolist() == [[1, 2, 2], [2, 2, 2]]
    assert float(mean["v"][0, 0]) == 100.0 and float(mean["v"][1, 2]) == 105.0
    assert float(mean["difference"][0, 0]) == pytest.approx(100.0 - np.hypot(96, 3), rel=1e-6)


def test_the_nearest_cell_is_taken_and_none_beyond_half_a_cell():
    one, other = field(1.0, 0.0, 1.0), field(2.0, 0.0, 1.0, years=(2016, 2017), x0=50.0)
    placed = at_places_of(other, one)
    assert np.isnan(placed["vx"].sel(year=2015)).all() and (placed["vx"].sel(year=2016) == 2.0).all()
    apart = at_places_of(field(2.0, 0.0, 1.0, x0=200.0), one)
    assert np.isfinite(apart["vx"].values[0]).sum(axis=0).tolist() == [0, 0, 2]
    with pytest.raises(NunatakError, match="mosaics are in EPSG:3413, the velocities of itslive in EPSG:3031"):
        at_places_of(field(2.0, 0.0, 1.0, crs="EPSG:3413"), one)


@pytest.fixture(scope="module")
def of_sources(simulated_pairs, simulated_cubes, tmp_path_factory):
    """Annual velocities of one truth out of pairs, datacubes and mosaics."""
    region, folder = load(AREA), tmp_path_factory.mktemp("sources")
    api.build_cube(sorted(simulated_pairs.glob("*V02*.nc")), region, folder / "cube", selection=EVERY)
    found = {"pairs": velocity.composite(open_cube(folder / "cube"), **OPTIONS)}
    plan, parts = plan_layers({str(path): "" for path in simulated_cubes}, region, selection=EVERY)
    found["datacubes"] = stream_composite(*stack_of(plan, parts), **OPTIONS)[0]
    paths = itslive_mosaics.write(simulation.world("pine_island", "tiny"), folder)
    windows, _ = read_mosaics(plan_mosaics(present(paths), range(2012, 2025)), region)
    found["mosaics"] = annual_of_mosaics(windows.layers, windows.roi, on_grid(windows), error_limit=None)
    return found


def present(paths):
    """The ledger of mosaics on disk."""
    ids = [path.stem for path in paths]
    return pd.DataFrame({"granule_id": ids, "path": list(map(str, paths)), "status": "present", "reason": ""})


@pytest.mark.parametrize(("one", "other"), [("pairs", "datacubes"), ("pairs", "mosaics"), ("datacubes", "mosaics")])
def test_one_truth_through_two_sources_agrees_within_the_errors(of_sources, one, other):
    """Nine tenths of annual components lie within two standard errors of both, and no component is off by its error."""
    first = of_sources[one]
    table = agreement(first, at_places_of(of_sources[other], first))
    years = table[table["cells"] > 500]
    assert len(years) >= 5
    for name in ("vx", "vy", "v"):
        share = (years[f"within_{name}"] * years["cells"]).sum() / years["cells"].sum()
        assert share >= 0.9, (name, share)
    error = float(np.nanmedian(np.hypot(first["v_error"].values, 3.0)))
    assert abs(table.loc[table["year"] == 0, "bias_v"].iloc[0]) < error
