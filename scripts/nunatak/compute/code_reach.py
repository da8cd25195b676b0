"""
Find what a script can reach through its imports: library modules and third-party packages.

Snakemake reruns a rule when its script changes, but not when a library module behind it does. A hash of the modules in
reach, given to the rule as a parameter, closes that gap. The same search finds the packages that a rule's environment
must hold. Imports are read from the source, at module level and inside functions, together with the imports of a call
of `registry`, which follow from the names in a table. Nothing is run.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import sys
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2]
PACKAGE = "nunatak"
_MODULE = re.compile(PACKAGE + r"(\.[a-z0-9_]+)+")


def modules(script: str | Path) -> set[Path]:
    """
    Return the library's files that a script reaches, without the script itself.

    Parameters
    ----------
    script : path of a script or notebook
    """
    reached: set[Path] = set()
    queue = [Path(script)]
    while queue:
        new = imported(queue.pop()) - reached
        reached |= new
        queue += new
    return reached


def imported(path: str | Path) -> frozenset[Path]:
    """
    Return the library's files that a file imports directly.

    Parameters
    ----------
    path : Python file or notebook
    """
    return _files_behind(*_dated(path))


def packages(script: str | Path) -> set[str]:
    """
    Return the top-level names of the third-party packages that a script and its library modules import.

    Parameters
    ----------
    script : path of a script
    """
    names: set[str] = set()
    for path in {Path(script), *modules(script)}:
        names |= {name.split(".")[0] for name in imports(path)}
    return names - set(sys.stdlib_module_names) - {PACKAGE, "snakemake"}


@cache
def code_version(*files: str) -> str:
    """
    Return a hash of the library modules that scripts or notebooks reach, which changes when one of them does.

    Parameters
    ----------
    files : paths relative to scripts/
    """
    digest = hashlib.sha256()
    for path in sorted(set().union(*(modules(SCRIPTS / file) for file in files))):
        digest.update(path.relative_to(SCRIPTS).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def imports(path: str | Path) -> set[str]:
    """
    Return the dotted names that a file imports.

    `from a import b` counts as a and as a.b, which may be a module or not.

    Parameters
    ----------
    path : Python file or notebook
    """
    return _imports_of(*_dated(path))


def _dated(path) -> tuple[str, int]:
    """Return a file's path and the time of its last change, which together identify its cached content."""
    return str(path), Path(path).stat().st_mtime_ns


@cache
def _files_behind(path, mtime_ns) -> frozenset[Path]:
    """Return the library's files that a file imports itself."""
    return frozenset(file for name in _imports_of(path, mtime_ns) for file in library_files(name))


@cache
def _imports_of(path, _mtime_ns) -> set[str]:
    """Return the dotted names that a file imports, from its source."""
    tree = ast.parse(_source(Path(path)), filename=path)
    names: set[str] = set()
    unused = _type_only(tree)
    for node in ast.walk(tree):
        if node in unused:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and Path(path).is_relative_to(SCRIPTS):
            raise ValueError(f"{path}: line {node.lineno}: a relative import; write the full name from {PACKAGE}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _MODULE.fullmatch(node.value):
            names.add(node.value)  # a registry that imports by name
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "registry":
            names |= _registered(node, tree, path)
    return names


def _type_only(tree) -> set[ast.AST]:
    """Return the nodes below `if TYPE_CHECKING:`, which no run reaches."""
    blocks = (node for node in ast.walk(tree) if isinstance(node, ast.If))
    return {n for block in blocks if getattr(block.test, "id", "") == "TYPE_CHECKING" for n in ast.walk(block)}


def _registered(call, tree, path) -> set[str]:
    """Return the modules that the rows of a table name in a column, for a call of `registry` in a file's tree."""
    table, column = call.args[0].id, call.args[1].value
    wanted = _words(call)
    below = wanted.pop("below", "")
    sources = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    module = next((str(node.module) for node in sources if table in {alias.name for alias in node.names}), None)
    if module is None:
        raise ValueError(f"{path}: line {call.lineno}: registry of {table}; import the table by its name")
    fitting = [row for row in _rows(module) if column in row and wanted.items() <= row.items()]
    return {".".join(filter(None, (PACKAGE, below, row[column].partition(":")[0]))) for row in fitting}


def _rows(module) -> list[dict[str, str]]:
    """Return the rows of a table: the calls with keywords in its module, and in all modules of a package."""
    path = library_files(module)[-1]
    files = sorted(path.parent.glob("*.py")) if path.name == "__init__.py" else [path]
    calls = (node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8"))))
    return [_words(node) for node in calls if isinstance(node, ast.Call)]


def _words(call) -> dict:
    """Return the keyword arguments of a call whose values are constants."""
    return {str(word.arg): str(word.value.value) for word in call.keywords if isinstance(word.value, ast.Constant)}


def _source(path) -> str:
    """Return the Python source of a file: its text, or that of a notebook's code cells."""
    text = path.read_text("utf-8")
    if path.suffix != ".ipynb":
        return text
    return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")


def library_files(name: str) -> list[Path]:
    """
    Return the files behind a dotted name of the library: the module, and the __init__ of each package above it.

    Parameters
    ----------
    name : dotted name
    """
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return []
    files = []
    for depth in range(1, len(parts) + 1):
        base = SCRIPTS.joinpath(*parts[:depth])
        if (base / "__init__.py").is_file():
            files.append(base / "__init__.py")
        elif base.with_suffix(".py").is_file():
            files.append(base.with_suffix(".py"))
    return files
