"""The granules of a ledger, read one by one, each with its outcome."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

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


class Granule(NamedTuple):
    """One granule of a ledger after reading."""

    row: dict[str, Any]
    """the granule's row in the ledger of the fetch"""
    table: Any
    """its rows, or what `work` made of them; None for a granule that was not read"""
    outcome: dict[str, Any]
    """the row of the ledger of reading: `status`, `reason`, `n_points` and what the judge adds"""


def outcome_of(table, statuses):
    """
    Return the outcome of a granule from its table and the statuses of its beams.

    Parameters
    ----------
    table : DataFrame
    statuses : list of products.status.TrackStatus

    Returns
    -------
    dict : `status` (failed when any beam failed, else present with rows, outside when the file has rows but none in
        region and period, else empty), `reason` in words, `n_points` the rows of the table
    """
    status = "present" if len(table) else "outside" if any(s.n_found for s in statuses) else "empty"
    if any(s.status == FAILED for s in statuses):
        status = "failed"  # the rows of the other beams are kept
    reason = _in_words(statuses) or ("" if len(table) else "no row in region and period")
    return {"status": status, "reason": reason, "n_points": len(table)}


def each_granule(
    ledger,
    read,
    *,
    judge=outcome_of,
    work=None,
    opened=None,
    threads=1,
    scheduler=None,
    label="reading granules",
):
    """
    Read the granules of a ledger in the order of their ids and yield each with its outcome.

    A granule that is not present, has changed on disk or cannot be read is yielded without a table, never raised.

    Parameters
    ----------
    ledger : ledger of a fetch; only `present` granules are read
    read : function of a path (or what `opened` makes of it); returns a table and a list of TrackStatus
    judge : function of table and statuses that returns the outcome. Default: `outcome_of`
    work : function of a table with rows and a column `granule_id`; what it returns takes the table's place, so that
        memory is that of a few granules. A granule without rows then has None. Default: the table itself
    opened : function from a ledger's path to what the reader opens (`in_place.openable`), for granules that stay where
        they are. Default: the path
    threads, scheduler : as for `parallel.in_order`; with one thread a granule is read when it is asked for
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


def read_ledger(outcomes):
    """Return the ledger of reading from the outcomes of its granules; it has `n_points` even without a granule."""
    return make_ledger(outcomes) if outcomes else make_ledger([]).assign(n_points=[])


def labelled(table, granule_id):
    """Return a table with the column `granule_id`, its attributes kept."""
    units = table.attrs
    table = table.assign(granule_id=pd.Series(granule_id, index=table.index, dtype="str"))
    table.attrs = units
    return table


def ledger_paths(ledger, endpoints=None):
    """
    Return the present granules of a ledger as what a reader opens, in the ledger's order.

    Parameters
    ----------
    ledger : ledger of a fetch or of reading
    endpoints : addresses of the services, for granules that stay where they are
    """
    return [openable(path, endpoints) for path in present(ledger)["path"]]


def same_pass(ledger, others):
    """
    Return the path of the granule of the same pass and release for the path of each granule.

    Parameters
    ----------
    ledger : ledger of ATL03 granules
    others : ledger of the granules to join, such as ATL08's; None for none

    Returns
    -------
    dict : path of a granule to the path of its partner; granules without a partner are left out
    """
    if others is None:
        return {}
    there = {_flight(row.granule_id): row.path for row in present(others).itertuples(index=False)}
    mine = [(row.path, _flight(row.granule_id)) for row in present(ledger).itertuples(index=False)]
    return {path: there[flight] for path, flight in mine if flight in there}


def _flight(granule_id):
    return parse(f"{granule_id}.h5").flight


def _in_words(statuses):
    """Return the reasons of the beams, those with the same reason together: "gt1l, gt1r: no segments"."""
    reasons: dict[str, list[str]] = {}
    for s in statuses:
        if s.reason:
            shared = s.reason.removeprefix(f"{s.beam}/").removeprefix(f"{s.beam} ")
            shared = shared.replace(f"group {s.beam}", "such group").replace(s.beam, "it")
            shared = f" failed: {shared}" if s.status == FAILED else f": {shared}"
            reasons.setdefault(shared, []).append(s.beam)
    return "; ".join(f"{', '.join(beams)}{reason}" for reason, beams in reasons.items())
