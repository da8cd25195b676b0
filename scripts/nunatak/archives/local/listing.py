"""
Which granule files a folder tree holds, without opening any: fast enough to ask at every start of the workflow.

Needs the standard library only, so that a rule can use it while the workflow is parsed.
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


def granule_files(root) -> list[Entry]:
    """
    The HDF5 and NetCDF files of a folder tree, sorted by path.

    Links are followed, each folder once. Hidden files and folders and Zarr stores are left out.

    Raises
    ------
    NunatakError : the root is absent or a file, or a folder below cannot be listed (its granules would be missing
        from every answer without a word)
    """
    root = Path(root)
    if not root.exists():
        raise NunatakError(f"{root}: no such folder; name the folder that holds the granules with directory=<folder>")
    if not root.is_dir():
        raise NunatakError(f"{root}: is a file where a folder of granules is expected; name the folder it lies in")
    found: list[Entry] = []
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
                found.append(_entry(item, below))
    return sorted(found)


def zarr_stores(root) -> list[Entry]:
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


def fingerprint(root) -> str:
    """A hash of the listing, which changes when a granule comes, goes, grows or is touched; "" without the folder."""
    if not Path(root).is_dir():
        return ""
    digest = hashlib.sha256()
    for entry in (*granule_files(root), *zarr_stores(root)):
        digest.update(repr(tuple(entry)).encode())
    return digest.hexdigest()[:16]


def _items(folder, seen):
    """The entries of one folder; none when a link leads to a folder already listed."""
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
    try:
        status = item.stat()
    except FileNotFoundError:  # a link that leads nowhere is a granule that is gone
        status = item.stat(follow_symlinks=False)
    return Entry(below + item.name, status.st_size, status.st_mtime_ns)
