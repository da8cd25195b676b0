"""Many along-track granules as one table of the rows in a region and a period, with the outcome of each granule."""

from __future__ import annotations

import pandas as pd

from nunatak.geometry.points import placed
from nunatak.reading.granules import each_granule, labelled, read_ledger


def subset(ledger, read, nothing, *, region, period, crs, beams=("all",), variables=(), opened=None, threads=2):
    """
    Read the granules of a ledger and keep what lies in region and period.

    Parameters
    ----------
    ledger : what a fetch brought; only `present` granules are read
    read : the product's reader, called as read(path, region=, period=, beams=, variables=); returns a table with
        `longitude`, `latitude`, `spot` and a list of the beams' statuses, such as `products.atl06.read_segments`
    nothing : the table that `read` returns of a granule without a row
    region, period : Region and study period
    crs : coordinate system of the columns x and y (metres) that are added
    beams : ("all",), ("strong",), ("weak",) or ground tracks such as ("gt1l", "gt2l")
    variables : further variables of the product
    opened : function from a ledger's path to what the reader opens (`in_place.openable`), for granules that stay where
        they are
    threads : granules read at a time; the table does not depend on it

    Returns
    -------
    points : DataFrame in the order of the granule ids, with `granule_id`, `x`, `y` (m) added. Memory goes with the
        rows kept
    ledger : the same granules; without a row in region and period a granule is `outside`, without any row `empty`,
        one of which the file or a beam could not be read `failed` (its other beams' rows are kept); `reason` names
        missing and failed beams, `n_points` counts the rows kept
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
    """Return the rows of strong or of weak beams; all rows where no strength is asked for."""
    if not strength or table.empty:
        return table
    # 1, 3 and 5 are strong; 0 is not known and neither. The side changes with the spacecraft, the spot does not.
    spot, units = table["spot"], table.attrs
    table = table[(spot % 2 == (strength == "strong")) & (spot > 0)]
    table.attrs = units
    return table
