"""Every public function of the library is reached by a study, by a notebook, or is named as library in the docs."""

from __future__ import annotations

import ast
import json
import re

import pytest

from nunatak import api
from nunatak.compute.code_reach import SCRIPTS
from tests.conftest import ROOT

LIBRARY = SCRIPTS / "nunatak"
# called by the package whose class is inherited from: io and numba
OVERRIDDEN = ("seekable", "readinto", "get_source_stamp")
PAGE = ROOT / "docs/library.md"
_DOTTED = re.compile(r"[A-Za-z_]\w*([.:][A-Za-z_]\w*)+")  # such as "module:function"


def defined():
    """Yield (name, file) of every public function, class and method of the library."""
    for path in sorted(LIBRARY.rglob("*.py")):
        if "simulation" in path.parts:  # the truth, which tests ask
            continue
        for node in ast.parse(path.read_text("utf-8")).body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            if not node.name.endswith("_reference"):  # the slow twin of a kernel, for tests
                yield node.name, path
            for part in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(part, ast.FunctionDef) and part.name[0] != "_" and part.name not in OVERRIDDEN:
                    yield part.name, path


def names_in(tree, *, exports=False):
    """
    Return the names that code uses, those it imports and those in dotted texts such as "module:function".

    Parameters
    ----------
    exports : whether the code only hands names on, as the `__init__` of a package does: its imports do not count
    """
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and not exports and _DOTTED.fullmatch(str(node.value)):
            found.add(re.split(r"[.:]", node.value)[-1])
    return found


def used():
    """Return every name that scripts, rules, notebooks, tools, `api` or a library module use."""
    found = set(api.__all__)
    further = (path for folder in ("tools", "benchmarks") for path in (ROOT / folder).glob("*.py"))
    for path in (*SCRIPTS.glob("*.py"), *LIBRARY.rglob("*.py"), *further):
        found |= names_in(ast.parse(path.read_text("utf-8")), exports=path.name == "__init__.py")
    for path in ROOT.glob("notebooks/*.ipynb"):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        found |= names_in(ast.parse(code))
    for path in (ROOT / "Snakefile", ROOT / "Makefile", *ROOT.glob("rules/*.smk")):
        found |= set(re.findall(r"\w+", path.read_text("utf-8")))
    return found


def listed():
    """Return the names that docs/library.md lists as library, for use without a study."""
    return set(re.findall(r"^\| `(?:\w+\.)*(\w+)` \|", PAGE.read_text("utf-8"), flags=re.M))


def test_a_function_that_no_study_reaches_is_listed_as_library():
    """What only tests call has a key and a rule, is listed in docs/library.md, or goes."""
    reached = used() | listed()
    assert [f"{path.relative_to(LIBRARY)}: {name}" for name, path in defined() if name not in reached] == []


def test_nothing_is_listed_as_library_that_is_not_there_or_that_a_study_uses():
    """The page keeps to what is only there for the user's own code."""
    names = listed()
    assert names <= {name for name, _ in defined()}
    assert not names & used()


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("from a import b\n", set()),
        ("table = rooms.pack(x)\n", {"table", "rooms", "pack", "x"}),
        ('READER = "products.atl13:read"\n', {"READER", "read"}),
    ],
)
def test_an_import_alone_is_no_use(code, seen):
    """A name that is only imported, as a package's `__init__` does, is not reached by it."""
    assert names_in(ast.parse(code)) == seen
