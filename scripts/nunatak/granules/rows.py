"""The two tables that hold granules: what a search found, and what a fetch brought."""

from __future__ import annotations

from nunatak.granules.names import parse

_GRANULE_COLUMNS = {
    "granule_id": "string",
    "file_name": "string",
    "product": "string",
    "version": "string",
    "revision": "string",
    "url": "string",
    "size_bytes": "Int64",
    "checksum": "string",
    "checksum_algorithm": "string",
    "time_start": "datetime64[ns]",
    "time_end": "datetime64[ns]",
    "rgt": "Int32",
    "cycle": "Int32",
    "region_number": "Int32",
    "geometry": "string",
    "source": "string",
}
_LEDGER_COLUMNS = {
    "granule_id": "string",
    "path": "string",
    "status": "string",
    "reason": "string",
    "size_bytes": "Int64",
    "sha256": "string",
}
STATUSES = ("present", "empty", "outside", "failed")


def granule_table(rows):
    """
    The granule table of a search: one row per granule, sorted by file name, with the same columns whoever answered.

    Parameters
    ----------
    rows : mappings or a DataFrame with at least `file_name`; what the name itself says (granule_id, product, version,
        revision, time_start, rgt, cycle, region_number) is filled in where a row leaves it out; further columns stay

    Returns
    -------
    DataFrame; times are UTC, `geometry` is a footprint as WKT in longitude and latitude, absent values are missing
    """
    import pandas as pd

    rows = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else rows
    table = _typed([_with_name(dict(row)) for row in rows], _GRANULE_COLUMNS)
    return table.sort_values("file_name", kind="stable", ignore_index=True)


def _with_name(row):
    import pandas as pd

    named = parse(row["file_name"])
    said = {"granule_id": named.granule_id}
    for key in ("product", "version", "revision", "time_start", "rgt", "cycle", "region_number"):
        said[key] = getattr(named, key)
    return {**row, **{key: value for key, value in said.items() if pd.isna(row.get(key))}}


def ledger(rows):
    """
    The ledger of a fetch: what became of each granule, in the order of the granule ids.

    Parameters
    ----------
    rows : mappings or a DataFrame with `granule_id`, `status` (present, empty, outside or failed), and where they
        apply `path`, `reason`, `size_bytes`, `sha256`; further columns stay

    Raises
    ------
    ValueError : a status that is none of the four
    """
    import pandas as pd

    rows = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else [dict(row) for row in rows]
    unknown = sorted({str(row.get("status")) for row in rows} - set(STATUSES))
    if unknown:
        raise ValueError(f"ledger: status {', '.join(unknown)}; a granule is {', '.join(STATUSES)}")
    return _typed(rows, _LEDGER_COLUMNS).sort_values("granule_id", kind="stable", ignore_index=True)


def present(ledger):
    """Return the rows of a ledger whose granules are present."""
    return ledger[ledger["status"] == "present"]


def _typed(rows, columns):
    import pandas as pd

    table = pd.DataFrame(rows)
    further = [name for name in table.columns if name not in columns]
    return table.reindex(columns=[*columns, *further]).astype(columns)
