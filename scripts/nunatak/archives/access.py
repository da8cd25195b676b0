"""What a run on the archives needs, looked at before it begins."""

from __future__ import annotations

import shutil
import sys
from importlib import metadata
from pathlib import Path

from nunatak.archives import login
from nunatak.archives.catalogue import Catalogue
from nunatak.runtime import NunatakError
from nunatak.study.models import Endpoints

_CLIENTS = ("earthaccess", "icepyx", "harmony-py", "pystac-client", "requests")
_LITTLE = 5e9  # bytes free below which a person is warned


def checks(endpoints, resources):
    """
    (name, what was found, whether it is good) of each thing a run needs, one after the other.

    Parameters
    ----------
    endpoints : addresses by service
    resources : folder of the originals
    """
    given = Endpoints(**endpoints)
    yield "Python", f"{sys.version.split()[0]}; transfer: s3, in the cloud's own region, wants 3.12", True
    yield "clients", ", ".join(f"{name} {_version(name)}" for name in _CLIENTS), _version("earthaccess") != "absent"
    yield "login", *_said(lambda: login.check(given.login))
    yield "catalogue", *_said(lambda: _releases(given.cmr))
    under = Path(resources).absolute()
    while not under.exists():
        under = under.parent
    free = shutil.disk_usage(under).free
    yield "space", f"{free / 1e9:.1f} GB free below {under}", free > _LITTLE


def _said(question):
    try:
        return question(), True
    except NunatakError as error:
        return str(error), False


def _releases(address):
    known = Catalogue(address).collections("atl06")
    return f"{address} answers; atl06 has release {', '.join(known['version'])}"


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
