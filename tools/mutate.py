"""
Make slips in the library, one at a time, and list those that no test notices.

    make mutation                                            60 slips by chance: sciences, readers and archives
    make mutation ARGS="velocity --number 20 --seed 7"
    make mutation ARGS=--listed                              the slips of tools/slips.toml, made by hand

A slip is one operator, comparison, sign, number or function exchanged. It is made in a copy of the tree, where the
tests of its room run until one fails. docs/architecture.md says what becomes of a slip that survives.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SLIPS = tomllib.loads((ROOT / "tools/slips.toml").read_text("utf-8"))
ROOMS = ("elevation", "velocity", "gridding", "photons", "products", "archives")
# imported once, before the tests of each slip run in a process of their own
PACKAGES = ("pytest", "scipy", "pandas", "xarray", "h5py", "pyproj", "shapely", "pyarrow.parquet", "numba", "zarr")
OPERATORS = {
    **{ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "/", ast.Mod: "*", ast.Pow: "*"},
    **{ast.BitAnd: "|", ast.BitOr: "&", ast.And: "or", ast.Or: "and"},
    **{ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "=="},
    **{ast.In: "not in", ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is"},
}
OVERTIME = 999
_TWINS = "min max, minimum maximum, fmin fmax, nanmin nanmax, argmin argmax, sin cos, floor ceil, any all"
FUNCTIONS = {a: b for pair in _TWINS.split(", ") for a, b in (pair.split(), pair.split()[::-1])}
FUNCTIONS |= {"mean": "sum", "median": "mean", "hypot": "add", "isfinite": "isnan", "abs": "positive"}
_WORDS = re.compile(r"(log|warnings)\.|say\b|NunatakError|GranuleError")  # calls that make words for users


class Slip(NamedTuple):
    """A change of one place of a file: its name, the file below the root, and `old` at a place of its text."""

    name: str
    file: str
    place: int
    old: str
    new: str
    tests: tuple[str, ...] = ()
    """below tests/; those of the file's room where none is given"""

    def made(self, text):
        """Return the text with the slip in it."""
        return text[: self.place] + self.new + text[self.place + len(self.old) :]

    def lines(self, text):
        """Return the number of the changed line, the line, and what it becomes."""
        begin = text.rfind("\n", 0, self.place) + 1
        end = text.find("\n", self.place + len(self.old))
        changed = self.made(text)[begin : end + len(self.new) - len(self.old)]
        return text.count("\n", 0, begin) + 1, " ".join(text[begin:end].split()), " ".join(changed.split())


class Finder(ast.NodeVisitor):
    """
    Collect every (place, old, new) of a module.

    Words for users, types and slow twins of kernels are left alone.
    """

    def __init__(self, text):
        self.text, self.found = text, []
        self.starts = [0, *accumulate(map(len, text.splitlines(keepends=True)))]
        self.visit(ast.parse(text))

    def span(self, node):
        """
        Return where a node begins and ends in the text.

        Before these places, a line holds ASCII alone.
        """
        return self.starts[node.lineno - 1] + node.col_offset, self.starts[node.end_lineno - 1] + node.end_col_offset

    def visit_FunctionDef(self, node):
        if not node.name.endswith("_reference"):
            for part in (*node.args.defaults, *filter(None, node.args.kw_defaults), *node.body):
                self.visit(part)

    def visit_AnnAssign(self, node):
        if node.value:
            self.visit(node.value)

    def visit_Raise(self, node):
        return

    visit_Import = visit_ImportFrom = visit_JoinedStr = visit_Raise

    def visit_Call(self, node):
        if _WORDS.match(ast.unparse(node.func)):
            return
        if isinstance(node.func, ast.Attribute) and node.func.attr in FUNCTIONS:
            name = node.func.attr
            self.found.append((self.span(node.func)[1] - len(name), name, FUNCTIONS[name]))
        self.generic_visit(node)

    def visit_BinOp(self, node):
        if not any(map(is_text, (node.left, node.right))):
            self.between((node.left, node.right), (node.op,))
        self.generic_visit(node)

    def visit_Compare(self, node):
        self.between((node.left, *node.comparators), node.ops)
        self.generic_visit(node)

    def visit_BoolOp(self, node):
        self.between(node.values, [node.op] * (len(node.values) - 1))
        self.generic_visit(node)

    def visit_UnaryOp(self, node):
        begin, end = self.span(node)[0], self.span(node.operand)[0]
        self.found.append((begin, self.text[begin:end], ""))
        self.generic_visit(node)

    def visit_Constant(self, node):
        value, (begin, end) = node.value, self.span(node)
        if isinstance(value, (bool, int, float)):
            new = not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else value * 1.1 or 1.0
            self.found.append((begin, self.text[begin:end], repr(new)))

    def between(self, nodes, operators):
        """The operators between nodes, where they stand on one line, alone but for brackets and blanks."""
        for left, right, operator in zip(nodes, nodes[1:], operators, strict=False):
            begin, end = self.span(left)[1], self.span(right)[0]
            gap = re.fullmatch(r"([ )]*)([^\s()]+(?: in| not)?)[ (]*", self.text[begin:end])
            if gap and type(operator) in OPERATORS:
                self.found.append((begin + len(gap[1]), gap[2], OPERATORS[type(operator)]))


def is_text(node):
    """Whether a node is text, or a list or tuple: to join such is no arithmetic."""
    words = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return words or isinstance(node, (ast.List, ast.Tuple, ast.JoinedStr))


