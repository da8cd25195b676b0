"""Study files: the shipped ones, periods, chunks, layers of keys, and every refusal in one line."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import jsonschema
import numpy as np
import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from nunatak import granules, gridding, study
from nunatak.files.rasters import write_cog
from nunatak.geometry.grid import Grid
from nunatak.geometry.region import Region
from nunatak.gridding import timebins
from nunatak.results import targets
from nunatak.results.figures import FIGURES, row_of
from nunatak.results.table import RESULTS
from nunatak.study import StudyError, reference, sections
from nunatak.times import SAFE_HOLDS

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted((ROOT / "config" / "studies").glob("*.yaml"))
PLAIN = {
    "title": "A glacier",
    "region": {"bbox": [10, 79, 30, 81]},
    "period": ["2019-01-01", "2023-01-01"],
    "products": {"atl15": {"version": "005", "resolutions": ["1km", "10km"]}},
}


@pytest.fixture
def made(tmp_path):
    """A function that loads a study file with the plain study's keys and some others; None takes a key away."""

    def load(changes=None, **options):
        given = copy.deepcopy(PLAIN)
        for place, value in (changes or {}).items():
            section = given
            *above, last = place.split(".")
            for name in above:
                section = section.setdefault(name, {})
            if value is None:
                section.pop(last)
            else:
                section[last] = value
        path = tmp_path / "glacier.yaml"
        path.write_text(yaml.safe_dump(given))
        return study.load(path, **options)

    return load


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
@pytest.mark.parametrize("size", ["full", "tiny"])
def test_every_shipped_study_is_sound_in_both_sizes(path, size):
    """It loads, every product has chunks, and its plain values make the same study again."""
    loaded = study.load(path, overrides={"size": size})
    assert isinstance(loaded.region, Region)
    assert all(loaded.chunks(product) for product in loaded.products)
    plain = json.loads(json.dumps(loaded.model_dump(mode="json")))
    assert study.Study.model_validate(plain).model_dump(mode="json") == plain


def test_the_shipped_studies_are_those_of_the_design():
    """Austfonna, Pine Island, the Ross Sea, and the real repeat pair of Steenstrup."""
    loaded = {path.stem: study.load(path) for path in SHIPPED}
    assert set(loaded) == {"austfonna", "pine_island", "ross_sea", "ross_sea_year", "steenstrup"}
    assert loaded["austfonna"].chunks("atl06") == ["cycle03", "cycle07", "cycle11", "cycle15"]
    assert loaded["austfonna"].chunks("atl15") == loaded["austfonna"].chunks("atl14") == ["all"]
    assert loaded["ross_sea"].chunks("atl10") == ["2019-09"]
    assert loaded["ross_sea"].region.crosses_antimeridian
    assert len(loaded["ross_sea_year"].chunks("atl10")) == 12
    assert loaded["pine_island"].chunks("itslive")[::40] == ["1984", "2024"]
    assert loaded["pine_island"].altimetry_region.bounds == (-108.0, -77.5, -89.0, -73.5)
    assert loaded["steenstrup"].chunks("atl06") == ["cycle05", "cycle13"]
    assert loaded["steenstrup"].figure_names == ("extent", "repeat_pair")
    assert loaded["austfonna"].regions["surge_basin"].area_km2 < loaded["austfonna"].region.area_km2 / 20


def test_schema_and_reference_are_those_of_the_models():
    """Both files are what `python -m nunatak.study` writes today."""
    assert json.loads((ROOT / reference.SCHEMA).read_text("utf-8")) == reference.schema()
    assert (ROOT / reference.REFERENCE).read_text("utf-8") == reference.table()


def test_every_key_is_described():
    """No key without a meaning in the table; every length, time and density with its unit."""
    rows = [row.split(" | ") for row in reference.table().splitlines() if row.startswith("| `")]
    assert len(rows) > 100
    assert all(row[1].strip() for row in rows)
    units = {row[0].strip("| `"): row[2].strip() for row in rows}
    assert (units["products.atl06sr.len"], units["mass.density"], units["region.tolerance"]) == ("m", "kg m-3", "m")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_schema_takes_the_shipped_studies_and_refuses_a_typo(path):
    """What editors check with agrees with what the models take."""
    given = json.loads(json.dumps(study.yaml_files.read_yaml(path), default=str))
    validator = jsonschema.Draft202012Validator(reference.schema())
    validator.validate(given)
    assert not validator.is_valid({**given, "regon": 1})
    assert not validator.is_valid({**given, "products": {"atl06": {"rgt": [1388]}}})


