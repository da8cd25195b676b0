"""
What the gridded land-ice products ATL14 and ATL15 have in common: coordinate system, windows, Antarctic quadrants.

Only the x and y arrays and the EPSG code or WKT of the projection variable place a grid. Its `GeoTransform` is written
from cell centres and for a descending y while y ascends, and its `semi_major_axis` is in kilometres
(SmithB/ATL1415: ATL15_write2nc.py, make_nc_projection_variable.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
import xarray as xr

from nunatak import granules
from nunatak.files import remote
from nunatak.products import GranuleError, hdf5
from nunatak.products.axes import metres_of
from nunatak.products.columns import ANY, Column
from nunatak.products.stored import where
from nunatak.runtime import NunatakError, log

# Beyond it every value is a fill (3.4e38 in the files; the product's own notebook masks at the same number).
FILL_LIMIT = 1e16
# what the variables of both products can hold; x and y are those of a polar projection in metres
AXIS = Column("", -1e7, 1e7, 1)
COLUMNS = {
    "h": Column("f4", -500, 9000, all_zero=False),
    "h_sigma": Column("f4", 0, 1e4, all_zero=False),
    "delta_h": Column("f4", -2000, 2000),
    "delta_h_sigma": Column("f4", 0, 1e4, all_zero=False),
    "dhdt": Column("f4", -2000, 2000),
    "dhdt_sigma": Column("f4", 0, 1e4, all_zero=False),
    "ice_area": Column("f4", 0),
    "data_count": Column("", 0),
}
_LEAST_FILL = 1e37  # of the fills that the files hold; between the two limits lies what is neither
_WIDEST = 1.3  # times a cell's area on the map that it has on the ground at most
_SENSELESS = 0.5  # share of values that cannot be, from which on nothing of a variable is believed
UNITS = {
    "meters": "m",
    "meter": "m",
    "meters^2": "m2",
    "meters years^-1": "m/yr",
    "meters year^-1": "m/yr",
    "counts": "1",
    "count": "1",
}


def as_paths(paths):
    """Return a list of paths, from one or several."""
    return [remote.location(p) for p in ([paths] if isinstance(paths, str | Path) else paths)]


def crs_of(group, variable):
    """
    Read the coordinate system of a gridded variable, from `spatial_epsg` or the WKT of its projection variable.

    Returns
    -------
    str such as "EPSG:3413", or the WKT where it has no EPSG code

    Raises
    ------
    GranuleError : neither is there, or they contradict each other
    """
    name = hdf5.attribute(group[variable], "grid_mapping", "Polar_Stereographic")
    projection = group[name] if name in group else group.file.get(name)
    if projection is None:
        raise GranuleError(
            f"{group.file.filename}: {group.name.lstrip('/')} has no {name}; fetch the whole granule again"
        )
    code = hdf5.attribute(projection, "spatial_epsg")
    wkt = hdf5.attribute(projection, "crs_wkt") or hdf5.attribute(projection, "spatial_ref")
    if not code and not wkt:
        raise GranuleError(
            f"{group.file.filename}: {name} states neither spatial_epsg nor crs_wkt; fetch the whole granule again"
        )
    from_wkt = pyproj.CRS.from_wkt(wkt).to_epsg() if wkt else None
    if code and from_wkt and int(code) != from_wkt:
        raise GranuleError(f"{group.file.filename}: {name}: spatial_epsg {code} but crs_wkt is EPSG:{from_wkt}")
    return f"EPSG:{int(code) if code else from_wkt}" if code or from_wkt else wkt


def crs(path):
    """Read the coordinate system of an ATL14 or ATL15 granule. See `crs_of`."""
    with hdf5.open_granule(path) as file:
        for group, variable in ((file.get("delta_h"), "delta_h"), (file, "h")):
            if group is not None and variable in group:
                return crs_of(group, variable)
        raise hdf5.missing(file, "h")


def reference(path):
    """
    Return release and reference frame that an ATL14 or ATL15 granule states, as attributes, empty where it does not.
    """
    with hdf5.open_granule(path) as file:
        frame = hdf5.attribute(file, "reference_frame", "")
        release = hdf5.attribute(file, "identifier_product_format_version", "")
    return {name: value for name, value in (("release", release), ("reference_frame", frame)) if value}


@dataclass(frozen=True)
class Window:
    """The part of a file's grid that touches some bounds."""

    rows: slice
    columns: slice
    x: np.ndarray
    """cell centres, ascending"""
    y: np.ndarray
    """cell centres in the file's order"""


