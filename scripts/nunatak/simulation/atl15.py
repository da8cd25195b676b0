"""Simulated ATL15: quarterly height change since 2020.0 at 1, 10, 20 and 40 km, with rates over every lag."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nunatak.runtime import written
from nunatak.simulation import hdf, height_change, noise, polar_grid

if TYPE_CHECKING:
    from nunatak.simulation.worlds import World

RESOLUTIONS = {"01km": 1e3, "10km": 1e4, "20km": 2e4, "40km": 4e4}
LAGS = (1, 4, 8, 12, 16, 20, 24)
_CLOUD_RANGE = 60e3  # m over which a quarter's cloud cover is alike
_DATUM_TEXT = "Jan 1, 2020"


def write(world: World, folder: Path | str, *, resolutions: tuple[str, ...] = tuple(RESOLUTIONS)) -> list[Path]:
    """
    Write the ATL15 files of a world: one for each region code and resolution.

    Parameters
    ----------
    world : World, the simulated world
    folder : Path, the folder that granules are written to
    resolutions : sequence of str, such as ("1km", "10km")

    Returns
    -------
    list of Path, sorted by name
    """
    counts = height_change.data_counts(world)
    fine = height_change.with_errors(height_change.truth(world, counts), world.rng("atl15", "errors"))
    quality = _quality(world, fine, counts)
    paths = []
    for name in resolutions:
        cell = RESOLUTIONS[name]
        change = fine if name == "01km" else height_change.coarsen(fine, cell)
        for code in world.region_codes:
            first, last = world.cycles
            file_name = f"ATL15_{code}_{first:02d}{last:02d}_{name}_{polar_grid.VERSION}_{polar_grid.REVISION}.nc"
            path = Path(folder) / file_name
            part, where = _part(change, code)
            layers = {k: v[(slice(None), *where)] for k, v in quality.items()} if name == "01km" else {}
            with written(path) as temporary, hdf.create(temporary) as file:
                _write_file(file, world, part, file_name, layers)
            paths.append(path)
    return sorted(paths)


def _part(change, code):
    """Return the rows and columns of one region code."""
    rows, columns = polar_grid.quadrant(code, change.x, change.y)
    where = (rows, columns)
    part = replace(
        change,
        x=change.x[columns],
        y=change.y[rows],
        delta_h=change.delta_h[:, rows, columns],
        ice_area=change.ice_area[:, rows, columns],
        spread=change.spread[where],
    )
    return part, where


def _write_file(file, world, change, file_name, layers):
    half = change.cell / 2
    bounds = (change.x[0] - half, change.y[0] - half, change.x[-1] + half, change.y[-1] + half)
    extent = polar_grid.lonlat_extent(world.crs, bounds)
    polar_grid.put_root(file, short_name="ATL15", file_name=file_name, extent=extent, years=change.years)
    size = "" if change.cell == height_change.NODE else f"{change.cell / 1e3:.0f}x{change.cell / 1e3:.0f} km average "
    # the real description of the 40 km files has this slip
    datum = _DATUM_TEXT.replace("2020", "4040") if change.cell == 4e4 else _DATUM_TEXT
    group, scales = _group(file, "delta_h", world, change, change.years)
    _put(
        group,
        scales,
        "delta_h",
        change.delta_h,
        "meters",
        f"{size}height change relative to the datum ({datum}) surface",
    )
    _put(group, scales, "delta_h_sigma", change.delta_h_sigma(), "meters", f"Uncertainty in the {size}height change")
    _put(group, scales, "ice_area", _masked(change.ice_area), "meters^2", "Ice-covered area of each grid cell")
    for name, values in layers.items():
        _put(group, scales, name, values, "meters" if name == "misfit_rms" else "counts", name.replace("_", " "))
    for lag in (n for n in LAGS if n < change.years.size):
        years, dhdt, sigma, area = change.rates(lag)
        group, scales = _group(file, f"dhdt_lag{lag}", world, change, years)
        _put(group, scales, "dhdt", dhdt, "meters years^-1", f"{size}height-change rate over {lag} quarters")
        _put(group, scales, "dhdt_sigma", sigma, "meters years^-1", f"Uncertainty in the {size}height-change rate")
        _put(group, scales, "ice_area", _masked(area), "meters^2", "Ice-covered area of each grid cell")
    _put_tile_stats(file, world, change, bounds)


def _group(file, name, world, change, years):
    group = file.create_group(name)
    hdf.put_attributes(group, {"description": f"{name} at a resolution of {change.cell / 1e3:.0f} km."})
    time = polar_grid.put_time(group, years)
    scales = (time, *polar_grid.put_axes(group, change.x, change.y))
    polar_grid.put_projection(group, world.crs, change.x, change.y, change.cell)
    return group, scales


def _put(group, scales, name, values, units, description):
    polar_grid.put_grid(
        group, name, hdf.quantised(values), scales, units=units, description=description, least_significant_digit=4
    )


def _masked(area):
    return np.where(area > 0, area, np.nan)


def _quality(world, change, counts):
    """Compute data_count and misfits of every epoch at 1 km: clouds hide some tracks each quarter."""
    clouds = noise.CorrelatedField(counts.shape, change.cell, _CLOUD_RANGE)
    rng = world.rng("atl15", "clouds")
    seen = np.stack([np.clip(0.9 + 0.7 * clouds.draw(rng), 0.0, 1.0) for _ in change.years])
    iced = change.ice_area > 0
    data_count = np.where(iced, np.floor(counts * seen), np.nan)
    scaled = 1.0 + 0.1 * np.stack([clouds.draw(rng) for _ in change.years])
    scaled = np.where(data_count > 0, scaled, np.nan)
    return {"data_count": data_count, "misfit_rms": 0.1 * scaled, "misfit_scaled_rms": scaled}


def _put_tile_stats(file, world, change, bounds):
    """Write how well the 40 km tiles of the product's own fit are known, the same in the files of all resolutions."""
    tile = 40e3
    left, bottom, right, top = (round(b / tile) * tile for b in bounds)
    x, y = np.arange(left + tile / 2, right, tile), np.arange(bottom + tile / 2, top, tile)
    rng = world.rng("atl15", "tiles", left, bottom)
    group = file.create_group("tile_stats")
    scales = polar_grid.put_axes(group, x, y)
    polar_grid.put_projection(group, world.crs, x, y, tile)
    iced = world.truth.ice_fraction(*np.meshgrid(x, y), tile) > 0
    shape = (y.size, x.size)
    layers = {
        "N_data": (np.round(rng.uniform(2e3, 2e4, shape)), "counts"),
        "RMS_data": (rng.uniform(0.8, 1.2, shape), "counts"),
        "RMS_bias": (rng.uniform(0.5, 1.0, shape), "counts"),
        "N_bias": (np.round(rng.uniform(50, 300, shape)), "counts"),
        "RMS_d2z0dx2": (rng.uniform(0.3, 1.0, shape), "counts"),
        "RMS_d2zdt2": (rng.uniform(0.3, 1.0, shape), "counts"),
        "RMS_d2zdx2dt": (rng.uniform(0.3, 1.0, shape), "counts"),
        "sigma_xx0": (np.full(shape, 0.02), "meters^-1"),
        "sigma_tt": (np.full(shape, 2e-3), "meters years^-2"),
        "sigma_xxt": (np.full(shape, 5e-5), "meters^-1 years^-1"),
    }
    for name, (values, units) in layers.items():
        polar_grid.put_grid(group, name, np.where(iced, values, np.nan), scales, units=units, description=name)