def test_loading_studies_is_light():
    """Parsing the workflow brings in no table, array-file, plotting or compiling library."""
    code = (
        "import sys, nunatak.study as s; s.load('config/studies/pine_island.yaml');"
        "print([m for m in ('pandas', 'h5py', 'xarray', 'numba', 'matplotlib', 'pyogrio', 'zarr') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.check_output(command, cwd=ROOT, env={"PYTHONPATH": "scripts"}, text=True)
    assert said.strip() == "[]"


@given(st.integers(0, 5900))
def test_no_granule_of_the_period_is_without_a_chunk(day):
    """A granule whose cycle began up to a week early or late still has a chunk, whatever the day."""
    moment = np.datetime64("2018-10-14") + day
    assume(not any(first <= moment < last for first, last in SAFE_HOLDS))  # refused: no granule exists
    made = study.Study.model_validate(
        {
            **PLAIN,
            "name": "g",
            "path": "g.yaml",
            "label": "g",
            "products": {"atl06": {"splits": 3}, "atl10": {}},
            "period": [str(moment), str(moment)],
        }
    )
    stamp = str(moment).replace("-", "") + "120000"
    for shift in (-7, 7):
        cycle = int(nominal_cycle(moment + shift))
        track = granules.parse(f"ATL06_{stamp}_0548{cycle:02d}04_006_01.h5")
        assert made.chunk_of("atl06", track) in made.chunks("atl06")
    ice = granules.parse(f"ATL10-01_{stamp}_05480301_006_01.h5")
    assert made.chunk_of("atl10", ice) == str(moment)[:7]


def nominal_cycle(moment):
    """The cycle of a nominal calendar in which cycle 3 began on 29 March 2019 and each lasts 90.8 days."""
    return max(3 + (moment - np.datetime64("2019-03-29")).astype(int) // 90.8, 1)


def test_splitting_a_bucket_changes_names_and_nothing_else(made):
    """Each share of each bucket is named; an unasked cycle has no chunk."""
    whole, split = (made({"products.atl06": {"cycles": [3, 4], "splits": n}}) for n in (1, 2))
    assert whole.chunks("atl06") == ["cycle03", "cycle04"]
    assert split.chunks("atl06") == ["cycle03-1of2", "cycle03-2of2", "cycle04-1of2", "cycle04-2of2"]
    assert split.chunk_of("atl06", granules.parse("ATL06_20190504033705_05480304_007_01.h5")).startswith("cycle03-")
    assert split.chunk_of("atl06", granules.parse("ATL06_20200504033705_05480704_007_01.h5")) is None


def test_products_are_used_like_a_dictionary(made):
    """Names of those asked for, in one order; a product named without settings has its defaults."""
    products = made({"products.atl06": {}, "products.atl14": {}}).products
    assert list(products) == ["atl15", "atl14", "atl06"] and len(products) == 3
    assert "atl03" not in products and products["atl06"].filter == "standard"
    with pytest.raises(KeyError):
        products["atl03"]


def test_a_product_named_alone_is_not_lost(tmp_path):
    """`atl14:` with nothing behind it means nothing to YAML; it is refused. `size: tiny` takes a product away so."""
    path = tmp_path / "g.yaml"
    path.write_text("title: t\nregion: svalbard\nperiod: [2019-01-01, 2020-01-01]\nproducts: {atl14: , atl15: {}}\n")
    with pytest.raises(StudyError, match=r"products\.atl14: empty; write atl14: \{\} for its defaults"):
        study.load(path)
    path.write_text(yaml.safe_dump({**PLAIN, "tiny": {"products": {"atl15": None, "atl14": {}}}}))
    assert list(study.load(path, overrides={"size": "tiny"}).products) == ["atl14"]


def test_figures_follow_from_what_is_asked(made):
    """Each possible figure appears with what it needs, and a choice replaces them all."""
    drawn = made().figure_names
    assert drawn[:3] == ("extent", "height_change_region", "height_change_series")
    more = {
        "focus": {"crs": "EPSG:3413", "xlim": [1.0e6, 1.1e6], "ylim": [-4.5e5, -3.5e5]},
        "products.atl14": {},
        "products.atl06": {"cycles": [3, 7]},
        "transects": {"across": {"lonlat": [[23, 79.75], [26.5, 79.75]]}},
    }
    possible = {"height_change_focus", "change_by_elevation", "transect_across", "repeat_pair"}
    assert not possible & set(drawn) and possible <= set(made(more).figure_names)
    assert all(RESULTS[row_of(name).inputs[0]].made(made()) for name in drawn)
    assert made({**more, "figures.names": ["transect_across"]}).figure_names == ("transect_across",)


def test_layers_of_keys(made):
    """The study wins over the machine's settings, the command line over both; sections are merged key by key."""
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


def test_all_studies_at_once(tmp_path):
    """What differs from config.yaml was typed and wins; keys of the machine do not count as typed."""
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
        ("quux", "the studies are mine, pine_island, ross_sea, each a file config/studies/<study>.yaml"),
        ("figures_mine", "config/studies/mine.yaml: title: missing"),
        ("out/mine/report.html", "config/studies/mine.yaml: title: missing"),
    ],
)
def test_a_target_that_is_none_is_explained(target, words):
    """The nearest study, the nearest command, the nearest folder of results, or what is wrong with the study's file."""
    broken = {"mine": StudyError("config/studies/mine.yaml: title: missing")}
    names = {"ross_sea-simulated": "ross_sea", "pine_island-simulated": "pine_island"}
    assert words in study.explain_target(target, names, broken)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_figure_is_listed_with_what_it_shows(path):
    """All that can be drawn, each once, those of the study first; and the rules know what each is drawn from."""
    loaded = study.load(path)
    drawn, others = "\n".join(targets.figure_listing(loaded)).split("\nothers", 1)
    named = [line.split()[0] for line in drawn.splitlines()[1:]]
    assert tuple(named) == loaded.figure_names
    assert all(len(line.split(maxsplit=1)[1]) > 10 for line in drawn.splitlines()[1:])
    rest = {line.split()[0] for line in others.splitlines()[1:]}
    kinds = {row_of(name).listed for name in named}
    assert kinds | rest == {row.listed for row in FIGURES.values()} and not kinds & rest


