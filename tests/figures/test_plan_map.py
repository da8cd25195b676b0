"""The map of a plan: every footprint where it lies, none of its sides invented, and the granules by year."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from nunatak import figures
from nunatak.figures.plan_map import plan_map
from nunatak.geometry import region

ROSS = region.load({"bbox": [160, -78, -150, -70], "crosses_antimeridian": True}, name="ross")
ACROSS = shapely.MultiPolygon([shapely.box(175, -76, 180, -74), shapely.box(-180, -76, -175, -74)])


def product(shapes, granules=None, years=None):
    return {
        "footprints": np.array(shapes),
        "granules": granules or len(shapes),
        "years": years or {"2019": len(shapes)},
    }


def drawn(**products):
    look = figures.preset("screen")
    with figures.use(look):
        return plan_map(look, title="a plan", region=ROSS.geometry, crs="EPSG:3031", products=products)


def sides(figure):
    """Corners of every side drawn, m."""
    (lines,) = figure.axes[1].collections[:1]
    return np.array(lines.get_segments())


def test_a_footprint_over_the_antimeridian_has_no_side_along_it():
    """Its two parts meet at x = 0 in EPSG:3031, where no line runs along the meridian."""
    found = sides(drawn(atl10=product([ACROSS])).figure)
    assert len(found) and not (np.abs(found[:, :, 0]) < 1.0).all(axis=1).any()
    assert (found[:, :, 0].min() < -1e5) and (found[:, :, 0].max() > 1e5)


def test_sides_follow_the_curve_of_the_parallel():
    """A side along 74 south keeps its distance from the pole to 20 m in 1,700 km."""
    radius = np.hypot(*sides(drawn(atl10=product([ACROSS])).figure).mean(axis=1).T)
    outer = radius[radius > radius.max() - 1e4]
    assert outer.size > 10 and np.ptp(outer) < 20


def test_numbers_and_words_tell_what_has_no_footprint():
    figure = drawn(atl10=product([ACROSS], granules=3, years={"2019": 2, "2021": 1}), atl14=product([ACROSS]))
    assert figure.numbers["granules"] == {"atl10": 3, "atl14": 1} and figure.numbers["footprints"]["atl10"] == 1
    assert "ATL10: 3 (2 without a footprint); ATL14: 1" in figure.caption
    bars = [round(patch.get_height()) for patch in figure.figure.axes[2].patches]
    assert bars == [2, 1, 1, 0]


@pytest.mark.parametrize("number", [0, 5000])
def test_any_number_of_footprints_is_one_artist(number):
    """Thousands of pairs are drawn in one go; none at all is a map, too."""
    shapes = [shapely.box(170 + 0.001 * i, -76, 171 + 0.001 * i, -75) for i in range(number)]
    figure = drawn(itslive=product(shapes, granules=max(number, 1), years={} if not number else None)).figure
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [f"ITSLIVE: {number}" if number else "ITSLIVE: 1 (1 without a footprint)", "region"]
    assert len(figure.axes[1].collections) <= 10
