"""What a figure is of, and what several figures take from a study's results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyproj

from nunatak.figures.layouts import NothingToDraw
from nunatak.geometry.outlines import altimetry_area


@dataclass(frozen=True)
class Subject:
    """
    What a figure is of, in the words of the study's file.

    Attributes
    ----------
    name : of the figure
    title : of the study
    focus, transects : the study's own keys
    coastline : a file with land for polar maps, or None
    period : the study's as plain values, with start and end; None where titles name whole time bins
    limits : the study's limits of rates at reference points, `max_error` and `max_rate`
    compose : composed figures by name: rows of names of figures
    """

    name: str
    title: str
    focus: Mapping[str, Any] | None = None
    transects: Mapping[str, Any] = field(default_factory=dict)
    coastline: str | None = None
    period: Mapping[str, Any] | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    compose: Mapping[str, Any] = field(default_factory=dict)


def area(data):
    """Return the outline altimetry is read in."""
    return altimetry_area(data["regions"])


def map_crs(data):
    """Return the coordinate system of maps of altimetry: that of the height change, else that of the region."""
    return data["change"].change.attrs["crs"] if "change" in data else area(data).natural_crs


def ice_at_first(data):
    """Return the ice area of the height change at its first epoch, None without height change."""
    return data["change"].change["ice_area"].isel(time=0) if "change" in data else None


def cut_to_focus(change, rates, focus):
    """
    Return the height change and its rates in the cells whose centres lie in the focus.

    Raises
    ------
    NothingToDraw : the focus holds fewer than 2 x 2 cells
    """
    to_map = pyproj.Transformer.from_crs(focus["crs"], change.attrs["crs"], always_xy=True)
    (x0, x1), (y0, y1) = focus["xlim"], focus["ylim"]
    left, bottom, right, top = to_map.transform_bounds(x0, y0, x1, y1, densify_pts=21)
    x = np.flatnonzero((change.x.values >= left) & (change.x.values <= right))
    y = np.flatnonzero((change.y.values >= bottom) & (change.y.values <= top))
    if x.size < 2 or y.size < 2:
        raise NothingToDraw(
            "focus: holds fewer than 2 x 2 cells of the height change; widen it or move it to the region"
        )
    return change.isel(x=x, y=y), {lag: rate.isel(x=x, y=y) for lag, rate in rates.items()}
