"""ATL14: the 100 m surface of land ice at 2020.0, heights above the WGS84 ellipsoid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nunatak.products import GranuleError, hdf5, polar_grid

if TYPE_CHECKING:
    import xarray as xr

_VARIABLES = ("h", "h_sigma", "ice_area")
_OPTIONAL = ("data_count",)


def read_surface(paths: Any, *, bounds: Any = None) -> xr.Dataset:
    """
    Read the reference surface of one file, or of several Antarctic quadrants joined without double counting.

    Parameters
    ----------
    paths : path or paths of ATL14 granules
    bounds : (left, bottom, right, top), metres in the product's projection; cells that touch them are read,
        never fewer than two rows and columns

    Returns
    -------
    Dataset (y descending, x) with h, h_sigma (m), ice_area (m2, true area) and data_count; NaN where there is no ice.
        attrs: crs, resolution (m), region_code

    Raises
    ------
    GranuleError : a file is broken or not ATL14, files do not belong together, or none touches the bounds
    """
    paths = polar_grid.as_paths(paths)
    parts, used = [], []
    for path in paths:
        with hdf5.open_granule(path) as file:
            hdf5.check_product(file, "ATL14")
            window = polar_grid.window_of(file, bounds)
            if window is None:
                continue
            part = polar_grid.dataset_of(file, window, _VARIABLES, optional=_OPTIONAL)
            part.attrs = polar_grid.attributes(file, file, "h", window, path, "ATL14")
        iced = part.ice_area > 0
        parts.append(part.assign({name: part[name].where(iced) for name in ("h", "h_sigma")}))
        used.append(path)
    if not parts:
        raise GranuleError(f"{paths[0]}: bounds {tuple(bounds)} do not touch the grid of any file given; widen them")
    return polar_grid.finish(parts, used, "h")
