"""What a run on the archives needs, looked at before it begins."""

from __future__ import annotations

import shutil
import sys
from importlib import metadata
from pathlib import Path

from nunatak.archives.itslive import image_pairs
from nunatak.archives.nasa import login
from nunatak.archives.nasa.catalogue import Catalogue
from nunatak.archives.transfer.transport import failed, patient
from nunatak.runtime import NunatakError
from nunatak.study.models import Endpoints

_CLIENTS = ("earthaccess", "icepyx", "harmony-py", "pystac-client", "requests")
_TOO_NEW = (0, 19)  # of earthaccess, whose properties icepyx 2.0.2 calls as functions
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
    """The clients' versions, and whether they are a set that works together."""
    found = {name: _version(name) for name in _CLIENTS}
    lacking = [f"{name} is absent" for name, version in found.items() if version == "absent"]
    if not lacking and tuple(map(int, found["earthaccess"].split(".")[:2])) >= _TOO_NEW:
        lacking = ["icepyx does not work with earthaccess 0.19 and later"]
    mend = f"; {', '.join(lacking)}: take requirements.lock or envs/access.yaml" if lacking else ""
    return ", ".join(f"{name} {version}" for name, version in found.items()) + mend, not lacking


def _answers(address):
    """Whether a public service answers, with JSON."""
    import requests

    try:
        answer = patient(image_pairs.session()).get(address)
        answer.raise_for_status()
        answer.json()
    except (requests.exceptions.RequestException, ValueError) as error:
        raise failed(address, error) from None
    return f"{address} answers"


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
