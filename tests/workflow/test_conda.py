"""Every rule in an environment of its own: what is missing shows, and no byte changes."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.conftest import ROOT
from tests.test_environments import ENVIRONMENTS, ON_PYPI, OPTIONAL, RULES, pins, reached
from tests.workflow.environments import conda, with_conda
from tests.workflow.test_photon_study import STUDY
from tests.workflow.workflow_runs import TINY, Flow

PHOTONS = "{atl06sr: {rgt: 548, cycles: 3, srt: land_ice, cnf: 1}, atl03: {rgt: 548, cycles: 3, extents: true}}"
STUDIES = ["austfonna", "pine_island", "ross_sea", "ross_sea_year", "photons"]
LOOK = "import importlib.util as u, sys; print(*(n for n in sys.argv[1:] if u.find_spec(n) is None))"
IN_ENVIRONMENT = {path.stem: {s for _, env, s in RULES if env == path.name} for path in ENVIRONMENTS}


def imported(name):
    """The third-party packages that the scripts of an environment reach."""
    if name == "driver":
        return {"snakemake", "numpy", "pydantic", "pygments", "pyogrio", "pyproj", "yaml", "shapely", "tqdm"}
    scripts = IN_ENVIRONMENT[name]
    return set().union(*map(reached, scripts)) - OPTIONAL


@pytest.mark.parametrize("name", [path.stem for path in ENVIRONMENTS])
def test_every_import_is_found_by_the_environment_alone(environments, name):
    """Asked outside Snakemake, whose own packages a script could see as well."""
    asked = sorted(imported(name))
    assert len(asked) > 5
    found = subprocess.run([environments.python(name), "-I", "-c", LOOK, *asked], text=True, capture_output=True)
    assert (found.returncode, found.stdout.split()) == (0, []), found.stderr


def test_a_study_runs_with_nothing_but_its_environments(environments, flow):
    """Snakemake in the driver's environment, every rule in the one it names; what was pinned is what was used."""
    environments.drive(flow)
    done = flow.run("ross_sea", "--sdm", "conda", **TINY)
    assert done.code == 0, done.text
    base = flow / "results/ross_sea-simulated-tiny"
    assert json.loads((base / "checks.json").read_text())["failed"] == []
    if environments.built_with == ["Python 3.12"]:
        used = json.loads((base / "provenance.json").read_text())["environment"]["packages"]
        pinned = pins(ROOT / "envs/report.yaml") | pins(ROOT / "envs/driver.yaml")
        pinned = {ON_PYPI.get(name, name): version for name, version in pinned.items()}
        assert [name for name in used if not f"{used[name]}.".startswith(f"{pinned[name]}.")] == []
    assert not flow.unfinished()
    again = flow.run("ross_sea", "--sdm", "conda", **TINY)
    assert again.code == 0 and "Nothing to be done" in again.text


def test_a_package_that_an_environment_lacks_is_named(environments, flow):
    """One line that names rule, package, environment and remedy, on the screen and in the rule's log."""
    file = flow / "envs/altimetry.yaml"
    file.write_text(re.sub(r"  - h5py =.*\n", "", file.read_text()))
    done = environments.drive(flow).run("ross_sea", "--until", "simulate_granules", "--sdm", "conda", **TINY)
    assert done.code != 0
    [line] = done.reasons
    assert line.startswith("simulate_granules: no package 'h5py' in ") and "add it to the file in envs/" in line
    log = (flow / "logs/simulated/ross_sea-tiny/atl10/simulate.log").read_text("utf-8")
    assert line in log and "ModuleNotFoundError" in log
    assert not flow.unfinished()


def test_packages_of_the_home_folder_do_not_take_the_place_of_pinned_ones(environments, flow, tmp_path):
    """Neither for the workflow nor for a job, though both Pythons would find them first, as those of conda do."""
    python = environments.drive(flow).python
    flow.environment["PYTHONUSERBASE"] = str(tmp_path / "home")
    shadowed = {**flow.environment, "PYTHONNOUSERSITE": ""}
    answer = subprocess.run([python, "-m", "site", "--user-site"], capture_output=True, text=True, env=shadowed)
    home = Path(answer.stdout.strip())
    home.mkdir(parents=True)
    for name in ("numpy", "h5py"):
        (home / f"{name}.py").write_text(f"raise ImportError('{name} of the home folder')")
    ended = subprocess.run([python, "-c", "import numpy"], env=shadowed, capture_output=True, text=True)
    assert "numpy of the home folder" in ended.stderr
    # what is set when the driver's environment is activated helps Snakemake itself; jobs are helped without it, too
    assert flow.environment.pop("PYTHONNOUSERSITE") == "1"
    done = flow.run("ross_sea", "--until", "simulate_granules", "--sdm", "conda", **TINY)
    assert done.code == 0, done.text


