"""Height change that follows a known curve: quarterly, as ITS_LIVE's and ATL15's records hold it, with errors."""

import numpy as np
import pandas as pd
import xarray as xr

from nunatak.elevation import join, record_change, record_series
from nunatak.geometry.grid import Grid
from nunatak.parameters.elevation import HeightRecord
from nunatak.times import from_decimal_year

CRS, CELL = "EPSG:3031", 1920.0
RATE, ACCELERATION = -0.8, -0.05  # m/yr at 2010, m/yr2


def curve(years, *, annual=0.1):
    """Height (m) of a surface that sinks faster and faster, with a yearly cycle."""
    t = np.asarray(years) - 2010.0
    return RATE * t + 0.5 * ACCELERATION * t**2 + annual * np.cos(2 * np.pi * np.asarray(years))


def itslive(years, rng=None, *, shape=(8, 9), sigma=0.3, missing=0.0, zero=2013.96):
    """
    Return a quarterly record of all altimeters, relative to a day of its own.

    30 % of the values missing is 0.3.
    """
    years = np.asarray(years)
    grid = Grid(CRS, -1600e3, -300e3, CELL, CELL, *shape)
    dh = np.broadcast_to((curve(years) - curve(zero))[:, None, None], (years.size, *shape)).copy()
    if rng is not None:
        dh += sigma * rng.standard_normal(dh.shape)
        dh[rng.random(dh.shape) < missing] = np.nan
    error = np.where(np.isfinite(dh), sigma, np.nan)
    area = np.full(shape, CELL**2)
    return xr.Dataset(
        {
            "dh": (("time", "y", "x"), dh.astype("f4")),
            "dh_sigma": (("time", "y", "x"), error.astype("f4")),
            "ice_area": (("y", "x"), area),
        },
        _coordinates(years, grid),
        {"crs": CRS, "sheet": "antarctica", "relative_to": "2013-12-16", "resolution": CELL},
    )


def atl15(years, rng=None, *, cell=1000.0, bounds=None, sigma=0.05):
    """ATL15 of the same surface, relative to 2020.0, on a grid around the other."""
    years = np.asarray(years)
    bounds = bounds or (-1604e3, -320e3, -1580e3, -298e3)
    grid = Grid.from_bounds(CRS, bounds, cell)
    dh = np.broadcast_to((curve(years) - curve(2020.0))[:, None, None], (years.size, *grid.shape)).copy()
    if rng is not None:
        dh += sigma * rng.standard_normal((years.size, 1, 1))
    fields = {"delta_h": dh, "delta_h_sigma": np.full(dh.shape, sigma), "ice_area": np.full(dh.shape, cell**2)}
    return xr.Dataset(
        {name: (("time", "y", "x"), values) for name, values in fields.items()},
        _coordinates(years, grid),
        {"crs": CRS, "resolution": cell},
    )


def tables(*names):
    """The series and changes of regions, two thirds of the cells seen, with trends of two periods."""
    options = HeightRecord(periods=((1992, 2004), (2004, 2024)))
    record = join(
        itslive(np.arange(1992.0, 2020.99, 0.25), np.random.default_rng(8), missing=0.3),
        atl15(np.arange(2019.0, 2024.01, 0.25)),
    )
    made = {"record_series": [], "record_change": []}
    for name in names:
        made["record_series"].append(record_series(record, np.ones((8, 9)), region=name, options=options))
        made["record_change"].append(record_change(record, np.ones((8, 9)), region=name, options=options))
    return {key: pd.concat(parts, ignore_index=True) for key, parts in made.items()}


def _coordinates(years, grid):
    return {
        "time": from_decimal_year(years),
        "decimal_year": ("time", years, {"units": "years"}),
        "y": grid.y,
        "x": grid.x,
    }
