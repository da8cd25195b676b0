"""The explorer's web application: the page, what it draws, and a study file checked and saved."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from nunatak import study
from nunatak.explorer import answers
from nunatak.explorer.finished import Finished
from nunatak.explorer.guard import Guard
from nunatak.geometry import land
from nunatak.runtime import NunatakError, log

HERE = Path(__file__).parent
_KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json"}
# reports carry their scripts and pictures; in a sandbox their origin is none, so that the guard refuses what they send
_OF_REPORTS = (
    "sandbox allow-scripts allow-popups; default-src 'none'; img-src * data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; font-src data:"
)
# everything that is served as it lies: path of the address to file
FILES = {
    f"/{folder}/{path.name}": path
    for folder in ("page", "vendored")
    for path in sorted((HERE / folder).iterdir())
    if path.suffix in _KINDS
} | {"/": HERE / "page" / "index.html", "/view.html": HERE / "page" / "viewer.html", "/land.json": land.FILE}


def application(folder, token):
    """
    Return the web application.

    Parameters
    ----------
    folder : of the workflow; below its config/studies studies are read and written
    token : first part of every address
    """
    desk = answers.Desk(Path(folder))
    routes = [Route(path, partial(_file, file)) for path, file in FILES.items()]
    routes += [Route("/report/{path:path}", partial(_report, desk))]
    routes += [Route("/results/{label}/{name}", partial(_layers, desk, Finished()))]
    routes += [
        Route(f"/ask/{name}", partial(_ask, answer), methods=["POST"]) for name, answer in desk.questions().items()
    ]
    return Guard(Starlette(routes=routes), token)


async def _file(path, http):
    content = await run_in_threadpool(path.read_bytes)
    return Response(content, media_type=_KINDS[path.suffix])


async def _report(desk, http):
    """Serve a file of a study's results, such as its report, as a page that may ask nothing of the explorer."""
    path = await run_in_threadpool(desk.file_of_results, http.path_params["path"])
    if path is None:
        return Response("no such file among the results of a study", status_code=404)
    return FileResponse(path, headers={"Content-Security-Policy": _OF_REPORTS})


async def _layers(desk, finished, http):
    """Serve what the viewer reads of a finished study: index.json, and the blocks of its layers by name."""
    label = http.path_params["label"]
    report = await run_in_threadpool(desk.file_of_results, f"{label}/report.html")
    if report is None:
        return Response(f"{label}: no study has such results; run it first", status_code=404)
    index, blocks = await run_in_threadpool(finished.contents, report.parent)
    name = http.path_params["name"]
    if name == "index.json":
        return JSONResponse(index)
    if name not in blocks:
        return Response("no such layer", status_code=404)
    return Response(blocks[name], media_type="application/octet-stream")


async def _ask(answer, http):
    """Answer a question of the page: a JSON object in, a JSON object out, mistakes of the user in one line."""
    try:
        question = json.loads(await http.body() or b"{}")
        if not isinstance(question, dict):
            raise study.StudyError("the question is not a JSON object")
        return JSONResponse(await run_in_threadpool(answer, question))
    except (NunatakError, json.JSONDecodeError) as error:
        return JSONResponse({"error": str(error)}, status_code=400)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        log.warning("explorer: %s: %s", type(error).__name__, error)
        return JSONResponse({"error": f"the page asked in a form that is not known ({error})"}, status_code=400)
