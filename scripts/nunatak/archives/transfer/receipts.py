"""
Keep a receipt of a checked original: size, time of last change, hash, and what was checked.

A file that is unchanged since then is not read again. Any other is checked in full.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nunatak.runtime import read_json, write_json

FOLDER = ".receipts"
_FACTS = {"size_bytes", "mtime_ns", "checksums", "status", "reason"}


def path_of(original: str | Path) -> Path:
    """
    Return the path of the receipt of an original, hidden beside it.

    Parameters
    ----------
    original : path of the original
    """
    original = Path(original)
    return original.parent / FOLDER / f"{original.name}.json"


def load(original: str | Path) -> dict | None:
    """
    Load the receipt of a file that is unchanged since its check, or return None.

    Parameters
    ----------
    original : path of the original
    """
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


def keep(original: str | Path, **facts: Any) -> None:
    """
    Write the receipt of a file as it is now.

    Parameters
    ----------
    original : path of the original
    facts : hash, status, and what was checked
    """
    now = Path(original).stat()
    write_json({"size_bytes": now.st_size, "mtime_ns": now.st_mtime_ns, **facts}, path_of(original))
