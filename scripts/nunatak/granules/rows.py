"""Build the two tables of granules: the result of a search, and the ledger of a fetch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from nunatak.granules.names import parse

if TYPE_CHECKING:
    import pandas as pd

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


def granule_table(rows: pd.DataFrame | Iterable[Mapping[Any, Any]]) -> pd.DataFrame:
    """
    Return the granule table of a search: one row per granule, sorted by file name.

    All archives give the same columns.

    Parameters
    ----------
    rows : mappings or a DataFrame with at least `file_name`. Missing values that the name itself contains (granule_id,
        product, version, revision, time_start, rgt, cycle, region_number) are filled in. Further columns are kept

    Returns
    -------
    DataFrame : times are UTC, `geometry` is a footprint as WKT in longitude and latitude
    """
    import pandas as pd

    records: Any = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else rows
    table = _typed([_with_name(dict(row)) for row in records], _GRANULE_COLUMNS)
    return table.sort_values("file_name", kind="stable", ignore_index=True)


def _with_name(row):
    """Fill in the missing values of a row from its file name."""
    import pandas as pd

    named = parse(row["file_name"])
    parts = {"granule_id": named.granule_id}
    for key in ("product", "version", "revision", "time_start", "rgt", "cycle", "region_number"):
        parts[key] = getattr(named, key)
    return {**row, **{key: value for key, value in parts.items() if pd.isna(row.get(key))}}


def ledger(rows: pd.DataFrame | Iterable[Mapping[Any, Any]]) -> pd.DataFrame:
    """
    Return the ledger of a fetch: the outcome of each granule, in the order of the granule ids.

    Parameters
    ----------
    rows : mappings or a DataFrame with `granule_id`, `status` (present, empty, outside or failed) and optionally
        `path`, `reason`, `size_bytes`, `sha256`. Further columns are kept

    Raises
    ------
    ValueError : a status is none of the four
    """
    import pandas as pd

    given: Any = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else rows
    records = [dict(row) for row in given]
    unknown = sorted({str(row.get("status")) for row in records} - set(STATUSES))
    if unknown:
        raise ValueError(f"ledger: status {', '.join(unknown)}; a granule is {', '.join(STATUSES)}")
    return _typed(records, _LEDGER_COLUMNS).sort_values("granule_id", kind="stable", ignore_index=True)


def present(ledger: pd.DataFrame) -> pd.DataFrame:
    """
    Return the rows of a ledger whose granules are present.

    Parameters
    ----------
    ledger : DataFrame of `ledger`
    """
    return ledger[ledger["status"] == "present"]


def _typed(rows, columns):
    """Return rows as a table with typed columns, followed by further ones."""
    import pandas as pd

    table = pd.DataFrame(rows)
    further = [name for name in table.columns if name not in columns]
    return table.reindex(columns=[*columns, *further]).astype(columns)
