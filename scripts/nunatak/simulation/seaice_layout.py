"""Where ATL07 and ATL10 keep what a segment holds, in each release's layout, and the parts of a granule they share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nunatak.constants import ATLAS_EPOCH_GPS_SECONDS, BEAMS
from nunatak.granules import variables
from nunatak.runtime import written
from nunatak.simulation import hdf, orbit, seaice_passes, seaice_segments
from nunatak.simulation.track_files import beam_attributes, granule_name
from nunatak.times import delta_time_to_utc

if TYPE_CHECKING:
    from nunatak.simulation.worlds import World

REVISION = "01"
NORTH, SOUTH = "01", "02"
_OF_NORTH = "EPSG:6931"  # EASE-Grid 2.0, in which the truth of northern sea ice lies
FILL_SHARE = 0.01  # of the values of every variable with a fill
_CHUNK = (10000,)
_EXTENTS = {NORTH: (-180.0, 50.0, 180.0, 90.0), SOUTH: (-180.0, -90.0, 180.0, -50.0)}
_TIME_UNITS = "seconds since 2018-01-01"


def write_granules(
    world: World,
    folder: Path | str,
    product: str,
    version: str,
    columns: Callable,
    *,
    months: Any = None,
    rgts: list[int] | None = None,
) -> list[Path]:
    """
    Write the granules of one sea-ice product, one for each pass.

    Parameters
    ----------
    columns : function of IceSegments and a random generator that returns {path below the beam: (values, dtype, unit)}
    months, rgts : only these

    Returns
    -------
    list of Path, sorted by name
    """
    chosen = [p for p in seaice_passes.passes(world, months=months) if rgts is None or p.rgt in rgts]
    return sorted(filter(None, (_write_granule(world, folder, product, version, columns, p) for p in chosen)))


def _write_granule(world, folder, product, version, columns, ice_pass):
    beams = {beam: seaice_segments.observe(world, ice_pass, beam) for beam in BEAMS}
    beams = {beam: segments for beam, segments in beams.items() if segments.x_atc.size}
    if not beams:
        return None
    side = NORTH if world.truth.crs == _OF_NORTH else SOUTH
    name = granule_name(f"{product}-{side}", ice_pass.rgt, ice_pass.cycle, 1, ice_pass.start, version, REVISION)
    with written(Path(folder) / name) as temporary, hdf.create(temporary) as file:
        _put_root(file, product, version, name, ice_pass)
        flags, since = seaice_passes.orientation(world, ice_pass)
        _put_orbit(file, ice_pass, flags, since)
        for beam, segments in beams.items():
            group = file.create_group(beam)
            hdf.put_attributes(group, beam_attributes(beam, flags[0]))
            rng = world.rng("sea_ice_fills", product, ice_pass.rgt, ice_pass.cycle, beam)
            for path, (values, dtype, units) in columns(segments, rng).items():
                fill = hdf.FILLS[dtype] if dtype[0] == "f" else None
                hdf.put(group, path, np.asarray(values).astype(dtype), fill=fill, chunks=_CHUNK, gzip=4, units=units)
    return Path(folder) / name


def position_columns(
    segments: seaice_segments.IceSegments, rng: np.random.Generator
) -> dict[str, tuple[np.ndarray, str, str]]:
    """
    Time and place of the segments, two of them lost: what both products hold at the top of a beam's segments.

    Parameters
    ----------
    segments : Segments, the columns of one beam
    rng : numpy.random.Generator
    """
    return {
        "delta_time": (segments.delta_time, "f8", _TIME_UNITS),
        "latitude": (with_fills(segments.latitude, rng, 2), "f8", "degrees_north"),
        "longitude": (with_fills(segments.longitude, rng, 2), "f8", "degrees_east"),
        "seg_dist_x": (with_fills(segments.x_atc, rng), "f8", "meters"),
        "height_segment_id": (np.arange(1, segments.x_atc.size + 1), "i4", "1"),
        "geoseg_beg": ((segments.x_atc - segments.length / 2) // orbit.SEGMENT_LENGTH + 1, "i4", "1"),
        "geoseg_end": ((segments.x_atc + segments.length / 2) // orbit.SEGMENT_LENGTH + 1, "i4", "1"),
    }


def height_columns(
    segments: seaice_segments.IceSegments, rng: np.random.Generator
) -> dict[str, tuple[np.ndarray, str, str]]:
    """
    Return height, length, type and sea-surface flag of the segments.

    Parameters
    ----------
    segments : Segments, the columns of one beam
    rng : numpy.random.Generator
    """
    leads = segments.kind == seaice_segments.SPECULAR_LEAD
    return {
        "height_segment_height": (with_fills(segments.height, rng), "f4", "meters"),
        "height_segment_length_seg": (with_fills(segments.length, rng), "f4", "meters"),
        "height_segment_surface_error_est": (with_fills(segments.sigma, rng), "f4", "meters"),
        "height_segment_type": (segments.kind, "i1", "1"),
        "height_segment_ssh_flag": (leads, "i1", "1"),
        "height_segment_quality": (segments.kind != seaice_segments.CLOUD, "i1", "1"),
    }


def concentration_columns(
    segments: seaice_segments.IceSegments, version: str
) -> dict[str, tuple[np.ndarray, str, str]]:
    """
    Return ice concentration (per cent) under the names of a release: one up to 005, two radiometers' from 006 on.

    Parameters
    ----------
    segments : Segments, the columns of one beam
    version : str, the product's version
    """
    names = [name for name in variables.names("atl10", version) if name.startswith("ice_conc")]
    return {name: (segments.concentration, "f4", "1") for name in names}


def with_fills(values: np.ndarray, rng: np.random.Generator, number: int | None = None) -> np.ndarray:
    """
    Replace `number` of the values (default: 1 in 100) by the fill.

    Parameters
    ----------
    values : float array
    rng : numpy.random.Generator
    number : int, how many values become fills (default: 1 in 100)
    """
    values = np.array(values, dtype=float)
    lost = rng.random(values.size) < FILL_SHARE if number is None else rng.integers(0, values.size, number)
    values[lost] = np.nan
    return values


def _put_root(file, product, version, name, ice_pass):
    start, end = (f"{delta_time_to_utc(t).astype('datetime64[us]')}Z" for t in (ice_pass.start, ice_pass.end))
    titles = {"ATL07": "ATLAS/ICESat-2 L3A Sea Ice Height", "ATL10": "ATLAS/ICESat-2 L3A Sea Ice Freeboard"}
    hdf.put_attributes(
        file,
        {
            "Conventions": "CF-1.6",
            "short_name": product,
            "title": titles[product],
            "level": "L3A",
            "description": f"Simulated {product}: not observed, made by Nunatak from a known truth.",
            "identifier_product_type": product,
            "identifier_product_doi": f"doi:10.5067/ATLAS/{product}.{version}",
            "instrument": "ATLAS > Advanced Topographic Laser Altimeter System",
            "platform": "ICESat-2 > Ice, Cloud, and land Elevation Satellite-2",
            "featureType": "trajectory",
            "date_type": "UTC",
            "time_coverage_start": start,
            "time_coverage_end": end,
            "nunatak_source": hdf.SOURCE,
        },
    )
    hdf.put_metadata(
        file,
        short_name=product,
        version=version,
        file_name=name,
        extent=_EXTENTS[name[6:8]],
        began=start,
        ended=end,
    )
    group = file.create_group("ancillary_data")
    hdf.put(
        group,
        "atlas_sdp_gps_epoch",
        np.array([ATLAS_EPOCH_GPS_SECONDS]),
        units="seconds since 1980-01-06T00:00:00.000000Z",
    )
    for name, value in (("data_start_utc", start), ("data_end_utc", end), ("release", version)):
        group.create_dataset(name, data=np.array([value.encode()]))


def _put_orbit(file, ice_pass, flags, since):
    group = file.create_group("orbit_info")
    for name, values, dtype, units in (
        ("cycle_number", [ice_pass.cycle], "i1", "counts"),
        ("rgt", [ice_pass.rgt], "i2", "counts"),
        ("lan", [orbit.node_longitude(ice_pass.rgt)], "f8", "degrees_east"),
        ("orbit_number", [orbit.revolution_number(ice_pass.rgt, ice_pass.cycle)], "u2", "1"),
        ("crossing_time", [orbit.node_delta_time(ice_pass.rgt, ice_pass.cycle)], "f8", _TIME_UNITS),
        ("sc_orient", flags, "i1", "1"),
        ("sc_orient_time", since, "f8", _TIME_UNITS),
    ):
        hdf.put(group, name, np.array(values, dtype=dtype), units=units)
