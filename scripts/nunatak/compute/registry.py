"""Import by name the readers, writers, classes and drawing functions that the tables of the library list."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def load(dotted: str, *, below: str = "") -> Any:
    """
    Import the attribute that a row of a table names.

    Parameters
    ----------
    dotted : module:attribute, such as "files.tables:read_csv"
    below : package of the library that holds the module. Default: the library itself

    Examples
    --------
    >>> load("tables:read_csv", below="files").__name__
    'read_csv'
    """
    module, _, attribute = dotted.partition(":")
    return getattr(importlib.import_module(".".join(filter(None, ("nunatak", below, module)))), attribute)


def registry(table: Mapping[str, Any], column: str, *, below: str = "", **wanted: Any) -> Callable[[str], Any]:
    """
    Return a function that imports the attribute that a table lists for a key.

    `compute.code_reach` reads the call from the source and counts the rows that fit as imports. So the table is given
    by the name it is imported under, its rows are written with keywords, and the other arguments are plain strings.

    Parameters
    ----------
    table : rows by name, such as `granules.products.PRODUCTS`
    column : attribute of the rows that holds module:attribute
    below : see `load`
    wanted : values that the rows must have, such as kept="points"
    """
    rows = {name: row for name, row in table.items() if all(getattr(row, key) == wanted[key] for key in wanted)}
    return lambda name: load(getattr(rows[name], column), below=below)
