"""Simulated BedMachine: thickness and bed of the truth in the nominal year of the sheet, with errors of the bed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj

from nunatak.products.bedmachine_releases import GROUNDED, MASS_CONSERVATION, RELEASES
from nunatak.runtime import written
from nunatak.simulation import hdf, ice_sheets, noise
from nunatak.simulation.itslive_pairs import site_of

if TYPE_CHECKING:
    from nunatak.simulation.worlds import World

NAMES = {
    "greenland": "BedMachineGreenland-v6.nc",
    "antarctica": "NSIDC-0756_BedMachineAntarctica_19700101-20191001_V04.1.nc",
}
CELLS = {"greenland": 150.0, "antarctica": 500.0}  # m
VERSIONS = {"greenland": "6", "antarctica": "4"}
CORRELATION_RANGE = 5e3  # m, of the made-up errors of the bed
# Where the ice is faster (m/yr) the bed is found by mass conservation, else by interpolation: standard errors, m.
_FAST, _SIGMA_FAST, _SIGMA_SLOW = 50.0, 15.0, 50.0
_INTERPOLATION = {"greenland": 4, "antarctica": 3}
_ROOM = 5e3  # m beside the footprints of image pairs
_FILL = -9999.0


def write(world: World, folder: Path | str) -> list[Path]:
    """
    Write the file of the ice sheet that a world lies on: its cells where surface and velocity are observed.

    Parameters
    ----------
    world : World, the simulated world
    folder : Path, the folder that granules are written to

    Returns
    -------
    list of one Path
    """
    sheet = ice_sheets.sheet_of(world, "bedmachine")
    path = Path(folder) / NAMES[sheet]
    with written(path) as temporary, hdf.create(temporary) as file:
        x, y = ice_sheets.lattice(area(world), sheet, CELLS[sheet])
        ice_sheets.put_root(file, "BedMachine", f"(v{VERSIONS[sheet]}.1)")
        ice_sheets.put_mapping(file, sheet)
        scales = ice_sheets.put_axes(file, x, y, "i4")
        for name, values in layers(world, sheet, x, y).items():
            _put(file, name, values, scales)
    return [path]


def area(world: World) -> Any:
    """
    Return the box of a world's ATL14 files and image pairs, (left, bottom, right, top) in m of its system.

    Parameters
    ----------
    world : World, the simulated world
    """
    site = site_of(world)
    half = [h + site.jitter[world.size] + _ROOM for h in site.half[world.size]]
    x0, y0 = site.centre
    box = (x0 - half[0], y0 - half[1], x0 + half[0], y0 + half[1])
    if pyproj.CRS.from_epsg(site.epsg) != pyproj.CRS.from_user_input(world.crs):
        turned = pyproj.Transformer.from_crs(site.epsg, world.crs, always_xy=True)
        box = turned.transform_bounds(*box)
    left, bottom, right, top = world.height_bounds
    if not (box[0] < right and left < box[2] and box[1] < top and bottom < box[3]):  # the site is another world's
        return world.surface_bounds
    low = np.minimum(box[:2], world.surface_bounds[:2])
    return (*low, *np.maximum(box[2:], world.surface_bounds[2:]))


def layers(world: World, sheet: str, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """
    Return the variables of a file.

    Parameters
    ----------
    sheet : greenland or antarctica
    x, y : cell centres, m

    Returns
    -------
    dict of (ny, nx) arrays. The simulated ice has no firn, so that of Antarctica is 0 and its surface the real one
    """
    truth, year = world.truth, RELEASES[sheet, VERSIONS[sheet]].year
    gx, gy = np.meshgrid(x, y)
    ice = truth.ice(gx, gy)
    surface = truth.surface(gx, gy, year) - truth.geoid
    fast = np.hypot(*truth.velocity(gx, gy, year)) > _FAST
    errbed = np.where(fast, _SIGMA_FAST, _SIGMA_SLOW)
    field = noise.CorrelatedField(ice.shape, CELLS[sheet], CORRELATION_RANGE)
    error = errbed * field.draw(world.rng("bedmachine", "errors"))
    thickness = np.where(ice, np.maximum(truth.thickness(gx, gy, year) + error, 1.0), 0.0)
    made = {
        "thickness": thickness,
        "surface": np.where(ice, surface, np.maximum(surface, 0.0)),
        "bed": np.where(ice, surface - thickness, truth.bed(gx, gy) - truth.geoid),
        "errbed": errbed,
        "geoid": np.full(ice.shape, round(truth.geoid), "i2"),
        "mask": np.where(ice, GROUNDED, np.where(surface > 0, 1, 0)).astype("i1"),
        "source": np.where(ice, np.where(fast, MASS_CONSERVATION, _INTERPOLATION[sheet]), 10).astype("i1"),
    }
    return made | ({"firn": np.zeros(ice.shape)} if sheet == "antarctica" else {})


def _put(file, name, values, scales):
    whole = values.dtype.kind == "i"
    chunks = tuple(min(n, 400) for n in values.shape)
    fields: dict[str, Any] = {"chunks": chunks, "shuffle": True, "grid_mapping": "mapping"}
    if whole:
        made = hdf.put(file, name, values, **fields)
    else:
        made = hdf.put(file, name, hdf.quantised(values), fill=_FILL, units="meters", **fields)
    hdf.attach(made, scales)
