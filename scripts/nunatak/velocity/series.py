"""Return velocity at points: of every pair, and by the annual and seasonal model of a composite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nunatak.constants import DAYS_PER_YEAR, FILL_VELOCITY
from nunatak.runtime import NunatakError
from nunatak.times import decimal_year
from nunatak.velocity.sampling import Field

if TYPE_CHECKING:
    import xarray as xr

_LAYER = (
    "granule_id",
    "acquisition_date_img1",
    "acquisition_date_img2",
    "date_dt",
    "platform",
    "group",
    "treatment",
    "vx_error",
    "vy_error",
)
_UNITS = {
    "x": "m",
    "y": "m",
    "date_dt": "days",
    "vx": "m/yr",
    "vy": "m/yr",
    "v": "m/yr",
    "vx_error": "m/yr",
    "vy_error": "m/yr",
}


def point_series(cube: xr.Dataset, points: Mapping[str, tuple[float, ...]], *, radius: float = 0.0) -> pd.DataFrame:
    """
    Return every pair's velocity at points.

    Parameters
    ----------
    cube : Dataset of a cube
    points : {name: (x, y)} in the cube's CRS, metres
    radius : mean of the components over the cells whose centres lie within, map metres; 0, or less than to the nearest
        centre, takes the point's cell alone

    Returns
    -------
    DataFrame, one row per point and pair that sees it: `point, x, y, time, vx, vy, v` (m/yr; v of the components) and
        the pair's own columns

    Raises
    ------
    NunatakError : a point outside the cube
    """
    parts = []
    for name, (x, y) in points.items():
        vx, vy = _around(cube, name, x, y, radius)
        seen = np.isfinite(vx) & np.isfinite(vy)
        rows = {"point": name, "x": float(x), "y": float(y), "time": cube["time"].values[seen]}
        rows |= {key: np.asarray(cube[key].values)[seen] for key in _LAYER if key in cube}
        parts.append(pd.DataFrame({**rows, "vx": vx[seen], "vy": vy[seen], "v": np.hypot(vx, vy)[seen]}))
    table = pd.concat(parts, ignore_index=True)
    table.attrs["units"] = _UNITS
    return table


def _around(cube, name, x, y, radius):
    """Return the (N,) components at a point, NaN where a pair has no value."""
    dx, dy = (np.abs(cube[axis].values - value) for axis, value in (("x", x), ("y", y)))
    cell = tuple(abs(float(cube[axis][1] - cube[axis][0])) for axis in ("x", "y"))
    if dx.min() > cell[0] / 2 or dy.min() > cell[1] / 2:
        raise NunatakError(f"points: {name}: ({x:g}, {y:g}) lies outside the cube; choose a point of the region")
    rows, columns = np.nonzero(dy <= radius)[0], np.nonzero(dx <= radius)[0]
    near = np.hypot(dy[rows][:, None], dx[columns]) <= radius
    if not near.any():
        rows, columns, near = np.array([dy.argmin()]), np.array([dx.argmin()]), np.ones((1, 1), dtype=bool)
    block = cube.isel(y=rows, x=columns)
    values = [np.asarray(block[key].values, float)[:, near] for key in ("vx", "vy")]
    seen = np.isfinite(values[0]) & np.isfinite(values[1]) & (values[0] != FILL_VELOCITY) & (values[1] != FILL_VELOCITY)
    n = seen.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return tuple(np.where(n > 0, np.where(seen, v, 0.0).sum(axis=1) / n, np.nan) for v in values)


def model_series(annual: xr.Dataset, x: float, y: float, time: np.ndarray) -> Any:
    """
    Return the speed of a composite at a point and at any time.

    Annual means are joined by straight lines, and the seasonal cycle is added if its amplitude is more than chance (two
    of its errors).

    Parameters
    ----------
    annual : Dataset of `composite`
    x, y : point, metres
    time : (n,) datetime64

    Returns
    -------
    DataFrame `time, v, v_error` in m/yr; NaN in every year without a mean. The error is the root sum of squares of the
        annual error and the amplitude's.

    Notes
    -----
    The cycle is interpolated between cells as a vector (amplitude times cosine and sine of the phase): phases are
    angles, and the mean of 364 and 2 days is not 183.
    """
    v, error = (_annual_at(annual, name, x, y) for name in ("v", "v_error"))
    middle = (annual["year_start"].values + annual["year_end"].values) / 2
    t = decimal_year(np.asarray(time, dtype="datetime64[ns]"))
    good = np.isfinite(v)
    if not good.any():
        return pd.DataFrame({"time": time, "v": np.nan, "v_error": np.nan})
    year = np.clip(np.searchsorted(annual["year_start"].values, t, side="right") - 1, 0, good.size - 1)
    inside = good[year] & (t >= annual["year_start"].values[0]) & (t <= annual["year_end"].values[-1])
    speed = np.interp(t, middle[good], v[good])
    sigma = np.interp(t, middle[good], error[good])
    amplitude, phase, amplitude_error = seasonal_at(annual, x, y)
    if np.isfinite(amplitude):
        if amplitude > 2 * amplitude_error:
            speed = speed + amplitude * np.cos(2 * np.pi * (t - phase / DAYS_PER_YEAR))
        sigma = np.hypot(sigma, amplitude_error)
    table = pd.DataFrame(
        {"time": time, "v": np.where(inside, speed, np.nan), "v_error": np.where(inside, sigma, np.nan)}
    )
    table.attrs["units"] = {"v": "m/yr", "v_error": "m/yr"}
    return table


def seasonal_at(annual: xr.Dataset, x: float, y: float) -> tuple[float, ...]:
    """
    Return seasonal amplitude (m/yr), day of the maximum and error of the amplitude at a point, NaN without a cycle.
    """
    if "v_amp" not in annual:
        return np.nan, np.nan, np.nan
    angle = 2 * np.pi * annual["v_phase"] / DAYS_PER_YEAR
    waves = annual[["v_amp_error"]].assign(cosine=annual["v_amp"] * np.cos(angle), sine=annual["v_amp"] * np.sin(angle))
    cosine, sine, error = Field(waves, ("cosine", "sine", "v_amp_error"))(x, y)
    return (
        float(np.hypot(cosine, sine)),
        float(np.arctan2(sine, cosine) / (2 * np.pi) % 1.0 * DAYS_PER_YEAR),
        float(error),
    )


def _annual_at(annual, name, x, y):
    """Return the annual values of a variable at a point."""
    return np.array([Field(annual[[name]].isel(year=k), (name,))(x, y)[0] for k in range(annual.sizes["year"])])