def test_the_shipped_settings_are_sound():
    """config/config.yaml holds known keys only."""
    assert study.Settings.model_validate(study.load_settings(ROOT / "config" / "config.yaml")).results == "results"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"points": {"trunk": [-45, -70]}}, "points.trunk: [-45, -70] lies outside region, which has longitudes 10"),
        ({"points": {"swapped": [79.8, 24.0]}}, "points.swapped: [79.8, 24] lies outside region"),
        ({"gates": {"front": {"lonlat": [[40, 80], [41, 80]]}}}, "gates.front: [40, 80], [41, 80] lies outside region"),
        ({"flowlines": {"main": {"start": [24, 70]}}}, "flowlines.main.start: [24, 70] lies outside region"),
        ({"transects": {"a": {"lonlat": [[24, 70], [25, 70]]}}}, "transects.a: [24, 70], [25, 70] lies outside region"),
    ],
)
def test_a_place_outside_the_region_is_told_before_the_run(made, changes, told):
    """In the longitudes and latitudes that were written; a line that crosses the region is fine."""
    with pytest.raises(StudyError, match=re.escape(told)):
        made(changes)
    assert made({"gates": {"front": {"lonlat": [[5, 80], [40, 80]]}}}).gates["front"].step == 60


def test_mass_only_where_it_may_be_given(made, tmp_path):
    """Glaciers by density; ice sheets only with both rasters, which are there."""
    assert made({"mass": {"kind": "glacier"}}).mass.allowed
    assert not made({"mass": {"kind": "ice_sheet"}}).mass.allowed
    rasters = {name: str(tmp_path / f"{name}.tif") for name in ("firn", "gia")}
    with pytest.raises(study.StudyError, match=r"mass: firn: .*firn.tif: no such file"):
        made({"mass": {"kind": "ice_sheet", **rasters}})
    for path in rasters.values():
        write_cog(np.zeros((3, 4), "f4"), Grid("EPSG:3413", 0, 0, 1e3, 1e3, 3, 4), path)
    assert made({"mass": {"kind": "ice_sheet", **rasters}}).mass.allowed


