"""Imports run one way, and each script reaches only the library."""

from __future__ import annotations

from pathlib import Path

import pytest

from nunatak.compute import code_reach
from tests.rooms import FLOORS, allowed, rooms

LIBRARY = code_reach.SCRIPTS / "nunatak"
ROOT = code_reach.SCRIPTS.parent
# the archives' own clients, and the one place of the library that may name each
CLIENTS = {
    **dict.fromkeys(("earthaccess", "icepyx", "harmony", "pystac_client", "sliderule", "botocore"), "archives"),
    "h5coro": "products",
}
SCIENCES = ("photons", "elevation", "gridding", "velocity", "dynamics")
MODULES = sorted(LIBRARY.rglob("*.py"))
SCRIPTS = sorted(code_reach.SCRIPTS.glob("*.py"))


def test_every_room_has_its_row():
    """The table names what is there and nothing else."""
    there = {path.name.removesuffix(".py") for path in LIBRARY.iterdir() if path.name[0] not in "_."}
    assert there == set(rooms())
    assert sum(len(floor) for _, floor in FLOORS) == len(rooms())


def room_of(path: Path) -> str:
    """The package or top-level module a library file belongs to."""
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    names = {name.split(".")[1] for name in code_reach.imports(path) if name.startswith("nunatak.")}
    return {name for name in names if (LIBRARY / name).is_dir() or (LIBRARY / f"{name}.py").is_file()}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(LIBRARY).as_posix())
def test_imports_never_point_up_or_sideways(path):
    """Each room imports from the floors below it and from the rooms that its row names."""
    room = room_of(path)
    if room == "__init__":
        assert imported_rooms(path) <= {"runtime"}
        return
    beyond = imported_rooms(path) - allowed(room)
    assert not beyond, f"{path} ({room}) imports {', '.join(sorted(beyond))}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(LIBRARY).as_posix())
def test_only_the_runtime_names_snakemake(path):
    if path.name != "runtime.py":
        assert "snakemake" not in {name.split(".")[0] for name in code_reach.imports(path)}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(LIBRARY).as_posix())
def test_the_clients_of_archives_are_named_in_one_room(path):
    """What a client moves is mended there, and nothing else can lean on it."""
    named = {name.split(".")[0] for name in code_reach.imports(path)} & set(CLIENTS)
    assert all(room_of(path) == CLIENTS[name] for name in named)


@pytest.mark.parametrize("path", [p for p in MODULES if room_of(p) in SCIENCES], ids=lambda p: p.stem)
def test_sciences_know_no_files(path):
    """A reader hiding in a science shows by its imports."""
    names = code_reach.imports(path)
    assert not {"h5py", "pathlib", "netCDF4", "rasterio", "pyogrio"} & {name.split(".")[0] for name in names}
    assert not {f"nunatak.products.itslive.{reader}" for reader in ("chunks", "pairs", "layers", "store")} & names


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.stem)
def test_scripts_import_the_library_and_no_other_script(path):
    others = {p.stem for p in SCRIPTS}
    assert not others & {name.split(".")[0] for name in code_reach.imports(path)}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.stem)
def test_scripts_can_be_imported_and_called(path):
    """Nothing runs at import: the work is in main(), and the one use of `snakemake` is below the guard."""
    body, guard, below = path.read_text().partition('if __name__ == "__main__":')
    assert guard and "def main(" in body and "snakemake." not in body and "job(snakemake)" in below


def test_parsing_needs_only_the_driver():
    """What the Snakefile imports pulls in none of the packages that only the rules' environments have."""
    reached = set()
    for module in ("study", "geometry/region", "compute/code_reach", "granules", "results/targets"):
        path = LIBRARY / f"{module}.py"
        path = path if path.is_file() else LIBRARY / module / "__init__.py"
        reached |= {m for m in _eager(path, set())}
    assert not reached & {"pandas", "xarray", "h5py", "numba", "scipy", "pyarrow", "matplotlib", "rasterio"}


def _eager(path, seen):
    """Third-party packages imported at module level, through the library."""
    import ast

    if path in seen:
        return set()
    seen.add(path)
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            names = {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {node.module} | {f"{node.module}.{a.name}" for a in node.names}
        else:
            continue
        for name in names:
            files = code_reach.library_files(name)
            found |= {name.split(".")[0]} if not files else set().union(*(_eager(f, seen) for f in files))
    return found


def test_a_library_edit_changes_the_version_of_the_scripts_that_reach_it(tmp_path):
    """Imports inside functions and through packages are followed."""
    script = tmp_path / "make_x.py"
    script.write_text("def main():\n    from nunatak.files.tables import read_table\n")
    assert {p.name for p in code_reach.modules(script)} >= {"tables.py", "runtime.py", "__init__.py"}
    assert "grid.py" not in {p.name for p in code_reach.modules(script)}
    assert code_reach.packages(script) >= {"pandas", "pyarrow"}


def test_the_formatter_is_followed_without_exceptions():
    """No line of the code is kept from ruff's formatter."""
    files = [path for folder in ("scripts", "tests", "benchmarks", "tools") for path in (ROOT / folder).rglob("*.py")]
    marks = tuple("# fmt: " + word for word in ("skip", "off"))
    assert [path.as_posix() for path in files if any(mark in path.read_text("utf-8") for mark in marks)] == []
