"""Read requests and answer them: granules from the archive of an asset, parameters, and a time limit."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nunatak import photons
from nunatak.archives import EmptyAnswer
from nunatak.archives.archive import Filters
from nunatak.geometry.region import load
from nunatak.granules import parse
from nunatak.parameters.sliderule import FitParameters, ParameterError
from nunatak.products import GranuleError, atl03, atl03_index, atl08
from nunatak.products.status import FAILED, PRESENT
from nunatak.runtime import NunatakError, log
from nunatak.service import records

# keys of a request that are not parameters of the fit
_TIMEOUTS = ("timeout", "rqst-timeout", "rqst_timeout", "node-timeout", "node_timeout", "read-timeout", "read_timeout")
_OWN = (
    "asset",
    "asset03",
    "atl03-asset",
    "asset08",
    "resource",
    "resources",
    "cluster_size_hint",
    "key_space",
    *_TIMEOUTS,
)
DEFAULT_ASSET = "icesat2"
LONGEST = 86_400  # s
_MOST_GRANULES = 1000
_MOST_EXTENTS = 1_000_000  # of a beam: a whole granule in steps of 3 m
_BLOCK = 100_000  # photons between two checks of the flag that stops the work
_FOLDERS = re.compile(r"(?<![\w:/.])(?:[A-Za-z]:)?/(?:[^\s/:;,()'\"]+/)*")
_ERROR, _TIMED_OUT, _MISSING, _EMPTY = -1, -2, -3, -4  # the client's exception codes


class RequestError(NunatakError):
    """A request that cannot be answered, with `status` as the HTTP status."""

    def __init__(self, text, status=400):
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Request:
    """
    A request to the photon engine.

    Attributes
    ----------
    api : atl06, atl03s or indexer
    parameters : FitParameters, or None for indexer
    resources : file names, or None for all granules that the area and the other parameters select
    asset : name of the archive
    timeout : s for the whole request, at most a day
    asked : mapping of parameters as received
    """

    api: str
    parameters: FitParameters | None
    resources: tuple[str, ...] | None
    asset: str
    timeout: float
    asked: Mapping[str, Any]


def read_request(api: str, body: Any) -> Request:
    """
    Read a request from the JSON body of a call.

    Parameters
    ----------
    api : atl06, atl03s or indexer
    body : JSON object with `parms` and `resource` or `resources`

    Raises
    ------
    RequestError, ParameterError : name the key, the value and what is allowed
    """
    if not isinstance(body, Mapping):
        raise RequestError("the body of a request is a JSON object with parms and resource or resources")
    parms = body.get("parms", {})
    if not isinstance(parms, Mapping):
        raise RequestError(f"parms: {parms!r} is not an object of names and values")
    settings = {**body, **parms}
    asset = settings.get("asset03", settings.get("asset", settings.get("atl03-asset", DEFAULT_ASSET)))
    timeouts = [_seconds(settings[name]) for name in _TIMEOUTS if settings.get(name) is not None]
    asked = {name: value for name, value in parms.items() if name not in _OWN}
    parameters = None if api == "indexer" else FitParameters.of(asked)
    if parameters is not None and (parameters.compact or parameters.columns != "standard" or parameters.als):
        raise RequestError("compact, columns, als: the client's records have fixed columns; leave these keys out")
    own = [t for t in timeouts if t > 0]
    return Request(api, parameters, _resources(settings), str(asset)[:60], min(own, default=LONGEST), asked)


def _seconds(given):
    """
    Return a timeout in seconds.

    A negative timeout sets no limit of its own.
    """
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not is_number or not -LONGEST <= given <= LONGEST or given == 0:
        raise RequestError(f"timeout: {str(given)[:40]}; write seconds above 0 and at most {LONGEST} (a day), or -1")
    return float(given)


def _resources(settings):
    """Return the file names of a request, or None without any."""
    given = settings.get("resources") or settings.get("resource")
    if not given:
        return None
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or any(not isinstance(n, str) or "/" in n or "\\" in n for n in names):
        raise RequestError(f"resources: {str(names)[:200]}; write file names of granules, without folders")
    if len(names) > _MOST_GRANULES:
        raise RequestError(f"resources: {len(names)} granules; ask for at most {_MOST_GRANULES} at a time")
    return tuple(names)


def without_folders(text: str, assets: Mapping[str, Any]) -> str:
    """
    Remove the folders from the paths in a text, so that clients do not see them.

    >>> without_folders("/data/is2/ATL03_a.h5: damaged", {})
    'ATL03_a.h5: damaged'
    """
    for archive in assets.values():
        root = getattr(archive, "root", None)
        for folder in {str(root), str(Path(root).resolve())} if root else ():
            text = text.replace(f"{folder.rstrip('/')}/", "")
    return _FOLDERS.sub("", text)


def granules_for(
    request: Request, assets: Mapping[str, Any], stop: threading.Event | None = None
) -> list[tuple[str, Any]]:
    """
    Return file name and path of every granule of a request, in its order or in that of the names.

    The path is None for a granule that is not in the archive.

    Parameters
    ----------
    request : Request
    assets : mapping of names of assets to archives
    stop : event that ends the search when it is set. Default: none

    Raises
    ------
    RequestError : the asset does not exist, or the request names neither granules nor an area
    """
    if request.asset not in assets:
        raise RequestError(f"asset: {request.asset!r} is not served here; there are {', '.join(sorted(assets))}", 404)
    archive = assets[request.asset]
    if request.resources is not None:
        paths = []
        for name in request.resources:
            photons.Limits(stopped=stop.is_set if stop else None).check()
            paths.append((name, _path_of(archive, name)))
        return paths
    p = request.parameters
    if p is None or not p.poly:
        raise RequestError("resources: neither granules nor a poly to find them by; give one of them")
    area = load({"lonlat": [list(point) for point in p.poly[0]]})
    table = _search(archive, "atl03", area, _filters(None, p.rgt, p.cycle, p.region))
    return [] if table is None else list(zip(table["file_name"], _paths(archive, table), strict=True))


def _search(archive, product, region, filters):
    """Return the archive's granule table, or None if it has no granule."""
    try:
        return archive.search(product, region, None, filters)
    except EmptyAnswer as error:
        log.info("%s", error)
        return None