def window_of(group, bounds=None):
    """
    Find the rows and columns of a grid that touch `bounds` = (left, bottom, right, top), metres, else None.

    There are never fewer than two of each.

    Raises
    ------
    GranuleError : x or y absent, shorter than two, or not evenly spaced
    """
    x, y = (hdf5.read(group, axis, column=AXIS) for axis in ("x", "y"))
    for axis, values in (("x", x), ("y", y)):
        step = np.diff(values)
        if values.size < 2 or not np.allclose(step, step[0], rtol=1e-6) or not step[0]:
            raise GranuleError(
                f"{group.file.filename}: {group.name.lstrip('/')}/{axis}: {values.size} coordinates not evenly spaced; "
                "remove it and fetch it again"
            )
    x, y = (v * _metres_of_axis(group, axis, v) for axis, v in (("x", x), ("y", y)))
    if x[1] < x[0]:
        raise GranuleError(f"{group.file.filename}: {group.name.lstrip('/')}/x descends; no release is known to do so")
    if bounds is None:
        return Window(slice(0, y.size), slice(0, x.size), x, y)
    left, bottom, right, top = bounds
    columns, rows = _touching(x, left, right), _touching(y, bottom, top)
    if columns.stop <= columns.start or rows.stop <= rows.start:
        return None
    return Window(rows, columns, x[columns], y[rows])


def _metres_of_axis(group, axis, values):
    where = f"{group.file.filename}: {group.name.lstrip('/')}/{axis}"
    return metres_of(hdf5.units(group[axis]), values[1] - values[0], where)


def _touching(centres, low, high):
    """Find the cells that touch an interval, a single one with its neighbours: one cell tells no cell size."""
    half = abs(centres[1] - centres[0]) / 2
    inside = np.flatnonzero((centres + half > low) & (centres - half < high))
    if not inside.size:
        return slice(0, 0)
    first, last = int(inside[0]), int(inside[-1])
    beside = int(first == last)
    return slice(max(first - beside, 0), min(last + beside, centres.size - 1) + 1)


def read_variable(group, name, window):
    """Read a variable in a window, (time, y, x) or (y, x), with fills as NaN, and its unit."""
    if not hdf5.has(group, name):
        raise hdf5.missing(group, name)
    block: tuple[slice, ...] = (window.rows, window.columns)
    axes = ("time", "y", "x") if len(group[name].shape) == 3 else ("y", "x")
    expected = tuple(hdf5.length(group, axis) for axis in axes)
    if group[name].shape != expected:
        raise GranuleError(
            f"{group.file.filename}: {group[name].name[1:]} has the shape {group[name].shape}, {', '.join(axes)} have "
            f"{expected}; fetch it again"
        )
    if len(axes) == 3:
        block = (slice(None), *block)
    stated = hdf5.units(group[name], "")
    column = COLUMNS.get(name, ANY)
    if name == "ice_area":
        column = column._replace(high=_WIDEST * abs(float(window.x[1] - window.x[0])) ** 2)
    values = hdf5.read(group, name, block, column=column, limit=np.inf)
    return _within(group, name, values, column), UNITS.get(stated, stated)


def _within(group, name, values, column):
    """Return a variable's values with impossible ones missing and counted in the log, and refuse too many of them."""
    if values.dtype.kind != "f":
        return values
    size = np.abs(values)
    absurd = np.isinf(values) | ((size > FILL_LIMIT) & (size < _LEAST_FILL))
    values[size > FILL_LIMIT] = np.nan
    if not column.all_zero and (values == 0).any() and not np.nan_to_num(values).any():
        raise GranuleError(f"{where(group, name)}: is 0 everywhere, so was never written; fetch it again")
    with np.errstate(invalid="ignore"):
        beyond = (values < column.low) | (values > column.high) | absurd
    n = int(np.count_nonzero(beyond))
    if n:
        said = f"{where(group, name)}: {n} values beyond {column.low:g} .. {column.high:g}"
        if n > _SENSELESS * np.count_nonzero(np.isfinite(values) | absurd):
            raise GranuleError(f"{said}; fetch it again")
        log.warning("%s are taken as missing", said)
        values[beyond] = np.nan
    return values


def dataset_of(group, window, names, *, optional=()):
    """Read variables of one file's group as a Dataset on its window, y descending, dims (time, y, x) or (y, x)."""
    variables = {}
    for name in (*names, *(n for n in optional if hdf5.has(group, n))):
        values, unit = read_variable(group, name, window)
        variables[name] = (("time", "y", "x")[-values.ndim :], values, {"units": unit})
    dataset = xr.Dataset(variables, coords={"y": window.y, "x": window.x})
    return dataset if window.y[0] > window.y[-1] else dataset.isel(y=slice(None, None, -1))


