"""
ITS_LIVE's record of height change from all altimeters, monthly on 1920 m grids of a whole ice sheet.

The copies in ITS_LIVE's bucket and at NSIDC name the variables differently and are read alike. Values may be packed by
a scale and an offset. Only the window and the months that are asked for are read, so a file can stay where it lies.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import xarray as xr

from nunatak.files import remote
from nunatak.products import GranuleError, hdf5, sheet_window, sheets
from nunatak.times import nanoseconds

SPELLINGS = {
    "dh": ("dh", "height_change"),
    "dh_sigma": ("rms", "rmse", "height_change_rmse"),
    "quality": ("quality_flag",),
    "mask": ("mask",),
    "basin": ("basin", "glacier_basin"),
    "dfac_gemb": ("dfac_gemb",),
    "dfac_gsfc": ("dfac_gsfc",),
}
"""our name of a variable -> its names in the files"""
SHELF_SPELLINGS = {
    "dh": ("height_change",),
    "dh_sigma": ("height_change_err",),
    "shelf": ("ID",),
    "fac": ("fac",),
    "fac_mean": ("fac_mean",),
    "smb": ("smb",),
    "smb_mean": ("smb_mean",),
    "smb_sigma": ("smb_err",),
    "melt": ("melt",),
    "melt_mean": ("melt_mean",),
}
"""the same of the ice shelves; `fac_err` is left out: its values cannot be errors of firn air content"""
ZERO = {"greenland": "2014-01-01", "antarctica": "2013-12-16"}
"""date that the heights of a sheet are relative to"""
NO_DATA, HIGH, LOW, POLE_HOLE = 0, 1, 2, 3
ICE_SHEET, PERIPHERAL = 1, 2
_FLAGS = ("quality", "mask", "basin", "shelf")
_UNITS = {"smb": "m/yr", "smb_mean": "m/yr", "smb_sigma": "m/yr", "melt": "m/yr", "melt_mean": "m/yr"}
_PACKING = (("scale_factor", "1"), ("add_offset", "0"))
_SHELF_FILL = 9999.0  # stands for missing in firn and errors, without being declared
_LAND = 255
# No altimeter before CryoSat-2 saw farther; a flag of the pole hole cannot stand north of it.
_POLE_HOLE_LATITUDE = -81.5


def read_elevation(
    path: Path | str,
    *,
    bounds: tuple[float, float, float, float] | None = None,
    period: tuple[np.datetime64 | str, np.datetime64 | str] | None = None,
    variables: tuple[str, ...] | None = None,
    crs: str | None = None,
) -> xr.Dataset:
    """
    Read height change of grounded ice, in a window and a period.

    Parameters
    ----------
    path : file of Greenland or of grounded Antarctica, or its address: then only what is needed travels
    bounds : (left, bottom, right, top), m in the sheet's coordinate system; cells that touch them are read. Default:
        the whole sheet
    period : (start, end), instants in UTC, the end left out. Default: the whole record
    variables : some of `SPELLINGS`; dh and dh_sigma are always read. Default: all that the file has
    crs : coordinate system of `bounds`, to be held against the file's. Default: not compared

    Returns
    -------
    Dataset (time, y descending, x) with dh and dh_sigma (m, float32; dh against the day in the attribute relative_to),
        quality (time, y, x), mask and basin (y, x), firn air content against the same day dfac_gemb, dfac_gsfc (m).
        NaN where nothing was observed. attrs: crs, resolution (m), sheet, version, relative_to, and numbers of values
        of dh: values_read = values_kept + values_not_ice + values_no_data + values_pole_hole + values_constant;
        values_low_quality are among those kept

    Raises
    ------
    GranuleError : not such a file, of another sheet, or nothing of it lies in the bounds or the period

    Notes
    -----
    Flags 0 (no data) and 3 (pole hole) are no observations, nor is a cell whose value never changes in the period:
    fill near the pole. Codes 2 and 3 were exchanged in files that ITS_LIVE prepared for NSIDC, so a flag 3 north of
    81.5 S, where there is no pole hole, counts as low quality.

    Source
    ------
    Nilsson and Gardner (2026), doi 10.5194/essd-18-1729-2026; Nilsson, Gardner and Paolo (2022), doi
    10.5194/essd-14-3573-2022
    """
    with hdf5.open_granule(remote.location(path)) as file:
        if "ID" in file:
            raise GranuleError(f"{path}: is the record of floating ice shelves; take that of grounded ice")
        data = _read(file, SPELLINGS, ("dh", "dh_sigma"), variables, (bounds, crs, period))
        sheet = sheets.sheet_of(file)
        flags = _flags(file, data)
    data.attrs |= {"relative_to": ZERO[sheet]} | _keep_observed(data, flags)
    return data


def read_shelf(
    path: Path | str, *, bounds: Any = None, period: Any = None, variables: Any = None, crs: Any = None
) -> xr.Dataset:
    """
    Read height change, firn and mass balance of Antarctica's ice shelves, in a window and a period.

    Parameters
    ----------
    path, bounds, period, crs : as in `read_elevation`
    variables : some of `SHELF_SPELLINGS`; dh, dh_sigma and shelf are always read. Default: all that the file has

    Returns
    -------
    Dataset (time, y descending, x) with dh and dh_sigma (m of freeboard), shelf (y, x; 0 where there is none), and
        where the file has them fac (m of air), smb, melt and their means and errors (m of ice per year). attrs as in
        `read_elevation`, with values_read = values_kept + values_not_ice + values_constant

    Raises
    ------
    GranuleError : as in `read_elevation`

    Source
    ------
    Paolo et al. (2023), doi 10.5194/tc-17-3409-2023
    """
    with hdf5.open_granule(remote.location(path)) as file:
        if "ID" not in file:
            raise GranuleError(f"{path}: has no shelves (ID): is not the record of floating ice; take that one")
        data = _read(file, SHELF_SPELLINGS, ("dh", "dh_sigma", "shelf"), variables, (bounds, crs, period))
    data["shelf"] = data["shelf"].where(data["shelf"] != _LAND, 0)
    for name in set(data) - {"dh", "shelf"}:
        data[name] = data[name].where(np.abs(data[name]) < _SHELF_FILL)
    data.attrs |= {"relative_to": ""} | _keep_observed(data, {"not_ice": (data["shelf"] == 0).values})
    return data


def _read(file, spellings, needed, variables, where):
    """Read the wanted variables of a window and a period, as they are in the file, y descending."""
    bounds, crs, period = where
    unknown = sorted(set(variables or ()) - set(spellings))
    if unknown:
        raise GranuleError(f"{file.filename}: no variable {unknown[0]!r} is known; choose {', '.join(spellings)}")
    window = sheet_window.window(file, bounds, crs)
    time, steps = _period(file, period)
    wanted = [*needed, *(variables if variables is not None else spellings)]
    parts = {}
    for name in dict.fromkeys(wanted):
        inside = next((n for n in spellings[name] if hdf5.has(file, n)), None)
        if inside is not None:
            parts[name] = _values(file, inside, window, steps, flag=name in _FLAGS)
        elif name in needed:
            raise hdf5.missing(file, spellings[name][0])
    dims = {3: ("time", "y", "x"), 2: ("y", "x"), 1: ("time",)}
    made = {
        name: (dims[v.ndim], v, {} if name in _FLAGS else {"units": _UNITS.get(name, "m")}) for name, v in parts.items()
    }
    data = xr.Dataset(made, coords={"time": time, "y": window.y, "x": window.x})
    sheet = sheets.sheet_of(file)
    data.attrs = {
        "crs": sheets.SHEETS[sheet],
        "resolution": float(window.x[1] - window.x[0]),
        "sheet": sheet,
        "version": hdf5.attribute(file, "version", ""),
    }
    source = hdf5.attribute(file, "nunatak_source")
    data.attrs |= {"nunatak_source": source} if source else {}
    return data if window.y[0] > window.y[-1] else data.isel(y=slice(None, None, -1))


def _period(file, period):
    """Return times (UTC) of the steps in a period, and the steps as a slice."""
    time = sheets.times_of(file)
    if period is None:
        return time, slice(0, time.size)
    start, end = (nanoseconds(instant) for instant in period)
    inside = np.flatnonzero((time >= start) & (time < end))
    if not inside.size:
        span = f"{time[0].astype('datetime64[D]')} to {time[-1].astype('datetime64[D]')}"
        raise GranuleError(
            f"{file.filename}: its record of {span} has no month in the period {start.astype('datetime64[D]')} to "
            f"{end.astype('datetime64[D]')}; widen the period, or leave the product out"
        )
    steps = slice(int(inside[0]), int(inside[-1]) + 1)
    return time[steps], steps


def _values(file, name, window, steps, *, flag):
    """
    Read one variable of a window.

    Flags are small integers, others float32 with NaN, scale and offset applied.
    """
    shape = file[name].shape
    whole = tuple(file[axis].shape[0] for axis in ("time", "y", "x"))
    where = {3: (steps, window.rows, window.columns), 2: (window.rows, window.columns), 1: (steps,)}.get(len(shape))
    if where is None or shape != {3: whole, 2: whole[1:], 1: whole[:1]}[len(shape)]:
        raise GranuleError(
            f"{file.filename}: {name}: is {' x '.join(map(str, shape))}, not time x y x x "
            f"({' x '.join(map(str, whole))}); fetch the file again"
        )
    values = hdf5.read(file, name, where, as_float=not flag, packed=True)
    if flag:
        return np.nan_to_num(values, nan=NO_DATA).astype("u1")
    scale, offset = (float(hdf5.attribute(file[name], key, plain)) for key, plain in _PACKING)
    values = values.astype("f4", copy=False)
    return values if (scale, offset) == (1.0, 0.0) else values * np.float32(scale) + np.float32(offset)


def _flags(file, data):
    """Find values that are no observations, by reason: (time, y, x) or (y, x) bool arrays."""
    flags = {}
    if "mask" in data:
        flags["not_ice"] = ~np.isin(data["mask"].values, (ICE_SHEET, PERIPHERAL))
    if "quality" in data:
        quality = data["quality"].values
        quality = quality if quality.ndim == 3 else quality[:, None, None]
        x, y = np.meshgrid(data.x, data.y)
        far = np.hypot(x, y) > _pole_hole_radius()
        flags |= {"no_data": quality == NO_DATA, "pole_hole": (quality == POLE_HOLE) & ~far}
        flags["low_quality"] = (quality == LOW) | ((quality == POLE_HOLE) & far)
    return flags


def _pole_hole_radius():
    """Return the largest distance from the pole on the map (m) that the hole in the record reaches."""
    to_map = pyproj.Transformer.from_crs("EPSG:4326", sheets.SHEETS["antarctica"], always_xy=True)
    return float(np.hypot(*to_map.transform(0.0, _POLE_HOLE_LATITUDE)))


def _keep_observed(data, flags):
    """Make NaN of what was not observed, in place, and return the numbers of values by reason, as attributes."""
    dh, sigma = data["dh"].values, data["dh_sigma"].values
    low = flags.pop("low_quality", None)
    counts = {"values_read": int(np.isfinite(dh).sum())}
    flags = {**flags, "constant": None}
    for reason, wrong in flags.items():
        wrong = _constant(dh) if reason == "constant" else wrong
        lost = np.isfinite(dh) & wrong
        counts[f"values_{reason}"] = int(lost.sum())
        dh[lost] = np.nan
    counts["values_kept"] = int(np.isfinite(dh).sum())
    if low is not None:
        counts["values_low_quality"] = int((np.isfinite(dh) & low).sum())
    sigma[np.isnan(dh)] = np.nan
    return counts


def _constant(dh):
    """Find cells with two values or more that are all the same."""
    several = np.isfinite(dh).sum(axis=0) > 1
    return several & (np.fmax.reduce(dh, axis=0) == np.fmin.reduce(dh, axis=0))
