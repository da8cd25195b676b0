"""
Whether two files of results say the same: value by value, within a tolerance for each kind of file.

On one platform equal inputs give equal bytes, and nothing here is needed. Across platforms the last digits of sums
and of trigonometric functions differ; what that may amount to is stated here, once for each kind of file.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Tolerance:
    """
    How far two numbers may lie apart.

    Attributes
    ----------
    relative : share of the larger of the two
    floor : share of the largest value of the variable, for numbers near zero that are differences of large ones
    step : in the variable's unit, for integers that were rounded
    """

    relative: float = 0.0
    floor: float = 0.0
    step: float = 0.0

    def __str__(self):
        return f"{self.step:g} step" if self.step else f"{self.relative:g}"


# float32 keeps 7 digits, and sums over a grid lose one or two; velocities are whole m/yr
TOLERANCES = {
    "table": Tolerance(1e-6, 1e-9),
    "grid": Tolerance(1e-5, 1e-7),
    "raster": Tolerance(1e-5, 1e-7),
    "cube": Tolerance(1e-6, 1e-9, step=1),
    "numbers": Tolerance(1e-5, 1e-7),
    "figure": Tolerance(1e-5, 1e-7),
    "page": Tolerance(1e-5, 0.0),
}
_KINDS = {
    ".parquet": "table",
    ".csv": "table",
    ".nc": "grid",
    ".tif": "raster",
    ".zarr": "cube",
    ".json": "numbers",
    ".geojson": "numbers",
    ".png": "figure",
    ".pdf": "figure",
    ".svg": "figure",
    ".html": "page",
    ".ipynb": "page",
}
# where a file lay, and hashes of bytes: they say nothing of the numbers
_ELSEWHERE = ("path", "url", "inputs", "inputs_hash", "history", "libraries", "nunatak_version")
_BLOCK = 4_000_000  # values looked at in one go
_NUMBER = re.compile(r"[-+−]?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Difference:
    """
    What two files of one name do not share.

    Attributes
    ----------
    within : whether every value lies within the tolerance of its kind
    kind : one of TOLERANCES
    largest : largest difference of two values, in the unit of that variable
    relative : largest difference as a share of the larger value
    where : the variable that lies furthest from its tolerance, or what makes the two incomparable
    """

    within: bool
    kind: str
    largest: float = 0.0
    relative: float = 0.0
    where: str = ""


def kind_of(path) -> str:
    """Return the kind of a file or folder of results, by its name."""
    return _KINDS.get(Path(path).suffix, "folder" if not Path(path).suffix else "numbers")


def between(one, other) -> Difference:
    """
    Compare two files, or folders, of one kind.

    Parameters
    ----------
    one, other : paths; a figure is judged by the numbers beside it, a folder by each of its files
    """
    one, other = Path(one), Path(other)
    kind = kind_of(one)
    if kind == "folder":
        return _folders(one, other)
    if kind == "page":
        return _pages(one, other)
    if kind == "figure":
        one, other = one.with_suffix(".json"), other.with_suffix(".json")
    ours, theirs = _parts(one, kind), _parts(other, kind)
    odd = sorted(ours.keys() ^ theirs.keys())
    if odd:
        return Difference(False, kind, where=f"only one of the two has {', '.join(odd[:3])}")
    return _worst(kind, (_values(name, ours[name], theirs[name], TOLERANCES[kind], kind) for name in ours))


def _worst(kind, found) -> Difference:
    """
    Return the largest differences of a file's variables, and the name of one that is out of bounds where there is one.
    """
    found = list(found)
    if not found:
        return Difference(True, kind)
    beyond = next((d for d in found if not d.within), None)
    most = beyond or max(found, key=lambda d: d.relative)
    return Difference(
        beyond is None,
        kind,
        max(d.largest for d in found),
        max(d.relative for d in found),
        most.where if most.relative or not most.within else "",
    )


def _folders(one, other):
    ours, theirs = ({p.relative_to(f).as_posix(): p for p in f.rglob("*") if p.is_file()} for f in (one, other))
    odd = sorted(ours.keys() ^ theirs.keys())
    if odd:
        return Difference(False, "folder", where=f"only one of the two has {', '.join(odd[:3])}")
    return _worst("folder", (between(ours[name], theirs[name]) for name in ours))


def _values(name, a, b, tolerance, kind) -> Difference:
    """Compare one variable of two files, a block at a time."""
    numbers = [v.dtype.kind in "fiu" for v in (a, b)]
    if a.shape != b.shape or numbers[0] != numbers[1]:
        return Difference(False, kind, where=f"{name}: {a.dtype}{list(a.shape)} and {b.dtype}{list(b.shape)}")
    if not numbers[0]:
        same = all(np.array_equal(np.asarray(a[block]), np.asarray(b[block])) for block in _blocks(a.shape))
        return Difference(same, kind, where="" if same else f"{name}: other words")
    largest = relative = scale = 0.0
    within = True
    for block in _blocks(a.shape):
        scale = max(scale, *(_largest(v[block]) for v in (a, b)))
    for block in _blocks(a.shape):
        x, y = (np.asarray(v[block], dtype="f8") for v in (a, b))
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        with np.errstate(invalid="ignore"):  # a number beside a gap, or two infinities
            apart = np.where(same, 0.0, np.abs(x - y))
        apart[np.isnan(apart)] = math.inf
        size = np.maximum(np.abs(x), np.abs(y))
        allowed = tolerance.relative * size + tolerance.floor * scale
        if "f" not in (a.dtype.kind, b.dtype.kind):
            allowed = np.full_like(size, tolerance.step)
        within &= bool((apart <= np.where(np.isnan(allowed), 0.0, allowed)).all())
        largest = max(largest, float(apart.max(initial=0.0)))
        shares = np.divide(apart, size, out=np.zeros_like(apart), where=(size > 0) & (apart > 0))
        relative = max(relative, float(shares.max(initial=0.0)))
    return Difference(within, kind, largest, relative, name)


def _largest(values):
    values = np.abs(np.asarray(values, dtype="f8"))
    return float(values[np.isfinite(values)].max(initial=0.0))


def _blocks(shape) -> Iterator:
    """Return slices along the first axis that hold some million values each, or everything for a scalar."""
    if not shape:
        yield ()
        return
    rows = max(1, _BLOCK // max(1, int(np.prod(shape[1:]))))
    for start in range(0, shape[0], rows):
        yield slice(start, start + rows)


def _parts(path, kind):
    """Return the variables of a file by name: arrays, or what can be cut like one."""
    if kind == "table":
        return _table(path)
    if kind == "grid":
        return _netcdf(path)
    if kind == "cube":
        return _zarr(path)
    if kind == "raster":
        return _raster(path)
    return _flat(json.loads(path.read_text("utf-8")))


def _table(path):
    from nunatak.files.tables import read_csv, read_table

    table = read_csv(path) if path.suffix == ".csv" else read_table(path)
    return {name: _column(table[name]) for name in table.columns.difference(list(_ELSEWHERE), sort=False)}


def _column(values):
    """Return a column as numbers or words. Gaps among integers are a number that is none of them."""
    from pandas.api import types

    if types.is_datetime64_any_dtype(values):
        return values.to_numpy("datetime64[us]").astype("i8")
    if types.is_bool_dtype(values) or not types.is_numeric_dtype(values):
        return values.astype(str).to_numpy(object)
    if types.is_integer_dtype(values):
        return values.fillna(np.iinfo("i8").min).to_numpy("i8") if values.hasnans else values.to_numpy("i8")
    return values.to_numpy("f8", na_value=np.nan)


def _netcdf(path):
    import h5py

    found = {}
    with h5py.File(path, "r") as file:

        def note(name, node):
            if isinstance(node, h5py.Dataset):
                found[name] = node[()] if node.dtype.kind != "O" else node.asstr()[()]

        file.visititems(note)
    return {name: np.asarray(value) for name, value in found.items()}


def _zarr(path):
    import zarr

    root = zarr.open_group(path, mode="r")
    return {name: node for name, node in root.members(max_depth=None) if isinstance(node, zarr.Array)}


def _raster(path):
    import rasterio

    with rasterio.open(path, driver="GTiff") as raster:
        place = np.array([str(raster.crs), str(raster.transform), *map(str, raster.descriptions)], dtype=object)
        return {"place": place, **{f"band {i}": raster.read(i) for i in raster.indexes}}


def _pages(one, other):
    """Compare pages by their words and the numbers they show. A difference in the last digit shown is rounding."""
    (words, numbers), (their_words, theirs) = _page(one), _page(other)
    if words != their_words:
        pairs = enumerate(zip_longest(words, their_words))
        at = next(i for i, (a, b) in pairs if a != b)
        return Difference(False, "page", where=f"other words after “{' '.join(words[max(0, at - 4) : at])}”")
    worst = Difference(True, "page")
    for ours, other_number in zip(numbers, theirs, strict=True):
        apart = abs(float(ours) - float(other_number))
        size = max(abs(float(ours)), abs(float(other_number)))
        decimals = len(ours.lower().partition("e")[0].partition(".")[2])
        allowed = max(TOLERANCES["page"].relative * size, 1.01 * 10.0**-decimals if "." in ours else 0.0)
        if apart > allowed or (worst.within and apart > worst.largest):
            worst = Difference(apart <= allowed, "page", apart, apart / size, f"{ours} and {other_number}")
        if not worst.within:
            break
    return worst


def _page(path):
    """Return the words of a page and, in their order, the numbers, without pictures and hashes."""
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        shown = [cell["source"] for cell in cells]
        for output in (output for cell in cells for output in cell.get("outputs", [])):
            said = {**output.get("data", {}), "text": output.get("text", "")}
            shown += [said.get(key, "") for key in ("text", "text/plain", "text/html")]
        text = "\n".join("".join(part) for part in shown)
    text = re.sub(r"data:[^\"')]+", "", text)
    text = re.sub(r"\b[0-9a-f]{12,64}\b", "", text)
    numbers = [n.replace(",", "").replace("−", "-") for n in _NUMBER.findall(text)]
    return _NUMBER.sub("#", text).split(), numbers


def _flat(value, name=""):
    """Return a JSON value as variables: one for each list of numbers, number or word."""
    if isinstance(value, dict):
        found: dict = {}
        for key, part in value.items():
            if key not in _ELSEWHERE:
                found |= _flat(part, f"{name}.{key}" if name else key)
        return found
    if isinstance(value, list) and not all(_is_number(part) for part in value):
        return {k: v for i, part in enumerate(value) for k, v in _flat(part, f"{name}[{i}]").items()}
    if isinstance(value, list) or _is_number(value):
        return {name: np.asarray(value, dtype="f8")}
    return {name: np.array([str(value)], dtype=object)}


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)
