"""Interpolate fields at points bilinearly, with NaN where a corner is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyproj

from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    import xarray as xr

_STEP = 100.0  # m, over which a direction on the map is told on the Earth


class Field:
    """
    Two-dimensional variables of a Dataset that can be evaluated at points.

    Parameters
    ----------
    dataset : xarray.Dataset with regular x and y, either way up
    names : variables on (y, x)
    """

    def __init__(self, dataset, names):
        x, y = np.asarray(dataset["x"].values, float), np.asarray(dataset["y"].values, float)
        self.x0, self.y0 = x[0], y[0]
        self.dx, self.dy = (x[-1] - x[0]) / (x.size - 1), (y[-1] - y[0]) / (y.size - 1)
        self.cell = min(abs(self.dx), abs(self.dy))
        self.names = tuple(names)
        self._values = np.stack([np.asarray(dataset[name].transpose("y", "x").values, float) for name in names])

    def __call__(self, x, y):
        """Return values at points, (names, ...), NaN outside and beside missing cells."""
        column, row = (np.asarray(x, float) - self.x0) / self.dx, (np.asarray(y, float) - self.y0) / self.dy
        ny, nx = self._values.shape[1:]
        inside = (column >= 0) & (column <= nx - 1) & (row >= 0) & (row <= ny - 1)
        c0 = np.clip(np.floor(np.where(inside, column, 0)).astype(int), 0, nx - 2)
        r0 = np.clip(np.floor(np.where(inside, row, 0)).astype(int), 0, ny - 2)
        fc, fr = column - c0, row - r0
        out = np.zeros((len(self.names), *np.shape(column)))
        for dr, wr in ((0, 1 - fr), (1, fr)):
            for dc, wc in ((0, 1 - fc), (1, fc)):
                weight = wr * wc
                corner = self._values[:, r0 + dr, c0 + dc]
                # a corner of no weight may be missing: a point on a cell's centre needs that cell alone
                out += np.where(weight == 0, 0.0, weight * corner)
        return np.where(inside, out, np.nan)


def crs_of(dataset: xr.Dataset, crs: str | None = None) -> str:
    """Return the given CRS, else that of the Dataset's attributes."""
    found = crs or dataset.attrs.get("crs")
    if not found:
        raise NunatakError("velocity: the Dataset has no attribute crs; give crs='EPSG:...'")
    return found


def located(table, crs):
    """
    Add the geographic position of each row and, for rows with a velocity, the direction of flow.

    Parameters
    ----------
    table : DataFrame with `x, y` in metres of `crs`; `vx, vy` along its axes where there are
    crs : with an EPSG number

    Returns
    -------
    DataFrame with `longitude, latitude` (degrees, WGS84), `epsg` (of x and y) and, where there are vx and vy,
        `flow_direction` (degrees clockwise from true north, NaN where there is no velocity)
    """
    x, y = (table[name].to_numpy(float) for name in ("x", "y"))
    to_earth = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lon, lat = to_earth.transform(x, y)
    out = table.assign(longitude=lon, latitude=lat, epsg=np.int32(pyproj.CRS.from_user_input(crs).to_epsg() or 0))
    if "vx" in table and "vy" in table:
        vx, vy = (table[name].to_numpy(float) for name in ("vx", "vy"))
        with np.errstate(invalid="ignore", divide="ignore"):
            step = _STEP / np.hypot(vx, vy)
        ahead = to_earth.transform(x + step * vx, y + step * vy)
        seen = np.isfinite(step)
        here, there = ([np.where(seen, part, 0.0) for part in place] for place in ((lon, lat), ahead))
        azimuth = pyproj.Geod(ellps="WGS84").inv(here[0], here[1], there[0], there[1])[0]
        out["flow_direction"] = np.where(seen, np.mod(azimuth, 360.0), np.nan)
    return out
