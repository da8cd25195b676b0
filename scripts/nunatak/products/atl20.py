"""
ATL20 and ATL21: NSIDC's own monthly and daily grids of freeboard and sea-surface height, 25 km polar stereographic.

No real file was at hand: the names are those that published readers use (root `grid_x, grid_y`, `monthly/mean_fb`,
`daily/dayNN/mean_fb`). `grid_lon` is off by 180 degrees in known releases and is not read: positions follow from x, y.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import xarray as xr

from nunatak import granules
from nunatak.products import GranuleError, hdf5
from nunatak.runtime import NunatakError

# ASSUME: NSIDC's grids on the Hughes ellipsoid; the file's own grid mapping is not CF-compliant (seen in release 004)
CRS = {"north": "EPSG:3411", "south": "EPSG:3412"}
_DAY = re.compile(r"^day(\d{2})$")


def read_freeboard(path: Path | str, *, daily: bool = False, variables: tuple[str, ...] = ("mean_fb",)) -> xr.Dataset:
    """
    Read the monthly grid of a file, or its days.

    Parameters
    ----------
    path : path of the file, under its own name (which tells month and hemisphere)
    daily : the days instead of the month
    variables : datasets of `monthly` or `daily/dayNN`; of ATL21 `mean_ssha` and the like

    Returns
    -------
    Dataset with dimensions (time, y, x), y descending; `time` is the start of month or day, fills are NaN, attrs hold
        `crs` and `hemisphere`

    Raises
    ------
    GranuleError : broken, another product, without the grids asked for, or with coordinates that are not a grid
    """
    path = Path(path)
    month, hemisphere = _identity(path)
    with hdf5.open_granule(path) as file:
        x, y = (np.unique(_coordinate(file, name)) for name in ("grid_x", "grid_y"))
        flip = _descends(file)
        groups = _layers(file, daily)
        layers = {
            v: [_oriented(hdf5.read(file[g], v), flip, (y.size, x.size), file, g) for _, g in groups] for v in variables
        }
    times = [month + np.timedelta64(day - 1, "D") for day, _ in groups]
    data = {name: (("time", "y", "x"), np.stack(values), {"units": "m"}) for name, values in layers.items()}
    coords = {"time": np.array(times, dtype="datetime64[ns]"), "y": y[::-1], "x": x}
    return xr.Dataset(data, coords=coords, attrs={"crs": CRS[hemisphere], "hemisphere": hemisphere})


def _identity(path):
    try:
        name = granules.parse(path.name)
    except NunatakError as error:
        raise GranuleError(
            f"{path}: give it its own name back (ATL20-01_<time>_...h5): it tells month and hemisphere"
        ) from error
    if name.product not in ("atl20", "atl21") or name.time_start is None:
        raise GranuleError(f"{path}: the name is that of an {name.product.upper()} granule, not of ATL20 or ATL21")
    return name.time_start.astype("datetime64[M]").astype("datetime64[D]"), name.hemisphere


def _coordinate(file, name):
    """Return distinct values of a coordinate, given as a vector or on the whole grid."""
    return np.asarray(hdf5.read(file, name), dtype="f8").ravel()


def _descends(file):
    """Return whether the first row is the northernmost of the grid."""
    y = np.asarray(hdf5.read(file, "grid_y"), dtype="f8")
    column = y[:, 0] if y.ndim == 2 else y
    return column[0] > column[-1]


def _layers(file, daily):
    """List (day of month, group) of what is to be read."""
    if not daily:
        if "monthly" not in file:
            raise hdf5.missing(file, "monthly")
        return [(1, "monthly")]
    days = [(int(m[1]), f"daily/{m[0]}") for m in map(_DAY.match, sorted(file.get("daily", ()))) if m]
    if not days:
        raise GranuleError(f"{file.filename}: no daily/dayNN group; read the monthly grid instead")
    return days


def _oriented(values, descends, shape, file, group):
    if values.shape != shape:
        raise GranuleError(
            f"{file.filename}: {group}: {values.shape} values do not fit grid_y x grid_x of {shape}; fetch it again"
        )
    return values.astype("f8") if descends else values[::-1].astype("f8")
