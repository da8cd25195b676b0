"""
A study of many small granules through the real rules: what the workflow itself costs.

A folder of ATL06 granules of a few kilobytes each, from 26 cycles over one glacier, is searched, checked, read,
gridded and reported by the rules of a study as a user writes it, on two cores, with 100, 1,000 and 10,000 granules.
Each size is run from nothing, then once more with nothing to do. Seconds are those of the wall clock: what is
measured is the workflow with its processes, not one function.

    python benchmarks/workflow_scale.py [sizes, default 100 1000 10000]
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measure import report

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.builders import tiny_granules  # noqa: E402

from nunatak.times import cycle_start  # noqa: E402

CYCLES, SEGMENTS = range(2, 28), 20
PARTS = ("Snakefile", "rules", "scripts", "config", "profiles", "envs", "notebooks")
STUDY = """
title: Many granules
archive: directory
region: {bbox: [-40, 66, -30, 67.5]}
period: [2019-01-01, 2025-04-01]
products:
  atl06: {filter: none, variables: [h_li, h_li_sigma]}
figures: {names: [extent], formats: [png]}
checks: warn
"""


def write_granules(folder, n):
    """n granules, each with a name, a time and a place of its own, spread evenly over the cycles."""
    for i in range(n):
        cycle, rgt = CYCLES[i % len(CYCLES)], 1 + i // len(CYCLES)
        start = cycle_start(cycle) + np.timedelta64(round(rgt * 91 * 86400 / 1387), "s")
        name = tiny_granules.name_of(rgt, cycle, 3, version="007", start=start)
        place = {"lon": -39.5 + 9 * rgt / 1387, "lat": 66.2 + 0.02 * (rgt % 50)}
        tiny_granules.atl06(folder / f"cycle{cycle:02d}", name, n=SEGMENTS, start=start, orbit=(rgt, cycle), **place)


def workflow(folder):
    """A copy of the workflow with one study."""
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        copy(ROOT / part, folder / part)
    for path in (folder / "config" / "studies").glob("*.yaml"):
        path.unlink()
    (folder / "config" / "studies" / "many.yaml").write_text(STUDY)


def run(folder, granules):
    """Run the study on two cores; seconds by the clock, CPU seconds and peak memory of its largest process (MB)."""
    command = [sys.executable, "-m", "snakemake", "many", "--cores", "2", "--config", f"directory={granules}"]
    began = time.monotonic()
    with open(folder / "said.txt", "w+") as said:
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        said.seek(0)
        text = said.read()
    if status:
        raise RuntimeError(f"the study failed:\n{text[-4000:]}")
    jobs = re.search(r"^total +(\d+)$", text, re.MULTILINE)
    return {
        "seconds": seconds,
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss / 1024,
        "jobs": int(jobs[1]) if jobs else 0,
    }


def peak_of_jobs(folder):
    """The most memory that a job's script says it held, MB, and which job that was."""
    found = {}
    for path in (folder / "logs").rglob("*.log"):
        told = re.search(r"peak memory (\d+) MB", path.read_text("utf-8"))
        if told:
            found[path.relative_to(folder / "logs").as_posix()] = int(told[1])
    return max(found.values()), max(found, key=found.get)


def measured(n):
    """One size from nothing, and once more."""
    with tempfile.TemporaryDirectory(prefix="nunatak-scale-") as work:
        folder, granules = Path(work) / "workflow", Path(work) / "granules"
        folder.mkdir()
        write_granules(granules, n)
        workflow(folder)
        first, again = run(folder, granules), run(folder, granules)
        largest, job = peak_of_jobs(folder)
    if again["jobs"]:
        raise RuntimeError(f"{n} granules: {again['jobs']} jobs ran a second time")
    return {
        "jobs": first["jobs"],
        "run (s)": first["seconds"],
        "CPU (s)": first["cpu"],
        "ms per granule": 1000 * first["seconds"] / n,
        "nothing to do (s)": again["seconds"],
        "largest process (MB)": first["memory"],
        "largest job (MB)": largest,
        "which": job,
    }


def main(sizes):
    rows = {f"{n:,} granules": measured(n) for n in sizes}
    by_size = dict(zip(sizes, rows.values(), strict=True))
    result = {f"ms_per_granule_{n}": round(row["ms per granule"], 2) for n, row in by_size.items()}
    result |= {f"peak_memory_mb_{n}": round(row["largest job (MB)"]) for n, row in by_size.items()}
    last, row = max(by_size.items())
    result |= {f"run_seconds_{last}": round(row["run (s)"], 1), f"jobs_{last}": row["jobs"]}
    result |= {f"rerun_seconds_{last}": round(row["nothing to do (s)"], 1)}
    if len(sizes) > 1:
        before = sorted(sizes)[-2]
        more = row["run (s)"] - by_size[before]["run (s)"]
        result[f"ms_per_further_granule_{last}"] = round(1000 * more / (last - before), 2)
    report(f"ATL06 granules of {len(tiny_granules.BEAMS)} x {SEGMENTS} segments, two cores", rows, result)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [100, 1_000, 10_000])