@pytest.mark.parametrize(
    ("product", "words"),
    [
        ("atl09", "products.atl09: ATL09 (calibrated backscatter profiles and atmospheric layers) is a product of"),
        ("ATL12", "products.ATL12: ATL12 (ocean surface height) is a product of ICESat-2 that Nunatak does not read"),
        ("atl12", "products.atl12: ATL12 (ocean surface height) is a product of ICESat-2"),
        ("atl20", "does not read; freeboard.atl20 compares with files of it; those it reads are atl15,"),
        ("atl21", "products.atl21: ATL21 (gridded sea surface height anomaly within sea ice) is a product of"),
        ("ATL06", "products.ATL06: unknown key; did you mean atl06?"),
        ("atl10ql", "products.atl10ql: unknown key; quick-look granules are asked for with quick_look: true in atl10"),
        ("ATL06_QL", "quick-look granules are asked for with quick_look: true in atl06"),
        ("atl15ql", "products.atl15ql: unknown key; did you mean atl15?"),
        ("atl12ql", "products.atl12ql: ATL12 (ocean surface height) is a product of"),
    ],
)
def test_a_product_that_exists_and_is_not_read_is_said_to_be_that(made, product, words):
    with pytest.raises(StudyError) as refused:
        made({f"products.{product}": {}})
    assert words in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("period", "first"),
    [(["2019-06-28", "2019-07-05"], "2019-06-27"), (["2022-04-04T15:00", "2022-04-15"], "2022-04-04T14:12:00")],
)
def test_a_period_within_a_safe_hold_has_no_granule(made, period, first):
    """Said when the study is read, for products of single passes alone."""
    said = f"period: ICESat-2 was in safe hold from {first} to .* no granule of atl06 exists for .*; widen the period"
    with pytest.raises(StudyError, match=said):
        made({"period": period, "products.atl06": {}})
    assert made({"period": period}).period.end
    assert made({"period": [period[0], "2022-06-01"], "products.atl06": {}}).products.atl06


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
    ],
)
def test_a_study_name_that_is_no_command_is_refused_with_one_that_is(tmp_path, name, instead):
    path = tmp_path / name
    path.write_text(yaml.safe_dump(PLAIN))
    with pytest.raises(StudyError, match=re.escape(f"name the file {instead}")):
        study.load(path)


def test_yml_files_are_studies_too(tmp_path):
    """Beside those in .yaml, hidden files left out; one name in both is told, and the others run."""
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


def test_a_transect_is_named_as_its_figure(made):
    with pytest.raises(
        StudyError, match=r"transects.*got the name 'a-b é'; write letters without accents, digits and _"
    ):
        made({"transects": {"a-b é": {"lonlat": [[20, 79.5], [24, 79.5]]}}})


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
    """Only leading zeros are read otherwise than YAML does; text in quotes stays text."""
    path = tmp_path / "numbers.yaml"
    path.write_text("a: [0, -012, 1_000, 0x1F, 10, '0627']\n")
    assert study.yaml_files.read_yaml(path)["a"] == [0, -12, 1000, 31, 10, "0627"]


