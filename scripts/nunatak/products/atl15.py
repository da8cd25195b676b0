"""
ATL15: height change of land ice since 2020.0 on 1, 10, 20 and 40 km grids, and its lagged rates.

Epochs are (decimal year - 2018) x 365.25 days since 2018-01-01; the lag of a rate is only in its group's name and time
axis. Quarterly and monthly files are read alike.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nunatak.constants import DAYS_PER_YEAR
from nunatak.products import GranuleError, hdf5, polar_grid
from nunatak.products.columns import Column
from nunatak.times import from_decimal_year

if TYPE_CHECKING:
    import xarray as xr

_DAYS = Column("f8", 0, 8100, 1)  # since 2018-01-01, to 2040


def read_height_change(paths: Path | str, *, bounds: tuple[float, float, float, float] | None = None) -> xr.Dataset:
    """
    Read height change since the datum of 2020.0, of one file or of several Antarctic quadrants.

    The rows and columns that quadrants share count once.

    Parameters
    ----------
    paths : path or paths of ATL15 granules of one resolution
    bounds : (left, bottom, right, top), metres in the product's projection; cells that touch them are read,
        never fewer than two rows and columns

    Returns
    -------
    Dataset (time, y descending, x) with delta_h, delta_h_sigma (m), ice_area (m2, true area) and, at 1 km, data_count;
        coordinates time (UTC) and decimal_year; delta_h is NaN where there is no ice.
        attrs: crs, resolution (m), region_code

    Raises
    ------
    GranuleError : a file is broken or not ATL15, files do not belong together, or none touches the bounds
    """
    return _read(paths, lambda file, path: "delta_h", "delta_h", ("delta_h_sigma",), ("data_count",), bounds)


def read_rates(paths: Path | str, lag: int, *, bounds: Any = None) -> xr.Dataset:
    """
    Read rates of height change over a lag.

    dhdt(t) = [delta_h(t + lag/2) - delta_h(t - lag/2)] / lag, so it already is a difference of epochs, and dhdt_sigma
    already knows what the two epochs share.

    Parameters
    ----------
    paths, bounds : as in `read_height_change`
    lag : quarters between the epochs (1 quarterly, 4 annual, ..), one of `lags`

    Returns
    -------
    Dataset (time, y descending, x) with dhdt, dhdt_sigma (m/yr), ice_area (m2, mean of the two epochs; cells without
        ice at either are NaN); time is the middle of the interval.
        attrs: lag_years beside those of `read_height_change`
    """

    def group_of(file, path):
        found = _lags(file)
        for quarters, group in found.items():
            if abs(quarters - lag) < 1e-6:
                return group
        raise GranuleError(f"{path}: no rates over {lag} quarters; it has: {', '.join(f'{q:g}' for q in found)}")

    rates = _read(paths, group_of, "dhdt", ("dhdt_sigma",), (), bounds)
    rates.attrs["lag_years"] = lag / 4
    return rates


def lags(path: Path | str) -> dict[float, str]:
    """
    Return the lags a file holds, ascending: quarters between the two epochs -> group.

    A monthly file's lags may be fractions of a quarter.

    Parameters
    ----------
    path : str or Path, the granule
    """
    with hdf5.open_granule(path) as file:
        hdf5.check_product(file, "ATL15")
        return _lags(file)


def _read(paths, group_of, value, others, optional, bounds):
    """Read one group of every file that touches the bounds, and join them."""
    paths = polar_grid.as_paths(paths)
    parts, used = [], []
    for path in paths:
        with hdf5.open_granule(path) as file:
            hdf5.check_product(file, "ATL15")
            name = group_of(file, path)
            if name not in file:
                raise hdf5.missing(file, name)
            group = file[name]
            window = polar_grid.window_of(group, bounds)
            if window is None:
                continue
            part = polar_grid.dataset_of(group, window, (value, *others, "ice_area"), optional=optional)
            year = _years(group)
            part = part.assign_coords(
                time=("time", from_decimal_year(year)), decimal_year=("time", year, {"units": "years"})
            )
            part.attrs = polar_grid.attributes(file, group, value, window, path, "ATL15")
        iced = part.ice_area > 0
        parts.append(part.assign({name: part[name].where(iced) for name in (value, *others)}))
        used.append(path)
    if not parts:
        raise GranuleError(f"{paths[0]}: bounds {tuple(bounds)} do not touch the grid of any file given; widen them")
    return polar_grid.finish(parts, used, value)


def _years(group):
    """Return decimal years of a group's time axis."""
    days = hdf5.read(group, "time", column=_DAYS)
    known = (days >= _DAYS.low) & (days <= _DAYS.high)
    if days.size == 0 or not known.all() or not np.all(np.diff(days) > 0):
        raise GranuleError(
            f"{group.file.filename}: {group.name.lstrip('/')}/time does not ascend from 2018 on; fetch it again"
        )
    return 2018.0 + days / DAYS_PER_YEAR


def _lags(file):
    """
    Return quarters -> group of an open file.

    The middle of the first interval is half a lag after the first epoch; the number in the name must say the same, in
    quarters or in months.
    """
    if "delta_h" not in file:
        raise hdf5.missing(file, "delta_h")
    start = _years(file["delta_h"])[0]
    found = {}
    for name in file:
        match = re.fullmatch(r"dhdt_\D*(\d+)\D*", name)
        if not match:
            continue
        quarters = 8 * (_years(file[name])[0] - start)
        named = int(match[1])
        if not np.isclose(quarters, [named, named / 3], rtol=1e-3).any():
            raise GranuleError(
                f"{file.filename}: {name}: its epochs are {quarters:g} quarters apart, its name says {named}; "
                "fetch it again"
            )
        whole = round(quarters)
        found[whole if abs(quarters - whole) < 1e-3 else round(3 * quarters) / 3] = name
    return dict(sorted(found.items()))
