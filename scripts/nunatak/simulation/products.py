"""Write one product of a world into a folder, with its catalogue."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nunatak.compute.registry import registry
from nunatak.granules.forms import GRID
from nunatak.granules.products import PRODUCTS, product_row
from nunatak.runtime import NunatakError
from nunatak.simulation import catalogue

if TYPE_CHECKING:
    import pandas as pd

    from nunatak.simulation.worlds import World

# Writers of products cut into chunks by cycle take `cycles` as well, by month `months`.
writer_of = registry(PRODUCTS, "writer")
_CYCLE = re.compile(r"cycle(\d{2})(?:-\d+of\d+)?$")
_MONTH = re.compile(r"(\d{4}-\d{2})(?:-\d+of\d+)?$")


def write_product(world: World, product: str, folder: Path | str, *, chunks: Any = None) -> pd.DataFrame:
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
    if not product_row(product).writer:
        known = ", ".join(sorted(row.name for row in PRODUCTS.values() if row.writer))
        raise NunatakError(f"simulated archive: no granules of '{product}'; there are {known}")
    if product_row(product).name_form == GRID and not world.region_codes:
        raise NunatakError(
            f"products.{product}: ATL14/15 cover Antarctica, Greenland, Iceland, Svalbard and the Canadian and Russian "
            f"Arctic, and no part of the region of {world.name}; leave {product} out of the study"
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    cycles = sorted({int(match[1]) for match in map(_CYCLE.match, chunks or ()) if match})
    months = sorted({match[1] for match in map(_MONTH.match, chunks or ()) if match})
    options = {key: values for key, values in (("cycles", cycles), ("months", months)) if values}
    paths = writer_of(product)(world, folder, **options)
    table = catalogue.catalogue(world, paths)
    catalogue.write(table, folder)
    return table
