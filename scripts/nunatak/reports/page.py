"""
The HTML pages: one self-contained file each, made from plain values.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path

import jinja2

import nunatak
from nunatak.checks import in_words
from nunatak.reports import words
from nunatak.reports.stylesheet import CSS
from nunatak.reports.templates import TEMPLATES

SIMULATED_BANNER = (
    "SIMULATED DATA: every granule of this study was made by the workflow from a known truth. "
    "No number or figure on this page describes a real glacier."
)


@dataclass(frozen=True)
class Table:
    """A table of the front page, cells already in words."""

    title: str
    heads: tuple
    rows: list
    notes: tuple = ()


@dataclass(frozen=True)
class Figure:
    """A figure of the front page: its image as a data address, and the files it links to."""

    name: str
    title: str
    caption: str
    image: str
    files: tuple = ()


@dataclass(frozen=True)
class Front:
    """Everything the front page says, in words. The template places each part."""

    study: str
    lead: list
    asked: list
    products: list
    tables: list = field(default_factory=list)
    figures: list = field(default_factory=list)
    pages: list = field(default_factory=list)
    not_computed: list = field(default_factory=list)
    checks: list = field(default_factory=list)
    provenance: list = field(default_factory=list)
    provenance_file: str = "provenance.json"
    citations: list = field(default_factory=list)


def front_page(front: Front, *, title, simulated):
    """Return the study's front page as HTML text."""
    return _render("front", title=title, simulated=simulated, front=front)


def notebook_page(body, *, title, simulated, extra_css=""):
    """Return an executed notebook's body in the same page layout, with its code hidden until asked for."""
    return _render("notebook", title=title, simulated=simulated, body=body, css=CSS + extra_css)


def embedded(path):
    """Return a PNG as a data address, so that the page needs no other file to be read."""
    return "data:image/png;base64," + base64.b64encode(Path(path).read_bytes()).decode("ascii")


def _render(name, **values):
    loader = jinja2.DictLoader(TEMPLATES)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["short"] = _short
    environment.filters["counts"] = in_words
    environment.filters["minus"] = words.minus
    values = {"css": CSS, "banner": SIMULATED_BANNER, "version": nunatak.__version__, **values}
    values["css"] = jinja2.utils.markupsafe.Markup(values["css"])
    return environment.get_template(name).render(**values)


def _short(value):
    """Format numbers of checks: three significant digits, no zeros at the end, tiny ones as powers of ten."""
    if value is None or abs(value) == float("inf"):
        return "" if value is None else "not a number"
    shown = words.number(float(value)) if abs(value) >= 100 else f"{value:.3g}"
    return shown.replace("-", words.MINUS)
