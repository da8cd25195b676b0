"""
List the granule files of a folder tree without opening them, fast enough for every start of the workflow.

It needs only the standard library, so that a rule can use it while the workflow is parsed.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from nunatak.runtime import NunatakError

_DESCRIPTIONS = (".zmetadata", "zarr.json", ".zattrs")
SUFFIXES = (".h5", ".hdf5", ".nc", ".nc4")


class Entry(NamedTuple):
    """One file: path below the root with forward slashes, size in bytes, time of its last change in ns."""

    path: str
    size_bytes: int
    mtime_ns: int


def granule_files(root: str | Path) -> list[Entry]:
    """
    Return the HDF5 and NetCDF files of a folder tree, sorted by path.

    Links are followed, each folder once. Hidden files and folders and Zarr stores are left out.

    Parameters
    ----------
    root : folder

    Raises
    ------
    NunatakError : the root is absent or a file, or a folder below cannot be listed, whose granules would be missing
        from every answer without notice
    """
    root = Path(root)
    if not root.exists():
        raise NunatakError(f"{root}: no such folder; name the folder that holds the granules with directory=<folder>")
    if not root.is_dir():
        raise NunatakError(f"{root}: is a file where a folder of granules is expected; name the folder it lies in")
    entries: list[Entry] = []
    seen: set[tuple[int, int]] = set()
    waiting = [(root, "")]
    while waiting:
        folder, below = waiting.pop()
        for item in _items(folder, seen):
            if item.name.startswith("."):
                continue
            if item.is_dir():
                if not item.name.endswith(".zarr"):
                    waiting.append((Path(item.path), f"{below}{item.name}/"))
            elif item.name.lower().endswith(SUFFIXES):
                entries.append(_entry(item, below))
    return sorted(entries)


def zarr_stores(root: str | Path) -> list[Entry]:
    """
    Return the Zarr stores of a folder tree, sorted by path.

    Links are followed, each folder once. Hidden folders are left out. Size and time are those of the store's own
    description, which is written again when layers are added.

    Raises
    ------
    NunatakError : as for `granule_files`
    """
    found: list[Entry] = []
    seen: set[tuple[int, int]] = set()
    waiting = [(Path(root), "")]
    while waiting:
        folder, below = waiting.pop()
        for item in _items(folder, seen):
            if item.name.startswith(".") or not item.is_dir():
                continue
            path = Path(item.path)
            if not item.name.endswith(".zarr"):
                waiting.append((path, f"{below}{item.name}/"))
                continue
            said = next((file for name in _DESCRIPTIONS if (file := path / name).is_file()), path)
            found.append(Entry(below + item.name, said.stat().st_size, said.stat().st_mtime_ns))
    return sorted(found)


def fingerprint(root: str | Path) -> str:
    """
    Return a hash of the listing that changes with every change of a granule, or an empty text without the folder.

    Parameters
    ----------
    root : folder
    """
    if not Path(root).is_dir():
        return ""
    digest = hashlib.sha256()
    for entry in (*granule_files(root), *zarr_stores(root)):
        digest.update(repr(tuple(entry)).encode())
    return digest.hexdigest()[:16]


def _items(folder, seen):
    """Return the entries of one folder, or none if a link leads to a folder already listed."""
    try:
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            return []
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as listing:
            return list(listing)
    except OSError as error:
        raise NunatakError(
            f"{folder}: cannot be listed ({error.strerror}); make it readable or move it out of the archive"
        ) from error


def _entry(item, below):
    """Return the entry of one file."""
    try:
        status = item.stat()
    except FileNotFoundError:  # a broken link is a missing granule
        status = item.stat(follow_symlinks=False)
    return Entry(below + item.name, status.st_size, status.st_mtime_ns)
