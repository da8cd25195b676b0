"""References from the project's one BibTeX file, by product."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

from nunatak.runtime import NunatakError

_ENTRY = re.compile(r"@(?P<kind>\w+)\s*\{\s*(?P<key>[^,\s]+)\s*,", re.MULTILINE)
_FIELD = re.compile(r"(?P<name>\w+)\s*=\s*\{")
_ACCENTS = {r"{\'o}": "ó", r"{\'e}": "é", r"{\'a}": "á", r"{\"o}": "ö", r"{\"u}": "ü", "--": "–"}


@dataclass(frozen=True)
class Reference:
    """One work: `fields` as in the file, without braces and BibTeX accents."""

    key: str
    kind: str
    fields: dict

    @property
    def keywords(self):
        """Return the products and methods it belongs to."""
        return tuple(word.strip() for word in self.fields.get("keywords", "").split(",") if word.strip())

    @property
    def url(self):
        """Return the address of the DOI, None without one."""
        return f"https://doi.org/{self.fields['doi']}" if "doi" in self.fields else None

    def text(self):
        """Format the reference in one line: authors, year, title, where, DOI."""
        f = self.fields
        names = [name.strip() for name in f.get("author", "").split(" and ") if name.strip()]
        shown = [*names[:3], "others"] if len(names) > 4 or "others" in names else names
        people = ", ".join(n for n in dict.fromkeys(shown) if n != "others")
        authors = people + (" and others" if "others" in shown else "")
        where = f.get("journal") or f.get("publisher", "")
        volume = f" {f['volume']}" if "volume" in f else ""
        pages = f", {f['pages']}" if "pages" in f else ""
        year = f" ({f['year']})" if "year" in f else ""
        doi = f" doi:{f['doi']}" if "doi" in f else ""
        return f"{authors}{year}: {f['title']}. {where}{volume}{pages}.{doi}"

    def html(self):
        """Format the reference with the DOI as a link."""
        line = escape(self.text())
        if self.url:
            doi = escape(self.fields["doi"])
            line = line.replace(f"doi:{doi}", f'<a href="{escape(self.url)}">doi:{doi}</a>')
        return line


def read_references(path) -> list[Reference]:
    """
    Read the entries of a BibTeX file whose values are in braces.

    Raises
    ------
    NunatakError : braces do not match, or an entry has no title
    """
    text = re.sub(r"^\s*%.*$", "", Path(path).read_text("utf-8"), flags=re.MULTILINE)
    references = []
    for match in _ENTRY.finditer(text):
        body = _braced(text, text.index("{", match.start()), path)
        fields = {}
        for field in _FIELD.finditer(body):
            if body[: field.start()].count("{") == body[: field.start()].count("}"):  # not inside another value
                fields[field["name"].lower()] = _plain(_braced(body, field.end() - 1, path))
        if "title" not in fields:
            raise NunatakError(f"{path}: {match['key']}: has no title; add one")
        references.append(Reference(match["key"], match["kind"].lower(), fields))
    return references


def topics_of(study):
    """
    Return the keywords of methods that a study's works are listed under, beside those of its products.

    Parameters
    ----------
    study : the study as plain values
    """
    return [topic for topic in ("mass", "dynamics") if study.get(topic)]


def for_products(references, products, *, topics=()):
    """
    Select references of products and topics, data sets first, in the file's order.

    Parameters
    ----------
    products : mapping of product to release ("005"), or None where no release is known; of data sets only those of
        the release are kept
    topics : further keywords, such as "mass"
    """
    wanted = []
    for reference in references:
        of = set(reference.keywords)
        if not of & (set(products) | set(topics)):
            continue
        if reference.kind == "misc":
            releases = {products.get(product) for product in of}
            if not any(release and reference.key.endswith(f"_{release}") for release in releases):
                continue
        wanted.append(reference)
    return sorted(wanted, key=lambda r: r.kind != "misc")


def by_product(references, products, *, topics=()):
    """
    Group references for a reader: product, then "methods" -> references.

    Each stands under its first product.
    """
    chosen = for_products(references, products, topics=topics)
    groups: dict[str, list[Reference]] = {}
    for name in [*products, "methods"]:
        own = [r for r in chosen if name == "methods" or name in r.keywords]
        chosen = [r for r in chosen if r not in own]
        if own:
            groups[name] = own
    return groups


def _braced(text, start, path):
    """Return what stands between the brace at `start` and the one that closes it."""
    depth = 0
    for i in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return text[start + 1 : i]
    line = text[:start].count("\n") + 1
    raise NunatakError(f"{path}: line {line}: a brace is never closed; close the entry with }}")


def _plain(value):
    for written, shown in _ACCENTS.items():
        value = value.replace(written, shown)
    return " ".join(value.replace("{", "").replace("}", "").split())
