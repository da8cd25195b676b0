"""
Order server-side subsets of track granules in space and time from Harmony through harmony-py.

An order's number is written to disk as soon as it exists, so that a run that was killed finds its order again and does
not order twice. The result of an order is read from its record and never from the client, which returns nothing for
failed, cancelled and paused orders alike. Granules that Harmony cannot subset are fetched whole and subset here.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from nunatak.archives import ServiceFailed
from nunatak.archives.archive import Outcome
from nunatak.archives.nasa.records import base_name
from nunatak.archives.transfer.transport import failed, patient, redacted
from nunatak.granules import GranuleNameError, parse
from nunatak.runtime import NunatakError, log, read_json, write_json

INTERVAL = 10.0  # s, between two checks of an order
PATIENCE = 6 * 3600.0  # s, after which a run stops waiting. The order continues, and the next run finds it
NOTHING = "no data of it lies in the box and period"
_OVER = ("successful", "complete_with_errors", "failed", "canceled")
_NO_DATA = "no data found"  # message of the service for a granule without a row in the box


class OrderFailed(NunatakError):
    """An order ended without granules."""


class Orders:
    """
    Orders at an address.

    Parameters
    ----------
    address : such as "https://harmony.earthdata.nasa.gov"
    folder : folder of the numbers of orders
    token : function that returns the token of a login
    """

    def __init__(self, address, folder, token):
        self.address = address.rstrip("/")
        self.folder = Path(folder)
        self.token = token
        self._client = None

    def links(self, granules: pd.DataFrame, asked: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Outcome]]:
        """
        Return the addresses of the subsets of granules when their order is complete.

        Parameters
        ----------
        granules : granule table of one product and collection
        asked : mapping with `bbox` (west, south, east, north) and `start`, `stop` (ISO text, UTC)

        Returns
        -------
        links : address by granule id
        settled : outcomes of granules without a subset because they have no data in the box and period
        A granule in neither is one that Harmony could not subset.

        Raises
        ------
        OrderFailed : the order failed or was cancelled
        ServiceFailed : the service did not answer, or not within `PATIENCE`
        """
        note = self.folder / f"{_digest(granules, asked)}.json"
        order = self._known(note)
        if order is None:
            order = self._place(granules, asked)
            write_json({"order": order, "asked": asked, "granules": sorted(granules["file_name"])}, note)
            log.info("Harmony order %s for %d granules, %s/workflow-ui/%s", order, len(granules), self.address, order)
        record = self._wait(order)
        status, message = record["status"], redacted(record.get("message", ""))
        if status in ("failed", "canceled") and _NO_DATA not in message.lower():
            note.unlink(missing_ok=True)
            raise OrderFailed(
                f"Harmony order {order}: {status} ({message}); {self.address}/workflow-ui/{order} says more"
            )
        return _sorted_out(granules, record, message)

    def _known(self, note):
        """Return the number of an order that can still be used, or None if it is unknown, failed or expired."""
        try:
            order = read_json(note)["order"]
        except (OSError, ValueError, KeyError):
            return None
        record = self._record(order)
        if record is None or record["status"] in ("failed", "canceled") or _expired(record):
            log.info("Harmony order %s is gone, failed or expired; ordering anew", order)
            return None
        log.info("Harmony order %s was placed before; going on with it", order)
        return order

    def _place(self, granules, asked):
        """
        Place an order and return its number.

        Raises OrderFailed if it is not supported, so that whole granules are taken.
        """
        import harmony
        import requests

        request = harmony.Request(
            collection=harmony.Collection(id=granules["collection_id"].iloc[0]),
            spatial=harmony.BBox(*asked["bbox"]),
            temporal={name: datetime.fromisoformat(asked[name]) for name in ("start", "stop")},
            granule_name=sorted(granules["file_name"]),
            skip_preview=True,
            ignore_errors=True,
        )
        try:
            answer = self._harmony().submit(request)
        except requests.exceptions.RequestException as error:
            raise failed(self.address, error) from None
        except Exception as error:
            if type(error) is not Exception:  # the client reports a refusal as a bare Exception
                raise
            raise OrderFailed(f"{self.address}: refuses the order ({redacted(error)})") from None
        return answer["jobID"] if isinstance(answer, dict) else answer

    def _wait(self, order) -> dict:
        """Wait until an order has ended, and return its record."""
        until, resumed = time.monotonic() + PATIENCE, False
        while time.monotonic() < until:
            record = self._record(order)
            if record is None:
                raise ServiceFailed(f"Harmony order {order}: is not known any more; run again to order anew")
            if record["status"] in _OVER:
                return record
            if record["status"] in ("paused", "previewing"):
                if resumed:
                    raise OrderFailed(f"Harmony order {order}: paused again after it was resumed")
                self._harmony().resume(order)
                resumed = True
            time.sleep(INTERVAL)
        raise ServiceFailed(f"Harmony order {order}: not done in {PATIENCE / 3600:g} h; run again to go on with it")

    def _record(self, order):
        """Return the order's record with the links of all its pages, or None if the service no longer knows it."""
        import requests

        session, whole = self._harmony()._session(), None
        address: str | None = f"{self.address}/jobs/{order}?limit=2000"
        try:
            while address:
                answer = session.get(address)
                if answer.status_code in (404, 410):
                    return None
                answer.raise_for_status()
                page = answer.json()
                whole = page if whole is None else {**whole, "links": whole["links"] + page.get("links", [])}
                address = next((link["href"] for link in page.get("links", []) if link["rel"] == "next"), None)
            if whole is None or not isinstance(whole["status"], str):
                raise ValueError("the record of an order says no status")
            return whole
        except (requests.exceptions.RequestException, ValueError, KeyError, TypeError, AttributeError) as error:
            raise failed(self.address, error) from None

    def _harmony(self):
        """
        Return the client with our own settings, as it would otherwise read its address from a variable named ROOT_URL.
        """
        if self._client is None:
            import harmony
            from harmony.config import Config

            address = self.address

            class Settings(Config):
                def __getattribute__(self, name):
                    known = name in dir(type(self)) or name in object.__getattribute__(self, "__dict__")
                    return address if name == "root_url" else object.__getattribute__(self, name) if known else None

            self._client = harmony.Client(token=self.token(), should_validate_auth=False)
            self._client.config = Settings()
            session = patient(self._client._session())
            session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True  # not read by prepared requests
        return self._client


