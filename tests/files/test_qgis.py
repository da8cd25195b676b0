"""Styles of QGIS beside rasters: the colours of the figures, between limits that outliers do not move."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from numpy.testing import assert_allclose

from nunatak.files import qgis
from nunatak.files.rasters import write_cog
from nunatak.geometry.grid import Grid

GRID = Grid("EPSG:3413", -850_000.0, 1_250_000.0, 25_000.0, 12_500.0, 3, 4)


def test_change_is_red_where_it_sinks_and_white_where_nothing_happens():
    """Stops are symmetric about zero also where nearly all values sink, and run through the colours of RdBu."""
    steps = qgis.stops(np.linspace(-3, 1, 401), "change")
    values = [value for value, _ in steps]
    assert_allclose(values, np.linspace(-2.92, 2.92, 11), atol=1e-12)  # the 2nd percentile of -3 .. 1
    for (value, colour), at in zip(steps, np.linspace(0, 1, 11), strict=True):
        if value:
            assert_allclose(to_rgb(colour), colormaps["RdBu"](at)[:3], atol=0.02)
    assert dict(steps)[0.0] == "#ffffff"


def test_one_outlier_does_not_stretch_the_colours():
    """The limits are those of the 2nd and 98th percentile."""
    steps = qgis.stops(np.append(np.linspace(0, 1, 1000), 1e6), "amount")
    assert steps[-1][0] < 1.01


def test_speeds_get_colours_by_their_logarithm():
    """Each stop is the same multiple of the one before."""
    values = np.array([value for value, _ in qgis.stops(np.geomspace(2, 4000, 500), "speed")])
    assert_allclose(values[1:] / values[:-1], values[1] / values[0], rtol=1e-4)  # six digits in the file


@pytest.mark.parametrize("values", [[], [np.nan], [0.0], [5.0, 5.0], [-1.0]])
@pytest.mark.parametrize("scale", ["change", "amount", "speed"])
def test_stops_ascend_where_there_is_hardly_a_value(values, scale):
    """Nothing, a single value or equal values: QGIS gets a range that is not empty."""
    steps = [value for value, _ in qgis.stops(values, scale)]
    assert (np.diff(steps) > 0).all() and np.isfinite(steps).all()


def test_the_style_lies_beside_the_raster(tmp_path):
    """QGIS takes <name>.qml of <name>.tif, for which missing cells do not count. Without a scale there is no style."""
    values = np.array([[-1.0, -1, -1, -1], [0, 0, 0, 0], [1, 1, 1, np.nan]], "f4")
    write_cog(values, GRID, tmp_path / "change.tif", scale="change")
    write_cog(values, GRID, tmp_path / "plain.tif")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["change.qml", "change.tif", "plain.tif"]
    page = ET.parse(tmp_path / "change.qml").getroot()
    shader = page.find("pipe/rasterrenderer/rastershader/colorrampshader")
    items = [(float(item.get("value")), item.get("color")) for item in shader]
    assert page.tag == "qgis" and page.find("pipe/rasterrenderer").get("type") == "singlebandpseudocolor"
    assert (items[0][0], items[5], items[-1][0]) == (-1, (0.0, "#ffffff"), 1)
