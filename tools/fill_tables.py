"""
Fill the tables of the documentation that are drawn from tables in the code.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`. Run `PYTHONPATH=scripts:. python tools/fill_tables.py`
after a change of one of `TABLES`; tests/test_filled_tables.py fails where a page is behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests import rooms

from nunatak.parameters import statistics

ROOT = Path(__file__).resolve().parents[1]
TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "rooms": ("docs/architecture.md", rooms.drawing),
    "statistics": ("docs/gridding.md", statistics.documented),
}
_PLACE = "(<!-- table: {} -->\n\n)(.*?)(\n\n<!-- end -->)"


def filled(name) -> str:
    """Return the text of the page of a table with the table as the code has it now."""
    page, drawn = TABLES[name]
    text = (ROOT / page).read_text("utf-8")
    found, count = re.subn(_PLACE.format(name), lambda place: place[1] + drawn() + place[3], text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{page}: {count} places for the table {name}; write one")
    return found


if __name__ == "__main__":
    for name, (page, _) in TABLES.items():
        (ROOT / page).write_text(filled(name), "utf-8")
        print(f"{page}: table {name}")
