"""
ATL06 land-ice heights: 40 m segments every 20 m along six ground tracks.

The layout below was read off granules of releases 001, 002, 003, 005, 006 and the pre-launch 209; subsets keep any part
of it. A release not in the list is read when it has the same layout.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nunatak import granules
from nunatak.constants import BEAMS, FILL_I1
from nunatak.files import remote
from nunatak.granules import variables as names_of
from nunatak.products import GranuleError, atl06_filters, hdf5
from nunatak.products.beam_columns import BeamColumns
from nunatak.products.beams import check_groups, read_each
from nunatak.products.columns import FLAG, HEIGHT, POSITION, SEGMENT_ID, Column, column_of
from nunatak.products.points import PointReader
from nunatak.products.rows import inside, span
from nunatak.products.spots import spots
from nunatak.products.status import EMPTY, MISSING, OUTSIDE, PRESENT, TrackStatus
from nunatak.runtime import NunatakError
from nunatak.times import delta_time_to_utc

if TYPE_CHECKING:
    pass

KNOWN_RELEASES = ("001", "002", "003", "004", "005", "006", "007", "209")
SEGMENTS = "land_ice_segments"

# variable: (path below land_ice_segments, unit); names are unique over the subgroups.
LAYOUT = {
    "delta_time": ("delta_time", "seconds since 2018-01-01"),
    "latitude": ("latitude", "degrees_north"),
    "longitude": ("longitude", "degrees_east"),
    "segment_id": ("segment_id", "1"),
    "h_li": ("h_li", "m"),
    "h_li_sigma": ("h_li_sigma", "m"),
    "atl06_quality_summary": ("atl06_quality_summary", "1"),
    "sigma_geo_h": ("sigma_geo_h", "m"),
    "fpb_warning_flag": ("fpb_warning_flag", "1"),
    **{
        name: (f"{group}/{name}", unit)
        for group, unit, names in (
            (
                "bias_correction",
                "m",
                "fpb_mean_corr fpb_mean_corr_sigma fpb_med_corr fpb_med_corr_sigma med_r_fit tx_mean_corr tx_med_corr",
            ),
            ("bias_correction", "1", "fpb_n_corr"),
            ("dem", "1", "dem_flag"),
            ("dem", "m", "dem_h geoid_free2mean geoid_h"),
            (
                "fit_statistics",
                "1",
                "dh_fit_dx dh_fit_dx_sigma dh_fit_dy n_fit_photons n_seg_pulses "
                "signal_selection_source signal_selection_source_status snr snr_significance",
            ),
            (
                "fit_statistics",
                "m",
                "h_expected_rms h_mean h_rms_misfit h_robust_sprd sigma_h_mean w_surface_window_final",
            ),
            ("geophysical", "hz", "bckgrd e_bckgrd"),
            ("geophysical", "1", "bsnow_conf bsnow_od cloud_flg_asr cloud_flg_atm layer_flag msw_flag r_eff"),
            (
                "geophysical",
                "m",
                "bsnow_h dac neutat_delay_total tide_earth tide_earth_free2mean tide_equilibrium "
                "tide_load tide_ocean tide_pole",
            ),
            ("geophysical", "degrees", "solar_azimuth solar_elevation"),
            ("ground_track", "radians", "ref_azimuth ref_coelv"),
            ("ground_track", "degrees", "seg_azimuth"),
            ("ground_track", "m", "sigma_geo_at sigma_geo_r sigma_geo_xt x_atc y_atc"),
        )
        for name in names.split()
    },
}

# what each variable can hold, where unit and name do not tell
COLUMNS = {
    **{name: column_of(name, unit) for name, (_, unit) in LAYOUT.items()},
    **POSITION,
    "segment_id": SEGMENT_ID,
    "h_li": HEIGHT,
    "h_mean": HEIGHT,
    "x_atc": Column("f8", 0, 4.1e7),
    **dict.fromkeys(("dh_fit_dx", "dh_fit_dy"), Column("f4", -1000, 1000)),
    "atl06_quality_summary": FLAG,
    "n_fit_photons": Column("i4", 0, 1e4),  # of some 60 pulses, each with fewer than 100 photons
}

# Always in the table. A server-side subset may lack the second kind: they become NaN (the flag its fill), and the
# beam's status says so.
_REQUIRED = ("segment_id", "h_li")
_NEEDED = (*_REQUIRED, *POSITION)
_EXPECTED = {
    "x_atc": np.nan,
    "y_atc": np.nan,
    "h_li_sigma": np.nan,
    "dh_fit_dy": np.nan,
    "atl06_quality_summary": FILL_I1,
}
_ORDER = (
    "segment_id",
    "time",
    "latitude",
    "longitude",
    "x_atc",
    "y_atc",
    "h_li",
    "h_li_sigma",
    "dh_fit_dy",
    "atl06_quality_summary",
)
_DTYPES = {"x_atc": "f8", "y_atc": "f4", "h_li_sigma": "f4", "dh_fit_dy": "f4", "atl06_quality_summary": "i1"}
# Counts with a fill, given as float so that the fill can be NaN; other integers are flags and stay as they are.
_COUNTS = ("n_fit_photons",)


def read_segments(path, *, region=None, period=None, beams=None, variables=None, optional=(), needed=()):
    """
    Read the segments of one granule, in a region and a period.

    Positions are read first, then of everything else only the rows from the first to the last segment kept.

    Parameters
    ----------
    path : path of the granule
    region : Region, default everywhere
    period : study period (with `contains`), default always
    beams : iterable of gt1l .. gt3r, default all six
    variables : further variables, by name (`dh_fit_dy`) or path (`fit_statistics/dh_fit_dy`), default none
    optional : further variables that are NaN, and named in the status, where a subset lacks them
    needed : of the variables that every table has, those a beam may not lack, such as the flag that is filtered by

    Returns
    -------
    segments : DataFrame in the order of beams and along the track, with `beam, spot, rgt, cycle, segment_id`,
        `time` (UTC), `latitude, longitude` (degrees, WGS84), `x_atc, y_atc, h_li, h_li_sigma` (m; heights above the
        WGS84 ellipsoid), `dh_fit_dy` (slope across the track), `atl06_quality_summary` (0 best) and the
        variables asked for; fills are NaN, flags as in the
        file, and `attrs["units"]` holds the units. `spot` is 0 where strong and weak cannot be told apart.
    statuses : list of TrackStatus, one for each beam asked for; a beam that is damaged or lacks a variable asked for is
        `failed`, with the dataset in its reason

    Raises
    ------
    GranuleError : the file is broken, is not ATL06, no beam of it can be read, or its name lies about its content
    NunatakError : a variable that ATL06 does not have, or a path of one beam
    """
    path = remote.location(path)
    wanted = _wanted((*(variables or ()), *optional))
    spared = frozenset(_wanted(optional)) - frozenset(_wanted(variables or ()))
    beams = _beams(beams)
    with hdf5.open_granule(path) as file:
        rgt, cycle, start = _identity(file, path)
        check_groups(file, BEAMS, (SEGMENTS,))
        options = {"region": region, "period": period, "wanted": wanted, "spared": spared, "needed": needed}
        read = partial(_read_beam, file, start=start, **options)
        parts, statuses = read_each(read, beams, path)
        if not any(status.n_found for status in statuses):
            _check_layout(file, path)
    return _table(parts, wanted, rgt, cycle), statuses


def no_segments(variables: tuple[str, ...] | None = None) -> pd.DataFrame:
    """
    Return the table of `read_segments` without a row, as for a chunk without granules.

    Parameters
    ----------
    variables : sequence of str, names of variables of the product (default: None)
    """
    return _table([], _wanted(variables or ()), 0, 0)


def _wanted(variables):
    """Map column names to paths below land_ice_segments, for the variables that are not in the table anyway."""
    wanted = {}
    for variable in variables:
        written = names_of.canonical("atl06", variable)
        name = written.rpartition("/")[2]
        if name not in _ORDER:
            wanted[name] = LAYOUT[name][0] if name in LAYOUT else written
    return wanted


def _beams(beams):
    asked = BEAMS if beams is None else tuple(beams)
    unknown = [beam for beam in asked if beam not in BEAMS]
    if unknown:
        raise NunatakError(f"beams: {unknown[0]!r} is not a ground track; choose from {', '.join(BEAMS)}")
    return [beam for beam in BEAMS if beam in asked]


def _identity(file, path):
    """
    Return rgt, cycle and time (or None), from the name when it is a granule's, checked against what the file states.
    """
    hdf5.check_product(file, "ATL06")
    try:
        name = granules.parse(path.name)
    except NunatakError:
        rgt, cycle = hdf5.orbit(file)
        if rgt is None or cycle is None:
            raise GranuleError(
                f"{path}: neither its name nor its content tells track and cycle; give it its name back "
                "(ATL06_<time>_<track><cycle><region>_<release>_<version>.h5)"
            ) from None
        return rgt, cycle, None
    if name.product.upper() != "ATL06":
        raise GranuleError(f"{path}: the name is that of an {name.product.upper()} granule, not of ATL06")
    hdf5.check_orbit(file, name.rgt, name.cycle)
    return name.rgt, name.cycle, name.time_start


def _check_layout(file, path):
    """Take a granule without a segment for an empty subset when its release is known, else refuse its layout."""
    release = hdf5.attribute(file, "identifier_product_doi", "")[-3:]
    with suppress(NunatakError):  # a name that is no granule's tells no release
        release = granules.parse(path.name).version
    if release not in KNOWN_RELEASES or not any(name in file for name in (*BEAMS, "METADATA", "ancillary_data")):
        raise GranuleError(
            f"{path}: release {release or 'not stated'} with a layout that is not known: no beam holds {SEGMENTS} "
            f"(the file holds: {', '.join(sorted(file)) or 'nothing'}); known releases: {', '.join(KNOWN_RELEASES)}"
        )


def _read_beam(file, beam, *, region, period, wanted, spared, needed, start):
    """Read the columns of one beam (None without a segment to keep) and its status."""
    if beam not in file:
        return None, TrackStatus(beam, MISSING, f"no group {beam}: a subset has none where it found no data")
    if SEGMENTS not in file[beam]:
        held = ", ".join(sorted(file[beam])) or "nothing"
        return None, TrackStatus(beam, MISSING, f"{beam} has no {SEGMENTS} (it has: {held})")
    own = BeamColumns(file[beam][SEGMENTS], COLUMNS, like="latitude", needed=_NEEDED)
    latitude, longitude = own.positions(own.read("latitude"), own.read("longitude"))
    _check_there(own)
    if not own.n:
        return None, TrackStatus(beam, EMPTY, "no segments")
    keep = inside(latitude, longitude, region)
    rows = span(keep)
    delta_time = own.times(own.read("delta_time", rows=rows), start)
    time = delta_time_to_utc(delta_time)
    keep = keep[rows] & ~np.isnat(time)
    if period is not None:
        keep &= period.contains(time)
    if not keep.any():
        where = " and ".join(w for w, given in (("region", region), ("period", period)) if given is not None)
        reasons = [f"no segment in {where or 'time'}", *own.reasons()]
        return None, TrackStatus(beam, OUTSIDE, "; ".join(reasons), own.n)
    # copies: a slice would keep the whole beam's positions in memory
    columns = {"time": time, "latitude": latitude[rows].copy(), "longitude": longitude[rows].copy()}
    absent = _read_rows(own, rows, wanted, spared, needed, columns)
    keep &= own.on_course("segment_id", columns["segment_id"], columns["latitude"], columns["longitude"])
    columns["x_atc"] = own.along("x_atc", columns["x_atc"], columns["segment_id"])
    _check_shapes(own.group, columns)
    columns["spot"], note = spots(file, beam, delta_time)
    if not keep.all():
        columns = {name: values[keep] for name, values in columns.items()}
    reasons = [f"subset without {', '.join(absent)}"] if absent else []
    reason = "; ".join([*reasons, *own.reasons(), *([note] if note else [])])
    n_kept = int(np.count_nonzero(keep))
    return (beam, n_kept, columns), TrackStatus(beam, PRESENT, reason, own.n, n_kept)


def _check_there(own):
    """Refuse a beam without what every table needs, or of which a column is longer than another."""
    for name in (*_REQUIRED, "longitude", "delta_time"):
        if not hdf5.has(own.group, name):
            raise hdf5.missing(own.group, name)
        if hdf5.length(own.group, name) != own.n:
            own.read(name)  # says so


def _check_shapes(group, columns):
    """Refuse a column that does not hold one value for each position."""
    n = len(columns["latitude"])
    for name, values in columns.items():
        if np.shape(values) != (n,):
            raise GranuleError(
                f"{group.file.filename}: {group.name.lstrip('/')}: {name} has the shape {np.shape(values)} for {n} "
                "segments; fetch the granule again"
            )


def _read_rows(own, rows, wanted, spared, needed, columns):
    """Put the rows of every variable into `columns` and return the expected variables that the subset lacks."""
    absent = []
    for name in _REQUIRED:
        columns[name] = own.read(name, LAYOUT[name][0], rows)
    for name, default in _EXPECTED.items():
        if name in needed or hdf5.has(own.group, LAYOUT[name][0]):
            columns[name] = own.read(name, LAYOUT[name][0], rows)
        else:
            absent.append(name)
            columns[name] = np.full(rows.stop - rows.start, default, dtype=_DTYPES[name])
    for name, path in wanted.items():
        if name in spared and not hdf5.has(own.group, path):
            absent.append(name)
            columns[name] = np.full(rows.stop - rows.start, np.nan)
            continue
        columns[name] = own.read(name, path, rows, as_float=name in _COUNTS)
    return absent


def _table(parts, wanted, rgt, cycle):
    """Join the beams' columns to one DataFrame."""
    n = sum(count for _, count, _ in parts)
    codes = np.repeat([BEAMS.index(beam) for beam, _, _ in parts], [count for _, count, _ in parts]).astype("i8")
    data: dict[str, object] = {"beam": pd.Categorical.from_codes(codes, categories=pd.Index(BEAMS))}
    empty = {"spot": "i1", "segment_id": "i4", "time": "datetime64[ns]", "h_li": "f4", **_DTYPES}
    for name in ("spot", *_ORDER, *wanted):
        # a column leaves its beams as it enters the table, so that the segments are not held twice
        columns = [columns.pop(name) for _, _, columns in parts]
        data[name] = np.concatenate(columns) if columns else np.empty(0, dtype=empty.get(name, "f8"))
    table = pd.DataFrame(data, copy=False)
    table.insert(2, "rgt", np.full(n, rgt, dtype="i2"))
    table.insert(3, "cycle", np.full(n, cycle, dtype="i2"))
    table.attrs["units"] = {
        "time": "UTC",
        **{name: LAYOUT[name][1] for name in (*_ORDER, *wanted) if name in LAYOUT},
    }
    return table


def for_points(settings: Any, *, wished: tuple[str, ...] = (), corrections: tuple[str, ...] = ()) -> PointReader:
    """
    Return how granules are read for a study's points.

    Parameters
    ----------
    settings : the product's part of the study
    wished : variables read where a granule has them
    corrections : variables that the study's corrections need
    """
    asked = (*settings.variables, *atl06_filters.variables(settings.filter), *corrections)
    variables = tuple(dict.fromkeys(asked))
    optional = tuple(name for name in wished if name not in variables)
    read = partial(read_segments, optional=optional, needed=atl06_filters.needed(settings.filter))
    return PointReader(read, no_segments((*variables, *optional)), variables)