def _same_pass(name):
    """Return the filters that select the granules of one pass and release."""
    return _filters(name.version, name.rgt, name.cycle, name.region_number)


def _filters(version, *values):
    """Return the filters for a version, track, cycle and region."""
    rgt, cycles, region_numbers = ((value,) if value is not None else None for value in values)
    return Filters(version, rgt, cycles, region_numbers)


def _path_of(archive, name):
    """Return the path of the granule of a name, or None if the archive lacks it or holds only a part."""
    try:
        parsed = parse(name)
    except NunatakError as error:
        raise RequestError(str(error)) from error
    candidates = _search(archive, parsed.product, None, _same_pass(parsed))
    same = None if candidates is None else candidates[candidates["file_name"] == name]
    return next(iter(_paths(archive, same)), None)


def _paths(archive, table):
    """Return the path of each granule of a table, None for an incomplete one."""
    if table is None or table.empty:
        return []
    ledger = archive.fetch(table).set_index("granule_id")
    path_of = {name: row["path"] if row["status"] == "present" else None for name, row in ledger.iterrows()}
    return [path_of[name] for name in table["granule_id"]]


def answer(
    request: Request,
    assets: Mapping[str, Any],
    *,
    threads: int | None = None,
    stop: threading.Event | None = None,
    ended: Callable[[], Any] | None = None,
) -> Iterator[bytes]:
    """
    Yield the records of a request, granule by granule, with records that report what is empty, missing or late.

    Parameters
    ----------
    request : Request
    assets : mapping of names of assets to archives
    threads : beams processed at a time. Default: one for each processor
    stop : event that ends the work when it is set. It is set here when the time is over or the answer is closed
    ended : function called from a thread when all work has ended. Default: none

    Raises
    ------
    RequestError, GranuleError, ParameterError : raised before the first record if nothing can be answered
    """
    stop = stop or threading.Event()
    end = time.monotonic() + request.timeout
    pool = ThreadPoolExecutor(1)
    try:
        yield from _answer(request, assets, threads, stop, end, pool)
    finally:
        stop.set()
        if ended is not None:
            pool.submit(ended)  # after what may still run
        pool.shutdown(wait=False)


