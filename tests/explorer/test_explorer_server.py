"""The explorer's server lets in its own page alone, and its libraries are those that were published."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
from pathlib import Path

import pytest
from tests.explorer.test_study_sheet import STATE

from nunatak import api
from nunatak.explorer import app
from nunatak.explorer.serving import Explorer
from nunatak.runtime import NunatakError

PAGE = Path(app.HERE) / "page"


def asked(explorer, path, *, method="GET", body=None, **headers):
    """
    Return the status, headers and body of a request.

    Headers with None are left out.
    """
    host = explorer.address
    own = {"Host": host, "Origin": f"http://{host}", "Content-Type": "application/json"}
    own |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.request(method, path, body, {name: value for name, value in own.items() if value is not None})
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


def within(explorer, path):
    return f"/{explorer.url.split('/')[3]}/{path}"


def test_the_page_comes_with_a_policy_that_forbids_everything_from_elsewhere(explorer):
    status, headers, body = asked(explorer, within(explorer, ""))
    assert status == 200 and b"Nunatak explorer" in body
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("own", {"Host": "evil.example"}, 421),
        ("own", {"Host": "evil.example:80"}, 421),
        ("own", {"Origin": "http://evil.example"}, 403),
        ("own", {"Origin": "null"}, 403),
        ("/", {}, 404),
        ("/another-token/", {}, 404),
        ("own:../config.yaml", {}, 404),
        ("own:page/../app.py", {}, 404),
    ],
)
def test_what_comes_from_elsewhere_is_refused(explorer, path, headers, status):
    """Another host's name (DNS rebinding), another page, an address without the token, a file of somebody else."""
    own = path.startswith("own")
    path = within(explorer, path.partition(":")[2]) if own else path
    assert asked(explorer, path, **headers)[0] == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": None}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Content_Type": "text/plain"}, 415),
    ],
)
def test_a_foreign_page_that_posts_writes_nothing(explorer, flow, headers, status):
    body = json.dumps({**STATE, "name": "foreign"})
    told = asked(explorer, within(explorer, "ask/save"), method="POST", body=body, **headers)
    assert told[0] == status
    assert not (flow / "config/studies/foreign.yaml").exists()


def test_our_own_page_saves(explorer, flow):
    body = json.dumps({**STATE, "name": "own_page"})
    status, _, told = asked(explorer, within(explorer, "ask/save"), method="POST", body=body)
    assert (status, json.loads(told)["saved"]) == (200, True)
    (flow / "config/studies/own_page.yaml").unlink()


@pytest.mark.parametrize("body", ["", "[1]", "{", '{"drawings": 3}', '{"drawings": [{"role": "region", "crs": 5}]}'])
def test_odd_questions_are_answered_in_words(explorer, body):
    status, _, told = asked(explorer, within(explorer, "ask/check"), method="POST", body=body)
    answer = json.loads(told)
    assert (status == 400 and answer["error"]) or (status == 200 and answer["mistakes"])


def test_two_explorers_run_side_by_side_and_a_port_that_is_taken_is_named(explorer, flow):
    with Explorer(flow) as second:
        assert second.address != explorer.address and second.url != explorer.url
    with pytest.raises(NunatakError, match="another port"), Explorer(flow, port=int(explorer.address.split(":")[1])):
        pass


def test_the_libraries_are_those_that_were_published():
    """Each file has the hash of the manifest, and each package its licence."""
    folder = app.HERE / "vendored"
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    named = {name: row["sha256"] for package in manifest for name, row in package["files"].items()}
    assert {path.name for path in folder.iterdir()} == {*named, "manifest.json"}
    for name, expected in named.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected, name
    for package in manifest:
        assert any(name.startswith("LICENSE") for name in package["files"]), package["package"]


# pictures are asked for by the user's choice alone, as the tests in a browser hold; the viewer of a report has none
@pytest.mark.parametrize(
    ("name", "others"), [("index.html", {"https://gibs.earthdata.nasa.gov"}), ("viewer.html", set())]
)
def test_a_page_is_short_and_names_no_server_but_that_of_pictures(name, others):
    """The page with the style and the modules that it loads."""
    wanted, loaded = [name], {}
    while wanted:
        part = wanted.pop()
        text = loaded[part] = (PAGE / part).read_text("utf-8")
        wanted += [other for other in re.findall(r"(?:page/|from '\./)([\w.]+)", text) if other not in loaded]
    assert len(loaded) > 5
    assert sum(len(text.splitlines()) for text in loaded.values()) < 1500
    assert {found for text in loaded.values() for found in re.findall(r"https?://[^/'\"` ]+", text)} == others


def test_a_notebook_serves_the_page_by_address(flow, tmp_path):
    served = api.explore(flow)
    try:
        assert asked(served, within(served, ""))[0] == 200
        assert served.url in served._repr_html_()
    finally:
        served.close()
    with pytest.raises(NunatakError, match="no config folder"):
        api.explore(tmp_path)
