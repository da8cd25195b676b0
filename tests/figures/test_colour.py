"""Colours of signed change: symmetric, neutral at zero, told apart by colour-blind readers, grey where nothing is."""

from __future__ import annotations

import numpy as np
import pytest
from colorspacious import cspace_convert
from matplotlib.colors import to_rgb

from nunatak.figures import colour


@pytest.mark.parametrize("values", [[-3.0, -1.0, 0.5], [0.1, 0.2, 0.4], [-5.0], [np.nan, 2.0, -2.0]])
def test_the_norm_is_symmetric_about_zero(values):
    norm = colour.change_norm(values)
    assert norm.vmin == -norm.vmax
    assert norm(0.0) == 0.5


def test_one_outlier_does_not_set_the_limits():
    values = np.append(np.linspace(-1, 1, 999), -500.0)
    assert colour.symmetric_limit(values) == 1.0


def test_limits_exist_without_data_and_without_change():
    assert colour.symmetric_limit([np.nan]) == 1.0
    assert colour.symmetric_limit([0.0, 0.0]) == 1.0


def test_change_confined_to_few_cells_still_has_limits():
    values = np.zeros(1000)
    values[0] = -7.2
    assert colour.symmetric_limit(values) == 8.0


@pytest.mark.parametrize("value", [0.0013, 0.99, 1.0, 1.01, 7.3, 9.9, 123.0])
def test_a_nice_number_is_the_next_round_one(value):
    rounded = colour.nice(value)
    assert value <= rounded <= 2 * value
    assert f"{rounded:e}"[:3] in {"1.0", "1.5", "2.0", "2.5", "3.0", "4.0", "5.0", "6.0", "8.0"}


def test_zero_is_white_and_missing_is_grey():
    cmap = colour.change_map()
    assert cmap(0.5)[:3] == pytest.approx((1, 1, 1), abs=0.01)
    assert cmap(np.ma.masked)[:3] == pytest.approx(to_rgb(colour.MISSING), abs=1e-6)
    drawn = cmap(np.linspace(0, 1, 257))[:, :3]
    assert np.abs(drawn - to_rgb(colour.MISSING)).max(axis=1).min() > 0.04


def test_the_map_darkens_evenly_to_both_ends():
    """Lightness falls from the middle outward on both sides, so that size reads without colour."""
    lightness = cspace_convert(colour.change_map()(np.linspace(0, 1, 41))[:, :3], "sRGB1", "CAM02-UCS")[:, 0]
    assert (np.diff(lightness[:21]) > 0).all()
    assert (np.diff(lightness[20:]) < 0).all()
    assert abs(lightness[0] - lightness[-1]) < 12


@pytest.mark.parametrize("deficiency", ["deuteranomaly", "protanomaly", "tritanomaly"])
def test_lowering_and_thickening_differ_for_colour_blind_readers(deficiency):
    """Equal amounts of opposite sign stay more than 15 CAM02-UCS units apart (1 is just noticeable)."""
    space = {"name": "sRGB1+CVD", "cvd_type": deficiency, "severity": 100}
    cmap = colour.change_map()
    for amount in (0.25, 0.5, 0.75, 1.0):
        pair = np.array([cmap(0.5 - amount / 2)[:3], cmap(0.5 + amount / 2)[:3]])
        seen = cspace_convert(np.clip(cspace_convert(pair, space, "sRGB1"), 0, 1), "sRGB1", "CAM02-UCS")
        assert np.linalg.norm(seen[0] - seen[1]) > 15


@pytest.mark.parametrize(
    ("values", "ends"),
    [([-2, 2], "both"), ([-2, 0], "min"), ([0, 2], "max"), ([-1, 1], "neither"), ([np.nan], "neither")],
)
def test_arrows_stand_where_data_lie_beyond(values, ends):
    assert colour.extend(values, colour.change_norm([], limit=1.0)) == ends
