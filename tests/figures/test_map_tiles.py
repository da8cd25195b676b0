"""Map tiles: the sets are those of NASA GIBS, and the pixel of a known place has the colour of its value."""

from __future__ import annotations

import io
import json
import math

import numpy as np
import pyproj
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

import cut_tiles
from nunatak.figures.map_tiles import cut, sets_for, tile_matrix_set, tiles_over, zooms_for
from nunatak.files.rasters import write_cog
from nunatak.geometry.grid import Grid

# scale denominators of GIBS' configuration (nasa-gibs/onearth, tilematrixsets.xml), zooms 0 to 8
GIBS = (29257142.857142857, 14628571.428571429, 7314285.714, 3657142.857, 1828571.429, 914285.714, 457142.857)
GRID = Grid("EPSG:3031", -1.62e6, -2.4e5, 120.0, 120.0, 300, 400)
ABOUT = {"nunatak_source": "SIMULATED"}


@pytest.fixture(scope="module")
def raster(tmp_path_factory):
    """Speeds that grow from 50 to 449 m/yr from column to column, without the first 20 rows."""
    values = np.broadcast_to(50.0 + np.arange(400), GRID.shape).astype("f4").copy()
    values[:20] = np.nan
    path = tmp_path_factory.mktemp("maps") / "v_mean.tif"
    write_cog(values, GRID, path, ABOUT, names="speed", units="m/yr")
    return path


@pytest.mark.parametrize("name", ["EPSG3413", "EPSG3031"])
def test_polar_sets_are_those_of_gibs(name):
    tms = tile_matrix_set(name)
    for zoom, scale in enumerate(GIBS):
        matrix = tms.matrix(zoom)
        assert matrix.scaleDenominator == pytest.approx(scale, abs=1e-3)
        assert (matrix.matrixWidth, matrix.tileWidth, tuple(matrix.pointOfOrigin)) == (
            2 * 2**zoom,
            512,
            (-4194304.0, 4194304.0),
        )
    assert list(zooms_for(tms, 120.0)) == list(range(7)), "120 m lie beside the 128 m of zoom 6"


@pytest.mark.parametrize(
    ("latitude", "names"),
    [(79.0, ("EPSG3413", "WebMercatorQuad")), (-87.0, ("EPSG3031",)), (10.0, ("WebMercatorQuad",))],
)
def test_a_place_is_shown_where_it_can_be(latitude, names):
    assert sets_for(latitude) == names


def at(name, x, y, zoom):
    """Tile and pixel of a place, from the numbers of the set alone."""
    half, size = (4194304.0, 512) if name != "WebMercatorQuad" else (math.pi * 6378137.0, 256)
    pixel = 2 * half / (size * 2 ** (zoom + (name != "WebMercatorQuad")))
    column, row = (x + half) / pixel, (half - y) / pixel
    return (int(column // size), int(row // size)), (int(row % size), int(column % size))


@pytest.mark.parametrize(("name", "epsg"), [("EPSG3031", 3031), ("WebMercatorQuad", 3857)])
def test_the_pixel_of_a_place_has_its_value(raster, name, epsg):
    def bytes_of(values):
        known = np.isfinite(values)
        number = np.where(known, np.rint(np.nan_to_num(values)), 0).astype("u2")
        return np.stack([number // 256, number % 256, 0 * number, 255 * known], axis=-1).astype("u1")

    tiles = {(zoom, x, y): content for zoom, x, y, content in cut(raster, name, bytes_of)}
    finest = max(zoom for zoom, *_ in tiles)
    turn = pyproj.Transformer.from_crs(3031, epsg, always_xy=True)
    for column in (40, 200, 333):
        px, py = GRID.left + 120.0 * (column + 0.5), GRID.top - 120.0 * 150.5
        (x, y), (i, j) = at(name, *turn.transform(px, py), finest)
        pixel = np.asarray(Image.open(io.BytesIO(tiles[finest, x, y])))[i, j]
        assert pixel[3] == 255 and abs(int(pixel[0]) * 256 + int(pixel[1]) - (50 + column)) <= 1
    (x, y), (i, j) = at(name, *turn.transform(GRID.left + 24000, GRID.top - 1200), finest)
    assert (finest, x, y) not in tiles or np.asarray(Image.open(io.BytesIO(tiles[finest, x, y])))[i, j][3] == 0


def test_tiles_over_a_box_are_those_it_touches():
    tms = tile_matrix_set("EPSG3413")
    side = 512 * 128.0
    box = (3 * side + 1 - 4194304, 4194304 - 6 * side + 1, 5 * side - 4194304, 4194304 - 5 * side)
    assert [(tile.x, tile.y) for tile in tiles_over(tms, box, 6)] == [(3, 5), (4, 5)]
    assert not list(tiles_over(tms, (5e6, 0, 6e6, 1e5), 6)), "beyond the set there is none"


def test_a_folder_has_tiles_archives_and_their_legend(raster, tmp_path):
    from pmtiles.reader import MmapSource, Reader

    cut_tiles.main(raster, tmp_path / "tiles", study="x", title="Pine Island")
    legend = json.loads((tmp_path / "tiles" / "legend.json").read_text())
    assert (legend["unit"], legend["nunatak_source"], legend["limits"]) == ("m/yr", "SIMULATED", [0.0, 500.0])
    assert set(legend["sets"]) == {"EPSG3031", "WebMercatorQuad"}
    for name, told in legend["sets"].items():
        files = sorted((tmp_path / "tiles" / name).rglob("*.png"))
        assert len(files) == told["tiles"] > 5
        with open(tmp_path / "tiles" / f"{name}.pmtiles", "rb") as file:
            reader = Reader(MmapSource(file))
            for path in files:
                zoom, x, y = int(path.parts[-3]), int(path.parts[-2]), int(path.stem)
                assert reader.get(zoom + told["pmtiles_zoom_offset"], x, y) == path.read_bytes()
            assert reader.metadata()["nunatak_source"] == "SIMULATED"
    assert Image.open(tmp_path / "tiles" / "legend.png").size[0] > 400
    values, colours = zip(*legend["colours"], strict=True)
    assert values[0] == 0 and values[-1] == 500 and all(len(to_rgb(colour)) == 3 for colour in colours)


def test_signed_change_is_coloured_about_zero():
    colours, norm, _ = cut_tiles.scale_of(np.array([-3.0, 1.0, np.nan]))
    assert norm.vmin == -norm.vmax
    pixel = colours(np.array([0.0, np.nan, -3.0]))
    assert (pixel[0, :3] > 240).all() and pixel[1, 3] == 0 and pixel[2, 0] > pixel[2, 2]
