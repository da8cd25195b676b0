"""
Whether a granule that is here is the one that was found: there, whole, unchanged, readable, with its product's groups.

Nothing in an archive's own folder is ever moved or changed. Copies that the workflow made itself go to a quarantine
folder when they are broken, so that no later run trusts them and a person can look at them.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from nunatak.archives.archive import Outcome
from nunatak.archives.local import content
from nunatak.granules import ledger
from nunatak.products import hdf5
from nunatak.products.guarded import guarded
from nunatak.products.itslive.zarr_metadata import metadata_checksum
from nunatak.runtime import NunatakError, file_sha256, log, progress

ASK_AGAIN = "ask the archive again with snakemake <study> --forcerun query_granules"


def check_in_place(granules, path_of, mtime_of=lambda row: None, *, workers=4):
    """
    The ledger of granules that stay where they are.

    Parameters
    ----------
    granules : granule table; each row gets one row of the ledger
    path_of : function from a row to the granule's path
    mtime_of : function from a row to the time of last change (ns) the file had when the archive was asked, if known
    workers : threads; reading for the checksum is bound by the disk

    Returns
    -------
    ledger; broken, vanished and changed granules are `failed`, files without any data `empty`
    """
    rows = list(granules.itertuples(index=False))
    with ThreadPoolExecutor(workers) as pool:
        checking = pool.map(lambda row: check(row, path_of(row), mtime_of(row)), rows)
        outcomes = list(progress(checking, label="checking granules", total=len(rows)))
    for outcome in outcomes:
        if outcome.status == "failed":
            log.warning("%s: %s", outcome.path, outcome.reason)
    return as_ledger(granules, outcomes)


def check(row, path, mtime_ns=None) -> Outcome:
    """
    One granule held against its row of the granule table.

    Order of the checks: there, unchanged, opens, holds its product's groups, same checksum where the row has one.
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


def changed_since(path, size_bytes, mtime_ns=None) -> str:
    """
    What happened to a file since its size (bytes) and time of last change (ns) were noted; "" when nothing did.

    What was not noted is not compared.
    """
    path = Path(path)
    try:
        now = path.stat()
    except OSError:
        return f"is gone since the archive was asked; put it back, or {ASK_AGAIN}"
    if path.is_dir():
        return ""  # the readers say better what is wrong with a folder
    if pd.notna(size_bytes) and now.st_size != size_bytes:
        return f"changed since the archive was asked ({size_bytes} bytes then, {now.st_size} now); {ASK_AGAIN}"
    if mtime_ns is not None and now.st_mtime_ns != mtime_ns:
        return f"was written again since the archive was asked, with the same size; {ASK_AGAIN}"
    return ""


def as_ledger(granules, outcomes):
    """The ledger of these outcomes; exactly one for each granule asked for, or it is a fault of the program."""
    asked, answered = sorted(granules["granule_id"]), sorted(outcome.granule_id for outcome in outcomes)
    if asked != answered:
        raise AssertionError(f"{len(asked)} granules asked for, {len(answered)} accounted for")
    return ledger([vars(outcome) for outcome in outcomes])


def quarantine(path, folder) -> Path:
    """
    Move a broken copy of our own into the quarantine folder, under a name that is free there.

    Returns
    -------
    its new path
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


def inspect(path, product):
    """("present" or "empty", remark); raises for a file that is not a granule of the product."""
    with hdf5.open_granule(path) as file:
        found = content.product_of(file)
        if found != product:
            held = ", ".join(sorted(file)) or "nothing"
            raise NunatakError(
                f"is not {product} inside but {found or 'no product known here'} (it has: {held}); "
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
