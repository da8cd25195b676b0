"""Choices become the text of a study file, which the code that reads studies judges."""

from __future__ import annotations

import pytest
from tests.conftest import ROOT

from nunatak.explorer import sheet
from nunatak.explorer.answers import Desk
from nunatak.explorer.drawn import MAPS
from nunatak.study.base import StudyError
from nunatak.study.yaml_files import read_yaml

BOX = {"role": "region", "form": "box", "crs": "EPSG:3413", "coordinates": [[1.0e6, -4.5e5], [1.1e6, -3.5e5]]}
STATE = {
    "name": "my_ice",
    "title": "My ice: a test",
    "archive": "simulated",
    "period": ["2019-01-01", "2020-12-31"],
    "products": {"atl15": {"version": "005", "resolutions": "[1km, 10km]"}},
    "drawings": [BOX],
}
STUDIES = sorted(path.stem for path in (ROOT / "config/studies").glob("*.yaml"))


def checked(flow, **changes):
    return Desk(flow).check({**STATE, **changes})


def test_a_study_is_written_with_the_meaning_of_each_key(flow):
    answer = checked(flow)
    assert answer["mistakes"] == []
    lines = answer["text"].splitlines()
    assert "# the area: name, bbox, lonlat or polygon; 10,4" in "\n".join(lines)
    assert lines[lines.index("# what to read") + 1 :][:2] == [
        "products:",
        "  atl15: {version: '005', resolutions: [1km, 10km]}",
    ]
    assert answer["areas"]["region"] == pytest.approx(10_450, rel=0.01)  # 100 km square at a scale of 0.978
    assert ["make plan_my_ice", "what a run would fetch, and what it costs"] in answer["commands"]


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"products": {"atl06": {"filter": "standart"}}}, "products.atl06.filter", "did you mean standard"),
        ({"products": {"atl15": {"band": "-3"}}}, "products.atl15.band", "write more than 0"),
        ({"products": {"atl06": {"rgt": "[548"}}}, "products.atl06.rgt", "a list such as"),
        ({"products": {}}, "products", "none asked for"),
        ({"drawings": []}, "region", "missing"),
        ({"drawings": [{**BOX, "coordinates": [[0, 0], [0, 5]]}]}, "region", "no area"),
        ({"period": ["2021-01-01", "2019-01-01"]}, "period", "earlier date first"),
        ({"period": ["someday", "2019-01-01"]}, "period.start", "not a date"),
        ({"title": ""}, "title", "missing"),
        ({"name": "a/b"}, "name", "cannot be the name"),
        ({"name": "../../x"}, "name", "cannot be the name"),
        ({"name": "all"}, "name", "another command"),
        ({"name": ""}, "name", "missing; write one word"),
    ],
)
def test_a_mistake_stands_beside_its_key(flow, changes, key, said):
    mistakes = checked(flow, **changes)["mistakes"]
    assert any(place == key and said in words for place, words in mistakes), mistakes


def test_words_of_yaml_are_words_as_names(flow):
    """`on` and `no` are truth values for YAML 1.1, but here they are names."""
    drawings = [BOX, {"role": "point", "name": "no", "crs": "lonlat", "coordinates": [[24, 79.7]]}]
    answer = checked(flow, name="on", title="yes", drawings=drawings)
    assert answer["mistakes"] == []
    assert sheet.read_text(answer["text"])["points"] == {"no": [24.0, 79.7]}


def test_saving_writes_once_and_asks_before_it_replaces(flow):
    desk, path = Desk(flow), flow / "config/studies/kept.yaml"
    assert desk.save({**STATE, "name": "kept"})["saved"]
    first = path.read_text()
    answer = desk.save({**STATE, "name": "kept", "title": "Another"})
    assert not answer["saved"] and answer["taken"] and path.read_text() == first
    assert desk.save({**STATE, "name": "kept", "title": "Another", "replace": True})["saved"]
    assert "Another" in path.read_text()
    path.unlink()


def test_a_study_with_mistakes_is_not_saved(flow):
    with pytest.raises(StudyError, match="title"):
        Desk(flow).save({**STATE, "name": "broken", "title": ""})
    assert not (flow / "config/studies/broken.yaml").exists()


