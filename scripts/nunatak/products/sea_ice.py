"""
What ATL07 and ATL10 share: segments along six beams, strong or weak by the orientation at each time, filters.

Each product states its layout as a table; where releases differ, the first path that a granule holds is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nunatak import granules
from nunatak.constants import ATLAS_EPOCH_GPS_SECONDS, BEAMS, FILL_I1
from nunatak.granules import variables as names_of
from nunatak.products import GranuleError, cloud, hdf5
from nunatak.products.beam_columns import BeamColumns
from nunatak.products.beams import check_groups, read_each
from nunatak.products.columns import POSITION, Column, column_of
from nunatak.products.rows import inside, span
from nunatak.products.spots import UNKNOWN_SPOT, is_strong, spots
from nunatak.products.status import EMPTY, MISSING, OUTSIDE, PRESENT, TrackStatus
from nunatak.runtime import NunatakError
from nunatak.times import delta_time_to_utc

if TYPE_CHECKING:
    import h5py

    from nunatak.geometry.region import Region
    from nunatak.products.segment_filter import SegmentFilter

WEIGHT = "height_segment_length_seg"  # of a segment in every mean
LENGTH = Column("f4", 0, 1e4, 1)  # m; granules of release 003 hold segments of 6 km where photons are few
LEADS = range(2, 10)  # height_segment_type: specular (2-5) and dark (6-9) leads, with and without high background
STRENGTHS = ("strong", "weak", "all")
READERS = ("h5py", "h5coro")
_FLAG_FILL = FILL_I1


@dataclass(frozen=True)
class Layout:
    """A product's layout. The place of each of its variables is in `granules.variables`."""

    product: str
    units: Mapping[str, str]
    required: tuple[str, ...]
    """besides position and time; a beam without them cannot be read"""
    expected: tuple[str, ...]
    """always columns of the table; NaN (flags 127) where a granule lacks them"""
    bounds: Mapping[str, Column]
    """what the variables can hold that the product alone has"""

    @property
    def columns(self) -> dict[str, Column]:
        """Return what each variable can hold."""
        known = {name: column_of(name, unit)._replace(ndim=1) for name, unit in self.units.items()}
        return {**known, **POSITION, WEIGHT: LENGTH, **self.bounds}

    @property
    def key(self) -> str:
        """Return the product's name in a study, such as atl07."""
        return self.product.lower()

    @property
    def roots(self) -> tuple[str, ...]:
        """Return the groups that hold the segments, one for each layout, newest first."""
        return names_of.ROOTS[self.key]

    def paths(self, name: str) -> tuple[str, ...]:
        """
        Return the paths of a variable below the beam, newest first.

        Parameters
        ----------
        name : str, the variable's name
        """
        if names_of.group_of(self.key, name) is None:
            return tuple(f"{root}/{name}" for root in self.roots)
        return names_of.paths(self.key, name)

    def path(self, beam: h5py.Group, name: str) -> str | None:
        """
        Return the path of a variable in this beam's group, or None.

        Parameters
        ----------
        beam : h5py.Group, the beam's group
        name : str, the dataset's name
        """
        return next((path for path in self.paths(name) if hdf5.has(beam, path)), None)


def read_segments(
    path: Path | str,
    layout: Layout,
    *,
    region: Region | None = None,
    period: Any = None,
    beams: str = "strong",
    keep: SegmentFilter,
    variables: list[str] | None = None,
    reader: str = "h5py",
    credentials: Any = None,
) -> tuple[pd.DataFrame, list[TrackStatus]]:
    """
    Read the sea-ice segments of one granule, in a region and a period.

    Parameters
    ----------
    path : path of the granule; with `reader="h5coro"` also an s3:// or https:// address
    layout : of the product
    region : Region, default everywhere
    period : study period (with `contains`), default always
    beams : "strong" (default), "weak" or "all", by the orientation at each time; or ground tracks such as ["gt1l"]
    keep : SegmentFilter
    variables : further variables, by name (`dist2land`) or by path below the product's group; a beam without one fails
    reader : "h5py", or "h5coro" for granules in the cloud
    credentials : for h5coro

    Returns
    -------
    segments : DataFrame in the order of beams and along the track, with `beam, spot, rgt, cycle, time` (UTC),
        `latitude, longitude` (degrees, WGS84), the value of the product, the columns of `layout.expected`, `lead` (1
        for lead types) and the variables asked for; fills are NaN, flags as in the file (127 where a granule lacks
        them), `attrs["units"]` holds the units
    statuses : list of TrackStatus: present, outside, empty, missing or failed, with the reason in words

    Raises
    ------
    GranuleError : the file is broken, is another product, or no beam of it can be read
    """
    strength, asked = _beams(beams)
    keep = keep.named(layout.key)
    fields = tuple(names_of.canonical(layout.key, name) for name in variables or ())
    wanted = tuple(dict.fromkeys((*layout.expected, *keep.variables, *fields)))
    with _opened(path, layout, wanted, reader, credentials) as file:
        hdf5.check_product(file, layout.product)
        _check_epoch(file)
        rgt, cycle, start = _identity(file, path, layout)
        check_groups(file, BEAMS, layout.roots)
        read = partial(
            _read_beam,
            file,
            layout=layout,
            region=region,
            period=period,
            strength=strength,
            keep=keep,
            wanted=wanted,
            fields=fields,
            start=start,
        )
        parts, statuses = read_each(read, asked, path)
    return _table(parts, layout, wanted, rgt, cycle), statuses


