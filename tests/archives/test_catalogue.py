"""Searching NASA's catalogue through the real client: whole answers, each granule once, the three kinds of no."""

from __future__ import annotations

import dataclasses

import earthaccess
import pytest
import shapely
from tests.standin import holdings
from tests.standin.services import Record

from nunatak.archives import EmptyAnswer, LoginRefused, ServiceFailed
from nunatak.archives.archive import Filters
from nunatak.archives.nasa import catalogue, records
from nunatak.files import retries
from nunatak.geometry import region
from nunatak.runtime import NunatakError
from nunatak.study.period import Period

HERE = region.load({"bbox": [-35, 66, -34, 67]}, name="here")
YEAR = Period.model_validate(["2019-01-01", "2019-12-31"])


def search(archive, where=HERE, period=YEAR, **filters):
    return archive.search("atl06", where, period, Filters(**filters))


def test_the_release_is_resolved_and_recorded(standin, archive, held):
    held(version="006")
    held(version="007")
    latest = search(archive)
    assert list(latest["version"]) == ["007"]
    assert latest["collection_id"][0].startswith("C") and latest["concept_id"][0].startswith("G")
    older = search(archive, version="006")
    assert list(older["version"]) == ["006"]
    assert any("release 007 of atl06 exists" in note for note in older.attrs["notes"])
    with pytest.raises(EmptyAnswer, match=r"no release 005; it has 006, 007: set products\.atl06\.version"):
        search(archive, version="005")


def test_the_table_holds_what_the_record_says(standin, archive, held):
    (record,) = held(checksum=lambda path: ("MD5", "0" * 32))
    row = search(archive).iloc[0]
    assert row["url"].endswith(record.key) and row["s3_url"].startswith("s3://")
    assert (row["size_bytes"], row["checksum_algorithm"], row["checksum"]) == (record.size, "MD5", "0" * 32)
    assert (row["rgt"], row["cycle"], row["source"], row["revision_id"]) == (627, 5, "earthdata", 1)


def test_no_login_is_sent_to_the_catalogue(standin, archive, held, monkeypatch):
    """An expired token spoils nothing: the client itself would send it and be refused."""
    held()
    monkeypatch.setenv("EARTHDATA_TOKEN", "expired")
    standin.fault("cmr_401", **{"when": lambda request: "authorization" in request.headers})
    auth = earthaccess.Auth().login(strategy="environment")
    with pytest.raises(RuntimeError, match="Token does not exist"):
        earthaccess.DataGranules(auth).short_name("ATL06").hits()
    assert len(search(archive)) == 1
    assert all("authorization" not in r.headers for r in standin.requests("cmr*")[1:])


def test_the_granules_on_the_ground_do_not_come_twice(standin, archive, held):
    (cloud,) = held()
    standin.records.append(dataclasses.replace(cloud, provider="NSIDC_ECS"))
    both = earthaccess.DataGranules().short_name("ATL06").hits()
    assert both == 2
    assert len(search(archive)) == 1


def test_superseded_revisions_are_set_aside(standin, archive, held):
    (first,) = held()
    standin.records.append(dataclasses.replace(first, name=first.name.replace("_006_01", "_006_02")))
    found = search(archive)
    assert list(found["revision"]) == ["02"]
    assert any("later revision" in note for note in found.attrs["notes"])


def synthetic(number):
    """Records in the box, one per second."""
    ring = [(-34.8, 66.2), (-34.6, 66.2), (-34.6, 66.8), (-34.8, 66.8), (-34.8, 66.2)]
    for i in range(number):
        rgt, cycle = i % 1387 + 1, 3 + i // 1387
        clock = f"{i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d}"
        name = f"ATL06_20190601{clock.replace(':', '')}_{rgt:04d}{cycle:02d}03_006_01.h5"
        yield Record(name, "ATL06", "006", f"2019-06-01T{clock}Z", f"2019-06-01T{clock}Z", footprints=[ring], size=1)


def test_all_pages_arrive(standin, archive):
    standin.records.extend(synthetic(2005))
    assert len(search(archive)) == 2005
    assert any("cmr-search-after" in request.headers for request in standin.requests("cmr*"))


@pytest.mark.parametrize("fault", ["cmr_lost_item"])
def test_a_short_answer_is_asked_for_again_and_then_refused(standin, archive, held, fault):
    """The client hands on what arrived without a word."""
    held(cycles=(5, 6))
    standin.fault(fault, times=1)
    assert len(earthaccess.DataGranules().short_name("ATL06").get()) == 1
    standin.fault(fault, times=1)
    assert len(search(archive)) == 2
    standin.fault(fault)
    with pytest.raises(ServiceFailed, match="states 2 records but sends 1"):
        search(archive)


