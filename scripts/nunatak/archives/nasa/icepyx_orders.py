"""
Place queries and orders of a study with icepyx.

icepyx accepts neither another address nor a token, loses the number of an order whose label fails, keeps its notes in
the current folder, and returns nothing for an order that failed. So icepyx only places the order. Its number is
recorded at once, or looked up with the service if icepyx lost it, and `subsets.Orders` does the rest.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from nunatak.archives import ServiceFailed
from nunatak.archives.nasa import login
from nunatak.archives.nasa.subsets import OrderFailed, Orders
from nunatak.archives.transfer.transport import failed, redacted
from nunatak.runtime import NunatakError, log
from nunatak.study.models import Endpoints

_FIXED = ("cmr", "login", "harmony")  # addresses fixed in icepyx
_LEADING = ("ROOT_URL", "HARMONY_HOSTNAME", "URL_SCHEME", "LOCALHOST_PORT")  # variables that its client takes them from
_MAX_PATTERNS = 60  # names in one query, as addresses are limited to about 6000 characters
_SLACK = timedelta(seconds=30)  # between this machine's clock and the service's


def query(
    product: str,
    *,
    bbox: Sequence[float],
    start: str,
    stop: str,
    version: str | None = None,
    tracks: Sequence[int] = (),
    cycles: Sequence[int] = (),
    auth: Any = None,
) -> Any:
    """
    Return an icepyx query object.

    Parameters
    ----------
    product : such as "atl06"
    bbox : (west, south, east, north), degrees
    start, stop : ISO text, UTC
    version : release such as "007". Default: the newest
    tracks, cycles : reference ground tracks and cycles, numbers. Default: all
    auth : login of earthaccess, for a query that orders. Default: none

    Returns
    -------
    icepyx.Query, with its own `avail_granules()`, `order_granules()`, `download_granules()`

    Raises
    ------
    NunatakError : icepyx refuses the query
    ServiceFailed : the catalogue did not answer it
    """
    import icepyx
    import requests

    first, last = (datetime.fromisoformat(text).astimezone(UTC) for text in (start, stop))
    words: dict[str, Any] = {"version": version} if version else {}
    words |= {"tracks": [f"{track:04d}" for track in tracks]} if tracks else {}
    words |= {"cycles": [f"{cycle:02d}" for cycle in cycles]} if cycles else {}
    try:
        made = icepyx.Query(
            product.upper(),
            [float(value) for value in bbox],
            [f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}"],
            start_time=f"{first:%H:%M:%S}",
            end_time=f"{last:%H:%M:%S}",
            **words,
        )
    except (requests.exceptions.RequestException, json.JSONDecodeError, KeyError) as error:
        raise failed("icepyx", error) from None
    except (AssertionError, TypeError, ValueError) as error:
        raise NunatakError(
            f"icepyx refuses the question: {redacted(error)}; correct the study, or write subset: harmony"
        ) from None
    made._auth = auth
    return made


class IcepyxOrders(Orders):
    """Orders that icepyx places, see `subsets.Orders`."""

    def __init__(self, endpoints, folder):
        super().__init__(endpoints.harmony, folder, lambda: login.authenticate(endpoints.login).token["access_token"])
        self.endpoints = endpoints

    def _place(self, granules, asked):
        """Return the number of the order that icepyx placed, or harmony-py if the login is a token."""
        if login.source(self.endpoints.login) == "token":
            log.warning("icepyx cannot order with a token; harmony-py places the order")
            return super()._place(granules, asked)
        _require(self.endpoints)
        question = query(granules["product"].iloc[0], **asked, **_passes(granules))
        placed_after = datetime.now(UTC) - _SLACK
        self.folder.mkdir(parents=True, exist_ok=True)
        # It writes notes (.order_restart) to the current folder, and remarks to the screen.
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(io.StringIO()):
            try:
                return question.order_granules(subset=True, skip_preview=True).job_id()
            except NunatakError:
                raise
            except Exception as error:  # noqa: BLE001 - a refusal is a bare Exception, a failing label an HTTP error
                reason = error
        return self._lost_order(question, placed_after, reason)

    def _lost_order(self, question, placed_after, reason):
        """Return the number of an order that exists although icepyx failed afterwards, such as at its label."""
        session = self._harmony()._session()
        try:
            answer = session.get(f"{self.address}/jobs", params={"limit": 10})
            answer.raise_for_status()
            jobs = answer.json()["jobs"]
        except (OSError, ValueError, KeyError) as error:
            raise failed(self.address, error) from None
        collection = question.concept_id
        mine = [
            job["jobID"]
            for job in jobs
            if collection in job["request"] and datetime.fromisoformat(job["createdAt"]) >= placed_after
        ]
        if len(mine) == 1:
            log.info("icepyx failed after the order was placed (%s); it is %s", redacted(reason), mine[0])
            return mine[0]
        if mine:
            raise ServiceFailed(f"icepyx: {redacted(reason)}; which of {len(mine)} new orders is its own is not known")
        raise OrderFailed(f"icepyx: the order was refused ({redacted(reason)})")


def _require(endpoints):
    """
    Refuse settings that would send an order, and the password with it, to another address than the one configured.
    """
    own = Endpoints()
    other = [name for name in _FIXED if getattr(endpoints, name) != getattr(own, name)]
    if other:
        raise NunatakError(
            f"endpoints.{other[0]}: icepyx knows no other address than {getattr(own, other[0])}; write subset: harmony"
        )
    leading = [name for name in _LEADING if os.environ.get(name)]
    if leading:
        raise NunatakError(
            f"{leading[0]} is set: icepyx would send user and password there; unset it, or write subset: harmony"
        )


def _passes(granules):
    """Return release, tracks and cycles of granules, without the tracks if a query would hold too many names."""
    tracks, cycles = (sorted(granules[name].dropna().astype(int).unique().tolist()) for name in ("rgt", "cycle"))
    few = len(tracks) * len(cycles) <= _MAX_PATTERNS
    return {"version": granules["version"].iloc[0], "tracks": tracks if few else (), "cycles": cycles}
