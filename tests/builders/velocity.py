"""Small made-up cubes with a known truth, for the tests of the velocity package."""

import numpy as np
import xarray as xr

from nunatak.times import from_decimal_year
from nunatak.velocity.composition import series_of

FILL = -32767


def truth(time, *, v0=1000.0, trend=0.0, amplitude=0.0, phase=0.0, reference=2005.0):
    """Speed (m/yr) at decimal years: v0 at the reference, a trend, one cycle with its maximum at `phase` days."""
    return v0 + trend * (time - reference) + amplitude * np.cos(2 * np.pi * (time - phase / 365.25))


def mean_over(start, end, **motion):
    """Mean of `truth` over spans, by its integral."""
    amplitude, phase = motion.get("amplitude", 0.0), motion.get("phase", 0.0)
    steady = {**motion, "amplitude": 0.0}
    turn = 2 * np.pi
    wave = np.sin(turn * (end - phase / 365.25)) - np.sin(turn * (start - phase / 365.25))
    return truth((start + end) / 2, **steady) + amplitude * wave / turn / (end - start)


def pair_times(rng, n, *, first=2000.0, last=2010.0, dt_days=(16, 32, 64, 112)):
    """Starts and ends (decimal years) of n pairs, in order of mid-date."""
    start = rng.uniform(first, last - max(dt_days) / 365.25, n)
    end = start + rng.choice(dt_days, n) / 365.25
    order = np.argsort((start + end) / 2)
    return start[order], end[order]


def cube_of(vx, vy, start, end, *, sigma=20.0, flag=1, group="L89", images=None, shift=0.0):
    """
    A cube of (time, y, x) velocities in m/yr (NaN is missing), as the store gives it.

    `sigma` is the error the composite will use: the stated error plus 5, 20 or 100 m/yr by the flag.
    """
    n = len(start)
    flag = np.broadcast_to(flag, n)
    stated = np.broadcast_to(sigma, n) - np.select([flag == 1, flag == 2], [5.0, 20.0], 100.0)
    images = np.arange(2 * n).reshape(2, n) if images is None else np.asarray(images)
    times = [from_decimal_year(t) for t in (start, end, (np.asarray(start) + np.asarray(end)) / 2)]
    packed = [np.where(np.isfinite(v), np.rint(v), FILL).astype("i2") for v in (vx, vy)]
    ny, nx = packed[0].shape[1:]
    layer = {
        "acquisition_date_img1": times[0],
        "acquisition_date_img2": times[1],
        "date_dt": (np.asarray(end) - np.asarray(start)) * 365.25,
        "vx_error": stated,
        "vy_error": stated,
        "vx_stable_shift": np.broadcast_to(shift, n),
        "vy_stable_shift": np.broadcast_to(shift, n),
        "stable_shift_flag": flag,
        "group": np.broadcast_to(group, n),
        "id_img1": images[0].astype(str),
        "id_img2": images[1].astype(str),
    }
    return xr.Dataset(
        {"vx": (("time", "y", "x"), packed[0]), "vy": (("time", "y", "x"), packed[1])},
        {
            "time": times[2],
            "y": -120.0 * np.arange(ny),
            "x": 120.0 * np.arange(nx),
            "roi": (("y", "x"), np.ones((ny, nx), "u1")),
            **{k: ("time", v) for k, v in layer.items()},
        },
        {"crs": "EPSG:3031"},
    )


def noisy_cube(rng, *, n=600, shape=(12, 10), sigma=20.0, valid=0.6, direction=(0.6, -0.8), outliers=0.0, **motion):
    """A cube of one motion everywhere, with noise of `sigma` m/yr on each component and random gaps."""
    times = {key: motion.pop(key) for key in ("first", "last", "dt_days") if key in motion}
    start, end = pair_times(rng, n, **times)
    speed = mean_over(start, end, **motion)[:, None, None]
    components = []
    missing = rng.random((n, *shape)) > valid
    wrong = rng.random((n, *shape)) < outliers
    for u in direction:
        v = speed * u + sigma * rng.standard_normal((n, *shape))
        v[wrong] = rng.uniform(-8000, 8000, wrong.sum())
        v[missing] = np.nan
        components.append(v)
    return cube_of(*components, start, end, sigma=sigma), (start, end)


def cells_of(cube):
    """Series of vx and vy of every cell, (n_cell, N) int16 each."""
    everywhere = np.ones((cube.sizes["y"], cube.sizes["x"]), dtype=bool)
    return tuple(series_of(cube[name].values, everywhere) for name in ("vx", "vy"))