def join(parts, first):
    """
    Join parts to one Dataset on their common lattice.

    Where parts overlap, the earlier one counts and the later copy is dropped. The Antarctic
    quadrants all hold the nodes x = 0 and y = 0: kept twice, these rows would count twice.

    Parameters
    ----------
    parts : list of Dataset with y descending and the attribute resolution
    first : str, the variable whose finite values decide which part a cell comes from
    """
    if len(parts) == 1:
        return parts[0]
    dx = parts[0].attrs["resolution"]
    x = _union([part.x.values for part in parts], dx)
    y = _union([part.y.values for part in parts], dx)[::-1]
    names = [name for name in parts[0].data_vars if all(name in part for part in parts)]
    joined = {
        name: np.full((*parts[0][name].shape[:-2], y.size, x.size), np.nan, dtype=parts[0][name].dtype)
        for name in names
    }
    for part in parts:
        where = np.s_[..., _offset(y, part.y.values), _offset(x, part.x.values)]
        fresh = np.isnan(joined[first][where])
        for name in names:
            joined[name][where] = np.where(fresh, part[name].values, joined[name][where])
    variables = {name: (parts[0][name].dims, values, parts[0][name].attrs) for name, values in joined.items()}
    coords = {name: value for name, value in parts[0].coords.items() if name not in ("x", "y")}
    return xr.Dataset(variables, coords={**coords, "y": y, "x": x})


def _union(axes, step):
    low, high = min(axis.min() for axis in axes), max(axis.max() for axis in axes)
    for axis in axes:
        offset = (axis.min() - low) / step
        if abs(offset - round(offset)) > 1e-6:
            raise GranuleError(f"grids {offset * step} m apart do not share a lattice of {step} m and cannot be joined")
    return low + np.arange(round((high - low) / step) + 1) * step


def _offset(axis, part):
    first = int(np.argmin(np.abs(axis - part[0])))
    return slice(first, first + part.size)


@dataclass(frozen=True)
class Identity:
    """What a file's name says about it. None where the name is not a granule's."""

    region_code: str | None
    resolution: float | None
    """metres"""
    version: str | None


def identity(path, product):
    """
    Return the parsed name of an ATL14 or ATL15 file.

    Raises
    ------
    GranuleError : the name is another product's
    """
    try:
        name = granules.parse(remote.location(path).name)
    except NunatakError:
        return Identity(None, None, None)
    if name.product.upper() != product:
        raise GranuleError(f"{path}: the name is that of an {name.product.upper()} granule, not of {product}")
    return Identity(name.region_code, _metres(name.resolution), name.version)


def _metres(resolution):
    """
    Return metres of a resolution as written in a file name.

    >>> _metres("01km"), _metres("100m")
    (1000.0, 100.0)
    """
    if resolution is None or not isinstance(resolution, str):
        return resolution
    return float(resolution[:-2]) * 1000 if resolution.endswith("km") else float(resolution[:-1])


def finish(parts, paths, first):
    """
    Join the parts of one grid and keep their attributes, with `first` as in `join`.

    Raises
    ------
    GranuleError : the files differ in resolution, coordinate system or times
    """
    check_one_grid(parts, paths)
    joined = join(parts, first)
    codes = dict.fromkeys(part.attrs["region_code"] for part in parts)
    joined.attrs = {**parts[0].attrs, "region_code": ",".join(codes)}
    return joined


def check_one_grid(parts, paths):
    """
    Refuse files that do not belong together: other resolution, coordinate system, or times.

    Raises
    ------
    GranuleError : naming the first file that differs
    """
    for part, path in zip(parts[1:], paths[1:], strict=True):
        for field in ("resolution", "crs"):
            if part.attrs[field] != parts[0].attrs[field]:
                raise GranuleError(
                    f"{path}: {field} {part.attrs[field]} differs from {parts[0].attrs[field]} of {paths[0].name}; "
                    "read one resolution and hemisphere at a time"
                )
        if "time" in part and not np.array_equal(part.time, parts[0].time):
            raise GranuleError(f"{path}: its times differ from those of {paths[0].name}; read files of one release")


def attributes(file, group, variable, window, path, product):
    """Return the attributes of every gridded Dataset: crs, resolution (m), region_code, version, nunatak_source."""
    who = identity(path, product)
    resolution = float(window.x[1] - window.x[0])
    if who.resolution is not None and abs(who.resolution - resolution) > 1e-6 * resolution:
        raise GranuleError(
            f"{path}: the name says {who.resolution:g} m, x is spaced {resolution:g} m; rename it or fetch it again"
        )
    attrs = {"crs": crs_of(group, variable), "resolution": resolution, "region_code": who.region_code or ""}
    if who.version:
        attrs["version"] = who.version
    source = hdf5.attribute(file, "nunatak_source")
    return {**attrs, "nunatak_source": source} if source else attrs
