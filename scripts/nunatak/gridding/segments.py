"""Sea-ice segments as ATL07 and ATL10 are read, onto a grid: which of their columns count."""

from __future__ import annotations

import pandas as pd

from nunatak.gridding.accumulators import accumulate


def sum_segments(table, grid, *, value, weight, errors=(), level_width=0.0):
    """
    The accumulators of a table of segments.

    Parameters
    ----------
    table : DataFrame as `products.atl10.read_segments` returns it, with `granule_id`
    grid : Grid
    value, weight : columns
    errors : columns any of which may hold the value's error; the first that is there does
    level_width : as for `accumulate`
    """
    error = next((name for name in errors if name in table), None)
    lead = "lead" if "lead" in table else None
    return accumulate(table, grid, value=value, weight=weight, error=error, lead=lead, level_width=level_width)


def no_segments(grid, *, level_width=0.0):
    """The accumulators of no segment at all: what a chunk without data has."""
    kinds = {"longitude": "f8", "latitude": "f8", "value": "f8", "time": "M8[ns]", "granule_id": "str"}
    columns = {name: pd.Series([], dtype=kind) for name, kind in kinds.items()}
    return accumulate(pd.DataFrame(columns), grid, value="value", level_width=level_width)
