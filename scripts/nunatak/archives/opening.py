"""
Open the archive of a study by its name, apart from the archives' errors, so that reading a ledger needs no client.
"""

from collections.abc import Mapping
from typing import Any

from nunatak.compute.registry import registry
from nunatak.parameters.archives import ARCHIVES
from nunatak.runtime import NunatakError

class_of = registry(ARCHIVES, "opened_by", below="archives")


def open_archive(name: str, settings: Mapping[str, Any]) -> Any:
    """
    Open an archive.

    Parameters
    ----------
    name : one of `parameters.archives.ARCHIVES`
    settings : mapping, see `of` of the archive's class

    Returns
    -------
    object with `search` and `fetch`, see `archives.archive.Archive`

    Raises
    ------
    NunatakError : the archive does not exist, or a setting is missing
    """
    if name not in ARCHIVES:
        raise NunatakError(f"archive: {name!r} is not known here; choose {', '.join(ARCHIVES)}")
    needed = ARCHIVES[name].folder
    if needed and not settings.get(needed):
        raise NunatakError(f"archive: {name} needs to know its folder; add --config {needed}=<folder with granules>")
    return class_of(name).of(settings)
