"""Small made-up results of an elevation-change study, of which every number is plain: for figures, checks, reports."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
import xarray as xr

from nunatak.geometry.grid import Grid
from nunatak.times import from_decimal_year

CRS = "EPSG:3413"
YEARS = 2019.0 + 0.25 * np.arange(17)
GRID = Grid(CRS, 960_000.0, -340_000.0, 4000.0, 4000.0, 40, 48)
REGION = shapely.box(19.0, 79.0, 27.5, 80.6)


def height_change(*, noise=0.02, seed=5):
    """An ice cap that sinks in a basin to 8 m and rises by 0.4 m elsewhere, in four years; dims time, y, x."""
    x, y = np.meshgrid(GRID.x, GRID.y)
    x0, y0 = GRID.x.mean(), GRID.y.mean()
    ice = ((x - x0) / 85e3) ** 2 + ((y - y0) / 68e3) ** 2 < 1
    basin = np.exp(-(((x - x0 - 30e3) / 22e3) ** 2) - ((y - y0 + 22e3) / 20e3) ** 2)
    t = (YEARS - YEARS[0])[:, None, None]
    rate = np.where(ice, 0.1 - 2.2 * basin, np.nan)
    rng = np.random.default_rng(seed)
    delta_h = rate * t + 0.12 * np.sin(2 * np.pi * t) + noise * rng.standard_normal((YEARS.size, *GRID.shape))
    delta_h = delta_h - delta_h[4]
    area = np.where(ice, GRID.dx * GRID.dy / GRID.areal_scale(), 0.0)
    sigma = np.where(ice, 0.08 + 0.03 * np.abs(YEARS[:, None, None] - 2020), np.nan)
    dims = ("time", "y", "x")
    lag4 = (delta_h[4:] - delta_h[:-4]) / 1.0
    lag1 = np.diff(delta_h, axis=0) / 0.25
    return xr.Dataset(
        {
            "delta_h": (dims, delta_h),
            "delta_h_sigma": (dims, sigma),
            "ice_area": (dims, np.broadcast_to(area, delta_h.shape).copy()),
            "data_count": (dims, np.where(ice & (x < x0 - 40e3), 0.0, 5.0) + 0 * delta_h),
            "dhdt_lag1": (("time_lag1", "y", "x"), lag1),
            "dhdt_lag1_sigma": (("time_lag1", "y", "x"), np.full(lag1.shape, 0.3)),
            "dhdt_lag4": (("time_lag4", "y", "x"), lag4),
            "dhdt_lag4_sigma": (("time_lag4", "y", "x"), np.full(lag4.shape, 0.1)),
            "dhdt": (("y", "x"), rate),
            "dhdt_sigma": (("y", "x"), np.where(ice, 0.03, np.nan)),
        },
        coords={
            "time": from_decimal_year(YEARS),
            "time_lag1": from_decimal_year(YEARS[:-1] + 0.125),
            "time_lag4": from_decimal_year(YEARS[:-4] + 0.5),
            "y": GRID.y,
            "x": GRID.x,
        },
        attrs={"crs": CRS, "resolution": 4000.0, "nunatak_source": "SIMULATED", "study": "icecap"},
    )


def section(change):
    """A transect across the basin, with distance along it (m) and the surface."""
    n = 60
    x = np.linspace(GRID.x.mean() - 50e3, GRID.x.mean() + 75e3, n)
    y = np.linspace(GRID.y.mean() - 5e3, GRID.y.mean() - 30e3, n)
    at = {"x": xr.DataArray(x, dims="distance"), "y": xr.DataArray(y, dims="distance")}
    dh = (change.delta_h - change.delta_h[0]).interp(at).drop_vars(["x", "y"])
    sigma = change.delta_h_sigma.interp(at).drop_vars(["x", "y"])
    distance = np.hypot(x - x[0], y - y[0])
    out = xr.Dataset({"dh": dh, "dh_sigma": sigma})
    out["h"] = 700 * np.sqrt(np.clip(1 - ((distance - 50e3) / 90e3) ** 2, 0, 1)) + out.dh * 5
    return out.assign_coords(distance=distance, x=("distance", x), y=("distance", y)).transpose("time", "distance")


def series():
    """Volume and mean change of two regions, with errors."""
    t = YEARS - YEARS[0]
    tables = {}
    for name, rate, area in (("region", -0.35, 7800.0), ("surge_basin", -1.6, 1100.0)):
        mean = rate * t + 0.12 * np.sin(2 * np.pi * t)
        sigma = 0.05 + 0.04 * t
        tables[name] = pd.DataFrame(
            {
                "time": from_decimal_year(YEARS),
                "mean_dh": mean,
                "mean_dh_sigma": sigma,
                "volume_change": mean * area / 1000,
                "volume_sigma": sigma * area / 1000,
            }
        )
    return tables


def bands():
    """Change by elevation: sinking low, rising high."""
    low = np.arange(0.0, 800.0, 50.0)
    return pd.DataFrame(
        {
            "band_low": low,
            "band_high": low + 50,
            "mean_dh": -3.0 + low / 230,
            "dh_sigma": 0.15 + 0 * low,
            "area": 600 * np.exp(-(((low - 400) / 230) ** 2)),
        }
    )


def pairs():
    """Repeat-pair differences of six beams, medians -4, -7 and -12 m."""
    rng = np.random.default_rng(3)
    first, last = np.datetime64("2019-11-06T23:00", "ns"), np.datetime64("2021-11-02T12:18", "ns")
    n, along = 90, np.linspace(0, 12_000, 90)
    parts = []
    for beam, centre in zip(("gt1l", "gt1r", "gt2l", "gt2r", "gt3l", "gt3r"), (-4, -4, -7, -7, -12, -11), strict=True):
        columns = {
            "beam": beam,
            "segment_id": 600_000 + np.arange(n),
            "x_atc": 1.2e7 + along,
            "dh": centre + rng.normal(0, 0.8, n),
            "dh_sigma": 0.12,
            "longitude": -143.2 + 0.05 * int(beam[2]) - along * 2e-6,
            "latitude": 60.35 + along * 9e-6,
            "time_first": first,
            "time_second": last,
            "y_atc_first": 0.0,
            "y_atc_second": 1.5,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)
