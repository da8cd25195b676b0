"""Answer the endpoints that SlideRule's Python client calls, as a web application on Starlette."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

import nunatak
from nunatak import photons
from nunatak.runtime import NunatakError, log
from nunatak.service import engine, limits, records

# Release of the interface, which the client compares with its own.
INTERFACE = "v5.7.0"
_APIS = {"atl06": "atl06", "atl06p": "atl06", "atl03s": "atl03s", "atl03sp": "atl03s", "indexer": "indexer"}
_SERVING: dict[str, Any] = {
    "lifespan": "off",
    "ws": "none",
    "http": limits.Headed,
    "limit_concurrency": limits.CONNECTIONS,
}
_WAIT = 30.0  # s that a server in the background may take to start


def application(assets: Mapping[str, Any], *, threads: int | None = None, places: int = 4) -> Any:
    """
    Return the web application that answers requests with the photon engine.

    Parameters
    ----------
    assets : mapping of the name of an asset to its archive (`archives.archive.Archive`)
    threads : beams of a request processed at a time. Default: one for each processor
    places : requests processed at a time. Further ones wait, and are refused with 503 when too many wait. Default: 4
    """
    turns = limits.Turns(places)

    def answering(api):
        async def handle(http):
            stop = threading.Event()
            try:
                request = engine.read_request(api, await limits.body_of(http))
                give = await turns.take()
                stream = engine.answer(request, assets, threads=threads, stop=stop, ended=give)
                watching = asyncio.create_task(limits.watch(http, stop))
                try:
                    # Faults of the request appear before the first record, and can still become an HTTP error.
                    first = await run_in_threadpool(next, stream, b"")
                except BaseException:
                    stop.set()
                    watching.cancel()
                    raise
            except (limits.Gone, photons.Stopped):
                return Response(status_code=499)  # the client has gone
            except NunatakError as error:
                log.warning("%s: %s", api, error)
                return _refusal(engine.without_folders(str(error), assets), getattr(error, "status", 400))
            return StreamingResponse(_pieces(first, stream, stop, watching), media_type="application/octet-stream")

        return handle

    async def version(http):
        return JSONResponse({"server": {"version": INTERFACE, "build": f"nunatak {nunatak.__version__}"}})

    async def definition(http):
        try:
            rectype = str((await limits.body_of(http)).get("rectype", ""))
        except limits.Gone:
            return Response(status_code=499)
        except NunatakError as error:
            return _refusal(str(error), getattr(error, "status", 400))
        fields = records.definition(rectype)
        if fields is None:
            return _refusal(f"rectype: {rectype[:60]!r} is not served here", 404)
        return JSONResponse(fields)

    routes = [Route(f"/source/{name}", answering(api), methods=["GET", "POST"]) for name, api in _APIS.items()]
    routes += [Route("/source/version", version, methods=["GET", "POST"])]
    routes += [Route("/source/definition", definition, methods=["GET", "POST"])]
    return limits.Patient(Starlette(routes=routes))


def _refusal(text, status):
    """
    Return an error with its reason as a response.

    The connection ends if the rest of a body may still be on its way.
    """
    headers = {"Connection": "close"} if status in (408, 413) else {"Retry-After": "10"} if status == 503 else None
    return JSONResponse({"error": text}, status_code=status, headers=headers)


async def _pieces(first, stream, stop, watching):
    """Yield the records of an answer, made in a thread, and set `stop` when the client no longer takes them."""
    try:
        piece = first
        while piece is not None:
            yield piece
            piece = await run_in_threadpool(next, stream, None)
    finally:
        stop.set()
        watching.cancel()
        threading.Thread(target=stream.close, daemon=True).start()  # waits for the working thread


class Server:
    """
    A context manager that runs the application on a port of this machine, in its own thread.

    Attributes
    ----------
    address : "host:port", the url of the client with organization None
    """

    def __init__(self, app, host="127.0.0.1", port=0):
        config = uvicorn.Config(app, host=host, port=port, log_level="warning", **_SERVING)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._host = host

    def __enter__(self):
        self._thread.start()
        end = time.monotonic() + _WAIT
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > end:
                raise NunatakError(f"{self._host}: the server did not start; choose another port")
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.address = f"{self._host}:{port}"
        return self

    def __exit__(self, kind, error, trace):
        self._server.should_exit = True
        self._thread.join()


def run(app: Any, host: str, port: int) -> None:
    """
    Serve the application until it is interrupted.

    Parameters
    ----------
    app : application
    host : address to bind to
    port : port
    """
    uvicorn.run(app, host=host, port=port, log_level="info", **_SERVING)
