"""Grids by name have the corners and sizes their publishers give, and nest."""

import pytest
from numpy.testing import assert_allclose

from nunatak.geometry.region import load
from nunatak.gridding import PRESETS, Grid, make_grid, metres
from nunatak.runtime import NunatakError


@pytest.mark.parametrize(
    ("preset", "cell", "crs", "shape", "left", "top"),
    [
        ("ease2_north", "25km", "EPSG:6931", (720, 720), -9e6, 9e6),
        ("ease2_south", "12.5km", "EPSG:6932", (1440, 1440), -9e6, 9e6),
        ("ease2_south", "6.25km", "EPSG:6932", (2880, 2880), -9e6, 9e6),
        ("ease2_north", "3.125km", "EPSG:6931", (5760, 5760), -9e6, 9e6),
        ("ease2_north", 1562.5, "EPSG:6931", (11520, 11520), -9e6, 9e6),
        ("ease2_north", "36 km", "EPSG:6931", (500, 500), -9e6, 9e6),
        ("ease2_south", "24km", "EPSG:6932", (750, 750), -9e6, 9e6),
        ("nsidc_north", "25km", "EPSG:3413", (448, 304), -3.85e6, 5.85e6),
        ("nsidc_north", "12.5km", "EPSG:3413", (896, 608), -3.85e6, 5.85e6),
        ("nsidc_north_hughes", "6250 m", "EPSG:3411", (1792, 1216), -3.85e6, 5.85e6),
        ("nsidc_south", "25km", "EPSG:3976", (332, 316), -3.95e6, 4.35e6),
        ("nsidc_south_hughes", "6.25km", "EPSG:3412", (1328, 1264), -3.95e6, 4.35e6),
        ("ross_sea_tutorial", None, "EPSG:6932", (151, 147), -1_040_000, -560_000),
    ],
)
def test_preset_is_exact(preset, cell, crs, shape, left, top):
    """Coordinate system, rows and columns, upper left corner."""
    grid = make_grid(preset=preset, cell=cell)
    assert (grid.crs, grid.shape, grid.left, grid.top) == (crs, shape, left, top)


def test_first_centre_and_far_corner():
    """NSIDC north 25 km: the first centre and the lower right corner, as published."""
    grid = make_grid(preset="nsidc_north", cell="25km")
    assert (grid.x[0], grid.y[0]) == (-3_837_500.0, 5_837_500.0)
    assert grid.bounds == (-3_850_000.0, -5_350_000.0, 3_750_000.0, 5_850_000.0)
    assert make_grid(preset="nsidc_south").bounds == (-3_950_000.0, -3_950_000.0, 3_950_000.0, 4_350_000.0)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_published_cell_divides_its_frame(preset):
    """Each cell size listed gives whole rows and columns with the same corners."""
    bounds = {make_grid(preset=preset, cell=cell).bounds for cell in PRESETS[preset].cells}
    assert len(bounds) == 1


def test_bounds_are_snapped_outward():
    """Any system: 10 km cells on the lattice through (0, 0) that cover the bounds."""
    grid = make_grid(crs="EPSG:3413", cell="10km", bounds=(-5_000, -21_000, 25_000, -1))
    assert grid == Grid("EPSG:3413", -10_000.0, 0.0, 10_000.0, 10_000.0, 3, 4)


def test_outline_of_a_region_over_pole_and_antimeridian(tmp_path):
    """Regions that cross 180 degrees, or hold the pole, get a grid around them, not around the world."""
    ross = load({"bbox": [165, -78, -165, -74], "crosses_antimeridian": True}, folder=tmp_path)
    grid = make_grid(crs="EPSG:6932", cell="10km", region=ross)
    assert_allclose((grid.left + grid.bounds[2]) / 2, 0.0, atol=10_000)
    assert grid.bounds[2] - grid.left < 1.0e6
    assert grid.top < 0
    cap = load({"bbox": [-180, -90, 180, -80]}, folder=tmp_path)
    grid = make_grid(preset="ease2_south", cell="25km", region=cap)
    assert grid.left == -grid.bounds[2]
    assert grid.left < 0 < grid.top


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"preset": "ease3"}, r"preset: 'ease3' is not known; choose from ease2_north"),
        (
            {"preset": "ease2_south", "cell": "7km"},
            r"7000 m does not divide the 18000 x 18000 km of ease2_south; choose",
        ),
        ({"preset": "ease2_south", "crs": "EPSG:3031"}, r"preset ease2_south is in EPSG:6932, not in EPSG:3031"),
        ({"preset": "nsidc_north", "bounds": (5e6, 0, 6e6, 1e6)}, r"does not touch the grid"),
        ({"crs": "EPSG:3031", "cell": "10km"}, r"name a preset, or give crs, cell and either bounds or a region"),
        ({"crs": "EPSG:99999", "cell": 1, "bounds": (0, 0, 1, 1)}, r"'EPSG:99999' is unknown to PROJ"),
        ({"crs": "EPSG:3031", "cell": 10, "bounds": (5, 0, 1, 1)}, r"enclose nothing; write left, bottom, right, top"),
        ({"preset": "ease2_south", "cell": "fine"}, r"cell: 'fine' is not a length"),
        ({"preset": "ease2_south", "cell": -25_000}, r"cell: -25000 is not a length"),
    ],
)
def test_impossible_grids_are_refused(options, text):
    """Each mistake in one line with the remedy."""
    with pytest.raises(NunatakError, match=text):
        make_grid(**options)


def test_lengths_in_words():
    """Metres unless km is written."""
    assert [metres(v) for v in ("6.25km", "500", 25000, "12 KM")] == [6250.0, 500.0, 25000.0, 12000.0]
