"""The made-up worlds by name: what is true, where, when, and which tracks see it."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nunatak.runtime import NunatakError

SIZES = ("tiny", "full")

# One line per world: the module, imported on first use, and its function that builds it, `build(size) -> World`.
_BUILDERS = {
    "austfonna": ("nunatak.simulation.austfonna", "build"),
    "pine_island": ("nunatak.simulation.pine_island", "build"),
    "ross_sea": ("nunatak.simulation.seaice", "build"),
    "ross_sea_year": ("nunatak.simulation.seaice", "build_year"),
}


@dataclass(frozen=True)
class World:
    """
    A made-up place under observation.

    Attributes
    ----------
    name, size : such as "austfonna" and "tiny"
    seed : of all noise. It is the date from which ICESat-2 counts time, fixed before any result was looked at and
        never changed to improve one
    truth : the truth object, for land ice a `glacier.Glacier`
    crs : system of the truth's x and y
    bbox : (west, south, east, north) of the study region, degrees
    period : first and last decimal year of the observations
    cycles : first and last ICESat-2 cycle
    region_codes : ATL14/15 regions that cover the place
    height_bounds : (left, bottom, right, top) of the ATL15 files, m in `crs`, multiples of 40 km
    surface_bounds : the same for ATL14
    tracks : mapping of RGT to the cycles in which ATL06 sees it
    track_bbox : box of longitude and latitude to which along-track granules are cut
    settings : what one product's writer alone needs, by name
    """

    name: str
    size: str
    seed: int
    truth: Any
    crs: str
    bbox: tuple
    period: tuple
    cycles: tuple = (3, 25)
    region_codes: tuple = ()
    height_bounds: Any = None
    surface_bounds: Any = None
    tracks: dict = field(default_factory=dict)
    track_bbox: Any = None
    settings: dict = field(default_factory=dict)

    def rng(self, *keys) -> np.random.Generator:
        """
        Create a random generator for one thing, such as rng("atl06", 548, 3, "gt1l").

        It depends on the world, its seed and the keys only, so that neither the order nor the choice of granules
        changes any of them.
        """
        text = "|".join(map(str, (self.name, self.size, self.seed, *keys)))
        return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little"))


def names() -> list[str]:
    """List the names of the worlds, sorted."""
    return sorted(_BUILDERS)


def world(name: str, size: str = "full", place: Mapping[str, Any] | None = None, *, sea_ice: bool = False) -> World:
    """
    Build a world by name, or a generic one for a place.

    Parameters
    ----------
    name : of a world that comes with the workflow; any name where `place` is given
    size : tiny or full
    place : mapping, see `generic.build`; None for a world by name
    sea_ice : whether the truth of a generic world is sea ice and not land ice

    Raises
    ------
    NunatakError
        for an unknown name or size, with those that exist.
    """
    if size not in SIZES:
        raise NunatakError(f"simulated archive: size '{size}' is not known; write {' or '.join(SIZES)}")
    if place is not None:
        from nunatak.simulation import generic

        return generic.build(name, size, place, sea_ice=sea_ice)
    if name not in _BUILDERS:
        raise NunatakError(f"simulated archive: no world named '{name}'; there are {', '.join(names())}, and generic")
    module, builder = _BUILDERS[name]
    return getattr(importlib.import_module(module), builder)(size)
