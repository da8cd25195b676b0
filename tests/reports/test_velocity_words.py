"""Velocities on the front page and in words: what leads, what is counted, which years have no velocity and why."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from nunatak.reports import files, front, velocity
from nunatak.reports.page import Figure


def series():
    """Two annual means at one point, and three pairs of the first year."""
    annual = pd.DataFrame(
        {
            "point": "trunk",
            "kind": "annual",
            "pairs": [3, 7],
            "time": pd.to_datetime(["2010-07-02", "2020-07-02"]),
            "v": [3000.0, 3400.0],
            "v_error": [40.0, 30.0],
        }
    )
    pairs = pd.DataFrame(
        {"point": "trunk", "kind": "pair", "time": pd.to_datetime(["2010-01-05"] * 3), "v": 2990.0, "v_error": 60.0}
    )
    return pd.concat([annual, pairs], ignore_index=True)


def composed(made, provenance, one_figure, **changes):
    material = files.front_material(
        {
            **made.inputs,
            "provenance": str(provenance),
            "figures": [one_figure[0]],
            "pages": ["elevation_change.html", "velocity.html"],
        }
    )
    drawn = [Figure(name, name, "", "") for name in ("extent", "height_change_region", "speed_map")]
    material |= {"speeds": series(), "figure_list": drawn}
    return front.compose({**made.study, **changes}, references=[], **material)


def test_speeds_lead_where_altimetry_has_an_area_of_its_own(made, provenance, one_figure):
    """The first sentence, table, map and page are those of the velocity."""
    page = composed(made, provenance, one_figure, altimetry_region={"bbox": [0, 0, 1, 1]})
    assert page.lead[0].startswith("At the point trunk the speed was") and "faster" in page.lead[0]
    assert page.tables[0].title == "Speed at points"
    assert [figure.name for figure in page.figures] == ["extent", "speed_map", "height_change_region"]
    assert [name for name, *_ in page.pages] == ["velocity", "elevation change"]


def test_heights_lead_otherwise(made, provenance, one_figure):
    page = composed(made, provenance, one_figure)
    assert "At the point" not in page.lead[0] and any("At the point trunk" in line for line in page.lead)
    assert [figure.name for figure in page.figures][1] == "height_change_region"
    assert [name for name, *_ in page.pages] == ["elevation change", "velocity"]


def test_years_without_a_velocity_are_counted_with_their_reason():
    """Two known cells, one without pairs, one that pairs only touch; the cell outside the region does not count."""
    status = np.array([[[0, 0, 1, 3, 1]]], dtype="u1")
    roi = np.array([[1, 1, 1, 1, 0]], dtype="u1")
    annual = xr.Dataset({"status": (("year", "y", "x"), status), "roi": (("y", "x"), roi)})
    assert velocity.status_rows(annual) == [
        ("known", "50 %"),
        ("no pairs", "25 %"),
        ("only touched by pairs of other years", "25 %"),
    ]


def test_the_method_is_told_with_its_limit():
    annual = xr.Dataset(attrs={"method": "lsq", "error_limit": 100.0, "error_limit_of_speed": 0.1})
    assert "least squares" in velocity.method_sentences(annual)[0]
    assert "at most 100 m/yr plus 10 %" in velocity.method_sentences(annual)[1]
    assert velocity.method_sentences(xr.Dataset(attrs={"method": "largest"})) == [
        "Annual values of the components by largest."
    ]
