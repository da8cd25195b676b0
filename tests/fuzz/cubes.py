"""Ways to spoil a datacube: the bytes of its chunks, its files, and what its metadata say."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator

import numpy as np
import zarr
from tests.fuzz.mutations import BYTES, Case, generator

_LAYERS = ["vx", "vy", "v"]
_OTHERS = (
    "x y mid_date acquisition_date_img1 acquisition_date_img2 granule_url mission_img1 satellite_img1 date_dt vx_error"
)
ARRAYS = [*_LAYERS, *_OTHERS.split()]
_PLACES = ("vx", "x", "mid_date", "acquisition_date_img1", "granule_url")

ARRAY = {
    "shape huge": lambda z: z.update(shape=[10**9] * len(z["shape"])),
    "shape one more": lambda z: z.update(shape=[n + 1 for n in z["shape"]]),
    "shape one less": lambda z: z.update(shape=[n - 1 for n in z["shape"]]),
    "shape 0": lambda z: z.update(shape=[0] * len(z["shape"])),
    "shape negative": lambda z: z.update(shape=[-1] * len(z["shape"])),
    "shape text": lambda z: z.update(shape="abc"),
    "no shape": lambda z: z.pop("shape"),
    "chunks huge": lambda z: z.update(chunks=[10**9] * len(z["shape"])),
    "chunks 0": lambda z: z.update(chunks=[0] * len(z["shape"])),
    "chunks of one": lambda z: z.update(chunks=[1] * len(z["shape"])),
    "a dimension less": lambda z: z.update(shape=z["shape"][1:], chunks=z["chunks"][1:]),
    "a dimension more": lambda z: z.update(shape=[*z["shape"], 2], chunks=[*z["chunks"], 2]),
    "f8": lambda z: z.update(dtype="<f8"),
    "i1": lambda z: z.update(dtype="|i1"),
    "objects": lambda z: z.update(dtype="|O"),
    "no type": lambda z: z.update(dtype="zzz"),
    "text": lambda z: z.update(dtype="|S8"),
    "fill text": lambda z: z.update(fill_value="abc"),
    "not compressed": lambda z: z.update(compressor=None),
    "unknown compressor": lambda z: z.update(compressor={"id": "nope"}),
    "gzip": lambda z: z.update(compressor={"id": "gzip", "level": 1}),
    "unknown filter": lambda z: z.update(filters=[{"id": "xyz"}]),
    "pickle": lambda z: z.update(compressor=None, filters=[{"id": "pickle"}], dtype="|O"),
    "other order": lambda z: z.update(order="F"),
    "no order": lambda z: z.update(order="X"),
    "format 3": lambda z: z.update(zarr_format=3),
    "format 9": lambda z: z.update(zarr_format=9),
}
ATTRIBUTES = {
    "no dimensions": lambda a: a.pop("_ARRAY_DIMENSIONS", None),
    "dimensions a number": lambda a: a.update(_ARRAY_DIMENSIONS=5),
    "other dimensions": lambda a: a.update(_ARRAY_DIMENSIONS=["a", "b", "c"][: len(a.get("_ARRAY_DIMENSIONS", []))]),
    "dimensions reversed": lambda a: a.update(_ARRAY_DIMENSIONS=a.get("_ARRAY_DIMENSIONS", [])[::-1]),
    "packed": lambda a: a.update(scale_factor=0.1, add_offset=3),
    "fill text": lambda a: a.update(_FillValue="x"),
    "other units": lambda a: a.update(units="km/s"),
    "other epoch": lambda a: a.update(units="seconds since 1900-01-01"),
}
VALUES = {
    "all 0": lambda v: v * 0,
    "huge": lambda v: v * 0 + (1e30 if v.dtype.kind == "f" else 30000),
    "reversed": lambda v: v[::-1],
    "a century on": lambda v: v + 36500,
    "infinite": lambda v: v * 0 + (np.inf if v.dtype.kind == "f" else -30000),
    "negative": lambda v: v * 0 - 1e5,
    "not a number": lambda v: v * np.nan,
}


def _metadata(path, name, act):
    """Change a file of metadata, and its copy in the store's table of contents."""
    file, table = path / name, path / ".zmetadata"
    said = json.loads(file.read_text())
    act(said)
    file.write_text(json.dumps(said))
    whole = json.loads(table.read_text())
    whole["metadata"][name] = said
    table.write_text(json.dumps(whole))


