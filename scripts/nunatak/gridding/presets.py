"""
Make grids by name: EASE-Grid 2.0, NSIDC polar stereographic, the grid of the ATL10 gridding tutorial.

Corners and sizes are those of NSIDC (mapxmaps EASE2_*.gpd, polarstereo-lonlat-convert-py, and the page on polar
stereographic grids). Cells of different size nest exactly.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nunatak.geometry.grid import Grid
from nunatak.gridding.projection import projection
from nunatak.runtime import NunatakError


@dataclass(frozen=True)
class Preset:
    """A named frame that cells of several sizes fill exactly."""

    crs: str
    left: float
    top: float
    width: float
    height: float
    """metres"""
    cells: tuple[float, ...]
    """metres, the sizes its publisher uses"""
    note: str


_EASE2 = (-9_000_000.0, 9_000_000.0, 18_000_000.0, 18_000_000.0, (36e3, 25e3, 24e3, 12.5e3, 6250.0, 3125.0, 1562.5))
_NORTH = (-3_850_000.0, 5_850_000.0, 7_600_000.0, 11_200_000.0, (25e3, 12.5e3, 6250.0))
_SOUTH = (-3_950_000.0, 4_350_000.0, 7_900_000.0, 8_300_000.0, (25e3, 12.5e3, 6250.0))

PRESETS = {
    "ease2_north": Preset("EPSG:6931", *_EASE2, "EASE-Grid 2.0, northern hemisphere"),
    "ease2_south": Preset("EPSG:6932", *_EASE2, "EASE-Grid 2.0, southern hemisphere"),
    "nsidc_north": Preset("EPSG:3413", *_NORTH, "NSIDC polar stereographic north, WGS84"),
    "nsidc_south": Preset("EPSG:3976", *_SOUTH, "NSIDC polar stereographic south, WGS84"),
    "nsidc_north_hughes": Preset("EPSG:3411", *_NORTH, "NSIDC polar stereographic north, Hughes 1980 ellipsoid"),
    "nsidc_south_hughes": Preset("EPSG:3412", *_SOUTH, "NSIDC polar stereographic south, Hughes 1980 ellipsoid"),
    "ross_sea_tutorial": Preset(
        "EPSG:6932",
        -1_040_000.0,
        -560_000.0,
        1_470_000.0,
        1_510_000.0,
        (10e3,),
        "the 151 x 147 cells of the ATL10 gridding tutorial; does not nest in EASE-Grid 2.0",
    ),
}

_LENGTH = re.compile(r"^\s*([0-9.]+(?:e[0-9]+)?)\s*(km|m)?\s*$", re.IGNORECASE)


def make_grid(
    *,
    preset: str | None = None,
    crs: str | None = None,
    cell: float | str | None = None,
    bounds: Sequence[float] | None = None,
    region: Any = None,
) -> Grid:
    """
    Make a grid by name, by coordinate system and bounds, or around a region.

    Parameters
    ----------
    preset : key of `PRESETS`. Default: none
    crs : coordinate system. Needed without a preset
    cell : size in metres, or text such as "12.5km". Default: a preset's coarsest
    bounds : (left, bottom, right, top) in the grid's coordinate system, extended to whole cells. Default: none
    region : region.Region, or anything with `projected(crs)`, whose bounds are used. Default: none

    Returns
    -------
    Grid : with a preset, its cells that bounds or region touch, on its own lattice, else a grid on the lattice through
        (0, 0). A single row or column is widened by a cell on every side

    Raises
    ------
    NunatakError : preset or coordinate system are unknown, the cell does not divide the preset's frame, the bounds
        enclose nothing or miss the preset, or an argument is missing

    >>> make_grid(preset="ease2_south", cell="6.25km").shape
    (2880, 2880)
    """
    if preset is not None:
        return _from_preset(preset, crs, cell, bounds, region)
    if crs is None or cell is None or (bounds is None) == (region is None):
        raise NunatakError("grid: name a preset, or give crs, cell and either bounds or a region")
    projection(crs)  # raises an error if PROJ does not know it
    size = metres(cell)
    return _checked(lambda: Grid.from_bounds(crs, _bounds(crs, bounds, region), size)).widened()


def metres(length: float | str) -> float:
    """
    Return a length in metres from a number or text with km or m.

    Parameters
    ----------
    length : number of metres, or text such as 12.5km

    Raises
    ------
    NunatakError : the text is not a positive length

    >>> metres("12.5km")
    12500.0
    """
    match = _LENGTH.match(str(length))
    value = float(match[1]) * (1000.0 if (match[2] or "m").lower() == "km" else 1.0) if match else math.nan
    if not value > 0:
        raise NunatakError(f"grid: cell: {length!r} is not a length; write a number of metres or text such as 12.5km")
    return value


def _from_preset(name, crs, cell, bounds, region):
    """Return a preset's grid, or its window around bounds or region."""
    if name not in PRESETS:
        raise NunatakError(f"grid: preset: {name!r} is not known; choose from {', '.join(PRESETS)}")
    preset = PRESETS[name]
    if crs is not None and projection(crs).crs != preset.crs:
        raise NunatakError(f"grid: preset {name} is in {preset.crs}, not in {crs}; leave out one of them")
    size = preset.cells[0] if cell is None else metres(cell)
    columns, rows = preset.width / size, preset.height / size
    if columns != int(columns) or rows != int(rows):
        sizes = ", ".join(f"{c / 1000:g}km" for c in preset.cells)
        raise NunatakError(
            f"grid: cell: {size:g} m does not divide the {preset.width / 1000:g} x {preset.height / 1000:g} km "
            f"of {name}; choose from {sizes}"
        )
    whole = Grid(preset.crs, preset.left, preset.top, size, size, int(rows), int(columns))
    if bounds is None and region is None:
        return whole
    return _checked(lambda: whole.window(_bounds(preset.crs, bounds, region))[0]).widened()


def _bounds(crs, bounds, region):
    """Return the bounds, or those of the region in the coordinate system."""
    return bounds if region is None else region.projected(crs).bounds


def _checked(build):
    """Build a grid and turn a ValueError into an error for the user."""
    try:
        return build()
    except ValueError as error:
        raise NunatakError(str(error)) from error
