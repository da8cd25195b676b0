"""Simulated ATL08: the classes of the simulated ATL03 photons, and 100 m land segments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nunatak.constants import BEAMS
from nunatak.runtime import written
from nunatak.simulation import atl03, hdf, orbit, photon_cloud
from nunatak.simulation.photon_layout import ATL08
from nunatak.simulation.track_files import beam_attributes
from nunatak.times import delta_time_to_utc

if TYPE_CHECKING:
    from nunatak.simulation.worlds import World

_PER_LAND_SEGMENT = 5
_LEAST_GROUND = 10  # ground photons that a land segment needs


def write(
    world: World, folder: Path | str, *, cycles: list[int] | None = None, rgts: Any = None, dead_time: bool = True
) -> list[Path]:
    """
    Write the ATL08 granules that belong to the world's ATL03 granules, photon by photon.

    Parameters and result as of `atl03.write`; `dead_time` must be the same.

    Parameters
    ----------
    world : World, the simulated world
    folder : Path, the folder that granules are written to
    cycles : sequence of int, the cycles wanted (default: None)
    rgts : sequence of int, reference ground tracks (default: all of the world)
    dead_time : bool, whether channels are blind for a while after a photon (default: True)
    """
    paths = []
    for run, cycle in atl03.passes(world, cycles, rgts):
        file_name, began = atl03.name_of("ATL08", run, cycle)
        path = Path(folder) / file_name
        with written(path) as temporary, hdf.create(temporary) as file:
            extent = []
            for beam in BEAMS:
                cloud = photon_cloud.observe(world, run, cycle, beam, stretch=atl03.stretch(world), dead_time=dead_time)
                if not len(cloud.x):
                    continue
                extent.append((cloud.node.longitude, cloud.node.latitude, cloud.node.delta_time))
                group = file.create_group(beam)
                hdf.put_attributes(group, beam_attributes(beam, int(orbit.sc_orient(delta_time_to_utc(began)))))
                atl03.put_groups(group, ATL08, _values(cloud, run.rgt))
            atl03.put_identity(file, "ATL08", file_name, run, cycle, began, extent)
        paths.append(path)
    return sorted(paths)


def _values(cloud, rgt):
    segment = np.repeat(np.arange(len(cloud.counts)), cloud.counts)
    index = np.arange(len(segment)) - np.repeat(np.cumsum(cloud.counts) - cloud.counts, cloud.counts) + 1
    listed = (cloud.confidence >= 1) & (cloud.quality == 0)
    ground = listed & (cloud.confidence >= 2) & (np.abs(cloud.residual - cloud.pass_bias) < 1.0)
    time = np.interp(cloud.x, cloud.node.x_atc, cloud.node.delta_time)
    signal = {
        "delta_time": time[listed],
        "ph_segment_id": cloud.segment_id[segment[listed]],
        "classed_pc_indx": index[listed],
        "classed_pc_flag": ground[listed],
        "d_flag": ground[listed],
        "ph_h": cloud.residual[listed],
    }
    return {"signal_photons": signal, "land_segments": _land(cloud, segment, listed, ground, rgt)}


def _land(cloud, segment, listed, ground, rgt):
    """Land segments of five ATL03 segments, counted from segment_id 1, that hold enough ground photons."""
    land = (cloud.segment_id[segment] - 1) // _PER_LAND_SEGMENT
    rows = []
    begins = np.searchsorted(land[listed], np.unique(land))
    for number, first in zip(np.unique(land), begins, strict=True):
        here = land == number
        heights = cloud.h[here & ground]
        if len(heights) < _LEAST_GROUND:
            continue
        inside = np.flatnonzero((cloud.segment_id - 1) // _PER_LAND_SEGMENT == number)
        rows.append((number, inside[0], inside[-1] + 1, first + 1, int((here & listed).sum()), heights))
    beg = np.array([r[1] for r in rows], dtype="i8")
    end = np.array([r[2] for r in rows], dtype="i8")
    node = cloud.node
    return {
        "delta_time": (node.delta_time[beg] + node.delta_time[end]) / 2,
        "delta_time_beg": node.delta_time[beg],
        "delta_time_end": node.delta_time[end],
        "latitude": (node.latitude[beg] + node.latitude[end]) / 2,
        "longitude": (node.longitude[beg] + node.longitude[end]) / 2,
        "segment_id_beg": np.array([r[0] for r in rows], dtype="i8") * _PER_LAND_SEGMENT + 1,
        "segment_id_end": np.array([r[0] for r in rows], dtype="i8") * _PER_LAND_SEGMENT + _PER_LAND_SEGMENT,
        "ph_ndx_beg": np.array([r[3] for r in rows], dtype="i8"),
        "n_seg_ph": np.array([r[4] for r in rows], dtype="i8"),
        "rgt": np.full(len(rows), rgt),
        "segment_snowcover": np.full(len(rows), 3),
        "solar_elevation": np.full(len(rows), cloud.sun),
        "h_te_median": np.array([np.median(r[5]) for r in rows], dtype="f8"),
        "h_te_mean": np.array([r[5].mean(dtype="f8") for r in rows], dtype="f8"),
        "n_te_photons": np.array([len(r[5]) for r in rows], dtype="i8"),
        "terrain_slope": (cloud.h_true[end] - cloud.h_true[beg]) / np.maximum(end - beg, 1) / orbit.SEGMENT_LENGTH,
    }
