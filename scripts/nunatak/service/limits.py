"""
Limit what clients of the service can use: sizes of bodies, time of slow clients, requests at once, connections.

Clients are not identified, so a client that sends slowly, reads slowly or disconnects must not block others.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.h11_impl import H11Protocol

from nunatak.runtime import log
from nunatak.service.engine import RequestError

if TYPE_CHECKING:
    import threading

BODY = 1_000_000  # bytes of a request
TIME = 30.0  # s for the head of a request, for its body, and for a client to take a piece of the answer
CONNECTIONS = 1000
_LOOK = 0.25  # s between two checks whether a client is still connected


class Gone(Exception):
    """The client disconnected before its request was complete."""


async def body_of(http: Any) -> dict[str, Any]:
    """
    Read the JSON object in the body of a call, where an empty body is an empty object.

    Parameters
    ----------
    http : request of Starlette

    Raises
    ------
    RequestError : the body is too large (413), too slow (408), not JSON, or not an object (400)
    Gone : the client disconnected
    """
    text, end = b"", time.monotonic() + TIME
    stream = aiter(http.stream())
    while True:
        try:
            text += await asyncio.wait_for(anext(stream), max(end - time.monotonic(), 0))
        except StopAsyncIteration:
            return _object(text)
        except TimeoutError as error:
            raise RequestError(f"the body of the request did not come within {TIME:g} s", 408) from error
        except ClientDisconnect as error:
            raise Gone from error
        if len(text) > BODY:
            raise RequestError(f"the body of the request is longer than {BODY} bytes", 413)


def _object(text):
    """Return the JSON object of a text."""
    try:
        value = json.loads(text, parse_constant=_no_constant) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the body of the request is not JSON ({str(error)[:200]})") from error
    if not isinstance(value, dict):
        raise RequestError(f"the body of the request is a JSON {type(value).__name__}; send an object")
    return value


def _no_constant(word):
    """Refuse NaN and Infinity, which are not JSON."""
    raise ValueError(f"{word} is not a number of JSON")


class Turns:
    """
    Places for requests in process, with a queue before them.

    Parameters
    ----------
    places : requests processed at a time
    queue : requests that may wait for a place
    wait : s, longest wait
    """

    def __init__(self, places=4, queue=64, wait=60.0):
        self.places, self.queue, self.wait = places, queue, wait
        self._free, self._waiting = asyncio.Semaphore(places), 0

    async def take(self) -> Callable[[], None]:
        """
        Wait for a place.

        Returns
        -------
        function without arguments that frees the place, once, from any thread

        Raises
        ------
        RequestError : too many requests wait, or no place became free in time (503)
        """
        if self._waiting >= self.queue:
            raise RequestError(f"{self.places} requests are worked on and {self.queue} wait; ask again later", 503)
        self._waiting += 1
        try:
            await asyncio.wait_for(self._free.acquire(), self.wait)
        except TimeoutError as error:
            raise RequestError(f"no place became free within {self.wait:g} s; ask again later", 503) from error
        finally:
            self._waiting -= 1
        loop = asyncio.get_running_loop()
        freed: list = []

        def give():
            if not freed:
                freed.append(True)
                loop.call_soon_threadsafe(self._free.release)

        return give


async def watch(http: Any, stop: threading.Event) -> None:
    """
    Set the flag `stop` when the client of a request disconnects, until this is cancelled.

    Parameters
    ----------
    http : request of Starlette
    stop : event to set
    """
    while not await http.is_disconnected():
        await asyncio.sleep(_LOOK)
    stop.set()


class Patient:
    """An application that gives its clients `TIME` seconds to take each piece of an answer."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def timed(message):
            await asyncio.wait_for(send(message), TIME)

        try:
            await self.app(scope, receive, timed)
        except TimeoutError:
            log.info("a client took no piece of its answer for %g s; the connection is closed", TIME)


class Headed(H11Protocol):
    """An HTTP protocol that gives its clients `TIME` seconds for the head of each request."""

    _late = None

    def connection_made(self, transport):
        super().connection_made(transport)
        self._late = self.loop.call_later(TIME, transport.close)

    def data_received(self, data):
        waits = self.cycle is None or self.cycle.response_complete
        if waits and self._late is None:
            self._late = self.loop.call_later(TIME, self.transport.close)
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._forget()

    def on_response_complete(self):
        self._forget()
        super().on_response_complete()

    def connection_lost(self, exc):
        self._forget()
        super().connection_lost(exc)

    def _forget(self):
        """Cancel the timer of the head."""
        if self._late is not None:
            self._late.cancel()
            self._late = None
