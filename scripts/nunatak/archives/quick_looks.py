"""
Quick-look granules (ATL07QL and others), which stand in for a pass until its final granule comes.

NSIDC makes them within days, without the final orbits, as collections of their own.
"""

from __future__ import annotations

import numpy as np

from nunatak.granules import parse

REPLACED = "is replaced by its final granule "
_SHOWN = 5


def are(file_names):
    """
    Return which names are those of quick looks, (n,) bool.

    Parameters
    ----------
    file_names : Series of str
    """
    return file_names.str.match(r"ATL\d\dQL").to_numpy(dtype=bool) if len(file_names) else np.zeros(0, dtype=bool)


def wanted(table, asked, notes):
    """Return which granules are final, or any where quick looks are asked for; note those left out."""
    quick = are(table["file_name"])
    if asked or not quick.any():
        return np.ones(len(table), dtype=bool)
    notes.append(f"{quick.sum()} quick-look granules left out ({_names(table[quick])}); quick_look: true takes them")
    return ~quick


def used(table):
    """Return a note on the quick looks in an answer, none without one."""
    quick = are(table["file_name"])
    said = f"{quick.sum()} quick-look granules used ({_names(table[quick])}): their final ones have not come"
    return [said] if quick.any() else []


def _names(table):
    return ", ".join(table["file_name"].head(_SHOWN)) + ", ..." * (len(table) > _SHOWN)


def pass_of(file_name):
    """Return what a quick look and the final granule of its pass share; their times may differ by seconds."""
    named = parse(file_name)
    return named.product, named.rgt, named.cycle, named.region_number, named.hemisphere


def finals(quick_names, file_names):
    """Return {quick look: final granule} of those quick looks whose final granule is among the names."""
    final = {pass_of(name): name for name in sorted(file_names) if not parse(name).quick_look}
    passes = {name: pass_of(name) for name in quick_names if parse(name).quick_look}
    return {name: final[key] for name, key in passes.items() if key in final}
