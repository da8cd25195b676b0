"""Where a made-up world lies on the grids that cover a whole ice sheet, and what the files of those grids share."""

from __future__ import annotations

import numpy as np

from nunatak.products.sheets import SHEETS
from nunatak.runtime import NunatakError
from nunatak.simulation import hdf

# Left, bottom, right, top of the products' grids, m.
EXTENT = {
    "greenland": (-657600.0, -3371520.0, 864960.0, -638400.0),
    "antarctica": (-2799360.0, -2799360.0, 2799360.0, 2799360.0),
}


def sheet_of(world, product) -> str:
    """
    Return the ice sheet a world lies on.

    Parameters
    ----------
    world : World, the simulated world
    product : str, the product's name

    Raises
    ------
    NunatakError : it lies on neither
    """
    sheet = next((name for name, crs in SHEETS.items() if crs == world.crs), None)
    if sheet is not None and world.height_bounds is not None:
        left, bottom, right, top = EXTENT[sheet]
        west, south, east, north = world.height_bounds
        if west < right and left < east and south < top and bottom < north:
            return sheet
    raise NunatakError(
        f"products.{product}: covers Greenland and Antarctica, and no part of the region of {world.name}; leave "
        f"{product} out of the study"
    )


def lattice(bounds, sheet, cell):
    """
    Return the cells of a sheet's grid inside some bounds: centres x ascending and y descending, m.

    Parameters
    ----------
    bounds : (left, bottom, right, top), m
    sheet : greenland or antarctica
    cell : side of the cells, m; the grid begins at the sheet's upper left corner
    """
    left, _, _, top = EXTENT[sheet]
    west, south, east, north = bounds
    columns = np.arange(np.ceil((west - left) / cell), np.floor((east - left) / cell))
    rows = np.arange(np.ceil((top - north) / cell), np.floor((top - south) / cell))
    return left + (columns + 0.5) * cell, top - (rows + 0.5) * cell


def put_root(file, title, version):
    """
    Write the root attributes: what the file is, and that it is simulated.

    Parameters
    ----------
    file : h5py.File, open for writing
    title : str, the title of the file
    version : str, the product's version
    """
    text = f"Simulated {title}: not observed, made by Nunatak from a known truth."
    hdf.put_attributes(file, {"Conventions": "CF-1.8", "title": text, "version": version, "nunatak_source": hdf.SOURCE})


def put_mapping(file, sheet):
    """
    Write the scalar variable `mapping`.

    Parameters
    ----------
    file : h5py.File, open for writing
    sheet : str, the ice sheet's name
    """
    north = sheet == "greenland"
    attributes = {
        "grid_mapping_name": "polar_stereographic",
        "straight_vertical_longitude_from_pole": -45.0 if north else 0.0,
        "latitude_of_projection_origin": 90.0 if north else -90.0,
        "standard_parallel": 70.0 if north else -71.0,
        "spatial_epsg": f"{SHEETS[sheet].removeprefix('EPSG:')}.0",
    }
    hdf.put_attributes(file.create_dataset("mapping", data=np.int8(0)), attributes)


def put_axes(file, x, y, dtype="f8"):
    """
    Write y and x as dimension scales, in this order.

    Parameters
    ----------
    file : h5py.File, open for writing
    x : array, m on the map of the truth
    y : array, m on the map of the truth, of the shape of `x`
    dtype : str or dtype, the stored type (default: "f8")
    """
    axes = {"y": y, "x": x}
    return [
        hdf.put(
            file,
            name,
            values.astype(dtype),
            scale=True,
            units="meter",
            standard_name=f"projection_{name}_coordinate",
        )
        for name, values in axes.items()
    ]
