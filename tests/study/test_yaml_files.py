"""Numbers of a configuration file mean what they mean in a study file, though Snakemake reads it first."""

import json
import re

import pytest
import yaml
from snakemake.common.configfile import load_configfile

from nunatak import study
from nunatak.study import StudyError

STUDY = {
    "title": "A study",
    "region": {"bbox": [10, 79, 30, 81]},
    "period": ["2019-01-01", "2019-12-31"],
    "products": {"atl06": {"cycles": [3]}},
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config" / "studies").mkdir(parents=True)
    (tmp_path / "config" / "config.yaml").write_text("connections: {cmr: 010}\n")
    (tmp_path / "config" / "studies" / "mine.yaml").write_text(yaml.safe_dump(STUDY))
    return tmp_path


def loaded(folder, text, typed=None, name="more.yaml"):
    """The study as a run with --configfile has it, and the configuration as Snakemake has it."""
    more, own = folder / name, folder / "config" / "config.yaml"
    more.write_text(text)
    config = {**load_configfile(own), **load_configfile(more), **(typed or {})}
    files = [more, own]
    given = study.as_written(config, files, typed=typed, snakemake_reads=load_configfile)
    return study.load_all(given, base=folder)["mine"], config


def test_leading_zeros_of_a_configfile_are_decimal(folder):
    """
    Tracks are read as 415 and 627 where Snakemake reads 269 and 407.

    A setting of config.yaml is decimal, too. What is typed stays.
    """
    text = "products: {atl06: {rgt: [0415, 0627], splits: 1.0e1}}\nmax_failed: 012\n"
    read, config = loaded(folder, text)
    assert config["products"]["atl06"]["rgt"] == [269, 407] and config["max_failed"] == 10
    assert read.products["atl06"].rgt == (415, 627)
    assert read.products["atl06"].splits == 10
    assert read.products["atl06"].cycles == (3,)
    assert read.max_failed == 12 and read.connections.cmr == 10
    assert loaded(folder, text, {"max_failed": 10})[0].max_failed == 10


def test_a_number_to_the_base_60_in_a_configfile_is_refused_by_file_and_value(folder):
    with pytest.raises(StudyError, match=r"more\.yaml: line 1, column 13: 1:20 is read as a number to the base 60"):
        loaded(folder, "max_failed: 1:20\n")


def test_json_and_templates_are_as_snakemake_reads_them(folder):
    assert loaded(folder, '{\n\t"max_failed": 7\n}', name="more.json")[0].max_failed == 7
    text = "__use_yte__: true\nmax_failed: ?3 + 4\n"
    assert loaded(folder, text)[1]["max_failed"] == 7


GOOD = "".join(f"{key}: {json.dumps(value)}\n" for key, value in STUDY.items())
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
FAULTS = {
    "period: [2019-01-01, 2020-02-30]": r"line \d+, column 22: 2020-02-30 is no timestamp \(day is out of range",
    "? [a, b]\n: 1": "a list or mapping stands where a key is expected; write text",
    "? {a: b}\n: 1": "a list or mapping stands where a key is expected; write text",
    f"max_failed: {'9' * 6000}": r"line \d+, column 13: 9{40} is no int",
    "x: &x [*x]": "an alias stands inside what it names|found undefined alias",
    "x: &x\n  y: *x": "an alias stands inside what it names|found undefined alias",
    f"x: {'[' * 20_000}": "lie too deep in one another",
    f"x: {'{a: ' * 5000}1{'}' * 5000}": "lie too deep in one another",
    BOMB: "more than 200000 values, aliases counted",
    "x: !!python/object/apply:os.system [true]": "could not determine a constructor for the tag",
    "x: !none 1": "could not determine a constructor for the tag '!none'",
    "<<: abc": "constructor for the tag|merg",
    "x: 1:2:3": "is read as a number to the base 60",
    "x: \x00": "special characters are not allowed",
    "title: 1e400": "title",
    "max_failed: .nan": "max_failed",
    "period: [0001-01-01, 9999-12-31]": "is not between the years 1900 and 2200",
}


@pytest.mark.parametrize("fault", FAULTS, ids=range(len(FAULTS)))
def test_any_fault_of_a_study_file_is_one_line_with_its_name(folder, fault):
    """And the other study of the folder is read."""
    path = folder / "config" / "studies" / "bad.yaml"
    key = fault.partition(":")[0]
    path.write_text(
        "".join(line for line in GOOD.splitlines(True) if key not in line or not key.isalpha()) + fault + "\n"
    )
    broken = {}
    config = {"connections": {"cmr": 10}}
    assert list(study.load_all(config, base=folder, broken=broken)) == ["mine"]
    said = str(broken["bad"])
    assert said.startswith(f"{path}: ") and "\n" not in said and len(said) < 600
    assert re.search(FAULTS[fault], said), said


@pytest.mark.parametrize("name", ["../../x", "<img src=x onerror=alert(1)>", "a b", "", "é", "a.b", "a/b", "a\nb"])
@pytest.mark.parametrize("key", ["regions", "transects", "points", "flowlines", "gates"])
def test_names_in_a_study_are_plain_words(folder, key, name):
    """They become parts of paths, of pages and of notebooks."""
    line = {"lonlat": [[11, 80], [12, 80]]}
    value = {"regions": {"bbox": [11, 79, 12, 80]}, "points": [11, 80], "flowlines": {"start": [11, 80]}}.get(key, line)
    path = folder / "config" / "studies" / "mine.yaml"
    path.write_text(yaml.safe_dump({**STUDY, key: {name: value}}, allow_unicode=True))
    with pytest.raises(StudyError, match=r"mine\.yaml: .*got the name .*; write letters without accents, digits"):
        study.load(path)


def test_merge_keys_are_read_and_own_keys_win(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text('atl06: &b {version: "006", cycles: [3]}\natl11: {<<: *b, version: "007"}\n')
    expected = {"atl06": {"version": "006", "cycles": [3]}, "atl11": {"version": "007", "cycles": [3]}}
    assert study.yaml_files.read_yaml(path) == expected


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"products": {"atl06": {"rgt": [True]}}}, r"products.atl06.rgt: got \[True\]; write a number"),
        ({"products": {"atl06": {"max_across": True}}}, "products.atl06.max_across: got True; write a number"),
        ({"max_failed": False}, "max_failed: got False; write a number"),
        ({"tiny": "x"}, "tiny: got 'x'; write key: value lines"),
        ({"tiny": {"titel": "x"}}, "tiny.titel: unknown key; did you mean title?"),
        ({"tiny": {"size": "full"}}, "tiny.size: cannot be another one in size tiny"),
        ({"title": "a\nb"}, r"title: got 'a\\nb'; write one line of text"),
        ({"regions": {"region": {"bbox": [20, 80, 21, 80.5]}}}, "regions: region is the name of another key's area"),
    ],
)
def test_what_was_taken_for_something_else_is_refused(tmp_path, changes, told):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(STUDY | changes))
    with pytest.raises(StudyError, match=told):
        study.load(path)
