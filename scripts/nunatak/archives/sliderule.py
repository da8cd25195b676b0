"""
Request heights from a SlideRule service through its own Python client, which is used only here.

By default the client reports an error as an empty answer, and an error in the middle of an answer only in its log. Here
both are errors, and an empty answer is reported as empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import shapely

from nunatak.archives import LoginRefused, ServiceFailed
from nunatak.constants import GT_CODES
from nunatak.runtime import NunatakError, log

# code of the service's alert that the granule has no data in the area, which is not a failure
_EMPTY = -4
_BEAMS = {code: beam for beam, code in GT_CODES.items()}
_CELL = 0.01  # degrees, cells of the mask of an area with several parts
# parameters of the local engine alone
_OURS = ("profile", "compat", "columns", "compact")


def open_service(endpoint: str, *, timeout: float = 600.0) -> None:
    """
    Connect the client to a service.

    Parameters
    ----------
    endpoint : such as https://sliderule.slideruleearth.io, or http://127.0.0.1:9081 for a local server
    timeout : s without an answer after which a request has failed. Default: 600

    Raises
    ------
    ServiceFailed : the service did not answer, or not correctly
    LoginRefused : the service needs other credentials
    """
    import sliderule

    address = urlsplit(endpoint if "//" in endpoint else f"https://{endpoint}")
    name, _, domain = address.netloc.partition(".")
    if not address.netloc:
        raise NunatakError(f"endpoints.sliderule: {endpoint!r} is not an address; write https://<service>.<domain>")
    own = address.scheme == "http"
    try:
        sliderule.init(address.netloc if own else domain, organization=None if own else name, rethrow=True)
        sliderule.set_rqst_timeout((10, timeout))
    except (RuntimeError, OSError, KeyError, ValueError) as error:
        raise _failure(endpoint, error) from error


def heights(parameters: Mapping[str, Any], resource: str, region: Any) -> tuple[pd.DataFrame, list[str]]:
    """
    Return heights of one ATL03 granule, fitted by the service that `open_service` opened.

    Parameters
    ----------
    parameters : mapping with SlideRule's own names
    resource : file name of the granule
    region : Region

    Returns
    -------
    table : DataFrame with the service's columns, and `beam`, `time`, `latitude`, `longitude` under their names, empty
        if the granule has nothing in the region
    messages : messages of the service that report no failure

    Raises
    ------
    ServiceFailed, LoginRefused : the request failed, or the service reported a failure
    """
    from sliderule import icesat2

    alerts: list[tuple[int, str]] = []
    request = {name: value for name, value in parameters.items() if name not in _OURS} | area_of(region)
    listen = {"exceptrec": lambda record, session: alerts.append((int(record["code"]), str(record["text"])))}
    try:
        frame = icesat2.atl06p(request, callbacks=listen, resources=[resource], keep_id=True)
    except (RuntimeError, OSError, KeyError, ValueError) as error:
        raise _failure(resource, error) from error
    failed = [text for code, text in alerts if code < 0 and code != _EMPTY]
    if failed:
        raise ServiceFailed(f"{resource}: the service reported: {'; '.join(failed)}; ask again later")
    for _, text in alerts:
        log.info("%s: %s", resource, text)
    return _table(frame), [text for _, text in alerts]


def area_of(region: Any) -> dict[str, Any]:
    """
    Return a region in the form that the service accepts: one ring, or a mask of cells for several parts or holes.

    Parameters
    ----------
    region : Region
    """
    shape = region.geometry
    parts = list(getattr(shape, "geoms", [shape]))
    if len(parts) == 1 and not parts[0].interiors:
        ring = shapely.orient_polygons(parts[0]).exterior.coords
        return {"poly": [{"lon": float(lon), "lat": float(lat)} for lon, lat in ring]}
    return {"region_mask": {"geojson": shapely.to_geojson(shape), "cellsize": _CELL}}


def _table(frame):
    """Return the client's GeoDataFrame as a plain table."""
    if not len(frame):
        return pd.DataFrame()
    place = frame.geometry
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name)).reset_index(names="time")
    table["longitude"], table["latitude"] = place.x.to_numpy(), place.y.to_numpy()
    table["beam"] = [_BEAMS.get(int(code), "") for code in table["gt"]]
    unknown = np.flatnonzero(table["beam"] == "")
    if unknown.size:
        raise ServiceFailed(f"the service named a ground track {table['gt'].iloc[unknown[0]]}, which does not exist")
    return table


def _failure(what, error):
    """Return the exception for an error of the client, a refused login or a failure."""
    text = " ".join(str(error).split())
    refused = "access token" in text or "<401>" in text or "<403>" in text
    if refused:
        return LoginRefused(f"{what}: {text}; log in to the service, or choose engine: local")
    return ServiceFailed(f"{what}: {text}; ask again later, or choose engine: local")
