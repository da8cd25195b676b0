"""The web application: the endpoints that SlideRule's Python client calls, on Starlette."""

from __future__ import annotations

import json
import threading
import time
from itertools import chain

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

import nunatak
from nunatak.runtime import NunatakError, log
from nunatak.service import engine, records

# The release of the interface that is spoken; the client compares it with its own.
INTERFACE = "v5.7.0"
_APIS = {"atl06": "atl06", "atl06p": "atl06", "atl03s": "atl03s", "atl03sp": "atl03s", "indexer": "indexer"}
_WAIT = 30.0  # s that a server in the background may take to come up


def application(assets, *, threads=None):
    """
    The web application that answers requests with our engine.

    Parameters
    ----------
    assets : mapping of the name of an asset to its archive (`archives.archive.Archive`)
    threads : beams worked on at a time, default one for each processor
    """

    def answering(api):
        async def handle(http):
            try:
                request = engine.read_request(api, await _body(http))
                stream = engine.answer(request, assets, threads=threads)
                # whatever is wrong with the request shows before the first record, and can still be an error of HTTP
                first = await run_in_threadpool(next, stream, b"")
            except NunatakError as error:
                log.warning("%s: %s", api, error)
                return JSONResponse({"error": str(error)}, status_code=getattr(error, "status", 400))
            return StreamingResponse(chain([first], stream), media_type="application/octet-stream")

        return handle

    async def version(http):
        return JSONResponse({"server": {"version": INTERFACE, "build": f"nunatak {nunatak.__version__}"}})

    async def definition(http):
        try:
            rectype = str((await _body(http)).get("rectype", ""))
        except NunatakError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        told = records.definition(rectype)
        if told is None:
            return JSONResponse({"error": f"rectype: {rectype!r} is not served here"}, status_code=404)
        return JSONResponse(told)

    routes = [Route(f"/source/{name}", answering(api), methods=["GET", "POST"]) for name, api in _APIS.items()]
    routes += [Route("/source/version", version, methods=["GET", "POST"])]
    routes += [Route("/source/definition", definition, methods=["GET", "POST"])]
    return Starlette(routes=routes)


async def _body(http):
    """Return the JSON object in the body of a call. An empty body is an empty object."""
    text = await http.body()
    try:
        value = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise engine.RequestError(f"the body of the request is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise engine.RequestError(f"the body of the request is a JSON {type(value).__name__}; send an object")
    return value


class Server:
    """
    The application on a port of this machine, in a thread of its own; a context manager.

    Attributes
    ----------
    address : "host:port", what the client takes as its url with organization None
    """

    def __init__(self, app, host="127.0.0.1", port=0):
        config = uvicorn.Config(app, host=host, port=port, log_level="warning", lifespan="off", ws="none")
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


def run(app, host, port):
    """Serve until interrupted."""
    uvicorn.run(app, host=host, port=port, log_level="info", lifespan="off", ws="none")
