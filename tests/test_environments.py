"""Every rule's environment holds what its script reaches, and nothing that nobody uses."""

from __future__ import annotations

import re
from functools import cache

import pytest
import yaml
from packaging.requirements import Requirement

from nunatak.compute import code_reach
from tests.conftest import ROOT

PYTHON = "3.12"
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
CONDA_NAMES = {
    "yaml": "pyyaml",
    "harmony": "harmony-py",
    "matplotlib": "matplotlib-base",
    "nbconvert": "nbconvert-core",
    "mpl_toolkits": "matplotlib-base",
    "dask": "dask-core",
    # parts of packages that come with them
    "affine": "rasterio",
    "llvmlite": "numba",
    "pydantic_core": "pydantic",
    "IPython": "ipykernel",
}
# used without an import of ours: engines and backends, or needed by a tool we call
# (zarr where provenance is written, which says its version)
BACKENDS = {"python", "h5netcdf", "dask-core", "ipykernel", "pyogrio", "cmcrameri", "zarr", "libgdal-netcdf"}
# imported only where a user asks for it, and named in the message when it is not there
OPTIONAL = {"h5coro", "deflate", "isal"}
# the newest version of the lock was not on the channel
OLDER_ON_CHANNEL = {"cmcrameri", "libgdal-netcdf"}
# all else is on conda-forge
ON_BIOCONDA = {"snakemake-minimal", "snakemake-executor-plugin-slurm"}
# names of the Python index, where they are others; None: comes with another package there
ON_PYPI = {
    "matplotlib-base": "matplotlib",
    "dask-core": "dask",
    "snakemake-minimal": "snakemake",
    "nbconvert-core": "nbconvert",
    "libgdal-netcdf": None,
}
DRIVER = {
    "python",
    "snakemake-minimal",
    "pydantic",
    "pyproj",
    "shapely",
    "pyogrio",
    "pyyaml",
    "pygments",
    "numpy",
    "tqdm",
}


@cache
def pins(path) -> dict[str, str]:
    lines = yaml.safe_load(path.read_text())["dependencies"]
    return dict(re.fullmatch(r"([a-z0-9_.-]+) =([0-9]+(?:\.[0-9]+)?)", line).groups() for line in lines)


def locked_versions() -> dict[str, str]:
    """Version by package in the lock, for the Python of the environments."""
    there = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.0", "sys_platform": "linux"}
    lines = (ROOT / "requirements.lock").read_text().replace("\\\n", "").splitlines()
    wanted = [Requirement(line.split(" --hash")[0]) for line in lines if line and not line.startswith("#")]
    return {r.name: str(r.specifier)[2:] for r in wanted if r.marker is None or r.marker.evaluate(there)}


def rules_by_environment():
    """(rule, environment, script) of every rule that has a script; a rule of each study goes by its script."""
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for block in re.split(r"^ *(?:rule|checkpoint)\b", path.read_text(), flags=re.M)[1:]:
            env = re.search(r'conda:\s+"../envs/(\w+\.yaml)"', block)
            script = re.search(r'script:\s+"../scripts/(\w+)\.py"', block)
            if script:
                yield block.split(":")[0].strip() or script[1], env and env[1], f"{script[1]}.py"


RULES = list(rules_by_environment())


def reached(script) -> set[str]:
    """Third-party packages that a script imports, with those of the notebooks where it is what runs them."""
    notebooks = ROOT.glob("notebooks/*.ipynb") if script == "render_notebook.py" else []
    paths = [code_reach.SCRIPTS / script, *notebooks]
    return set().union(*(code_reach.packages(path) for path in paths))


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda p: p.stem)
def test_environment_is_pinned_and_sorted(path):
    env = yaml.safe_load(path.read_text())
    bioconda = ["bioconda"] if ON_BIOCONDA & set(pins(path)) else []
    assert env["channels"] == ["conda-forge", *bioconda, "nodefaults"]
    names = [line.split()[0] for line in env["dependencies"]]
    assert names == sorted(set(names))
    assert pins(path)["python"] == PYTHON


