"""What the workflow plans, without a job run: dry runs, lint, the Makefile, use as a module."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from tests.conftest import ROOT
from tests.workflow.workflow_runs import TINY


def test_dry_run_of_all_studies_names_each_report_and_needs_no_network(flow):
    done = flow.run("--dry-run", "all")
    assert done.code == 0, done.text
    for path in sorted((ROOT / "config" / "studies").glob("*.yaml")):
        assert f"results/{path.stem}/report.html" in done.text
    assert done.jobs["write_report"] == len(list((ROOT / "config" / "studies").glob("*.yaml")))
    assert not flow.network.exists(), flow.network.read_text()
    assert not (flow / "results").exists()


def test_an_archive_that_overrides_has_results_of_its_own(flow):
    done = flow.run("--dry-run", "austfonna", **TINY)
    assert done.code == 0, done.text
    assert "results/austfonna-simulated-tiny/report.html" in done.text
    assert "results/austfonna/" not in done.text


def test_snakemake_lint_finds_nothing(flow):
    done = flow.run("--lint")
    assert done.code == 0, done.text


def test_rule_files_are_formatted():
    check = [sys.executable, "-m", "snakefmt.snakefmt", "--check", "Snakefile", "rules"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_rule_says_what_it_does_and_has_a_log():
    """Every rule has, in this order, all that a rule must have."""
    for path in (ROOT / "rules").glob("*.smk"):
        for text in re.split(r"\n(?:rule|checkpoint) ", path.read_text("utf-8"))[1:]:
            name = text.split(":")[0]
            wanted = ['"""', "output:", "log:", "conda:", "threads:", "resources:", "message:", "script:"]
            if name == "gallery":  # a command: it is run whenever it is asked for
                wanted.remove("output:")
            places = [text.find(word) for word in wanted]
            assert -1 not in places, f"{path.name}: {name}: lacks {wanted[places.index(-1)]}"
            assert places == sorted(places), f"{path.name}: {name}: order"


def test_workflow_is_usable_as_a_module(flow, tmp_path):
    other = tmp_path / "another workflow"
    other.mkdir()
    (other / "Snakefile").write_text(
        f'module nunatak:\n    snakefile:\n        "{flow / "Snakefile"}"\n\n\nuse rule * from nunatak as nunatak_*\n'
    )
    done = flow.run("--dry-run", "nunatak_austfonna", cwd=other, **TINY)
    assert done.code == 0, done.text
    assert done.jobs["nunatak_write_report"] == 1
    assert "results/austfonna-simulated-tiny/report.html" in done.text


def test_module_takes_settings_of_the_workflow_that_uses_it(flow, tmp_path):
    other = tmp_path / "another workflow"
    other.mkdir()
    (other / "Snakefile").write_text(
        f'module nunatak:\n    snakefile:\n        "{flow / "Snakefile"}"\n'
        '    config:\n        {"archive": "simulated", "size": "tiny", "results": "ice"}\n\n\n'
        "use rule * from nunatak as nunatak_*\n"
    )
    done = flow.run("--dry-run", "nunatak_austfonna", cwd=other)
    assert done.code == 0, done.text
    assert "ice/austfonna-simulated-tiny/report.html" in done.text


@pytest.fixture
def make(flow):
    """A function that runs make in a copy of the workflow with the environment already built."""
    for name in ("requirements.lock", "requirements-test.lock"):
        (flow / name).write_text("")
    for name in ("nunatak", "nunatak-test"):
        (flow / ".venv" / name).touch()

    def run(*words):
        environment = {name: value for name, value in flow.environment.items() if not name.startswith("MAKE")}
        return subprocess.run(["make", *words], cwd=flow.folder, env=environment, capture_output=True, text=True)

    return run


def test_make_help_lists_every_target(make):
    told = make().stdout
    assert told == make("help").stdout
    for target in ("help", "demo", "test", "test-full", "lint", "regions"):
        assert f"  make {target} " in told


def test_make_regions_lists_the_gazetteer(make):
    told = make("regions").stdout
    for name in ("austfonna", "svalbard", "pine_island", "ross_sea", "southern_ocean"):
        assert name in told


def test_make_passes_targets_settings_and_flags_on(make):
    """ARCHIVE and key=value words become --config, what begins with a dash stays a flag."""

    def passed_on(*words):
        return " ".join(make("-n", *words).stdout.split()[1:])

    assert passed_on("austfonna", "ARCHIVE=simulated", "ARGS=size=tiny -n") == (
        "-m snakemake austfonna --config archive=simulated size=tiny -n"
    )
    assert passed_on("steenstrup", "ARGS=directory=a") == "-m snakemake steenstrup --config directory=a"
    assert passed_on("austfonna", "ARGS=-n") == "-m snakemake austfonna -n"


def test_make_gives_snakemake_a_cache_where_the_home_folder_has_none(make, flow, tmp_path):
    """Snakemake stops where its cache cannot be made."""
    flow.environment |= {"HOME": "/dev/null/home", "TMPDIR": str(tmp_path)}
    flow.environment.pop("XDG_CACHE_HOME", None)
    told = make("austfonna", "ARCHIVE=simulated", "ARGS=size=tiny -n")
    assert told.returncode == 0, told.stderr
    assert told.stdout.count(f"it is kept in {tmp_path}/nunatak-{os.getuid()}") == 1
    flow.environment["HOME"] = str(tmp_path)
    assert "it is kept in" not in make("help").stdout


def test_make_builds_nothing_a_second_time(make):
    assert "pip" not in make("-n", "demo").stdout
    assert "pip" not in make("-n", "test").stdout
