"""The made-up archive with known truth: worlds, ground tracks, and one writer per product."""

from nunatak.simulation.glacier import Glacier
from nunatak.simulation.products import write_product
from nunatak.simulation.worlds import World, names, world

__all__ = ["Glacier", "World", "names", "world", "write_product"]
