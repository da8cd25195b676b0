"""
ATL11 land-ice heights: every cycle's height at reference points 60 m apart along three beam pairs, and crossing tracks.

The layout was read off a granule of release 004 and the product's own field list (SmithB/ATL11,
ATL11_output_attrs.csv); releases 003 to 007 share it. The pre-release 002 with its `corrected_h` groups is refused.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from nunatak import granules
from nunatak.constants import FILL_I1, N_RGT, PAIRS
from nunatak.files import remote
from nunatak.granules import variables as names_of
from nunatak.products import GranuleError, hdf5
from nunatak.products.beam_columns import BeamColumns
from nunatak.products.beams import read_each
from nunatak.products.columns import CYCLE, HEIGHT, POSITION, SEGMENT_ID, Column, column_of
from nunatak.products.points import PointReader
from nunatak.products.rows import inside, span
from nunatak.products.status import EMPTY, MISSING, OUTSIDE, PRESENT, TrackStatus
from nunatak.runtime import NunatakError
from nunatak.times import cycle_start, delta_time_to_utc, utc_to_delta_time

KNOWN_RELEASES = ("003", "004", "005", "006", "007")

# variable: (paths below the pair, the first that a granule holds is read; unit; one value per point or per point and
# cycle). Release 004 writes misfit_RMS, the field list misfit_rms.
LAYOUT: dict[str, tuple[tuple[str, ...], str, str]] = {
    "latitude": (("latitude",), "degrees_north", "point"),
    "longitude": (("longitude",), "degrees_east", "point"),
    "ref_pt": (("ref_pt",), "1", "point"),
    "delta_time": (("delta_time",), "seconds since 2018-01-01", "cycle"),
    "h_corr": (("h_corr",), "m", "cycle"),
    "h_corr_sigma": (("h_corr_sigma",), "m", "cycle"),
    "h_corr_sigma_systematic": (("h_corr_sigma_systematic",), "m", "cycle"),
    "quality_summary": (("quality_summary",), "1", "cycle"),
    **{
        name: ((f"{group}/{name}", *more), unit, per)
        for group, per, unit, names, more in (
            ("ref_surf", "point", "m", "x_atc y_atc dem_h geoid_h", ()),
            ("ref_surf", "point", "m", "misfit_rms", ("ref_surf/misfit_RMS",)),
            (
                "ref_surf",
                "point",
                "1",
                "at_slope xt_slope e_slope n_slope curvature misfit_chi2r fit_quality complex_surface_flag deg_x deg_y",
                (),
            ),
            ("ref_surf", "point", "degrees", "rgt_azimuth", ()),
            (
                "ref_surf",
                "point",
                "yr-1",
                "slope_change_rate_x slope_change_rate_x_sigma slope_change_rate_y slope_change_rate_y_sigma",
                (),
            ),
            (
                "cycle_stats",
                "cycle",
                "m",
                "bsnow_h dac dh_geoloc h_mean h_rms_misfit sigma_geo_at sigma_geo_h sigma_geo_xt tide_ocean",
                (),
            ),
            (
                "cycle_stats",
                "cycle",
                "1",
                "atl06_summary_zero_count bsnow_conf cloud_flg_asr cloud_flg_atm "
                "min_signal_selection_source min_snr_significance r_eff seg_count",
                (),
            ),
        )
        for name in names.split()
    },
}

# what each variable can hold, where unit and name do not tell
COLUMNS = {
    **{
        name: column_of(name, unit)._replace(ndim=2 if per == "cycle" else 1) for name, (_, unit, per) in LAYOUT.items()
    },
    **POSITION,
    "delta_time": POSITION["delta_time"]._replace(ndim=2),
    "ref_pt": SEGMENT_ID,
    "h_corr": HEIGHT._replace(ndim=2),
    "h_mean": HEIGHT._replace(ndim=2),
    "x_atc": Column("f8", 0, 4.1e7, 1),
    "cycle_number": CYCLE,
}
_NEEDED = ("latitude", "longitude", "ref_pt", "delta_time", "h_corr", "cycle_number")
# from the nominal time of a track in its cycle; the orbit keeps it to a day
_PASS_SECONDS = 10 * 86400.0
_POINTS = ("ref_pt", "latitude", "longitude", "x_atc", "y_atc", "e_slope", "n_slope")
_HEIGHTS = ("h_corr", "h_corr_sigma", "h_corr_sigma_systematic", "quality_summary")
# What a subset may lack: it becomes NaN (the flag its fill), and the pair's status says so.
_OPTIONAL = ("x_atc", "y_atc", "e_slope", "n_slope", "h_corr_sigma_systematic", "quality_summary")
DTYPES = {"ref_pt": "i4", "cycle": "i2", "rgt": "i2", "rgt_crossing": "i4", "quality_summary": "i1", "spot": "i1"}


def read_heights(path, *, region=None, period=None, pairs=None, cycles=None, variables=None, optional=(), needed=()):
    """
    Read the heights of one granule, a row for each reference point and cycle that has one.

    Positions are read first, then of everything else only the block from the first to the last point and cycle kept.

    Parameters
    ----------
    path : path of the granule
    region : Region, default everywhere
    period : study period (with `contains`), default always
    pairs : iterable of pt1, pt2, pt3, default all
    cycles : iterable of cycle numbers, default all
    variables : further variables by name (`tide_ocean`), default none
    optional : further variables that are NaN, and named in the status, where a subset lacks them
    needed : of the variables that every table has, those a pair may not lack, such as the flag that is filtered by

    Returns
    -------
    heights : DataFrame in the order of pairs, points along the track and cycles, with `pair, rgt, cycle`, `ref_pt`
        (segment_id of the point), `time` (UTC), `latitude, longitude` (degrees, WGS84), `x_atc, y_atc` (m),
        `e_slope, n_slope` (of the reference surface, towards east and north), `h_corr, h_corr_sigma,
        h_corr_sigma_systematic` (m; heights above the WGS84 ellipsoid), `quality_summary` (0 best) and the variables
        asked for; fills are NaN, flags as in the file, and `attrs["units"]` holds the units
    statuses : list of TrackStatus, one for each pair, `failed` where it is damaged; `n_found` counts reference
        points in the file, `n_kept` rows

    Raises
    ------
    GranuleError : the file is broken, is not ATL11 or the pre-release layout, or no pair of it can be read
    """
    path, pairs = remote.location(path), chosen_pairs(pairs)
    wanted = _wanted((*(variables or ()), *optional))
    spared = frozenset((*_OPTIONAL, *(set(optional) - set(variables or ())))) - frozenset(needed)
    with hdf5.open_granule(path) as file:
        rgt, held = identity(file, path)
        options = {"region": region, "period": period, "cycles": cycles, "wanted": wanted, "spared": spared}
        read = partial(_read_pair, file, rgt=rgt, held=held, **options)
        parts, statuses = read_each(read, pairs, path)
    return _table(parts, (*_POINTS, *_HEIGHTS, *wanted), rgt), statuses


def no_heights(variables=None):
    """Return the table of `read_heights` without a row, as for a chunk without granules."""
    return _table([], (*_POINTS, *_HEIGHTS, *_wanted(variables or ())), 0)


def chosen_pairs(pairs):
    """Return the beam pairs asked for in the order of the product, all where none are named."""
    asked = PAIRS if pairs is None else tuple(pairs)
    unknown = [pair for pair in asked if pair not in PAIRS]
    if unknown:
        raise NunatakError(f"pairs: {unknown[0]!r} is not a beam pair; choose from {', '.join(PAIRS)}")
    return [pair for pair in PAIRS if pair in asked]


def _wanted(variables):
    known = (*_POINTS, *_HEIGHTS, "time")
    names = [names_of.canonical("atl11", variable) for variable in variables if variable != "time"]
    unknown = [name for name in names if name not in LAYOUT]
    if unknown:
        raise NunatakError(f"ATL11: no variable {unknown[0]!r} is read; there are {', '.join(sorted(LAYOUT))}")
    return tuple(dict.fromkeys(name for name in names if name not in known))


def identity(file, path):
    """
    Return RGT and (first, last) cycle, from the name when it is a granule's, checked against the file.

    A file with a name of its own tells no cycles: 1 to 99.
    """
    hdf5.check_product(file, "ATL11")
    present = [pair for pair in PAIRS if pair in file]
    if any("corrected_h" in file[pair] for pair in present):
        raise GranuleError(
            f"{path}: has the layout of the pre-release 002 (heights in {present[0]}/corrected_h), which was never "
            f"distributed; fetch a release of {KNOWN_RELEASES[0]} to {KNOWN_RELEASES[-1]}"
        )
    if not present and not any(name in file for name in ("METADATA", "ancillary_data", "orbit_info")):
        raise GranuleError(
            f"{path}: no beam pair (pt1, pt2, pt3) and nothing else of ATL11 in it (it holds: "
            f"{', '.join(sorted(file)) or 'nothing'}); fetch it again"
        )
    stated = _stated_rgt(file, present)
    try:
        name = granules.parse(path.name)
    except NunatakError:
        if stated is None:
            raise GranuleError(
                f"{path}: neither its name nor its content tells the track; give it its name back "
                "(ATL11_<track><region>_<cycles>_<release>_<version>.h5)"
            ) from None
        return stated, (1, 99)
    if name.product != "atl11":
        raise GranuleError(f"{path}: the name is that of an {name.product.upper()} granule, not of ATL11")
    hdf5.check_orbit(file, name.rgt, None)
    if stated is not None and stated != name.rgt:
        raise GranuleError(f"{path}: rgt: the name says {name.rgt}, the file {stated}; rename it or fetch it again")
    return name.rgt, (name.cycle, name.cycle_end)


def _stated_rgt(file, present):
    """Return the track that orbit_info or a pair's attribute states (number, text or array), else None."""
    rgt, _ = hdf5.orbit(file)
    for pair in present:
        text = hdf5.attribute(file[pair], "ReferenceGroundTrack")
        if rgt is None and text:
            try:
                rgt = int(float(text))
            except (ValueError, OverflowError):
                raise GranuleError(
                    f"{file.filename}: {pair}: ReferenceGroundTrack is {text[:40]!r}, no track; fetch it again"
                ) from None
    return rgt


