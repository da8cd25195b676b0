"""The stand-in of the archives' services for the tests of access, and the way to it."""

from __future__ import annotations

import socket

import certifi
import numpy as np
import pytest
import requests.adapters
import requests.utils
import xarray as xr
from tests.builders.tiny_granules import atl06, name_of
from tests.standin import certificates, faults, holdings, redirect, services, stac
from tests.standin.server import StandIn

from nunatak.archives.local import content
from nunatak.archives.nasa.earthdata import EarthdataArchive
from nunatak.files import retries
from nunatak.granules import granule_table

TRUNK = "POLYGON ((-103 -76, -99 -76, -99 -74, -103 -74, -103 -76))"  # of Pine Island Glacier


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
        faults.STAC: stac.Stac([]),
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
    monkeypatch.setattr(retries, "PAUSE", 0.01)
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


@pytest.fixture
def pairs(standin, tmp_path):
    """The catalogue and bucket with 45 pairs of 2018 and 2019: their files, by name."""
    rows, paths = [], []
    (tmp_path / "bucket").mkdir()
    for number in range(45):
        first = np.datetime64("2018-01-05") + 16 * number
        days = [str(day).replace("-", "") for day in (first, first + 32)]
        images = "_X_".join(f"LC08_L1GT_001113_{day}_20200901_02_T2" for day in days)
        path = tmp_path / "bucket" / f"{images}_G0120V02_P{number + 10:03d}.nc"
        rows.append({"file_name": path.name, "geometry": TRUNK})
        paths.append(path)
    content = xr.Dataset({name: ("x", np.zeros(3, "i2")) for name in ("vx", "vy", "img_pair_info")})
    content.to_netcdf(paths[0], engine="h5netcdf")
    for path in paths[1:]:
        path.write_bytes(paths[0].read_bytes())
    standin.items = [stac.item_of(row) for row in granule_table(rows).itertuples()]
    standin.services |= {faults.STAC: stac.Stac(standin.items), faults.S3: stac.bucket(paths)}
    return {path.name: path for path in paths}
