"""The stand-in of the archives' services for the tests of access, and the way to it."""

from __future__ import annotations

import socket

import certifi
import pytest
import requests.adapters
import requests.utils
from tests.standin import certificates, faults, holdings, redirect, services
from tests.standin.server import StandIn
from tiny_granules import atl06, name_of

from nunatak.archives import content, transport
from nunatak.archives.earthdata import EarthdataArchive
from nunatak.granules import granule_table


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    authority, certificate, key = certificates.make(tmp_path_factory.mktemp("certificates"))
    standin = StandIn({}, certificate, key)
    standin.authority = authority
    yield standin
    standin.close()


def services_of(records):
    """Every service by its host."""
    return {
        faults.CMR: services.Cmr(records),
        faults.EDL: services.edl,
        faults.DATA: services.Data(records),
        faults.CLOUD: services.Cloud(records),
        "elsewhere.example.org": services.Data(records),
    }


@pytest.fixture
def standin(server, monkeypatch, tmp_path):
    """
    The services, empty; `records` is what they hold. All archive host names of this process lead to them, every other
    address is refused, and no login of the person who runs the tests is seen.
    """
    server.reset()
    records: list[services.Record] = []
    server.records = records
    server.services = services_of(records)
    for name, value in redirect.environment(server.port, server.authority).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(socket, "getaddrinfo", redirect.getaddrinfo)
    monkeypatch.setattr(certifi, "where", lambda: str(server.authority))
    for module in (requests.utils, requests.adapters):
        monkeypatch.setattr(module, "DEFAULT_CA_BUNDLE_PATH", str(server.authority))
    for name in ("EARTHDATA_TOKEN", "EARTHDATA_USERNAME", "EARTHDATA_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setattr(transport, "PAUSE", 0.01)
    return server


@pytest.fixture
def login(standin, monkeypatch):
    """A login that the stand-in takes."""
    monkeypatch.setenv("EARTHDATA_USERNAME", services.USER)
    monkeypatch.setenv("EARTHDATA_PASSWORD", services.PASSWORD)


@pytest.fixture
def archive(tmp_path):
    return EarthdataArchive(tmp_path / "resources")


@pytest.fixture
def held(standin, tmp_path):
    """A function that puts tiny ATL06 granules into the stand-in's archive: their records."""

    def hold(*, rgts=(627,), cycles=(5,), n=40, version="006", checksum=None, **changes):
        made = []
        for rgt in rgts:
            for cycle in cycles:
                path = atl06(tmp_path / "held", name_of(rgt, cycle, version=version), n=n)
                made.append(record_of(path, checksum=checksum, **changes))
        standin.records += made
        return made

    return hold


def record_of(path, *, checksum=None, **changes):
    """The stand-in's record of a file."""
    found = content.describe(path)
    row = {
        "file_name": path.name,
        "geometry": found.geometry,
        "time_start": found.time_start,
        "time_end": found.time_end,
    }
    record = holdings.of_files(granule_table([row]), path.parent, checksum=checksum)[0]
    for name, value in changes.items():
        setattr(record, name, value)
    return record
