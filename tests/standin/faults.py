"""What can go wrong, by name: each fault says at which host, and what it does to the answer."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.standin.messages import Answer

CMR, EDL = "cmr.earthdata.nasa.gov", "urs.earthdata.nasa.gov"
DATA, CLOUD, S3 = (
    "data.nsidc.earthdatacloud.nasa.gov",
    "d3h5e2j7riftk6.cloudfront.net",
    "its-live-data.s3.amazonaws.com",
)
HARMONY, STAC = "harmony.earthdata.nasa.gov", "stac.itslive.cloud"

NO_DATA = "No data found that matched subset constraints"
LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Earthdata Login</title></head><body>Please log in</body></html>"


def _status(code, body=b"", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: Answer(code, body, {"Content-Type": "text/plain", **named})


def _page(request):
    return Answer(200, LOGIN_PAGE, {"Content-Type": "text/html; charset=utf-8"})


def _errors(code, *errors):
    return _status(code, json.dumps({"errors": errors}).encode(), Content_Type="application/json")


def _flip(answer, request):
    """One byte in the middle is another one; length and signature stay."""
    if answer.status not in (200, 206) or len(answer.body) < 2:
        return answer
    middle = len(answer.body) // 2
    return replace(answer, body=answer.body[:middle] + bytes([answer.body[middle] ^ 0xFF]) + answer.body[middle + 1 :])


def _half(answer, request):
    """Half of what was asked for; the last piece comes whole, as it would in the end."""
    whole = answer.status not in (200, 206) or len(answer.body) < 1 << 14
    return answer if whole else replace(answer, cut=len(answer.body) // 2)


def _short(answer, request):
    """Half a file that says it is whole."""
    return replace(answer, body=answer.body[: len(answer.body) // 2]) if answer.status == 200 else answer


def _whole(answer, request):
    """A server that ignores Range."""
    path = getattr(answer, "path", None)
    if answer.status != 206 or path is None:
        return answer
    kept = {name: value for name, value in answer.headers.items() if name != "Content-Range"}
    return replace(answer, status=200, body=path.read_bytes(), headers=kept)


def _json(change):
    def apply(answer, request):
        content = json.loads(answer.body)
        change(content)
        return replace(answer, body=json.dumps(content).encode())

    return apply


def _drop_last(content):
    content["items"] = content["items"][:-1]


def _timed_out(answer, request):
    return replace(_json(_drop_last)(answer, request), headers={**answer.headers, "CMR-Timed-Out": "true"})


def _records(change):
    def apply(content):
        for item in content.get("items", []):
            change(item)

    return _json(apply)


def _link_out(item):
    for url in item["umm"].get("RelatedUrls", []):
        url["URL"] = url["URL"].rsplit("/", 1)[0] + "/..%2F..%2Fescaped.h5"


def _foreign(item):
    for url in item["umm"].get("RelatedUrls", []):
        url["URL"] = "https://elsewhere.example.org/" + url["URL"].rsplit("/", 1)[1]


def _no_links(item):
    item["umm"]["RelatedUrls"] = []


def _unlike(answer, request):
    """A range that is not the one asked for."""
    if answer.status != 206:
        return answer
    return replace(
        answer, headers={**answer.headers, "Content-Range": f"bytes 1-{len(answer.body)}/{len(answer.body)}"}
    )


def _other_file(answer, request):
    """A file of the right kind that is no granule of the product: HDF5 with one array in it."""
    import io

    import h5py

    if answer.status not in (200, 206):
        return answer
    with h5py.File(buffer := io.BytesIO(), "w") as file:
        file["temperature"] = [1.0, 2.0]
    return replace(answer, status=200, body=buffer.getvalue())


def _job(**said):
    """A Harmony order whose record says something else, to each of the two questions about it."""

    def change(content):
        for record in content.get("jobStatuses", [content]):
            record.update(said)

    return {"host": HARMONY, "when": _asks_for_a_job, "change": _json(change)}


def _asks_for_a_job(request):
    return request.path.startswith("/jobs/") and request.method == "GET" and "resume" not in request.path


def _one_lost(content):
    """The last granule of an order came to nothing, and the order says so."""
    if "links" in content:
        *content["links"], lost = content["links"] or [{"title": ""}]
        content["errors"] = [{"url": f"https://{DATA}/{lost['title']}", "message": "timed out"}]
    for record in content.get("jobStatuses", [content]):
        record |= {"status": "complete_with_errors", "progress": 100}


def _not_zero(request):
    return request.one("page_size") != "0"


_GRANULES = {"host": CMR, "when": lambda request: "granules" in request.path}
_PAGES = {"host": CMR, "when": lambda request: "granules" in request.path and _not_zero(request)}

FAULTS = {
    # the catalogue
    "cmr_500": {"host": CMR, "instead": _errors(500, "internal error")},
    "cmr_503": {"host": CMR, "instead": _status(503)},
    "cmr_429": {"host": CMR, "instead": _status(429, b"slow down", Retry_After="1")},
    "cmr_400": {**_GRANULES, "instead": _errors(400, "Parameter [bounding_box] is not valid")},
    "cmr_401": {"host": CMR, "instead": _errors(401, "Token does not exist")},
    "cmr_html": {"host": CMR, "instead": _page},
    "cmr_drop": {"host": CMR, "change": lambda answer, request: replace(answer, drop=True)},
    "cmr_hangs": {"host": CMR, "change": lambda answer, request: replace(answer, delay=0.5)},
    "cmr_not_json": {**_PAGES, "change": lambda answer, request: replace(answer, body=answer.body[:-9])},
    "cmr_timed_out": {**_PAGES, "change": _timed_out},
    "cmr_empty": {
        **_GRANULES,
        "change": lambda a, r: replace(
            _json(lambda c: c.update(items=[]))(a, r), headers={**a.headers, "CMR-Hits": "0"}
        ),
    },
    "cmr_lost_item": {**_PAGES, "change": _json(_drop_last)},
    "cmr_repeats_item": {**_PAGES, "change": _json(lambda c: c["items"].append(c["items"][0]))},
    "cmr_path_in_name": {**_PAGES, "change": _records(_link_out)},
    "cmr_foreign_host": {**_PAGES, "change": _records(_foreign)},
    "cmr_no_links": {**_PAGES, "change": _records(_no_links)},
    # the login
    "edl_500": {"host": EDL, "instead": _status(500)},
    "edl_html": {"host": EDL, "instead": _page},
    "edl_drop": {"host": EDL, "change": lambda answer, request: replace(answer, drop=True)},
    "edl_401": {
        "host": EDL,
        "instead": _status(401, b'{"error": "invalid_credentials"}', Content_Type="application/json"),
    },
    "edl_no_token": {"host": EDL, "instead": _status(200, b"{}", Content_Type="application/json")},
    # the data host
    "data_401": {"host": DATA, "instead": _status(401, b"Unauthorized")},
    "data_403_eula": {
        "host": DATA,
        "instead": _errors(403, "EULA not accepted: https://urs.earthdata.nasa.gov/accept_eula?eula_id=nsidc"),
    },
    "data_404": {"host": DATA, "instead": _status(404, b"NoSuchKey")},
    "data_429": {"host": DATA, "instead": _status(429, Retry_After="1")},
    "data_500": {"host": DATA, "instead": _status(500)},
    "data_503": {"host": CLOUD, "instead": _status(503, Retry_After="0")},
    "data_html": {"host": DATA, "instead": _page},
    "data_drop": {"host": CLOUD, "change": lambda answer, request: replace(answer, drop=True)},
    "data_truncated": {"host": CLOUD, "change": _half},
    "data_short": {"host": CLOUD, "change": _short},
    "data_flipped": {"host": CLOUD, "change": _flip},
    "data_not_hdf5": {"host": CLOUD, "change": lambda a, r: replace(a, body=b"#" * len(a.body))},
    "data_empty": {"host": CLOUD, "change": lambda answer, request: replace(answer, body=b"")},
    "data_other_file": {"host": CLOUD, "change": _other_file},
    "data_other_range": {"host": CLOUD, "change": _unlike},
    "data_no_range": {"host": CLOUD, "change": _whole},
    "data_no_length": {"host": CLOUD, "change": lambda a, r: replace(_half(a, r), length=False)},
    "data_slow": {"host": CLOUD, "change": lambda answer, request: replace(answer, rate=2e5)},
    "data_hangs": {"host": CLOUD, "change": lambda answer, request: replace(answer, delay=0.5)},
    "data_416": {"host": CLOUD, "when": lambda r: "range" in r.headers, "instead": _status(416)},
    "data_loops": {"host": DATA, "instead": lambda r: _status(303, Location=f"https://{DATA}{r.path}")(r)},
    # ITS_LIVE
    "stac_503": {"host": STAC, "instead": _status(503)},
    "stac_html": {"host": STAC, "instead": _page},
    "stac_drop": {"host": STAC, "change": lambda answer, request: replace(answer, drop=True)},
    "stac_lost_items": {
        "host": STAC,
        "when": lambda r: r.path == "/search",
        "change": _json(lambda c: c["features"].pop()),
    },
    "s3_404": {"host": S3, "instead": _status(404, b"<Error><Code>NoSuchKey</Code></Error>")},
    "s3_503": {"host": S3, "instead": _status(503, b"<Error><Code>SlowDown</Code></Error>")},
    "s3_drop": {"host": S3, "change": lambda answer, request: replace(answer, drop=True)},
    "s3_html": {"host": S3, "instead": _page},
    "s3_short": {"host": S3, "change": _short},
    # server-side subsets
    "harmony_400": {
        "host": HARMONY,
        "when": lambda r: "rangeset" in r.path,
        "instead": _status(
            400,
            b'{"code": "harmony.RequestValidationError", "description": "Error: unsupported"}',
            Content_Type="application/json",
        ),
    },
    "harmony_500": {"host": HARMONY, "instead": _status(500)},
    "harmony_labels_fail": {"host": HARMONY, "when": lambda r: r.path.startswith("/labels"), "instead": _status(500)},
    "harmony_401": {"host": HARMONY, "instead": _status(401, b"Unauthorized")},
    "harmony_html": {"host": HARMONY, "when": _asks_for_a_job, "instead": _page},
    "harmony_failed": _job(status="failed", progress=100, message="the service broke", links=[]),
    "harmony_canceled": _job(status="canceled", progress=100, message="canceled by an operator", links=[]),
    "harmony_paused": _job(status="paused", progress=100, message="", links=[]),
    "harmony_running": _job(status="running", message="", links=[], progress=10),
    "harmony_no_data": _job(status="failed", progress=100, message=NO_DATA, links=[]),
    "harmony_nothing": _job(status="successful", progress=100, links=[]),
    "harmony_one_lost": {"host": HARMONY, "when": _asks_for_a_job, "change": _json(_one_lost)},
    "harmony_expired": _job(status="successful", progress=100, dataExpiration="2020-01-01T00:00:00.000Z"),
    "harmony_result_html": {"host": HARMONY, "when": lambda r: "service-results" in r.path, "instead": _page},
    "harmony_result_short": {"host": HARMONY, "when": lambda r: "service-results" in r.path, "change": _short},
    "harmony_result_404": {"host": HARMONY, "when": lambda r: "service-results" in r.path, "instead": _status(404)},
}
