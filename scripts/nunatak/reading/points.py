"""Read along-track granules as one table of the rows in a region and a period, with the outcome of each granule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from nunatak.geometry.points import placed
from nunatak.reading.granules import each_granule, labelled, read_ledger


def subset(
    ledger: pd.DataFrame,
    read: Callable[..., Any],
    nothing: pd.DataFrame,
    *,
    region: Any,
    period: Any,
    crs: str,
    beams: Sequence[str] = ("all",),
    variables: Sequence[str] = (),
    opened: Callable[[Any], Any] | None = None,
    threads: int = 2,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    Read the granules of a ledger and keep the rows in a region and a period.

    Parameters
    ----------
    ledger : ledger of a fetch, of which only `present` granules are read
    read : the product's reader, called as read(path, region=, period=, beams=, variables=), that returns a table with
        `longitude`, `latitude`, `spot` and a list of the beams' statuses, such as `products.atl06.read_segments`
    nothing : the table that `read` returns for a granule without a row
    region, period : Region and study period
    crs : coordinate system of the columns x and y (metres) that are added
    beams : ("all",), ("strong",), ("weak",) or ground tracks such as ("gt1l", "gt2l"). Default: all
    variables : further variables of the product. Default: none
    opened : function from a ledger's path to the object that the reader opens (`in_place.openable`), for granules that
        are not downloaded. Default: the path
    threads : granules read at a time, which does not change the table. Default: 2

    Returns
    -------
    points : DataFrame in the order of the granule ids, with `granule_id`, `x`, `y` (m) added. Memory grows with the
        rows kept
    ledger : the same granules. A granule without a row in region and period is `outside`, without any row `empty`, and
        one whose file or beam could not be read `failed` (rows of its other beams are kept). `reason` names missing and
        failed beams, `n_points` counts the rows kept
    """
    strength = beams[0] if beams[0] in ("strong", "weak") else None
    options = {
        "region": region,
        "period": period,
        "beams": None if strength or beams == ("all",) else beams,
        "variables": variables,
    }

    def rows_of(path):
        table, statuses = read(path, **options)
        return _of_strength(table, strength), statuses

    reads = list(each_granule(ledger, rows_of, opened=opened, threads=threads))
    tables = [labelled(g.table, g.row["granule_id"]) for g in reads if g.table is not None and len(g.table)]
    if not tables:
        tables = [labelled(nothing, "")]
    points = pd.concat(tables, ignore_index=True)
    points.attrs["units"] = tables[0].attrs.get("units", {})
    return placed(points, crs), read_ledger([g.outcome for g in reads])


def _of_strength(table, strength):
    """Return the rows of strong or of weak beams, or all rows if no strength is given."""
    if not strength or table.empty:
        return table
    # Spots 1, 3 and 5 are strong, 0 is unknown. The side of a strong beam changes with the spacecraft's
    # orientation, its spot does not.
    spot, units = table["spot"], table.attrs
    table = table[(spot % 2 == (strength == "strong")) & (spot > 0)]
    table.attrs = units
    return table
