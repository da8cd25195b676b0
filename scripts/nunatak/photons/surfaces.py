"""
Compute percentile surfaces: the top of the surface (canopy, else ground) and the median ground of each extent.

Source: SlideRule's `SurfaceBlanket`. It needs ATL08's classes. Extents are those of the x-series walk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nunatak.compute.kernels import kernel
from nunatak.compute.robust import percentile
from nunatak.parameters.sliderule import FitParameters
from nunatak.photons import height_table, heights
from nunatak.photons.records import TOO_FEW_PHOTONS
from nunatak.products.atl03 import BeamPhotons
from nunatak.times import delta_time_to_utc

COLUMNS = {
    "beam": ("category", ""),
    "segment_id_beg": ("u4", "1"),
    **height_table.EXTENT_COLUMNS,
    "top_of_surface": ("f8", "m"),
    "median_ground": ("f8", "m"),
}


def surface_percentiles(
    photons: BeamPhotons | Iterable[BeamPhotons], parameters: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """
    Return the top of the surface and the median ground of each extent.

    Parameters
    ----------
    photons : BeamPhotons with atl08_class, or consecutive blocks of one beam
    parameters : a mapping with the reference's names, or FitParameters with `als`. `als` gives the percentiles.
        Default: 0.98 and 0.5

    Returns
    -------
    DataFrame : the columns of `COLUMNS`. `top_of_surface` is the percentile of the heights of the top of canopy, else
        of the canopy, else of the ground, whichever first has at least `cnt` photons. Without such a class it is NaN
        and pflags is 2. Position and time are means over the extent's photons.
    """
    given = FitParameters.of(parameters)
    p = given if given.als is not None else FitParameters.of({**(parameters or {}), "als": {}})
    blocks = [photons] if isinstance(photons, BeamPhotons) else photons
    return finished_surfaces([surfaces_of(blocks, p)[0]], p)


def surfaces_of(blocks: Iterable[BeamPhotons], parameters: FitParameters) -> tuple[pd.DataFrame, int]:
    """
    Return the table of the surfaces of one beam, and the number of photons selected.

    Parameters
    ----------
    blocks : BeamPhotons, consecutive blocks of one beam
    parameters : FitParameters with `als`
    """
    walked = replace(parameters, profile="xseries", spread=0.0, compat=False)
    parts, n_selected = [], 0
    for photons, segment, selected, found, fresh in heights.extent_blocks(blocks, walked):
        n_selected += fresh
        if len(found):
            parts.append(_table(photons, segment, selected, found, parameters))
    return (pd.concat(parts, ignore_index=True) if parts else height_table.no_rows(COLUMNS)), n_selected


class Classified(NamedTuple):
    """Photons and their classes in ATL08, (n,) for each field."""

    selected: np.ndarray
    classed: np.ndarray
    h: np.ndarray
    x: np.ndarray
    across: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    time: np.ndarray


def _table(photons, segment, selected, found, p):
    """Return the table of the surfaces of the extents complete in a block."""
    columns, track, n = photons.photons, photons.track, len(found)
    x = track.segments["segment_dist_x"][segment] + columns["dist_ph_along"]
    h = heights.heights(photons, segment, p)
    out = np.empty((n, 7))
    values = Classified(
        selected,
        columns["atl08_class"],
        h,
        x,
        columns["dist_ph_across"],
        columns["lat_ph"],
        columns["lon_ph"],
        columns["delta_time"],
    )
    _surfaces(
        found,
        values,
        p.count,
        p.als["max_top_of_surface_percentile"],
        p.als["median_ground_percentile"],
        out,
    )
    flags = found["flags"] | np.where(np.isnan(out[:, :2]).any(axis=1), TOO_FEW_PHOTONS, 0).astype("u2")
    granule = track.granule
    data = {
        "beam": height_table.beam_column(track.beam, n),
        "segment_id_beg": track.segments["segment_id"][found["segment"]].astype("u4"),
        "pflags": flags,
        "rgt": np.full(n, granule.rgt, "u2"),
        "cycle": np.full(n, granule.cycle, "u2"),
        "region": np.full(n, granule.region, "u1"),
        "spot": track.segments["spot"][found["segment"]].astype("u1"),
        "gt": np.full(n, track.gt, "u1"),
        "x_atc": out[:, 2],
        "y_atc": out[:, 3],
        "time": delta_time_to_utc(out[:, 6]),
        "latitude": out[:, 4],
        "longitude": (out[:, 5] + 180) % 360 - 180,
        "top_of_surface": out[:, 0],
        "median_ground": out[:, 1],
    }
    return pd.DataFrame(data, copy=False)


@kernel
def _surfaces(extents, values, count, top, middle, out):
    """
    Write top of surface, median ground, and the mean position and time of each extent.

    See `_table` for the columns.
    """
    selected, classed, h, x, across = values.selected, values.classed, values.h, values.x, values.across
    latitude, longitude, time = values.latitude, values.longitude, values.time
    longest = 1
    for e in range(extents.shape[0]):
        longest = max(longest, extents[e].end - extents[e].begin)
    groups = np.empty((3, longest))  # ground; canopy with its top; top of canopy
    for e in range(extents.shape[0]):
        n = np.zeros(3, dtype=np.int64)
        k = 0
        means = np.zeros(5)
        first = extents[e].begin
        while not selected[first]:
            first += 1
        for i in range(first, extents[e].end):
            if not selected[i]:
                continue
            k += 1
            means[0] += x[i] - x[first]
            means[1] += across[i]
            means[2] += latitude[i]
            means[3] += (longitude[i] - longitude[first] + 180.0) % 360.0 - 180.0
            means[4] += time[i] - time[first]
            for g in range(3):
                if (g == 0 and classed[i] == 1) or (g == 1 and 2 <= classed[i] <= 3) or (g == 2 and classed[i] == 3):
                    groups[g, n[g]] = h[i]
                    n[g] += 1
        out[e, 0] = out[e, 1] = np.nan
        for g in (2, 1, 0):
            if n[g] >= count:
                out[e, 0] = percentile(groups[g, : n[g]], top)
                break
        if n[0] >= count:
            out[e, 1] = percentile(groups[0, : n[0]], middle)
        out[e, 2], out[e, 3], out[e, 4] = x[first] + means[0] / k, means[1] / k, means[2] / k
        out[e, 5], out[e, 6] = longitude[first] + means[3] / k, time[first] + means[4] / k


def finished_surfaces(tables: Iterable[pd.DataFrame], p: FitParameters) -> pd.DataFrame:
    """
    Join the surfaces of the beams in one table.

    Parameters
    ----------
    tables : DataFrames of `surfaces_of`
    p : FitParameters
    """
    full = [t for t in tables if len(t)]
    table = pd.concat(full, ignore_index=True) if full else height_table.no_rows(COLUMNS)
    table.attrs["units"] = {name: unit for name, (_, unit) in COLUMNS.items() if unit}
    table.attrs["parameters"] = p.provenance()
    return table
