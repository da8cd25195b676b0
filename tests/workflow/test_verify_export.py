"""A finished study read again, compared with a published one, and bundled."""

from __future__ import annotations

import shutil
import zipfile

import pandas as pd
import pytest
from rocrate.rocrate import ROCrate
from tests.workflow.same_bytes import unhashed
from tests.workflow.workflow_runs import TINY

import export_study
import verify_study
from nunatak import study
from nunatak.files.tables import read_csv, read_table, write_csv
from nunatak.results.reading import granule_tables
from nunatak.runtime import NunatakError, read_json, write_json

LABEL = "austfonna-simulated-tiny"


@pytest.fixture(autouse=True)
def at_home(finished, monkeypatch):
    """Where the run was: ledgers name granules from there."""
    monkeypatch.chdir(finished.folder)


@pytest.fixture(scope="module")
def results(finished):
    return finished / "results" / LABEL


@pytest.fixture(scope="module")
def bundle(finished):
    done = finished.run("export_austfonna", **TINY)
    assert done.code == 0, done.text
    return finished / "results" / f"{LABEL}.crate.zip"


@pytest.fixture
def published(results, tmp_path):
    """A copy of the results, to be changed, with a function that makes its provenance agree with a change."""
    folder = tmp_path / "published"
    shutil.copytree(results, folder)

    def changed(name, content):
        path = folder / name
        path.write_bytes(content) if isinstance(content, bytes) else content(path)
        told = read_json(folder / "provenance.json")
        told["results"][name] = verify_study.verification.file_sha256(path)
        write_json(told, folder / "provenance.json")
        return folder

    return changed


def test_every_file_of_a_study_is_in_its_provenance(results):
    assert unhashed(results) == []
    stated = read_json(results / "provenance.json")["results"]
    assert {"elevation_change.ipynb", "figures/extent.pdf", "atl06/points/cycle03.parquet"} <= stated.keys()


def test_verify_reads_everything_again_and_agrees_with_the_bundle(finished, bundle):
    done = finished.run("verify_austfonna", published=str(bundle), **TINY)
    assert done.code == 0, done.text
    assert "5 granules and 72 results are as the provenance says" in done.text
    assert "verified against the published results; 72 results: 72 the same bytes" in done.text
    assert set(done.jobs) <= {"verify_austfonna"}


def test_verify_names_what_was_altered_or_lost(copy_of_finished):
    """One granule with another byte, one table with another number, one figure gone; nothing is made anew."""
    flow = copy_of_finished
    granule = next((flow / "resources/archive/simulated/austfonna-tiny/atl06").glob("*.h5"))
    content = bytearray(granule.read_bytes())
    content[-1000] ^= 1
    granule.write_bytes(content)
    table = flow / "results" / LABEL / "atl15/region_change.csv"
    table.write_text(table.read_text("utf-8").replace("region", "regian", 1), "utf-8")
    (flow / "results" / LABEL / "figures/extent.pdf").unlink()
    done = flow.run("verify_austfonna", **TINY)
    assert done.code != 0 and len(done.reasons) == 1, done.text
    assert "3 granules or results are not as they were" in done.reasons[0]
    for line in (f"{granule.stem}: its SHA-256 begins", "region_change.csv was changed", "extent.pdf is gone"):
        assert line in done.text
    assert not (flow / "results" / LABEL / "figures/extent.pdf").exists()


def test_numbers_within_tolerance_are_said_by_how_much(results, published, capsys):
    def nudge(path):
        table = read_csv(path)
        write_csv(table.assign(volume_change=table["volume_change"] * (1 + 1e-9)), path)

    verify_study.main(results, study="austfonna", published=published("atl15/region_change.csv", nudge))
    said = capsys.readouterr().err
    assert "atl15/region_change.csv: within tolerance (table: 1e-06); largest difference" in said
    assert said.rstrip().endswith("72 results: 71 the same bytes, 1 within tolerance")


def test_other_numbers_are_refused_with_the_file_named(results, published, capsys):
    def change(path):
        table = read_csv(path)
        write_csv(table.assign(volume_change=table["volume_change"] * 1.01), path)

    with pytest.raises(NunatakError, match=r"not the published results; .* 1 differs: atl15/region_change\.csv"):
        verify_study.main(results, study="austfonna", published=published("atl15/region_change.csv", change))
    assert "relative 0.0099; volume_change" in capsys.readouterr().err