def _read_pair(file, pair, *, region, period, cycles, wanted, spared, rgt, held):
    """Read the columns of one pair (None without a height to keep) and its status."""
    if pair not in file:
        return None, TrackStatus(pair, MISSING, f"no group {pair}: a subset has none where it found no data")
    group = file[pair]
    own = BeamColumns(group, COLUMNS, like="latitude", needed=_NEEDED)
    latitude, longitude = own.positions(own.read("latitude"), own.read("longitude"))
    n = own.n
    if not n:
        return None, TrackStatus(pair, EMPTY, "no reference points")
    known = _cycles(group, held)
    _check_shapes(group, n, known.size)
    near = inside(latitude, longitude, region)
    rows = span(near)
    asked = np.ones(known.size, bool) if cycles is None else np.isin(known, list(cycles))
    columns = span(asked)
    block = (rows, columns)
    h = own.read("h_corr", rows=block)
    time = delta_time_to_utc(on_calendar(own, own.read("delta_time", rows=block), rgt, known[columns]))
    points = own.read("ref_pt", rows=rows)
    keep = np.isfinite(h) & ~np.isnat(time) & near[rows, None] & asked[None, columns]
    keep &= own.on_course("ref_pt", points, latitude[rows], longitude[rows])[:, None]
    if period is not None:
        keep &= period.contains(time)
    if not keep.any():
        asked_for = (("region", region), ("period", period), ("cycles", cycles))
        where = ", ".join(word for word, given in asked_for if given is not None)
        return None, TrackStatus(pair, OUTSIDE, "; ".join([f"no height in {where or 'any cycle'}", *own.reasons()]), n)
    point, cycle = np.nonzero(keep)
    data = {"cycle": known[columns][cycle], "time": time[keep], "h_corr": h[keep]}
    absent = []
    for name in (*_POINTS, *_HEIGHTS[1:], *wanted):
        per_cycle = LAYOUT[name][2] == "cycle"
        values = points if name == "ref_pt" else _variable(own, name, block if per_cycle else rows, name in spared)
        if name == "x_atc" and values is not None:
            values = own.along(name, values, points)
        if values is None:
            absent.append(name)
            data[name] = np.full(point.size, FILL_I1 if name == "quality_summary" else np.nan, DTYPES.get(name, "f8"))
        else:
            data[name] = values[keep] if per_cycle else values[point]
    reasons = [f"subset without {', '.join(absent)}"] * bool(absent) + own.reasons()
    return (pair, data), TrackStatus(pair, PRESENT, "; ".join(reasons), n, point.size)


