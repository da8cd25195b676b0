"""Simulated record of height change of an ice sheet from all altimeters: monthly, with the gaps of the early ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nunatak.constants import FIRN_RANGE
from nunatak.products.itslive_elevation import HIGH, ICE_SHEET, LOW, NO_DATA, POLE_HOLE, ZERO
from nunatak.runtime import written
from nunatak.simulation import hdf, ice_sheets, noise
from nunatak.times import decimal_year

CELL = 1920.0  # m
NAMES = {
    "greenland": "Greenland_G1920V01_IceSheetGlacierIceHeight.nc",
    "antarctica": "ANT_G1920V01_GroundedIceHeight.nc",
}
MONTHS = {"greenland": ("1992-01", "2024-01"), "antarctica": ("1985-04", "2021-01")}
CORRELATION_RANGE = 10e3  # m, of the made-up errors
PERSISTENCE = 0.5  # of the made-up errors from one month to the next
FIRN_SPREAD = 0.05  # m of air, half the difference of the two firn models; the truth has no change of firn
# Standard error of one month (m) and share of cells without a value, up to a decimal year: by the altimeters flown.
_ERAS = ((1992.0, 1.2, 0.25), (2003.0, 0.6, 0.12), (2010.5, 0.3, 0.04), (2100.0, 0.2, 0.01))
_EMPTY = (1990.0, 1992.25)  # decimal years without any altimeter on the ice, in Antarctica
_GAP_RANGE = 40e3  # m over which cells are missing together
_TILE = 108  # cells of one side of a chunk
_FILL = -32767.0
# Latitude that the altimeters reach, up to a decimal year.
_REACH = ((2010.5, -81.5), (2100.0, -88.0))


def write(world, folder):
    """
    Write the file of the ice sheet that a world lies on: its cells in the world's area.

    Returns
    -------
    list of one Path
    """
    sheet = ice_sheets.sheet_of(world, "itslive_elevation")
    path = Path(folder) / NAMES[sheet]
    with written(path) as temporary, hdf.create(temporary) as file:
        _write_file(file, world, sheet)
    return [path]


def months(sheet):
    """Return the middles of the months of a sheet's record (datetime64[ns])."""
    first, end = MONTHS[sheet]
    return np.arange(first, end, dtype="datetime64[M]").astype("datetime64[D]").astype("datetime64[ns]") + (
        np.timedelta64(14, "D")
    )


def sigma_of(year) -> float:
    """Return the standard error of one month, m."""
    return next(sigma for until, sigma, _ in _ERAS if year < until)


def _write_file(file, world, sheet):
    x, y = ice_sheets.lattice(world.height_bounds, sheet, CELL)
    time = months(sheet)
    north = sheet == "greenland"
    ice_sheets.put_root(file, "height change of the ice sheet", "1.1" if north else "1.0")
    if north:
        hdf.put_attributes(file, {"epsg_number": "3413"})
    else:
        ice_sheets.put_mapping(file, sheet)
    since = "1992-01-15 00:00:00" if north else "1950-01-01"
    days = (time - np.datetime64(since[:10], "ns")) / np.timedelta64(1, "D")
    scale = hdf.put(file, "time", days, scale=True, units=f"days since {since}", calendar="standard")
    scales = [scale, *ice_sheets.put_axes(file, x, y)]
    shape = (time.size, y.size, x.size)
    error = "rms" if north else "rmse"
    layers = {name: _layer(file, name, shape, scales, "f4") for name in ("dh", error)}
    gx, gy = np.meshgrid(x, y)
    iced = world.truth.ice(gx, gy)
    if north:
        mask = _layer(file, "mask", shape[1:], scales[1:], "u1")
        mask[...] = np.where(iced, ICE_SHEET, 0)
        firn = {f"dfac_{model}": _layer(file, f"dfac_{model}", shape, scales, "f4") for model in ("gemb", "gsfc")}
        _put_firn(firn, world, iced, time)
    else:
        layers["quality"] = _layer(file, "quality_flag", shape, scales, "u1")
        basin = _layer(file, "basin", shape[1:], scales[1:], "u1")
        basin[...] = iced.astype("u1")
    for step, (dh, sigma, quality) in enumerate(observed(world, sheet, gx, gy, iced)):
        layers["dh"][step] = np.where(np.isnan(dh), _FILL, dh)
        layers[error][step] = np.where(np.isnan(dh), _FILL, sigma)
        if not north:
            layers["quality"][step] = quality


