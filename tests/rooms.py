"""Declare the rooms of the library, floor by floor, and what each may import."""

from __future__ import annotations

from typing import NamedTuple


class Room(NamedTuple):
    """One room of the library."""

    name: str
    """a package or module below scripts/nunatak"""
    imports: tuple[str, ...]
    """rooms of the same floor that it may import, beside all floors below"""
    holds: str
    """what is in it, one sentence"""


FLOORS: tuple[tuple[str, tuple[Room, ...]], ...] = (
    (
        "foundation",
        (
            Room("constants", (), "Names and values with unit and source: beams, orbits, densities, fill values."),
            Room("endings", (), "How jobs and runs end that were told to, or for want of memory or space, in words."),
            Room(
                "runtime",
                ("endings",),
                "A job's log, errors, atomic writing, provenance attributes, and the user's screen.",
            ),
            Room("times", ("constants",), "Conversion between GPS seconds, `delta_time`, UTC and decimal years."),
        ),
    ),
    (
        "ground",
        (
            Room(
                "compute", (), "Compiled kernels, robust estimators, threads and Dask, and the code a script reaches."
            ),
            Room("files", (), "Tables, rasters, streams and byte ranges, read and written."),
            Room("geometry", (), "Regions, outlines, polygons and grids."),
            Room("granules", (), "The table of products, granule names, buckets of time, ledgers and outcomes."),
            Room("parameters", (), "Every choice of a study: default, range, unit and help, declared once."),
        ),
    ),
    (
        "study",
        (
            Room("results", (), "The tables of results and figures, their paths, conditions and readers."),
            Room("study", ("results",), "The study file as typed models, its schema and its reference."),
        ),
    ),
    (
        "granules in",
        (
            Room("products", (), "One reader per product: a granule in, tables or arrays with units out."),
            Room("archives", ("products",), "Search and fetch: folders, NASA, ITS_LIVE, simulated granules."),
            Room("reading", ("products", "archives"), "The granules of a ledger read one by one, with each outcome."),
        ),
    ),
    (
        "science",
        (
            Room("gridding", (), "Points accumulated on a grid, statistics by time bin, kriging and smoothing."),
            Room("photons", ("gridding",), "Photons cut into extents and fitted: ATL06-SR."),
            Room("elevation", ("gridding",), "Height change: rates, crossovers, repeat pairs, volume and its errors."),
            Room("velocity", ("gridding",), "Image-pair cubes, annual fits, inversion, flowlines, gates and strain."),
            Room(
                "dynamics",
                ("velocity", "elevation", "gridding"),
                "Elevation and velocity together: flux, its divergence, dynamic thinning and budgets.",
            ),
            Room("simulation", (), "The simulated archive: one truth, and a writer for each product."),
        ),
    ),
    (
        "answers",
        (
            Room("checks", (), "Checks of a study's results, with numbers, limits and pass or fail."),
            Room("figures", (), "The table of figures and the layouts that draw them."),
            Room(
                "cubes",
                (),
                "Image pairs planned, stacked and assembled to a cube on disk; datacubes and mosaics read.",
            ),
            Room("service", (), "SlideRule's interface answered by the photon engine."),
        ),
    ),
    (
        "pages",
        (
            Room("reports", (), "Notebooks executed, the front page, provenance, verification and bundles."),
            Room("api", ("explorer",), "Functions for notebooks: paths in, tables and datasets out."),
            Room("explorer", (), "The page that chooses a region on a map, and the study file that it writes."),
        ),
    ),
)
# what a room may not reach although it lies below
FORBIDDEN = {
    "gridding": ("archives", "reading", "study", "results"),
    "photons": ("archives", "reading", "study", "results"),
    "elevation": ("archives", "reading", "study", "results"),
    "velocity": ("archives", "reading", "study", "results"),
    "simulation": ("archives", "reading", "study", "results"),
    "products": ("study", "results"),
    "figures": ("archives", "reading", "simulation"),
    "service": ("elevation", "velocity", "gridding", "simulation"),
}


def rooms() -> dict[str, Room]:
    """Return every room by its name."""
    return {room.name: room for _, floor in FLOORS for room in floor}


def allowed(name) -> set[str]:
    """Return the rooms that a room may import, itself included."""
    below: set[str] = set()
    for _, floor in FLOORS:
        for room in floor:
            if room.name == name:
                return (below | {name, *room.imports}) - set(FORBIDDEN.get(name, ()))
        below |= {room.name for room in floor}
    raise KeyError(name)


def drawing() -> str:
    """Return the floors as the table that docs/architecture.md shows, the upper ones first."""
    lines = [
        "| floor | room | what is in it | beside lower floors it imports | it does not import |",
        "| --- | --- | --- | --- | --- |",
    ]
    for title, floor in reversed(FLOORS):
        for room in floor:
            cells = (
                title,
                f"`{room.name}`",
                room.holds,
                ", ".join(f"`{name}`" for name in room.imports) or "–",
                ", ".join(f"`{name}`" for name in FORBIDDEN.get(room.name, ())) or "–",
            )
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
