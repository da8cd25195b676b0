"""Height change as this workflow keeps it: a NetCDF file, a group per resolution, below it one per lag of the rates."""

from __future__ import annotations

import numpy as np

from nunatak.rasters import write_netcdf_groups
from nunatak.runtime import NunatakError


def write_height_change(layers, path, attributes=None):
    """
    Write height change and rates of several resolutions.

    Parameters
    ----------
    layers : mapping of resolution ("1km", ..) to (change, rates): a Dataset and a mapping of the lag in quarters to a
        Dataset, as `products.atl15` reads them
    attributes : mapping of text, such as `runtime.stamp` returns
    """
    groups = {}
    for resolution, (change, rates) in layers.items():
        groups[resolution] = change
        groups |= {f"{resolution}/dhdt_lag{lag:g}": rate for lag, rate in rates.items()}
    write_netcdf_groups(groups, path, attributes)


def resolutions(path) -> list[str]:
    """The resolutions in a file of height change, finest first."""
    import h5py

    with h5py.File(path, "r") as file:
        names = [name for name in file if isinstance(file[name], h5py.Group)]
    return sorted(names, key=lambda name: float(name.removesuffix("km")))


def read_height_change(path, resolution=None):
    """
    Height change and rates of one resolution (default the finest), in memory.

    Returns
    -------
    change : Dataset (time, y, x); rates : {lag in quarters: Dataset}
    """
    import h5py
    import xarray as xr

    held = resolutions(path)
    resolution = held[0] if resolution is None else resolution
    if resolution not in held:
        raise NunatakError(
            f"{path}: no group {resolution}; it has {', '.join(held)}: add it to the study's resolutions"
        )
    with h5py.File(path, "r") as file:
        lags = sorted(float(name.removeprefix("dhdt_lag")) for name in file[resolution] if name.startswith("dhdt_lag"))
    change = xr.load_dataset(path, group=resolution, engine="h5netcdf")
    rates = {
        lag: xr.load_dataset(path, group=f"{resolution}/dhdt_lag{lag:g}", engine="h5netcdf")
        for lag in (int(lag) if lag == np.floor(lag) else lag for lag in lags)
    }
    return change, rates
