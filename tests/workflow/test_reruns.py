"""An edited library module reruns exactly the rules whose scripts reach it, and what follows from them."""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager

import pytest
from tests.conftest import ROOT
from tests.workflow.workflow_runs import TINY, Flow

from nunatak.compute import code_reach

# asking and fetching must not begin again because a picture changed
WITHOUT_CODE = {"query_granules", "fetch_granules", "request_heights"}


def rules():
    """Every rule that makes a file with a script: mapping of its name to its text."""
    found = {}
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for block in re.split(r"^(?:rule|checkpoint) ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            if "script:" in block and "output:" in block:
                found[block.split(":")[0]] = block
    return found


def script_of(block):
    return re.search(r'script:\s+"../scripts/(\w+\.py)"', block)[1]


def reaching(module):
    """The rules that must rerun when a module (below scripts/nunatak) changes."""
    path = code_reach.SCRIPTS / "nunatak" / module
    scripts = {name: script_of(block) for name, block in rules().items() if name not in WITHOUT_CODE}
    found = {name for name, script in scripts.items() if path in code_reach.modules(code_reach.SCRIPTS / script)}
    notebook = code_reach.modules(ROOT / "notebooks/elevation_change.ipynb")  # the one of this study
    return found | ({"render_notebook"} if path in notebook else set())


def test_every_rule_carries_the_code_its_own_script_reaches():
    """All but those that ask and fetch."""
    for name, block in rules().items():
        told = re.search(r'code=(?:lambda wildcards: )?code_version\("(\w+\.py)"', block)
        assert (told and told[1]) == (None if name in WITHOUT_CODE else script_of(block)), name


@pytest.mark.parametrize("kind", ["asks", "fetches"])
def test_modules_of_every_depth_are_in_reach(kind):
    """What the test below takes for granted: a base module is in every rule's reach, an archive's in none."""
    if kind == "asks":
        assert reaching("runtime.py") == set(rules()) - WITHOUT_CODE
    else:
        assert reaching("archives/transfer/download.py") <= {"bundle_study"}


@pytest.fixture(scope="module")
def flow(finished, tmp_path_factory):
    """
    Return a copy of the finished study, to edit its library.

    Every edit is undone.
    """
    copy = Flow(tmp_path_factory.mktemp("edited"))
    shutil.copytree(finished.folder, copy.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".venv"))
    return copy


@contextmanager
def edited(flow, *modules):
    """A line more in some modules of the library while the block runs."""
    paths = [flow / "scripts/nunatak" / module for module in modules]
    before = [path.read_text("utf-8") for path in paths]
    for path, text in zip(paths, before, strict=True):
        path.write_text(text + "\n# edited\n", "utf-8")
    try:
        yield
    finally:
        for path, text in zip(paths, before, strict=True):
            path.write_text(text, "utf-8")


@pytest.mark.parametrize(
    "module",
    [
        "results/reading.py",  # the base of nearly everything that is no granule
        "products/atl06.py",  # a reader, whose layout the simulated archive is written by
        "elevation/repeat_pairs.py",  # a science
        "reports/templates.py",  # words
    ],
)
def test_an_edit_reruns_exactly_what_reaches_it(flow, module):
    """The jobs that Snakemake would run if those rules, and no others, were forced."""
    forced = sorted(reaching(module))
    expected = flow.run("austfonna", "--dry-run", "--forcerun", *forced, **TINY)
    with edited(flow, module):
        done = flow.run("austfonna", "--dry-run", **TINY)
    assert done.code == 0 and expected.code == 0, done.text
    assert done.jobs == expected.jobs and done.jobs
    if "simulate_granules" not in forced:
        assert not {"simulate_granules", *WITHOUT_CODE} & set(done.jobs)


def test_edits_of_what_asks_fetches_or_serves_rerun_nothing(flow):
    """
    Granules that are here stay.

    Another way to ask for them is no reason to ask again.
    """
    asking = ("local/directory.py", "transfer/download.py", "local/simulated.py")
    with edited(flow, *(f"archives/{module}" for module in asking), "service/app.py"):
        done = flow.run("austfonna", "--dry-run", **TINY)
    assert done.code == 0 and "Nothing to be done" in done.text, done.text