def test_no_conda_is_one_line(flow):
    """Said before any job, with the remedy."""
    flow.environment["PATH"] = "/usr/bin:/bin"
    done = flow.run("ross_sea", "--sdm", "conda", **TINY)
    assert done.code != 0
    [line] = [line for line in done.text.splitlines() if line.startswith("--sdm conda")]
    assert line.startswith("--sdm conda: no conda on the path; install Miniforge") and not (flow / "results").exists()


def test_an_old_conda_is_one_line(flow):
    """Snakemake's own words: which version there is, which is needed."""
    with_conda(flow, NUNATAK_TEST_CONDA_VERSION="23.1.0")
    done = flow.run("ross_sea", "--sdm", "conda", **TINY)
    assert done.code != 0 and not (flow / "results").exists()
    [line] = [line for line in done.text.splitlines() if "23.1.0" in line]
    assert line.startswith("Conda must be version 24.7.1 or later, found version 23.1.0. Please update conda")


@pytest.mark.parametrize(
    "line", ["numpy", "numpy >=2", "numpy==2.4.6", "conda-forge::numpy =2.4.6", "numpy =2.4.6=py312_0", {"pip": ["a"]}]
)
def test_the_stand_in_refuses_what_it_does_not_understand(tmp_path, line):
    """A dependency that it would leave out or take for another would prove nothing."""
    file = tmp_path / "bad.yaml"
    file.write_text(yaml.safe_dump({"channels": ["conda-forge"], "dependencies": ["python =3.12", line]}))
    ended = conda("env", "create", "--quiet", "--no-default-packages", "--file", file, "--prefix", tmp_path / "env")
    assert ended.returncode != 0 and "not of the form `name =version`" in ended.stderr
    assert not (tmp_path / "env").exists()
    assert "does not know the call" in conda("install", "numpy").stderr


def test_an_environment_that_cannot_be_built_leaves_nothing(tmp_path):
    """A pin that nobody has published is named, and no half-built folder passes for an environment."""
    file = tmp_path / "bad.yaml"
    file.write_text(yaml.safe_dump({"channels": ["conda-forge"], "dependencies": ["python =3.12", "numpy =0.0.1"]}))
    ended = conda("env", "create", "--quiet", "--no-default-packages", "--file", file, "--prefix", tmp_path / "env")
    assert ended.returncode != 0 and "numpy==0.0.1" in ended.stderr
    assert not (tmp_path / "env").exists()


@pytest.mark.full
@pytest.mark.conda
@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda p: p.stem)
def test_channels_have_what_an_environment_asks_for(path):
    """With a real conda and its channels: the pins exist there, and go together."""
    ended = subprocess.run(
        ["conda", "env", "create", "--dry-run", "--name", "never", "--file", path], text=True, capture_output=True
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.full
@pytest.mark.parametrize("study", STUDIES)
def test_environments_change_no_byte(environments, tmp_path, study):
    """A study in an environment per rule, and in one environment with everything: the same files."""
    flows = [Flow(tmp_path / name) for name in ("apart", "together")]
    environments.drive(flows[0])
    flows[1].python = str(environments.whole())
    for flow, words in zip(flows, (["--sdm", "conda"], []), strict=True):
        if study == "photons":
            (flow / "config/studies/photons.yaml").write_text(STUDY.format(products=PHOTONS))
            (flow / "config/studies/austfonna.yaml").unlink()
            (flow / "config/studies/photons.yaml").rename(flow / "config/studies/austfonna.yaml")
        done = flow.run("austfonna" if study == "photons" else study, *words, **TINY)
        assert done.code == 0, done.text
    apart, together = (flow.digests(next((flow / "results").iterdir()).name) for flow in flows)
    assert len(apart) > 20 and apart == together
