"""
Metres on the map to metres on the ground: version 2 of ITS_LIVE does not correct velocities for the map's scale.

Source: ITS_LIVE user guide of NSIDC-0776 version 2; the attribute `map_scale_corrected` is 1 in pairs of version 1 and
missing in those of version 2. k, map length over true length, is 0.978 at 80 N and 1.018 at 65 N in EPSG:3413.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.constants import FILL_VELOCITY
from nunatak.geometry.grid import Grid, map_scale
from nunatak.products import GranuleError
from nunatak.products.hdf5 import text

GROUND = {"velocity_units_of": "ground"}
"""attribute of everything that holds velocities and is read or written by this package"""
FIELDS = ("vx", "vy", "v", "v_error")
"""variables of pairs in map units; `vr` and `va` are offsets of the radar's own geometry, not of the map"""
_STEP = 64  # cells between the nodes of k: its curvature leaves less than 1e-6 between them
_NUMBER = re.compile(r"d?v[xy]?0?(_dt|_amp)?(_error)?")
_FIRST = re.compile(r"[_-](?:G0\d{3})?V0?[01](?:[._]|$)|[A-Z]{3}_G0\d{3}_\d{4}(?:[._]|$)", re.IGNORECASE)
_SECOND = re.compile(r"[_-](?:G0\d{3})?V0?2(?:[._]|$)", re.IGNORECASE)
_FOLDER = re.compile(r"/datacubes/v0?([12])(?=[-._/])")


def units_of(attributes, version=None, *, where="map_scale_corrected"):
    """
    Return whether velocities are in metres of the `map` or of the `ground`.

    Parameters
    ----------
    attributes : mapping, those of a velocity; `map_scale_corrected` decides where it is there
    version : 1 or 2, of the product; 2 where nobody knows
    where : file and variable, for the error

    Raises
    ------
    GranuleError : `map_scale_corrected` is there and neither 0 nor 1
    """
    if "map_scale_corrected" not in attributes:
        return "ground" if version == 1 else "map"
    stated = np.ravel(attributes["map_scale_corrected"])
    try:
        values = set(stated.astype(float).tolist())
    except (TypeError, ValueError):
        values = set()
    if len(values) != 1 or not values <= {0.0, 1.0}:
        held = ", ".join(text(value) for value in stated) or "nothing"
        raise GranuleError(
            f"{where}: map_scale_corrected holds {held!r}; write 1 for metres over ground or 0 for metres of the map, "
            "or fetch it again"
        )
    return "ground" if values == {1.0} else "map"


def version_in(name):
    """Return the version, 1 or 2, in the name of a granule or a mosaic, or None without one."""
    if _SECOND.search(name):
        return 2
    return 1 if _FIRST.search(name) else None


def version_of_cube(addresses):
    """
    Return the version, 1 or 2, of all granules of a datacube, by its folder in the archive.

    The version is None where no folder tells it, or where folders tell different ones.

    Parameters
    ----------
    addresses : texts, where the cube lies and where it says that it came from

    >>> version_of_cube(["mine.zarr", "s3://its-live-data/datacubes/v2-updated-october2024/N60W050/cube.zarr"])
    2
    """
    found = {int(match[1]) for address in addresses for match in _FOLDER.finditer(str(address))}
    return found.pop() if len(found) == 1 else None


def is_velocity(name):
    """Return whether a variable of a mosaic is a velocity, its error, trend or amplitude."""
    return _NUMBER.fullmatch(name) is not None


@lru_cache(maxsize=64)
def scale_nodes(grid):
    """Return k at every 64th cell of a Grid and beyond its last: (rows, columns) float64, 1 where there is none."""
    rows, columns = (np.arange(-(-n // _STEP) + 1) * _STEP for n in grid.shape)
    x, y = np.meshgrid(grid.x[0] + columns * grid.dx, grid.y[0] - rows * grid.dy)
    k = map_scale(grid.crs, x, y)
    return np.where(np.isfinite(k) & (k > 0), k, 1.0)


def scale_field(grid):
    """Return k at the cells of a Grid: (ny, nx) float64."""
    nodes = scale_nodes(grid)
    down, across = (_weights(n, k) for n, k in zip(grid.shape, nodes.shape, strict=True))
    return down @ nodes @ across.T


def _weights(n, n_nodes):
    """Compute the (n, nodes) matrix of linear interpolation between nodes."""
    place = np.arange(n) / _STEP
    node = place.astype(int)
    out = np.zeros((n, n_nodes))
    out[np.arange(n), node], out[np.arange(n), node + 1] = 1 - (place - node), place - node
    return out


def to_ground(values, k, fill=FILL_VELOCITY):
    """
    Return velocities over ground of velocities on the map.

    Parameters
    ----------
    values : array; integers are rounded, and become `fill` where their type does not hold them
    k : map length over true length, of a shape that fits
    fill : stays as it is
    """
    values = np.asarray(values)
    if values.dtype.kind == "f":
        return np.where(values == fill, values, values / k).astype(values.dtype)
    ground = np.rint(values / np.asarray(k, float))
    kept = (values != fill) & (np.abs(ground) <= np.iinfo(values.dtype).max)
    return np.where(kept, ground, fill).astype(values.dtype)


def layers_to_ground(values, k, on_map, fill=FILL_VELOCITY):
    """Return (n, ny, nx) layers over ground, of which those where `on_map` is true are on the map."""
    out = np.array(values)
    for i in np.nonzero(np.ravel(on_map))[0]:
        out[i] = to_ground(out[i], k, fill)
    return out


@kernel
def _window_to_ground(values, nodes, step, fill):
    lost = 0
    for i in range(values.shape[0]):
        row = i // step
        down = (i - row * step) / step
        for j in range(values.shape[1]):
            value = values[i, j]
            if value == fill or value == 0:
                continue
            column = j // step
            right = (j - column * step) / step
            above = nodes[row, column] * (1 - right) + nodes[row, column + 1] * right
            below = nodes[row + 1, column] * (1 - right) + nodes[row + 1, column + 1] * right
            ground = np.rint(value / (above * (1 - down) + below * down))
            if abs(ground) > 32767:
                lost += 1
            values[i, j] = np.int16(ground) if abs(ground) <= 32767 else np.int16(fill)
    return lost


def window_to_ground(values, pair, rows, columns, fill=FILL_VELOCITY):
    """
    Put a window of a pair on the ground, in place, and return how many cells its type cannot hold then.

    `to_ground` is its definition.

    Parameters
    ----------
    values : (ny, nx) int16
    pair : mapping with `epsg, x0, y0, dx, dy`, a row of the index
    rows, columns : (start, stop) of the window inside the granule
    """
    return _window_to_ground(values, scale_nodes(window_grid(pair, rows, columns)), _STEP, fill)


def window_grid(pair, rows, columns):
    """Return the Grid of a window of a granule."""
    dx, dy = float(pair["dx"]), float(pair["dy"])
    left, top = pair["x0"] + (columns[0] - 0.5) * dx, pair["y0"] - (rows[0] - 0.5) * dy
    return Grid(f"EPSG:{pair['epsg']}", left, top, dx, dy, rows[1] - rows[0], columns[1] - columns[0])


def scale_of_pair(pair):
    """Return k at the middle of a pair's grid: what its errors and shifts, one number each, are divided by."""
    x, y = pair["x0"] + (pair["nx"] - 1) / 2 * pair["dx"], pair["y0"] - (pair["ny"] - 1) / 2 * pair["dy"]
    k = float(map_scale(f"EPSG:{pair['epsg']}", x, y))
    return k if np.isfinite(k) and k > 0 else 1.0
