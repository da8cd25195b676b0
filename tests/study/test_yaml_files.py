"""Numbers of a configuration file mean what they mean in a study file, though Snakemake reads it first."""

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
    """Tracks 415 and 627, where Snakemake reads 269 and 407; a setting of config.yaml, too; what is typed stays."""
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
