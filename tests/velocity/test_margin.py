"""Values beside the margin of the ice are left out where their search chip reaches over it."""

import numpy as np
import pytest
import shapely

from nunatak import api
from nunatak.files.tables import read_table
from nunatak.geometry.grid import Grid
from nunatak.geometry.region import load
from nunatak.products.itslive.fields import FILL
from nunatak.products.itslive.store import open_cube
from nunatak.runtime import NunatakError
from nunatak.velocity.margin import CHIPS, margin_of

TRUNK = {"bbox": [-101.0, -75.07, -100.75, -75.02]}
ICE = {"bbox": [-101.0, -75.07, -100.87, -75.02]}
VARIABLES = {"variables": ["vx", "vy", "v", "chip_size_width", "chip_size_height"]}


def test_distance_is_that_to_the_nearest_edge_by_hand():
    """A square of 1 km with a hole of 200 m, a second one apart from it; negative outside and in the hole."""
    hole = [(400, 400), (600, 400), (600, 600), (400, 600)]
    ice = shapely.MultiPolygon(
        [
            shapely.Polygon([(0, 0), (1000, 0), (1000, 1000), (0, 1000)], [hole]),
            shapely.box(1200, 0, 1400, 200),
        ]
    )
    grid = Grid.from_bounds("EPSG:3413", (0, 0, 1500, 1000), 100)
    at = {
        (x, y): value
        for x, row in zip(grid.x, margin_of(grid, ice, 0).distance.T, strict=True)
        for y, value in zip(grid.y, row, strict=True)
    }
    assert at[50, 450] == 50 and at[250, 450] == 150 and at[850, 150] == 150
    assert at[350, 350] == pytest.approx(np.hypot(50, 50))
    assert at[450, 550] < 0 and at[1150, 50] < 0 and at[1250, 150] == 50


def test_a_value_without_a_chip_may_have_the_largest_one():
    """Kept deep inside the ice, left out and counted where the largest chip of the archive reaches the edge."""
    grid = Grid.from_bounds("EPSG:3413", (0, 0, 4000, 200), 100)
    cut = margin_of(grid, shapely.box(0, -5000, 3000, 5000), "chip")
    out = {name: np.full((1, *grid.shape), 7, "i2") for name in ("vx", "vy")}
    out |= {name: np.full((1, *grid.shape), 0, "u2") for name in CHIPS}
    out["chip_size_width"][0, 1] = 480  # the height alone is missing in pairs of version 1
    lost, unknown = cut.blank(out, 0)
    assert (out["vx"][0, 0] != FILL).tolist() == [960 <= x <= 2040 for x in grid.x]
    assert (out["vx"][0, 1] != FILL).tolist() == [240 <= x <= 2760 for x in grid.x]
    # 10 of 40 cells outside in either row; inside it 10 and 10 without a chip, 2 and 2 with one of 480 m
    assert (lost, unknown) == (44, 20)


@pytest.mark.parametrize("margin", ["chip", 480.0, 0])
def test_a_value_goes_where_its_chip_reaches_beyond_the_ice(simulated_pairs, tmp_path, margin):
    """Every layer against the same cube without an outline: what is left, and nothing else changed."""
    paths = sorted(simulated_pairs.glob("*.nc"))[:12]
    whole_pairs = api.build_cube(paths, TRUNK, tmp_path / "whole.zarr", selection=VARIABLES)
    told = api.build_cube(paths, TRUNK, tmp_path / "cut.zarr", selection=VARIABLES, ice=ICE, margin=margin)
    whole, cut = open_cube(tmp_path / "whole.zarr"), open_cube(tmp_path / "cut.zarr")
    grid = Grid.from_centres("EPSG:3031", whole["x"].values, whole["y"].values)
    distance = margin_of(grid, load(ICE).projected("EPSG:3031"), margin).distance
    for layer, name in enumerate(cut["granule_id"].values):
        before = whole.isel(time=int(np.nonzero(whole["granule_id"].values == name)[0][0]))
        chip = np.maximum(before["chip_size_width"].values, before["chip_size_height"].values)
        reach = chip / 2 if margin == "chip" else margin
        left = (distance >= 0) & (distance >= reach)
        for variable, fill in (("vx", FILL), ("v", FILL), ("chip_size_width", 0)):
            expected = np.where(left, before[variable].values, fill)
            np.testing.assert_array_equal(cut[variable].values[layer], expected)
    fewer = told.set_index("granule_id")["valid_cells"] - whole_pairs.set_index("granule_id")["valid_cells"]
    assert fewer.min() < 0 and fewer.max() <= 0
    assert "inside the outline of the ice" in cut.attrs["ice_margin"] and "ice_margin" not in whole.attrs


def test_another_margin_is_another_cube_in_the_same_place(simulated_pairs, tmp_path):
    """Years of an earlier cube are not taken over where the margin is another; chips are read and not kept."""
    paths = sorted(simulated_pairs.glob("S1A*.nc"))[:4]
    left = []
    for margin in ("chip", 1000.0, 0):
        api.build_cube(paths, TRUNK, tmp_path / "cube.zarr", ice=ICE, margin=margin)
        cube = open_cube(tmp_path / "cube.zarr")
        assert "chip_size_width" not in cube
        left.append(int((cube["vx"].values != FILL).sum()))
    assert left[1] < left[0] < left[2]


def test_a_pair_without_a_value_inside_the_ice_says_so(simulated_pairs, tmp_path):
    """An outline too narrow for any value leaves no layer, and every pair its reason."""
    paths = sorted(simulated_pairs.glob("S1A*.nc"))[:2]
    with pytest.raises(NunatakError, match="none is used: 2 empty"):
        api.build_cube(paths, TRUNK, tmp_path / "cube.zarr", ice=ICE, margin=19_000, pairs=tmp_path / "pairs.parquet")
    why = set(read_table(tmp_path / "pairs.parquet")["why"])
    assert why == {"empty: no valid cell in the region, the margin of the ice left out"}
