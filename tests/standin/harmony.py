"""Harmony: orders, their records, staged results that are really cut; how an order goes is set by the test."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
import threading
import uuid
from datetime import UTC, datetime
from urllib.parse import quote, unquote

import numpy as np
import shapely
from tests.standin import faults, subsetter
from tests.standin.messages import Answer
from tests.standin.services import TOKEN, collection_id, overlaps, touches

_ROOT = f"https://{faults.HARMONY}"
_COOKIE = "token=canary-cookie-31bd"
_FIELD = re.compile(r'name="([^"]+)"[^\r]*\r\n(?:[^\r]+\r\n)*\r\n(.*?)\r\n--', re.S)


class Harmony:
    """
    Orders of granules that are held.

    Attributes
    ----------
    states : what an order's record says at each look, the last for ever
    lost : names of granules that end with an error; `message`, `words` are what is said of the order and of them
    """

    def __init__(self, records):
        self.records, self.orders, self.states = records, {}, ["running", "successful"]
        self.lost, self.words, self.message, self.ends = set(), "timed out", "", "2099-01-01T00:00:00.000Z"
        self._turn = threading.Lock()

    def __call__(self, request):
        refused = _unknown(request)
        if refused:
            return refused
        if request.path.endswith("/rangeset"):
            return self._submit(request)
        if request.path.startswith("/service-results/"):
            return self._result(request)
        if request.path.startswith("/labels"):
            return Answer(201, b"{}", {"Content-Type": "application/json"})
        if request.path == "/jobs":
            listed = [self._content(order) for order in reversed(self.orders)]
            return _json({"count": len(listed), "jobs": listed, "links": []})
        order = request.path.split("/")[2]
        if order == "status":
            known = [{"jobID": key, "status": held["states"][0], "progress": 100} for key, held in self.orders.items()]
            return _json({"jobStatuses": known, "notFoundJobIDs": []})
        if order not in self.orders:
            return Answer(404, b'{"code": "harmony.NotFoundError", "description": "Error: not found"}')
        if request.path.endswith("/resume"):
            self.orders[order]["states"] = ["successful"]
        return _json(self._content(order, look=True))

    def _submit(self, request):
        """Take an order of the granules in box and span whose names fit, where any are told."""
        text = request.body.decode("latin-1")
        fields = _FIELD.findall(text) or [(name, value) for name, values in request.query.items() for value in values]
        told = [name for key, value in fields if key == "granuleName" for name in value.split(",")]
        cut = dict(re.findall(r"(lat|lon|time)\(([^)]*)\)", " ".join(value for _, value in fields)))
        lat, lon = cut.get("lat", "-90:90"), cut.get("lon", "-180:180")
        south, north, west, east = (float(value) for span in (lat, lon) for value in span.split(":"))
        span = cut.get("time", '2018-01-01T00:00:00":"2100-01-01T00:00:00')
        start, end = (part.strip('"')[:19] for part in re.split(r'":"', span.strip('"')))
        concept = unquote(request.path.split("/")[1])
        names = [
            record.name
            for record in self.records
            if collection_id(record.short_name, record.version, record.provider) == concept
            and (not told or any(fnmatch.fnmatchcase(record.name, name) for name in told))
            and touches(record, shapely.box(west, south, east, north))
            and overlaps(record, f"{start},{end}")
        ]
        order = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{len(self.orders)}"))
        span = tuple(np.datetime64(instant) for instant in (start, end))
        self.orders[order] = {
            "cuts": {},
            "names": names,
            "states": list(self.states),
            "text": text,
            "span": span,
            "box": (west, south, east, north),
            "request": f"{_ROOT}{request.path}",
            "placed": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        return _json(self._content(order, status="running"))

    def _result(self, request):
        """The staged subset of a granule; empty where nothing is in the box, which a real order does not offer."""
        order, name = re.search(r"/([^/]+)/\d+_(.+)_subsetted\.h5", request.path).groups()
        record, held = next(r for r in self.records if r.name == f"{name}.h5"), self.orders[order]
        with self._turn:  # made once: an impatient client that asks again finds it
            if name not in held["cuts"]:
                held["cuts"][name] = subsetter.cut(record.path, record.short_name, held["box"], held["span"]) or b""
        content = held["cuts"][name]
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        return Answer(200, content, {"ETag": etag, "Content-Type": "application/x-hdf5"})

    def _content(self, order, status=None, *, look=False):
        held = self.orders[order]
        states = held["states"]
        status = status or (states.pop(0) if look and len(states) > 1 else states[0])
        done = status in ("successful", "complete_with_errors")
        links = [
            {"rel": "data", "href": f"{_ROOT}/service-results/x/{order}/{i}_{name[:-3]}_subsetted.h5", "title": name}
            for i, name in enumerate(held["names"], 1000)
            if done and name not in self.lost
        ]
        errors = [{"url": f"{_ROOT}/x/{name}", "message": self.words} for name in sorted(self.lost)] if done else []
        return {
            "jobID": order,
            "status": status,
            "message": self.message,
            "progress": 100 if done else 10,
            "createdAt": held["placed"].replace("+00:00", "Z"),
            "updatedAt": "2026-01-01T00:00:00.000Z",
            "request": held["request"],
            "numInputGranules": len(held["names"]),
            "dataExpiration": self.ends,
            "links": links,
            **({"errors": errors} if errors and status != "successful" else {}),
        }


def _unknown(request):
    """The way to the login of a request that carries neither token nor cookie, and back with a cookie; else None."""
    sent = request.headers.get("authorization", "")
    if request.path == "/oauth2/redirect":
        back = {"Location": f"{_ROOT}{request.one('state')}", "Set-Cookie": f"{_COOKIE}; Path=/; Secure"}
        return Answer(302, b"", back)
    if sent == f"Bearer {TOKEN}" or _COOKIE in request.headers.get("cookie", ""):
        return None
    if sent.startswith("Bearer "):
        return Answer(401, b"Unauthorized")
    where = f"https://{faults.EDL}/oauth/authorize?client_id=harmony&state={quote(request.path, safe='')}"
    return Answer(303, b"", {"Location": where})


def _json(content):
    return Answer(200, json.dumps(content).encode(), {"Content-Type": "application/json"})