def _variable(own, name, rows, spared):
    """Read a variable's rows by the first of its names. Returns None where it is absent and may be."""
    paths = LAYOUT[name][0]
    found = next((path for path in paths if hdf5.has(own.group, path)), None)
    if found is None and spared:
        return None
    if found is None:
        raise hdf5.missing(own.group, paths[0])
    return own.read(name, found, rows)


def _cycles(group, held):
    """Return the cycles of a pair's columns, each of them once and all within those of the granule's name."""
    cycles = hdf5.read(group, "cycle_number", column=CYCLE)
    first, last = held
    if cycles.size != np.unique(cycles).size or not ((cycles >= first) & (cycles <= last)).all():
        shown = ", ".join(map(str, cycles[:12].tolist()))
        raise GranuleError(
            f"{group.file.filename}: {group.name.lstrip('/')}: cycle_number is {shown}, where the granule holds each "
            f"of {first} to {last} at most once; fetch it again"
        )
    return cycles.astype("i2")


def on_calendar(own, delta_time, rgt, cycle):
    """
    Return `delta_time` with what is days away from the pass of its track and cycle missing and counted.

    Parameters
    ----------
    own : BeamColumns
    delta_time : array, seconds since 2018-01-01; changed
    rgt, cycle : numbers or arrays that fit
    """
    begins = utc_to_delta_time(cycle_start(cycle + (np.asarray(rgt, "f8") - 1) / N_RGT))
    said = f"more than {_PASS_SECONDS / 86400:g} days from the pass of its track and cycle"
    return own.within("delta_time", delta_time, begins - _PASS_SECONDS, begins + _PASS_SECONDS, said)


