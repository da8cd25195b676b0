"""Simulated rasters as users bring them: thickness, surface mass balance and firn of a made-up world."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from nunatak.constants import ICE_DENSITY
from nunatak.files.rasters import georeference, write_cog, write_netcdf
from nunatak.geometry.grid import Grid
from nunatak.simulation import hdf, noise
from nunatak.simulation.bedmachine import area
from nunatak.times import from_decimal_year

if TYPE_CHECKING:
    from nunatak.simulation.worlds import World

CELL = 250.0  # m
THICKNESS_SHARE = 0.05  # standard error of the thickness, of itself
THICKNESS_YEAR = 2015.0
FIRN_AIR = 15.0  # m, the same everywhere and always: the truth has no change of firn
_CORRELATION_RANGE = 3e3  # m, of the errors of the thickness
_SECONDS_PER_YEAR = 365.25 * 86400
_SOURCE = {"nunatak_source": hdf.SOURCE, "title": "Simulated, not observed: made by Nunatak from a known truth"}


def write(world: World, folder: Path | str) -> dict[str, Path]:
    """
    Write what a user of a world would bring, on cells of 250 m over its surface and velocities.

    Parameters
    ----------
    world : worlds.World with a glacier
    folder : made where it does not exist

    Returns
    -------
    dict of Path: thickness (GeoTIFF, m), thickness_sigma (GeoTIFF, m), thickness_netcdf (thickness and its error as
        variables), smb (kg m-2 s-1, a mean for every year of the world's record) and firn (m of air, by year)
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    grid = Grid.from_bounds(world.crs, area(world), CELL)
    gx, gy = np.meshgrid(grid.x, grid.y)
    thickness, sigma = _thickness(world, gx, gy)
    paths = {
        "thickness": folder / "thickness.tif",
        "thickness_sigma": folder / "thickness_sigma.tif",
        "thickness_netcdf": folder / "thickness.nc",
        "smb": folder / "smb.nc",
        "firn": folder / "firn.nc",
    }
    for name, values in (("thickness", thickness), ("thickness_sigma", sigma)):
        write_cog(values.astype("f4"), grid, paths[name], _SOURCE, names=name, units="m")
    fields = {
        "thickness": (("y", "x"), thickness.astype("f4"), {"units": "m", "standard_name": "land_ice_thickness"}),
        "thickness_sigma": (("y", "x"), sigma.astype("f4"), {"units": "m"}),
    }
    write_netcdf(georeference(xr.Dataset(fields), grid), paths["thickness_netcdf"], _SOURCE)
    for name, series in (("smb", _mass_balance(world, gx, gy)), ("firn", _firn(world, gx, gy))):
        write_netcdf(georeference(series, grid), paths[name], _SOURCE)
    return paths


def _thickness(world, gx, gy):
    """Return the thickness with correlated errors, and its standard error (m), NaN off the ice."""
    true = world.truth.thickness(gx, gy, THICKNESS_YEAR)
    field = noise.CorrelatedField(gx.shape, CELL, _CORRELATION_RANGE).draw(world.rng("user_files", "thickness"))
    ice = true > 0
    seen = np.maximum(true * (1 + THICKNESS_SHARE * field), 1.0)
    return np.where(ice, seen, np.nan), np.where(ice, THICKNESS_SHARE * true, np.nan)


def _years(world):
    """Return the calendar years of a world's record."""
    return np.arange(int(world.period[0]), int(np.ceil(world.period[1])))


def _series(world, layers, name, **attributes):
    times = from_decimal_year(_years(world) + 0.5).astype("datetime64[s]").astype("datetime64[ns]")
    values = np.stack(layers).astype("f4")
    return xr.Dataset({name: (("time", "y", "x"), values, attributes)}, coords={"time": times})


def _mass_balance(world, gx, gy):
    """Return the mean mass balance of every calendar year of the world's record (kg m-2 s-1), NaN off the ice."""
    ice = world.truth.ice(gx, gy)
    height = world.truth.shape.evaluate(gx, gy)[1]
    rates = [term.rate(height) for term in world.truth.balance]
    layers = []
    for year in _years(world):
        parts = (term.factor.integral(year + 1.0) - term.factor.integral(year) for term in world.truth.balance)
        total = sum(rate * part for rate, part in zip(rates, parts, strict=True))
        layers.append(np.where(ice, total * ICE_DENSITY / _SECONDS_PER_YEAR, np.nan))
    name = "land_ice_surface_specific_mass_balance_flux"
    return _series(world, layers, "smb", units="kg m-2 s-1", standard_name=name)


def _firn(world, gx, gy):
    """
    Return the air in the firn (m), NaN off the ice.

    It does not change, as in the truth.
    """
    layer = np.where(world.truth.ice(gx, gy), FIRN_AIR, np.nan)
    return _series(world, [layer for _ in _years(world)], "firn_air_content", units="m")
