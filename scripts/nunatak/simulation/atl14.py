"""Simulated ATL14: the surface of the ice on 1 January 2020 on a grid of 100 m."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nunatak.constants import DATUM_YEAR
from nunatak.runtime import written
from nunatak.simulation import hdf, polar_grid

if TYPE_CHECKING:
    from nunatak.simulation.worlds import World

CELL = 100.0  # m
SIGMA = 0.2  # m, independent from cell to cell
_BLOCK = 200  # cells of one chunk side


def write(world: World, folder: Path | str) -> list[Path]:
    """
    Write the ATL14 files of a world: one for each region code that its surface reaches.

    Parameters
    ----------
    world : World, the simulated world
    folder : Path, the folder that granules are written to

    Returns
    -------
    list of Path, sorted by name
    """
    left, bottom, right, top = world.surface_bounds
    x, y = np.arange(left, right + 1, CELL), np.arange(bottom, top + 1, CELL)
    rng = world.rng("atl14")
    # drawn for the whole world at once, so that quadrants agree on the row and column they share
    errors = SIGMA * rng.standard_normal((y.size, x.size), dtype="f4")
    counts = np.floor(4.0 * rng.standard_exponential((y.size, x.size), dtype="f4"))
    paths = []
    for code in world.region_codes:
        rows, columns = polar_grid.quadrant(code, x, y)
        if rows.stop - rows.start < 2 or columns.stop - columns.start < 2:
            continue
        first, last = world.cycles
        file_name = f"ATL14_{code}_{first:02d}{last:02d}_100m_{polar_grid.VERSION}_{polar_grid.REVISION}.nc"
        path = Path(folder) / file_name
        with written(path) as temporary, hdf.create(temporary) as file:
            part = (errors[rows, columns], counts[rows, columns])
            _write_file(file, world, x[columns], y[rows], file_name, *part)
        paths.append(path)
    return sorted(paths)


def surface(
    world: World, x: np.ndarray, y: np.ndarray, errors: np.ndarray, counts: np.ndarray
) -> dict[str, np.ndarray]:
    """
    Estimate the surface on a block of the grid.

    Parameters
    ----------
    x, y : ascending coordinates of cells, m
    errors, counts : (n_y, n_x) error of the height, m, and number of data

    Returns
    -------
    dict of (n_y, n_x) arrays, NaN off the ice: h, h_sigma, ice_area, data_count, misfit_rms, misfit_scaled_rms
    """
    gx, gy = np.meshgrid(x, y)
    iced = world.truth.ice(gx, gy)
    h = np.full(gx.shape, np.nan)
    h[iced] = world.truth.surface(gx[iced], gy[iced], DATUM_YEAR)
    layers = {
        "h": h + errors,
        "h_sigma": np.full(gx.shape, SIGMA),
        "ice_area": CELL**2 / np.square(world.truth.scale(gx, gy)),
        "data_count": counts,
        "misfit_rms": np.where(counts > 0, 0.1, np.nan),
        "misfit_scaled_rms": np.where(counts > 0, 1.0, np.nan),
    }
    return {name: np.where(iced, values, np.nan) for name, values in layers.items()}


_UNITS = {
    "h": "meters",
    "h_sigma": "meters",
    "ice_area": "meters^2",
    "data_count": "counts",
    "misfit_rms": "meters",
    "misfit_scaled_rms": "counts",
}


def _write_file(file, world, x, y, file_name, errors, counts):
    half = CELL / 2
    extent = polar_grid.lonlat_extent(world.crs, (x[0] - half, y[0] - half, x[-1] + half, y[-1] + half))
    polar_grid.put_root(file, short_name="ATL14", file_name=file_name, extent=extent, years=world.period)
    scales = polar_grid.put_axes(file, x, y)
    polar_grid.put_projection(file, world.crs, x, y, CELL)
    fill = hdf.FILLS["f4"]
    layers = {}
    for name, units in _UNITS.items():
        layers[name] = file.create_dataset(
            name,
            (y.size, x.size),
            dtype="f4",
            fillvalue=fill,
            chunks=(min(_BLOCK, y.size), min(_BLOCK, x.size)),
            compression="gzip",
            compression_opts=2,
            shuffle=True,
        )
        layers[name].attrs["_FillValue"] = np.array([fill])
        hdf.put_attributes(layers[name], {"units": units, "grid_mapping": "Polar_Stereographic"})
        hdf.attach(layers[name], scales)
    for rows in _blocks(y):
        for columns in _blocks(x):
            if not _has_ice(world, x[columns], y[rows]):
                continue
            part = (errors[rows, columns], counts[rows, columns])
            for name, values in surface(world, x[columns], y[rows], *part).items():
                layers[name][rows, columns] = np.where(np.isnan(values), fill, hdf.quantised(values))


def _blocks(axis):
    return [slice(i, min(i + _BLOCK, axis.size)) for i in range(0, axis.size, _BLOCK)]


def _has_ice(world, x, y):
    """Return whether any of 21 x 21 places of a block lies on ice or within its own spacing of it."""
    gx, gy = np.meshgrid(np.linspace(x[0], x[-1], 21), np.linspace(y[0], y[-1], 21))
    return bool(np.any(world.truth.shape.evaluate(gx, gy)[0] > -2e3))
