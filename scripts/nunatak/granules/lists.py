"""Read the list of granules of a chunk, and count the outcomes of its granules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from nunatak.granules.rows import STATUSES, granule_table
from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    from pathlib import Path

_SHOWN = 5  # names in one message


def read_list(path: str | Path, *, remedy: str = "remove it and run the study again") -> pd.DataFrame:
    """
    Read the granule table of a chunk's list (CSV) with its types, so that release "006" stays text.

    Parameters
    ----------
    path : file
    remedy : end of the error message. Default: remove the file and run the study again

    Raises
    ------
    NunatakError : the file is not a granule list
    """
    try:
        rows = pd.read_csv(path, dtype="string")
    except (OSError, ValueError) as error:
        raise NunatakError(f"{path}: not a granule list ({error}); {remedy}") from error
    if "file_name" not in rows:
        raise NunatakError(f"{path}: no column file_name; {remedy}")
    name = "file_name"
    try:
        for name in rows.columns.intersection(["size_bytes", "rgt", "cycle", "region_number", "cycle_end"]):
            rows[name] = pd.to_numeric(rows[name]).astype("Int64")
        for name in rows.columns.intersection(["time_start", "time_end"]):
            rows[name] = pd.to_datetime(rows[name], format="ISO8601", utc=True).dt.tz_localize(None)
    except (TypeError, ValueError) as error:
        raise NunatakError(f"{path}: {name}: {str(error).splitlines()[0]}; {remedy}") from error
    return granule_table(rows)


def check_failures(ledgers: pd.DataFrame | Iterable[pd.DataFrame], max_failed: int | None) -> dict[str, int]:
    """
    Count the statuses of granules, and stop when more granules failed than a study allows.

    Parameters
    ----------
    ledgers : one ledger or several
    max_failed : largest number of failed granules, or None for any number

    Returns
    -------
    counts : dict of status to number, in the order present, empty, outside, failed

    Raises
    ------
    NunatakError : names the first failed granules with their reasons
    """
    ledgers = [ledgers] if isinstance(ledgers, pd.DataFrame) else list(ledgers)
    rows = pd.concat(ledgers, ignore_index=True) if ledgers else pd.DataFrame({"status": []})
    counts = {status: int((rows["status"] == status).sum()) for status in STATUSES}
    if max_failed is not None and counts["failed"] > max_failed:
        failed = rows[rows["status"] == "failed"]
        first = failed.head(_SHOWN)
        shown = "; ".join(f"{path}: {reason}" for path, reason in zip(first["path"], first["reason"], strict=True))
        more = f"; and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
        raise NunatakError(
            f"{counts['failed']} of {len(rows)} granules failed, max_failed allows {max_failed}: {shown}{more}; "
            "repair them, or raise max_failed in the study"
        )
    return counts
