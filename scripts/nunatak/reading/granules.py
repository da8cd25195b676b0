"""Read the granules of a ledger one by one, each with its outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from nunatak.archives import verify
from nunatak.archives.in_place import openable
from nunatak.archives.local.content import reason_without_path
from nunatak.compute.deadline import each_in_time, in_time
from nunatak.compute.parallel import in_order
from nunatak.files import remote
from nunatak.granules import ledger as make_ledger
from nunatak.granules import parse, present
from nunatak.products.guarded import guarded
from nunatak.products.status import FAILED
from nunatak.runtime import NunatakError, log, progress

if TYPE_CHECKING:
    from nunatak.products.status import TrackStatus


class Granule(NamedTuple):
    """One granule of a ledger after reading."""

    row: dict[str, Any]
    """the granule's row in the ledger of the fetch"""
    table: Any
    """its rows, or the result of `work`, or None for a granule that was not read"""
    outcome: dict[str, Any]
    """the row of the ledger of reading: `status`, `reason`, `n_points` and further columns of `judge`"""


def outcome_of(table: pd.DataFrame, statuses: Sequence[TrackStatus]) -> dict[str, Any]:
    """
    Return the outcome of a granule from its table and the statuses of its beams.

    Parameters
    ----------
    table : DataFrame
    statuses : list of products.status.TrackStatus

    Returns
    -------
    dict : `status` (failed when any beam failed, else present with rows, outside when the file has rows but none in
        region and period, else empty), `reason` in words, `n_points` (rows of the table)
    """
    status = "present" if len(table) else "outside" if any(s.n_found for s in statuses) else "empty"
    if any(s.status == FAILED for s in statuses):
        status = "failed"  # the rows of the other beams are kept
    reason = _in_words(statuses) or ("" if len(table) else "no row in region and period")
    return {"status": status, "reason": reason, "n_points": len(table)}


def each_granule(
    ledger: pd.DataFrame,
    read: Callable[[Any], Any],
    *,
    judge: Callable[..., dict[str, Any]] = outcome_of,
    work: Callable[[Any], Any] | None = None,
    opened: Callable[[Any], Any] | None = None,
    threads: int = 1,
    scheduler: str | None = None,
    label: str = "reading granules",
) -> Iterator[Granule]:
    """
    Read the granules of a ledger in the order of their ids, and yield each with its outcome.

    A granule that is not present, has changed on disk or cannot be read is yielded without a table instead of raising
    an error.

    Parameters
    ----------
    ledger : ledger of a fetch, of which only `present` granules are read
    read : function of a path, or of the result of `opened`, that returns a table and a list of TrackStatus
    judge : function of table and statuses that returns the outcome. Default: `outcome_of`
    work : function of a table with rows and a column `granule_id`, whose result replaces the table, so that only a few
        granules are in memory. A granule without rows then has None. Default: the table itself
    opened : function from a ledger's path to the object that the reader opens (`in_place.openable`), for granules that
        are not downloaded. Default: the path
    threads, scheduler : as for `parallel.in_order`. With one thread a granule is read when it is requested
    label : name of the progress bar

    Yields
    ------
    Granule
    """
    rows = ledger.sort_values("granule_id").to_dict("records")
    one = partial(_granule, read, judge, work, opened)
    if scheduler is not None:
        yield from in_order(partial(in_time, one, label), rows, threads=threads, scheduler=scheduler)
    elif threads == 1:
        yield from progress(each_in_time(map(one, rows), label), label=label, total=len(rows))
    else:
        with ThreadPoolExecutor(threads) as pool:
            yield from progress(each_in_time(pool.map(one, rows), label), label=label, total=len(rows))


def _granule(read, judge, work, opened, row):
    """Read one granule and return it with its outcome."""
    path = row["path"]
    if row["status"] != "present":
        return Granule(row, None, {**row, "n_points": 0})
    reason = "" if remote.is_address(path) else verify.changed_since(path, row["size_bytes"])
    try:
        if reason:
            raise NunatakError(reason)
        with guarded(path):
            table, statuses = read(opened(path) if opened else path)
            outcome = {**row, **judge(table, statuses)}
            if work is not None:
                table = work(labelled(table, row["granule_id"])) if len(table) else None
    except (NunatakError, OSError) as error:
        reason = reason_without_path(error, path)
        log.warning("%s: %s", path, reason)
        return Granule(row, None, {**row, "status": "failed", "reason": reason, "n_points": 0})
    if outcome["status"] == "failed":
        log.warning("%s: %s", path, outcome["reason"])
    return Granule(row, table, outcome)


def read_ledger(outcomes: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """
    Return the ledger of reading from the outcomes of its granules, with `n_points` even without granules.

    Parameters
    ----------
    outcomes : outcomes of `each_granule`
    """
    return make_ledger(outcomes) if outcomes else make_ledger([]).assign(n_points=[])


def labelled(table: pd.DataFrame, granule_id: str) -> pd.DataFrame:
    """
    Add the column `granule_id` to a table and keep its attributes.

    Parameters
    ----------
    table : DataFrame
    granule_id : id of the granule
    """
    units = table.attrs
    table = table.assign(granule_id=pd.Series(granule_id, index=table.index, dtype="str"))
    table.attrs = units
    return table


def ledger_paths(ledger: pd.DataFrame, endpoints: Any = None) -> list[Any]:
    """
    Return the present granules of a ledger as objects that a reader opens, in the ledger's order.

    Parameters
    ----------
    ledger : ledger of a fetch or of reading
    endpoints : addresses of the services, for granules that are not downloaded. Default: none
    """
    return [openable(path, endpoints) for path in present(ledger)["path"]]


def same_pass(ledger: pd.DataFrame, others: pd.DataFrame | None) -> dict[str, str]:
    """
    Map the path of each granule to that of the granule of the same pass and release.

    Parameters
    ----------
    ledger : ledger of ATL03 granules
    others : ledger of the granules to join, such as ATL08's, or None

    Returns
    -------
    dict : path of a granule to the path of its partner. Granules without a partner are left out
    """
    if others is None:
        return {}
    there: dict[Any, Any] = {_flight(row.granule_id): row.path for row in present(others).itertuples(index=False)}
    mine: list[Any] = [(row.path, _flight(row.granule_id)) for row in present(ledger).itertuples(index=False)]
    return {path: there[flight] for path, flight in mine if flight in there}


def _flight(granule_id):
    """Return the pass and release of a granule."""
    return parse(f"{granule_id}.h5").flight


def _in_words(statuses):
    """Describe the reasons of the beams, with one clause for each reason, as in "gt1l, gt1r: no segments"."""
    reasons: dict[str, list[str]] = {}
    for s in statuses:
        if s.reason:
            shared = s.reason.removeprefix(f"{s.beam}/").removeprefix(f"{s.beam} ")
            shared = shared.replace(f"group {s.beam}", "such group").replace(s.beam, "it")
            shared = f" failed: {shared}" if s.status == FAILED else f": {shared}"
            reasons.setdefault(shared, []).append(s.beam)
    return "; ".join(f"{', '.join(beams)}{reason}" for reason, beams in reasons.items())
