"""
Write the pages of the reference that come from tables in the code.

Run `PYTHONPATH=scripts:. python tools/write_pages.py` after a change of products, rules, results, commands or public
names. tests/test_site.py fails where a page is behind.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from nunatak.granules.products import PRODUCTS
from nunatak.results.table import FURTHER, RESULTS

ROOT = Path(__file__).resolve().parents[1]
HEAD = "# {}\n\n<!-- written by tools/write_pages.py; do not edit -->\n\n"
PACKAGES = ("api", "products", "elevation", "photons", "gridding", "velocity", "dynamics", "figures", "geometry.region")
KEPT = {
    "points": "rows along the track",
    "sums": "sums on a grid",
    "fit": "heights fitted to photons",
    "grid": "a grid",
    "pairs": "a cube of image pairs",
    "": "read with other products",
}


def products() -> str:
    """Return the page of the products, each with the variables that its reader takes."""
    lines = [
        "A study names products by the words of the first column, with their settings"
        " ([keys of a study file](../study_reference.md)).\n",
        "| product | content | kept as | granules by | an example of a granule |",
        "| --- | --- | --- | --- | --- |",
    ]
    rows = [row for row in PRODUCTS.values() if row.in_study]
    lines += [
        f"| [`{row.name}`](#{row.name}) | {row.title} | {KEPT[row.kept]} | {row.bucket} | "
        f"{_code(row.example or PRODUCTS[row.granules_of].example)} |"
        for row in rows
    ]
    lines.append("\nKnown by name, and asked for by no study: ")
    lines[-1] += ", ".join(f"`{row.name}` ({row.title})" for row in PRODUCTS.values() if not row.in_study) + ".\n"
    for row in rows:
        lines += [f"\n## {row.name}\n", f"{row.written}: {row.title}.\n", *_variables(row)]
    return HEAD.format("Products and their variables") + "\n".join(lines) + "\n"


def _variables(row) -> list[str]:
    """Return the variables of a product's reader as a table, with units where its layout is one table."""
    module = importlib.import_module("nunatak." + row.reader.partition(":")[0])
    releases = getattr(module, "KNOWN_RELEASES", ())
    lines = [f"Releases whose layout was seen: {', '.join(releases)}.\n"] if releases else []
    layout = getattr(module, "LAYOUT", None)
    if not isinstance(layout, dict) or not all(
        isinstance(value, tuple) and len(value) == 2 for value in layout.values()
    ):
        return [*lines, f"Read by `nunatak.{row.reader.replace(':', '.')}`."]
    lines += ["| variable | where in the granule | unit |", "| --- | --- | --- |"]
    return [*lines, *(f"| `{name}` | `{where}` | {unit} |" for name, (where, unit) in layout.items())]


def rules() -> str:
    """Return the page of the rules, by file, with what each makes and by which script."""
    text = (
        "Arrows say which rule waits for which; what a longer way says already is left out. The\n"
        "pictures are those of the shipped studies on simulated granules.\n"
    )
    for study in STUDIES_DRAWN:
        text += f"\n```{{figure}} rules_{study}.svg\n:alt: rules of the study {study}\n\nRules of `{study}`.\n```\n"
    for path in sorted((ROOT / "rules").glob("*.smk")):
        found = re.findall(
            r"^(?:rule|checkpoint) (\w+):\n(.*?)(?=^\S|\Z)", path.read_text("utf-8"), re.MULTILINE | re.DOTALL
        )
        if found:
            text += f"\n## {path.name}\n\n| rule | what it does | script | environment |\n| --- | --- | --- | --- |\n"
            text += "".join(f"| `{name}` | {' | '.join(_rule(body))} |\n" for name, body in found)
    return HEAD.format("Rules") + text


def _rule(body) -> tuple[str, str, str]:
    """Return the words, the script and the environment of a rule from its text."""
    words = re.search(r'"""(.*?)"""', body, re.DOTALL)
    script = re.search(r'"\.\./(scripts/\w+\.py)"', body)
    env = re.search(r'"\.\./(envs/\w+\.yaml)"', body)
    said = _cell(" ".join(words[1].split())) if words else ""
    return said, _code(script[1]) if script else "", _code(env[1]) if env else ""


