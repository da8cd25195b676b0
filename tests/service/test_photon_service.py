"""The service on loopback, asked by SlideRule's own client, unmodified."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request

import numpy as np
import pytest
import sliderule
from hypothesis import given
from hypothesis import strategies as st
from sliderule import icesat2

from nunatak import api
from nunatak.photons import ParameterError
from nunatak.runtime import NunatakError
from nunatak.service import engine, records

FOLDER = "golden/photons"
NAME = "ATL03_20181019065445_03150111_006_02.h5"
REQUEST = {"srt": 3, "cnf": 1, "ats": 20.0, "cnt": 10, "len": 40.0, "res": 20.0, "maxi": 6}


@pytest.fixture(scope="module")
def server(data, tmp_path_factory):
    """Two granules of one content and the classes of the first, served as two assets."""
    folder = tmp_path_factory.mktemp("served")
    for name in (NAME, NAME.replace("ATL03", "ATL08")):
        shutil.copyfile(data(f"{FOLDER}/{name}"), folder / name)
    assets = {"icesat2": folder, "mine": folder}
    with api.serve_photons(assets, port=0, background=True, resources=folder / "resources") as served:
        yield served


@pytest.fixture
def client(server):
    """The client, pointed at the server as its users do; it also compares the releases."""
    assert sliderule.init(server.address, organization=None, rethrow=True)
    return icesat2


def sorted_rows(frame):
    return frame.reset_index().sort_values(["gt", "x_atc"], ignore_index=True)


@pytest.mark.parametrize(
    "parameters",
    [
        REQUEST,
        {**REQUEST, "atl08_class": ["atl08_ground"], "atl03_geo_fields": ["solar_elevation"]},
        {
            **REQUEST,
            "poly": [
                {"lon": x, "lat": y}
                for x, y in [(-65.957, -80.77), (-65.95, -80.77), (-65.95, -80.755), (-65.957, -80.755)]
            ],
        },
        {**REQUEST, "asset": "mine", "track": 1, "timeout": 60, "profile": "anchored"},
    ],
    ids=["plain", "classes and fields", "polygon", "asset, track, timeout"],
)
def test_heights_are_those_of_the_local_call(client, data, parameters):
    """Every column, bit by bit, at the same places and times."""
    frame = sorted_rows(client.atl06p(parameters, resources=[NAME], keep_id=True))
    own = {k: v for k, v in parameters.items() if k not in ("asset", "timeout")}
    partner = data(f"{FOLDER}/{NAME.replace('ATL03', 'ATL08')}") if "atl08_class" in own else None
    local = sorted_rows(api.atl06sr(data(f"{FOLDER}/{NAME}"), own, atl08_path=partner))
    assert len(frame) == len(local) > 50
    for name in set(local) - {"index", "beam", "latitude", "longitude"}:
        np.testing.assert_array_equal(frame[name].to_numpy(), local[name].to_numpy(), err_msg=name)
    np.testing.assert_array_equal(frame.geometry.x, local["longitude"])
    np.testing.assert_array_equal(frame.geometry.y, local["latitude"])
    assert "solar_elevation" in frame or "atl03_geo_fields" not in parameters


def test_one_granule_by_its_own_call(client):
    """`atl06` and `atl06p` are the same thing for one granule."""
    assert len(client.atl06(REQUEST, NAME)) == 838


def test_granules_are_found_by_a_polygon(client):
    """Without resources the archive is searched; elsewhere nothing is found, and that is no error."""
    corners = [(-66.5, -81), (-65, -81), (-65, -80.5), (-66.5, -80.5)]
    found = client.atl06p({**REQUEST, "poly": [{"lon": x, "lat": y} for x, y in corners]})
    assert len(found) == 838
    nowhere = [{"lon": x, "lat": y} for x, y in [(0, 0), (1, 0), (1, 1)]]
    assert len(client.atl06p({**REQUEST, "poly": nowhere})) == 0


def test_photons_of_extents_are_those_of_the_local_call(client, data):
    """One record for each extent; the client's own spot agrees with ours."""
    parameters = {**REQUEST, "beams": ["gt2r"]}
    frame = client.atl03sp(parameters, resources=[NAME], keep_id=True).reset_index()
    local = api.atl03s(data(f"{FOLDER}/{NAME}"), parameters)
    order = ["extent_id", "x_atc", "height", "time"]
    frame, local = (t.sort_values(order, ignore_index=True) for t in (frame, local))
    assert len(frame) == len(local) > 10_000
    for name in ("extent_id", "segment_id", "x_atc", "height", "atl03_cnf", "quality_ph", "time", "spot", "rgt"):
        np.testing.assert_array_equal(frame[name].to_numpy(), local[name].to_numpy(), err_msg=name)


def test_the_indexer_tells_where_a_granule_runs(client):
    """Times in GPS seconds, first and last point, orbit."""
    (row,) = sliderule.source("indexer", {"atl03-asset": "icesat2", "resources": [NAME]}, stream=True)
    assert row["name"] == NAME and (row["rgt"], row["cycle"]) == (315, 1)
    assert row["t0"] == pytest.approx(1223800018.0) and 0 < row["t1"] - row["t0"] < 1
    assert row["lat0"] == pytest.approx(-80.75, abs=1e-4) and row["lat1"] < row["lat0"]


