"""
Ways to spoil a granule: its bytes, how its datasets are stored, their values, and what the granule says of itself.

A mutation is a function of the path of a copy and a random generator. The same generator gives the same file again.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

DAY, YEAR = 86400.0, 365.25 * 86400.0
_LINKED = ("DIMENSION_LIST", "CLASS", "NAME", "REFERENCE_LIST", "_Netcdf4Dimid", "_Netcdf4Coordinates")


class Case(NamedTuple):
    """One mutated file."""

    name: str
    """kind/mutation/what it is done to"""
    spoil: Callable[[Path], None]


def generator(*key) -> random.Random:
    """A generator that is the same for the same key."""
    return random.Random("/".join(map(str, key)))


# -- bytes


def _edited(edit):
    def spoil(path, rng):
        data = bytearray(path.read_bytes())
        path.write_bytes(edit(data, rng) or data)

    return spoil


def _flip(data, rng, count, reach=None):
    for _ in range(count):
        data[rng.randrange(min(reach or len(data), len(data)))] ^= 1 << rng.randrange(8)


def _cover(data, rng, value, most):
    size = min(rng.choice([16, 256, most]), len(data))
    at = rng.randrange(len(data) - size + 1)
    data[at : at + size] = bytes([value]) * size


def _exchange(data, rng):
    size = min(512, len(data) // 4)
    a, b = rng.randrange(len(data) - size), rng.randrange(len(data) - size)
    data[a : a + size], data[b : b + size] = data[b : b + size], data[a : a + size]


def _cut(data, rng):
    return data[: rng.choice([rng.randrange(len(data)), rng.randrange(min(2048, len(data))), len(data) - 1])]


BYTES = {
    "flip 1": _edited(lambda data, rng: _flip(data, rng, 1)),
    "flip 16": _edited(lambda data, rng: _flip(data, rng, 16)),
    "flip 256": _edited(lambda data, rng: _flip(data, rng, 256)),
    "flip 1 in the first 4 kB": _edited(lambda data, rng: _flip(data, rng, 1, 4096)),
    "flip 8 in the first 4 kB": _edited(lambda data, rng: _flip(data, rng, 8, 4096)),
    "zero": _edited(lambda data, rng: _cover(data, rng, 0, 4096)),
    "ff": _edited(lambda data, rng: _cover(data, rng, 255, 4096)),
    "exchange": _edited(_exchange),
    "cut": _edited(_cut),
    "append": _edited(lambda data, rng: data + rng.randbytes(rng.choice([1, 777]))),
}

# -- how a dataset is stored: functions of (file, name, values, rng)


def put(file, name, values, **options):
    """Put values in the place of a dataset, its attributes kept."""
    said = {k: v for k, v in file[name].attrs.items() if k not in _LINKED} if name in file else {}
    if name in file:
        del file[name]
    made = file.create_dataset(name, data=values, **options)
    for key, value in said.items():
        made.attrs[key] = value
    return made


def _typed(kind):
    def store(file, name, values, rng):
        with np.errstate(all="ignore"):
            put(file, name, values.astype(kind))

    return store


def _made(make):
    def store(file, name, values, rng):
        del file[name]
        make(file, name, values)

    return store


def _shaped(shape):
    def store(file, name, values, rng):
        put(file, name, shape(values))

    return store


def _compound(values):
    out = np.zeros(values.shape, [("a", "f8"), ("b", "i2")])
    out["a"] = values
    return out


def _giant(rows, whole_group):
    def store(file, name, values, rng):
        parent, n = file[name].parent, values.shape[0]
        same = (
            [k for k, d in parent.items() if isinstance(d, h5py.Dataset) and d.shape[:1] == (n,)] if whole_group else []
        )
        for leaf in same or [name.rpartition("/")[2]]:
            old = parent[leaf]
            shape, dtype = (rows, *old.shape[1:]), old.dtype
            del parent[leaf]
            parent.create_dataset(leaf, shape, dtype, chunks=(1 << 18, *shape[1:]), compression="gzip")

    return store


def _spoilt_chunk(file, name, values, rng):
    made = put(file, name, values, chunks=values.shape, compression="gzip")
    made.id.write_direct_chunk((0,) * values.ndim, rng.randbytes(64), 0)


def _unknown_filter(file, name, values, rng):
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk(values.shape)
    plan.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (1,))
    del file[name]
    folder, _, leaf = name.rpartition("/")
    space = h5py.h5s.create_simple(values.shape)
    kind = h5py.h5t.py_create(values.dtype)
    made = h5py.Dataset(h5py.h5d.create(file[folder or "/"].id, leaf.encode(), kind, space, plan))
    made.id.write_direct_chunk((0,) * values.ndim, rng.randbytes(64), 0)


def _virtual(file, name, values):
    layout = h5py.VirtualLayout(values.shape, values.dtype)
    layout[...] = h5py.VirtualSource("elsewhere.h5", name, shape=values.shape)
    file.create_virtual_dataset(name, layout)


def _stated(key, value):
    def store(file, name, values, rng):
        attributes = file[name].attrs
        if key in attributes:
            del attributes[key]
        if value is None:
            h5py.h5a.create(file[name].id, key.encode(), h5py.h5t.NATIVE_DOUBLE, h5py.h5s.create(h5py.h5s.NULL))
        else:
            attributes[key] = value(values) if callable(value) else value

    return store


def _sibling(file, name, values, rng):
    parent = file[name].parent
    others = sorted(k for k, d in parent.items() if isinstance(d, h5py.Dataset) and f"{parent.name}/{k}" != f"/{name}")
    target = parent[rng.choice(others)].name if others else "/nowhere"
    del file[name]
    file[name] = h5py.SoftLink(target)


def _dataset_for_group(file, name, values, rng):
    parent = file[name].parent.name
    del file[name if parent == "/" else parent]
    file[name if parent == "/" else parent] = np.arange(3.0)


def _without_group(file, name, values, rng):
    parent = file[name].parent.name
    del file[name if parent == "/" else parent]


STORED = {
    **{
        f"as {kind}": _typed(kind)
        for kind in ("i1", "i4", "i8", "u8", "f2", "f4", "f8", "?", "c16", "S8", ">f8", ">i4")
    },
    "as compound": _shaped(_compound),
    "as opaque": _made(lambda file, name, v: file.create_dataset(name, data=np.zeros(v.shape, "V8"))),
    "as text": _made(lambda file, name, v: file.create_dataset(name, data=["7"] * len(v), dtype=h5py.string_dtype())),
    "as lists": _made(lambda file, name, v: file.create_dataset(name, (len(v),), h5py.vlen_dtype("f8"))),
    "as references": _made(lambda file, name, v: file.create_dataset(name, v.shape, h5py.ref_dtype)),
    "as enum": _made(lambda file, name, v: file.create_dataset(name, v.shape, h5py.enum_dtype({"A": 0, "B": 1}, "i1"))),
    "as arrays": _made(lambda file, name, v: file.create_dataset(name, v.shape, np.dtype(("f8", (3,))))),
    "as a type": _made(lambda file, name, v: file.__setitem__(name, np.dtype("f8"))),
    "as nothing": _made(lambda file, name, v: file.__setitem__(name, h5py.Empty("f8"))),
    "scalar": _shaped(lambda v: v.reshape(-1)[0]),
    "one row": _shaped(lambda v: v[:1]),
    "no rows": _shaped(lambda v: v[:0]),
    "a row less": _shaped(lambda v: v[:-1]),
    "a row more": _shaped(lambda v: np.concatenate([v[:1], v])),
    "a dimension more": _shaped(lambda v: v[..., None]),
    "a dimension before": _shaped(lambda v: v[None]),
    "removed": _made(lambda file, name, v: None),
    "a group": _made(lambda file, name, v: file.create_group(name)),
    "group as a dataset": _dataset_for_group,
    "without its group": _without_group,
    "link to nowhere": _made(lambda file, name, v: file.__setitem__(name, h5py.SoftLink("/not/here"))),
    "link to itself": _made(lambda file, name, v: file.__setitem__(name, h5py.SoftLink(f"/{name}"))),
    "link to another": _sibling,
    "link to a file": _made(lambda file, name, v: file.__setitem__(name, h5py.ExternalLink("other.h5", name))),
    "link to a pipe": _made(lambda file, name, v: file.__setitem__(name, h5py.ExternalLink("pipe", name))),
    "values in a file": _made(
        lambda file, name, v: file.create_dataset(name, v.shape, v.dtype, external=[("/etc/passwd", 0, v.nbytes)])
    ),
    "virtual": _made(_virtual),
    "never written": _made(lambda file, name, v: file.create_dataset(name, v.shape, v.dtype, chunks=v.shape)),
    "never written, whole": _made(lambda file, name, v: file.create_dataset(name, v.shape, v.dtype)),
    "3e8 rows": _giant(3 * 10**8, False),
    "1e11 rows": _giant(10**11, False),
    "3e8 rows in the group": _giant(3 * 10**8, True),
    "1e11 rows in the group": _giant(10**11, True),
    "spoilt chunk": _spoilt_chunk,
    "unknown filter": _unknown_filter,
    "fill of no value": _stated("_FillValue", None),
    "fill of text": _stated("_FillValue", b"none"),
    "fill that is measured": _stated("_FillValue", lambda v: v.reshape(-1)[v.size // 2]),
    "packed": _stated("scale_factor", 0.001),
    "units of text": _stated("units", "<script>"),
}

# -- values, with storage kept


def _some(values, rng, value, share=0.1):
    out = values.copy()
    flat = out.reshape(-1)
    for _ in range(max(1, int(share * flat.size))):
        flat[rng.randrange(flat.size)] = value
    return out


def _largest(values):
    return np.finfo(values.dtype).max if values.dtype.kind == "f" else np.iinfo(values.dtype).max


def _smallest(values):
    return np.finfo(values.dtype).min if values.dtype.kind == "f" else np.iinfo(values.dtype).min


def _nan(values):
    return np.nan if values.dtype.kind == "f" else _largest(values)


VALUES = {
    "all missing": lambda v, rng: np.full_like(v, _nan(v)),
    "some missing": lambda v, rng: _some(v, rng, _nan(v)),
    "all 0": lambda v, rng: np.zeros_like(v),
    "some 0": lambda v, rng: _some(v, rng, 0),
    "negated": lambda v, rng: -v,
    "times 1000": lambda v, rng: v * 1000,
    "plus 1e6": lambda v, rng: v + 1e6,
    "minus 1e6": lambda v, rng: v - 1e6,
    "a day on": lambda v, rng: v + DAY,
    "four years on": lambda v, rng: v + 4 * YEAR,
    "1e19": lambda v, rng: np.full_like(v, 1e19) if v.dtype.kind == "f" else np.full_like(v, _largest(v)),
    "one 1e12": lambda v, rng: _some(v, rng, 1e12 if v.dtype.kind == "f" else _largest(v), 0),
    "one the largest": lambda v, rng: _some(v, rng, _largest(v), 0),
    "one the smallest": lambda v, rng: _some(v, rng, _smallest(v), 0),
    "some infinite": lambda v, rng: _some(v, rng, np.inf if v.dtype.kind == "f" else _smallest(v)),
    "reversed": lambda v, rng: v[::-1],
    "shuffled": lambda v, rng: v[np.array(rng.sample(range(len(v)), len(v)), int)],
    "doubled": lambda v, rng: v[np.arange(len(v)) // 2 * 2],
    "all alike": lambda v, rng: np.broadcast_to(v[:1], v.shape).copy(),
    "a row later": lambda v, rng: np.concatenate([v[:1], v[:-1]]),
}


def _changed(act):
    def store(file, name, values, rng):
        with np.errstate(all="ignore"):
            put(file, name, act(values, rng).astype(values.dtype), chunks=values.shape, compression="gzip")

    return store


# -- what a granule says of itself: functions of (file, rng)


def _said(name, value):
    def act(file, rng):
        if name in file:
            del file[name]
        if value is not None:
            file[name] = value

    return act


def _of_root(key, value):
    def act(file, rng):
        if key in file.attrs:
            del file.attrs[key]
        if value is not None:
            file.attrs[key] = value

    return act


def _beams(file):
    return sorted(name for name in file if name[:2] in ("gt", "pt") and isinstance(file[name], h5py.Group))


def _exchanged(file, rng):
    a, b = rng.sample(_beams(file), 2)
    file.move(a, "aside"), file.move(b, a), file.move("aside", b)


def _same_beam(file, rng):
    a, b = rng.sample(_beams(file), 2)
    del file[b]
    file[b] = file[a]


def _positions_exchanged(file, rng):
    for a, b in (("latitude", "longitude"), ("reference_photon_lat", "reference_photon_lon"), ("x", "y")):
        groups: list[h5py.Group] = []
        file.visititems(lambda n, d, a=a, g=groups: g.append(d.parent) if n.rpartition("/")[2] == a else None)
        for group in groups:
            if b in group:
                group.move(a, "aside"), group.move(b, a), group.move("aside", b)


def _spot(value):
    def act(file, rng):
        for beam in _beams(file):
            file[beam].attrs["atlas_spot_number"] = value
        if "orbit_info/sc_orient" in file:
            del file["orbit_info/sc_orient"]

    return act


def _deep(file, rng):
    group = file
    for _ in range(1200):
        group = group.create_group("d")


_RGT = "orbit_info/rgt"
SAID = {
    "rgt of another": _said(_RGT, [1]),
    "rgt not a number": _said(_RGT, [np.nan]),
    "rgt infinite": _said(_RGT, [np.inf]),
    "rgt text": _said(_RGT, [b"abc"]),
    "rgt nothing": _said(_RGT, h5py.Empty("i4")),
    "rgt compound": _said(_RGT, np.zeros(1, [("a", "i4")])),
    "rgt a group": lambda file, rng: (_said(_RGT, None)(file, rng), file.create_group(_RGT)),
    "cycle not a number": _said("orbit_info/cycle_number", [np.nan]),
    "cycle of another": _said("orbit_info/cycle_number", [50]),
    "no orbit": _said("orbit_info", None),
    "orbit a number": _said("orbit_info", 5.0),
    "orientation 7": _said("orbit_info/sc_orient", np.array([7], "i1")),
    "orientation text": _said("orbit_info/sc_orient", [b"x"]),
    "orientations without times": _said("orbit_info/sc_orient", np.array([0, 1, 0], "i1")),
    "epoch of another": _said("ancillary_data/atlas_sdp_gps_epoch", [0.0]),
    "epoch text": _said("ancillary_data/atlas_sdp_gps_epoch", [b"1198800018"]),
    "release nothing": _said("ancillary_data/release", h5py.Empty("f4")),
    "region infinite": _said("ancillary_data/start_region", [np.inf]),
    "short name of another": _of_root("short_name", b"ATL13"),
    "short name a list": _of_root("short_name", np.array([b"", b"x"])),
    "short name a number": _of_root("short_name", 5),
    "short name no text": _of_root("short_name", np.bytes_(b"\xff\xfe\x80")),
    "names exchanged": _positions_exchanged,
    "beams exchanged": _exchanged,
    "a beam twice": _same_beam,
    "beam a type": lambda file, rng: (lambda beam: (file.__delitem__(beam), file.__setitem__(beam, np.dtype("f8"))))(
        _beams(file)[0]
    ),
    "beam a dataset": lambda file, rng: (lambda beam: (file.__delitem__(beam), file.__setitem__(beam, 5.0)))(
        _beams(file)[0]
    ),
    "no beam": lambda file, rng: [file.__delitem__(beam) for beam in _beams(file)],
    "spot 999": _spot("999"),
    "spot of other digits": _spot("\u0663"),
    "fifteen hundred groups": lambda file, rng: [file.create_group(f"g{i}") for i in range(1500)],
    "deep": _deep,
    "a loop": lambda file, rng: file.__setitem__("loop", file["/"]),
    "empty": lambda file, rng: [file.__delitem__(name) for name in list(file)],
}
ODD: dict[str, object] = {
    "-1": -1,
    "nan": np.nan,
    "inf": np.inf,
    "abc": "abc",
    "empty": "",
    "two": np.array([1.0, 2.0]),
    "1e18": 10**18,
    "none": np.array([], "f8"),
    "script": "<script>alert(1)</script>",
    "2099": "20991231",
    "1850": "18500101",
    "absent": None,
}

# -- all of it


def _of_file(act, key):
    def spoil(path):
        with h5py.File(path, "r+") as file:
            act(file, generator(*key))

    return spoil


def _of_dataset(act, name, key):
    def spoil(path):
        with h5py.File(path, "r+") as file:
            act(file, name, np.asarray(file[name][()]), generator(*key))

    return spoil


def _attribute(node, key, value):
    def act(file, rng):
        if key in file[node].attrs:
            del file[node].attrs[key]
        if value is not None:
            file[node].attrs[key] = value

    return act


def cases(label, path, looked_at) -> Iterator[Case]:
    """
    All mutations of an HDF5 granule.

    Parameters
    ----------
    label : of the seed, part of every generator's key
    path : the seed
    looked_at : names of datasets that its reader reads; they are spoilt in the first two beams that have them
    """
    for kind, act in BYTES.items():
        for i in range(40):
            yield Case(f"bytes/{kind}/{i}", lambda p, a=act, k=(label, kind, i): a(p, generator(*k)))
    with h5py.File(path) as file:
        names: list[str] = []
        file.visititems(lambda n, d: names.append(n) if isinstance(d, h5py.Dataset) and d.shape and d.size else None)
        beams = _beams(file)[:2]
        info = {node: list(file[node].attrs) for node in ("img_pair_info", "mapping") if node in file}
        info |= {n: list(file[n].attrs) for n in ("Polar_Stereographic", "delta_h/Polar_Stereographic") if n in file}
    chosen = [
        n
        for n in names
        if n.rpartition("/")[2] in looked_at and (n[:2] not in ("gt", "pt") or n[:4].strip("/") in beams)
    ]
    chosen = [n for n in chosen if n.split("/")[0] in beams or n[:2] not in ("gt", "pt")]
    for table, kind in ((STORED, "stored"), ({k: _changed(v) for k, v in VALUES.items()}, "values")):
        for what, act in table.items():
            for name in chosen:
                yield Case(f"{kind}/{what}/{name}", _of_dataset(act, name, (label, what, name)))
    for what, act in SAID.items():
        if beams or "beam" not in what:
            yield Case(f"said/{what}/", _of_file(act, (label, what)))
    for node, keys in info.items():
        for key in keys:
            for what, value in ODD.items():
                yield Case(f"attribute/{what}/{node}@{key}", _of_file(_attribute(node, key, value), (label, what, key)))
    yield Case("file/pipe/", lambda p: (p.unlink(), os.mkfifo(p)))
    yield Case("file/folder/", lambda p: (p.unlink(), p.mkdir()))
    yield Case("file/itself/", lambda p: (p.unlink(), p.symlink_to(p)))
    yield Case("file/page/", lambda p: p.write_text("<!DOCTYPE html><html>login</html>"))
