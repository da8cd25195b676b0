"""
Tell what a built site would fetch from elsewhere, and links within it that lead nowhere.

    python tools/check_site.py docs/_build
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Addresses(HTMLParser):
    """Collect the addresses of a page: those it loads, those it links to, and the places in it."""

    def __init__(self):
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []
        self.places: set[str] = set()

    def handle_starttag(self, tag, attrs):
        """Note the addresses of one element."""
        said = dict(attrs)
        self.places.update(filter(None, (said.get("id"), said.get("name"))))
        if said.get("src"):
            self.loaded.append(said["src"])
        if tag == "link" and said.get("href") and said.get("rel") not in ("canonical", "author", "license"):
            self.loaded.append(said["href"])
        if tag == "a" and said.get("href"):
            self.linked.append(said["href"])


def read(page) -> Addresses:
    """Return the addresses of a page."""
    addresses = Addresses()
    addresses.feed(Path(page).read_text("utf-8"))
    return addresses


def faults(site) -> list[str]:
    """Return one line for each address that a page loads from elsewhere, or that leads nowhere within the site."""
    site = Path(site).resolve()
    pages = {path: read(path) for path in sorted(site.rglob("*.html")) if "_static" not in path.parts}
    told = []
    for page, addresses in pages.items():
        name = page.relative_to(site)
        told += [f"{name}: loads {address}" for address in addresses.loaded if urlsplit(address).netloc]
        for address in addresses.loaded + addresses.linked:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not target.exists():
                told.append(f"{name}: {address} is not there")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
                told.append(f"{name}: {address} names no place of that page")
    return told


if __name__ == "__main__":
    found = faults(sys.argv[1])
    print("\n".join(found) or f"{sys.argv[1]}: nothing is loaded from elsewhere, and every link within leads somewhere")
    sys.exit(bool(found))
