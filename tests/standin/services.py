"""The services' answers: catalogue, login, data host, public bucket; Harmony and STAC have modules of their own."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import shapely
from tests.standin import faults
from tests.standin.messages import Answer

USER, PASSWORD = "glaciologist", "canary-password-4f1c"
TOKEN, SIGNATURE = "canary-token-9b2e", "canary-signature-77aa"
DATA_PREFIX = "/nsidc-cumulus-prod-protected/"


@dataclass
class Record:
    """One granule of the catalogue; `footprints` are rings of (lon, lat), `orbit` what older records give instead."""

    name: str
    short_name: str
    version: str
    start: str
    end: str
    footprints: list = field(default_factory=list)
    orbit: dict | None = None
    size: int | None = None
    checksum: tuple[str, str] | None = None  # algorithm, value
    provider: str = "NSIDC_CPRD"
    path: Path | None = None
    revision_id: int = 1
    suffix: str = ""  # of the granule id
    size_unit: str | None = None

    @property
    def key(self):
        day = self.start[:10].replace("-", "/")
        return f"ATLAS/{self.short_name}/{self.version}/{day}/{self.name}"

    @property
    def concept_id(self):
        return f"G{int(hashlib.sha256(self.name.encode()).hexdigest()[:8], 16)}-{self.provider}"

    def umm(self):
        """The record as the catalogue's UMM-G."""
        file = {"Name": self.name}
        if self.size_unit:
            file |= {"Size": round(self.size / 1e6, 2), "SizeUnit": self.size_unit}
        elif self.size is not None:
            file |= {"SizeInBytes": self.size, "Size": self.size / 2**20, "SizeUnit": "MB"}
        if self.checksum:
            file["Checksum"] = {"Algorithm": self.checksum[0], "Value": self.checksum[1]}
        polygons = [
            {"Boundary": {"Points": [{"Longitude": x, "Latitude": y} for x, y in ring]}} for ring in self.footprints
        ]
        space = {"Geometry": {"GPolygons": polygons}} if polygons else {"Orbit": self.orbit}
        return {
            "meta": {
                "concept-type": "granule",
                "concept-id": self.concept_id,
                "revision-id": self.revision_id,
                "native-id": self.name + self.suffix,
                "provider-id": self.provider,
                "collection-concept-id": collection_id(self.short_name, self.version, self.provider),
            },
            "umm": {
                "GranuleUR": self.name + self.suffix,
                "TemporalExtent": {"RangeDateTime": {"BeginningDateTime": self.start, "EndingDateTime": self.end}},
                "SpatialExtent": {"HorizontalSpatialDomain": space},
                "CollectionReference": {"ShortName": self.short_name, "Version": self.version},
                "DataGranule": {
                    "ArchiveAndDistributionInformation": [file],
                    "Identifiers": [{"Identifier": self.name, "IdentifierType": "ProducerGranuleId"}],
                },
                "RelatedUrls": [
                    {"URL": f"https://{faults.DATA}{DATA_PREFIX}{self.key}", "Type": "GET DATA"},
                    {"URL": f"s3:/{DATA_PREFIX}{self.key}", "Type": "GET DATA VIA DIRECT ACCESS"},
                    {"URL": f"https://{faults.DATA}{DATA_PREFIX}{self.key}.dmrpp", "Type": "EXTENDED METADATA"},
                ],
            },
        }


def collection_id(short_name, version, provider):
    number = int(hashlib.sha256(f"{short_name}{version}{provider}".encode()).hexdigest()[:8], 16)
    return f"C{number}-{provider}"


def _json(content, status=200, **headers):
    named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return Answer(status, json.dumps(content).encode(), {"Content-Type": "application/json", **named})


class Cmr:
    """The catalogue: collections and granules, paged by Search-After."""

    def __init__(self, records):
        self.records = records
        self.page_limit = 2000  # a real one; smaller to see paging

    def __call__(self, request):
        if "/search/collections" in request.path:
            found = self._collections(request)
        elif "/search/granules" in request.path:
            found = [record.umm() for record in self._granules(request)]
        else:
            return _json({"errors": ["not found"]}, 404)
        feed = "json" in (request.headers.get("accept", "") + request.path) and "umm" not in request.path
        if feed:
            found = [_entry(item) for item in found]
        size = min(int(request.one("page_size", "10")), self.page_limit)
        start = int(request.headers.get("cmr-search-after") or 0)
        page = found[start : start + size]
        headers = {"CMR_Hits": len(found)} | ({"CMR_Search_After": start + len(page)} if page else {})
        return _json({"feed": {"entry": page}} if feed else {"hits": len(found), "took": 1, "items": page}, **headers)

    def _collections(self, request):
        seen = {(r.short_name, r.version, r.provider): [] for r in self.records}
        for record in self.records:
            seen[record.short_name, record.version, record.provider].append(record)
        asked = {name: request.one(name) for name in ("short_name", "version", "provider")}
        return [
            {
                "meta": {"concept-id": collection_id(*key), "provider-id": key[2], "granule-count": len(rows)},
                "umm": {
                    "ShortName": key[0],
                    "Version": key[1],
                    "CollectionProgress": "ACTIVE",
                    "DOI": {"DOI": f"10.5067/STANDIN/{key[0]}.{key[1]}"},
                    "TemporalExtents": [{"RangeDateTimes": [{"BeginningDateTime": min(r.start for r in rows)}]}],
                },
            }
            for key, rows in sorted(seen.items())
            if all(value in (None, part) for value, part in zip(asked.values(), key, strict=True))
        ]

    def _granules(self, request):
        boxes = [shapely.box(*map(float, text.split(","))) for text in request.all("bounding_box")]
        names, times = request.all("readable_granule_name"), request.all("temporal")
        for record in sorted(self.records, key=lambda r: r.concept_id):
            asked = {"short_name": record.short_name, "version": record.version, "provider": record.provider}
            if any(request.one(key, value) != value for key, value in asked.items()):
                continue
            collection = collection_id(record.short_name, record.version, record.provider)
            if request.all("concept_id") and not {record.concept_id, collection} & set(request.all("concept_id")):
                continue
            if names and not any(fnmatch.fnmatchcase(record.name, pattern) for pattern in names):
                continue
            if times and not any(overlaps(record, text) for text in times):
                continue
            if boxes and not any(touches(record, box) for box in boxes):
                continue
            yield record


