"""Simulated ATL07: sea-ice heights along six beams, in granules like those of release 003 and later."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nunatak.granules import variables
from nunatak.simulation import seaice_layout

if TYPE_CHECKING:
    from nunatak.simulation.worlds import World

VERSION = "007"


def write(
    world: World, folder: Path | str, *, months: Any = None, rgts: list[int] | None = None, version: str = VERSION
) -> list[Path]:
    """
    Write the ATL07 granules of a world of sea ice, one for each pass over its `track_bbox`.

    Parameters
    ----------
    world : World whose truth is a `seaice.SeaIce`
    folder : where the granules go
    months : such as ["2019-09"]; all of the period by default
    rgts : only these tracks; all by default

    Returns
    -------
    list of Path, sorted by name
    """
    return seaice_layout.write_granules(
        world, folder, "ATL07", version, partial(_columns, version=version), months=months, rgts=rgts
    )


def _columns(segments, rng, *, version):
    values = seaice_layout.position_columns(segments, rng) | seaice_layout.height_columns(segments, rng)
    values |= seaice_layout.concentration_columns(segments, version)
    return {variables.paths("atl07", name)[0]: column for name, column in values.items()}
