"""Simulated ATL03: photons along six beams, in granules like those of release 006."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nunatak.constants import ATLAS_EPOCH_GPS_SECONDS, BEAMS, SPEED_OF_LIGHT
from nunatak.runtime import written
from nunatak.simulation import hdf, orbit, photon_cloud
from nunatak.simulation.photon_layout import ATL03
from nunatak.simulation.track_files import beam_attributes, granule_name, put_orbit_info
from nunatak.times import delta_time_to_utc

if TYPE_CHECKING:
    import h5py

    from nunatak.simulation.photon_layout import Field
    from nunatak.simulation.worlds import World

VERSION, REVISION = "006", "02"
SEGMENTS = {"tiny": 700, "full": 3000}  # of each pass, from the middle of its run: photons are many
_CHUNK = 10000


def write(
    world: World,
    folder: Path | str,
    *,
    cycles: list[int] | None = None,
    rgts: list[int] | None = None,
    dead_time: bool = True,
) -> list[Path]:
    """
    Write the ATL03 granules of a world, one for each track, granule region and cycle.

    Each holds the middle of the pass inside the world's `track_bbox`: `world.settings["atl03_segments"]` segments of
    20 m, by default 700 (tiny) or 3,000. Clouds, heights and the bias of a pass are those of its ATL06 granule.

    Parameters
    ----------
    world : World
    folder : where the granules go
    cycles, rgts : only these; all of `world.settings["atl03_tracks"]` by default, else of `world.tracks`
    dead_time : see `photon_cloud.observe`

    Returns
    -------
    list of Path, sorted by name
    """
    return sorted(
        write_granule(world, folder, run, cycle, dead_time=dead_time) for run, cycle in passes(world, cycles, rgts)
    )


def passes(
    world: World, cycles: list[int] | None = None, rgts: list[int] | None = None
) -> list[tuple[orbit.Pass, int]]:
    """
    Return every (orbit.Pass, cycle) that leaves a granule: whole regions with at least some ground below.

    Parameters
    ----------
    world : World, the simulated world
    cycles : sequence of int, the cycles wanted (default: None)
    rgts : sequence of int, reference ground tracks (default: all of the world)
    """
    found = []
    for rgt, seen in world.settings.get("atl03_tracks", world.tracks).items():
        if rgts is not None and rgt not in rgts:
            continue
        for run in orbit.passes(world.track_bbox, rgts=[rgt]):
            for cycle in seen if cycles is None else [c for c in seen if c in cycles]:
                when = orbit.beam_track(rgt, cycle, "gt2l", segment_id=[run.first, run.last]).time
                if not orbit.in_data_gap(when).any():
                    found.append((run, cycle))
    return found


def stretch(world: World) -> int:
    """
    Return the segments of a pass that its granules hold.

    Parameters
    ----------
    world : World, the simulated world
    """
    return world.settings.get("atl03_segments", SEGMENTS[world.size])


def name_of(product: str, run: orbit.Pass, cycle: int) -> tuple[str, float]:
    """
    Return the file name of the granule of a pass.

    Parameters
    ----------
    product : str, the product's name
    run : orbit.Pass, a run of segments of one reference track
    cycle : int, the cycle
    """
    first, _ = orbit.region_segments(run.region_number)
    began = orbit.delta_time_at(run.rgt, cycle, (first - 1) * orbit.SEGMENT_LENGTH)
    return granule_name(product, run.rgt, cycle, run.region_number, began, VERSION, REVISION), began


def write_granule(world: World, folder: Path | str, run: orbit.Pass, cycle: int, *, dead_time: bool = True) -> Path:
    """
    Write the granule of one pass and return its path.

    Parameters
    ----------
    world : World, the simulated world
    folder : Path, the folder that granules are written to
    run : orbit.Pass, a run of segments of one reference track
    cycle : int, the cycle
    dead_time : bool, whether channels are blind for a while after a photon (default: True)
    """
    file_name, began = name_of("ATL03", run, cycle)
    path = Path(folder) / file_name
    with written(path) as temporary, hdf.create(temporary) as file:
        extent = []
        for beam in BEAMS:
            cloud = photon_cloud.observe(world, run, cycle, beam, stretch=stretch(world), dead_time=dead_time)
            if not len(cloud.x):
                continue  # a beam that saw nothing has no group
            extent.append((cloud.node.longitude, cloud.node.latitude, cloud.node.delta_time))
            _put_beam(file, beam, cloud, began, world)
        put_identity(file, "ATL03", file_name, run, cycle, began, extent)
    return path


def put_identity(
    file: h5py.File,
    product: str,
    file_name: str,
    run: orbit.Pass,
    cycle: int,
    began: float,
    extent: Sequence[Sequence[np.ndarray]],
) -> None:
    """Write the root attributes, METADATA, ancillary_data and orbit_info."""
    lon, lat, time = (np.concatenate(c) for c in zip(*extent, strict=True))
    bounds = tuple(float(v) for v in (lon.min(), lat.min(), lon.max(), lat.max()))
    start, end = (f"{delta_time_to_utc(t).astype('datetime64[us]')}Z" for t in (time.min(), time.max()))
    title = {
        "ATL03": "ATLAS/ICESat-2 L2A Global Geolocated Photon Data",
        "ATL08": "ATLAS/ICESat-2 L3A Land and Vegetation Height",
    }
    hdf.put_attributes(
        file,
        {
            "Conventions": "CF-1.6",
            "short_name": product,
            "title": title[product],
            "featureType": "trajectory",
            "description": f"Simulated {product}: not observed, made by Nunatak from a known truth.",
            "granule_type": product,
            "identifier_product_type": product,
            "identifier_product_doi": f"doi:10.5067/ATLAS/{product}.{VERSION}",
            "identifier_product_format_version": "5.0",
            "instrument": "ATLAS > Advanced Topographic Laser Altimeter System",
            "platform": "ICESat-2 > Ice, Cloud, and land Elevation Satellite-2",
            "date_type": "UTC",
            "geospatial_lat_min": bounds[1],
            "geospatial_lat_max": bounds[3],
            "geospatial_lat_units": "degrees_north",
            "geospatial_lon_min": bounds[0],
            "geospatial_lon_max": bounds[2],
            "geospatial_lon_units": "degrees_east",
            "time_type": "CCSDS UTC-A",
            "time_coverage_start": start,
            "time_coverage_end": end,
            "time_coverage_duration": float(time.max() - time.min()),
            "nunatak_source": hdf.SOURCE,
        },
    )
    hdf.put_metadata(
        file, short_name=product, version=VERSION, file_name=file_name, extent=bounds, began=start, ended=end
    )
    group = file.create_group("ancillary_data")
    hdf.put(group, "atlas_sdp_gps_epoch", np.array([ATLAS_EPOCH_GPS_SECONDS]), units="seconds since 1980-01-06")
    for side, when in (("start", time.min()), ("end", time.max())):
        hdf.put(group, f"{side}_delta_time", np.array([when]), units="seconds since 2018-01-01")
        hdf.put(group, f"data_{side}_utc", np.array([start if side == "start" else end], dtype="S27"), units="1")
        for name, value in (("cycle", cycle), ("rgt", run.rgt), ("region", run.region_number)):
            hdf.put(group, f"{side}_{name}", np.array([value], dtype="i4"), units="1")
    for name, text in (("release", VERSION), ("version", REVISION)):
        hdf.put(group, name, np.array([text.ljust(80)], dtype="S80"), units="1")
    put_orbit_info(file, run.rgt, cycle, began)


def put_groups(
    group: h5py.Group, layout: Mapping[str, tuple[Field, ...]], values: Mapping[str, Mapping[str, np.ndarray]]
) -> None:
    """
    Write the datasets of a beam's groups.

    Datasets without values are all fill, or zero where they have none.

    Parameters
    ----------
    group : h5py.Group, open for writing
    layout : mapping of dataset name to its column of the layout table
    values : array, the values to write
    """
    for name, fields in layout.items():
        part = group.create_group(name)
        n = len(values[name]["delta_time"])
        axis = None
        for field in fields:
            missing = np.nan if field.fill == "y" and field.dtype[0] == "f" else 0
            column = np.asarray(values[name].get(field.name, np.full(n, missing)))
            fill = {"": None, "0": 0, "y": hdf.FILLS[field.dtype] if field.fill == "y" else None}[field.fill]
            dataset = hdf.put(
                part,
                field.path,
                column.astype(field.dtype),
                chunks=_chunks(column),
                scale=axis is None,
                fill=fill,
                **field.attributes(),
            )
            if axis is None:
                axis = dataset
            else:
                hdf.attach(dataset, [axis])


def _chunks(column):
    """Return chunks of 10,000 rows as in the product. Two-dimensional columns cannot be shorter than their chunk."""
    return (_CHUNK,) if column.ndim == 1 else (min(_CHUNK, len(column)), *column.shape[1:])


def _put_beam(file, beam, cloud, began, world):
    group = file.create_group(beam)
    hdf.put_attributes(group, beam_attributes(beam, int(orbit.sc_orient(delta_time_to_utc(began)))))
    segments = _segments(cloud, world)
    values = {
        "bckgrd_atlas": _background(cloud),
        "geolocation": segments,
        "heights": _photons(cloud),
        "geophys_corr": {
            "delta_time": segments["delta_time"],
            "dem_h": (cloud.h_true[:-1] + cloud.h_true[1:]) / 2,
            "dem_flag": np.full(len(cloud.counts), 1),
            "geoid": np.full(len(cloud.counts), world.truth.geoid),
        },
    }
    put_groups(group, ATL03, values)


def _segments(cloud, world):
    n, node = len(cloud.counts), cloud.node

    def middle(column):
        return (column[:-1] + column[1:]) / 2

    first = np.cumsum(cloud.counts) - cloud.counts
    surface = np.zeros((n, 5))
    surface[:, [0, 3]] = 1  # land and land ice
    speed = np.array([120.0, 6900.0, 900.0])  # m/s; its norm is what counts
    return {
        "segment_id": cloud.segment_id,
        "segment_dist_x": cloud.dist_x,
        "segment_ph_cnt": cloud.counts,
        "segment_length": np.diff(node.x_atc),
        "ph_index_beg": np.where(cloud.counts > 0, first + 1, 0),
        "reference_photon_index": np.where(cloud.counts > 0, 1 + cloud.counts // 2, 0),
        "reference_photon_lat": middle(node.latitude),
        "reference_photon_lon": (middle(np.unwrap(node.longitude, period=360)) + 180) % 360 - 180,
        "delta_time": middle(node.delta_time),
        "velocity_sc": np.tile(speed, (n, 1)),
        "altitude_sc": np.full(n, 496e3),
        "solar_elevation": np.full(n, cloud.sun),
        "podppd_flag": np.zeros(n),
        "surf_type": surface,
        "sigma_h": np.full(n, 0.15),
        "sigma_along": np.full(n, 3.0),
        "sigma_across": np.full(n, 3.0),
        "ref_azimuth": np.radians(node.azimuth[:-1]),
        "ref_elev": np.full(n, np.pi / 2 - 0.005),
        "neutat_delay_total": np.full(n, 2.3),
        "full_sat_fract": np.zeros(n),
        "near_sat_fract": np.zeros(n),
        "range_bias_corr": np.full(n, 4.2),
    }


def _photons(cloud):
    n, node = len(cloud.x), cloud.node
    conf = np.full((n, 5), -1, dtype="i1")
    conf[:, 0] = conf[:, 3] = cloud.confidence
    return {
        "delta_time": np.interp(cloud.x, node.x_atc, node.delta_time),
        "h_ph": cloud.h,
        "lat_ph": np.interp(cloud.x, node.x_atc, node.latitude),
        "lon_ph": (np.interp(cloud.x, node.x_atc, np.unwrap(node.longitude, period=360)) + 180) % 360 - 180,
        "dist_ph_along": cloud.x - np.repeat(cloud.dist_x, cloud.counts),
        "dist_ph_across": np.interp(cloud.x, node.x_atc, node.y_atc),
        "signal_conf_ph": conf,
        "quality_ph": cloud.quality,
        "weight_ph": cloud.weight,
        "ph_id_channel": cloud.channel + 1,
        "ph_id_pulse": cloud.pulse % 200 + 1,
        "pce_mframe_cnt": cloud.pulse // 200,
    }


def _background(cloud):
    n = len(cloud.background_time)
    heights = np.interp(cloud.background_time, cloud.node.delta_time, cloud.h_true)
    window = np.full(n, photon_cloud.WINDOW)
    counts = np.round(cloud.background_rate * 50 * 2 * photon_cloud.WINDOW / SPEED_OF_LIGHT)
    return {
        "delta_time": cloud.background_time,
        "bckgrd_rate": cloud.background_rate,
        "bckgrd_counts": counts,
        "bckgrd_counts_reduced": counts,
        "bckgrd_int_height": window,
        "bckgrd_int_height_reduced": window,
        "bckgrd_hist_top": heights + photon_cloud.WINDOW / 2,
        "tlm_height_band1": window,
        "tlm_top_band1": heights + photon_cloud.WINDOW / 2,
        "pce_mframe_cnt": np.arange(n) // 4,
    }