def _without(path, name):
    shutil.rmtree(path / name)
    table = path / ".zmetadata"
    whole = json.loads(table.read_text())
    whole["metadata"] = {k: v for k, v in whole["metadata"].items() if not k.startswith(f"{name}/")}
    table.write_text(json.dumps(whole))


def _values(path, name, act):
    array = zarr.open_array(str(path / name), mode="r+", zarr_format=2)
    values = array[...]
    with np.errstate(all="ignore"):
        array[...] = np.asarray(act(values)).astype(values.dtype)


def _chunk(path, name):
    return next(p for p in sorted((path / name).iterdir()) if not p.name.startswith("."))


def _in_place_of(make):
    def spoil(path, name):
        chunk = _chunk(path, name)
        chunk.unlink()
        make(chunk)

    return spoil


CHUNKS = {
    "absent": _in_place_of(lambda chunk: None),
    "empty": _in_place_of(lambda chunk: chunk.write_bytes(b"")),
    "a folder": _in_place_of(lambda chunk: chunk.mkdir()),
    "a pipe": _in_place_of(os.mkfifo),
    "a link to itself": _in_place_of(lambda chunk: chunk.symlink_to(chunk)),
    "another file": _in_place_of(lambda chunk: chunk.symlink_to("/etc/passwd")),
}
TEXTS = ("", "{}", "[]", "null", "[" * 50000, '{"metadata": 5}', '{"metadata": {}}', "\x00" * 50)


def cases(label, path) -> Iterator[Case]:
    """All mutations of a datacube."""
    for kind, act in BYTES.items():
        for i in range(30):
            key = (label, kind, i)
            name = generator(*key).choice(ARRAYS)
            yield Case(f"bytes/{kind}/{name}", lambda p, a=act, n=name, k=key: a(_chunk(p, n), generator(*k)))
            file = generator(*key, "metadata").choice([".zmetadata", ".zgroup", ".zattrs", "vx/.zarray"])
            yield Case(f"bytes/{kind}/{file}", lambda p, a=act, f=file, k=key: a(p / f, generator(*k)))
    for name in _PLACES:
        for what, act in CHUNKS.items():
            yield Case(f"chunk/{what}/{name}", lambda p, a=act, n=name: a(p, n))
    for file in (".zmetadata", ".zgroup", ".zattrs"):
        yield Case(f"file/absent/{file}", lambda p, f=file: (p / f).unlink())
        for text in TEXTS:
            yield Case(f"file/{text[:12]!r}/{file}", lambda p, f=file, t=text: (p / f).write_text(t))
    for name in ARRAYS:
        yield Case(f"file/no array/{name}", lambda p, n=name: _without(p, n))
        for what, act in ARRAY.items():
            yield Case(f"array/{what}/{name}", lambda p, n=name, a=act: _metadata(p, f"{n}/.zarray", a))
        for what, act in ATTRIBUTES.items():
            yield Case(f"attributes/{what}/{name}", lambda p, n=name, a=act: _metadata(p, f"{n}/.zattrs", a))
        if name not in ("granule_url", "mission_img1", "satellite_img1"):
            for what, act in VALUES.items():
                yield Case(f"values/{what}/{name}", lambda p, n=name, a=act: _values(p, n, a))
    for value in ("x", -1, 999999, None, 4326, 3031.5, "<script>"):
        yield Case(
            f"said/projection {value}/", lambda p, v=value: _metadata(p, ".zattrs", lambda z: z.update(projection=v))
        )
