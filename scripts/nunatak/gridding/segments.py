"""Sum sea-ice segments, as read from ATL07 and ATL10, onto a grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from nunatak.gridding.accumulators import accumulate

if TYPE_CHECKING:
    from nunatak.geometry.grid import Grid
    from nunatak.gridding.accumulators import Accumulators


def sum_segments(
    table: pd.DataFrame, grid: Grid, *, value: str, weight: str, errors: Sequence[str] = (), level_width: float = 0.0
) -> Accumulators:
    """
    Sum a table of segments onto a grid.

    Parameters
    ----------
    table : DataFrame as `products.atl10.read_segments` returns it, with `granule_id`
    grid : Grid
    value, weight : columns
    errors : columns that may hold the value's error, of which the first present is used. Default: none
    level_width : as in `accumulate`. Default: 0, no histogram
    """
    error = next((name for name in errors if name in table), None)
    lead = "lead" if "lead" in table else None
    return accumulate(table, grid, value=value, weight=weight, error=error, lead=lead, level_width=level_width)


def no_segments(grid: Grid, *, level_width: float = 0.0) -> Accumulators:
    """
    Return the accumulators of a chunk without segments.

    Parameters
    ----------
    grid : Grid
    level_width : as in `accumulate`. Default: 0
    """
    kinds = {"longitude": "f8", "latitude": "f8", "value": "f8", "time": "M8[ns]", "granule_id": "str"}
    columns = {name: pd.Series([], dtype=kind) for name, kind in kinds.items()}
    return accumulate(pd.DataFrame(columns), grid, value="value", level_width=level_width)
