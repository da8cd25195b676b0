"""
What is known of an original that was checked once: size, time of last change, hash, and how far it could be checked.

A file that is unchanged since then is believed without being read again; any other is checked in full.
"""

from __future__ import annotations

import json
from pathlib import Path

from nunatak.runtime import read_json, write_json

FOLDER = ".receipts"
_FACTS = {"size_bytes", "mtime_ns", "checksums", "status", "reason"}


def path_of(original) -> Path:
    """Where the receipt of an original lies: beside it, hidden."""
    original = Path(original)
    return original.parent / FOLDER / f"{original.name}.json"


def load(original) -> dict | None:
    """The receipt of a file that is as it was when checked; None without one, or when the file changed."""
    original = Path(original)
    try:
        receipt = read_json(path_of(original))
        now = original.stat()
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    if not isinstance(receipt, dict) or not receipt.keys() >= _FACTS or "SHA-256" not in receipt["checksums"]:
        return None
    same = receipt["size_bytes"] == now.st_size and receipt["mtime_ns"] == now.st_mtime_ns
    return receipt if same else None


def keep(original, **facts):
    """Write the receipt of a file as it is now; `facts` are its hash, status, and what was checked."""
    now = Path(original).stat()
    write_json({"size_bytes": now.st_size, "mtime_ns": now.st_mtime_ns, **facts}, path_of(original))
