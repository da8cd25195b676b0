"""Study files as they are read: layers of keys, several at once, names, numbers and broken files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.builders.studies import PLAIN

from nunatak import study
from nunatak.study import StudyError

ROOT = Path(__file__).resolve().parents[2]


def test_layers_of_keys(made):
    """
    The study wins over the machine's settings, and the command line over both.

    Sections are merged key by key.
    """
    settings = {"results": "out", "directory": "/machine", "connections": {"cmr": 1, "nsidc": 9}}
    below = made({"directory": "/study"}, settings=settings)
    assert (below.directory, below.results, below.connections.nsidc) == ("/study", "out", 9)
    above = made({"directory": "/study"}, settings=settings, overrides={"directory": "/typed", "max_failed": 3})
    assert (above.directory, above.max_failed) == ("/typed", 3)
    assert made(overrides={"region": "svalbard"}).region.name == "svalbard"


def test_results_of_another_archive_lie_apart(made):
    """The folder of results says which archive and size it was, where it is not the study's own."""
    assert made({"archive": "directory"}).label == "glacier"
    assert made(overrides={"archive": "earthdata"}).label == "glacier"
    assert made(overrides={"archive": "simulated"}).label == "glacier-simulated"
    tiny = {"tiny": {"products": {"atl15": {"resolutions": ["10km"]}}}}
    small = made(tiny, overrides={"archive": "simulated", "size": "tiny"})
    assert small.label == "glacier-simulated-tiny"
    assert small.products["atl15"].resolutions == ("10km",)
    assert made(tiny).products["atl15"].resolutions == ("1km", "10km")


def test_keys_of_the_simulated_archive_replace_others_there_alone(made):
    """Those of `tiny` replace them in turn."""
    layers = {"simulated": {"max_failed": 1, "checks": "warn"}, "tiny": {"max_failed": 2}}
    assert made(layers).max_failed == 0
    simulated = made(layers, overrides={"archive": "simulated"})
    assert (simulated.max_failed, simulated.checks) == (1, "warn")
    both = made(layers, overrides={"archive": "simulated", "size": "tiny"})
    assert (both.max_failed, both.checks) == (2, "warn")
    for layer, key, words in (
        ("simulated", "size", "simulated.size: cannot be another one in archive simulated"),
        ("tiny", "simulated", "tiny.simulated: cannot be another one in size tiny"),
    ):
        with pytest.raises(StudyError, match=words):
            made({layer: {key: "full"}})


def test_all_studies_at_once(tmp_path):
    """
    What differs from config.yaml was typed and wins.

    Keys of the machine do not count as typed.
    """
    (tmp_path / "config" / "studies").mkdir(parents=True)
    (tmp_path / "config" / "config.yaml").write_text("results: out\nconnections: {cmr: 1}\n")
    for name in ("alpha", "beta"):
        (tmp_path / "config" / "studies" / f"{name}.yaml").write_text(yaml.safe_dump(PLAIN))
    loaded = study.load_all({"results": "out", "connections": {"cmr": 1}}, base=tmp_path)
    assert list(loaded) == ["alpha", "beta"] and loaded["beta"].results == "out"
    assert list(study.load_all({"archive": "simulated"}, base=tmp_path)) == ["alpha-simulated", "beta-simulated"]
    with pytest.raises(StudyError, match="--config archiv: unknown key; did you mean archive"):
        study.load_all({"archiv": "simulated"}, base=tmp_path)


