"""Crossing tracks of ATL11: heights of other tracks at its reference points."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nunatak.constants import FILL_I1, N_RGT
from nunatak.files import remote
from nunatak.products import hdf5
from nunatak.products.atl11 import DTYPES, chosen_pairs, frame, identity, on_calendar
from nunatak.products.beam_columns import BeamColumns
from nunatak.products.beams import read_each
from nunatak.products.columns import CYCLE, FLAG, HEIGHT, POSITION, SEGMENT_ID, Column
from nunatak.products.rows import inside
from nunatak.products.status import EMPTY, MISSING, OUTSIDE, PRESENT, TrackStatus
from nunatak.times import delta_time_to_utc

if TYPE_CHECKING:
    import pandas as pd

    from nunatak.geometry.region import Region

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
_ERROR = Column("f4", 0, 1e5, 1)
COLUMNS = {
    **POSITION,
    "delta_time": POSITION["delta_time"]._replace(ndim=1),
    "ref_pt": SEGMENT_ID,
    "rgt_crossing": Column("i4", 1, N_RGT, 1),
    "cycle": CYCLE,
    "h_corr": HEIGHT._replace(ndim=1),
    "h_corr_sigma": _ERROR,
    "h_corr_sigma_systematic": _ERROR,
    "spot": FLAG,
    "along_track_rss": _ERROR,
    "atl06_quality_summary": FLAG,
    "tide_ocean": Column("f4", ndim=1),
    "dac": Column("f4", ndim=1),
}
_NEEDED = (*POSITION, "ref_pt", "rgt_crossing", "cycle", "h_corr")
_UNITS = {
    "time": "UTC",
    "latitude": "degrees_north",
    "longitude": "degrees_east",
    **dict.fromkeys(("h_corr", "h_corr_sigma", "h_corr_sigma_systematic", "along_track_rss", "tide_ocean", "dac"), "m"),
}


def read_crossings(
    path: Path | str, *, region: Region | None = None, period: Any = None, pairs: Any = None
) -> tuple[pd.DataFrame, list[TrackStatus]]:
    """
    Read heights of other tracks where they cross this one, moved to its reference points by the product.

    Parameters
    ----------
    path : str or Path, the granule
    region : Region, or None for all
    period : period with `contains`, or None for all
    pairs : sequence of str, such as ("pt1", "pt2"), or None for all

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
        rgt, _ = identity(file, path)
        parts, statuses = read_each(partial(_read_pair, file, region=region, period=period), pairs, path)
    return _table(parts, rgt), statuses


def no_crossings() -> pd.DataFrame:
    """Return the table of `read_crossings` without a row."""
    return _table([], 0)


def _read_pair(file, pair, region, period):
    if pair not in file:
        return None, TrackStatus(pair, MISSING, f"no group {pair}: a subset has none where it found no data")
    if CROSSINGS not in file[pair]:
        return None, TrackStatus(pair, MISSING, f"{pair} has no {CROSSINGS}")
    group = file[pair][CROSSINGS]
    if not hdf5.has(group, "ref_pt"):
        raise hdf5.missing(group, "ref_pt")
    own = BeamColumns(group, COLUMNS, like="ref_pt", needed=_NEEDED)
    n = own.n
    data = {name: own.read(name) for name in ("ref_pt", "latitude", "longitude")}
    absent = []
    for column, (names, default) in _COLUMNS.items():
        found = next((name for name in names if hdf5.has(group, name)), None)
        if found is None and default is None:
            raise hdf5.missing(group, names[0])
        if found is None:
            absent.append(names[0])
        data[column] = np.full(n, default) if found is None else own.read(column, found)
    seconds = on_calendar(own, own.read("delta_time"), data["rgt_crossing"], data["cycle"])
    data["time"] = delta_time_to_utc(seconds)
    keep = inside(data["latitude"], data["longitude"], region) & np.isfinite(data["h_corr"]) & ~np.isnat(data["time"])
    for name in ("ref_pt", "rgt_crossing", "cycle"):  # what cannot be is the fill of int32
        keep &= (data[name] >= COLUMNS[name].low) & (data[name] <= COLUMNS[name].high)
    if period is not None:
        keep &= period.contains(data["time"])
    if not keep.any():
        reasons = ["no crossing" + (" in region and period" * (n > 0)), *own.reasons()]
        return None, TrackStatus(pair, OUTSIDE if n else EMPTY, "; ".join(reasons), n)
    reasons = [f"crossings without {', '.join(absent)}"] * bool(absent) + own.reasons()
    return (pair, {k: v[keep] for k, v in data.items()}), TrackStatus(
        pair, PRESENT, "; ".join(reasons), n, int(keep.sum())
    )


def _table(parts, rgt):
    columns = ("ref_pt", "time", "latitude", "longitude", *_COLUMNS)
    table = frame(parts, columns, {"time": "datetime64[ns]", **DTYPES})
    table.insert(1, "rgt", np.full(len(table), rgt, dtype="i2"))
    table.attrs["units"] = dict(_UNITS)
    return table