def test_the_same_package_has_the_same_pin_everywhere():
    """Files pass between environments; numbers must not depend on which one wrote them."""
    seen: dict[str, set] = {}
    for path in ENVIRONMENTS:
        for name, version in pins(path).items():
            seen.setdefault(name, set()).add(version)
    assert {name: v for name, v in seen.items() if len(v) > 1} == {}


def test_pins_agree_with_the_lock():
    """To two numbers: the last one differs between the Python index and the channels."""
    locked = locked_versions()
    for path in ENVIRONMENTS:
        for name, version in pins(path).items():
            pypi = ON_PYPI.get(name, name)
            if name != "python" and pypi:
                assert f"{locked[pypi]}.".startswith(f"{version}."), f"{path.name}: {name}"
                assert version.count(".") == (0 if name in OLDER_ON_CHANNEL else 1), f"{path.name}: {name}"


def test_the_table_of_channels_names_every_package_and_where_it_is():
    """docs/cluster.md says of each package of envs/ the channel, and the highest version that was seen there."""
    _, _, table = (ROOT / "docs/cluster.md").read_text("utf-8").partition("| package | channel |")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| ([a-z-]+) \| `=([0-9.]+)` \| ([0-9a-z.]+) \|", table, flags=re.M)
    wanted = {name: version for path in ENVIRONMENTS for name, version in pins(path).items()}
    wanted |= {"snakemake-executor-plugin-slurm": "2.8"}
    assert {name: pin for name, _, pin, _ in rows} == wanted and len(rows) == len(wanted)
    assert {name for name, channel, _, _ in rows if channel == "bioconda"} == ON_BIOCONDA
    assert {channel for _, channel, _, _ in rows} == {"conda-forge", "bioconda"}


def test_slurm_has_the_pin_that_the_driver_names():
    """It is not in the driver's environment, since it slows every call; who needs it is told which."""
    named = re.search(r"(snakemake-executor-plugin-slurm) =([0-9.]+)", (ROOT / "envs/driver.yaml").read_text())
    assert f"{named[1]}=={named[2]}." in (ROOT / "requirements-slurm.lock").read_text()


@pytest.mark.parametrize(("rule", "env", "script"), RULES, ids=[r[0] for r in RULES])
def test_environment_holds_what_the_script_reaches(rule, env, script):
    assert env, f"rule {rule} names no environment"
    needed = {CONDA_NAMES.get(name, name.replace("_", "-")) for name in reached(script)}
    missing = needed - set(pins(ROOT / "envs" / env)) - OPTIONAL
    assert not missing, f"rule {rule}: {env} lacks {', '.join(sorted(missing))}"


def test_a_page_is_made_again_when_what_its_notebook_reaches_changes():
    """The script that runs notebooks reaches little itself; each notebook adds its own modules to the hash."""
    fitting = code_reach.SCRIPTS / "nunatak/photons/__init__.py"
    pages = {path.stem: code_reach.modules(path) for path in ROOT.glob("notebooks/*.ipynb")}
    assert fitting in pages["photons"] and fitting not in code_reach.modules(code_reach.SCRIPTS / "render_notebook.py")
    versions = {code_reach.code_version("render_notebook.py", f"../notebooks/{name}.ipynb") for name in pages}
    assert len(versions | {code_reach.code_version("render_notebook.py")}) > 1


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda p: p.stem)
def test_nothing_is_idle_in_an_environment(path):
    if path.stem == "driver":
        assert set(pins(path)) <= DRIVER
        return
    used = set()
    for _, env, script in RULES:
        if env == path.name:
            used |= {CONDA_NAMES.get(n, n.replace("_", "-")) for n in reached(script)}
    assert used, f"no rule uses {path.name}"
    assert set(pins(path)) - used - BACKENDS == set()


def test_no_file_names_a_package_index():
    """A lock says what, with hashes; where from is the user's business."""
    for name in (*(p.name for p in ROOT.glob("requirements*.lock")), "pyproject.toml", "Makefile"):
        assert "index-url" not in (ROOT / name).read_text()
        assert "find-links" not in (ROOT / name).read_text()