@pytest.mark.parametrize("fault", ["titel: x", "[1, 2", "title: x\nregion: nowhere_land", "", "\xff"])
def test_a_broken_file_stops_no_other_study(tmp_path, fault):
    """Its error is kept by name, in one line with the file, and raised where it cannot be kept or nothing is left."""
    studies = tmp_path / "config" / "studies"
    studies.mkdir(parents=True)
    (tmp_path / "config" / "config.yaml").write_text("results: out\n")
    (studies / "broken.yaml").write_bytes(fault.encode("latin-1"))
    with pytest.raises(StudyError, match=r"broken\.yaml: "):
        study.load_all({}, base=tmp_path, broken={})
    (studies / "sound.yaml").write_text(yaml.safe_dump(PLAIN))
    broken = {}
    assert list(study.load_all({}, base=tmp_path, broken=broken)) == ["sound"]
    assert list(broken) == ["broken"] and str(broken["broken"]).startswith(str(studies / "broken.yaml: "))
    assert "\n" not in str(broken["broken"])
    with pytest.raises(StudyError, match=r"broken\.yaml: "):
        study.load_all({}, base=tmp_path)
    with pytest.raises(StudyError, match="--config sise: unknown key"):
        study.load_all({"sise": "tiny"}, base=tmp_path, broken={})


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("pine_iland", "did you mean pine_island?"),
        ("export_ros_sea", "did you mean export_ross_sea?"),
        ("results/ross_see-simulated/report.html", "did you mean results/ross_sea-simulated/report.html?"),
        ("results/ross_sea-simulated/raport.html", "no study makes this file"),
        ("fit_ratess", "fit_ratess: no such target; did you mean fit_rates?"),
        ("quux", "the studies are mine, pine_island, ross_sea, each a file config/studies/<study>.yaml"),
        ("figures_mine", "config/studies/mine.yaml: title: missing"),
        ("out/mine/report.html", "config/studies/mine.yaml: title: missing"),
    ],
)
def test_a_target_that_is_none_is_explained(target, words):
    """The nearest study, command, rule or folder of results, or what is wrong with the study's file."""
    broken = {"mine": StudyError("config/studies/mine.yaml: title: missing")}
    names = {"ross_sea-simulated": "ross_sea", "pine_island-simulated": "pine_island"}
    assert words in study.explain_target(target, names, broken, others=["all", "fit_rates"])


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("my glacier.yaml", "my_glacier.yaml"),
        ("v1.2.yml", "v1_2.yml"),
        ("{x}.yaml", "x.yaml"),
        ("Jökulsárlón.yaml", "Jokulsarlon.yaml"),
        ("-n.yaml", "n.yaml"),
        ("test.yaml", "my_test.yaml"),
        ("plan_b.yaml", "my_plan_b.yaml"),
        ("tiles_b.yaml", "my_tiles_b.yaml"),
    ],
)
def test_a_study_name_that_is_no_command_is_refused_with_one_that_is(tmp_path, name, instead):
    path = tmp_path / name
    path.write_text(yaml.safe_dump(PLAIN))
    with pytest.raises(StudyError, match=re.escape(f"name the file {instead}")):
        study.load(path)


def test_yml_files_are_studies_too(tmp_path):
    """
    Files in .yml are studies beside those in .yaml, hidden files left out.

    One name in both is told, and the other studies run.
    """
    folder = tmp_path / "config" / "studies"
    folder.mkdir(parents=True)
    (folder.parent / "config.yaml").write_text("results: results\n")
    for name in ("one.yaml", "two.yml", "three.yaml", "three.yml", "._one.yaml", "my ice.yaml"):
        (folder / name).write_text(yaml.safe_dump(PLAIN))
    broken = {}
    assert set(study.load_all({}, base=tmp_path, broken=broken)) == {"one", "two", "three"}
    assert set(broken) == {"three", "my ice"} and "three.yaml is there, too" in str(broken["three"])


