"""How the granules of a product along the track are read for a study's points: what its settings choose."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from nunatak.products import atl06 as segments
from nunatak.products import atl06_filters
from nunatak.products import atl11 as reference_points


class PointReader(NamedTuple):
    """How the granules of one product are read for a study."""

    read: Callable[..., Any]
    """takes a path, `region`, `period`, `beams` and `variables`, and returns a table and the status of each beam"""
    nothing: Any
    """that table without a row"""
    variables: tuple[str, ...]
    """the variables that the study asks for, or that its filter and corrections look at"""


def atl06(settings, *, wished=(), corrections=()) -> PointReader:
    """
    Return how the segments of ATL06 are read for a study.

    Parameters
    ----------
    settings : the product's part of the study
    wished : variables read where a granule has them
    corrections : variables that the study's corrections need
    """
    asked = (*settings.variables, *atl06_filters.variables(settings.filter), *corrections)
    variables = tuple(dict.fromkeys(asked))
    optional = tuple(name for name in wished if name not in variables)
    read = partial(segments.read_segments, optional=optional, needed=atl06_filters.needed(settings.filter))
    return PointReader(read, segments.no_segments((*variables, *optional)), variables)


def atl11(settings, *, wished=(), corrections=()) -> PointReader:
    """Return how the reference points of ATL11 are read for a study; see `atl06`."""
    chosen = {
        "pairs": settings.pairs,
        "cycles": settings.cycles,
        "optional": wished,
        "needed": ("quality_summary",) if settings.filter == "standard" else (),
    }

    def read(path, *, beams, **options):  # its pairs are chosen above
        return reference_points.read_heights(path, **chosen, **options)

    variables = tuple(dict.fromkeys((*settings.variables, *corrections)))
    return PointReader(read, reference_points.no_heights((*variables, *wished)), variables)
