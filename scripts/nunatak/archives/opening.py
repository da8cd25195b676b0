"""The archive of a study, by its name: apart from the errors, so that who reads a ledger needs no client."""

from nunatak.runtime import NunatakError

NAMES = ("earthdata", "directory", "simulated")
_ASKED = ("subset", "client", "transfer", "stream", "pairs")  # of `earthdata`


def open_archive(name, settings):
    """
    The archive of a study.

    Parameters
    ----------
    name : one of `NAMES`
    settings : mapping; of "directory": `directory` (the folder with the granules) and `resources` (the folder below
        which its index is kept, default "resources"); of "simulated": `folder` (holds one folder per product); of
        "earthdata": `resources` (originals are kept below it), `endpoints` and `connections`, both mappings by service,
        and the other arguments of `earthdata.EarthdataArchive`

    Returns
    -------
    object with `search` and `fetch`, see `archives.base.Archive`

    Raises
    ------
    NunatakError : no such archive, or it lacks a setting
    """
    if name == "directory":
        from nunatak.archives.local.directory import DirectoryArchive

        index = f"{settings.get('resources') or 'resources'}/index"
        return DirectoryArchive(_setting(name, settings, "directory"), index)
    if name == "simulated":
        from nunatak.archives.local.simulated import SimulatedArchive

        return SimulatedArchive(_setting(name, settings, "folder"))
    if name == "earthdata":
        from nunatak.archives.nasa.earthdata import EarthdataArchive

        return EarthdataArchive(
            settings.get("resources") or "resources",
            endpoints=settings.get("endpoints"),
            connections=(settings.get("connections") or {}).get("nsidc", 4),
            **{key: settings[key] for key in _ASKED if key in settings},
        )
    raise NunatakError(f"archive: {name!r} is not known here; choose {', '.join(NAMES)}")


def _setting(archive, settings, key):
    if not settings.get(key):
        raise NunatakError(f"archive: {archive} needs to know its folder; add --config {key}=<folder with granules>")
    return settings[key]
