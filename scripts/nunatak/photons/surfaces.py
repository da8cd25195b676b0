"""
Percentile surfaces: the top of what reflects (canopy, else ground) and the median ground of each extent.

Source: SlideRule's `SurfaceBlanket`; needs ATL08's classes. Extents are those of the x-series walk.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from nunatak.constants import BEAMS
from nunatak.photons import heights
from nunatak.photons.parameters import FitParameters
from nunatak.photons.walks import TOO_FEW_PHOTONS
from nunatak.products.atl03 import BeamPhotons
from nunatak.times import delta_time_to_utc

_GROUND, _CANOPY, _TOP = 1, 2, 3
COLUMNS = {
    "beam": ("category", ""), "segment_id_beg": ("u4", "1"), "pflags": ("u2", "1"), "rgt": ("u2", "1"),
    "cycle": ("u2", "1"), "region": ("u1", "1"), "spot": ("u1", "1"), "gt": ("u1", "1"), "x_atc": ("f8", "m"),
    "y_atc": ("f8", "m"), "time": ("datetime64[ns]", "UTC"), "latitude": ("f8", "degrees_north"),
    "longitude": ("f8", "degrees_east"), "top_of_surface": ("f8", "m"), "median_ground": ("f8", "m"),
}  # fmt: skip


def surface_percentiles(photons, parameters=None):
    """
    Top of the surface and median ground of each extent.

    Parameters
    ----------
    photons : BeamPhotons with atl08_class, or consecutive blocks of one beam
    parameters : FitParameters or a mapping with the reference's names; `als` gives the percentiles (0.98 and 0.5)

    Returns
    -------
    DataFrame : the columns of `COLUMNS`. `top_of_surface` is the percentile of the heights of the top of canopy, else
        of the canopy, else of the ground, the first of them with at least `cnt` photons; NaN and pflags 2 without.
        Position and time are means over the extent's photons.
    """
    given = FitParameters.of(parameters)
    p = given if given.als is not None else FitParameters.of({**(parameters or {}), "als": {}})
    blocks = [photons] if isinstance(photons, BeamPhotons) else photons
    return finished_surfaces([surfaces_of(blocks, p)[0]], p)


def surfaces_of(blocks, parameters):
    """Table of the surfaces of one beam in blocks, and the number of photons selected."""
    walked = replace(parameters, profile="xseries", spread=0.0, compat=False)
    rows, n_selected = [], 0
    for photons, segment, selected, found, fresh in heights.extent_blocks(blocks, walked):
        n_selected += fresh
        h = heights.heights(photons, segment, walked)
        for e in range(len(found)):
            chosen = found.begin[e] + np.flatnonzero(selected[found.begin[e] : found.end[e]])
            rows.append(_one(photons, segment, chosen, h, int(found.segment[e]), int(found.flags[e]), parameters))
    table = pd.DataFrame(rows, columns=list(COLUMNS)) if rows else heights.no_rows(COLUMNS)
    return table, n_selected


def _one(photons, segment, chosen, h, row, flags, p):
    columns, track = photons.photons, photons.track
    classed, heights_ = columns["atl08_class"][chosen], h[chosen].astype("f8")
    top = np.nan
    for group in ((_TOP,), (_CANOPY, _TOP), (_GROUND,)):
        of_group = heights_[np.isin(classed, group)]
        if len(of_group) >= p.count:
            top = np.quantile(of_group, p.als["max_top_of_surface_percentile"])
            break
    ground = heights_[classed == _GROUND]
    median = np.quantile(ground, p.als["median_ground_percentile"]) if len(ground) >= p.count else np.nan
    if np.isnan(top) or np.isnan(median):
        flags |= TOO_FEW_PHOTONS
    x = track.segments["segment_dist_x"][segment[chosen]] + columns["dist_ph_along"][chosen]
    time, granule = columns["delta_time"][chosen].mean(), track.granule
    return (
        track.beam, int(track.segments["segment_id"][row]), flags, granule.rgt, granule.cycle, granule.region,
        int(track.segments["spot"][row]), track.gt, x.mean(), columns["dist_ph_across"][chosen].mean(dtype="f8"),
        delta_time_to_utc(time)[()], columns["lat_ph"][chosen].mean(), _mean_longitude(columns["lon_ph"][chosen]), top,
        median,
    )  # fmt: skip


def _mean_longitude(lon):
    """Mean of longitudes near each other, also across the antimeridian."""
    mean = lon[0] + ((lon - lon[0] + 180) % 360 - 180).mean()
    return (mean + 180) % 360 - 180


def finished_surfaces(tables, p):
    """The beams' surfaces as one table."""
    full = [t for t in tables if len(t)]
    table = pd.concat(full, ignore_index=True) if full else heights.no_rows(COLUMNS)
    kinds = {name: kind for name, (kind, _) in COLUMNS.items() if kind not in ("category", "datetime64[ns]")}
    table = table.astype(kinds).astype({"beam": pd.CategoricalDtype(list(BEAMS)), "time": "datetime64[ns]"})
    table.attrs["units"] = {name: unit for name, (_, unit) in COLUMNS.items() if unit}
    table.attrs["parameters"] = p.provenance()
    return table
