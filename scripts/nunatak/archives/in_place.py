"""Granules opened where they lie: which login an address wants."""

from __future__ import annotations

from functools import lru_cache

from nunatak.archives.nasa import login, s3
from nunatak.files import remote
from nunatak.study.models import Endpoints


def openable(path, endpoints=None):
    """
    What a reader opens: a path as it is, an address with the session that it wants.

    Parameters
    ----------
    path : of a ledger
    endpoints : study.models.Endpoints, or a mapping of them

    Raises
    ------
    LoginRefused : the address wants a login that there is not
    """
    if not remote.is_address(path):
        return path
    given = endpoints if isinstance(endpoints, Endpoints) else Endpoints(**(endpoints or {}))
    return remote.Address(path, _session(_kind(path), given))


def _kind(address):
    return "s3" if address.startswith("s3://") else "login" if login.trusted(address) else "public"


@lru_cache(maxsize=8)
def _session(kind, endpoints):
    """One session for each kind of storage; the login is asked for once."""
    if kind == "public":
        return remote.public_session()
    return s3.session(endpoints) if kind == "s3" else login.session(endpoints.login)