def files() -> str:
    """Return the page of the files that studies make, with what reads them."""
    text = (
        "Below `results/<study>/`. A study makes those that its products and keys allow.\n\n"
        "Tables are CSV or GeoParquet, with units in the metadata of their columns; grids are CF NetCDF-4 or Zarr\n"
        "with cell centres `x`, `y` and `spatial_ref`; rasters for a GIS are Cloud-Optimised GeoTIFF. Every file says\n"
        "which version wrote it, in which study, and from what kind of archive (`nunatak_source`).\n\n"
        "`catalog.json` and `stac/` describe rasters, grids and points for GIS programs\n"
        "([In a GIS](../how_to/gis.md)).\n\n"
        "| result | file | read again with |\n| --- | --- | --- |\n"
    )
    for name, row in {**RESULTS, **FURTHER}.items():
        reader = f"`nunatak.{row.read.replace(':', '.')}`" if row.read else ""
        text += f"| `{name}` | `{row.path}` | {reader} |\n"
    return HEAD.format("Files of results") + text


def commands() -> str:
    """Return the page of the commands, from the help of the Makefile."""
    made = (ROOT / "Makefile").read_text("utf-8")
    text = "`make help` shows this list.\n\n| command | what it does |\n| --- | --- |\n"
    listed = re.findall(r"^([a-z_-]+):.*?## (.*)$", made, re.M)
    listed += re.findall(r'@echo "  make (\S+) +(.*)"$', made, re.M)
    text += "".join(f"| `make {name}` | {_cell(said)} |\n" for name, said in listed)
    text += (
        "\n`ARCHIVE=simulated`, `directory` or `earthdata` takes another archive than the study's own. `ARGS=`\n"
        "hands on settings (`key=value`, as in `config/config.yaml`) and flags of Snakemake:\n"
        '`make austfonna ARGS="size=tiny -n"`.\n'
        "Snakemake itself takes the same targets: `.venv/bin/snakemake austfonna --config archive=simulated`.\n"
    )
    return HEAD.format("Commands") + text


def names() -> str:
    """Return the page of the public names of the library, package by package."""
    text = "Install the library with `.venv/bin/python -m pip install --no-deps -e .` in the clone; [Functions for\n"
    text += "your own code](../library.md) lists what no study reaches.\n"
    for package in PACKAGES:
        module = importlib.import_module(f"nunatak.{package}")
        text += f"\n## nunatak.{package}\n\n{_first(module)}\n\n```{{eval-rst}}\n"
        for name in public(module):
            kind = "autoclass" if inspect.isclass(getattr(module, name)) else "autofunction"
            text += f".. {kind}:: nunatak.{package}.{name}\n"
        text += "```\n"
    return HEAD.format("Python") + text


def public(module: ModuleType) -> list[str]:
    """Return the names of functions and classes that a package offers, in the order of the alphabet."""
    offered = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    kinds = (inspect.isfunction, inspect.isclass)
    own = [name for name in offered if any(kind(getattr(module, name)) for kind in kinds)]
    return sorted(name for name in own if getattr(module, name).__module__.startswith("nunatak"))


def _first(module) -> str:
    """Return the first paragraph of the description of a module."""
    return " ".join((module.__doc__ or "").strip().partition("\n\n")[0].split())


def _cell(text) -> str:
    """Return a text for a cell of a table."""
    return text.replace('\\"', '"').replace("|", "\\|").replace("<", "&lt;")


def _code(text) -> str:
    return f"`{text}`" if text else ""


STUDIES_DRAWN = ("austfonna", "pine_island", "ross_sea")
PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/products.md": products,
    "docs/reference/rules.md": rules,
    "docs/reference/files.md": files,
    "docs/reference/commands.md": commands,
    "docs/reference/python.md": names,
}


if __name__ == "__main__":
    from tools import rule_graph

    for page, written in PAGES.items():
        (ROOT / page).write_text(written(), "utf-8")
        print(page)
    for study in STUDIES_DRAWN:
        path = f"docs/reference/rules_{study}.svg"
        (ROOT / path).write_text(rule_graph.drawing(study), "utf-8")
        print(path)
