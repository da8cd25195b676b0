"""The gallery of all studies of a folder of results: what each found, when, and how it ended."""

import fcntl
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nunatak.reports.page import gallery_page
from nunatak.reports.pictures import alternative
from nunatak.reports.words import counted, day
from nunatak.runtime import read_json, written

PAGE = "index.html"
_SIMULATED = " (SIMULATED)"
# the figure that stands for a study: the first of these that was drawn, else the first by name
_FACES = ("height_change_region", "speed_map", "freeboard_mean", "heights", "extent")


@dataclass(frozen=True)
class Card:
    """A study in the gallery, in words, with links relative to the folder of results."""

    label: str
    title: str
    simulated: bool
    date: str
    state: str
    failed: bool
    numbers: str
    granules: str
    href: str
    thumbnail: str
    alt: str


def cards(results: str | Path) -> list[Card]:
    """
    Read a card of every study of a folder, the latest first.

    Parameters
    ----------
    results : the folder that holds one folder for each study

    Returns
    -------
    list of cards; a folder without the outlines of a study is none
    """
    folders = [path.parent for path in Path(results).glob("*/regions.geojson")]
    return [_card(folder) for folder in sorted(folders, key=lambda folder: (-_changed(folder), folder.name))]


def write_gallery(results: str | Path) -> Path:
    """
    Write the gallery of a folder of results from what lies in it now.

    Studies that end at the same time write one after another, so that the last page names both.

    Parameters
    ----------
    results : the folder that holds one folder for each study

    Returns
    -------
    path of the page
    """
    page = Path(results) / PAGE
    with _alone(results), written(page) as part:
        part.write_text(gallery_page(cards(results)), "utf-8")
    return page


@contextmanager
def _alone(folder):
    """Hold others off who write the gallery of a folder, where its file system knows claims."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def _changed(folder):
    """Return when a study's report was written (s since 1970), or its outlines where it has no report."""
    report = folder / "report.html"
    return (report if report.is_file() else folder / "regions.geojson").stat().st_mtime


def _card(folder):
    """Read the card of one study from its summary, its checks and its figures."""
    report, summary = folder / "report.html", folder / "summary.txt"
    finished = report.is_file() and summary.is_file()
    lines = summary.read_text("utf-8").splitlines() if finished else []
    told = dict(line.partition(": ")[::2] for line in lines[1:])
    title = lines[0] if lines else folder.name
    failed = read_json(folder / "checks.json")["failed"] if (folder / "checks.json").is_file() else []
    state = f"checks: {told.get('checks', 'none')}" if finished else "not finished: it has no report yet"
    if failed:
        state = f"{counted(len(failed), 'check')} failed: {', '.join(failed)}"
    face = _face(folder)
    return Card(
        label=folder.name,
        title=title.removesuffix(_SIMULATED),
        simulated=title.endswith(_SIMULATED),
        date=day(np.datetime64(int(_changed(folder)), "s")),
        state=state,
        failed=bool(failed) or not finished,
        numbers=told.get("numbers", ""),
        granules=told.get("granules", ""),
        href=f"{folder.name}/report.html" if finished else "",
        thumbnail=f"{folder.name}/figures/{face.name}" if face else "",
        alt=alternative(read_json(face.with_suffix(".json"))) if face else "",
    )


def _face(folder):
    """Return the figure that stands for a study, or None where none was drawn."""
    drawn = {}
    for path in sorted((folder / "figures").glob("*.png")):
        sidecar = path.with_suffix(".json")
        if sidecar.is_file() and not read_json(sidecar).get("not_drawn"):
            drawn[path.stem] = path
    return next((drawn[name] for name in (*_FACES, *drawn) if name in drawn), None)