def drawn(rooms, number, seed):
    """
    Draw as many slips by chance from each room.

    Slips that are known to change nothing are left out.
    """
    chance, slips = random.Random(seed), []
    known = {(row["file"], row["old"], row["new"]) for row in SLIPS["equivalent"]}
    for k, room in enumerate(rooms):
        found = []
        for path in sorted((ROOT / "scripts/nunatak" / room).rglob("*.py")):
            file, text = path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
            every = (Slip("", file, *change) for change in Finder(text).found)
            found += [slip for slip in every if (file, *slip.lines(text)[1:]) not in known]
        share = number * (k + 1) // len(rooms) - number * k // len(rooms)
        slips += chance.sample(found, min(share, len(found)))
    return [slip._replace(name=f"{seed}.{k + 1}") for k, slip in enumerate(slips)]


def listed():
    """
    Return the slips made by hand.

    A slip whose text is not in its file, or is there more than once, is told and left out.
    """
    slips = []
    for row in SLIPS["slip"]:
        file, old, text = row["file"], row["old"], (ROOT / row["file"]).read_text("utf-8")
        if text.count(old) == 1:
            slips.append(Slip(row["id"], file, text.index(old), old, row["new"], tuple(row["tests"])))
        else:
            print(f"{row['id']}: NOT MADE: {old!r} is {text.count(old)} times in {file}; mend the list")
    return slips


def tests_of(tree, file):
    """
    Return up to two lists of test files for a module, those nearest to it first.

    The first list holds the tests of the module's room that name it. The second holds the room's other tests, and those
    elsewhere that import the module.
    """
    parts = Path(file).relative_to("scripts").with_suffix("").parts
    texts = {path.relative_to(tree).as_posix(): path.read_text("utf-8") for path in (tree / "tests").rglob("test_*.py")}
    own = {name for name in texts if name.startswith(f"tests/{parts[1]}/")}
    near = {name for name in own if parts[-1] in texts[name]}
    imports = re.compile(rf"{'.'.join(parts)}\b|from {'.'.join(parts[:-1])} import .*\b{parts[-1]}\b")
    further = {name for name in texts if "/workflow/" not in name and imports.search(texts[name])}
    return [sorted(files) for files in (near, (own | further) - near) if files]


def killed_by(tree, slip, limit):
    """The first test that fails with a slip, "the time limit", or "" when none does."""
    path, log = tree / slip.file, tree / "pytest.log"
    text, before = path.read_text("utf-8"), path.stat().st_mtime
    path.write_text(slip.made(text), "utf-8")
    groups = [[f"tests/{name}" for name in slip.tests]] if slip.tests else tests_of(tree, slip.file)
    try:
        code = next(filter(None, (run_tests(tree, chosen, log, limit) for chosen in groups)), 0)
    finally:
        path.write_text(text, "utf-8")
        os.utime(path, (before, before))  # so that a compiled slip is not taken for the original
    if code in (0, OVERTIME):
        return "the time limit" if code else ""
    said = re.findall(r"^(?:FAILED|ERROR) (\S+)", log.read_text("utf-8", "replace"), flags=re.MULTILINE)
    return said[0] if said else f"an end with {code}"


def run_tests(tree, chosen, log, limit):
    """
    Return the exit code of pytest, run in a process of its own that has the packages already.

    After the limit, return OVERTIME.
    """
    child = os.fork()
    if child == 0:
        import pytest

        os.setsid()
        os.chdir(tree)
        with open(log, "w") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        code = pytest.main(["-xq", "-p", "no:cacheprovider", "-m", "not full and not slurm and not conda", *chosen])
        sys.stdout.flush()
        os._exit(code)
    until = time.monotonic() + limit
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.1)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return OVERTIME


def copy_of_the_tree(folder):
    """
    Copy every file that git knows or would, with the environment as a link.

    Real data are where they were.
    """
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "-z"]
    listing = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(lambda name: (ROOT / name).is_file(), listing.split("\0")):
        (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, Path(folder) / name)
    (Path(folder) / ".venv").symlink_to(sys.prefix)
    if (ROOT.parent / "shared/data").is_dir():
        os.environ.setdefault("NUNATAK_DATA", str(ROOT.parent / "shared/data"))
    return Path(folder)


def main(words=None):
    parser = argparse.ArgumentParser(description="Make slips and list those that no test notices.")
    parser.add_argument("rooms", nargs="*", default=ROOMS, help=f"default: {' '.join(ROOMS)}")
    parser.add_argument("--number", type=int, default=60, help="slips by chance, as many from each room (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="of the chance (default: 1)")
    parser.add_argument("--limit", type=float, default=1800, help="seconds for the tests of one slip (default: 1800)")
    parser.add_argument("--listed", action="store_true", help="the slips of slips.toml")
    parser.add_argument("--only", default="", help="slips of these names, with commas between")
    asked = parser.parse_args(words)
    every = listed() if asked.listed else drawn(asked.rooms, asked.number, asked.seed)
    slips, survivors = [slip for slip in every if not asked.only or slip.name in asked.only.split(",")], []
    for package in PACKAGES:
        importlib.import_module(package)
    with tempfile.TemporaryDirectory(prefix="nunatak-mutation-") as folder:
        tree = copy_of_the_tree(folder)
        for slip in slips:
            number, line, changed = slip.lines((tree / slip.file).read_text("utf-8"))
            told = f"{slip.name:<6} {slip.file.removeprefix('scripts/')}:{number}: {line}  ->  {changed}"
            killer = killed_by(tree, slip, asked.limit)
            print(f"{told}\n       {f'noticed by {killer}' if killer else 'SURVIVES'}", flush=True)
            survivors += [] if killer else [told]
    print(f"{len(survivors)} of {len(slips)} slips survive", *survivors, sep="\n")


if __name__ == "__main__":
    main()
