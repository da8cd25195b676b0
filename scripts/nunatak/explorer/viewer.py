"""The viewer of a study's results: what it reads, and as one page that needs no server and may ask for nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import warnings
import zlib
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pyproj

import nunatak
from nunatak.constants import SIMULATED
from nunatak.explorer import stacks
from nunatak.explorer.drawn import drawing_of
from nunatak.explorer.layers import layers
from nunatak.figures.colour import MISSING, change_map, sequential_map
from nunatak.geometry import land, packed
from nunatak.geometry.outlines import read_outlines

HERE = Path(__file__).parent
PAGE = HERE / "page" / "viewer.html"
_MARK = f"{SIMULATED} DATA: no number here describes a real glacier"
_QUANTUM = 100.0  # m, of the vertices of the land
_AROUND = 3.0  # sizes of the layers, that the land reaches beyond them
_IMPORT = re.compile(r"^import (\{[^}]*\}) from '\./(\w+)\.js';\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:const|function|class) (\w+))", re.MULTILINE)


def contents(inputs: Mapping[str, Any], *, study: str, title: str, source: str) -> tuple[dict, dict[str, bytes]]:
    """
    Return what the viewer shows of a study: what is said of it and of each layer, and the blocks of the layers.

    Parameters
    ----------
    inputs : mapping of the names of results, of `granules` and of `regions`, to a path or a list of paths
    study : name of its results
    title : of the study
    source : where the numbers come from, as `results.reading.source_of` returns it

    Returns
    -------
    index : mapping for JSON
    blocks : mapping of name to a zlib stream, as `stacks` describes them
    """
    abouts: list[dict[str, Any]] = []
    blocks: dict[str, bytes] = {}
    boxes: dict[str, list[float]] = {}
    names: dict[int, str] = {}
    found = list(layers(inputs))
    for layer, most in zip(found, stacks.shares(found), strict=True):
        about, own = stacks.packed(layer, most)
        blocks |= {f"{layer.name}.{name}": block for name, block in own.items()}
        behind = names.setdefault(id(layer.granules), f"granules-{len(names)}")
        if behind not in blocks:
            blocks[behind] = zlib.compress(json.dumps(layer.granules.to_numpy().tolist()).encode(), 6)
        abouts.append({**about, "granules": behind})
        crs, bounds = layer.grid.crs, layer.grid.bounds
        boxes[crs] = [
            *np.minimum(boxes.get(crs, bounds)[:2], bounds[:2]),
            *np.maximum(boxes.get(crs, bounds)[2:], bounds[2:]),
        ]
    outlines = read_outlines(inputs["regions"]) if inputs.get("regions") else {}
    index = {
        "study": study,
        "title": title,
        "source": source,
        "simulated": source == SIMULATED,
        "mark": _MARK if source == SIMULATED else "",
        "version": nunatak.__version__,
        "layers": abouts,
        "maps": {crs: _map_of(crs, box, outlines) for crs, box in boxes.items()},
        "palettes": palettes(),
        "missing": MISSING,
    }
    return index, blocks


def palettes() -> dict[str, list[str]]:
    """Return the colours of each palette, from the lowest value to the highest: 255 hexadecimal numbers."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    maps = {
        "change": change_map(),
        "amount": sequential_map(),
        "speed": sequential_map("lapaz"),
        "cycle": colormaps["twilight"],
        "grey": colormaps["gray"],
    }
    return {name: [to_hex(colour)[1:] for colour in cmap(np.linspace(0, 1, 255))] for name, cmap in maps.items()}


def page(index: Mapping[str, Any], blocks: Mapping[str, bytes]) -> str:
    """
    Return the viewer and a study's layers as one HTML page, whose policy forbids every request.

    Parameters
    ----------
    index, blocks : as `contents` returns them
    """
    html = PAGE.read_text("utf-8")
    styles = [(HERE / path).read_text("utf-8") for path in re.findall(r'<link rel="stylesheet" href="([^"]+)">', html)]
    scripts = [(HERE / path).read_text("utf-8") for path in re.findall(r'<script src="([^"]+)" defer>', html)]
    scripts.append(_joined("viewer"))
    scripts = [
        re.sub(r"^//# sourceMappingURL=.*$", "", text.replace("</script", "<\\/script"), flags=re.M) for text in scripts
    ]
    html = re.sub(r"<(link|script) [^>]*(href|src)=\"(page|vendored)/[^>]*>(</script>)?\n", "", html)
    policy = (
        f"default-src 'none'; script-src {_hashes(scripts)}; style-src {_hashes(styles)}; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    head = [f'<meta http-equiv="Content-Security-Policy" content="{policy}">']
    head += [f"<style>{text}</style>" for text in styles]
    told = json.dumps(index, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    body = [f'<script type="application/json" id="index">{told}</script>']
    body += [
        f'<script type="text/plain" id="{name}">{base64.b64encode(block).decode()}</script>'
        for name, block in blocks.items()
    ]
    body += [f"<script>{text}</script>" for text in scripts]
    title = escape(f"{index['title']}{' (simulated)' if index['simulated'] else ''}")
    html = html.replace("<title>Nunatak viewer</title>", f"<title>{title}</title>\n" + "\n".join(head))
    return html.replace("</body>", "\n".join(body) + "\n</body>")


def _joined(name):
    """Return a module of the page with all it imports as one script: every module is a function that is called once."""
    order: list[str] = []

    def visit(module):
        for _, other in _IMPORT.findall(_text(module)):
            visit(other)
        if module not in order:
            order.append(module)

    visit(name)
    parts = []
    for module in order:
        text = _text(module)
        exports = ", ".join(_EXPORT.findall(text))
        text = _EXPORT.sub("", _IMPORT.sub(r"const \1 = module_\2;\n", text))
        parts.append(f"const module_{module} = (() => {{\n{text}\nreturn {{ {exports} }};\n}})();\n")
    return "'use strict';\n(() => {\n" + "".join(parts) + "})();\n"


def _text(module):
    return (HERE / "page" / f"{module}.js").read_text("utf-8")


def _hashes(texts):
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def _map_of(crs, box, outlines):
    """Return a map's projection for the page, its land around the layers, and the study's outlines."""
    left, bottom, right, top = (float(edge) for edge in box)
    margin = _AROUND * max(right - left, top - bottom)
    found = land.within(crs, (left - margin, right + margin, bottom - margin, top + margin))
    polygons = packed.quantised([found], _QUANTUM)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of all that a PROJ string lacks, such as names
        definition = pyproj.CRS.from_user_input(crs).to_proj4()
    return {
        "proj4": definition,
        "land": {"data": packed.encode(polygons, _QUANTUM), "quantum": _QUANTUM},
        "outlines": [{"name": name, **drawing_of(outline, crs)} for name, outline in outlines.items()],
    }