def test_other_granules_and_settings_are_named(results, published, capsys):
    folder = published("summary.txt", b"other words\n")
    told = read_json(folder / "provenance.json")
    del told["results"]["summary.txt"]
    told["granules"][0]["sha256"] = "0" * 64
    told["study_file"]["mass"]["density"] = 900.0
    write_json(told, folder / "provenance.json")
    verify_study.main(results, study="austfonna", published=folder)
    said = capsys.readouterr().err
    assert f"{told['granules'][0]['file_name']}: other bytes" in said
    assert "mass: the study asks for something else" in said


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "is not there"),
        (lambda path: path.write_text("x"), "is neither a folder nor a bundle, or is cut short"),
        (lambda path: path.mkdir(), "holds no provenance.json"),
        (lambda path: zipfile.ZipFile(path, "w").close(), "holds no provenance.json"),
    ],
)
def test_what_is_no_published_result_is_said(results, tmp_path, make, reason):
    make(tmp_path / "other")
    with pytest.raises(NunatakError, match=f"published: .*other: {reason}; name a study's folder"):
        verify_study.main(results, study="austfonna", published=tmp_path / "other")


def test_a_published_file_that_is_not_the_one_its_provenance_names(results, published):
    folder = published("checks.json", b"{}\n")
    (folder / "checks.json").write_text("{} ")
    with pytest.raises(NunatakError, match=r"published: checks\.json: is not the file its provenance names"):
        verify_study.main(results, study="austfonna", published=folder)


@pytest.mark.filterwarnings("error")
def test_bundle_is_an_ro_crate_with_all_that_a_reader_needs(results, bundle):
    """Read back by the library that made its metadata: every file described, and there."""
    crate = ROCrate(bundle)
    names = set(zipfile.ZipFile(bundle).namelist())
    assert {entity.id for entity in crate.data_entities} == names - {"ro-crate-metadata.json"}
    assert crate.name == "Austfonna ice cap, Svalbard (SIMULATED)"
    assert crate.license["name"] == "Terms of the data" and crate.datePublished
    assert "https://doi.org/10.1016/j.rse.2019.111352" in {work.id for work in crate.root_dataset["citation"]}
    wanted = {
        "report.html",
        "provenance.json",
        "checks.json",
        "LICENCES.md",
        "study/austfonna.yaml",
        "lock/atl06.csv",
        "atl15/region_change.csv",
        "atl15/height_change.nc",
        "atl15/map_change.tif",
        "elevation_change.ipynb",
        *(f"figures/{p.name}" for p in (results / "figures").iterdir()),
    }
    assert wanted <= names
    assert all(crate.dereference(name)["contentSize"] for name in wanted)


def test_bundle_of_equal_results_is_equal_bytes(finished, results, bundle, tmp_path, monkeypatch):
    """Whenever it is made; the day of publication can be told."""
    asked = {
        "granules": tables(results),
        "study": {"name": "austfonna", "title": "Austfonna"},
        "references": finished / "config/references.bib",
        "originals": None,
    }
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    made = []
    for name in ("one.zip", "two.zip"):
        export_study.main(results, tmp_path / name, **asked)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    assert ROCrate(tmp_path / "one.zip").datePublished.isoformat()[:10] == "2023-11-14"


def tables(results):
    return {path.parent.name: path for path in sorted(results.glob("*/granules.parquet"))}


def test_bundle_says_nothing_of_this_machine(finished, bundle, tmp_path):
    """No path of this machine in any text or table."""
    zipfile.ZipFile(bundle).extractall(tmp_path)
    here = (str(finished.folder), str(finished.folder.parent))
    for path in (p for p in tmp_path.rglob("*") if p.is_file()):
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += read_table(path).to_csv().encode()
        assert not any(word.encode() in content for word in here), path.name


def test_study_and_lock_of_the_bundle_can_be_used_again(finished, results, bundle, tmp_path):
    """The study asks for the same, and the lock names the same granules."""
    zipfile.ZipFile(bundle).extractall(tmp_path)
    own = study.load(finished / "config/studies/austfonna.yaml", overrides=TINY).model_dump(mode="json")
    again = study.load(tmp_path / "study/austfonna.yaml").model_dump(mode="json")
    assert {key for key in own if own[key] != again[key]} == {"path", "label"}
    for product, table in granule_tables(tables(results).values()).items():
        locked = pd.read_csv(tmp_path / f"lock/{product}.csv")
        assert sorted(locked["checksum"]) == sorted(table["checksum"])