def _answer(request, assets, threads, stop, end, pool):
    """Yield the records of each granule within the time limit."""
    granules, sent = granules_for(request, assets, stop), False
    if granules and all(path is None for _, path in granules):
        names = ", ".join(name for name, _ in granules[:3])
        raise RequestError(f"{names}: not in the archive of asset {request.asset}, or not whole there", 404)
    for name, path in granules:
        work = pool.submit(one_granule, request, assets, name, path, threads, stop)
        try:
            answers = work.result(max(end - time.monotonic(), 0))
        except photons.Stopped:
            return
        except (GranuleError, ParameterError) as error:
            if len(granules) == 1:
                raise
            answers = [_alert(_ERROR, f"{name}: {error}", assets)]
        except Late as late:
            text = f"{name}: not done within the timeout of {request.timeout:g} s"
            log.warning("%s", text)
            if not sent:
                raise RequestError(text, 504) from late
            yield records.alert(_TIMED_OUT, text)
            return
        yield from answers
        sent = True


def _alert(code, text, assets):
    """Return a record with an error, without folders."""
    return records.alert(code, without_folders(text, assets))


def one_granule(
    request: Request,
    assets: Mapping[str, Any],
    name: str,
    path: Any,
    threads: int | None = None,
    stop: threading.Event | None = None,
) -> list[bytes]:
    """
    Return all records of one granule, from its complete table.

    Parameters
    ----------
    request : Request
    assets : mapping of names of assets to archives
    name : file name
    path : path, or None if it is not in the archive
    threads : beams processed at a time. Default: one for each processor
    stop : event that ends the work when it is set. Default: none
    """
    if path is None:
        return [records.alert(_MISSING, f"{name}: not in the archive of asset {request.asset}, or not whole there")]
    if request.api == "indexer":
        table, failed = atl03_index.index([path])
        if failed:
            raise GranuleError(failed[0][1])
        return list(records.index(table))
    granule = atl03.read_granule(path)
    classes = _classes(request, assets, granule)
    work = photons.granule_heights if request.api == "atl06" else photons.granule_extents
    limits = photons.Limits(_MOST_EXTENTS, stop.is_set if stop else None)
    options = {"classes": classes, "threads": threads, "block": _BLOCK, "limits": limits}
    table, statuses = work(granule, request.parameters, **options)
    answers = list(records.heights(table) if request.api == "atl06" else records.extents(table))
    for status in statuses:
        if status.status != PRESENT:
            code = _ERROR if status.status == FAILED else _EMPTY
            answers.append(_alert(code, f"{name} {status.beam} {status.status}: {status.reason}", assets))
    return answers


def _classes(request, assets, granule):
    """Return a function that reads a beam's ATL08 classes, or None if the parameters do not ask for them."""
    p = request.parameters
    if not p.joins_atl08:
        return None
    archive = assets[request.asset]
    own = parse(granule.name)
    candidates = _search(archive, "atl08", None, _same_pass(own))
    same = (
        None
        if candidates is None
        else candidates[[parse(name).flight == own.flight for name in candidates["file_name"]]]
    )
    path = next(iter(_paths(archive, same)), None)
    if path is None:
        raise GranuleError(
            "no ATL08 granule of the same pass and release in the archive; add it or leave out atl08_class"
        )
    atl08.check_same_granule(granule, path)
    return lambda beam: atl08.read_classes(path, beam, fields=p.atl08_fields)
