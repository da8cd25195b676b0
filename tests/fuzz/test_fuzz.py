"""Granules spoilt in hundreds of ways: no error but ours, an end, bounded memory, no other value without a word."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fuzz.forks import BAD
from tests.fuzz.unseen import why_unseen

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("files", "draw"), [(300, 1), pytest.param(3000, 2, marks=pytest.mark.full)], ids=["some", "many"]
)
def test_spoilt_granules_end_in_words(tmp_path, files, draw):
    """
    Every product's reader is tried in processes that a file may end.

    The files are the same at every run.
    """
    path = {"PYTHONPATH": os.pathsep.join([str(ROOT / "scripts"), str(ROOT)])}
    command = [sys.executable, "tools/fuzz_readers.py", "--files", files, "--draw", draw, "--out", tmp_path / "out"]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, env=os.environ | path, capture_output=True, text=True)
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, done.stderr[-2000:]
    found = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert len(found) >= files
    bad = [one for one in found if one["verdict"] in BAD and not _unseen(one)]
    assert not bad, "\n".join(f"{o['reader']} {o['name']}: {o['verdict']}: {o['reason']}" for o in bad)
    counts = {word: sum(one["verdict"] == word for one in found) for word in ("same", "refused", "told")}
    assert min(counts.values()) > files / 50, counts


def _unseen(one):
    return one["verdict"] == "silent" and why_unseen(one["reader"], one["name"])
