"""Figures as pages show them: the image, its words, and links to the files beside it and below it."""

from pathlib import Path

from nunatak.reports.page import Figure, embedded
from nunatak.reports.words import minus, number
from nunatak.runtime import read_json

_RANGES = 4  # of the numbers drawn, told to who cannot see the figure


def picture(path: str | Path) -> Figure | None:
    """
    Read a figure of a study with its words and links.

    Parameters
    ----------
    path : PNG in the folder `figures` of the results, with its sidecar beside it

    Returns
    -------
    the figure with links relative to the folder of results, or None for one that was not drawn
    """
    path = Path(path)
    sidecar = read_json(path.with_suffix(".json"))
    if sidecar.get("not_drawn"):
        return None
    suffixes = [suffix for suffix in ("pdf", "svg") if path.with_suffix(f".{suffix}").is_file()]
    return Figure(
        path.stem,
        sidecar["title"],
        sidecar["caption"],
        embedded(path),
        tuple((suffix.upper(), f"figures/{path.stem}.{suffix}") for suffix in suffixes),
        alternative(sidecar),
        tuple(_links(sidecar, path.parent.parent)),
    )


def alternative(sidecar: dict) -> str:
    """
    Write what a figure shows for who cannot see it: its title, and the ranges of the numbers drawn.

    >>> drawn = {"rates": {"dhdt_m_yr": {"count": 9, "min": -1.5, "median": -0.25, "max": 0.5}}}
    >>> alternative({"title": "An ice cap: rates", "numbers": drawn})
    'An ice cap: rates. Numbers drawn: rates dhdt m yr from −1.50 to 0.500, median −0.250.'

    Parameters
    ----------
    sidecar : mapping of a figure's sidecar, with `title` and `numbers`
    """
    title = sidecar["title"].rstrip(".")
    told = list(_ranges(sidecar.get("numbers") or {}))[:_RANGES]
    return f"{title}. Numbers drawn: {'; '.join(told)}." if told else title


def _ranges(numbers, names=()):
    """Yield the range and the median of everything drawn, in words."""
    if not isinstance(numbers, dict):
        return
    if {"min", "max", "median"} <= set(numbers):
        name = " ".join(names).replace("_", " ")
        low, high, middle = (minus(number(numbers[key])) for key in ("min", "max", "median"))
        yield f"{name} from {low} to {high}, median {middle}"
        return
    for key, value in numbers.items():
        yield from _ranges(value, (*names, str(key)))


def _links(sidecar, folder):
    """Yield the files below the results that a figure was drawn from: (name, link)."""
    for name in sidecar.get("inputs", {}):
        parent, _, file = name.rpartition("/")
        link = file if parent == folder.name else name
        if (folder / link).is_file():
            yield link, link
