"""Simulated ATL06: land-ice heights along six beams, in granules like those of releases 005 to 007."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nunatak.constants import ATLAS_EPOCH_GPS_SECONDS, BEAMS, SECONDS_PER_DAY
from nunatak.runtime import written
from nunatak.simulation import atl06_segments, hdf, orbit
from nunatak.simulation.atl06_layout import CONSTANTS, HISTOGRAM, QUALITY, SEGMENTS
from nunatak.simulation.atl06_values import segment_values
from nunatak.simulation.track_files import beam_attributes, granule_name, put_orbit_info
from nunatak.times import delta_time_to_utc

if TYPE_CHECKING:
    from nunatak.simulation.worlds import World

VERSION, REVISION = "007", "01"
_CHUNK = (10000,)
_HISTOGRAM_BINS = 748
_SEGMENTS_PER_HISTOGRAM = 10


def write(world: World, folder: Path | str, *, cycles: list[int] | None = None, rgts: Any = None) -> list[Path]:
    """
    Write the ATL06 granules of a world, one for each track, granule region and cycle, cut to its `track_bbox`.

    A pass on which no beam saw anything (clouds, sea, a gap in the mission) leaves no granule, as in the real archive.

    Parameters
    ----------
    world : World
    folder : where the granules go
    cycles, rgts : only these; all of `world.tracks` by default

    Returns
    -------
    list of Path, sorted by name
    """
    paths = []
    for rgt, seen in world.tracks.items():
        if rgts is not None and rgt not in rgts:
            continue
        for run in orbit.passes(world.track_bbox, rgts=[rgt]):
            for cycle in seen if cycles is None else [c for c in seen if c in cycles]:
                path = write_granule(world, folder, run, cycle)
                if path is not None:
                    paths.append(path)
    return sorted(paths)


def write_granule(world: World, folder: Path | str, run: orbit.Pass, cycle: int) -> Path | None:
    """
    Write the granule of one pass.

    Returns None when no beam saw anything.

    Parameters
    ----------
    world : World, the simulated world
    folder : Path, the folder that granules are written to
    run : orbit.Pass, a run of segments of one reference track
    cycle : int, the cycle
    """
    absent = world.settings.get("missing_beams", {}).get((run.rgt, cycle), ())
    beams = {beam: atl06_segments.observe(world, run, cycle, beam) for beam in BEAMS if beam not in absent}
    beams = {beam: segments for beam, segments in beams.items() if segments.flag.size}
    if not beams:
        return None
    first, last = orbit.region_segments(run.region_number)
    began, ended = (orbit.delta_time_at(run.rgt, cycle, (s - 1) * orbit.SEGMENT_LENGTH) for s in (first, last))
    file_name = granule_name("ATL06", run.rgt, cycle, run.region_number, began, VERSION, REVISION)
    path = Path(folder) / file_name
    with written(path) as temporary, hdf.create(temporary) as file:
        _put_root(file, file_name, beams, began, ended)
        _put_ancillary(file, run, cycle, first, last, began, ended)
        put_orbit_info(file, run.rgt, cycle, began)
        for beam, segments in beams.items():
            _put_beam(file, world, beam, segments, began)
        _put_quality_assessment(file, beams)
    return path


def _put_root(file, file_name, beams, began, ended):
    lat = np.concatenate([s.track.latitude for s in beams.values()])
    lon = np.concatenate([s.track.longitude for s in beams.values()])
    extent = tuple(float(v) for v in (lon.min(), lat.min(), lon.max(), lat.max()))
    start, end = _utc(began), _utc(ended)
    hdf.put_attributes(
        file,
        {
            "Conventions": "CF-1.6",
            "short_name": "ATL06",
            "title": "ATLAS/ICESat-2 L3A Land Ice Height",
            "description": "Simulated ATL06: not observed, made by Nunatak from a known truth.",
            "level": "L3A",
            "processing_level": "3A",
            "featureType": "trajectory",
            "granule_type": "ATL06",
            "identifier_product_type": "ATL06",
            "identifier_product_doi": f"doi:10.5067/ATLAS/ATL06.{VERSION}",
            "identifier_product_format_version": "5.0",
            "instrument": "ATLAS > Advanced Topographic Laser Altimeter System",
            "platform": "ICESat-2 > Ice, Cloud, and land Elevation Satellite-2",
            "geospatial_lat_min": extent[1],
            "geospatial_lat_max": extent[3],
            "geospatial_lat_units": "degrees_north",
            "geospatial_lon_min": extent[0],
            "geospatial_lon_max": extent[2],
            "geospatial_lon_units": "degrees_east",
            "date_type": "UTC",
            "time_type": "CCSDS UTC-A",
            "time_coverage_start": start,
            "time_coverage_end": end,
            "time_coverage_duration": float(ended - began),
            "nunatak_source": hdf.SOURCE,
        },
    )
    hdf.put_metadata(
        file, short_name="ATL06", version=VERSION, file_name=file_name, extent=extent, began=start, ended=end
    )


def _put_ancillary(file, run, cycle, first, last, began, ended):
    group = file.create_group("ancillary_data")
    hdf.put_attributes(group, {"Description": "Contains information ancillary to the data product."})
    hdf.put(
        group,
        "atlas_sdp_gps_epoch",
        np.array([ATLAS_EPOCH_GPS_SECONDS]),
        units="seconds since 1980-01-06T00:00:00.000000Z",
        long_name="ATLAS Epoch Offset",
    )
    week = 7 * SECONDS_PER_DAY
    for side, segment, when in (("start", first, began), ("end", last, ended)):
        gps = when + ATLAS_EPOCH_GPS_SECONDS
        for name, value, dtype, units in (
            ("cycle", cycle, "i4", "1"),
            ("delta_time", when, "f8", "seconds since 2018-01-01"),
            ("geoseg", segment, "i4", "1"),
            ("gpssow", gps % week, "f8", "seconds"),
            ("gpsweek", gps // week, "i4", "weeks from 1980-01-06"),
            ("orbit", orbit.revolution_number(run.rgt, cycle), "i4", "1"),
            ("region", run.region_number, "i4", "1"),
            ("rgt", run.rgt, "i4", "1"),
        ):
            hdf.put(group, f"{side}_{name}", np.array([value], dtype=dtype), units=units)
        for name in (f"data_{side}_utc", f"granule_{side}_utc"):
            hdf.put(group, name, np.array([_utc(when)], dtype="S27"), units="1")
    hdf.put(group, "control", np.array(["simulated by Nunatak"], dtype="S100000"), chunks=(1,), units="1")
    hdf.put(group, "qa_at_interval", np.zeros(1), units="seconds/cell")
    for name, value in (("release", VERSION), ("version", REVISION)):
        hdf.put(group, name, np.array([value.ljust(80)], dtype="S80"), units="1")
    constants = group.create_group("land_ice")
    for name, dtype, units, value in CONSTANTS:
        hdf.put(constants, name, np.atleast_1d(np.array(value, dtype=dtype)), units=units)


def _put_beam(file, world, beam, segments, began):
    group = file.create_group(beam)
    hdf.put_attributes(group, beam_attributes(beam, int(orbit.sc_orient(delta_time_to_utc(began)))))
    values = segment_values(world, segments)
    _put_fields(group.create_group("land_ice_segments"), SEGMENTS, values, "delta_time latitude longitude")
    quality = {
        **values,
        "record_number": np.arange(1, segments.flag.size + 1),
        "reference_pt_lat": segments.track.latitude,
        "reference_pt_lon": segments.track.longitude,
        **{f"signal_selection_status_{kind}": np.zeros(segments.flag.size) for kind in ("all", "backup", "confident")},
    }
    _put_fields(group.create_group("segment_quality"), QUALITY, quality, "delta_time reference_pt_lat reference_pt_lon")
    _put_histogram(group.create_group("residual_histogram"), segments)


def _put_fields(group, fields, values, coordinates):
    """Write the datasets of a group in the order of its table, one-dimensional along delta_time."""
    names = coordinates.split()
    hdf.put_attributes(group, {"data_rate": "Data within this group are sparse."})
    axis = None
    for field in sorted(fields, key=lambda f: (f.name != "delta_time", f.path)):
        column = np.asarray(values[field.name])
        column = column.astype(field.dtype) if field.fill != "y" else _filled(column, field.dtype)
        up = "../" * field.path.count("/")
        others = " ".join(up + name for name in names if name != field.name)
        dataset = hdf.put(
            group,
            field.path,
            column,
            chunks=_CHUNK,
            scale=axis is None,
            fill={"": None, "0": 0, "y": hdf.FILLS[field.dtype]}[field.fill],
            coordinates=others,
            **field.attributes(),
        )
        if axis is None:
            axis = dataset
        else:
            hdf.attach(dataset, [axis])


def _filled(column, dtype):
    """Put the fill value of integer columns in place of NaN. Floats keep NaN until they are written."""
    if dtype.startswith("i") and column.dtype.kind == "f":
        return np.where(np.isnan(column), hdf.FILLS[dtype], np.nan_to_num(column)).astype(dtype)
    return column.astype(dtype)


def _put_histogram(group, s):
    """Write counts of residuals, ten segments each, with those of simulated segments in the middle bin."""
    n = -(-s.flag.size // _SEGMENTS_PER_HISTOGRAM)
    first = np.arange(n) * _SEGMENTS_PER_HISTOGRAM
    ids = np.full((n, _SEGMENTS_PER_HISTOGRAM), hdf.FILLS["i4"], dtype="i4")
    ids.ravel()[: s.flag.size] = s.track.segment_id
    count = np.zeros((n, _HISTOGRAM_BINS), dtype="i4")
    count[:, _HISTOGRAM_BINS // 2] = 500
    values = {
        "bckgrd_per_m": np.full(n, 4.0),
        "bin_top_h": np.arange(_HISTOGRAM_BINS) - 49.0,
        "count": count,
        "delta_time": s.track.delta_time[first],
        "ds_segment_id": np.arange(1, _SEGMENTS_PER_HISTOGRAM + 1),
        "lat_mean": s.track.latitude[first],
        "lon_mean": s.track.longitude[first],
        "pulse_count": np.full(n, 563.0),
        "segment_id_list": ids,
        "x_atc_mean": s.track.x_atc[first],
    }
    scales = {}
    for field in sorted(HISTOGRAM, key=lambda f: f.name not in ("delta_time", "bin_top_h", "ds_segment_id")):
        column = np.asarray(values[field.name]).astype(field.dtype)
        scale = field.name in ("delta_time", "bin_top_h", "ds_segment_id")
        rows = _CHUNK[0] if field.name not in ("bin_top_h", "ds_segment_id") else column.shape[0]
        dataset = hdf.put(
            group,
            field.name,
            column,
            chunks=(min(rows, max(column.shape[0], 1)), *column.shape[1:]),
            scale=scale,
            fill=hdf.FILLS[field.dtype] if field.fill else None,
            **field.attributes(),
        )
        if scale:
            scales[field.name] = dataset
        else:
            second = {"count": "bin_top_h", "segment_id_list": "ds_segment_id"}.get(field.name)
            hdf.attach(dataset, [scales["delta_time"], *([scales[second]] if second else [])])


def _put_quality_assessment(file, beams):
    group = file.create_group("quality_assessment")
    for beam, s in beams.items():
        part = group.create_group(beam)
        middle = slice(s.flag.size // 2, s.flag.size // 2 + 1)
        for name, values in (
            ("delta_time", s.track.delta_time),
            ("lat_mean", s.track.latitude),
            ("lon_mean", s.track.longitude),
        ):
            hdf.put(part, name, values[middle], chunks=_CHUNK)
        for source in range(4):
            share = np.array([1.0 if source == 0 else 0.0], dtype="f4")
            hdf.put(part, f"signal_selection_source_fraction_{source}", share, chunks=_CHUNK, units="1")
    for name in ("qa_granule_fail_reason", "qa_granule_pass_fail"):
        hdf.put(group, name, np.zeros(1, dtype="i4"), units="1")


def _utc(delta_time):
    return f"{delta_time_to_utc(delta_time).astype('datetime64[us]')}Z"
