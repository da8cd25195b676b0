"""Import by name: the readers, writers, classes and drawing functions that the tables of the library name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def load(dotted, *, below="") -> Any:
    """
    Import what a row of a table names.

    Parameters
    ----------
    dotted : module:attribute, such as "files.tables:read_csv"
    below : package of the library that the module is in (default: the library itself)

    Examples
    --------
    >>> load("tables:read_csv", below="files").__name__
    'read_csv'
    """
    module, _, attribute = dotted.partition(":")
    return getattr(importlib.import_module(".".join(filter(None, ("nunatak", below, module)))), attribute)


def registry(table: Mapping[str, Any], column: str, *, below: str = "", **wanted) -> Callable[[str], Any]:
    """
    Return a function that imports what a table names for a key.

    `compute.code_reach` reads the call off the source and takes for imported what the rows that fit name. So the table
    is given by the name it is imported under, its rows are written with keywords, and the other arguments are plain
    strings.

    Parameters
    ----------
    table : rows by name, such as `granules.products.PRODUCTS`
    column : attribute of the rows that holds module:attribute
    below : see `load`
    wanted : values that the rows must have, such as kept="points"
    """
    known = {name: row for name, row in table.items() if all(getattr(row, key) == wanted[key] for key in wanted)}
    return lambda name: load(getattr(known[name], column), below=below)
