"""Checks of gridded freeboard hold when it is right, and fail when one thing is wrong."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from nunatak.checks import freeboard
from nunatak.simulation import world

WORLD = {"name": "ross_sea", "size": "tiny"}
ABOUT = {
    "crs": "EPSG:6932",
    "product": "atl10",
    "segments_read": 1250,
    "segments_outside": 30,
    "segments_invalid": 20,
    "minimum_segments": 60,
    "minimum_passes": 1,
    "minimum_days": 1,
    "granules": 100,
}


def gridded(offset=0.0, noise=0.01, stated=0.01):
    """Twelve cells of 100 segments and three passes, means of the truth, with noise and its stated error."""
    x, y = 25e3 * np.arange(4), -1.6e6 - 25e3 * np.arange(3)
    edges = np.array([["2019-09-01", "2019-09-08"]], "M8[ns]")
    truth = world(**WORLD).truth.freeboard(*np.meshgrid(x, y), 2018.0 + 611 / 365.25)
    rng = np.random.default_rng(4)
    dims = ("time", "y", "x")
    mean = truth[None] + offset + noise * rng.standard_normal((1, 3, 4))
    return xr.Dataset(
        {
            "count": (dims, np.full((1, 3, 4), 100, "i4")),
            "n_pass": (dims, np.full((1, 3, 4), 3, "i4")),
            "mean": (dims, mean),
            "stderr": (dims, np.full((1, 3, 4), stated)),
            "time_bnds": (("time", "nv"), edges),
        },
        coords={"time": edges[:, 0], "y": y, "x": x},
        attrs=ABOUT,
    )


def verdicts(dataset, **changes):
    """Name to passed of every check that applies."""
    dataset.attrs |= changes
    found = freeboard.grid_checks({"month": dataset}) + freeboard.against_truth("month", dataset, WORLD)
    return {check.name: check.held for check in found if check.applies}


def test_right_results_pass():
    found = verdicts(gridded())
    assert {"crs", "freeboard_counts/month", "freeboard_range/month"} <= set(found)
    assert all(found.values()), found


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("freeboard_counts/month", lambda d: d["count"].__setitem__((0, 0, 0), 101)),
        ("freeboard_range/month", lambda d: d["mean"].__setitem__((0, 0, 0), 3.4)),
        ("crs", lambda d: d.attrs.update(crs="EPSG:4326")),
    ],
)
def test_one_fault_fails_one_check(name, spoil):
    dataset = gridded()
    spoil(dataset)
    assert not verdicts(dataset)[name]


def test_an_offset_of_two_centimetres_is_seen():
    """A hundred passes with 15 mm each leave no more than 4.5 mm."""
    found = verdicts(gridded(offset=0.02, noise=0.0, stated=0.02))
    assert not found["freeboard_against_truth/month/mean"]
    assert found["freeboard_against_truth/month/cells"]


def test_errors_stated_too_small_are_seen():
    assert not verdicts(gridded(noise=0.01, stated=0.003))["freeboard_against_truth/month/cells"]


def test_errors_stated_too_large_are_seen():
    assert not verdicts(gridded(noise=0.01, stated=0.03))["freeboard_against_truth/month/cells"]


def test_what_cannot_be_checked_says_so():
    """Without counts, passes or errors the checks do not apply and name the reason."""
    dataset = gridded().drop_vars(["count", "stderr"])
    found = freeboard.grid_checks({"month": dataset}) + freeboard.against_truth("month", dataset, WORLD)
    silent = {check.name: check.text for check in found if not check.applies}
    assert "keeps no count" in silent["freeboard_counts/month"]
    assert "needs count, n_pass, mean and stderr" in silent["freeboard_against_truth/month/cells"]
    assert not any(c.name.startswith("freeboard_range") for c in freeboard.grid_checks({"m": dataset}, product="atl07"))


def test_few_passes_may_scatter_more_about_the_truth():
    """The error of a pass is shared by its cells: 20 passes explain a ratio of 4, and 200 no more than 2."""
    assert freeboard.ratio_limit(20) == pytest.approx(4.1, abs=0.05)
    assert freeboard.ratio_limit(200) == freeboard.TRUTH_RATIO == 2.0
