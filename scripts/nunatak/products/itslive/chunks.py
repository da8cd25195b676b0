"""Windows of image pairs straight from their chunks: read, inflate, put in place, without opening HDF5."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import numpy as np

from nunatak.products import GranuleError, contained, inflate
from nunatak.products.itslive.fields import FILL, LAYOUT, as_layer, physical
from nunatak.products.itslive.ground import FIELDS, window_to_ground

_ENOUGH = 20  # cells from which on speed and components are held against each other
_ROUNDED = 3.0  # m/yr that they differ at most, all three in whole numbers
_DEFLATES_TO = 1100  # times its size at most a stream grows to, a little more than deflate can
log = logging.getLogger(__name__)

_PAD_BUG = ("chip_size_width", "chip_size_height", "interp_mask")


def read_window(pair, variables, rows, columns, *, using=None):
    """
    Read a window of one granule.

    Parameters
    ----------
    pair : mapping, a row of the index
    variables : names of `itslive.LAYOUT`; `vx` must be among them for chip sizes and masks of the aligned layout
    rows, columns : (start, stop) inside the granule

    Returns
    -------
    {variable: (rows, columns) array}, dtype and fill of `itslive.LAYOUT`; a variable the granule lacks is all fill.
    `vx, vy, v, v_error` are over ground whatever units the granule has, rounded to its integers.

    Raises
    ------
    GranuleError : the file changed since it was indexed, is cut, or a chunk is damaged
    """
    chunks = json.loads(pair["chunks"])
    shape = rows[1] - rows[0], columns[1] - columns[0]
    out = {name: np.full(shape, LAYOUT[name][2], dtype=LAYOUT[name][0]) for name in variables}
    direct = [name for name in variables if name in chunks and "why" not in chunks[name]]
    other = [name for name in variables if name in chunks and "why" in chunks[name]]
    try:
        with open(pair["path"], "rb", buffering=0) as stream:
            if os.fstat(stream.fileno()).st_size != pair["size_bytes"]:
                raise GranuleError(f"{pair['path']}: changed since it was indexed; index it again")
            for name in direct:
                _read_direct(stream.fileno(), chunks[name], rows, columns, out[name], using)
        if other:
            _read_through_hdf5(pair["path"], other, rows, columns, out)
    except inflate.InflateError as error:
        raise GranuleError(f"{pair['path']}: {error}; remove it and fetch it again") from error
    except (OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise GranuleError(f"{pair['path']}: cannot be read ({reason}); fetch it again") from error
    for name in direct:
        _settle_fill(out[name], chunks[name]["fill"], LAYOUT[name][2])
    _check_speeds(pair["path"], out)
    if pair["layout"] == "v2a" and "vx" in out:
        # pad cells of files made before hyp3-autorift 0.28.0 hold a chip size of 32769 and an interp_mask of 1
        for name in _PAD_BUG:
            if name in out:
                out[name][out["vx"] == FILL] = LAYOUT[name][2]
    if pair["units_in_granule"] == "map":
        for name in set(FIELDS) & set(out):
            lost = window_to_ground(out[name], pair, rows, columns)
            if lost:
                log.warning("%s: %s: %d cells beyond 32767 m/yr are taken as missing", pair["path"], name, lost)
    return out


def _check_speeds(path, out):
    """Take out speeds and errors below 0, and refuse a pair whose speed is not that of its components."""
    for name in ("v", "v_error"):
        if name in out:
            below = (out[name] < 0) & (out[name] != FILL)
            if below.any():
                log.warning("%s: %s: %d cells below 0 are taken as missing", path, name, np.count_nonzero(below))
                out[name][below] = FILL
    if not {"vx", "vy", "v"} <= set(out):
        return
    known = (out["vx"] != FILL) & (out["vy"] != FILL) & (out["v"] != FILL)
    n = int(np.count_nonzero(known))
    if n < _ENOUGH:
        return
    speed = np.hypot(*(out[name][known].astype("f4") for name in ("vx", "vy")))
    off = int(np.count_nonzero(np.abs(speed - out["v"][known]) > _ROUNDED))
    if off > n / 2:
        raise GranuleError(f"{path}: v: in {off} of {n} cells not the speed of vx and vy; fetch it again")


def _read_direct(descriptor, table, rows, columns, out, using):
    """Copy the window out of every chunk it touches."""
    height, width = table["chunk"]
    size = height * width * out.itemsize
    for r, c, offset, stored in table["at"]:
        r0, r1 = max(r, rows[0]), min(r + height, rows[1])
        c0, c1 = max(c, columns[0]), min(c + width, columns[1])
        if r0 >= r1 or c0 >= c1:
            continue
        if size > _DEFLATES_TO * stored:
            raise inflate.InflateError(f"damaged chunk ({stored} bytes cannot hold {size})")
        data = os.pread(descriptor, stored, offset)
        if len(data) != stored:
            raise inflate.InflateError(f"damaged chunk ({len(data)} of {stored} bytes)")
        raw = inflate.inflate(data, size, using)
        target = out[r0 - rows[0] : r1 - rows[0], c0 - columns[0] : c1 - columns[0]]
        if table["shuffle"] and out.itemsize == 2:
            inflate.unshuffle_window(raw, (height, width), r0 - r, c0 - c, target)
        else:
            target[...] = np.frombuffer(raw, out.dtype).reshape(height, width)[r0 - r : r1 - r, c0 - c : c1 - c]


def _read_through_hdf5(path, names, rows, columns, out):
    """Read the same window by HDF5's own filters, turned and unpacked where a file has fields of its own form."""
    with contained.File(path, "r") as file:
        for name in names:
            values = physical(file[name], name, (slice(*rows), slice(*columns)))
            out[name][...] = as_layer(values, name, Path(path).name)


def _settle_fill(values, stated, ours):
    if stated != ours:
        values[values == np.array(stated).astype(values.dtype)] = ours
