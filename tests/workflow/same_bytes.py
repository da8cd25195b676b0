"""Two folders of results held against each other, byte by byte."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

# pages and catalogues of the results, which lead to the provenance, and what is kept on the way to a result
_UNHASHED = {".concluded", "provenance.json", "report.html", "explore.html", "catalog.json", "summary.txt"}
_ON_THE_WAY = re.compile(r"[a-z0-9_]+/lists/|velocity/(plan|years)/|stac/")


def differences(one, other):
    """
    What two folders of results of one study do not share: sorted lines, none where all bytes are the same.

    Parameters
    ----------
    one, other : folders, such as results/austfonna-simulated-tiny of two runs
    """
    here, there = (_digests(Path(folder)) for folder in (one, other))
    assert here, f"{one}: holds no results"
    lines = [f"{name}: only in {one}" for name in here.keys() - there.keys()]
    lines += [f"{name}: only in {other}" for name in there.keys() - here.keys()]
    lines += [f"{name}: other bytes" for name in here.keys() & there.keys() if here[name] != there[name]]
    return sorted(lines)


def _digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def unhashed(results):
    """Files of a finished study that its provenance holds no hash of, though it should: none."""
    results = Path(results)
    stated = json.loads((results / "provenance.json").read_text("utf-8"))["results"]
    folders = tuple(f"{name}/" for name in stated if (results / name).is_dir())
    files = {path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file()}
    kept = {name for name in files if not _ON_THE_WAY.match(name) and not name.startswith(folders)}
    return sorted(kept - stated.keys() - _UNHASHED)