@contextmanager
def _opened(path, layout, wanted, reader, credentials):
    if reader not in READERS:
        raise NunatakError(f"reader: {reader!r} is not known; choose from {', '.join(READERS)}")
    if reader == "h5py":
        with hdf5.open_granule(path) as file:
            yield file
        return
    names = [
        p for name in ("latitude", "longitude", "delta_time", *layout.required, *wanted) for p in layout.paths(name)
    ]
    datasets = [f"{beam}/{name}" for beam in BEAMS for name in names]
    shared = ("sc_orient", "sc_orient_time", "rgt", "cycle_number")
    datasets += [f"orbit_info/{name}" for name in shared] + ["ancillary_data/atlas_sdp_gps_epoch"]
    with cloud.open_granule(path, datasets, credentials) as file:
        yield file


def _beams(beams):
    """
    Return (strong, weak or all) and the ground tracks to read.

    A strength can be on any track, so these are all of them.
    """
    if isinstance(beams, str):
        if beams not in STRENGTHS:
            raise NunatakError(
                f"beams: {beams!r} is not known; choose {', '.join(STRENGTHS)} or a list of ground tracks"
            )
        return beams, BEAMS
    unknown = [beam for beam in beams if beam not in BEAMS]
    if unknown:
        raise NunatakError(f"beams: {unknown[0]!r} is not a ground track; choose from {', '.join(BEAMS)}")
    return "all", tuple(beam for beam in BEAMS if beam in beams)


def _check_epoch(file):
    epoch = hdf5.scalar(file, "ancillary_data/atlas_sdp_gps_epoch", ATLAS_EPOCH_GPS_SECONDS)
    if epoch != ATLAS_EPOCH_GPS_SECONDS:
        raise GranuleError(
            f"{file.filename}: ancillary_data/atlas_sdp_gps_epoch is {epoch}, not {ATLAS_EPOCH_GPS_SECONDS}; "
            "its times cannot be trusted: fetch it again"
        )


def _identity(file, path, layout):
    """
    Return rgt, cycle and time by the name, checked against the file.

    Where the name is no granule's, rgt and cycle are by the file, with -1 for unknown, and the time is None.
    """
    try:
        name = granules.parse(Path(str(path)).name)
    except NunatakError:
        return (*(-1 if value is None else value for value in hdf5.orbit(file)), None)
    if name.product.upper() != layout.product:
        raise GranuleError(f"{path}: the name is that of an {name.product.upper()} granule, not of {layout.product}")
    hdf5.check_orbit(file, name.rgt, name.cycle)
    return name.rgt, name.cycle, name.time_start


def _read_beam(file, beam, *, layout, region, period, strength, keep, wanted, fields, start):
    """Read the columns of one beam (None without a segment to keep) and its status."""
    root = next((r for r in layout.roots if beam in file and r in file[beam]), None)
    if root is None or not any(layout.path(file[beam], name) for name in ("latitude", "longitude", "delta_time")):
        lack = f"{beam} holds no segments" if beam in file else f"no group {beam}"
        return None, TrackStatus(beam, MISSING, f"{lack}: a subset has none where it found no data")
    group = file[beam]
    own = BeamColumns(
        group, layout.columns, like=_path(group, layout, "latitude"), needed=(*POSITION, *layout.required, WEIGHT)
    )
    latitude, longitude = own.positions(*(_read(own, layout, name, slice(None)) for name in ("latitude", "longitude")))
    n = own.n
    if not n:
        return None, TrackStatus(beam, EMPTY, "no segments")
    near = inside(latitude, longitude, region) & np.isfinite(longitude)
    rows = span(near)
    delta_time = own.times(_read(own, layout, "delta_time", rows), start)
    columns = {"time": delta_time_to_utc(delta_time), "latitude": latitude[rows], "longitude": longitude[rows]}
    kept = near[rows] & ~np.isnat(columns["time"])
    if period is not None:
        kept &= period.contains(columns["time"])
    if not kept.any():
        reasons = ["no segment in region and period", *own.reasons()]
        return None, TrackStatus(beam, OUTSIDE, "; ".join(reasons), n)
    columns["spot"], note = spots(file, beam, delta_time)
    reasons = [note] * bool(note) + _keep_strength(columns["spot"], strength, kept)
    if not kept.any():
        return None, TrackStatus(beam, OUTSIDE, "; ".join([f"no {strength} beam", *reasons, *own.reasons()]), n)
    for name in layout.required:
        columns[name] = _read(own, layout, name, rows)
    _check_filter(group, layout, keep)
    absent = _read_optional(own, layout, wanted, fields, rows, columns)
    reasons += keep.apply(columns, kept)
    reasons += [f"without {', '.join(absent)}"] * bool(absent) + own.reasons()
    n_kept = int(np.count_nonzero(kept))
    if not n_kept:
        return None, TrackStatus(beam, OUTSIDE, "; ".join(["no segment passes the filter", *reasons]), n)
    columns = {name: values[kept] for name, values in columns.items()}
    return (beam, n_kept, columns), TrackStatus(beam, PRESENT, "; ".join(reasons), n, n_kept)


