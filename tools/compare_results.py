"""
Record the hashes of every study's results, and compare two records.

A redesign must not move a number. Record before it and after it, on the same machine:

    .venv/bin/python tools/compare_results.py record before.json
    ... change the code ...
    .venv/bin/python tools/compare_results.py record after.json
    .venv/bin/python tools/compare_results.py compare before.json after.json

`record` runs every study tiny on the simulated archive. `--full` adds the full ones, `--granules FOLDER` the studies of
`archive: directory` on the granules of that folder. The runs go to a temporary folder. `compare` prints one line for
each file that differs and exits with 1 if there is one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# these name the version of the code, and so differ after any edit
CODE_DEPENDENT = {".concluded", "provenance.json", "report.html", "summary.txt", "run.json"}


def digests(folder) -> dict[str, str]:
    """
    Return the SHA-256 of each result in a folder, by path relative to it.

    Parameters
    ----------
    folder : path of the results of one study

    Returns
    -------
    dict : without the files of `CODE_DEPENDENT`
    """
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file() and path.name not in CODE_DEPENDENT)
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def differences(before, after) -> list[str]:
    """
    Return one line for each file that two records do not share, or that has other bytes in each.

    Parameters
    ----------
    before, after : records, mappings of the label of a study to the mapping that `digests` returns
    """
    lines = []
    for label in sorted(before.keys() | after.keys()):
        one, other = before.get(label, {}), after.get(label, {})
        lines += [f"{label}/{name}: only before" for name in one.keys() - other.keys()]
        lines += [f"{label}/{name}: only after" for name in other.keys() - one.keys()]
        lines += [f"{label}/{name}: other bytes" for name in one.keys() & other.keys() if one[name] != other[name]]
    return sorted(lines)


def runs(full, granules):
    """Return the (study, configuration) of every run of a record."""
    made = []
    for path in sorted((ROOT / "config" / "studies").glob("*.yaml")):
        own = "archive: directory" in path.read_text("utf-8")
        if own and granules:
            made.append((path.stem, {"archive": "directory", "directory": str(Path(granules).resolve())}))
        elif not own:
            sizes = ("tiny", "full") if full else ("tiny",)
            made += [(path.stem, {"archive": "simulated", "size": size}) for size in sizes]
    return made


def record(path, *, full=False, granules=None, folder=None, cores=2):
    """Run the studies in a folder, a temporary one by default, and write the hashes of their results as JSON."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for study, settings in runs(full, granules):
            words = [f"{key}={value}" for key, value in settings.items()]
            print(study, *words, flush=True)
            # with paths relative to the folder, because tables and hashes of inputs hold the paths of granules
            command = [sys.executable, "-m", "snakemake", study, "--snakefile", str(ROOT / "Snakefile")]
            command += ["--workflow-profile", str(ROOT / "profiles" / "default"), "--cores", str(cores)]
            command += ["--config", *words]
            ended = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if ended.returncode:
                sys.exit(f"{study}: the run failed; its last lines:\n{ended.stdout[-2000:]}")
        results = folder / "results"
        made = {place.name: digests(place) for place in sorted(results.iterdir()) if place.is_dir()}
        Path(path).write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", "utf-8")


def main():
    """Read the command line and record or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    recording = verbs.add_parser("record", help="run the studies and write the hashes of their results")
    recording.add_argument("path", help="JSON file to write")
    recording.add_argument("--full", action="store_true", help="run the full studies, too")
    recording.add_argument("--granules", help="folder of granules for the studies of `archive: directory`")
    recording.add_argument("--folder", help="keep the runs in this folder, to look at what differs")
    recording.add_argument("--cores", type=int, default=2, help="default: 2")
    comparing = verbs.add_parser("compare", help="print what differs between two records")
    comparing.add_argument("before")
    comparing.add_argument("after")
    words = parser.parse_args()
    if words.verb == "record":
        record(words.path, full=words.full, granules=words.granules, folder=words.folder, cores=words.cores)
        return
    before, after = (json.loads(Path(path).read_text("utf-8")) for path in (words.before, words.after))
    lines = differences(before, after)
    print("\n".join(lines) or f"no difference in {sum(map(len, before.values()))} files of {len(before)} studies")
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
