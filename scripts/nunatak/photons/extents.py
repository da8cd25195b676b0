"""Give the photons of each extent as a table, as the reference's `atl03s` does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from nunatak.constants import BEAMS
from nunatak.parameters.sliderule import FitParameters
from nunatak.photons import gathering, height_table, heights, walks
from nunatak.photons.selection import confidence
from nunatak.products.atl03 import BeamPhotons
from nunatak.products.atl08 import UNCLASSIFIED
from nunatak.times import delta_time_to_utc

# column: (dtype, unit); one row for each photon of each extent, so that a photon occurs in overlapping extents
COLUMNS = {
    "beam": ("category", ""),
    "extent_id": ("u8", "1"),
    "segment_id": ("u4", "1"),
    "segment_dist": ("f8", "m"),
    "count": ("i4", "counts"),
    "rgt": ("u2", "1"),
    "cycle": ("u2", "1"),
    "region": ("u1", "1"),
    "track": ("u1", "1"),
    "spot": ("u1", "1"),
    "gt": ("u1", "1"),
    "background_rate": ("f8", "counts / second"),
    "solar_elevation": ("f4", "degrees"),
    "time": ("datetime64[ns]", "UTC"),
    "latitude": ("f8", "degrees_north"),
    "longitude": ("f8", "degrees_east"),
    "x_atc": ("f8", "m"),
    "y_atc": ("f4", "m"),
    "height": ("f4", "m"),
    "atl08_class": ("u1", "1"),
    "atl03_cnf": ("i1", "1"),
    "quality_ph": ("i1", "1"),
    "yapc_score": ("u2", "1"),
    "photon": ("u4", "1"),
    "delta_time": ("f8", "seconds since 2018-01-01"),
}
CLASSIC = {"x_atc": "distance"}


def extents(
    photons: BeamPhotons | Iterable[BeamPhotons], parameters: FitParameters | Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """
    Return the selected photons of each extent.

    Parameters
    ----------
    photons : BeamPhotons, or consecutive blocks of one beam
    parameters : FitParameters or a mapping with the reference's names. Default: the defaults of FitParameters

    Returns
    -------
    DataFrame : the columns of `COLUMNS`. `segment_id` and `segment_dist` (m along the track) belong to the extent's
        centre, `count` is the number of its photons, `x_atc` the distance of the photon from that centre, `height` is
        above the ellipsoid, `photon` counts from the start of the stretch. With `columns: classic`, x_atc is called
        distance and time is delta_time
    """
    p = FitParameters.of(parameters)
    blocks = [photons] if isinstance(photons, BeamPhotons) else photons
    return finished_extents([extents_of(blocks, p)[0]], p)


def extents_of(blocks: Iterable[BeamPhotons], parameters: FitParameters) -> tuple[pd.DataFrame, int]:
    """
    Return the table of the photons of one beam's extents, and the number of photons selected.

    Parameters
    ----------
    blocks : BeamPhotons, consecutive blocks of one beam
    parameters : FitParameters
    """
    parts, n_selected = [], 0
    for photons, segment, selected, found, fresh in heights.extent_blocks(blocks, parameters):
        n_selected += fresh
        if len(found):
            parts.append(_rows(photons, segment, selected, found, parameters))
    return (pd.concat(parts, ignore_index=True) if parts else height_table.no_rows(COLUMNS)), n_selected


def _rows(photons, segment, selected, found, p):
    """Return the table of the photons of the extents that are complete in a block."""
    block, reach = walks.block_of(photons, segment, selected), heights.reach_of(p)
    longest = int((found["end"] - found["begin"]).max())
    x, index = np.empty(longest), np.empty(longest, dtype="i8")
    members, places, counts = [], [], []
    for extent in found:
        n = gathering.gather(extent, reach, block, x, index)
        members.append(index[:n].copy())
        places.append(x[:n].copy())
        counts.append(n)
    return _table(photons, np.concatenate(members), np.concatenate(places), np.array(counts), segment, found, p)


def _table(photons, rows, x, counts, segment, found, p):
    """Return the table of photons, given their rows, distances and the count of each extent."""
    track, columns = photons.track, photons.photons
    granule, n, extent = track.granule, len(rows), np.repeat(np.arange(len(found)), counts)
    delta_time = columns["delta_time"][rows]
    scores = columns.get("yapc_score", columns.get("weight_ph", np.zeros(len(photons), "u1")))
    sun = track.segments.get("solar_elevation", np.full(len(track.segments["segment_id"]), np.nan, "f4"))
    first = found["segment"][extent]
    rate = heights.background_rates(track, found, p)
    data = {
        "beam": height_table.beam_column(track.beam, n),
        "extent_id": height_table.extent_ids(track, found["number"])[extent],
        "segment_id": found["segment_id"][extent].astype("u4"),
        "segment_dist": found["centre"][extent],
        "count": counts[extent].astype("i4"),
        "rgt": np.full(n, granule.rgt, "u2"),
        "cycle": np.full(n, granule.cycle, "u2"),
        "region": np.full(n, granule.region, "u1"),
        "track": np.full(n, BEAMS.index(track.beam) // 2 + 1, "u1"),
        "spot": track.segments["spot"][first].astype("u1"),
        "gt": np.full(n, track.gt, "u1"),
        "background_rate": rate[extent],
        "solar_elevation": sun[first],
        "time": delta_time_to_utc(delta_time),
        "latitude": columns["lat_ph"][rows],
        "longitude": columns["lon_ph"][rows],
        "x_atc": x,
        "y_atc": columns["dist_ph_across"][rows],
        "height": heights.heights(photons, segment, p)[rows],
        "atl08_class": columns.get("atl08_class", np.full(len(photons), UNCLASSIFIED, "u1"))[rows],
        "atl03_cnf": confidence(photons, p)[rows],
        "quality_ph": columns.get("quality_ph", np.zeros(len(photons), "i1"))[rows],
        "yapc_score": scores[rows].astype("u2"),
        "photon": (photons.first + rows).astype("u4"),
        "delta_time": delta_time,
    }
    return pd.DataFrame(data, copy=False)


def finished_extents(tables: Iterable[pd.DataFrame], p: FitParameters) -> pd.DataFrame:
    """
    Join the tables of the beams and give the columns that the parameters ask for.

    Parameters
    ----------
    tables : DataFrames of `extents_of`
    p : FitParameters
    """
    full = [t for t in tables if len(t)]
    table = pd.concat(full, ignore_index=True) if full else height_table.no_rows(COLUMNS)
    names = CLASSIC if p.columns == "classic" else {}
    table = table.rename(columns=names).drop(columns="time" if names else "delta_time")
    table.attrs["units"] = {names.get(k, k): u for k, (_, u) in COLUMNS.items() if u and names.get(k, k) in table}
    table.attrs["parameters"] = replace(p, compact=False).provenance()
    return table
