"""Tell the simulated archive of a study: which made-up world it is about, and where and when a generic one is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nunatak.geometry import region
from nunatak.geometry.outlines import focus_outline
from nunatak.granules.products import asking_for, product_row

if TYPE_CHECKING:
    from nunatak.study.models import Study, StudyFile

# West, south, east, north of the worlds that come with the workflow; a test holds them to the simulation's own.
SHIPPED = {
    "austfonna": (10.0, 79.0, 30.0, 81.0),
    "pine_island": (-108.0, -77.5, -89.0, -73.5),
    "ross_sea": (160.0, -79.0, -150.0, -70.0),
    "ross_sea_year": (160.0, -79.0, -150.0, -70.0),
}
SEA_ICE = ("ross_sea", "ross_sea_year")
"""the worlds of them whose truth is sea ice; that of the others is a glacier"""
GENERIC = "generic"
MADE = "simulated"
"""what a key of `dynamics` that takes a raster says where the simulated archive makes it"""
RASTERS = {
    "thickness": "thickness.tif",
    "thickness_sigma": "thickness_sigma.tif",
    "smb": "smb.nc",
    "firn": "firn.nc",
}
"""those keys, and the file of each"""


def world_name(study: Study) -> str:
    """
    Return the name of a study's simulated world, or "generic".

    That is what its key `world` says, else the shipped world of the study's own name where that is true of the study's
    region and products, else "generic".
    """
    if study.world is not None:
        return study.world
    return study.name if study.name in SHIPPED and not _unlike(study, study.name) else GENERIC


def check_world(study: StudyFile) -> None:
    """
    Refuse a key `world` that names a world without a truth for the study's region or products.

    Raises
    ------
    ValueError : says where the world lies, or which product it lacks
    """
    if study.world not in (None, GENERIC) and (reason := _unlike(study, study.world)):
        raise ValueError(f"world: {study.world} {reason}; leave world out, or write generic")


def _unlike(study, name):
    """
    Say why a shipped world does not fit a study.

    The text is empty where it fits.
    """
    for product in study.products:
        if (product_row(product).kept == "sums") != (name in SEA_ICE):
            return f"is a world of {'sea ice' if name in SEA_ICE else 'a glacier'} and has no {product}"
    west, south, east, north = SHIPPED[name]
    box = region.load({"bbox": [west, south, east, north], "crosses_antimeridian": west > east}).geometry
    areas = {"region": study.region, "altimetry_region": study.altimetry_region}
    for key, area in areas.items():
        if area is not None and not area.intersects(box):
            return f"has longitudes {west:g} to {east:g} and latitudes {south:g} to {north:g}, and {key} lies outside"
    return ""


def world_folder(study: Study) -> str:
    """Return the folder of the simulated granules below resources/archive/simulated, such as austfonna-tiny."""
    name = world_name(study)
    return f"{study.name}-generic-{study.size}" if name == GENERIC else f"{name}-{study.size}"


def world_of(study: Study, product: str | None = None) -> dict:
    """
    Return what `simulation.world` is to be called with, as plain values.

    Parameters
    ----------
    study : Study
    product : adds the tracks and cycles the study asks of this product

    Returns
    -------
    dict of name and size; for a generic world also `place`, see `simulation.generic.build`
    """
    name = world_name(study)
    if name != GENERIC:
        return {"name": name, "size": study.size}
    place = {
        "region": study.region.as_dict(),
        "altimetry_region": study.altimetry_region.as_dict() if study.altimetry_region else None,
        "focus": focus_outline(study.focus.model_dump()).as_dict() if study.focus else None,
        "on_ice": _on_ice(study),
        "start": str(study.period.start),
        "end": str(study.period.end),
        "months": [str(month) for month in study.period.calendar_months()],
    }
    if product is not None:
        place |= {"rgt": _tracks(study, product), "cycles": _cycles(study, product)}
    return {"name": study.name, "size": study.size, "place": place}


def _on_ice(study):
    """List longitude and latitude of all points, gates, transects and starts of flowlines, which lie on the glacier."""
    found = [list(point) for point in study.points.values()]
    for line in (*study.gates.values(), *study.transects.values()):
        found += [list(point) for point in getattr(line, "lonlat", None) or ()]
    return found + [list(line.start) for line in study.flowlines.values() if getattr(line, "start", None)]


def rasters_made(study: Study) -> dict[str, str]:
    """Return the keys of `dynamics` whose rasters the simulated archive makes, and the file name of each."""
    given = dict(study.dynamics) if study.dynamics is not None else {}
    return {name: RASTERS[name] for name, value in given.items() if value == MADE}


def keys_of(study: Study) -> dict:
    """Return the keys of a study as plain values, with the paths of the rasters that the simulated archive makes."""
    keys = study.model_dump(mode="json")
    folder = f"{keys['resources']}/archive/simulated/{world_folder(study)}/rasters"
    for name, file in rasters_made(study).items():
        keys["dynamics"][name] = f"{folder}/{file}"
    return keys


def check_rasters_made(study: StudyFile) -> None:
    """
    Refuse rasters of the simulation with granules of another archive, or of what it does not make.

    Raises
    ------
    ValueError : the key, and what to write
    """
    for name, value in study.dynamics or ():
        if value == MADE and name not in RASTERS:
            raise ValueError(f"dynamics.{name}: is not simulated, as {', '.join(RASTERS)} are; give a raster or number")
        if value == MADE and study.archive != "simulated":
            raise ValueError(f"dynamics.{name}: is simulated with archive simulated alone; give a raster or number")


def _asking(study, product):
    """List the models that ask for the granules of a product. Photons are asked for by what is fitted to them, too."""
    return [study.products[name] for name in asking_for(product) if name in study.products]


def _tracks(study, product):
    """Return the reference ground tracks asked for by number, or None for all that cross."""
    asked = [getattr(model, "rgt", None) for model in _asking(study, product)]
    lists = [rgt for rgt in asked if rgt is not None and rgt != "auto"]
    return sorted({number for rgt in lists for number in rgt}) if lists and len(lists) == len(asked) else None


def _cycles(study, product):
    """Return the cycles asked for, within the period, or None for a product that is not cut by cycle."""
    chunks = {c.partition("-")[0] for name in asking_for(product) if name in study.products for c in study.chunks(name)}
    return sorted(int(chunk.removeprefix("cycle")) for chunk in chunks if chunk.startswith("cycle")) or None
