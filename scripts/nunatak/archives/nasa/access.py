"""Check what a run on the archives needs before it begins."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from nunatak.archives.itslive import image_pairs
from nunatak.archives.nasa import login
from nunatak.archives.nasa.catalogue import Catalogue
from nunatak.archives.transfer.transport import failed, patient
from nunatak.runtime import NunatakError
from nunatak.study.models import Endpoints

_CLIENTS = ("earthaccess", "icepyx", "harmony-py", "pystac-client", "requests")
_TOO_NEW = (0, 19)  # of earthaccess, whose properties icepyx 2.0.2 calls as functions
_LITTLE = 5e9  # bytes free, with less the user is warned


def checks(endpoints: Mapping[str, Any], resources: str | Path) -> Iterator[tuple[str, str, bool]]:
    """
    Yield name, finding and success of each requirement of a run, one after the other.

    Parameters
    ----------
    endpoints : addresses by service
    resources : folder of the originals
    """
    given = Endpoints(**endpoints)
    yield "Python", f"{sys.version.split()[0]}; transfer: s3, in the cloud's own region, wants 3.12", True
    yield "clients", *_clients()
    yield "login", *_said(lambda: login.check(given.login))
    yield "catalogue", *_said(lambda: _releases(given.cmr))
    yield "image pairs", *_said(lambda: _answers(given.stac))
    under = Path(resources).absolute()
    while not under.exists():
        under = under.parent
    free = shutil.disk_usage(under).free
    yield "space", f"{free / 1e9:.1f} GB free below {under}", free > _LITTLE


def _clients():
    """Return the clients' versions, and whether they work together."""
    versions = {name: _version(name) for name in _CLIENTS}
    lacking = [f"{name} is absent" for name, version in versions.items() if version == "absent"]
    if not lacking and tuple(map(int, versions["earthaccess"].split(".")[:2])) >= _TOO_NEW:
        lacking = ["icepyx does not work with earthaccess 0.19 and later"]
    mend = f"; {', '.join(lacking)}: take requirements.lock or envs/access.yaml" if lacking else ""
    return ", ".join(f"{name} {version}" for name, version in versions.items()) + mend, not lacking


def _answers(address):
    """Check that a public service answers with JSON, and return a message."""
    import requests

    try:
        answer = patient(image_pairs.session()).get(address)
        answer.raise_for_status()
        answer.json()
    except (requests.exceptions.RequestException, ValueError) as error:
        raise failed(address, error) from None
    return f"{address} answers"


def _said(question):
    """Return the answer of a check, or its error, and whether it succeeded."""
    try:
        return question(), True
    except NunatakError as error:
        return str(error), False


def _releases(address):
    """Check that the catalogue answers, and return a message with the releases of ATL06."""
    collections = Catalogue(address).collections("atl06")
    return f"{address} answers; atl06 has release {', '.join(collections['version'])}"


def _version(name):
    """Return the version of a package, or "absent"."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