def test_numbers_as_people_write_them(tmp_path):
    """1.0e6 and -4.5e5 are numbers, as in the shipped study, though YAML 1.1 takes them for text."""
    path = tmp_path / "numbers.yaml"
    path.write_text("a: [1.0e6, -4.5e5, 1e3, +2.E-1, .5e1]\nb: e10\n")
    assert study.yaml_files.read_yaml(path) == {"a": [1e6, -4.5e5, 1e3, 0.2, 5.0], "b": "e10"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"regon": 1}, "regon: unknown key; did you mean region?"),
        ({"products.atl15.resolution": ["1km"]}, "products.atl15.resolution: unknown key; did you mean resolutions?"),
        (
            {"period": ["2019-01-01", "2018-01-01"]},
            "period: ends 2018-01-01 before it begins 2019-01-01; write the earlier date first",
        ),
        ({"period": ["2019-13-01", "2020-01-01"]}, "period.start: '2019-13-01' is not a date"),
        ({"period": "2019"}, "period: got '2019'; write [first day, last day]"),
        ({"period": ["2019-01-01"]}, "period: got 1 dates; write [first day, last day]"),
        ({"period": {"years": [2022, 2019]}}, "period: years: 2022 comes after 2019"),
        (
            {"period": {"years": [2019, 2019], "months": ["Septembre"]}},
            "period.months: 'Septembre' is no month; did you mean September?",
        ),
        (
            {"period": {"start": "2019-01-01", "end": "2019-02-01", "months": [7]}},
            "period: no day of it lies in the months given",
        ),
        ({"region": {"bbox": [10, 81, 30, 79]}}, "region: bbox: south 81 lies above north 79"),
        ({"region": {"bbox": [30, 79, 10, 81]}}, "region: bbox: west 30 lies beyond east 10"),
        ({"region": {"bbox": [10, 79, 10, 81]}}, "region: bbox: [10, 79, 10, 81] encloses no area"),
        ({"region": {"bbox": [10, 79, 30, 95]}}, "region: latitude 95 lies beyond the pole"),
        (
            {"region": {"bbox": [0, 0, 1, 1], "crs": "EPSG:999999"}},
            "region: crs: unknown coordinate system 'EPSG:999999'",
        ),
        ({"region": {"lonlat": [[0, 0], [1, 1], [1, 0], [0, 1]]}}, "region: the outline is not a simple ring"),
        ({"region": {"polygon": "nowhere.geojson"}}, "region: polygon: nowhere.geojson is not there"),
        ({"region": "Ausfonna"}, "region: name: no region 'Ausfonna'; did you mean austfonna?"),
        ({"regions": {"lake": {"bbx": [1, 2, 3, 4]}}}, "regions.lake: bbx: unknown key; did you mean bbox?"),
        ({"crs": "EPSG:1"}, "crs: unknown coordinate system 'EPSG:1'"),
        ({"products.alt15": {}}, "products.alt15: unknown key; did you mean atl15?"),
        ({"products": {}}, "products: none asked for; add one such as atl15"),
        ({"products.atl15.resolutions": ["5km"]}, "products.atl15.resolutions: got '5km'; did you mean 1km?"),
        ({"products.atl06": {"rgt": [548, 1388]}}, "products.atl06.rgt: got 1388; write at most 1387"),
        ({"products.atl06": {"cycles": "three"}}, "products.atl06.cycles: got 'three'; write a whole number"),
        (
            {"products.atl06": {"cycles": [90]}},
            "products.atl06: the period 2019-01-01 to 2023-01-01 holds none of its cycles",
        ),
        (
            {"products.atl06": {"version": 6}},
            'products.atl06.version: got the number 6; write the release in quotes, such as "006"',
        ),
        ({"products.atl06": {"version": "6"}}, "products.atl06.version: got '6'; write the release with three digits"),
        ({"products.atl06": {"beams": "gt4l"}}, "products.atl06.beams: no beam 'gt4l'; write all, strong, weak"),
        ({"products.atl06": {"filter": "strickt"}}, "products.atl06.filter: got 'strickt'; did you mean strict?"),
        (
            {"products.itslive": {"min_separation": 9, "max_separation": 6}},
            "products.itslive.max_separation: 6 is below min_separation 9",
        ),
        (
            {"figures.names": ["height_change_regoin"]},
            "figures.names: no figure 'height_change_regoin'; did you mean height_change_region?",
        ),
        ({"figures.formats": "gif"}, "figures.formats: got 'gif'; write one of pdf, png, svg"),
        ({"title": None}, "title: missing; add this key"),
        ({"title": 5}, "title: got 5; write text, in quotes"),
        ({"archive": "simulate"}, "archive: got 'simulate'; did you mean simulated?"),
        ({"endpoints": {"cmr": "cmr.org"}}, "endpoints.cmr: got 'cmr.org'; write an address such as https://host"),
        (
            {"endpoints": {"login": "http://a.org"}},
            "endpoints.login: got 'http://a.org'; a login goes there: write https",
        ),
        ({"checks": "wrn"}, "checks: got 'wrn'; did you mean warn?"),
        ({"max_failed": -1}, "max_failed: got -1; write at least 0"),
        ({"mass": {"kind": "glacier", "density": 1500}}, "mass.density: got 1500; write at most 1000"),
        ({"mass": {"kind": "ice_sheet", "firn": "f.tif"}}, "mass: firn and gia go together"),
        ({"focus": {"crs": "EPSG:3413", "xlim": [2, 1], "ylim": [1, 2]}}, "focus.xlim: 2 is not below 1"),
        ({"transects": {"a": {"lonlat": [[1, 2]]}}}, "transects.a.lonlat: a line needs at least two points"),
        ({"points": {"p": [79, 120]}}, "points.p: latitude 120 lies beyond the pole"),
        ({"freeboard": {"grid": {"cell": "12.5"}}}, "freeboard.grid.cell: got '12.5'; write the size with its unit"),
        ({"freeboard": {"grid": {"crs": "EPSG:6932"}}}, "freeboard.grid: a grid of one's own needs a cell"),
        (
            {"freeboard": {"grid": {"preset": "ease2_south", "crs": "EPSG:6932"}}},
            "freeboard.grid: preset and crs exclude",
        ),
        (
            {"freeboard": {"grid": {"bounds": [1, 1, 0, 2]}}},
            "freeboard.grid: bounds: [1.0, 1.0, 0.0, 2.0] enclose nothing",
        ),
        ({"freeboard": {"statistics": ["mea"]}}, "freeboard.statistics: no statistic 'mea'; did you mean mean?"),
        ({"products": {"atl10": {"minimum_segments": 0}}}, "products.atl10.minimum_segments: got 0; write at least 1"),
        ({"products": {"atl10": {}, "atl07": {}}}, "products: atl07 and atl10 are gridded one at a time"),
    ],
)
def test_each_mistake_has_its_line(made, changes, words):
    """File, key, value and remedy in one line, without a word of the validator's own."""
    with pytest.raises(StudyError, match=re.escape(f"glacier.yaml: {words}")) as refused:
        made(changes)
    line = str(refused.value)
    assert "\n" not in line and len(line) < 400
    assert not re.search(r"pydantic|validation error|type=|input_value|For further information", line)


