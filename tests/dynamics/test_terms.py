"""The terms of a box's budget on a flat map: what counts is the ice of the box, and its flux where there is any."""

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr

from nunatak.dynamics import UNKNOWN, Term, terms
from nunatak.dynamics.flux import COLUMNS, discharge_by_year, sum_of
from nunatak.dynamics.surface import rate_between, yearly_change
from nunatak.geometry.grid import Grid, map_scale
from nunatak.parameters.dynamics import Dynamics
from nunatak.runtime import NunatakError

CRS = "EPSG:3031"
GRID = Grid.from_bounds(CRS, (-1600e3, -300e3, -1580e3, -280e3), 500.0)
GX, GY = np.meshgrid(GRID.x, GRID.y)
K = float(map_scale(CRS, -1590e3, -290e3))
BOX = shapely.orient_polygons(shapely.box(-1598e3, -298e3, -1582e3, -282e3))


def maps(thickness, *, vx=100.0, years=(2020, 2021)):
    """Annual velocities along x and a thickness of the year 2020, of functions of x or one number each."""
    n = len(years)
    axes = {"year": list(years), "y": GRID.y, "x": GRID.x}
    speed = np.broadcast_to(vx, (n, *GRID.shape))
    fields = {"vx": speed, "vy": 0 * speed, "vx_error": 2 + 0 * speed, "vy_error": 2 + 0 * speed}
    annual = xr.Dataset({name: (("year", "y", "x"), values) for name, values in fields.items()}, axes, {"crs": CRS})
    annual["year_start"], annual["year_end"] = ("year", [1.0 * y for y in years]), ("year", [y + 1.0 for y in years])
    thick = np.broadcast_to(thickness, GRID.shape).astype(float)
    placed = xr.Dataset(
        {"thickness": (("y", "x"), thick), "thickness_sigma": (("y", "x"), 0.1 * thick)},
        {"y": GRID.y, "x": GRID.x},
        {"crs": CRS, "reference_year": 2020.0},
    )
    return annual, placed


def change(rate):
    """A height change that goes on at a rate from 2020 to 2022."""
    dh = np.array([0, 2]).reshape(-1, 1, 1) * np.broadcast_to(rate, GRID.shape)
    fields = {"dh": (("time", "y", "x"), dh), "dh_sigma": (("time", "y", "x"), 0 * dh + 0.1)}
    axes = {"y": GRID.y, "x": GRID.x, "decimal_year": ("time", [2020.0, 2022.0])}
    return yearly_change(xr.Dataset(fields, axes, {"crs": CRS}))


def stored_in(ice, rate, firn=None):
    """Return storage and firn of a box for a rate of height change on the map."""
    rows, columns = ice.cells
    local = change(rate).isel(y=rows, x=columns)
    if firn is not None:
        firn = xr.Dataset({"rate": (("y", "x"), firn), "rate_sigma": (("y", "x"), 0.2 * np.abs(firn))})
        firn = firn.isel(y=rows, x=columns)
    return terms.storage(rate_between(local, 2020.0, 2022.0), ice, density=917.0, correlation_range=5000.0, firn=firn)


def test_the_air_in_the_firn_is_height_without_mass():
    """
    A fall of 2 m/yr of which 0.5 is air leaves 1.5 m/yr of ice.

    Errors of both are in it.
    """
    _, placed = maps(1000.0)
    ice = terms.ice_of(BOX, placed)
    bare, _ = stored_in(ice, -2 + 0 * GX)
    stored, firn = stored_in(ice, -2 + 0 * GX, -0.5 + 0 * GX)
    to_mass = ice.area * 917 / 1e12
    assert stored.value == pytest.approx(-1.5 * to_mass, rel=1e-6)
    assert firn.value == pytest.approx(-0.5 * to_mass, rel=1e-6)
    assert firn.sigma == pytest.approx(0.1 * to_mass, rel=0.1), "alike over 200 km"
    assert stored.sigma == pytest.approx(np.hypot(bare.sigma, firn.sigma))
    unknown, missing = stored_in(ice, -2 + 0 * GX, np.nan + 0 * GX)
    assert unknown == bare and missing is UNKNOWN
    half, _ = stored_in(ice, -2 + 0 * GX, np.where(GX < -1590e3, -0.5, np.nan))
    assert half.value == pytest.approx(stored.value, rel=1e-3) and half.share == pytest.approx(0.5, rel=1e-2)


