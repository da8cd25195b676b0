"""
Verify granules on disk: present, complete, unchanged, readable, with the groups of their product.

Files in an archive's own folder are never moved or changed. Broken copies made by the workflow are moved to a
quarantine folder, so that no later run uses them and a person can inspect them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from nunatak.archives.archive import Outcome
from nunatak.archives.local import content
from nunatak.granules import ledger
from nunatak.products import hdf5
from nunatak.products.guarded import guarded
from nunatak.products.itslive.zarr_metadata import metadata_checksum
from nunatak.runtime import NunatakError, file_sha256, log, progress

ASK_AGAIN = "ask the archive again with snakemake <study> --forcerun query_granules"


def check_in_place(
    granules: pd.DataFrame,
    path_of: Callable[[Any], Any],
    mtime_of: Callable[[Any], int | None] = lambda row: None,
    *,
    workers: int = 4,
) -> pd.DataFrame:
    """
    Check granules where they are, and return their ledger.

    Parameters
    ----------
    granules : granule table, each row of which gets one row of the ledger
    path_of : function from a row to the granule's path
    mtime_of : function from a row to the time of last change (ns) at the time of the search. Default: unknown
    workers : threads. Reading for the checksum is limited by the disk. Default: 4

    Returns
    -------
    ledger : broken, missing and changed granules are `failed`, files without any data `empty`
    """
    rows = list(granules.itertuples(index=False))
    with ThreadPoolExecutor(workers) as pool:
        checking = pool.map(lambda row: check(row, path_of(row), mtime_of(row)), rows)
        outcomes = list(progress(checking, label="checking granules", total=len(rows)))
    for outcome in outcomes:
        if outcome.status == "failed":
            log.warning("%s: %s", outcome.path, outcome.reason)
    return as_ledger(granules, outcomes)


def check(row: Any, path: Any, mtime_ns: int | None = None) -> Outcome:
    """
    Compare one granule with its row of the granule table.

    The checks are made in this order: present, unchanged, opens, holds its product's groups, same checksum if the row
    has one.

    Parameters
    ----------
    row : row of the granule table
    path : path
    mtime_ns : time of last change (ns). Default: unknown
    """
    path = Path(path)
    changed = changed_since(path, row.size_bytes, mtime_ns)
    if changed:
        return Outcome(row.granule_id, str(path), "failed", changed)
    is_store = row.product == "itslive_cube"
    size = None if is_store else path.stat().st_size
    try:
        with guarded(path):
            status, reason = ("present", "") if is_store else inspect(path, row.product)
            sha256 = metadata_checksum(path) if is_store else file_sha256(path)
    except (NunatakError, OSError) as error:
        return Outcome(row.granule_id, str(path), "failed", content.reason_without_path(error, path), size)
    stated = row.checksum if pd.notna(row.checksum) else None
    if stated and str(row.checksum_algorithm).upper().replace("-", "") == "SHA256" and stated.lower() != sha256:
        reason = f"changed: its SHA-256 begins {sha256[:12]}, expected {stated[:12]}; {ASK_AGAIN}"
        return Outcome(row.granule_id, str(path), "failed", reason, size, sha256)
    return Outcome(row.granule_id, str(path), status, reason, size, sha256)


def changed_since(path: Any, size_bytes: Any, mtime_ns: int | None = None) -> str:
    """
    Return how a file changed since its size and time of last change were recorded, or an empty text.

    Unknown values are not compared.

    Parameters
    ----------
    path : path
    size_bytes : bytes, or missing
    mtime_ns : time of last change (ns). Default: unknown
    """
    path = Path(path)
    try:
        now = path.stat()
    except OSError:
        return f"is gone since the archive was asked; put it back, or {ASK_AGAIN}"
    if path.is_dir():
        return ""  # the readers report what is wrong with a folder
    if pd.notna(size_bytes) and now.st_size != size_bytes:
        return f"changed since the archive was asked ({size_bytes} bytes then, {now.st_size} now); {ASK_AGAIN}"
    if mtime_ns is not None and now.st_mtime_ns != mtime_ns:
        return f"was written again since the archive was asked, with the same size; {ASK_AGAIN}"
    return ""


def as_ledger(granules: pd.DataFrame, outcomes: Iterable[Outcome]) -> pd.DataFrame:
    """
    Return the ledger of outcomes, exactly one for each granule.

    Parameters
    ----------
    granules : granule table
    outcomes : Outcome of each granule

    Raises
    ------
    AssertionError : an outcome is missing or too many, which is an error of the program
    """
    expected, answered = sorted(granules["granule_id"]), sorted(outcome.granule_id for outcome in outcomes)
    if expected != answered:
        raise AssertionError(f"{len(expected)} granules asked for, {len(answered)} accounted for")
    return ledger([vars(outcome) for outcome in outcomes])


def quarantine(path: str | Path, folder: str | Path) -> Path:
    """
    Move a broken copy made by the workflow to the quarantine folder, under a free name.

    Parameters
    ----------
    path : path
    folder : quarantine folder

    Returns
    -------
    Path : its new path
    """
    path, folder = Path(path), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / path.name
    number = 0
    while target.exists():
        number += 1
        target = folder / f"{path.stem}.{number}{path.suffix}"
    os.replace(path, target)
    log.warning("%s: broken, moved to %s", path, target)
    return target


def inspect(path: Any, product: str) -> tuple[str, str]:
    """
    Return "present" or "empty" and a remark, or raise an error if the file is not a granule of the product.

    Parameters
    ----------
    path : path or address
    product : such as "atl06"

    Raises
    ------
    NunatakError : the file is of another product, or lacks its groups
    """
    with hdf5.open_granule(path) as file:
        product_inside = content.product_of(file)
        if product_inside != product:
            groups = ", ".join(sorted(file)) or "nothing"
            raise NunatakError(
                f"is not {product} inside but {product_inside or 'no product known here'} (it has: {groups}); "
                "give the file its original name back or fetch it again"
            )
        if product not in content.TRACK_LAYOUTS:
            return "present", ""
        beams, lacking = content.segment_groups(file, product)
        group = content.TRACK_LAYOUTS[product][0][0]
        if lacking and not beams:
            raise NunatakError(f"no beam has {group} ({', '.join(lacking)} are there without it); fetch it again")
        if not beams:
            return "empty", "no beam holds data: the subset found none in its box"
        return "present", f"{', '.join(lacking)}: no {group}" if lacking else ""
