"""Keep what was read of each granule until all are, so that a run that was killed goes on behind the last one."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from nunatak.files import remote
from nunatak.products.status import FAILED, TrackStatus
from nunatak.runtime import log, written


def resumed(read: Callable[[Any], Any], folder: Path) -> Callable[[Any], Any]:
    """
    Return a reader that keeps the rows of granules at addresses, and takes those that an earlier run has kept.

    Granules that lie on disk are read again, and so are those of which a beam failed.

    Parameters
    ----------
    read : function of a path that returns a table and a list of TrackStatus
    folder : where rows are kept; its name must be one of this question alone
    """

    def reading(path):
        if not remote.is_address(path):
            return read(path)
        file = Path(folder) / f"{remote.location(path).name}.parquet"
        kept = _kept(file)
        if kept is not None:
            log.info("%s: its rows were there from a run before", path)
            return kept
        table, statuses = read(path)
        if not any(status.status == FAILED for status in statuses):
            _keep(file, table, statuses)
        return table, statuses

    return reading


def _keep(file, table, statuses):
    file.parent.mkdir(parents=True, exist_ok=True)
    whole = table.copy(deep=False)
    whole.attrs = {"attrs": dict(table.attrs), "statuses": json.dumps([asdict(status) for status in statuses])}
    with written(file) as part:
        whole.to_parquet(part)


def _kept(file):
    """Return the table and the statuses that a file keeps, or None where there is none that can be read."""
    if not file.is_file():
        return None
    try:
        table = pd.read_parquet(file)
        statuses = [TrackStatus(**status) for status in json.loads(table.attrs["statuses"])]
        table.attrs = table.attrs["attrs"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s: cannot be read (%s); the granule is read again", file, error)
        return None
    return table, statuses
