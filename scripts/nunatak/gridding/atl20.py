"""Grid freeboard in the style of ATL20, and compute the difference from the product itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nunatak.gridding.presets import make_grid
from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    import xarray as xr

    from nunatak.geometry.grid import Grid


@dataclass(frozen=True)
class GriddingStyle:
    """Settings of a freeboard grid."""

    preset: str
    cell: str
    beams: str
    weight: str
    bins: tuple[str, ...]
    statistics: tuple[str, ...]
    weighting: str
    unverified: tuple[str, ...]
    """settings of ATL20 that could not be verified, which are listed in the output's attributes"""

    @property
    def grid(self) -> Grid:
        """Return the Grid of the style."""
        return make_grid(preset=self.preset, cell=self.cell)

    @property
    def attributes(self) -> dict[str, str]:
        """Return the text attributes of the output file."""
        return {
            "style": "ATL20-style: strong beams, weighted by segment length, not ATL20-equivalent",
            "style_unverified": "; ".join(self.unverified),
        }


def atl20_style(hemisphere: str) -> GriddingStyle:
    """
    Return settings for grids like ATL20's: 25 km polar stereographic, strong beams, length weights, daily and monthly.

    Confirmed are the beams, the formulas (mean length, length-weighted mean and variance, count) and the daily step.

    Parameters
    ----------
    hemisphere : north or south

    Raises
    ------
    NunatakError : the hemisphere is neither "north" nor "south"
    """
    if hemisphere not in ("north", "south"):
        raise NunatakError(f"atl20_style: hemisphere {hemisphere!r} is not known; write north or south")
    return GriddingStyle(
        # ASSUME: ATL20 lies on NSIDC's older grids, on the Hughes ellipsoid. At 25 km that moves few segments.
        preset=f"nsidc_{hemisphere}_hughes",
        cell="25km",
        beams="strong",
        weight="height_segment_length_seg",
        bins=("day", "month"),
        statistics=("count", "mean_length", "mean", "std"),
        weighting="segment_weighted",
        unverified=(
            "lowest ice concentration (ATL20 ATBD not read)",
            "distance from the coast",
            "least number of segments per cell",
            "ellipsoid of the projection",
        ),
    )


def difference(ours: xr.Dataset, theirs: xr.Dataset) -> xr.DataArray:
    """
    Subtract ATL20's mean from our monthly or daily mean, on ATL20's grid.

    Parameters
    ----------
    ours : Dataset of `statistics` on the grid of `atl20_style`, with `mean`
    theirs : Dataset of `products.atl20.read_freeboard`, with `mean_fb`

    Returns
    -------
    DataArray `difference` (time, y, x), m, with the attributes `cells` (compared), `mean`, `rms` (m), `only_ours` and
        `only_theirs` (cells with one value)

    Raises
    ------
    NunatakError : the grids differ, or the two have no time in common
    """
    same = ours.sizes["x"] == theirs.sizes["x"] and ours.sizes["y"] == theirs.sizes["y"]
    if not same or not (np.allclose(ours["x"], theirs["x"], atol=1) and np.allclose(ours["y"], theirs["y"], atol=1)):
        raise NunatakError("atl20: the grids differ; make ours with atl20_style of the same hemisphere")
    times = np.intersect1d(ours["time"].values, theirs["time"].values)
    if not times.size:
        first = [str(dataset["time"].values[0])[:10] for dataset in (ours, theirs)]
        raise NunatakError(f"atl20: no common time: ours begins {first[0]}, theirs {first[1]}")
    a, b = ours["mean"].sel(time=times), theirs["mean_fb"].sel(time=times)
    b = b.assign_coords(x=a["x"], y=a["y"])
    out = (a - b).rename("difference")
    both = np.isfinite(out.values)
    values = out.values[both]
    out.attrs = {
        "units": "m",
        "long_name": "mean freeboard less that of ATL20",
        "cells": int(both.sum()),
        "mean": float(values.mean()) if values.size else np.nan,
        "rms": float(np.sqrt((values**2).mean())) if values.size else np.nan,
        "only_ours": int((np.isfinite(a.values) & ~np.isfinite(b.values)).sum()),
        "only_theirs": int((np.isfinite(b.values) & ~np.isfinite(a.values)).sum()),
    }
    return out
