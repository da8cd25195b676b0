"""Ice of which every number is plain, as maps by year: stretched evenly, faster every year, with a sinking surface."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from nunatak.geometry.grid import Grid, map_scale

GRID = Grid("EPSG:3031", -1.61e6, -3.0e5, 200.0, 200.0, 60, 100)
YEARS = np.array([2018, 2019, 2020, 2021])
GX, GY = np.meshgrid(GRID.x, GRID.y)
STRETCH, FASTER, SINKING = 2e-3, 30.0, -1.5  # 1/yr along the flow on the map, m/yr more each year, m/yr


def annual(**changes):
    """
    Return ice that flows along x, is stretched evenly and gains 30 m/yr each year.

    The error of the speed is 4 m/yr.
    """
    v = np.stack([1000 + STRETCH * (GX - GRID.x[0]) + FASTER * (year - 2018) for year in YEARS])
    dims = ("year", "y", "x")
    fields = {"vx": (dims, v), "vy": (dims, 0 * v), "v": (dims, v.copy()), "v_error": (dims, np.full_like(v, 4.0))}
    fields |= {"v_mean": (dims[1:], v.mean(axis=0))}
    fields |= {"year_start": ("year", YEARS * 1.0), "year_end": ("year", YEARS + 1.0)}
    return xr.Dataset({**fields, **changes}, {"year": YEARS, "y": GRID.y, "x": GRID.x}, {"crs": GRID.crs})


def change(first=2019.0, last=2022.0):
    """
    Return a surface that sinks by 1.5 m/yr.

    The error of every epoch is 0.1 m. Cells of 1 km.
    """
    coarse = Grid.from_bounds(GRID.crs, (-1.615e6, -3.2e5, -1.585e6, -2.95e5), 1000.0)
    epochs = np.arange(first, last + 0.01, 0.25)
    dh = SINKING * (epochs - 2020)[:, None, None] + np.zeros((epochs.size, *coarse.shape))
    fields = {"dh": (("year", "y", "x"), dh), "dh_sigma": (("year", "y", "x"), np.full_like(dh, 0.1))}
    return xr.Dataset(fields, {"year": epochs, "y": coarse.y, "x": coarse.x}, {"crs": GRID.crs})


def thickness(surface=True):
    fields = {"thickness": np.full(GRID.shape, 1200.0), "thickness_sigma": np.full(GRID.shape, 50.0)}
    fields |= {"surface": 400.0 + 0 * GX} if surface else {}
    about = {"crs": GRID.crs, "reference_year": 2020.5}
    return xr.Dataset({k: (("y", "x"), v) for k, v in fields.items()}, {"y": GRID.y, "x": GRID.x}, about)


def path():
    """A straight line along x, with distances on the ground."""
    x = GRID.x[4:-4]
    y = np.full(x.size, GRID.y[30])
    k = map_scale(GRID.crs, x, y)
    distance = np.concatenate([[0.0], np.cumsum(np.diff(x) * 2 / (k[1:] + k[:-1]))])
    return pd.DataFrame({"distance": distance - 5000.0, "x": x, "y": y})
