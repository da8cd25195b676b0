"""Simulated ATL07: sea-ice heights along six beams, in granules like those of release 003 and later."""

from __future__ import annotations

from nunatak.products.atl07 import LAYOUT
from nunatak.simulation import seaice_layout

VERSION = "007"


def write(world, folder, *, months=None, rgts=None, version=VERSION):
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
    return seaice_layout.write_granules(world, folder, "ATL07", version, _columns, months=months, rgts=rgts)


def _columns(segments, rng):
    values = seaice_layout.position_columns(segments, rng) | seaice_layout.height_columns(segments, rng)
    values["ice_conc"] = (segments.concentration, "f4", "1")
    paths = {name: LAYOUT.paths[name][0] if name in LAYOUT.paths else f"{LAYOUT.roots[0]}/{name}" for name in values}
    return {paths[name]: column for name, column in values.items()}