def test_the_study_knows_the_names_of_gridding():
    """Parsing must not import gridding, so its names of bins and presets stand twice."""
    for ours, theirs in (
        (get_args(sections.GridPreset), gridding.PRESETS),
        ([name.replace("period", "all") for name in get_args(sections.Bin)], timebins.KINDS),
    ):
        assert set(ours) == set(theirs)


def test_freeboard_gets_a_histogram_when_a_statistic_needs_one(made):
    """Median, mode and percentiles need levels; counts and means do not."""
    width = {
        names: sections.Freeboard(statistics=names.split()).histogram_width for names in ("mean std", "p05", "mean mad")
    }
    assert width == {"mean std": 0.0, "p05": 0.01, "mean mad": 0.01}
    assert sections.Freeboard(bins=["month", "day"], level_width=0.02).bins == ("day", "month")
    assert sections.Freeboard(level_width=0.02).histogram_width == 0.02


def test_several_mistakes_are_counted(made):
    """The first is told, the others counted."""
    with pytest.raises(StudyError, match=r"checks: got 'wrn'; did you mean warn\? \(and 1 more\)"):
        made({"checks": "wrn", "max_failed": -2})


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


@pytest.mark.parametrize(
    ("products", "line"),
    [
        (
            {"atl06sr": {"atl03_ph_fields": ["ph_id_chanel"]}},
            "ATL03 has no variable 'ph_id_chanel'; did you mean ph_id_ch",
        ),
        ({"atl06sr": {"atl03_geo_fields": ["/gt1l/geolocation/solar_elevation"]}}, "is a path of one beam, gt1l"),
        ({"atl06sr": {"atl08_fields": ["h_te_mediann"]}}, "did you mean terrain/h_te_median"),
        (
            {"atl06": {"variables": ["dem_hh"]}},
            "products.atl06.variables: ATL06 has no variable 'dem_hh'; did you mean dem/",
        ),
        ({"atl06": {"variables": ["/gt2r/dem/dem_h"]}}, "is a path of one beam, gt2r; write 'dem/dem_h'"),
        ({"atl11": {"variables": ["cycle_stats/dacc"]}}, "products.atl11.variables: ATL11 has no variable"),
        ({"atl10": {"limits": {"ice_con": [50, None]}}}, "did you mean heights/ice_conc"),
        ({"atl10": {"flags": {"beam_quality_flag": [1]}}}, "did you mean beam_fb_quality_flag"),
        (
            {"atl10": {"version": "007", "limits": {"ice_conc": [50, None]}}},
            "ATL10 of release 007 has no ice_conc; it has ice_conc_amsr2, ice_conc_ssmi",
        ),
        ({"atl07": {"version": "005", "limits": {"ice_conc_ssmi": [50, None]}}}, "release 005 has no ice_conc_ssmi"),
        ({"atl10": {"limits": {"ice_conc_ssmi": [1, None], "heights/ice_conc_ssmi": [2, None]}}}, "one variable twice"),
    ],
)
def test_a_name_that_a_product_does_not_have_is_refused(made, products, line):
    """Variables, limits and flags are held against the product's names when the study is read."""
    with pytest.raises(StudyError, match=re.escape(line)):
        made({"products": products})