def test_a_granule_repeated_across_pages_counts_once(standin, archive, held):
    held(cycles=(5, 6))
    standin.fault("cmr_repeats_item")
    assert len(search(archive)) == 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("cmr_500", "status 500"),
        ("cmr_503", "status 503"),
        ("cmr_html", "login page or a proxy"),
        ("cmr_not_json", "JSONDecodeError"),
        ("cmr_drop", "no connection"),
        ("cmr_timed_out", "ran out of time"),
    ],
)
def test_a_failing_catalogue_is_no_empty_answer(standin, archive, held, fault, said):
    held()
    standin.fault(fault)
    with pytest.raises(ServiceFailed, match=rf"cmr\.earthdata\.nasa\.gov: .*{said}"):
        search(archive)


@pytest.mark.parametrize("fault", ["cmr_500", "cmr_503", "cmr_429", "cmr_drop"])
def test_a_passing_failure_is_waited_out(standin, archive, held, fault):
    """The client itself gives up at once."""
    held()
    standin.fault(fault, times=1)
    with pytest.raises((RuntimeError, OSError)):
        earthaccess.DataGranules().short_name("ATL06").hits()
    standin.fault(fault, times=2)
    assert len(search(archive)) == 1


def test_the_wait_is_the_one_asked_for(standin, archive, held):
    held()
    standin.fault("cmr_429", times=1)
    search(archive)
    first, second = standin.requests("cmr*")[:2]
    assert second.time - first.time >= 1.0


def test_a_hanging_catalogue_is_given_up(standin, archive, held, monkeypatch):
    held()
    monkeypatch.setattr(retries, "READ", 0.2)
    monkeypatch.setattr(retries, "ATTEMPTS", 2)
    standin.fault("cmr_hangs", times=2)
    with pytest.raises(ServiceFailed, match=r"read timeout=0\.2"):
        search(archive)


def test_a_refused_question_is_the_users_to_mend(standin, archive, held):
    held()
    standin.fault("cmr_400")
    with pytest.raises(NunatakError, match=r"refuses the question: .*bounding_box.*correct the study") as refused:
        search(archive)
    assert not isinstance(refused.value, EmptyAnswer | ServiceFailed | LoginRefused)


def test_an_unknown_product_is_not_an_empty_answer_without_a_word(standin, archive, held):
    held()
    assert earthaccess.DataGranules().short_name("ATL08").hits() == 0
    with pytest.raises(EmptyAnswer, match="NSIDC_CPRD has no collection ATL08"):
        archive.search("atl08", HERE, YEAR)


def test_outside_the_product_and_none_here_are_told_apart(standin, archive, held):
    held()
    with pytest.raises(EmptyAnswer, match=r"begins 2019-11-06.*asks for 2010-01-01 to 2010-12-31; choose a period"):
        search(archive, period=Period.model_validate(["2010-01-01", "2010-12-31"]))
    with pytest.raises(EmptyAnswer, match=r"has no granule in there .*; widen the study"):
        search(archive, where=region.load({"bbox": [10, 79, 30, 81]}, name="there"))


def test_tracks_and_cycles_are_asked_for_by_name(standin, archive, held):
    held(rgts=(627, 628), cycles=(5, 6))
    found = search(archive, rgt=(628,), cycles=(6,))
    assert [(row.rgt, row.cycle) for row in found.itertuples()] == [(628, 6)]
    sent = [name for request in standin.requests("cmr*") for name in request.all("readable_granule_name")]
    assert set(sent) == {"ATL06*_062806??_*"}


def test_one_month_of_several_years_is_one_question_each(standin, archive):
    for year in (2019, 2020, 2021):
        for month in (8, 9):
            date = f"{year}-{month:02d}-15"
            name = f"ATL06_{date.replace('-', '')}000000_0627{year - 2015:02d}03_006_01.h5"
            standin.records.append(Record(name, "ATL06", "006", f"{date}T00:00:00Z", f"{date}T00:01:00Z", [], ORBIT, 1))
    period = Period.model_validate({"years": [2019, 2021], "months": ["September"]})
    found = search(archive, where=None, period=period)
    assert sorted(found["time_start"].dt.strftime("%Y-%m")) == ["2019-09", "2020-09", "2021-09"]
    asked = {r.one("temporal") for r in standin.requests("cmr*", "*granules*")}
    assert asked == {f"{y}-09-01T00:00:00Z,{y}-09-30T23:59:59Z" for y in (2019, 2020, 2021)}


