"""Two folders of results held against each other, byte by byte."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

# what says when a run was, or with which packages: not a result
EXEMPT = ("run.json",)
# files that name the environment among other things; where environments differ by intent, the rest is compared
TELLING = ("provenance.json", "report.html")
# pages that show the provenance itself, and what is kept on the way to a result
_UNHASHED = {".concluded", "provenance.json", "report.html", "summary.txt"}
_ON_THE_WAY = re.compile(r"[a-z0-9]+/lists/|velocity/(plan|years)/")


def differences(one, other, *, environments_differ=False):
    """
    What two folders of results of one study do not share: sorted lines, none where all bytes are the same.

    Parameters
    ----------
    one, other : folders, such as results/austfonna-simulated-tiny of two runs
    environments_differ : whether the runs had other Pythons or packages on purpose (`--sdm conda` against none);
        then the words about them in the provenance and on the front page are left out
    """
    here, there = (_digests(Path(folder), environments_differ) for folder in (one, other))
    assert here, f"{one}: holds no results"
    lines = [f"{name}: only in {one}" for name in here.keys() - there.keys()]
    lines += [f"{name}: only in {other}" for name in there.keys() - here.keys()]
    lines += [f"{name}: other bytes" for name in here.keys() & there.keys() if here[name] != there[name]]
    return sorted(lines)


def _digests(folder, environments_differ):
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in EXEMPT)
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(_content(path, environments_differ)).hexdigest()
        for path in files
    }


def _content(path, environments_differ):
    """The bytes of a file, without what it says of the environment where that is meant to differ."""
    if not environments_differ or path.name not in TELLING:
        return path.read_bytes()
    if path.suffix == ".json":
        told = json.loads(path.read_text("utf-8"))
        del told["environment"]
        return json.dumps(told, sort_keys=True).encode()
    text, n = re.subn(r"<dt>Python</dt><dd[^>]*>[^<]*</dd>", "", path.read_text("utf-8"))
    assert n == 1, f"{path}: does not say once which Python made it"
    return text.encode()


def unhashed(results):
    """Files of a finished study that its provenance holds no hash of, though it should: none."""
    results = Path(results)
    stated = json.loads((results / "provenance.json").read_text("utf-8"))["results"]
    folders = tuple(f"{name}/" for name in stated if (results / name).is_dir())
    files = {path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file()}
    kept = {name for name in files if not _ON_THE_WAY.match(name) and not name.startswith(folders)}
    return sorted(kept - stated.keys() - _UNHASHED)
