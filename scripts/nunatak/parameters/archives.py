"""
Declare the archives a study can name, one row for each.

A new archive is a row here and a module below `archives` with a class that has `of`, `search` and `fetch`
(`archives.archive.Archive`). The study file, the rules and the scripts ask this table and name no archive themselves.
"""

from __future__ import annotations

from typing import NamedTuple


class Archive(NamedTuple):
    """The properties of an archive that the workflow needs before opening it."""

    opened_by: str
    """class below `nunatak.archives`, as module:class, whose `of` takes the settings"""
    keys: tuple[str, ...] = ()
    """keys of the study that are among its settings, beside `resources`"""
    remote: bool = False
    """whether its granules are downloaded, so that connections are limited and originals are kept"""
    folder: str | None = None
    """setting that names the folder of its granules, without which it cannot be opened"""
    made: bool = False
    """whether a rule of the workflow makes its granules. In other local archives the user may change them"""

    @property
    def watched(self) -> bool:
        """Return whether the user adds and changes its files, so that it is searched again when they do."""
        return not self.remote and not self.made


ARCHIVES = {
    "earthdata": Archive(opened_by="nasa.earthdata:EarthdataArchive", keys=("endpoints", "transfer"), remote=True),
    "directory": Archive(opened_by="local.directory:DirectoryArchive", keys=("directory",), folder="directory"),
    "simulated": Archive(opened_by="local.simulated:SimulatedArchive", folder="folder", made=True),
}