def _entry(item):
    """A record as the older form (feed) has it."""
    meta, umm = item["meta"], item["umm"]
    if "Version" in umm:
        return {"id": meta["concept-id"], "short_name": umm["ShortName"], "version_id": umm["Version"]}
    file = umm["DataGranule"]["ArchiveAndDistributionInformation"][0]
    rel = {"GET DATA": "data#", "GET DATA VIA DIRECT ACCESS": "s3#"}
    return {
        "id": meta["concept-id"],
        "title": umm["GranuleUR"],
        "producer_granule_id": file["Name"],
        "granule_size": str(file.get("Size", 0)),
        "links": [
            {
                "rel": f"http://esipfed.org/ns/fedsearch/1.1/{rel[url['Type']]}",
                "href": url["URL"],
                "type": "application/x-hdf5",
            }
            for url in umm["RelatedUrls"]
            if url["Type"] in rel
        ],
    }


def overlaps(record, text):
    start, end = (part[:19] for part in text.split(","))
    return record.start[:19] <= (end or "9999") and record.end[:19] >= start


def touches(record, box):
    return not record.footprints or any(box.intersects(part) for part in map(_cut, record.footprints))


def _cut(ring):
    """A ring across the antimeridian as the two parts it means."""
    lon = [point[0] for point in ring]
    if max(lon) - min(lon) <= 180:
        return shapely.Polygon(ring)
    onward = shapely.Polygon([(x % 360, y) for x, y in ring])
    west = shapely.intersection(onward, shapely.box(180, -90, 360, 90))
    return shapely.union(
        shapely.intersection(onward, shapely.box(0, -90, 180, 90)),
        shapely.transform(west, lambda lonlat: lonlat - [360, 0]),
    )


def edl(request):
    """Earthdata Login: a token for the right password, a way back for an application, a page for everybody else."""
    wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    if request.path == "/oauth/authorize" and request.headers.get("authorization") == wanted:
        back = f"https://{faults.HARMONY}/oauth2/redirect?code=standin&state={quote(request.one('state'), safe='')}"
        return Answer(302, b"", {"Location": back})
    if request.path.endswith("find_or_create_token"):
        if request.headers.get("authorization") != wanted:
            content = {"error": "invalid_credentials", "error_description": "Invalid user credentials"}
            return _json(content, 401)
        return _json({"access_token": TOKEN, "token_type": "Bearer", "expiration_date": "11/19/2099"})
    return Answer(200, faults.LOGIN_PAGE, {"Content-Type": "text/html; charset=utf-8"})


class Data:
    """The data host: with a token a signed address in the cloud, without one the way to the login page."""

    def __init__(self, records):
        self.records = records

    def __call__(self, request):
        sent = request.headers.get("authorization")
        if sent is None:
            return Answer(302, b"", {"Location": f"https://{faults.EDL}/oauth/authorize?client_id=standin"})
        if sent != f"Bearer {TOKEN}":
            return Answer(401, b"Unauthorized")
        if not any(request.path == DATA_PREFIX + record.key for record in self.records):
            return Answer(404, b"NoSuchKey")
        return Answer(303, b"", {"Location": f"https://{faults.CLOUD}{request.path}?Signature={SIGNATURE}"})


class Cloud:
    """The signed address: bytes by range, with a validator; refuses a request that carries a token."""

    def __init__(self, records):
        self.records = records

    def __call__(self, request):
        if "authorization" in request.headers:
            return Answer(400, b"Only one auth mechanism allowed")
        if request.one("Signature") != SIGNATURE:
            return Answer(403, b"AccessDenied")
        found = [record for record in self.records if request.path == DATA_PREFIX + record.key]
        return file_answer(found[0].path, request) if found else Answer(404, b"NoSuchKey")


def file_answer(path, request) -> Answer:
    """A file's bytes with ETag; a range of them where one is asked for and the validator still holds."""
    path = Path(path)
    state = path.stat()
    etag, size = _etag(path, state.st_mtime_ns, state.st_size), state.st_size
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Content-Type": "binary/octet-stream"}
    asked = request.headers.get("range", "")
    if not asked.startswith("bytes=") or request.headers.get("if-range", etag) != etag:
        return Answer(200, path.read_bytes(), headers)
    first, _, last = asked.removeprefix("bytes=").partition("-")
    start, end = (size - int(last), size - 1) if not first else (int(first), min(int(last or size - 1), size - 1))
    if start >= size:
        return Answer(416, b"", {**headers, "Content-Range": f"bytes */{size}"})
    with open(path, "rb") as stream:
        stream.seek(start)
        part = stream.read(end - start + 1)
    answer = Answer(206, part, {**headers, "Content-Range": f"bytes {start}-{end}/{size}"})
    answer.path = path
    return answer


@lru_cache(maxsize=256)
def _etag(path, mtime_ns, size):
    """The file's checksum as its validator, made once for as long as it does not change."""
    return f'"{hashlib.md5(path.read_bytes()).hexdigest()}"'
