"""
Which files a study makes: its results by name, what each figure is drawn from, which notebooks it gets.

The rules ask these functions and nothing else. A new result is a row of `results.table`, a new figure one of
`results.figures`, a new notebook a line here.
"""

from __future__ import annotations

from collections.abc import Iterable

from nunatak.granules.products import product_row, products_with
from nunatak.results.figures import FIGURES, composed, row_of
from nunatak.results.table import FURTHER, RASTERS, RESULTS, Study, is_local

# the notebook of each topic, and the results any of which it speaks of
TOPICS = {
    "elevation_change": ("change", "surface", "repeat_pairs", "record"),
    "along_track": ("track",),
    "photons": ("photon_cloud",),
    "freeboard": ("freeboard",),
    "velocity": ("annual",),
    "dynamics": ("discharge",),
}

# products whose rows along the track are kept as points, a file per chunk
POINTS = products_with(kept="points")

# products whose rows are summed onto a grid, granule by granule, and not kept
SUMMED = products_with(kept="sums")


def is_read(study: Study, product: str) -> bool:
    """
    Return whether a product's granules are read chunk by chunk, so that a ledger says what reading found.

    Parameters
    ----------
    study : Study, the study as it was loaded
    product : str, the product's name
    """
    if product == "atl03":
        return study.products.atl03 is not None and study.products.atl03.extents
    return product_row(product).kept in ("points", "sums", "fit")


def results(study: Study) -> dict[str, str]:
    """
    Return the results a study makes: name to path below its folder.

    Parameters
    ----------
    study : Study, the study as it was loaded
    """
    return {name: result.path for name, result in RESULTS.items() if result.made(study)}


def rasters(study: Study) -> dict[str, str]:
    """
    Return the rasters for a GIS that a study makes: name to path below its folder.

    Parameters
    ----------
    study : Study, the study as it was loaded
    """
    return {name: FURTHER[name].path for name in RASTERS if FURTHER[name].made(study)}


def of_chunks(study: Study, product: str) -> tuple[str, ...]:
    """
    List the folders below a product's in which a study keeps one table for every chunk.

    Parameters
    ----------
    study : Study, the study as it was loaded
    product : str, the product's name
    """
    tables: tuple[str, ...] = ()
    if product in POINTS:
        tables = ("points",)
    elif product in SUMMED:
        tables = ("sums", "levels", "tallies")
    elif product == "atl06sr":
        tables = ("segments",)
    elif is_read(study, product):
        tables = ("extents",)
    fetched = ("ledger",) if product != "atl06sr" or is_local(study) else ()
    return (*fetched, *(("read",) if is_read(study, product) else ()), *tables)


def everything(study: Study, formats: Iterable[str] = ()) -> list[str]:
    """
    List every table, grid, cube, figure and executed notebook of a study: paths below its folder, sorted.

    `formats` are those of its figures that are drawn for other studies' sake.

    Parameters
    ----------
    study : Study, the study as it was loaded
    formats : sequence of str, such as ("pdf", "png")
    """
    paths = [result.path for result in (*RESULTS.values(), *FURTHER.values()) if result.made(study)]
    for product in study.products:
        paths += [f"{product}/{name}" for name in ("granules.parquet", "left_out.parquet", "counts.csv")]
        for kind in of_chunks(study, product):
            paths += [f"{product}/{kind}/{chunk}.parquet" for chunk in study.chunks(product)]
    suffixes = sorted({"png", "json", *study.figures.formats, *formats})
    paths += [f"figures/{name}.{suffix}" for name in study.figure_names for suffix in suffixes]
    paths += [f"{topic}.{suffix}" for topic in topics(study) for suffix in ("html", "ipynb")]
    return sorted([*paths, "checks.json"])


def possible() -> dict[str, list[str]]:
    """Return what some study makes and another does not: `files` below its folder, `products` and `topics` by name."""
    files = [result.path for result in (*RESULTS.values(), *FURTHER.values())]
    return {"files": files, "products": list(products_with(in_study=True)), "topics": list(TOPICS)}


def drawn_from(study: Study, figure: str) -> dict[str, str]:
    """
    Return the results a figure of a study is drawn from, by name. Those the study lacks are left out.

    Parameters
    ----------
    study : Study, the study as it was loaded
    figure : Figure, a row of the table of figures
    """
    made, row = results(study), row_of(figure)
    parts = composed.parts_of(study, figure) if row.topic == "composed" else ()
    inputs = dict.fromkeys(("regions", *row.inputs, *(name for part in parts for name in row_of(part).inputs)))
    return {name: made[name] for name in inputs if name in made}


def figure_listing(study: Study) -> list[str]:
    """
    List the figures by name with what each shows, as lines of text: those a study draws, then all others.

    Names are what `figures: {names: [..]}` takes.

    Parameters
    ----------
    study : Study, the study as it was loaded
    """
    drawn = [(name, row_of(name)) for name in study.figure_names]
    others = [row for row in FIGURES.values() if row not in [row for _, row in drawn]]
    return [
        "drawn:",
        *(f"  {name:28s} {row.shows}" for name, row in drawn),
        "others, where products and keys of the study allow them:",
        *(f"  {row.listed:28s} {row.shows}" for row in others),
    ]


def topics(study: Study) -> list[str]:
    """
    List the notebooks a study gets.

    Parameters
    ----------
    study : Study, the study as it was loaded
    """
    made = results(study)
    return [topic for topic, names in TOPICS.items() if any(name in made for name in names)]
