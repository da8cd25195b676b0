"""
Which files a study makes: its results by name, what each figure is drawn from, which notebooks it gets.

A room that adds a result, a figure or a notebook adds a line here; the rules ask this table and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from nunatak.study import Study


class Result(NamedTuple):
    """A file below a study's folder of results, and whether the study makes it."""

    path: str
    made: Callable[[Study], bool]


def _has(*products):
    """Whether a study asks for all of these products."""
    return lambda study: all(product in study.products for product in products)


RESULTS = {
    "regions": Result("regions.geojson", lambda study: True),
    "change": Result("atl15/height_change.nc", _has("atl15")),
    "region_change": Result("atl15/region_change.csv", _has("atl15")),
    "change_by_elevation": Result("atl15/change_by_elevation.csv", _has("atl15")),
    "transects": Result("elevation/transects.nc", lambda study: "atl15" in study.products and bool(study.transects)),
    "surface": Result("atl14/surface.nc", _has("atl14")),
    "repeat_pairs": Result(
        "elevation/repeat_pairs.parquet", lambda study: "atl06" in study.products and len(study.chunks("atl06")) > 1
    ),
}

# what each figure is drawn from, beside the outlines and the granule tables; those a study lacks are left out
FIGURES: dict[str, tuple[str, ...]] = {
    "extent": ("change",),
    "height_change_region": ("change",),
    "height_change_focus": ("change",),
    "height_change_series": ("region_change",),
    "change_by_elevation": ("change_by_elevation",),
    "transect": ("change", "transects"),  # every transect_<name>
    "repeat_pair": ("repeat_pairs",),
}

# the notebook of each topic, and the results any of which it speaks of
TOPICS = {
    "elevation_change": ("change", "repeat_pairs"),
}

# products whose rows along the track are kept as points, a file per chunk
POINTS = ("atl06",)


def results(study: Study) -> dict[str, str]:
    """The results a study makes: name to path below its folder."""
    return {name: result.path for name, result in RESULTS.items() if result.made(study)}


def drawn_from(study: Study, figure: str) -> dict[str, str]:
    """The results a figure of a study is drawn from, by name."""
    kind = next((kind for kind in FIGURES if figure == kind or figure.startswith(f"{kind}_")), figure)
    kind = figure if figure in FIGURES else kind
    made = results(study)
    return {name: made[name] for name in ("regions", *FIGURES[kind]) if name in made}


def topics(study: Study) -> list[str]:
    """The notebooks a study gets."""
    made = results(study)
    return [topic for topic, names in TOPICS.items() if any(name in made for name in names)]