def test_paths_of_variables_become_names(made):
    """A leading slash and the group of segments say nothing more."""
    products = {
        "atl06": {"variables": ["/land_ice_segments/dem/dem_h", "h_li", "dem_h"]},
        "atl10": {"version": "005", "limits": {"height_segments/ice_conc": [50, None]}},
    }
    products["atl06sr"] = {
        "atl03_geo_fields": ["/geolocation/solar_elevation"],
        "atl08_fields": ["terrain/h_te_median"],
    }
    asked = made({"products": products})
    assert asked.products["atl06sr"].atl03_geo_fields == ("solar_elevation",)
    assert asked.products["atl06sr"].atl08_fields == ("h_te_median",)
    assert asked.products["atl06"].variables == ("dem_h", "h_li")
    assert asked.products["atl10"].limits == {"ice_conc": (50, None)}


@pytest.mark.parametrize(
    ("place", "system", "line"),
    [
        ("crs", "EPSG:4326", "crs: 'EPSG:4326' (WGS 84) has coordinates in degrees"),
        ("crs", 4326, "crs: 4326 (WGS 84) has coordinates in degrees"),
        ("focus", {"crs": "EPSG:4326", "xlim": [15, 20], "ylim": [79, 80]}, "focus.crs: 'EPSG:4326' (WGS 84)"),
        ("crs", "EPSG:2225", "has coordinates in US survey foot; write one in metres"),
        ("crs", "EPSG:3855", "crs: 'EPSG:3855' (EGM2008 height) has heights and no map; write a projected one"),
        ("crs", "EPSG:4978", "crs: 'EPSG:4978' (WGS 84) has coordinates from the centre of the Earth and no map"),
        ("crs", "EPSG:7415", "(Amersfoort / RD New + NAP height) has heights beside its map; write a projected one"),
        ("crs", 'LOCAL_CS["x",UNIT["metre",1]]', "(x) lies nowhere on the Earth; write a projected one"),
    ],
)
def test_a_coordinate_system_of_maps_is_in_metres(made, place, system, line):
    """Degrees would be drawn as kilometres; the remedy names projected systems."""
    with pytest.raises(StudyError, match=re.escape(line)):
        made({place: system})
