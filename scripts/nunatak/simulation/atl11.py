"""Simulated ATL11: heights of reference points by cycle, in granules like those of release 004 to 007."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nunatak.constants import ATLAS_EPOCH_GPS_SECONDS
from nunatak.runtime import written
from nunatak.simulation import atl11_points, hdf, orbit
from nunatak.simulation.atl06_segments import TRACK_BIAS
from nunatak.simulation.atl11_layout import CROSSING, PAIR, PAIR_ATTRIBUTES, POLY_EXPONENTS
from nunatak.times import delta_time_to_utc

if TYPE_CHECKING:
    from nunatak.simulation.worlds import World

VERSION, REVISION = "007", "01"
_ROWS = 2711  # of a chunk


def write(world: World, folder: Path | str, *, rgts: Any = None) -> list[Path]:
    """
    Write the ATL11 granules of a world: one for each track and granule region, all cycles, cut to its `track_bbox`.

    Parameters
    ----------
    world : World; `settings["atl11_tracks"]` names the tracks, by default those ATL06 sees
    folder : where the granules go
    rgts : only these

    Returns
    -------
    list of Path, sorted by name
    """
    tracks = world.settings.get("atl11_tracks", tuple(world.tracks))
    paths = []
    for rgt in tracks if rgts is None else [rgt for rgt in tracks if rgt in rgts]:
        for run in orbit.passes(world.track_bbox, rgts=[rgt]):
            path = write_granule(world, folder, run, tracks)
            if path is not None:
                paths.append(path)
    return sorted(paths)


def write_granule(world: World, folder: Path | str, run: orbit.Pass, tracks: tuple[int, ...]) -> Path | None:
    """
    Write the granule of one run.

    Returns None when no pair has a point on land or ice.

    Parameters
    ----------
    world : World, the simulated world
    folder : Path, the folder that granules are written to
    run : orbit.Pass, a run of segments of one reference track
    tracks : ATL11 reference tracks of the run
    """
    pairs = [atl11_points.observe(world, run, pair) for pair in range(3)]
    pairs = [points for points in pairs if np.isfinite(points.h).any()]
    if not pairs:
        return None
    first, last = world.cycles
    name = f"ATL11_{run.rgt:04d}{run.region_number:02d}_{first:02d}{last:02d}_{VERSION}_{REVISION}.h5"
    path = Path(folder) / name
    with written(path) as temporary, hdf.create(temporary) as file:
        _put_root(file, name, run, pairs)
        _put_orbit_info(file, run, pairs[0].cycles)
        _put_ancillary(file, run, world.cycles)
        for points in pairs:
            crossings = atl11_points.crossings(world, run, points, tracks)
            _put_pair(file, world, run, points, crossings)
        quality = file.create_group("quality_assessment")
        for flag in ("qa_granule_fail_reason", "qa_granule_pass_fail"):
            hdf.put(quality, flag, np.zeros(1, "i4"), units="1")
    return path


def _put_root(file, name, run, pairs):
    seen = np.concatenate([p.delta_time[np.isfinite(p.delta_time)] for p in pairs])
    start, end = (str(delta_time_to_utc(t))[:26] + "Z" for t in (seen.min(), seen.max()))
    lat = np.concatenate([p.track.latitude for p in pairs])
    lon = np.concatenate([p.track.longitude for p in pairs])
    extent = tuple(float(v) for v in (lon.min(), lat.min(), lon.max(), lat.max()))
    hdf.put_attributes(
        file,
        {
            "Conventions": "CF-1.6",
            "short_name": "ATL11",
            "title": "SET_BY_META",
            "level": "L3B",
            "description": "Simulated ATL11: not observed, made by Nunatak from a known truth.",
            "processing_level": "3B",
            "featureType": "trajectory",
            "granule_type": "ATL11",
            "identifier_product_type": "ATL11",
            "identifier_product_doi": f"doi:10.5067/ATLAS/ATL11.{VERSION}",
            "identifier_product_format_version": "1.0",
            "date_type": "UTC",
            "time_type": "CCSDS UTC-A",
            "instrument": "ATLAS > Advanced Topographic Laser Altimeter System",
            "platform": "ICESat-2 > Ice, Cloud, and land Elevation Satellite-2",
            "geospatial_lon_min": extent[0],
            "geospatial_lat_min": extent[1],
            "geospatial_lon_max": extent[2],
            "geospatial_lat_max": extent[3],
            "geospatial_lat_units": "degrees_north",
            "geospatial_lon_units": "degrees_east",
            "time_coverage_start": start,
            "time_coverage_end": end,
            "time_coverage_duration": float(seen.max() - seen.min()),
            "nunatak_source": hdf.SOURCE,
        },
    )
    hdf.put_metadata(file, short_name="ATL11", version=VERSION, file_name=name, extent=extent, began=start, ended=end)


def _put_orbit_info(file, run, cycles):
    """Write node, orbit number and orientation, one value for each cycle."""
    group = file.create_group("orbit_info")
    times = np.array([orbit.node_delta_time(run.rgt, cycle) for cycle in cycles])
    crossing = hdf.put(group, "crossing_time", times, chunks=(16,), scale=True, units="seconds since 2018-01-01")
    orientation = orbit.sc_orient(delta_time_to_utc(times))
    flips = orbit.last_yaw_flip(delta_time_to_utc(times))
    since = hdf.put(
        group,
        "sc_orient_time",
        (flips - delta_time_to_utc(0.0)) / np.timedelta64(1, "s"),
        chunks=(16,),
        scale=True,
        units="seconds since 2018-01-01",
    )
    for name, values, dtype, units in (
        ("cycle_number", cycles, "i1", "counts"),
        ("lan", np.full(cycles.size, orbit.node_longitude(run.rgt)), "f8", "degrees_east"),
        ("orbit_number", [orbit.revolution_number(run.rgt, cycle) for cycle in cycles], "u2", "1"),
        ("rgt", np.full(cycles.size, run.rgt), "i2", "counts"),
    ):
        hdf.attach(hdf.put(group, name, np.asarray(values, dtype=dtype), chunks=(16,), units=units), [crossing])
    hdf.attach(
        hdf.put(
            group,
            "sc_orient",
            orientation,
            chunks=(16,),
            units="1",
            flag_values=np.array([0, 1, 2], dtype="i1"),
            flag_meanings="backward forward transition",
        ),
        [since],
    )


def _put_ancillary(file, run, cycles):
    group = file.create_group("ancillary_data")
    hdf.put(
        group,
        "atlas_sdp_gps_epoch",
        np.array([ATLAS_EPOCH_GPS_SECONDS]),
        units="seconds since 1980-01-06T00:00:00.000000Z",
    )
    for side, cycle, segment in (("start", cycles[0], run.first), ("end", cycles[1], run.last)):
        when = orbit.delta_time_at(run.rgt, cycle, (segment - 1) * orbit.SEGMENT_LENGTH)
        for name, value, dtype in (
            ("cycle", cycle, "i4"),
            ("delta_time", when, "f8"),
            ("geoseg", segment, "i4"),
            ("region", run.region_number, "i4"),
            ("rgt", run.rgt, "i4"),
        ):
            unit = "seconds since 2018-01-01" if name == "delta_time" else "1"
            hdf.put(group, f"{side}_{name}", np.array([value], dtype=dtype), units=unit)
        hdf.put(group, f"data_{side}_utc", np.array([str(delta_time_to_utc(when))[:26] + "Z"], dtype="S27"), units="1")
    for name, value in (("release", VERSION), ("version", REVISION)):
        hdf.put(group, name, np.array([value.ljust(80)], dtype="S80"), units="1")


def _put_pair(file, world, run, points, crossings):
    group = file.create_group(f"pt{points.pair + 1}")
    first, last = world.cycles
    hdf.put_attributes(
        group,
        {
            **PAIR_ATTRIBUTES,
            "ReferenceGroundTrack": float(run.rgt),
            "beam_pair": points.pair + 1,
            "first_cycle": int(first),
            "last_cycle": int(last),
        },
    )
    ref_pt = hdf.put(
        group,
        "ref_pt",
        points.track.segment_id.astype("i4"),
        fill=hdf.FILLS["i4"],
        scale=True,
        units="counts",
        chunks=(_rows(points.x.size),),
    )
    cycle = hdf.put(
        group,
        "cycle_number",
        points.cycles.astype("i1"),
        fill=hdf.FILLS["i1"],
        scale=True,
        units="counts",
        chunks=(points.cycles.size,),
    )
    _put_fields(group, PAIR, _values(world, points), [ref_pt, cycle])
    surface = group["ref_surf"]
    for name, exponents in zip(("poly_exponent_x", "poly_exponent_y"), POLY_EXPONENTS, strict=True):
        hdf.put(surface, name, np.array(exponents, dtype="i1"), chunks=(8,), units="counts")
        surface.attrs[name] = np.array(exponents)
    crossing = group.create_group("crossing_track_data")
    scale = hdf.put(
        crossing,
        "ref_pt",
        crossings["ref_pt"].astype("i4"),
        scale=True,
        units="counts",
        chunks=(_rows(crossings["ref_pt"].size),),
    )
    _put_fields(crossing, CROSSING, crossings, [scale])


def _put_fields(group, fields, values, scales):
    for field in fields:
        column = np.asarray(values.get(field.path, values.get(field.name)))
        fill = hdf.FILLS[field.dtype] if field.fill else None
        if field.dtype.startswith("i") and column.dtype.kind == "f":
            column = np.asarray(np.where(np.isnan(column), fill, np.nan_to_num(column)))
        shape = (_rows(column.shape[0]), *(min(2, n) for n in column.shape[1:]))
        dataset = hdf.put(group, field.path, column.astype(field.dtype), fill=fill, chunks=shape, units=field.units)
        hdf.attach(dataset, scales[: column.ndim])


def _rows(n):
    return max(min(n, _ROWS), 1)


def _values(world, p):
    """Return every dataset of a pair by name, with NaN where a cycle did not see a point or a quantity is unknown."""
    # x_atc and y_atc are there twice: of each cycle's segments, and of the points
    own = {"ref_surf/x_atc": p.track.x_atc, "ref_surf/y_atc": p.track.y_atc}
    return {**_cycle_values(p), **_point_values(world, p), **own}


def _cycle_values(p):
    """Return the datasets with a value for each point and cycle."""
    shape, seen = p.h.shape, np.isfinite(p.h)
    bad = p.flag == 1
    constant = {
        "atl06_summary_zero_count": np.where(bad, 0, 10),
        "bsnow_conf": -2,
        "bsnow_h": 29.98,
        "cloud_flg_asr": 1,
        "cloud_flg_atm": 0,
        "dac": 0.0,
        "h_rms_misfit": 0.1,
        "min_signal_selection_source": 0,
        "min_snr_significance": np.where(bad, 0.05, 0.0),
        "r_eff": 0.9,
        "seg_count": 10,
        "sigma_geo_at": 5.0,
        "sigma_geo_h": TRACK_BIAS,
        "sigma_geo_xt": 5.0,
        "tide_ocean": np.nan,
        "h_corr_sigma_systematic": TRACK_BIAS,
        "x_atc": p.track.x_atc[:, None],
        "y_atc": p.track.y_atc[:, None],
    }
    per_cycle = {name: np.where(seen, np.broadcast_to(value, shape), np.nan) for name, value in constant.items()}
    return per_cycle | {
        "h_corr": p.h,
        "h_mean": p.h,
        "h_corr_sigma": p.sigma,
        "delta_time": p.delta_time,
        "quality_summary": np.where(seen, p.flag, 1),
    }


def _point_values(world, p):
    """Return the datasets with a value for each point."""
    azimuth = np.deg2rad(p.track.azimuth)
    return {
        "latitude": p.track.latitude,
        "longitude": p.track.longitude,
        "at_slope": p.at_slope,
        "xt_slope": p.xt_slope,
        # the left of the flight lies a quarter turn against the clock
        "e_slope": p.at_slope * np.sin(azimuth) - p.xt_slope * np.cos(azimuth),
        "n_slope": p.at_slope * np.cos(azimuth) + p.xt_slope * np.sin(azimuth),
        "dem_h": world.truth.surface(p.x, p.y, 2020.0) + 0.5,
        "rgt_azimuth": p.track.azimuth,
        **{
            name: np.full(p.x.size, value)
            for name, value in (
                ("complex_surface_flag", 0),
                ("curvature", 0.0),
                ("deg_x", 3),
                ("deg_y", 2),
                ("fit_quality", 0),
                ("geoid_h", world.truth.geoid),
                ("misfit_RMS", 0.1),
                ("misfit_chi2r", 1.0),
                ("slope_change_rate_x", 0.0),
                ("slope_change_rate_x_sigma", 1e-4),
                ("slope_change_rate_y", 0.0),
                ("slope_change_rate_y_sigma", 1e-4),
            )
        },
    }