def _path(group, layout, name):
    path = layout.path(group, name)
    if path is None:
        raise hdf5.missing(group, layout.paths(name)[0])
    return path


def _read(own, layout, name, rows):
    return own.read(name, _path(own.group, layout, name), rows)


def _check_filter(group, layout, keep):
    """Refuse a beam that lacks a variable of the filter, because its segments would pass unfiltered."""
    absent = [name for name in keep.variables if layout.path(group, name) is None]
    if absent:
        near = [name for name in names_of.others(layout.key, absent[0]) if layout.path(group, name) is not None]
        instead = f"filter by {' or '.join(near)}, which it has, " if near else "fetch the whole granule "
        setting = "write types: all" if absent[0] == "height_segment_type" else "leave the filter out"
        raise GranuleError(
            f"{group.file.filename}: {group.name.strip('/')} has no {absent[0]!r} to filter by; {instead}or {setting}"
        )


def _read_optional(own, layout, wanted, fields, rows, columns):
    """Put what the granule holds into `columns` and return what is missing. A variable asked for must be there."""
    absent = []
    for name in wanted:
        path = layout.path(own.group, name)
        if path is None and name in fields:
            raise hdf5.missing(own.group, layout.paths(name)[0])
        if path is None:
            absent.append(name)
        else:
            columns[name] = own.read(name, path, rows)
    return [name for name in absent if name in layout.expected]


def _keep_strength(spot, strength, keep):
    """Drop from `keep` what is not of the strength asked for, and count those neither strong nor weak."""
    if strength == "all":
        return []
    known = spot != UNKNOWN_SPOT
    turning = int(np.count_nonzero(keep & ~known))
    keep &= known & (is_strong(spot) == (strength == "strong"))
    return [f"{turning} neither strong nor weak (sc_orient 2 or unknown)"] if turning else []


def _table(parts, layout, wanted, rgt, cycle):
    counts = [n for _, n, _ in parts]
    codes = np.repeat([BEAMS.index(beam) for beam, _, _ in parts], counts).astype("i1")
    data: dict = {"beam": pd.Categorical.from_codes(codes, categories=pd.Index(BEAMS))}
    for name in dict.fromkeys(("spot", "time", "latitude", "longitude", *layout.required, *wanted)):
        data[name] = _joined([(n, columns.get(name)) for _, n, columns in parts], name)
    table = pd.DataFrame(data, copy=False)
    table.insert(2, "rgt", np.full(len(table), rgt, dtype="i2"))
    table.insert(3, "cycle", np.full(len(table), cycle, dtype="i2"))
    _add_lead(table)
    units = {name: layout.units[name] for name in table if name in layout.units}
    table.attrs["units"] = {"time": "UTC", **units}
    return table


def _joined(columns, name):
    """Join one column of all beams, filled where a beam lacks it: NaN, or 127 for what looks like a flag."""
    known = [values for _, values in columns if values is not None]
    if known:
        dtype = known[0].dtype
    else:
        dtype = np.dtype(
            {"time": "M8[ns]", "spot": "i1"}.get(name, "i1" if name.endswith(("_flag", "_type")) else "f8")
        )
    fill = _FLAG_FILL if dtype.kind in "iu" else np.nan
    whole = [np.full(n, fill, dtype=dtype) if values is None else values for n, values in columns]
    return np.concatenate(whole) if whole else np.empty(0, dtype=dtype)


def _add_lead(table):
    """
    Add `lead`, 1 for lead segments by their type, else by the sea-surface flag. It is absent where neither is known.
    """
    kind = table.get("height_segment_type")
    if kind is not None and (kind != _FLAG_FILL).any():
        table["lead"] = np.isin(kind, LEADS).astype("i1")
    elif "height_segment_ssh_flag" in table and (table["height_segment_ssh_flag"] != _FLAG_FILL).any():
        table["lead"] = (table["height_segment_ssh_flag"] == 1).astype("i1")
