"""Draw the rules of a study as an SVG: which rule waits for which, from the top down."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT, ACROSS, DOWN = 150, 24, 162, 46
_NODE = re.compile(r'(\d+)\[label = "(\w+)"')
_EDGE = re.compile(r"(\d+) -> (\d+)")


def edges(study, archive="simulated") -> set[tuple[str, str]]:
    """Return which rule of a study is needed by which, by the names that Snakemake gives them."""
    command = [sys.executable, "-m", "snakemake", study, "--rulegraph", "--nolock", "--config"]
    with tempfile.TemporaryDirectory() as empty:  # where nothing is made yet, no rule is left out
        settings = [f"archive={archive}", "size=tiny", f"results={empty}/results", f"resources={empty}/resources"]
        told = subprocess.run([*command, *settings], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = dict(_NODE.findall(told))
    return {(names[a], names[b]) for a, b in _EDGE.findall(told) if a != b}


def reduced(arrows) -> set[tuple[str, str]]:
    """Return the arrows without those that a longer way says already."""
    after: dict[str, set[str]] = {}
    for a, b in arrows:
        after.setdefault(a, set()).add(b)

    def reached(name, seen):
        for other in after.get(name, ()):
            if other not in seen:
                seen.add(other)
                reached(other, seen)
        return seen

    ways = {name: reached(name, set()) for name in after}
    return {(a, b) for a, b in arrows if not any(b in ways.get(c, ()) for c in after[a] - {b})}


def steps(arrows) -> list[list[str]]:
    """Return the rules step by step, each one below all that it waits for, neighbours near each other."""
    before: dict[str, set[str]] = {name: set() for arrow in arrows for name in arrow}
    for a, b in arrows:
        before[b].add(a)
    depth: dict[str, int] = {}

    def deep(name):
        if name not in depth:
            depth[name] = max((deep(other) + 1 for other in before[name]), default=0)
        return depth[name]

    placed: list[list[str]] = [[] for _ in range(max(map(deep, sorted(before))) + 1)]
    column: dict[str, float] = {}
    for step, names in enumerate(placed):
        here = sorted(name for name in before if depth[name] == step)
        # the mean place of what a rule waits for, so that arrows stay short
        here.sort(key=lambda name: sum(column[o] for o in before[name]) / max(len(before[name]), 1))
        for place, name in enumerate(here):
            column[name] = place - len(here) / 2
        names += here
    return placed


def drawing(study) -> str:
    """Return the SVG of the rules of a study."""
    arrows = reduced(edges(study))
    placed = steps(arrows)
    wide = max(map(len, placed)) * ACROSS + 12
    at = {
        name: ((wide - len(names) * ACROSS) / 2 + x * ACROSS + (ACROSS - WIDTH) / 2, 8 + y * DOWN)
        for y, names in enumerate(placed)
        for x, name in enumerate(names)
    }
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" viewBox="0 0 {wide} {len(placed) * DOWN}" role="img" '
        f'font-family="sans-serif" font-size="12"><title>Rules of the study {escape(study)}</title>',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for a, b in sorted(arrows):
        (x1, y1), (x2, y2) = at[a], at[b]
        x1, x2, y1 = x1 + WIDTH / 2, x2 + WIDTH / 2, y1 + HEIGHT
        bend = (y2 - y1) / 2
        path = f"M{x1:g} {y1:g} C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"
        lines.append(f'<path d="{path}" fill="none" stroke="#8a9aa8"/>')
    box = f'width="{WIDTH}" height="{HEIGHT}" rx="4" fill="#e8f0f6" stroke="#2b6c8f"'
    for name, (x, y) in at.items():
        lines.append(f'<rect x="{x:g}" y="{y:g}" {box}/>')
        lines.append(f'<text x="{x + WIDTH / 2:g}" y="{y + 16:g}" text-anchor="middle" fill="#10222d">{name}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"
