"""The anatomy of a granule: its tree, and of every dataset shape, type, unit and fill, as the file states them."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

import h5py
import numpy as np

from nunatak.products import GranuleError, hdf5
from nunatak.products.itslive.zarr_metadata import described

_NO_FILL = ""


@dataclass(frozen=True)
class Part:
    """One group or dataset of a granule. `shape` is None for a group."""

    path: str
    shape: tuple | None
    dtype: str = ""
    units: str = ""
    fill: str = ""
    name: str = ""

    @property
    def depth(self):
        """Return how many groups lie above it."""
        return self.path.count("/")


@dataclass(frozen=True)
class Anatomy:
    """What a granule holds, and what it says of itself. Groups that repeat another are named in `twins`."""

    file_name: str
    identity: dict
    parts: tuple
    twins: dict


def dissect(path) -> Anatomy:
    """
    Read the tree of an HDF5 or NetCDF-4 granule, or the arrays of a Zarr store.

    Sister groups that hold the same datasets (six beams, the lags of ATL15) are shown once; `twins` maps the one shown
    to the others.

    Raises
    ------
    GranuleError : the file cannot be read
    """
    if str(path).rstrip("/").endswith(".zarr"):
        return _dissect_store(path)
    with hdf5.open_granule(path) as file:
        parts: list[Part] = []
        twins: dict[str, list[str]] = {}
        _walk(file, "", parts, twins)
        return Anatomy(Path(path).name, _identity(file), tuple(parts), {k: tuple(v) for k, v in twins.items()})


def _dissect_store(path):
    arrays, about = described(path)
    parts = []
    for name, (shape, kind, said) in arrays.items():
        fill = said.get("_FillValue", said.get("missing_value", _NO_FILL))
        text = "text" if "U" in kind or kind == "string" else kind.lstrip("<>|=")
        meaning = said.get("long_name") or said.get("description") or said.get("standard_name") or ""
        parts.append(Part(name, shape, text, str(said.get("units", "")), str(fill), str(meaning)))
    told = {name: str(about[name]) for name in ("title", "date_updated", "nunatak_source") if name in about}
    return Anatomy(str(path).rstrip("/").rsplit("/", 1)[-1], told, tuple(parts), {})


def _walk(group, prefix, parts, twins):
    shown: dict[tuple, str] = {}
    for key in group:
        node, path = group[key], f"{prefix}{key}"
        if isinstance(node, h5py.Dataset):
            parts.append(_dataset(path, node))
            continue
        signature = _signature(node)
        if signature in shown:
            twins.setdefault(shown[signature], []).append(path)
            continue
        if not any(kind for _, kind in signature):
            parts.append(Part(path, None, name="attributes only"))
            continue
        shown[signature] = path
        parts.append(Part(path, None, name=hdf5.attribute(node, "Description", "") or ""))
        _walk(node, f"{path}/", parts, twins)


def _signature(group):
    """Return names and types of everything below a group, equal for sister groups of one kind."""
    found = []
    group.visititems(lambda name, node: found.append((name, str(getattr(node, "dtype", "")))))
    return tuple(found)


def _dataset(path, node):
    fill = node.attrs.get("_FillValue")
    if fill is not None:
        value = np.ravel(fill)[0]
        fill = f"{value:.8g}" if isinstance(value, np.floating) else str(value)
    return Part(
        path,
        node.shape,
        hdf5_type(node),
        hdf5.units(node, "") or "",
        fill or _NO_FILL,
        hdf5.attribute(node, "long_name", "") or hdf5.attribute(node, "description", "") or "",
    )


def hdf5_type(node):
    """Return the type of a dataset as short as NumPy writes it: f4, i1, text."""
    kind = node.dtype
    return "text" if kind.kind in "SOU" else kind.str.lstrip("<>|=")


def _identity(file):
    """Return what the granule states of itself, where it states it, with the DOI without its prefix."""
    wanted = (
        "short_name",
        "title",
        "identifier_product_doi",
        "time_coverage_start",
        "time_coverage_end",
        "nunatak_source",
    )
    found = {name: hdf5.attribute(file, name) for name in wanted if name in file.attrs}
    if "identifier_product_doi" in found:
        found["identifier_product_doi"] = found["identifier_product_doi"].removeprefix("doi:")
    return {k: v for k, v in found.items() if v and v != "SET_BY_META"}


def stated(path):
    """
    Return what a granule says of its product, `doi` and `license`, each where it does.

    The result is empty where the file cannot be read.
    """
    try:
        with hdf5.open_granule(path) as file:
            said = {"doi": _identity(file).get("identifier_product_doi")}
            if "license" in file.attrs:
                said["license"] = " ".join(hdf5.attribute(file, "license").split())
    except GranuleError:
        return {}
    return {name: value for name, value in said.items() if value}


def as_html(anatomy: Anatomy, *, limit=400):
    """
    Format the anatomy as an HTML table, groups in bold, twins named.

    Parameters
    ----------
    limit : rows shown at most; how many were left out is said
    """
    rows = []
    for part in anatomy.parts[:limit]:
        name = part.path.rsplit("/", 1)[-1]
        pad = f'style="padding-left:{0.4 + 1.1 * part.depth:.1f}em"'
        if part.shape is None:
            also = anatomy.twins.get(part.path, ())
            said = f" and, alike, {', '.join(t.rsplit('/', 1)[-1] for t in also)}" if also else ""
            rows.append(
                f'<tr class="group"><td {pad}><b>{escape(name)}</b>{escape(said)}</td><td colspan="5"></td></tr>'
            )
            continue
        shape = " × ".join(str(n) for n in part.shape) or "scalar"
        cells = (shape, part.dtype, part.units, part.fill, _short(part.name))
        rows.append(f"<tr><td {pad}>{escape(name)}</td>" + "".join(f"<td>{escape(c)}</td>" for c in cells) + "</tr>")
    left = len(anatomy.parts) - limit
    if left > 0:
        rows.append(f'<tr><td colspan="6">… and {left} more</td></tr>')
    head = "".join(f"<th>{h}</th>" for h in ("name", "shape", "type", "unit", "fill", "meaning"))
    return f'<table class="anatomy"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _short(text, length=90):
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1].rsplit(" ", 1)[0] + " …"