@pytest.mark.parametrize("name", STUDIES)
def test_a_shipped_study_comes_back_whole(flow, name):
    """
    Opened and written anew, it has the same keys and values.

    What the page does not edit is kept.
    """
    desk = Desk(flow)
    opened = desk.opened({"name": name})
    assert opened["mistakes"] == [] and opened["crs"] in MAPS
    answer = desk.check({**opened["state"], "name": "again", "crs": opened["crs"]})
    assert answer["mistakes"] == []
    was = sheet.plain(read_yaml(flow / f"config/studies/{name}.yaml"))
    assert sheet.plain(sheet.read_text(answer["text"])) == was
    assert answer["shown"]["region"]["polygons"]


def test_a_study_that_is_not_there_is_not_opened(flow):
    for name in ("nowhere", "../config", ""):
        with pytest.raises(StudyError, match="no such study"):
            Desk(flow).opened({"name": name})


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_that_is_opened_and_saved_keeps_its_text(flow, name):
    """Nothing chosen, nothing written otherwise: not a blank, not a comment."""
    desk = Desk(flow)
    answer = desk.check({**desk.opened({"name": name})["state"], "name": name, "opened": name})
    assert answer["text"] == (flow / f"config/studies/{name}.yaml").read_text("utf-8")


@pytest.mark.parametrize("name", STUDIES)
def test_a_change_of_a_study_touches_its_own_lines_alone(flow, name):
    """
    Title and a point are new.

    Every comment and every other line stays, null stays null, long lines stay long.
    """
    desk = Desk(flow)
    state = desk.opened({"name": name})["state"]
    state["drawings"].append({"role": "point", "name": "no", "crs": "lonlat", "coordinates": [[24, 79.7]]})
    answer = desk.check({**state, "name": name, "opened": name, "title": "On: new"})
    was = (flow / f"config/studies/{name}.yaml").read_text("utf-8")
    now = sheet.read_text(answer["text"])
    assert now["title"] == "On: new" and now["points"]["no"] == [24.0, 79.7]
    same = {key: value for key, value in sheet.read_text(was).items() if key not in ("title", "points")}
    assert {key: now[key] for key in same} == same
    kept = [line for line in was.splitlines() if "#" in line and not line.startswith(("title", "points"))]
    assert [line for line in kept if line not in answer["text"].splitlines()] == []


def test_a_file_whose_keys_share_a_value_is_left_to_its_author(flow):
    """A change of an anchor would change what refers to it."""
    path = flow / "config/studies/shared.yaml"
    path.write_text(
        "title: a\nregion: {bbox: [23, 79.5, 26, 80]}\nperiod: [2019-01-01, 2020-01-01]\n"
        "products:\n  atl06: &both {version: '006'}\n  atl08: *both\n"
    )
    desk = Desk(flow)
    state = desk.opened({"name": "shared"})["state"]
    state["products"]["atl06"]["rgt"] = "[548]"
    mistakes = desk.check({**state, "name": "shared", "opened": "shared"})["mistakes"]
    path.unlink()
    assert any("by hand" in said for _, said in mistakes)


def test_a_study_with_mistakes_is_opened_with_them_and_not_written_over(flow):
    path = flow / "config/studies/odd.yaml"
    path.write_text("title: a\nregion: {name: nowhere}\nproduct: {}\nperiod: [2019-01-01, 2018-01-01]\n")
    desk = Desk(flow)
    opened = desk.opened({"name": "odd"})
    assert opened["mistakes"]
    with pytest.raises(StudyError):
        desk.save({**opened["state"], "name": "odd", "opened": "odd", "replace": True})
    assert path.read_text().startswith("title: a\nregion: {name: nowhere}")
    path.unlink()


def test_a_file_of_outlines_is_taken_by_its_path(flow):
    """
    The study refers to the file.

    Its outline is shown, and one that is not there is told beside the region.
    """
    outline = {"role": "region", "spec": {"polygon": str(ROOT / "config/regions/basin3.geojson")}}
    answer = checked(flow, drawings=[outline], crs="EPSG:3413")
    assert answer["mistakes"] == [] and answer["shown"]["region"]["polygons"]
    assert sheet.read_text(answer["text"])["region"] == outline["spec"]
    mistakes = checked(flow, drawings=[{"role": "region", "spec": {"polygon": "nowhere.gpkg"}}])["mistakes"]
    assert [key for key, said in mistakes if "nowhere.gpkg" in said] == ["region"]


def test_a_name_that_cannot_be_taken_hides_no_other_mistake(flow):
    for name in ("", "a/b", "all", "study"):
        mistakes = checked(flow, name=name, title="", products={"atl15": {"band": "-3"}})["mistakes"]
        assert sorted(key for key, _ in mistakes) == ["name", "products.atl15.band", "title"], name
