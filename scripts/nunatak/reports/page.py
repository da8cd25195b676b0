"""
The HTML pages: one self-contained file each, made from plain values.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

import jinja2

import nunatak
from nunatak.checks import in_words
from nunatak.reports import words
from nunatak.reports.page_script import SCRIPT
from nunatak.reports.stylesheet import CSS
from nunatak.reports.templates import TEMPLATES

SIMULATED_BANNER = (
    "SIMULATED DATA: every granule of this study was made by the workflow from a known truth. "
    "No number or figure on this page describes a real glacier."
)


@dataclass(frozen=True)
class Table:
    """A table of the front page, cells already in words, with the files its numbers stand in."""

    title: str
    heads: tuple
    rows: list
    notes: tuple = ()
    files: tuple = ()


@dataclass(frozen=True)
class Figure:
    """A figure of the front page: its image as a data address, words for who cannot see it, and files it links to."""

    name: str
    title: str
    caption: str
    image: str
    files: tuple = ()
    alt: str = ""
    rests_on: tuple = ()


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


def front_page(front: Front, *, title: str, simulated: bool) -> str:
    """Return the study's front page as HTML text."""
    return _render("front", title=title, simulated=simulated, front=front)


def notebook_page(body: str, *, title: str, simulated: bool, extra_css: str = "") -> str:
    """Return an executed notebook's body in the same page layout, with its code hidden until asked for."""
    return _render("notebook", title=title, simulated=simulated, body=body, css=CSS + extra_css)


def gallery_page(cards: list) -> str:
    """Return the page that lists the studies of a folder of results, from the cards of `gallery.cards`."""
    return _render("gallery", title="Studies", simulated=False, cards=cards)


def with_contents(text: str) -> tuple[str, list[tuple[str, str]]]:
    """
    Give every second-level heading an address and list them.

    >>> text, entries = with_contents('<h2>Flux &amp; budget</h2><h2 id="b">B</h2>')
    >>> text
    '<h2 id="flux-budget">Flux &amp; budget</h2><h2 id="b">B</h2>'
    >>> entries
    [('flux-budget', 'Flux &amp; budget'), ('b', 'B')]

    Parameters
    ----------
    text : HTML

    Returns
    -------
    the HTML with the addresses, and a list of (address, heading as HTML text without tags)
    """
    entries: list[tuple[str, str]] = []

    def heading(match: re.Match) -> str:
        attributes, inner = match["attributes"], match["inner"]
        words_of = re.sub(r"<[^>]*>", "", re.sub(r'<a class="anchor-link".*?</a>', "", inner)).strip()
        named = re.search(r"""id=(["'])(.*?)\1""", attributes)
        address = named[2] if named else _address(words_of, {known for known, _ in entries})
        entries.append((address, words_of))
        return match[0] if named else f'<h2 id="{address}"{attributes}>{inner}</h2>'

    whole = re.sub(r"<h2(?P<attributes>[^>]*)>(?P<inner>.*?)</h2>", heading, text, flags=re.DOTALL)
    return whole, entries


def _address(words_of: str, taken: set[str]) -> str:
    """Return an address for a heading that no other one has."""
    plain = re.sub(r"&\w+;", "", words_of).lower()
    address = re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "part"
    number = next(n for n in range(1, len(taken) + 2) if (address if n == 1 else f"{address}-{n}") not in taken)
    return address if number == 1 else f"{address}-{number}"


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
    inner, contents = with_contents(environment.get_template(name).render(**values))
    markup = jinja2.utils.markupsafe.Markup
    shell = {
        "css": markup(values.get("css", CSS)),
        "script": markup(SCRIPT),
        "script_hash": base64.b64encode(hashlib.sha256(SCRIPT.encode("utf-8")).digest()).decode("ascii"),
        "inner": markup(inner),
        "contents": [(address, markup(heading)) for address, heading in contents],
        "pictures": "'self' file:" if name == "gallery" else "data:",
        "banner": SIMULATED_BANNER,
        "version": nunatak.__version__,
        "title": values["title"],
        "simulated": values["simulated"],
    }
    return environment.get_template("shell").render(**shell)


def _short(value):
    """Format numbers of checks: three significant digits, no zeros at the end, tiny ones as powers of ten."""
    if value is None or abs(value) == float("inf"):
        return "" if value is None else "not a number"
    shown = words.number(float(value)) if abs(value) >= 100 else f"{value:.3g}"
    return shown.replace("-", words.MINUS)