def test_ice_that_floats_counts_by_buoyancy():
    """Half a box floats: a metre of its surface is 1028 / 111 = 9.26 of its thickness."""
    _, placed = maps(1000.0)
    placed["mask"] = (("y", "x"), np.where(GX < -1590e3, 2, 3))
    ice = terms.ice_of(BOX, placed)
    stored, firn = stored_in(ice, -1 + 0 * GX, -0.2 + 0 * GX)
    assert ice.floating_share == pytest.approx(0.5, rel=1e-2)
    factor = (1 - ice.floating_share) + ice.floating_share * 1028 / 111
    assert stored.value == pytest.approx(-0.8 * factor * ice.area * 917 / 1e12, rel=1e-6)
    assert firn.value == pytest.approx(-0.2 * factor * ice.area * 917 / 1e12, rel=1e-6)


def test_a_box_half_off_the_ice_stores_what_its_ice_does():
    """Rock rises by a metre a year beside ice that thins by 2: only the ice counts, and the area is that of the ice."""
    on_ice = GX < -1590e3
    _, placed = maps(np.where(on_ice, 1000.0, 0.0))
    ice = terms.ice_of(BOX, placed)
    stored, firn = stored_in(ice, np.where(on_ice, -2.0, 1.0))
    assert firn is UNKNOWN and ice.floating_share == 0
    assert ice.area == pytest.approx(8e3 * 16e3 / K**2, rel=2e-3)
    assert stored.value == pytest.approx(-2 * ice.area * 917 / 1e12, rel=1e-6)
    assert stored.share == pytest.approx(1.0)


def test_ice_of_unknown_thickness_is_told_and_a_box_off_the_map_refused():
    _, placed = maps(np.where(GX < -1590e3, 1000.0, np.nan))
    assert terms.ice_of(BOX, placed).unknown_share == pytest.approx(0.5)
    with pytest.raises(NunatakError, match="25 % of the box lies off the map"):
        terms.ice_of(shapely.box(-1605e3, -300e3, -1585e3, -280e3), placed)
    with pytest.raises(NunatakError, match="no ice in the box"):
        terms.ice_of(shapely.box(-1588e3, -298e3, -1582e3, -282e3), placed)


def test_nothing_flows_through_a_side_without_ice_whatever_is_known_of_its_velocity():
    """The right half is rock without velocities: its side gives 0, the left one what flows in."""
    on_ice = GX < -1590e3
    annual, placed = maps(np.where(on_ice, 1000.0, 0.0), vx=np.where(on_ice, 100.0, np.nan))
    left = [(-1598e3, -282e3), (-1598e3, -298e3)]  # the outside to the right
    right = [(-1583e3, -298e3), (-1583e3, -282e3)]
    options = Dynamics().flux_options()
    rock, segments = discharge_by_year(annual, placed, right, **options)
    assert (
        list(rock["year"]) == [2020, 2021] and (rock["discharge"] == 0).all() and (rock["discharge_sigma"] == 0).all()
    )
    assert (rock["observed_share"] == 1).all() and (segments["thickness"] == 0).all()
    coming, _ = discharge_by_year(annual, placed, left, **options)
    assert coming["discharge"].iloc[0] == pytest.approx(-917 * 100 * 1000 * 16e3 / K / 1e12, rel=2e-3)


def test_a_side_of_ice_without_velocity_is_unknown():
    """Not zero, and no reason to stop: the budget leaves it open."""
    annual, placed = maps(1000.0, vx=np.where(GX < -1590e3, 100.0, np.nan))
    right = [(-1583e3, -298e3), (-1583e3, -282e3)]
    table, segments = discharge_by_year(annual, placed, right, **Dynamics().flux_options())
    assert list(table.columns) == list(COLUMNS) and table.empty and "v_across" in segments
    assert sum_of([table], 2020) is UNKNOWN
    gates = [[(-1598e3, -282e3), (-1598e3, -298e3)]]
    sides, reasons = terms.flux_of_sides(BOX, gates, annual, placed, None, Dynamics())
    assert not reasons and len(sides) == 1 and len(sides[0]) == 2, "one side over both halves, partly observed"
    assert sides[0]["observed_share"].max() < 1


