"""
Time the viewer's page with a stack of 25 x 1500 x 420 cells in Chromium: until it is ready, 60 clicks, memory.

Run `python benchmarks/viewer_page.py`. The last line is one JSON object: size_mb, seconds_to_write, seconds_to_ready,
seconds_60_interactions (30 clicks on the map and 30 times) and memory_mb, of the page's process with the values.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

from playwright.sync_api import sync_playwright  # noqa: E402
from tests.builders import viewed  # noqa: E402
from tests.explorer.conftest import FLAGS  # noqa: E402

from nunatak.explorer import viewer  # noqa: E402
from nunatak.geometry.grid import Grid  # noqa: E402

GRID = Grid("EPSG:3413", 600_000.0, -200_000.0, 1000.0, 1000.0, 1500, 420)
TIMES = np.datetime64("2019-01-01") + 91 * np.arange(25)


def main():
    """Write the page, drive it, and print what it took."""
    told = {}
    with tempfile.TemporaryDirectory() as folder:
        inputs = viewed.write(Path(folder), height_change=stack())
        start = time.perf_counter()
        page = viewer.page(*viewer.contents(inputs, study="large", title="Large", source="SIMULATED"))
        told["seconds_to_write"] = time.perf_counter() - start
        path = Path(folder) / "explore.html"
        path.write_text(page, "utf-8")
        told["size_mb"] = path.stat().st_size / 1e6
        with sync_playwright() as playwright:
            program = os.environ.get("NUNATAK_CHROMIUM") or shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=program, args=[*FLAGS, "--enable-precise-memory-info"])
            told |= drive(browser.new_page(viewport={"width": 1280, "height": 800}), path)
            browser.close()
    print(json.dumps({name: round(value, 2) for name, value in told.items()}))


def stack():
    """Return a height change that grows smoothly from year to year, with a hundredth of it as noise and some holes."""
    change = viewed.change(TIMES, grid=GRID, holes=0.05)
    y, x = np.meshgrid(np.linspace(-3, 3, GRID.ny), np.linspace(-3, 3, GRID.nx), indexing="ij")
    shape = np.exp(-(x**2) - (y - 1) ** 2) - 0.5 * np.sin(2 * x) * np.cos(y)
    years = np.linspace(-3, 3, len(TIMES))[:, None, None]
    change["delta_h"] = (years * shape + 0.03 * change["delta_h"]).astype("float32").assign_attrs(units="m")
    return change


def drive(page, path):
    """Open the page, ask for values and times in turn, and return the seconds and the memory."""
    start = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]", timeout=60_000)
    told = {"seconds_to_ready": time.perf_counter() - start}
    ask = "([x, y]) => nunatak.at('EPSG:3413', [[x, y]])"
    draw = "(step) => { nunatak.sides[0].go(step); nunatak.sides[0].pane.map.renderSync(); }"
    page.evaluate(ask, [GRID.x[210], GRID.y[750]])
    start = time.perf_counter()
    for number in range(30):
        page.evaluate(ask, [GRID.x[10 * number + 50], GRID.y[40 * number + 100]])
        page.evaluate(draw, number % 25)
    told["seconds_60_interactions"] = time.perf_counter() - start
    told["memory_mb"] = renderer_mb()
    return told


def renderer_mb():
    """Return the memory (resident, without what processes share) of the largest page process of Chromium."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"--type=renderer" in (folder / "cmdline").read_bytes() and is_ours(folder.name):
                fields = dict(line.split(":") for line in (folder / "status").read_text().splitlines() if "Rss" in line)
                found.append(int(fields["RssAnon"].split()[0]) / 1e3)
        except OSError:
            continue
    return max(found)


def is_ours(process):
    """Return whether a process descends from this one."""
    while process not in ("0", "1", str(os.getpid())):
        stat = (Path("/proc") / process / "stat").read_text()
        process = stat.rpartition(")")[2].split()[1]
    return process == str(os.getpid())


if __name__ == "__main__":
    main()
