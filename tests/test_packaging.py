"""The library as pip installs it, and what the documentation says of importing it."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "scripts" / "nunatak"
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
EXAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def packages_below(folder):
    """The packages below a folder, as setuptools finds them: folders with an `__init__.py` all the way up."""
    found = {path.parent for path in Path(folder).rglob("__init__.py")}
    return sorted(".".join(path.relative_to(folder).parts) for path in found if path.parent in {*found, Path(folder)})


@pytest.fixture
def told(monkeypatch):
    """What setup.py tells setuptools."""
    kept = {}
    stand_in = types.SimpleNamespace(setup=kept.update, find_packages=packages_below)
    monkeypatch.setitem(sys.modules, "setuptools", stand_in)
    monkeypatch.chdir(ROOT)
    runpy.run_path("setup.py")
    return kept


def lay_out(told, target):
    """Copy what an installed package holds, by the mapping of packages to folders and the package data."""
    for package in told["packages"]:
        folder = ROOT / told["package_dir"].get(package, f"scripts/{package.replace('.', '/')}")
        (target / package.replace(".", "/")).mkdir(parents=True, exist_ok=True)
        for pattern in ["*.py", *told["package_data"].get(package, [])]:
            for path in folder.glob(pattern):
                shutil.copy(path, target / package.replace(".", "/"))


def test_the_package_holds_every_module_and_the_named_regions(told, tmp_path):
    """Installed without the clone, all modules are there, and regions and coast are read from inside the package."""
    lay_out(told, tmp_path)
    installed = {path.relative_to(tmp_path / "nunatak") for path in (tmp_path / "nunatak").rglob("*.py")}
    assert installed == {path.relative_to(LIBRARY) for path in LIBRARY.rglob("*.py")}
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from nunatak import api\n"
        "from nunatak.geometry import region\n"
        "from nunatak.figures import coast\n"
        "land, _ = coast.land_on('EPSG:3031', (-1e6, 1e6, -1e6, 1e6))\n"
        "print(region.__file__, region.load('svalbard').bounds, land.is_valid)"
    )
    said = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert said.stdout.split()[0] == str(tmp_path / "nunatak" / "geometry" / "region.py")
    assert said.stdout.endswith("True\n")


def test_pip_has_a_backend_to_build_with(told):
    """pyproject.toml names setuptools, and what it leaves to setup.py is given there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["build-system"]["build-backend"] == "setuptools.build_meta"
    assert set(project["project"]["dynamic"]) <= set(told)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_in_python_say_how_to_import(page):
    """A page whose examples import the library says before the first of them how Python finds it."""
    text = page.read_text("utf-8")
    first = next((m.start() for m in EXAMPLE.finditer(text) if "nunatak" in m[1]), len(text))
    assert first == len(text) or "pip install --no-deps -e ." in text[:first]
    for example in EXAMPLE.findall(text):
        compile(example, str(page), "exec")  # what is printed can be run
