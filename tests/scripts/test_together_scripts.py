"""
Scripts that join elevation and velocity along flowlines and by region.

Their checks, with results that are wrong.
"""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import xarray as xr
from tests.builders.moving_ice import GRID, GX, change, path, thickness

from nunatak.checks import dynamics_lines
from nunatak.files.rasters import georeference, write_netcdf
from nunatak.files.tables import read_csv, read_table, write_table
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import read_outlines, write_outlines
from nunatak.geometry.region import load
from nunatak.results.reading import write_height_change
from nunatak.study.dynamics import Dynamics

YEARS = np.arange(2010, 2021)
ABOUT = {"nunatak_source": "SIMULATED", "crs": GRID.crs}


def yearly():
    """
    Return eleven years whose speed varies by chance.

    The surface sinks the faster the faster ice was a year before.
    """
    gain = 60 * np.random.default_rng(3).standard_normal(YEARS.size)
    v = 1000 + 2e-3 * (GX - GRID.x[0]) + gain[:, None, None]
    dims = ("year", "y", "x")
    fields = {"vx": v, "vy": 0.1 * v, "v": v * np.sqrt(1.01), "v_error": 4 + 0 * v}
    data = {name: (dims, values) for name, values in fields.items()} | {"v_mean": (dims[1:], fields["v"].mean(axis=0))}
    data |= {"year_start": ("year", YEARS * 1.0), "year_end": ("year", YEARS + 1.0)}
    rate = -1 - 0.01 * np.concatenate([[0.0], gain[:-1]])
    return xr.Dataset(data, {"year": YEARS, "y": GRID.y, "x": GRID.x}, ABOUT), rate


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return the results in memory, as checks take them, and the rate of height change of each year."""
    folder = tmp_path_factory.mktemp("together")
    speeds, rate = yearly()
    epochs = np.arange(2011.0, 2021.01, 0.25)  # 2010 is not held
    sunk = np.interp(epochs, np.arange(2010, 2022), np.concatenate([[0], np.cumsum(rate)]))
    record = change(first=2011.0, last=2021.0)
    shift = sunk - record["dh"].values.mean(axis=(1, 2))
    record["dh"] = record["dh"] + xr.DataArray(shift, dims="year") + 1e-6 * (record["x"] + 1.6e6)
    coarse = Grid.of(record)
    layer = record.rename({"year": "time", "dh": "delta_h", "dh_sigma": "delta_h_sigma"})
    layer = layer.assign_coords(time=np.arange(epochs.size), decimal_year=("time", epochs))
    write_height_change({"01km": (georeference(layer.drop_attrs(), coarse), {})}, folder / "change.nc", ABOUT)
    write_netcdf(georeference(speeds, GRID), folder / "annual.nc", ABOUT)
    depth = thickness().assign_attrs(ABOUT | {"thickness_product": "made up", "reference_year": 2015.0})
    depth["thickness"][:, :8] = 0.0
    write_netcdf(georeference(depth, GRID), folder / "thickness.nc", depth.attrs)
    line = path().assign(flowline="main", year=0)
    write_table(line, folder / "flowline.parquet", attributes=ABOUT, units={})
    left, bottom, right, top = GRID.bounds
    west = {"bbox": [left, bottom, left + 9000, top], "crs": GRID.crs}
    whole = {"bbox": [left + 100, bottom + 100, right - 100, top - 100], "crs": GRID.crs}
    write_outlines({"region": load(whole), "west": load(west)}, folder / "regions.geojson")
    run(folder)
    results = {
        "annual": speeds,
        "thickness": depth,
        "regions": read_outlines(folder / "regions.geojson"),
        "flowline_years": read_table(folder / "flowline_years.parquet"),
        "basin_years": read_csv(folder / "basin_years.csv"),
        "lags": read_csv(folder / "lags.csv"),
    }
    return results, record, rate


def run(folder):
    """Run the three scripts as their rules do."""
    script = importlib.import_module
    given = [folder / f"{name}.nc" for name in ("annual", "thickness")]
    moved, lines = folder / "change.nc", folder / "flowline_years.parquet"
    script("join_flowlines").main(*given, folder / "flowline.parquet", moved, None, lines, study="x")
    settings = Dynamics.model_validate({"thickness": 1200})
    regions = folder / "regions.geojson"
    years = folder / "basin_years.csv"
    script("average_regions").main(*given, moved, regions, years, settings=settings, study="x")
    script("correlate_speeds").main(years, lines, folder / "lags.csv", study="x")


def test_rows_of_flowlines_have_places_units_and_what_they_count_from(made):
    table = made[0]["flowline_years"]
    about, units = table.attrs["attributes"], table.attrs["units"]
    assert about["nunatak_source"] == "SIMULATED" and about["main_v_since"] == "2010"
    assert about["main_dh_since"] == "2011.5" and about["surface_is"] == "made up"
    assert units["strain"] == "1/yr" and units["dh"] == "m"
    assert {"longitude", "latitude", "epsg"} <= set(table.columns)
    assert table["year"].nunique() == YEARS.size and len(table) % YEARS.size == 0
    assert table[table["year"] == 2010]["dhdt"].isna().all()


def test_regions_have_speed_and_sinking_of_every_year(made):
    results, _, rate = made
    table = results["basin_years"]
    assert list(dict.fromkeys(table["region"])) == ["region", "west"]
    for _, own in table.groupby("region"):
        np.testing.assert_allclose(own["dhdt"].to_numpy()[1:], rate[1:], atol=2e-3)
        assert np.corrcoef(own["speed"], results["annual"]["v"].mean(("y", "x")))[0, 1] > 0.999
    areas = table.groupby("region")["area"].first()
    assert 0.3 < areas["west"] / areas["region"] < 0.45, "ice alone counts: the westernmost cells have none"


def test_the_lag_of_a_year_is_found_everywhere(made):
    lags = made[0]["lags"]
    own = lags[lags["series"] == "detrended"].set_index(["place", "name", "distance", "lag"])
    best = own.groupby(level=[0, 1, 2], dropna=False)["correlation"].idxmin()
    assert {key[-1] for key in best} == {1} and len(best) > 10
    assert (lags.attrs["attributes"]["lag_is"]).startswith("years by which the height change follows")


def test_checks_hold_for_what_was_made(made):
    results, record, _ = made
    found = dynamics_lines.checks(results, record)
    assert [check.name for check in found] == [
        "flowline_years/again",
        "flowline_years/closes",
        "basin_years/again",
        "lags/again",
    ]
    assert all(check.held for check in found), [(check.name, check.text) for check in found if not check.held]


def changed(column, change):
    """Return a function that changes a column of a table, attributes kept."""

    def falsify(table):
        out = table.copy()
        out[column] = change(table[column])
        out.attrs = table.attrs
        return out

    return falsify


def late(column):
    """Return a function that gives each row the value of the next year."""
    return lambda table: changed(column, lambda values: np.roll(values, -len(table) // YEARS.size))(table)


WRONG = [
    ("flowline_years", changed("v", lambda v: 1.02 * v), "flowline_years/again"),
    ("flowline_years", changed("v_error", lambda v: 1.2 * v), "flowline_years/again"),
    ("flowline_years", changed("dhdt", lambda v: -v), "flowline_years/again"),
    ("flowline_years", changed("dhdt", lambda v: v.fillna(0.0)), "flowline_years/again"),
    ("flowline_years", changed("thickness", lambda v: v + 30), "flowline_years/again"),
    ("flowline_years", changed("x", lambda v: v + 400), "flowline_years/again"),
    ("flowline_years", late("v"), "flowline_years/again"),
    ("flowline_years", changed("v_change", lambda v: 1.1 * v), "flowline_years/closes"),
    ("flowline_years", changed("dh", lambda v: 1.2 * v), "flowline_years/closes"),
    ("flowline_years", changed("surface", lambda v: -v), "flowline_years/closes"),
    ("flowline_years", changed("strain", lambda v: 1.2 * v), "flowline_years/again"),
    ("basin_years", changed("speed", lambda v: 1.02 * v), "basin_years/again"),
    ("basin_years", changed("dhdt", lambda v: np.roll(v, 1)), "basin_years/again"),
    ("basin_years", changed("speed_sigma", lambda v: 3 * v), "basin_years/again"),
    ("basin_years", changed("dhdt_share", lambda v: 0.5 * v), "basin_years/again"),
    ("basin_years", changed("region", lambda v: v[::-1].to_numpy()), "basin_years/again"),
    ("basin_years", lambda table: table.iloc[1:], "basin_years/again"),
    ("basin_years", lambda table: table.iloc[:0], "basin_years/again"),
    ("lags", changed("correlation", lambda v: -v), "lags/again"),
    ("lags", changed("lag", lambda v: -v), "lags/again"),
    ("lags", changed("n_effective", lambda v: v + 2), "lags/again"),
    ("lags", changed("p", lambda v: v / 2), "lags/again"),
    ("lags", lambda table: table[table["name"] != "west"], "lags/again"),
]


@pytest.mark.parametrize(("name", "falsify", "check"), WRONG, ids=[f"{w[0]}-{n}" for n, w in enumerate(WRONG)])
def test_a_result_that_is_wrong_fails_its_check(made, name, falsify, check):
    results, record, _ = made
    table = falsify(results[name])
    table.attrs = results[name].attrs
    if name == "lags":
        found = [dynamics_lines.lags_again(table, results["basin_years"], results["flowline_years"])]
    else:
        behind = {key: results[key] for key in ("annual", "thickness", "regions")}
        found = dynamics_lines.checks({**behind, name: table}, record)
    assert {one.name: one for one in found}[check].failed
