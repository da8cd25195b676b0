"""
Keep an index of a folder of granules, so that a file is opened again only when its size or time changes.

It is a Parquet table outside the user's folder, keyed by path below the root, size and time of last change. A run that
is stopped keeps what it has read so far.
"""

from __future__ import annotations

import fcntl
import hashlib
import multiprocessing
import os
import sys
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd

from nunatak.archives.local.content import describe
from nunatak.archives.local.listing import granule_files
from nunatak.files.tables import read_table, write_table
from nunatak.runtime import NunatakError, log, progress

# Changes when `content` reads something else from a file, so that rows of an older version are not used.
_LAYOUT = "2"
_BATCH = 500  # files after which the index is saved
_FEW = 24  # files for which starting processes costs more than they save
_COLUMNS = {
    "path": "string",
    "size_bytes": "Int64",
    "mtime_ns": "Int64",
    "status": "string",
    "reason": "string",
    "notes": "string",
    "file_name": "string",
    "granule_id": "string",
    "product": "string",
    "version": "string",
    "revision": "string",
    "time_start": "datetime64[ns]",
    "time_end": "datetime64[ns]",
    "rgt": "Int32",
    "cycle": "Int32",
    "region_number": "Int32",
    "cycle_end": "Int32",
    "hemisphere": "string",
    "region_code": "string",
    "resolution": "string",
    "geometry": "string",
    "simulated": "boolean",
}
_FROM_NAME = (
    "granule_id",
    "version",
    "revision",
    "rgt",
    "cycle",
    "region_number",
    "cycle_end",
    "hemisphere",
    "region_code",
    "resolution",
)


def index_file(folder: str | Path, root: str | Path) -> Path:
    """
    Return the path of a root's index, named by a hash of the root's full path.

    Parameters
    ----------
    folder : folder of indexes
    root : folder of granules
    """
    full = str(Path(root).resolve())
    return Path(folder) / f"{hashlib.sha256(full.encode()).hexdigest()[:16]}.parquet"


def update(root: str | Path, path: str | Path, *, workers: int | None = None) -> pd.DataFrame:
    """
    Update the index of a folder and return it.

    Parameters
    ----------
    root : folder of granules
    path : the index, which is made if it does not exist or cannot be read
    workers : processes that open files. Default: the cores this process may use

    Returns
    -------
    DataFrame sorted by path, one row per file: `path` (below the root), `size_bytes`, `mtime_ns`, `status`, `reason`,
        `notes` and the description of the file. `attrs["opened"]` counts the files opened now, `attrs["vanished"]`
        lists those that disappeared since the last update
    """
    with _alone(path):
        saved = load(path)
        present = pd.DataFrame(granule_files(root), columns=["path", "size_bytes", "mtime_ns"])
        present = present.astype({name: _COLUMNS[name] for name in ("path", "size_bytes", "mtime_ns")})
        vanished = sorted(set(saved["path"]) - set(present["path"]))
        kept = present.merge(saved, how="left", on=["path", "size_bytes", "mtime_ns"])
        fresh = kept[kept["status"].isna()][["path", "size_bytes", "mtime_ns"]]
        kept = kept[kept["status"].notna()]
        if len(fresh):
            log.info("%s: opening %d new or changed files of %d", root, len(fresh), len(present))
        for start in range(0, len(fresh), _BATCH):
            kept = pd.concat([kept, _read(root, fresh.iloc[start : start + _BATCH], workers)])
            _save(kept, path)
            log.info("%s: %d of %d files opened", root, min(start + _BATCH, len(fresh)), len(fresh))
        if vanished:
            _save(kept, path)
    table = kept.astype(_COLUMNS).sort_values("path", ignore_index=True)
    table.attrs = {"opened": len(fresh), "vanished": vanished}
    return table


def load(path: str | Path) -> pd.DataFrame:
    """
    Load the index as last saved, or an empty one if there is none or it is not valid.

    Parameters
    ----------
    path : the index
    """
    empty = pd.DataFrame(columns=list(_COLUMNS)).astype(_COLUMNS)
    if not Path(path).exists():
        return empty
    try:
        table = read_table(path)
    except NunatakError as error:
        log.warning("%s; the folder is read again", error)
        return empty
    if table.attrs["attributes"].get("layout") != _LAYOUT:
        return empty
    return table.astype(_COLUMNS)


def _save(table, path):
    """Save the index."""
    table = table.astype(_COLUMNS).sort_values("path", ignore_index=True)
    write_table(table, path, attributes={"layout": _LAYOUT}, units={})


def _read(root, files, workers):
    """Open files and return their index rows."""
    paths = [Path(root) / below for below in files["path"]]
    workers = min(workers or len(_cores()), len(paths))
    with _pool(workers if len(paths) > _FEW else 1) as pool:
        opening = pool.map(describe, paths, chunksize=8)
        contents = list(progress(opening, label="opening granules", total=len(paths)))
    rows = files.reset_index(drop=True)
    described = pd.DataFrame([_row(content) for content in contents])
    return pd.concat([rows, described], axis=1).reindex(columns=list(_COLUMNS)).astype(_COLUMNS)


def _row(content):
    """Return the index row of one file's description."""
    row = {
        key: getattr(content, key)
        for key in ("status", "reason", "notes", "product", "time_start", "time_end", "geometry", "simulated")
    }
    if content.name is not None:
        row |= {key: getattr(content.name, key) for key in _FROM_NAME}
        row["file_name"] = content.name.name
        if content.status == "broken" and content.name.time_start is not None:
            row["time_start"] = row["time_end"] = content.name.time_start.astype("datetime64[ns]")
    return row


def _pool(workers) -> Executor:
    """Return a pool of processes, because HDF5 serves one thread at a time, or a single thread."""
    if workers == 1:
        return ThreadPoolExecutor(1)
    # Other start methods run the calling script again in every process.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else None)
    return ProcessPoolExecutor(workers, mp_context=context)


def _cores():
    """Return the cores this process may use."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)


@contextmanager
def _alone(path):
    """Let one process at a time update an index, after which the others find it done."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_suffix(".lock"), "w") as lock:
        with suppress(OSError):  # without locks the work is done twice, with the same result
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
