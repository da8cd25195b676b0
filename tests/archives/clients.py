"""What the clients themselves make of a service that fails: each way a user would go without this workflow."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from datetime import datetime

import earthaccess
import harmony
import pystac_client
import requests
from icepyx.core.harmony import HarmonyApi
from tests.archives.fetching import HERE
from tests.standin import faults, services

_BOX = tuple(float(value) for value in HERE.bounds)
_SPAN = {"start": datetime(2019, 1, 1), "stop": datetime(2020, 1, 1)}
_COLLECTION = services.collection_id("ATL06", "006", "NSIDC_CPRD")


def search(world):
    """earthaccess: the records of a short name."""
    return earthaccess.DataGranules().short_name("ATL06").get()


def login(world):
    """earthaccess: a login from the environment."""
    return earthaccess.Auth().login(strategy="environment")


def download(world):
    """earthaccess: the path of the second granule, downloaded from the link its record has."""
    store = earthaccess.Store(login(world))
    (record,) = [item for item in search(world) if item["meta"]["concept-id"] == world.second.concept_id]
    return store.get(record.data_links()[:1], world.folder(), threads=1, show_progress=False)[0]


def pairs(world):
    """pystac-client: every item of the catalogue."""
    found = pystac_client.Client.open(f"https://{faults.STAC}").search(collections=["itslive-granules"])
    return list(found.items())


def save(world):
    """requests: a pair saved as scripts do it."""
    path = world.folder() / world.second.name
    path.write_bytes(requests.get(world.second.url).content)
    return path


def submit(world):
    """harmony-py: the number of an order for the second granule."""
    spatial, temporal = harmony.BBox(*_BOX), _SPAN
    collection = harmony.Collection(id=_COLLECTION)
    request = harmony.Request(
        collection=collection, spatial=spatial, temporal=temporal, granule_name=[world.second.name]
    )
    return _harmony().submit(request)


def subset(world):
    """icepyx: the paths of an order's results."""
    order = submit(world)
    client = HarmonyApi.__new__(HarmonyApi)  # its own way to log in knows no token
    client.harmony_client, client.job_ids = _harmony(), [order]
    return client.download_granules(world.folder())


def labelled(world):
    """icepyx: an order, which it labels."""
    client = HarmonyApi.__new__(HarmonyApi)
    client.harmony_client, client.job_ids, client._ipx_version = _harmony(), [], "2"
    with contextlib.chdir(world.folder()):
        client.place_order(_COLLECTION, harmony.BBox(*_BOX), _SPAN, granule_name=[world.second.name])
    return client.job_ids


def followed(world):
    """harmony-py: how often an order was looked at before nobody wanted to wait any longer."""
    order = submit(world)
    waiting = threading.Thread(target=_harmony().wait_for_processing, args=[order], daemon=True)
    waiting.start()
    waiting.join(0.4)
    still = waiting.is_alive()
    with world.standin.without_faults():
        waiting.join(10)
    return len(world.standin.requests(faults.HARMONY, f"/jobs/{order}")) if still else 0


def waited(call):
    """The seconds a client waits for an answer that does not come."""

    def timed(world):
        start = time.monotonic()
        call(world)
        return time.monotonic() - start

    return timed


def _harmony():
    client = harmony.Client(token=services.TOKEN, should_validate_auth=False, check_interval=0.01)
    client._session().verify = os.environ["REQUESTS_CA_BUNDLE"]
    return client
