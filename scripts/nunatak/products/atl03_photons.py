"""The photons of ATL03 by rows: inflated side by side, in the types the kernels know, without those that cannot be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.products import GranuleError, hdf5
from nunatak.products.ahead import ask_ahead
from nunatak.products.atl03_layout import COLUMNS, LATER
from nunatak.products.columns import ANY
from nunatak.products.inflate import InflateError, inflate
from nunatak.products.stored import check_type, refuse_packed

if TYPE_CHECKING:
    from nunatak.products.atl03 import Track

_BESIDE = 10.0  # m that a photon lies before or behind its segment at most; 1.1 m in the real granules at hand
_DEGREES = 0.02  # of latitude that it lies from its segment's reference photon at most: 2 km
_LATE = 1.0  # s that a photon is before or after its segment at most; the laser passes a segment in 3 ms
_LOWEST, _HIGHEST = -3000.0, 15000.0  # m: noise reaches further than the ground
_ACROSS = 1e5  # m that a photon lies beside the track at most; ATLAS looks 5 degrees off its nadir where it turns
BESIDE = f"photons more than {_ACROSS / 1000:g} km beside the track"
_SENSELESS = 0.5  # share of photons that cannot be, from which on nothing of a block is believed
WRONG = (
    f"photons more than {_BESIDE:g} m beyond their segments",
    f"photons more than {_DEGREES:g} degrees of latitude (2 km) from their segments",
    f"photons more than {_LATE:g} s from their segments",
    f"photons beyond {_LOWEST:g} .. {_HIGHEST:g} m",
)


def read(track: Track, names: tuple[str, ...], rows: slice) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """
    Read columns of photons, and count those left out by what is wrong with them: {reason: count}.

    Parameters
    ----------
    track : Track, one beam's segments
    names : sequence of str, names of variables
    rows : slice, rows of the photons
    """
    with hdf5.open_granule(track.granule.path) as file:
        group = file[track.beam]
        present = [name for name in names if name not in LATER or hdf5.has(group, f"heights/{name}")]
        ask_ahead(track.granule.path, group, [f"heights/{name}" for name in present], rows)
        columns = {
            name: _read_rows(group, f"heights/{name}", rows, COLUMNS["heights"].get(name, ANY)) for name in present
        }
    return columns, without_unsound(track, columns, rows)


def _read_rows(group, name, rows, column):
    """
    Read rows of a dataset.

    Its chunks are inflated outside the library's lock, so that beams can be read side by side.

    Datasets stored in another way than by deflate alone are left to the HDF5 library.
    """
    if not hdf5.has(group, name):
        raise hdf5.missing(group, name)
    dataset = group[name]
    check_type(group, name, dataset.id, column.kinds, column.width, column.ndim)
    if name.startswith("heights/") and len(dataset) != hdf5.length(group, "heights/h_ph"):
        raise GranuleError(
            f"{group.file.filename}: {group.name.lstrip('/')}/{name} has {len(dataset)} rows, h_ph "
            f"{hdf5.length(group, 'heights/h_ph')}; fetch it again"
        )
    chunks = dataset.chunks
    # a file rewritten by a third party may deflate twice
    deflated = dataset.compression == "gzip" and dataset.id.get_create_plist().get_nfilters() == 1
    if not deflated or dataset.dtype.str[0] == ">" or chunks[1:] != dataset.shape[1:]:
        return _as_stated(hdf5.read(group, name, rows, column=column), column)
    height = chunks[0]
    if dataset.id.get_num_chunks() < -(-dataset.shape[0] // height):
        return _as_stated(hdf5.read(group, name, rows, column=column), column)
    refuse_packed(group, name, dataset.id)
    out = np.empty((rows.stop - rows.start, *dataset.shape[1:]), dataset.dtype)
    size = math.prod(chunks) * dataset.dtype.itemsize
    for first in range(rows.start // height * height, rows.stop, height):
        mask, stored = dataset.id.read_direct_chunk((first,) + (0,) * (len(chunks) - 1))
        try:
            raw = stored if mask else inflate(stored, size)
        except InflateError as error:
            raise GranuleError(
                f"{group.file.filename}: {group.name.lstrip('/')}/{name}: {error}; remove it and fetch it again"
            ) from error
        chunk = np.frombuffer(raw, dataset.dtype).reshape(chunks)
        low, high = max(first, rows.start), min(first + height, rows.stop)
        out[low - rows.start : high - rows.start] = chunk[low - first : high - first]
    if out.dtype.kind == "f":
        _fills_to_nan(out, hdf5.FILL_LIMIT)
    return _as_stated(out, column)


def _as_stated(values, column):
    """
    Return values in the type of the layout, for which the kernels are compiled.

    Weights of release 007 are wider than those before, and both types are the product's own.
    """
    if not column.dtype or values.dtype == column.dtype or values.dtype.itemsize < np.dtype(column.dtype).itemsize:
        return values
    if values.dtype.kind in "iu":
        limits = np.iinfo(column.dtype)
        if values.size and not (limits.min <= values.min() and values.max() <= limits.max):
            return values
    return values.astype(column.dtype)


@kernel
def _fills_to_nan(values, limit):
    for i in range(values.shape[0]):
        if abs(values[i]) > limit:
            values[i] = np.nan


@kernel
def _mark(photons, segments, first, limits):
    """
    Take out photons whose place, time or height is impossible, and count them by reason, in the order of WRONG.

    Such a photon has no height, and its place is the beginning of its segment.
    """
    along, latitude, longitude, time, h = photons
    ends, lengths, north, east, when = segments
    beside, degrees, late, low, high = limits
    segment, found = 0, np.zeros(4, np.int64)
    while segment < ends.shape[0] and ends[segment] <= first:
        segment += 1
    for i in range(h.shape[0]):
        while segment < ends.shape[0] - 1 and ends[segment] <= first + i:
            segment += 1
        beyond = not (-beside <= along[i] <= lengths[segment] + beside)
        away = False
        if latitude.shape[0] > 0 and np.isfinite(north[segment]):
            away = not abs(latitude[i] - north[segment]) <= degrees
        if longitude.shape[0] > 0 and np.isfinite(north[segment] + east[segment]):
            turn = (longitude[i] - east[segment] + 180.0) % 360.0 - 180.0
            away = away or not abs(turn) * np.cos(np.radians(north[segment])) <= degrees
        other = False
        if time.shape[0] > 0 and np.isfinite(when[segment]):
            other = not abs(time[i] - when[segment]) <= late
        if beyond or away or other or h[i] < low or h[i] > high:
            if np.isfinite(h[i]):
                found[0 if beyond else 1 if away else 2 if other else 3] += 1
            h[i] = np.nan
            along[i] = 0.0
    return found


def without_unsound(track: Track, columns: Mapping[str, np.ndarray], rows: slice) -> dict[str, int]:
    """
    Take photons out that lie too far from their segment or in another time, in place: without a height none passes.

    Parameters
    ----------
    track : atl03.Track
    columns : dict of (n,) arrays with h_ph and dist_ph_along, else nothing is looked at; places and times if any
    rows : slice, the photons' rows in the file

    Returns
    -------
    dict : what is wrong with how many
    """
    if not {"h_ph", "dist_ph_along"} <= set(columns) or not len(columns["h_ph"]):
        return {}
    segments = track.segments
    ends = segments["photon"] + segments["segment_ph_cnt"]
    placed = tuple(columns.get(name, np.empty(0)) for name in ("lat_ph", "lon_ph", "delta_time"))
    names = ("length", "reference_photon_lat", "reference_photon_lon", "delta_time")
    found = _mark(
        (columns["dist_ph_along"], *placed, columns["h_ph"]),
        (ends, *(segments[name] for name in names)),
        rows.start,
        (_BESIDE, _DEGREES, _LATE, _LOWEST, _HIGHEST),
    )
    if sum(found) > _SENSELESS * len(columns["h_ph"]):
        worst = WRONG[int(np.argmax(found))]
        raise GranuleError(
            f"{track.granule.path}: {track.beam}/heights: {sum(found)} of {len(columns['h_ph'])} are {worst}; "
            "fetch it again"
        )
    told = {what: n for what, n in zip(WRONG, found.tolist(), strict=True) if n}
    across = columns.get("dist_ph_across", np.empty(0))
    wide = np.abs(across) > _ACROSS
    if wide.any():
        columns["h_ph"][wide] = np.nan
        told[BESIDE] = int(np.count_nonzero(wide))
    return told
