"""Open granules that are not downloaded, with the login that their address needs."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from nunatak.archives.nasa import login, s3
from nunatak.files import remote
from nunatak.study.models import Endpoints


def openable(path: Any, endpoints: Any = None) -> Any:
    """
    Return the object that a reader opens: a path unchanged, or an address with its session.

    Parameters
    ----------
    path : path or address in a ledger
    endpoints : study.models.Endpoints, or a mapping of them. Default: the usual addresses

    Raises
    ------
    LoginRefused : the address needs a login that does not exist
    """
    if not remote.is_address(path):
        return path
    given = endpoints if isinstance(endpoints, Endpoints) else Endpoints(**(endpoints or {}))
    return remote.Address(path, _session(_kind(path), given))


def _kind(address):
    """Return the kind of storage of an address."""
    return "s3" if address.startswith("s3://") else "login" if login.trusted(address) else "public"


@lru_cache(maxsize=8)
def _session(kind, endpoints):
    """Return the session for a kind of storage, with one login for each."""
    if kind == "public":
        return remote.public_session()
    return s3.session(endpoints) if kind == "s3" else login.session(endpoints.login)
