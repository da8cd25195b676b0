"""
Heights fitted by a SlideRule service, through its own Python client; the only place that names the client.

The client takes an error for an empty answer unless it is told otherwise, and an error that the service states in the
middle of an answer only goes to its log. Here both are errors, and what is empty is said to be so.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import shapely

from nunatak.archives import LoginRefused, ServiceFailed
from nunatak.constants import GT_CODES
from nunatak.runtime import NunatakError, log

# codes of the service's alerts that are no failure: nothing of the granule lies in the area
_EMPTY = -4
_BEAMS = {code: beam for beam, code in GT_CODES.items()}
_CELL = 0.01  # degrees, of the mask that stands for an area of several parts
# parameters that only the local engine has
_OURS = ("profile", "compat", "columns", "compact")


def open_service(endpoint, *, timeout=600.0):
    """
    Point the client at a service.

    Parameters
    ----------
    endpoint : such as https://sliderule.slideruleearth.io, or http://127.0.0.1:9081 for a server of one's own
    timeout : s without an answer after which a request has failed

    Raises
    ------
    ServiceFailed : no answer, or not as it should be
    LoginRefused : the service wants other credentials
    """
    import sliderule

    address = urlsplit(endpoint if "//" in endpoint else f"https://{endpoint}")
    name, _, domain = address.netloc.partition(".")
    if not address.netloc:
        raise NunatakError(f"endpoints.sliderule: {endpoint!r} is no address; write https://<service>.<domain>")
    own = address.scheme == "http"
    try:
        sliderule.init(address.netloc if own else domain, organization=None if own else name, rethrow=True)
        sliderule.set_rqst_timeout((10, timeout))
    except (RuntimeError, OSError, KeyError, ValueError) as error:
        raise _failure(endpoint, error) from error


def heights(parameters, resource, region):
    """
    Heights of one ATL03 granule, fitted by the service that `open_service` opened.

    Parameters
    ----------
    parameters : mapping with SlideRule's own names
    resource : file name of the granule
    region : Region

    Returns
    -------
    table : DataFrame with the service's columns, and `beam`, `time`, `latitude`, `longitude` under their names; empty
        where the granule has nothing in the region
    said : what the service said on the way, alerts that are no failure

    Raises
    ------
    ServiceFailed, LoginRefused : the request failed, or the service said that it could not be done
    """
    from sliderule import icesat2

    alerts: list[tuple[int, str]] = []
    asked = {name: value for name, value in parameters.items() if name not in _OURS} | area_of(region)
    listen = {"exceptrec": lambda record, session: alerts.append((int(record["code"]), str(record["text"])))}
    try:
        frame = icesat2.atl06p(asked, callbacks=listen, resources=[resource], keep_id=True)
    except (RuntimeError, OSError, KeyError, ValueError) as error:
        raise _failure(resource, error) from error
    failed = [text for code, text in alerts if code < 0 and code != _EMPTY]
    if failed:
        raise ServiceFailed(f"{resource}: the service said: {'; '.join(failed)}; ask again later")
    for _, text in alerts:
        log.info("%s: %s", resource, text)
    return _table(frame), [text for _, text in alerts]


def area_of(region):
    """A region as the service takes it: one ring, or a mask of cells where it has several parts or holes."""
    shape = region.geometry
    parts = list(getattr(shape, "geoms", [shape]))
    if len(parts) == 1 and not parts[0].interiors:
        ring = shapely.orient_polygons(parts[0]).exterior.coords
        return {"poly": [{"lon": float(lon), "lat": float(lat)} for lon, lat in ring]}
    return {"region_mask": {"geojson": shapely.to_geojson(shape), "cellsize": _CELL}}


def _table(frame):
    """The client's GeoDataFrame as a plain table."""
    if not len(frame):
        return pd.DataFrame()
    place = frame.geometry
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name)).reset_index(names="time")
    table["longitude"], table["latitude"] = place.x.to_numpy(), place.y.to_numpy()
    table["beam"] = [_BEAMS.get(int(code), "") for code in table["gt"]]
    unknown = np.flatnonzero(table["beam"] == "")
    if unknown.size:
        raise ServiceFailed(f"the service named a ground track {table['gt'].iloc[unknown[0]]}, which is none")
    return table


def _failure(what, error):
    """The error in words: a refused login and a failure are told apart."""
    text = " ".join(str(error).split())
    refused = "access token" in text or "<401>" in text or "<403>" in text
    if refused:
        return LoginRefused(f"{what}: {text}; log in to the service, or choose engine: local")
    return ServiceFailed(f"{what}: {text}; ask again later, or choose engine: local")
