"""The page on the architecture names files that are there, and adding a thing takes no more files than it says."""

from __future__ import annotations

import re

import pytest

from nunatak.compute.code_reach import SCRIPTS
from tests.conftest import ROOT
from tests.rooms import rooms

PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")
# most files of code that adding one may take, beside its test
MOST = {
    "A study": 0,
    "A product": 5,  # the fifth loses a line
    "A statistic": 1,
    "A default or a limit of a choice": 1,
    "A figure": 2,
    "An archive": 2,
    "A check": 2,
    "A result": 4,
}


def walks():
    """Return {what is added: the files of its table}."""
    parts = re.split(r"^### ", PAGE.partition("## Where to add something")[2], flags=re.M)[1:]
    return {part.partition("\n")[0]: re.findall(r"^\| `([^`]+)` \|", part, flags=re.M) for part in parts}


def test_every_walk_has_its_limit():
    assert set(walks()) == set(MOST) and all(walks().values())


@pytest.mark.parametrize("what", MOST)
def test_a_walk_takes_no_more_files_of_code_than_promised(what):
    """Scripts, library and rules count; tests, documentation and configuration do not."""
    code = [path for path in walks()[what] if path.startswith(("scripts/", "rules/"))]
    assert len(code) <= MOST[what]


@pytest.mark.parametrize("path", sorted({path for paths in walks().values() for path in paths}))
def test_a_file_of_a_walk_is_there(path):
    """With `<name>` standing for the new thing there are files of that form beside it."""
    form = re.sub(r"<\w+>", "*", path)
    assert list(ROOT.glob(form)), f"docs/architecture.md: nothing of the form {path}"


def test_every_room_has_a_paragraph():
    """The paragraphs below the table speak of each room by name."""
    heads = re.findall(r"^\*\*([a-z, ]+)\.\*\*", PAGE, flags=re.M)
    assert sorted(name for head in heads for name in head.split(", ")) == sorted(rooms())


def test_files_named_in_the_text_are_there():
    """A path or a module in the running text leads somewhere."""
    text = PAGE.partition("## Where to add something")[0]
    for path in re.findall(r"`((?:scripts|rules|tests|tools|docs)/[\w/.]+)`", text):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"`([a-z]+/[a-z_]+\.py)`", text):
        assert (SCRIPTS / "nunatak" / path).exists() or (ROOT / path).exists(), path
    journey = text.partition("## The journey of a granule")[2]
    for script in set(re.findall(r"`([a-z]+_[a-z]+)`", journey)) - {"max_failed"}:
        assert (SCRIPTS / f"{script}.py").exists(), script
