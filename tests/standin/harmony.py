"""Harmony: orders, their records, staged results; how an order goes is set by the test."""

from __future__ import annotations

import json
import re
import uuid

from tests.standin import faults
from tests.standin.messages import Answer
from tests.standin.services import TOKEN, file_answer

_ROOT = f"https://{faults.HARMONY}"


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

    def __call__(self, request):
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer(401, b"Unauthorized")
        if request.path.endswith("/rangeset"):
            return self._submit(request)
        if request.path.startswith("/service-results/"):
            name = re.search(r"\d+_(.+)_subsetted\.h5", request.path)[1]
            return file_answer(next(r.path for r in self.records if r.name == f"{name}.h5"), request)
        order = request.path.split("/")[2]
        if order == "status":
            known = [{"jobID": key, "status": held["states"][0], "progress": 100} for key, held in self.orders.items()]
            content = json.dumps({"jobStatuses": known, "notFoundJobIDs": []}).encode()
            return Answer(200, content, {"Content-Type": "application/json"})
        if order not in self.orders:
            return Answer(404, b'{"code": "harmony.NotFoundError", "description": "Error: not found"}')
        if request.path.endswith("/resume"):
            self.orders[order]["states"] = ["successful"]
        return self._record(order)

    def _submit(self, request):
        text = request.body.decode("latin-1") + json.dumps(request.query)
        names = [record.name for record in self.records if record.name in text]
        order = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{len(self.orders)}"))
        self.orders[order] = {"names": names, "states": list(self.states), "text": text}
        return self._record(order, status="running")

    def _record(self, order, status=None):
        held = self.orders[order]
        states = held["states"]
        status = status or (states.pop(0) if len(states) > 1 else states[0])
        done = status in ("successful", "complete_with_errors")
        links = [
            {"rel": "data", "href": f"{_ROOT}/service-results/x/{order}/{i}_{name[:-3]}_subsetted.h5", "title": name}
            for i, name in enumerate(held["names"], 1000)
            if done and name not in self.lost
        ]
        errors = [{"url": f"{_ROOT}/x/{name}", "message": self.words} for name in sorted(self.lost)] if done else []
        return Answer(200, json.dumps({
            "jobID": order, "status": status, "message": self.message, "progress": 100 if done else 10,
            "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z", "request": _ROOT,
            "numInputGranules": len(held["names"]), "dataExpiration": self.ends, "links": links,
            **({"errors": errors} if errors and status != "successful" else {}),
        }).encode(), {"Content-Type": "application/json"})  # fmt: skip
