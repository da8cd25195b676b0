"""Write one product of a world into a folder, with its catalogue."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from nunatak.runtime import NunatakError
from nunatak.simulation import catalogue

# One line per product: the module whose `write(world, folder)` makes its granules, imported on first use. Products cut
# into chunks by cycle take `cycles` as well, by month `months`.
PRODUCTS = {
    "atl03": "nunatak.simulation.atl03",
    "atl06": "nunatak.simulation.atl06",
    "atl07": "nunatak.simulation.atl07",
    "atl08": "nunatak.simulation.atl08",
    "atl10": "nunatak.simulation.atl10",
    "atl11": "nunatak.simulation.atl11",
    "atl14": "nunatak.simulation.atl14",
    "atl15": "nunatak.simulation.atl15",
    "itslive": "nunatak.simulation.itslive",
}
_CYCLE = re.compile(r"cycle(\d{2})(?:-\d+of\d+)?$")
_MONTH = re.compile(r"(\d{4}-\d{2})(?:-\d+of\d+)?$")


def write_product(world, product, folder, *, chunks=None):
    """
    Write the granules of one product and `catalogue.parquet` beside them.

    Parameters
    ----------
    world : World
    product : such as "atl15"
    folder : made where it does not exist
    chunks : names of the chunks wanted, such as "cycle03" or "2019-09"; all by default. Products that are cut
        neither by cycle nor by month are written whole whatever the chunks

    Returns
    -------
    DataFrame, the granule table (`granules.granule_table`) with what the catalogue knows about each granule

    Raises
    ------
    NunatakError : no writer for this product
    """
    if product not in PRODUCTS:
        raise NunatakError(f"simulated archive: no granules of '{product}'; there are {', '.join(sorted(PRODUCTS))}")
    if product in ("atl14", "atl15") and not world.region_codes:
        raise NunatakError(
            f"products.{product}: ATL14/15 cover Antarctica, Greenland, Iceland, Svalbard and the Canadian and Russian "
            f"Arctic, and no part of the region of {world.name}; leave {product} out of the study"
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    cycles = sorted({int(match[1]) for match in map(_CYCLE.match, chunks or ()) if match})
    months = sorted({match[1] for match in map(_MONTH.match, chunks or ()) if match})
    options = {key: values for key, values in (("cycles", cycles), ("months", months)) if values}
    paths = importlib.import_module(PRODUCTS[product]).write(world, folder, **options)
    table = catalogue.catalogue(world, paths)
    catalogue.write(table, folder)
    return table