def observed(world, sheet, x, y, iced):
    """
    Yield what is observed of each month.

    Parameters
    ----------
    sheet : greenland or antarctica
    x, y : (ny, nx) cell centres, m
    iced : (ny, nx) whether there is ice

    Yields
    ------
    dh : (ny, nx) m since the sheet's zero, with errors; NaN where nothing was observed
    sigma : standard error, m
    quality : (ny, nx) flags of Antarctica
    """
    patterns = world.truth.change_patterns(x, y)
    zero = world.truth.change_factors(decimal_year(np.datetime64(ZERO[sheet])))
    errors = _errors(world, iced.shape)
    gaps, rng = noise.CorrelatedField(iced.shape, CELL, _GAP_RANGE), world.rng("itslive_elevation", "gaps")
    for time in months(sheet):
        year = float(decimal_year(time))
        change = np.tensordot(world.truth.change_factors(year) - zero, patterns, 1)
        sigma, missing = next((sigma, share) for until, sigma, share in _ERAS if year < until)
        dh = hdf.quantised(change + sigma * next(errors))
        seen = iced & (_rank(gaps.draw(rng)) >= missing)
        if sheet == "antarctica" and _EMPTY[0] <= year < _EMPTY[1]:
            seen = np.zeros_like(iced)
        quality = np.where(seen, HIGH if year >= 2003 else LOW, NO_DATA).astype("u1")
        hole = iced & _in_pole_hole(world.truth, x, y, year) & (sheet == "antarctica")
        quality[hole] = POLE_HOLE
        yield np.where(hole, np.float32(0), np.where(seen, dh, np.nan)), sigma, quality


def _errors(world, shape):
    """Draw fields of unit variance, month after month, each correlated with the one before."""
    field, rng = noise.CorrelatedField(shape, CELL, CORRELATION_RANGE), world.rng("itslive_elevation", "errors")
    last = field.draw(rng)
    while True:
        yield last
        last = PERSISTENCE * last + np.sqrt(1 - PERSISTENCE**2) * field.draw(rng)


def _rank(field):
    """Compute the share of cells of a Gaussian field that lie below each."""
    order = np.empty(field.size)
    order[np.argsort(field, axis=None)] = np.arange(field.size) / field.size
    return order.reshape(field.shape)


def _in_pole_hole(truth, x, y, year):
    """Return whether cells lie nearer to the pole than the altimeters of a year reach."""
    latitude = next(latitude for until, latitude in _REACH if year < until)
    colatitude = np.deg2rad(90.0 + latitude)
    # on the map of a sphere, scaled as at the pole: some kilometres do not matter here
    reach = 2 * 6.371e6 * np.tan(colatitude / 2) * truth.scale(np.zeros(1), np.ones(1))[0]
    return np.hypot(x, y) < reach


def _put_firn(layers, world, iced, time):
    """Write the firn air content of two models that differ, around a truth without any change."""
    field = noise.CorrelatedField(iced.shape, CELL, FIRN_RANGE).draw(world.rng("itslive_elevation", "firn"))
    since = decimal_year(time) - float(decimal_year(np.datetime64(ZERO["greenland"])))
    course = np.sin(2 * np.pi * since / 8) + 0.4 * np.sin(2 * np.pi * since)
    for step, factor in enumerate(course):
        spread = hdf.quantised(FIRN_SPREAD * factor * field)
        for layer, sign in zip(layers.values(), (1, -1), strict=True):
            layer[step] = np.where(iced, sign * spread, _FILL)


def _layer(file, name, shape, scales, dtype):
    """Create an empty dataset in tiles of one month, to be filled step by step."""
    chunks = (*(1,) * (len(shape) - 2), *(min(n, _TILE) for n in shape[-2:]))
    fill = np.dtype(dtype).type(_FILL if dtype == "f4" else NO_DATA)
    made = file.create_dataset(
        name, shape, dtype, chunks=chunks, fillvalue=fill, compression="gzip", compression_opts=2, shuffle=True
    )
    hdf.put_attributes(made, {"units": "m"} if dtype == "f4" else {})
    if dtype == "f4":
        made.attrs["_FillValue"] = np.array([fill])
    hdf.attach(made, scales)
    return made