def test_gaps_of_a_year_are_filled_when_asked_and_marked():
    """
    The south lacks the second of three years.

    Their mean fills it, with their spread as its error.
    """
    speed = np.array([90.0, 100.0, 140.0]).reshape(-1, 1, 1) * np.ones((3, *GRID.shape))
    speed[1, GY < -290e3] = np.nan
    annual, placed = maps(1000.0, vx=speed, years=(2019, 2020, 2021))
    for stem, value in (("vx", 115.0), ("vy", 0.0), ("v", 115.0)):
        annual[f"{stem}_mean"], annual[f"{stem}_mean_error"] = (("y", "x"), value + 0 * GX), (("y", "x"), 1 + 0 * GX)
    gate = [(-1590e3, -296e3), (-1590e3, -284e3)]
    bare, _ = discharge_by_year(annual, placed, gate, **Dynamics().flux_options())
    filled, parts = discharge_by_year(annual, placed, gate, **Dynamics(fill_velocity=True).flux_options())
    pd.testing.assert_frame_equal(bare.iloc[[0, 2]], filled.iloc[[0, 2]])
    assert (bare["filled_share"] == 0).all()
    row = filled.iloc[1]
    assert row["filled_share"] == pytest.approx(0.5 * 115 / 107.5, abs=0.04)
    assert row["observed_share"] == pytest.approx(1 - row["filled_share"])
    assert row["discharge"] == pytest.approx(bare["discharge"].iloc[1] * 1.075, rel=0.01)
    assert row["sigma_velocity"] > 3 * bare["sigma_velocity"].iloc[1], "a year may differ from the mean"
    own = parts[parts["year"] == 2020]
    assert (own["filled"] == ~own["observed"].astype(bool)).all() and own["filled"].any()
    speed[1] = np.nan
    nothing, _ = maps(1000.0, vx=speed, years=(2019, 2020, 2021))
    nothing = nothing.assign({name: annual[name] for name in annual if "mean" in name})
    table, _ = discharge_by_year(nothing, placed, gate, **Dynamics(fill_velocity=True).flux_options())
    assert list(table["year"]) == [2019, 2021], "a year without any velocity is no row"


def test_a_side_off_the_thickness_is_unknown_with_its_reason():
    annual, placed = maps(np.where(GX < -1595e3, 1000.0, np.nan))
    box = shapely.orient_polygons(shapely.box(-1590e3, -298e3, -1582e3, -282e3))
    sides, reasons = terms.flux_of_sides(box, [], annual, placed, None, Dynamics())
    assert sides == [None] and "no thickness" in reasons[0]
    assert sum_of(sides, 2020) is UNKNOWN


def test_metres_of_ice_that_fall_are_of_ice_whatever_density_is_chosen():
    _, placed = maps(1000.0)
    ice = terms.ice_of(BOX, placed)
    mapped = xr.Dataset(
        {"smb_part": (("y", "x"), np.full(GRID.shape, 0.5)), "smb_part_sigma": (("y", "x"), 0 * GX + 0.05)},
        {"y": GRID.y, "x": GRID.x},
    )
    term = terms.sum_over(mapped, "smb_part", ice)
    assert term.value == pytest.approx(0.5 * ice.area * 917 / 1e12, rel=1e-9)
    assert term.sigma == pytest.approx(0.1 * term.value, rel=1e-3)


def test_the_mean_over_years_keeps_the_errors_that_they_share():
    assert terms.mean_of([Term(2.0, 0.2, 0.5), Term(4.0, 0.4, 1.0)]) == Term(3.0, pytest.approx(0.3), 0.75)
    assert terms.mean_of([Term(2.0, 0.2), UNKNOWN]) is UNKNOWN


def test_a_sum_of_gates_rests_on_the_least_known():
    rows = pd.DataFrame(
        {
            "year": [2020],
            "discharge": [1.0],
            "discharge_sigma": [0.1],
            "observed_share": [0.9],
            "thickness_share": [0.6],
        }
    )
    assert sum_of([rows, rows], 2020) == Term(2.0, 0.2, 0.6)
