"""
Simulated ITS_LIVE mosaics: the truth's mean velocity of every year, and the static one, in the units of their map.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter

from nunatak.constants import DAYS_PER_YEAR, FILL_VELOCITY
from nunatak.products.itslive.ground import scale_field
from nunatak.runtime import written
from nunatak.simulation import hdf
from nunatak.simulation.itslive import covers
from nunatak.simulation.itslive_pairs import schedule, site_of
from nunatak.simulation.itslive_values import Truth, footprint

VERSION = "02.1"
FILL_ERROR = 32767
PLACES = {
    3413: "RGI05A",
    3031: "RGI19A",
    32610: "RGI02A",
    32645: "RGI10A",
    32632: "RGI11A",
    32638: "RGI12A",
    32718: "RGI17A",
    32759: "RGI18A",
}
"""part of a mosaic's name by the projection of its region"""
STATIC_YEARS = (2014, 2024)
_CELL = 120.0
_CHUNK = 256
_ONE = 45.0  # m/yr, the error of a component where one pair touches the year
_UNITS = "meter/year"


def write(world, folder):
    """
    Write the annual mosaics of the years that pairs of a world lie in, and the static mosaic.

    Returns
    -------
    list of Path, sorted by name
    """
    pairs = [(pair, footprint(world, pair)) for pair in schedule(world)]
    epsg = site_of(world).epsg
    grid = covers(pairs)[f"EPSG:{epsg}", _CELL]
    truth, place = Truth(world, grid), PLACES.get(epsg, "RGI00A")
    years = sorted({int(str(pair.time1 + (pair.time2 - pair.time1) // 2)[:4]) for pair, _ in pairs})
    paths = []
    for year in (*years, 0):
        path = Path(folder) / f"ITS_LIVE_velocity_120m_{place}_{year:04d}_V{VERSION}.nc"
        with written(path) as temporary, hdf.create(temporary) as file:
            write_mosaic(file, grid, _annual(world, truth, year) if year else _static(world, truth), year=year)
        paths.append(path)
    return sorted(paths)


def write_mosaic(file, grid, fields, *, year=0):
    """
    Write one mosaic into an open h5py.File.

    Parameters
    ----------
    grid : Grid
    fields : {name: (ny, nx) array}, velocities and their rates and amplitudes over ground, NaN where missing
    year : of an annual mosaic; 0 for the static one
    """
    about = {"Conventions": "CF-1.8", "title": "ITS_LIVE annual mosaic of image pair velocities"}
    about |= {"nunatak_source": hdf.SOURCE, "projection": grid.crs.removeprefix("EPSG:")}
    about |= {"source": "Simulated by Nunatak from a truth known in closed form; not observed"}
    about |= {"year": f"01-Jan-{year}"} if year else {"v0_years": "-".join(map(str, STATIC_YEARS))}
    hdf.put_attributes(file, about)
    for name, values in (("x", grid.x), ("y", grid.y)):
        hdf.put(file, name, values, scale=True, units="m", standard_name=f"projection_{name}_coordinate")
    k, chunks = scale_field(grid), tuple(min(_CHUNK, n) for n in grid.shape)
    for name, values in fields.items():
        values, fill, about = _stored(name, values, k)
        hdf.put(file, name, values, fill=fill, chunks=chunks, shuffle=True, grid_mapping="mapping", **about)
        hdf.attach(file[name], [file["y"], file["x"]])
    mapping = file.create_dataset("mapping", data=np.bytes_(b""), dtype="S1")
    epsg = int(grid.crs.removeprefix("EPSG:"))
    hdf.put_attributes(mapping, {"spatial_epsg": epsg, "grid_mapping_name": "polar_stereographic"})


def _stored(name, values, k):
    """Return a variable as the mosaics keep it, velocities of the map in whole numbers: values, fill, attributes."""
    if name == "count":
        return np.asarray(values, "u4"), 0, {"units": "count"}
    if name in ("landice", "floatingice"):
        return np.asarray(values, "u1"), None, {"units": "binary"}
    if name == "outlier_percent":
        return np.asarray(values, "u1"), 255, {"units": "percent"}
    dtype, fill = ("u2", FILL_ERROR) if name.endswith(("_error", "_amp", "_phase")) else ("i2", FILL_VELOCITY)
    if name.endswith("_dt"):
        dtype = "f4"
    on_map = values if name.endswith("_phase") else values * k
    on_map = on_map if dtype == "f4" else np.rint(on_map)
    units = "day of maximum velocity" if name.endswith("_phase") else f"{_UNITS}^2" if dtype == "f4" else _UNITS
    return np.where(np.isfinite(values), on_map, fill).astype(dtype), fill, {"units": units}


def _whole(grid):
    return slice(0, grid.ny), slice(0, grid.nx)


def _annual(world, truth, year):
    """
    Return the fields of one year: the truth's mean, noise smooth over three cells, its size as the errors state.

    Clouds take more of the early years, and leave the fewest pairs at their edges.
    """
    rng, grid = world.rng("itslive", "mosaic", year), truth.grid
    cloud = uniform_filter(rng.standard_normal(grid.shape, dtype="f4"), max(3, grid.nx // 12), mode="wrap")
    rank = cloud.ravel().argsort().argsort().reshape(grid.shape) / cloud.size
    few = 0.25 if year < 2013 else 0.05
    most = 12 if year < 2013 else 60
    count = np.where((rank > few) & truth.ice, np.ceil(most * (rank - few) / (1 - few)), 0).astype("u4")
    with np.errstate(divide="ignore"):
        error = np.where(count > 0, np.ceil(_ONE / np.sqrt(count)), np.nan)
    return _with_speed(truth.mean(year, year + 1, *_whole(grid)), error, rng) | {
        "count": count,
        "landice": truth.ice,
        "floatingice": np.zeros(grid.shape),
    }


def _with_speed(components, error, rng):
    """Return components with noise, their speed, and the errors of all three."""
    noise = [3.0 * uniform_filter(rng.standard_normal(error.shape, dtype="f4"), 3, mode="wrap") for _ in range(2)]
    vx, vy = (np.where(np.isfinite(error), v + n * error, np.nan) for v, n in zip(components, noise, strict=True))
    speeds = {"vx": vx, "vy": vy, "v": np.hypot(vx, vy)}
    return speeds | {f"{name}_error": error for name in speeds}


def _static(world, truth):
    """Return the fields of the static mosaic: velocity of 2018-01-01, its trend, and that year's seasonal cycle."""
    rng, grid = world.rng("itslive", "mosaic", "static"), truth.grid
    whole = _whole(grid)
    error = np.where(truth.ice, 2.0, np.nan)
    out = _with_speed(truth.mean(2017.5, 2018.5, *whole), error, rng)
    first, last = (np.stack(truth.mean(year, year + 1, *whole)) for year in (STATIC_YEARS[0], STATIC_YEARS[1] - 1))
    rate = (last - first) / (STATIC_YEARS[1] - 1 - STATIC_YEARS[0])
    waves = _cycle(truth, rate, whole)
    flow = np.stack([out["vx"], out["vy"]])
    with np.errstate(invalid="ignore", divide="ignore"):
        along = flow / np.hypot(*flow)
    parts = {"vx": (rate[0], waves[0]), "vy": (rate[1], waves[1])}
    parts["v"] = (rate * along).sum(axis=0), (waves * along).sum(axis=0)
    for name, (slope, wave) in parts.items():
        out[f"d{name}_dt"] = np.where(truth.ice, slope, np.nan)
        out[f"{name}_amp"] = np.where(truth.ice, np.abs(wave), np.nan)
        out[f"{name}_phase"] = np.where(truth.ice, np.angle(wave) / (2 * np.pi) % 1.0 * DAYS_PER_YEAR, np.nan)
    count = np.where(truth.ice, 400, 0)
    masks = {"landice": truth.ice, "floatingice": np.zeros(grid.shape), "outlier_percent": np.full(grid.shape, 5)}
    return out | {"count": count, **masks}


def _cycle(truth, rate, whole):
    """Return the wave of a year's months less the trend, (2, ny, nx) complex: its angle is that of the maximum."""
    total, mean = 0.0, np.stack(truth.mean(2018, 2019, *whole))
    for month in range(12):
        t = (month + 0.5) / 12
        left = np.stack(truth.velocity(2018 + t, *whole)) - mean - rate * (t - 0.5)
        total = total + left * np.exp(2j * np.pi * t) / 6
    return total