ORBIT = {
    "AscendingCrossing": -40.35812957405553,
    "StartLatitude": 59.5,
    "StartDirection": "A",
    "EndLatitude": 80,
    "EndDirection": "A",
}


def test_a_record_without_a_data_link_is_named(standin, archive, held):
    held()
    standin.fault("cmr_no_links")
    with pytest.raises(
        ServiceFailed, match=r"1 records, none of which names a granule's file .*: has no link to a data"
    ):
        search(archive)


def test_a_name_cannot_lead_out_of_the_folder(standin, archive, held):
    held()
    standin.fault("cmr_path_in_name")
    with pytest.raises(ServiceFailed, match="leave its folder"):
        search(archive)
    with pytest.raises(NunatakError, match="leave its folder"):
        records.base_name("https://host/..%2F..%2Fescaped.h5")


def test_the_recorded_catalogue_is_read_to_the_last_name(standin, archive, data):
    """1,393 real ATL03 records, hashes at the end of 95 ids; those over the antimeridian are found there alone."""
    standin.records.extend(holdings.recorded(data("recorded/cmr/atl03_v007_catalogue.jsonl")))
    assert len(standin.records) == 1393 and sum(bool(r.suffix) for r in standin.records) == 95
    globe = archive.search("atl03", None, None)
    assert set(globe["file_name"]) == {record.name for record in standin.records}
    assert globe["geometry"].notna().all()
    for name, parts in zip(
        globe["file_name"], map(shapely.get_parts, shapely.from_wkt(globe["geometry"])), strict=True
    ):
        assert all(part.bounds[2] - part.bounds[0] < 12 for part in parts), name  # half of the records' boxes: 360
    strip = region.load({"bbox": [179.5, 45, -179.5, 47], "crosses_antimeridian": True}, name="strip")
    there = archive.search("atl03", strip, None)
    sides = [shapely.box(179.5, 45, 180, 47), shapely.box(180, 45, 180.5, 47)]
    crossing = {r.name for r in standin.records if _crosses(r) and _onward(r).intersects(shapely.union_all(sides))}
    assert crossing and set(there["file_name"]) >= crossing
    assert 0 < len(there) < 1393
    elsewhere = archive.search("atl03", region.load({"bbox": [-78, 45, -74, 47]}, name="elsewhere"), None)
    assert len(elsewhere) and not set(elsewhere["file_name"]) & set(there["file_name"])
    assert not set(elsewhere["file_name"]) & {r.name for r in standin.records if _crosses(r) and _narrow(r)}
    boxes = [request.one("bounding_box") for request in standin.requests("cmr*", "*granules*")]
    assert "179.5,45.0,180.0,47.0" in boxes and "-180.0,45.0,-179.5,47.0" in boxes


def _crosses(record):
    lon = [x for ring in record.footprints for x, _ in ring]
    return max(lon) - min(lon) > 180


def _onward(record):
    """The footprint in longitudes 0..360: whole, where it crosses the antimeridian. An oracle without our cutting."""
    return shapely.union_all([shapely.Polygon([(x % 360, y) for x, y in ring]) for ring in record.footprints])


def _narrow(record):
    """Whether it crosses the antimeridian without coming near a pole, where all longitudes meet."""
    return max(abs(y) for ring in record.footprints for _, y in ring) < 80


def test_an_orbit_alone_becomes_the_strip_flown(data):
    """A real record with an equator crossing and two latitudes: its track ends where the crossing time says."""
    import json

    umm = json.loads(data("recorded/cmr/granule_atl06_v005_umm.json").read_text())["items"][0]["umm"]
    strip = records.outline(umm)
    _, south, _, north = strip.bounds
    assert south < 59.5 < 80 < north and south > 58 and north < 81.5
    assert shapely.area(strip) < 60
    from nunatak.simulation import orbit

    track = orbit.reference_track(841, segment_id=range(335000, 440000, 500))
    inside = (track.latitude > 59.6) & (track.latitude < 79.9)
    assert inside.sum() > 50
    assert shapely.contains_xy(strip, track.longitude[inside], track.latitude[inside]).mean() == 1.0


def test_patterns_come_in_handfuls():
    patterns = catalogue.name_patterns("atl06", Filters(rgt=tuple(range(1, 131))))
    assert [len(part) for part in patterns] == [60, 60, 10]
    assert catalogue.name_patterns("atl15", Filters(cycles=(3,))) == [[]]
