"""Crossing tracks of ATL11: heights of other tracks at its reference points."""

from __future__ import annotations

from functools import partial

import numpy as np

from nunatak.constants import FILL_I1
from nunatak.files import remote
from nunatak.products import hdf5
from nunatak.products.atl11 import DTYPES, chosen_pairs, frame, identity
from nunatak.products.beams import read_each
from nunatak.products.rows import inside
from nunatak.products.status import EMPTY, MISSING, OUTSIDE, PRESENT, TrackStatus
from nunatak.times import delta_time_to_utc

CROSSINGS = "crossing_track_data"
# column: (names in crossing_track_data, what stands in for an absent one); the first two kinds every release has
_COLUMNS = {
    "rgt_crossing": (("rgt",), None),
    "cycle": (("cycle_number",), None),
    "h_corr": (("h_corr",), None),
    "h_corr_sigma": (("h_corr_sigma",), None),
    "h_corr_sigma_systematic": (("h_corr_sigma_systematic",), np.nan),
    "spot": (("spot_crossing", "spot"), np.int8(0)),
    "along_track_rss": (("along_track_rss",), np.nan),
    "atl06_quality_summary": (("atl06_quality_summary",), FILL_I1),
    "tide_ocean": (("tide_ocean",), np.nan),
    "dac": (("dac",), np.nan),
}
_UNITS = {
    "time": "UTC",
    "latitude": "degrees_north",
    "longitude": "degrees_east",
    **dict.fromkeys(("h_corr", "h_corr_sigma", "h_corr_sigma_systematic", "along_track_rss", "tide_ocean", "dac"), "m"),
}


def read_crossings(path, *, region=None, period=None, pairs=None):
    """
    Heights of other tracks where they cross this one, moved to its reference points by the product.

    Returns
    -------
    crossings : DataFrame with `pair, rgt, ref_pt` (of the granule's own track), `rgt_crossing, cycle, spot, time` (of
        the crossing track), `latitude, longitude, h_corr, h_corr_sigma, h_corr_sigma_systematic, along_track_rss,
        atl06_quality_summary, tide_ocean, dac` (m); units in `attrs["units"]`. No row where the granule has no such
        group
    statuses : list of TrackStatus, one for each pair, with the reason where there is nothing

    Notes
    -----
    In release 004 every crossing has the position of one of the pair's own reference points; several neighbouring
    points see the same crossing.
    """
    path, pairs = remote.location(path), chosen_pairs(pairs)
    with hdf5.open_granule(path) as file:
        rgt = identity(file, path)
        parts, statuses = read_each(partial(_read_pair, file, region=region, period=period), pairs, path)
    return _table(parts, rgt), statuses


def no_crossings():
    """The table of `read_crossings` without a row."""
    return _table([], 0)


def _read_pair(file, pair, region, period):
    if pair not in file:
        return None, TrackStatus(pair, MISSING, f"no group {pair}: a subset has none where it found no data")
    if CROSSINGS not in file[pair]:
        return None, TrackStatus(pair, MISSING, f"{pair} has no {CROSSINGS}")
    group = file[pair][CROSSINGS]
    if not hdf5.has(group, "ref_pt"):
        raise hdf5.missing(group, "ref_pt")
    n = hdf5.length(group, "ref_pt")
    data = {"ref_pt": hdf5.read(group, "ref_pt").astype("i4")}
    data["latitude"], data["longitude"] = hdf5.read(group, "latitude"), hdf5.read(group, "longitude")
    data["time"] = delta_time_to_utc(hdf5.read(group, "delta_time"))
    absent = []
    for column, (names, default) in _COLUMNS.items():
        found = next((name for name in names if hdf5.has(group, name)), None)
        if found is None and default is None:
            raise hdf5.missing(group, names[0])
        if found is None:
            absent.append(names[0])
        data[column] = np.full(n, default) if found is None else hdf5.read(group, found)
    keep = inside(data["latitude"], data["longitude"], region) & np.isfinite(data["h_corr"]) & ~np.isnat(data["time"])
    if period is not None:
        keep &= period.contains(data["time"])
    if not keep.any():
        return None, TrackStatus(pair, OUTSIDE if n else EMPTY, "no crossing" + (" in region and period" * (n > 0)), n)
    reason = f"crossings without {', '.join(absent)}" if absent else ""
    return (pair, {k: v[keep] for k, v in data.items()}), TrackStatus(pair, PRESENT, reason, n, int(keep.sum()))


def _table(parts, rgt):
    columns = ("ref_pt", "time", "latitude", "longitude", *_COLUMNS)
    table = frame(parts, columns, {"time": "datetime64[ns]", **DTYPES})
    table.insert(1, "rgt", np.full(len(table), rgt, dtype="i2"))
    table.attrs["units"] = dict(_UNITS)
    return table
