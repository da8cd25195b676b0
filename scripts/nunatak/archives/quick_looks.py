"""
Handle quick-look granules (ATL07QL and others), which represent a pass until its final granule exists.

NSIDC makes them within days, without the final orbits, as collections of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from nunatak.granules import parse

if TYPE_CHECKING:
    import pandas as pd

REPLACED = "is replaced by its final granule "
_SHOWN = 5


def are(file_names: pd.Series) -> np.ndarray:
    """
    Return which names are those of quick looks, (n,) bool.

    Parameters
    ----------
    file_names : Series of str
    """
    return file_names.str.match(r"ATL\d\dQL").to_numpy(dtype=bool) if len(file_names) else np.zeros(0, dtype=bool)


def wanted(table: pd.DataFrame, asked: bool | None, notes: list[str]) -> np.ndarray:
    """
    Return which granules are final, or all if quick looks are allowed, and note those left out.

    Parameters
    ----------
    table : granule table
    asked : whether quick looks are allowed
    notes : list that a remark is added to
    """
    quick = are(table["file_name"])
    if asked or not quick.any():
        return np.ones(len(table), dtype=bool)
    notes.append(f"{quick.sum()} quick-look granules left out ({_names(table[quick])}); quick_look: true takes them")
    return ~quick


def used(table: pd.DataFrame) -> list[str]:
    """
    Return a note on the quick looks in an answer, or an empty list without any.

    Parameters
    ----------
    table : granule table
    """
    quick = are(table["file_name"])
    note = f"{quick.sum()} quick-look granules used ({_names(table[quick])}): their final ones have not come"
    return [note] if quick.any() else []


def _names(table):
    """Return the first file names of a table."""
    return ", ".join(table["file_name"].head(_SHOWN)) + ", ..." * (len(table) > _SHOWN)


def pass_of(file_name: str) -> tuple:
    """
    Return the identity that a quick look shares with the final granule of its pass, without times, which may differ.

    Parameters
    ----------
    file_name : file name
    """
    named = parse(file_name)
    return named.product, named.rgt, named.cycle, named.region_number, named.hemisphere


def finals(quick_names: Iterable[str], file_names: Iterable[str]) -> dict[str, str]:
    """
    Map each quick look to its final granule, if that is among the names.

    Parameters
    ----------
    quick_names : file names, of which quick looks count
    file_names : file names of the granules that exist
    """
    final = {pass_of(name): name for name in sorted(file_names) if not parse(name).quick_look}
    passes = {name: pass_of(name) for name in quick_names if parse(name).quick_look}
    return {name: final[key] for name, key in passes.items() if key in final}
