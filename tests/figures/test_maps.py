"""Map furniture: extents, aspect, true kilometres, outlines, hatching."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
import xarray as xr
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from nunatak.figures import colour, globe, maps
from nunatak.figures.graticule import draw_graticule
from nunatak.geometry.grid import Grid

GRID = Grid("EPSG:3413", 1_000_000.0, -350_000.0, 1000.0, 1000.0, 6, 8)


def on_grid(values, grid=GRID):
    return xr.DataArray(values, dims=("y", "x"), coords={"y": grid.y, "x": grid.x}, attrs={"crs": grid.crs})


@pytest.fixture
def ax():
    return Figure(figsize=(4, 3)).add_axes((0.1, 0.1, 0.8, 0.8))


def test_the_extent_is_that_of_the_cell_edges(ax):
    image = maps.cells(ax, on_grid(np.zeros((6, 8))), cmap=colour.change_map(), norm=Normalize(-1, 1))
    assert image.get_extent() == [1_000_000.0, 1_008_000.0, -356_000.0, -350_000.0]
    assert ax.get_aspect() == 1.0
    assert image.get_interpolation() == "nearest"


def test_the_order_of_y_does_not_turn_the_map(ax):
    """The northernmost row is drawn on top whichever way y runs."""
    values = on_grid(np.arange(48.0).reshape(6, 8))
    up = maps.cells(ax, values.sortby("y"), cmap=colour.change_map(), norm=Normalize(0, 48))
    assert up.get_array()[0, 0] == 0.0
    assert up.get_array()[-1, -1] == 47.0


def test_the_scale_bar_has_its_true_length(ax):
    """Between the drawn ends lie as many kilometres on the ellipsoid as the label says."""
    ax.set(xlim=(980_000, 1_120_000), ylim=(-480_000, -360_000))
    true_km, drawn = maps.scale_bar(ax, "EPSG:3413")
    x, y = 1_050_000, -420_000
    to_lonlat = pyproj.Transformer.from_crs("EPSG:3413", "EPSG:4326", always_xy=True)
    lon, lat = to_lonlat.transform([x - drawn / 2, x + drawn / 2], [y, y])
    metres = pyproj.Geod(ellps="WGS84").inv(lon[0], lat[0], lon[1], lat[1])[2]
    assert metres / 1000 == pytest.approx(true_km, rel=5e-4)  # k changes by so much along the bar
    assert drawn != true_km * 1000


def test_k_at_austfonna():
    """0.978 at 79.7 degrees north in the projection of ATL15."""
    x, y = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3413", always_xy=True).transform(24.0, 79.7)
    assert maps.length_scale("EPSG:3413", x, y) == pytest.approx(0.978, abs=5e-4)


def test_ticks_are_kilometres(ax):
    ax.set(xlim=(1_000_000, 1_100_000), ylim=(-450_000, -350_000))
    maps.km_axes(ax)
    ax.figure.canvas.draw()
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert "−400" in labels


def test_the_outline_follows_the_margin(ax):
    """Ice on the left half: the margin is a straight line in the middle."""
    area = on_grid(np.where(np.arange(8) < 4, 1e6, 0.0) * np.ones((6, 1)))
    (path,) = maps.outline(ax, area).get_paths()
    assert path.vertices[:, 0] == pytest.approx(1_004_000.0)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_without_a_margin_there_is_no_outline(ax, share):
    assert maps.outline(ax, on_grid(np.full((6, 8), share * 1e6))) is None


def test_hatching_covers_the_marked_cells_and_no_others(ax):
    mask = np.zeros((6, 8), dtype=bool)
    mask[2, 3] = True
    (path,) = maps.hatch(ax, on_grid(mask)).get_paths()
    left, bottom, right, top = (*path.vertices.min(0), *path.vertices.max(0))
    cell = (1_003_000.0, -353_000.0, 1_004_000.0, -352_000.0)
    assert (left, bottom, right, top) == pytest.approx(cell, abs=1000 / 6 + 1)


def test_nothing_to_hatch_draws_nothing(ax):
    assert maps.hatch(ax, on_grid(np.zeros((6, 8), dtype=bool))) is None


def test_the_emptiest_corner_is_found():
    values = np.ones((6, 8))
    values[-3:, -4:] = np.nan
    assert maps.emptiest_corner(on_grid(values)) == "lower right"
    assert maps.corner_share(on_grid(values), "lower right") == 0
    assert maps.corner_share(on_grid(values), "upper left") == 1


def test_the_graticule_runs_along_whole_degrees(ax):
    ax.set(xlim=(980_000, 1_120_000), ylim=(-480_000, -340_000))
    draw_graticule(ax, "EPSG:3413")
    to_lonlat = pyproj.Transformer.from_crs("EPSG:3413", "EPSG:4326", always_xy=True)
    parallels, _ = ax.collections
    for path in parallels.get_paths():
        lat = to_lonlat.transform(*path.vertices.T)[1]
        assert lat == pytest.approx(np.round(lat.mean() * 2) / 2, abs=2e-3)


def test_a_graticule_across_the_antimeridian_has_no_jump(ax):
    """Meridians about 180 are straight lines to the pole, none runs across the map."""
    ax.set(xlim=(-400_000, 400_000), ylim=(-1_900_000, -1_300_000))
    draw_graticule(ax, "EPSG:3031", labels=False)
    meridians = ax.collections[1]
    for path in meridians.get_paths():
        steps = np.hypot(*np.diff(path.vertices, axis=0).T)
        assert steps.max() < 30_000


def test_a_polygon_of_lonlat_is_drawn_on_its_curve(ax):
    """A parallel is an arc of a circle about the pole: its middle lies off the chord."""
    globe.lonlat_polygon(ax, shapely.box(0, 80, 60, 85), "EPSG:3413", facecolor="none")
    vertices = ax.patches[0].get_path().vertices
    radius = np.hypot(*vertices.T)
    x, y = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3413", always_xy=True).transform(0.0, 80.0)
    assert radius.max() == pytest.approx(np.hypot(x, y), rel=1e-4)
    assert np.isclose(radius, np.hypot(x, y), rtol=1e-4).sum() > 100


@pytest.mark.parametrize(("extent", "size"), [((0, 200, 0, 100), (60, 30)), ((0, 100, 0, 200), (40, 80))])
def test_a_map_fits_its_room(extent, size):
    assert maps.fit(extent, width=60, height=80) == size


def test_a_section_is_marked_at_both_ends(ax):
    maps.section_line(ax, np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.0, 0.0]))
    assert [t.get_text() for t in ax.texts] == ["A", "A′"]