def _check_shapes(group, n, n_cycle):
    for name, expected in (("h_corr", (n, n_cycle)), ("delta_time", (n, n_cycle)), ("ref_pt", (n,))):
        if not hdf5.has(group, name):
            raise hdf5.missing(group, name)
        if group[name].shape != expected:
            raise GranuleError(
                f"{group.file.filename}: {group.name.lstrip('/')}: {name} has shape {group[name].shape}, expected "
                f"{expected} (points, cycles); remove it and fetch it again"
            )


def _table(parts, names, rgt):
    """Join the pairs' columns to one DataFrame."""
    columns = ("cycle", "time", *names)
    table = frame(parts, columns, {"time": "datetime64[ns]", "h_corr": "f4", "h_corr_sigma": "f4", **DTYPES})
    table.insert(1, "rgt", np.full(len(table), rgt, dtype="i2"))
    table.attrs["units"] = {"time": "UTC", **{name: LAYOUT[name][1] for name in names}}
    return table


def frame(parts, columns, empty):
    """Join columns of pairs to one DataFrame. `empty` gives the types of columns without a row."""
    codes = np.repeat([PAIRS.index(pair) for pair, _ in parts], [len(data["time"]) for _, data in parts]).astype("i8")
    table: dict[str, object] = {"pair": pd.Categorical.from_codes(codes, categories=pd.Index(PAIRS))}
    for name in columns:
        found = [data[name] for _, data in parts]
        values = np.concatenate(found) if found else np.empty(0, dtype=empty.get(name, "f8"))
        table[name] = values.astype(DTYPES[name]) if name in DTYPES else values
    return pd.DataFrame(table, copy=False)


def for_points(settings, *, wished=(), corrections=()) -> PointReader:
    """Return how granules are read for a study's points (see `atl06.for_points`)."""
    chosen = {
        "pairs": settings.pairs,
        "cycles": settings.cycles,
        "optional": wished,
        "needed": ("quality_summary",) if settings.filter == "standard" else (),
    }

    def read(path, *, beams, **options):  # its pairs are chosen above
        return read_heights(path, **chosen, **options)

    variables = tuple(dict.fromkeys((*settings.variables, *corrections)))
    return PointReader(read, no_heights((*variables, *wished)), variables)