def test_the_home_may_be_written_as_a_tilde(made, monkeypatch, tmp_path):
    """No shell puts the home in after `directory=`."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.geojson").write_text(
        json.dumps({"type": "Polygon", "coordinates": [[[10, 79], [12, 79], [12, 80], [10, 79]]]})
    )
    known = made({"region": {"polygon": "~/mine.geojson"}}, overrides={"directory": "~/my granules", "results": "~/r"})
    assert (known.directory, known.results) == (f"{tmp_path}/my granules", f"{tmp_path}/r")
    assert known.region.bounds == (10.0, 79.0, 12.0, 80.0)


@pytest.mark.parametrize(
    ("given", "command"),
    [
        (
            "directory=/my granules/of ice size=tiny -n --cores 2",
            "directory=/my\\ granules/of\\ ice size=tiny -n --cores 2",
        ),
        ("directory='/my granules' -n", "directory='/my granules' -n"),
        ("-n --cores 4", "-n --cores 4"),
        ("size=tiny", "size=tiny"),
    ],
)
def test_make_takes_a_folder_with_a_blank(given, command):
    """As it stands in the README, in ARGS without further quotes."""
    said = subprocess.run(
        ["make", "-n", "-o", ".venv/nunatak", "steenstrup", f"ARGS={given}"], cwd=ROOT, text=True, capture_output=True
    )
    assert said.returncode == 0, said.stderr
    words = said.stdout.splitlines()[-1].split(" steenstrup ", 1)[1].split()
    assert [word for word in words if word != "--config"] == command.split()


def test_leading_zeros_are_decimal(tmp_path):
    """Tracks, cycles and months as granule names have them: 0627 is 627, and not the octal 407."""
    path = tmp_path / "zeros.yaml"
    path.write_text(
        "title: zeros\nregion: {bbox: [010, 79, 030, 81]}\nperiod: {years: [2019, 2022], months: [08, 010]}\n"
        "products:\n  atl06: {rgt: [0415, 0598], cycles: [010, 08, 11]}\n  atl11: {rgt: [0627]}\n"
        "max_failed: 0\nmass: {kind: glacier, density: 0850}\ncrosses_antimeridian: false\n"
    )
    asked = study.load(path)
    assert asked.products.atl06.rgt == (415, 598) and asked.products.atl06.cycles == (10, 8, 11)
    assert asked.products.atl11.rgt == (627,) and asked.period.months == (8, 10)
    assert asked.region.bounds == (10.0, 79.0, 30.0, 81.0) and asked.mass.density == 850 and asked.max_failed == 0


@pytest.mark.parametrize("number", ["1:20", "1:30.5"])
def test_numbers_to_the_base_60_are_refused(tmp_path, number):
    """1:20 is no track 80."""
    path = tmp_path / "sixty.yaml"
    path.write_text(
        "title: sixty\nregion: {bbox: [10, 79, 30, 81]}\nperiod: [2019-01-01, 2020-01-01]\n"
        f"products:\n  atl06: {{rgt: [{number}]}}\n"
    )
    with pytest.raises(study.StudyError, match="to the base 60"):
        study.load(path)


def test_whole_numbers_in_all_their_forms(tmp_path):
    """
    Only numbers with leading zeros are read otherwise than YAML reads them.

    Text in quotes stays text.
    """
    path = tmp_path / "numbers.yaml"
    path.write_text("a: [0, -012, 1_000, 0x1F, 10, '0627']\n")
    assert study.yaml_files.read_yaml(path)["a"] == [0, -12, 1000, 31, 10, "0627"]


def test_numbers_as_people_write_them(tmp_path):
    """1.0e6 and -4.5e5 are numbers, as in the shipped study, though YAML 1.1 takes them for text."""
    path = tmp_path / "numbers.yaml"
    path.write_text("a: [1.0e6, -4.5e5, 1e3, +2.E-1, .5e1]\nb: e10\n")
    assert study.yaml_files.read_yaml(path) == {"a": [1e6, -4.5e5, 1e3, 0.2, 5.0], "b": "e10"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: [a\nregion: b\n", "line 2, column 7: expected ',' or ']'"),
        ("title: a\ntitle: b\n", "line 2, column 1: title is given twice"),
        ("a: b: c", "line 1, column 5: mapping values are not allowed here"),
        ("", "holds nothing; write key: value lines"),
        ("- a\n", "holds list; write key: value lines"),
    ],
)
def test_broken_yaml_is_told_by_line(tmp_path, text, words):
    """Where in the file, and what is wrong there."""
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(StudyError, match=re.escape(f"broken.yaml: {words}")):
        study.load(path)


def test_a_file_that_is_no_text_or_not_there(tmp_path):
    """Bytes that are not UTF-8, a folder, nothing at all."""
    path = tmp_path / "bytes.yaml"
    path.write_bytes(b"title: \xff\xfe")
    with pytest.raises(StudyError, match=r"bytes\.yaml: is not UTF-8 text"):
        study.load(path)
    for wrong in (tmp_path, tmp_path / "nowhere.yaml"):
        with pytest.raises(StudyError, match=r"cannot be read .*; check the name of the study"):
            study.load(wrong)


def test_a_mistake_on_the_command_line_is_not_blamed_on_the_file(made):
    """A value typed after --config is told as such."""
    with pytest.raises(StudyError, match="--config archive: got 'moon'; write one of earthdata, directory, simulated"):
        made(overrides={"archive": "moon"})


def test_loading_studies_is_light():
    """Parsing the workflow brings in no table, array-file, plotting or compiling library."""
    code = (
        "import sys, nunatak.study as s; s.load('config/studies/pine_island.yaml');"
        "print([m for m in ('pandas', 'h5py', 'xarray', 'numba', 'matplotlib', 'pyogrio', 'zarr') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.check_output(command, cwd=ROOT, env={"PYTHONPATH": "scripts"}, text=True)
    assert said.strip() == "[]"


def test_a_product_named_alone_is_not_lost(tmp_path):
    """
    `atl14:` with nothing behind it means nothing to YAML and is refused.

    `size: tiny` takes a product away in this way.
    """
    path = tmp_path / "g.yaml"
    path.write_text("title: t\nregion: svalbard\nperiod: [2019-01-01, 2020-01-01]\nproducts: {atl14: , atl15: {}}\n")
    with pytest.raises(StudyError, match=r"products\.atl14: empty; write atl14: \{\} for its defaults"):
        study.load(path)
    path.write_text(yaml.safe_dump({**PLAIN, "tiny": {"products": {"atl15": None, "atl14": {}}}}))
    assert list(study.load(path, overrides={"size": "tiny"}).products) == ["atl14"]
