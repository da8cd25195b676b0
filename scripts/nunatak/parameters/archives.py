"""
Declare the archives a study can name, one row for each.

A new archive is a row here and a module below `archives` with a class that has `of`, `search` and `fetch`
(`archives.archive.Archive`). The study file, the rules and the scripts ask this table and name no archive themselves.
"""

from __future__ import annotations

from typing import NamedTuple


class Archive(NamedTuple):
    """What the workflow must know of an archive before it is opened."""

    opened_by: str
    """class below `nunatak.archives`, as module:class; its `of` takes the settings"""
    keys: tuple[str, ...] = ()
    """keys of the study that are among its settings, beside `resources`"""
    remote: bool = False
    """its granules come over the network, so connections are counted and originals are kept"""
    folder: str | None = None
    """setting that names the folder of its granules, without which it cannot be opened"""
    made: bool = False
    """a rule of the workflow makes its granules; those of another local archive are the user's, and may change"""

    @property
    def watched(self) -> bool:
        """Whether the user adds and changes its files, so that it is searched again when they do."""
        return not self.remote and not self.made


ARCHIVES = {
    "earthdata": Archive(opened_by="nasa.earthdata:EarthdataArchive", keys=("endpoints", "transfer"), remote=True),
    "directory": Archive(opened_by="local.directory:DirectoryArchive", keys=("directory",), folder="directory"),
    "simulated": Archive(opened_by="local.simulated:SimulatedArchive", folder="folder", made=True),
}