def digest_of(asked: Mapping[str, Any]) -> str:
    """
    Return a short hash of an order's region and period, which names the folder of its subsets.

    Parameters
    ----------
    asked : as for `Orders.links`
    """
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]


def _digest(granules, asked):
    """Return a hash of an order's granules, region and period."""
    question = json.dumps([sorted(granules["file_name"]), asked], sort_keys=True)
    return hashlib.sha256(question.encode()).hexdigest()[:16]


def _expired(record):
    """Return whether the results of an order have expired."""
    ends = record.get("dataExpiration")
    return bool(ends) and record["status"] in _OVER and datetime.fromisoformat(ends) < datetime.now(UTC)


def _sorted_out(granules, record, message):
    """Return links and settled outcomes of an order that ended with all, some or no granules."""
    links = {}
    for link in record.get("links", []):
        if link.get("rel") == "data":
            try:
                links[parse(base_name(link["href"])).granule_id] = link["href"]
            except GranuleNameError:
                log.debug("not a granule: %s", redacted(link["href"]))
    errors = {_id_in(error.get("url", ""), granules): error.get("message", "") for error in record.get("errors", [])}
    settled = {}
    for granule in granules["granule_id"]:
        reason = errors.get(granule, message if record["status"] == "failed" else "")
        nothing = _NO_DATA in reason.lower() or (record["status"] == "successful" and granule not in errors)
        if granule not in links and nothing:
            settled[granule] = Outcome(granule, "", "empty", NOTHING)
        elif granule not in links:
            log.warning(
                "%s: Harmony could not do it (%s); taking the whole granule", granule, redacted(reason) or "no word"
            )
    return links, settled


def _id_in(text, granules):
    """Return the granule whose id occurs in a text, or None."""
    return next((granule for granule in granules["granule_id"] if granule in text), None)


def as_staged(granules, links: Mapping[str, str]) -> pd.DataFrame:
    """
    Return the rows of granules with the links of their subsets, whose size and checksum are unknown.

    Parameters
    ----------
    granules : granule table
    links : address by granule id
    """
    rows = granules[granules["granule_id"].isin(list(links))].copy()
    rows["url"] = [links[granule] for granule in rows["granule_id"]]
    return rows.assign(size_bytes=pd.NA, checksum=pd.NA, checksum_algorithm=pd.NA)
