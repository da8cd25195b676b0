"""ITS_LIVE's STAC catalogue and its public bucket; items by template, since none of an image pair was recorded."""

from __future__ import annotations

import json

import shapely
from tests.standin import faults
from tests.standin.messages import Answer
from tests.standin.services import file_answer

_ROOT = f"https://{faults.STAC}"
_CONFORMS = [
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/item-search",
    "https://api.stacspec.org/v1.0.0/item-search#filter",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-json",
]
PREFIX = "/velocity_image_pair/landsatOLI/v02/S70W090/"


def item_of(row):
    """An item for a row of a granule table of image pairs."""
    from nunatak.granules import parse

    named = parse(row.file_name)
    shape = shapely.from_wkt(row.geometry)
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": named.granule_id,
        "collection": "itslive-granules",
        "geometry": shapely.geometry.mapping(shape),
        "bbox": list(shape.bounds),
        "links": [],
        "properties": {
            "datetime": f"{named.mid_date}Z",
            "start_datetime": f"{named.acquisition_date_img1}Z",
            "end_datetime": f"{named.acquisition_date_img2}Z",
            "percent_valid_pixels": named.percent_valid,
            "date_dt": round(named.date_dt),
            "proj:code": "EPSG:3031",
        },
        "assets": {"data": {"href": f"https://{faults.S3}{PREFIX}{named.name}", "roles": ["data"]}},
    }


class Stac:
    """Landing page and item search by POST, paged by a token."""

    page = 20

    def __init__(self, items):
        self.items = items

    def __call__(self, request):
        if request.path in ("", "/"):
            search = {"rel": "search", "href": f"{_ROOT}/search", "type": "application/geo+json", "method": "POST"}
            links = [{"rel": "self", "href": _ROOT}, {"rel": "root", "href": _ROOT}, search]
            return _json(
                {
                    "type": "Catalog",
                    "id": "standin",
                    "stac_version": "1.1.0",
                    "description": "loopback",
                    "conformsTo": _CONFORMS,
                    "links": links,
                }
            )
        asked = json.loads(request.body)
        found = [item for item in self.items if _fits(item, asked)]
        start = int(asked.get("token", 0))
        links = []
        if start + self.page < len(found):
            body = {**asked, "token": str(start + self.page)}
            links = [{"rel": "next", "href": f"{_ROOT}/search", "method": "POST", "body": body}]
        page = found[start : start + self.page]
        return _json({"type": "FeatureCollection", "features": page, "links": links, "numberMatched": len(found)})


def bucket(stored):
    """Answer as the public storage does, which holds files by their address or, given as a list, image pairs."""
    held = stored if isinstance(stored, dict) else {PREFIX + path.name: path for path in stored}

    def answer(request):
        if "authorization" in request.headers:
            return Answer(400, b"no login is wanted here")
        path = held.get(request.path)
        return file_answer(path, request) if path else Answer(404, b"NoSuchKey")

    return answer


def _fits(item, asked):
    if item["collection"] not in asked["collections"]:
        return False
    start, end = asked.get("datetime", "0000/9999").split("/")
    properties = item["properties"]
    if properties["start_datetime"] > end or properties["end_datetime"] < start:
        return False
    if "bbox" in asked and not shapely.box(*asked["bbox"]).intersects(shapely.geometry.shape(item["geometry"])):
        return False
    terms = asked.get("filter", {}).get("args", [])
    compare = {">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b}
    return all(compare[term["op"]](properties[term["args"][0]["property"]], term["args"][1]) for term in terms)


def _json(content):
    return Answer(200, json.dumps(content).encode(), {"Content-Type": "application/json"})