@pytest.mark.parametrize(
    ("parameters", "resources", "message"),
    [
        ({"cnf": 9}, [NAME], r"<400>.*cnf: 9 is not allowed"),
        ({"lenn": 40}, [NAME], r"<400>.*did you mean 'len'"),
        ({"phoreal": {}}, [NAME], r"<400>.*phoreal: not part of the fit"),
        ({"columns": "classic"}, [NAME], r"<400>.*fixed columns"),
        ({"asset": "atlas"}, [NAME], r"<404>.*'atlas' is not served here; there are icesat2, mine"),
        ({}, [NAME.replace("0315", "0316")], r"<404>.*not in the archive of asset icesat2"),
        ({}, ["../secret.h5"], r"<400>.*without folders"),
        ({}, ["notes.txt"], r"<400>.*notes.txt"),
        ({}, None, r"<400>.*neither granules nor a poly"),
        ({"timeout": 1e-6}, [NAME], r"<504>.*not done within the timeout"),
        ({"timeout": 0}, [NAME], r"<400>.*timeout: 0"),
    ],
)
def test_refusals_reach_the_user(client, parameters, resources, message):
    """With `rethrow` the client raises what the service says; nothing comes back empty."""
    with pytest.raises(sliderule.session.FatalError, match=message):
        client.atl06p({**REQUEST, **parameters}, resources=resources)


def test_what_is_missing_among_several_is_told(client):
    """The good granule's rows come, and an alert names the other."""
    alerts = []
    heard = {"exceptrec": lambda record, session: alerts.append((record["code"], record["text"]))}
    found = client.atl06p(REQUEST, callbacks=heard, resources=[NAME, NAME.replace("0315", "0316")])
    assert len(found) == 838
    assert alerts == [(-3, f"{NAME.replace('0315', '0316')}: not in the archive of asset icesat2, or not whole there")]


def test_an_empty_beam_is_told(client):
    """A polygon that touches nothing: no rows, and why, beam by beam."""
    alerts = []
    heard = {"exceptrec": lambda record, session: alerts.append((record["code"], record["text"]))}
    nowhere = [{"lon": x, "lat": y} for x, y in [(0, 0), (1, 0), (1, 1)]]
    assert len(client.atl06p({**REQUEST, "poly": nowhere}, callbacks=heard, resources=[NAME])) == 0
    assert len(alerts) == 6 and {code for code, _ in alerts} == {-4}
    assert alerts[0][1].startswith(f"{NAME} gt1l outside: no segment with photons in the area")


def test_the_server_is_of_this_machine_alone(server):
    """Loopback unless told otherwise; what is no endpoint is not found, a body that is no JSON refused."""
    assert server.address.startswith("127.0.0.1:")
    for path, body, status in (
        ("source/atl24g", b"{}", 404),
        ("source/atl06", b"{", 400),
        ("source/atl06", b"[]", 400),
    ):
        call = urllib.request.Request(f"http://{server.address}/{path}", data=body)
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(call)
        assert caught.value.code == status
    told = urllib.request.Request(f"http://{server.address}/source/definition", data=b'{"rectype": "atl24rec"}')
    with pytest.raises(urllib.error.HTTPError, match="404") as caught:
        urllib.request.urlopen(told)
    assert "atl24rec" in json.loads(caught.value.read())["error"]


def test_nothing_to_serve_is_refused(tmp_path):
    """No assets, or a folder that is not there."""
    with pytest.raises(NunatakError, match="assets: none given"):
        api.serve_photons({}, background=True)
    with pytest.raises(NunatakError, match=r"assets: icesat2: .*nowhere is no folder"):
        api.serve_photons(tmp_path / "nowhere", background=True)


@given(st.lists(st.text("abcxyz_", min_size=1, max_size=8), unique=True, max_size=4))
def test_a_definition_leaves_no_gap(names):
    """Offsets follow each other, in bits, whatever is carried through; sizes are those of the packed rows."""
    further = [name for name in names if name not in records.HEIGHT]
    told = records.definition("atl06rec.elevation" + (":" + ",".join(further) if further else ""))
    kinds = {**records.HEIGHT, **dict.fromkeys(further, "f8")}
    rows = records.packed(kinds, {name: [0] for name in kinds})
    assert told["__datasize"] == rows.dtype.itemsize
    assert [told[name]["offset"] for name in kinds] == [8 * rows.dtype.fields[name][1] for name in kinds]


def test_what_the_fit_needs_is_not_lost_on_the_way():
    """Service keys are taken off, parameters stay; `parms` wins over the body."""
    body = {"resource": NAME, "timeout": 30, "parms": {"asset": "mine", "cnf": 4, "node-timeout": 20, "maxi": 2}}
    request = engine.read_request("atl06", body)
    assert (request.asset, request.timeout, request.resources) == ("mine", 20, (NAME,))
    assert request.parameters.confidence == (4,) and request.parameters.max_iterations == 2
    with pytest.raises(ParameterError, match="maxi"):
        engine.read_request("atl06", {"parms": {"maxi": 0}})


@pytest.mark.parametrize("body", [b"{x", b"[1]", b"5", b"[" * 200_000])
@pytest.mark.parametrize("call", ["definition", "atl06"])
def test_a_body_that_is_no_object_is_refused(server, call, body):
    """The answer is 400 with a reason, not an error of the server."""
    asked = urllib.request.Request(f"http://{server.address}/source/{call}", data=body, method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=30)
    assert refused.value.code == 400
    assert "the body of the request is" in json.load(refused.value)["error"]
