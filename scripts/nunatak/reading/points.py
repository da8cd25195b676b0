"""Many along-track granules as one table of the rows in a region and a period, and what became of each granule."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import pandas as pd
import pyproj

from nunatak.archives import verify
from nunatak.archives.base import Outcome
from nunatak.archives.local.content import reason_without_path
from nunatak.compute.parallel import in_order
from nunatak.files import remote
from nunatak.granules import ledger as make_ledger
from nunatak.runtime import NunatakError, log, progress


class _Part(NamedTuple):
    table: pd.DataFrame | None
    outcome: Outcome


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
    rows = list(ledger.sort_values("granule_id").itertuples(index=False))
    with ThreadPoolExecutor(threads) as pool:
        reading = pool.map(lambda row: _read(row, read, options, strength, opened), rows)
        parts = list(progress(reading, label="reading granules", total=len(rows)))
    outcome = make_ledger([vars(part.outcome) for part in parts])
    outcome["n_points"] = [0 if part.table is None else len(part.table) for part in parts]
    tables = [part.table for part in parts if part.table is not None and len(part.table)]
    if not tables:
        tables = [_labelled(nothing, "")]
    points = pd.concat(tables, ignore_index=True)
    points.attrs["units"] = tables[0].attrs.get("units", {})
    return placed(points, crs), outcome


class _Result(NamedTuple):
    value: Any
    n_points: int
    outcome: Outcome


def work_on_each(ledger, read, work, *, opened=None, threads=2, scheduler=None):
    """
    Read the granules of a ledger one by one and keep only what `work` makes of each: memory is that of a few granules.

    Parameters
    ----------
    ledger : what a fetch brought; only `present` granules are read
    read : function of a path; returns a table and a list of the beams' statuses
    work : function of a granule's table, which has a column `granule_id`
    opened : as for `subset`; called where the granule is read
    threads, scheduler : as for `parallel.in_order`

    Returns
    -------
    results : list of what `work` returned, in the order of the granule ids, of granules with a row only
    ledger : as of `subset`
    """
    rows = ledger.sort_values("granule_id").to_dict("records")
    done = in_order(partial(_work_on, read, work, opened), rows, threads=threads, scheduler=scheduler)
    outcome = make_ledger([vars(result.outcome) for result in done])
    outcome["n_points"] = [result.n_points for result in done]
    return [result.value for result in done if result.value is not None], outcome


def _work_on(read, work, opened, row):
    part = _read(SimpleNamespace(**row), read, {}, None, opened)
    if part.table is None or not len(part.table):
        return _Result(None, 0, part.outcome)
    return _Result(work(part.table), len(part.table), part.outcome)


def _read(row, read, options, strength, opened=None):
    """One granule's rows and outcome; never raises for a bad granule."""
    known = Outcome(row.granule_id, row.path, row.status, row.reason, row.size_bytes, row.sha256)
    if row.status != "present":
        return _Part(None, known)
    changed = "" if remote.is_address(row.path) else verify.changed_since(row.path, row.size_bytes)
    if changed:
        return _failed(known, changed)
    try:
        table, beams = read(opened(row.path) if opened else row.path, **options)
    except (NunatakError, OSError) as error:
        return _failed(known, reason_without_path(error, row.path))
    status = "present" if len(table) else "outside" if any(beam.n_segments for beam in beams) else "empty"
    if strength and len(table):
        # 1, 3 and 5 are strong; 0 is not known and neither. The side changes with the spacecraft, the spot does not.
        spot, units = table["spot"], table.attrs
        table = table[(spot % 2 == (strength == "strong")) & (spot > 0)]
        table.attrs = units
        status = "present" if len(table) else "outside"
    if any(beam.status == "failed" for beam in beams):
        status = "failed"  # what the other beams hold is kept
        log.warning("%s: %s", row.path, _in_words(beams))
    reason = _in_words(beams) or ("" if len(table) else "no row in region and period")
    return _Part(_labelled(table, row.granule_id), replace(known, status=status, reason=reason))


def _labelled(table, granule_id):
    units = table.attrs
    table = table.assign(granule_id=pd.Series(granule_id, index=table.index, dtype="str"))
    table.attrs = units
    return table


def placed(points, crs):
    """The points with `x` and `y` (m) in a coordinate system; they lie at longitude, latitude or at lon, lat."""
    lon, lat = ("longitude", "latitude") if "longitude" in points else ("lon", "lat")
    to_crs = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    x, y = to_crs.transform(points[lon].to_numpy(), points[lat].to_numpy())
    table = points.assign(x=x, y=y)
    table.attrs = {**points.attrs, "units": {**points.attrs["units"], "x": "m", "y": "m"}}
    return table


def _failed(outcome, reason):
    log.warning("%s: %s", outcome.path, reason)
    return _Part(None, replace(outcome, status="failed", reason=reason))


def _in_words(beams):
    """The beams that have something to say, those with the same to say together: "gt1l, gt1r: no segments"."""
    said: dict[str, list[str]] = {}
    for beam in beams:
        if beam.reason:
            shared = beam.reason.removeprefix(f"{beam.beam}/").removeprefix(f"{beam.beam} ")
            shared = shared.replace(f"group {beam.beam}", "such group").replace(beam.beam, "it")
            shared = f" failed: {shared}" if beam.status == "failed" else f": {shared}"
            said.setdefault(shared, []).append(beam.beam)
    return "; ".join(f"{', '.join(names)}{reason}" for reason, names in said.items())
