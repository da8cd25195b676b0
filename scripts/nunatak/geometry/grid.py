"""Represent a regular grid as one immutable object: coordinate system, corner, cell size and shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyproj

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Grid:
    """
    A north-up grid of square-cornered cells.

    Attributes
    ----------
    crs : str, anything pyproj understands, written out as given (usually "EPSG:3413")
    left, top : outer corner of the first cell of the first row, in CRS units
    dx, dy : cell size, both positive, in CRS units
    ny, nx : rows from top to bottom, columns from left to right
    """

    crs: str
    left: float
    top: float
    dx: float
    dy: float
    ny: int
    nx: int

    def __post_init__(self):
        if not (self.dx > 0 and self.dy > 0):
            raise ValueError(f"grid: cell size {self.dx} x {self.dy} is not positive")
        if not (self.nx > 0 and self.ny > 0):
            raise ValueError(f"grid: {self.ny} rows x {self.nx} columns hold no cell")

    @classmethod
    def from_bounds(
        cls, crs: str, bounds: Sequence[float], cell: float, *, lattice: tuple[float, float] = (0.0, 0.0)
    ) -> Grid:
        """
        Return the smallest grid that covers the bounds on a lattice of cell edges.

        Bounds are extended outward, so that neighbouring grids of the same lattice share their edges.

        Parameters
        ----------
        crs : anything pyproj understands
        bounds : (left, bottom, right, top), in CRS units
        cell : cell size, in CRS units
        lattice : (x, y) of a corner of the lattice. Default: (0, 0)

        Raises
        ------
        ValueError : the bounds enclose nothing

        >>> Grid.from_bounds("EPSG:3413", (1, 1, 19, 29), 10).shape
        (3, 2)
        """
        left, bottom, right, top = bounds
        if not (right > left and top > bottom):
            raise ValueError(f"grid: bounds {tuple(bounds)} enclose nothing; write left, bottom, right, top")
        x0, y0 = lattice
        # A bound that lies on an edge within rounding stays on it.
        first, last = np.floor((left - x0) / cell + 1e-9), np.ceil((right - x0) / cell - 1e-9)
        low, high = np.floor((bottom - y0) / cell + 1e-9), np.ceil((top - y0) / cell - 1e-9)
        return cls(crs, x0 + first * cell, y0 + high * cell, cell, cell, int(high - low), int(last - first))

    @classmethod
    def of(cls, dataset: xr.Dataset | xr.DataArray) -> Grid:
        """
        Return the grid of a Dataset or DataArray on (y, x).

        Its coordinate system is the attribute `crs`. Without one it is an empty text.

        Parameters
        ----------
        dataset : with regular coordinates x and y
        """
        return cls.from_centres(dataset.attrs.get("crs", ""), dataset["x"].values, dataset["y"].values)

    @classmethod
    def from_centres(cls, crs: str, x: np.ndarray, y: np.ndarray) -> Grid:
        """
        Return the grid with these cell centres.

        Parameters
        ----------
        crs : anything pyproj understands
        x : (nx,) regular coordinates, ascending
        y : (ny,) regular coordinates, ascending or descending

        Raises
        ------
        ValueError : there are fewer than two coordinates, or they are not evenly spaced
        """
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        if x.size < 2 or y.size < 2:
            raise ValueError(f"grid: {y.size} x {x.size} coordinates do not determine a cell size")
        dx, dy = (x[-1] - x[0]) / (x.size - 1), abs(y[-1] - y[0]) / (y.size - 1)
        if not (np.allclose(np.diff(x), dx, rtol=1e-6) and np.allclose(np.abs(np.diff(y)), dy, rtol=1e-6)):
            raise ValueError("grid: the coordinates are not evenly spaced, or x does not ascend")
        return cls(crs, x[0] - dx / 2, y.max() + dy / 2, dx, dy, y.size, x.size)

    @property
    def shape(self) -> tuple[int, int]:
        """Return (rows, columns)."""
        return self.ny, self.nx

    @property
    def size(self) -> int:
        """Return the number of cells."""
        return self.ny * self.nx

    @cached_property
    def x(self) -> np.ndarray:
        """Return the x of the cell centres, (nx,), ascending."""
        return self.left + (np.arange(self.nx) + 0.5) * self.dx

    @cached_property
    def y(self) -> np.ndarray:
        """Return the y of the cell centres, (ny,), descending."""
        return self.top - (np.arange(self.ny) + 0.5) * self.dy

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Return the outer edges (left, bottom, right, top)."""
        return self.left, self.top - self.ny * self.dy, self.left + self.nx * self.dx, self.top

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """Return the affine transform of GDAL and rasterio from the corner, (dx, 0, left, 0, -dy, top)."""
        return self.dx, 0.0, self.left, 0.0, -self.dy, self.top

    @cached_property
    def proj(self) -> pyproj.CRS:
        """Return the pyproj.CRS."""
        return pyproj.CRS.from_user_input(self.crs)

    def pad(self, cells: int) -> Grid:
        """
        Return the grid with more cells on every side.

        Parameters
        ----------
        cells : number of cells to add on each side
        """
        return Grid(
            self.crs,
            self.left - cells * self.dx,
            self.top + cells * self.dy,
            self.dx,
            self.dy,
            self.ny + 2 * cells,
            self.nx + 2 * cells,
        )

    def widened(self) -> Grid:
        """
        Return the grid, with a cell more on every side if it has a single row or column.

        A reader of a file cannot derive the cell size from a single coordinate.

        >>> Grid("EPSG:3413", 0, 10, 10, 10, 1, 5).widened().shape
        (3, 7)
        """
        return self.pad(1) if min(self.shape) < 2 else self

    def part(self, rows: slice, columns: slice) -> Grid:
        """
        Return the grid of a window.

        Parameters
        ----------
        rows, columns : slices with a start and a stop

        Examples
        --------
        >>> Grid("EPSG:3413", 0, 100, 10, 10, 10, 10).part(slice(2, 5), slice(1, 3)).bounds
        (10, 50, 30, 80)
        """
        left, top = self.left + columns.start * self.dx, self.top - rows.start * self.dy
        return Grid(self.crs, left, top, self.dx, self.dy, rows.stop - rows.start, columns.stop - columns.start)

    def window(self, bounds: Sequence[float]) -> tuple[Grid, tuple[slice, slice]]:
        """
        Return the grid cropped to the cells that the bounds touch, and its slices of rows and columns.

        Parameters
        ----------
        bounds : (left, bottom, right, top), in CRS units

        Raises
        ------
        ValueError : the bounds do not touch the grid
        """
        left, bottom, right, top = bounds
        c0 = int(np.clip(np.floor((left - self.left) / self.dx + 1e-9), 0, self.nx))
        c1 = int(np.clip(np.ceil((right - self.left) / self.dx - 1e-9), 0, self.nx))
        r0 = int(np.clip(np.floor((self.top - top) / self.dy + 1e-9), 0, self.ny))
        r1 = int(np.clip(np.ceil((self.top - bottom) / self.dy - 1e-9), 0, self.ny))
        if c1 <= c0 or r1 <= r0:
            raise ValueError(f"grid: {tuple(bounds)} does not touch the grid {self.bounds} in {self.crs}")
        cropped = Grid(self.crs, self.left + c0 * self.dx, self.top - r0 * self.dy, self.dx, self.dy, r1 - r0, c1 - c0)
        return cropped, (slice(r0, r1), slice(c0, c1))

    def cell_of(self, x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """
        Return row and column of points, -1 and -1 outside.

        A point on an edge belongs to the cell on its right and below it. The grid's own right and lower edges are
        outside.

        Parameters
        ----------
        x, y : (n,) arrays, in CRS units
        """
        with np.errstate(invalid="ignore"):
            column = np.floor((np.asarray(x, dtype=float) - self.left) / self.dx)
            row = np.floor((self.top - np.asarray(y, dtype=float)) / self.dy)
            inside = (column >= 0) & (column < self.nx) & (row >= 0) & (row < self.ny)
        return np.where(inside, row, -1).astype("int64"), np.where(inside, column, -1).astype("int64")

    def areal_scale(self) -> np.ndarray:
        """
        Return k2, projected area over true area, at each cell centre.

        The true area of a cell is dx * dy / k2 (PROJ factors).

        Returns
        -------
        (ny, nx)
        """
        lon, lat = self.lonlat()
        return np.asarray(pyproj.Proj(self.proj).get_factors(lon, lat).areal_scale)

    def lonlat(self) -> tuple[np.ndarray, np.ndarray]:
        """Return longitude and latitude of the cell centres, each (ny, nx), degrees, WGS84."""
        to_lonlat = pyproj.Transformer.from_crs(self.proj, "EPSG:4326", always_xy=True)
        return to_lonlat.transform(*np.meshgrid(self.x, self.y))


@lru_cache(maxsize=16)
def _proj(crs):
    """Return the projection of a coordinate system."""
    return pyproj.Proj(pyproj.CRS.from_user_input(crs))


def map_scale(crs: str, x: ArrayLike, y: ArrayLike) -> np.ndarray:
    """
    Return k, map length over true length, at points. It is 1 where the CRS is true to scale.

    A velocity is in metres per year over ground, while a coordinate difference is in metres on the map. Divide map
    lengths by k.

    Parameters
    ----------
    crs : anything pyproj understands
    x, y : (n,) m
    """
    proj = _proj(str(crs))
    lon, lat = proj(np.asarray(x, float), np.asarray(y, float), inverse=True)
    return np.sqrt(proj.get_factors(lon, lat).areal_scale)
