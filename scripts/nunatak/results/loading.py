"""Read a study's results by their names, as the table of results says."""

from __future__ import annotations

from nunatak.files import tables
from nunatak.geometry import outlines
from nunatak.results import reading
from nunatak.results.table import RESULTS

# imported by name, so that the code a script reaches is read off this file
_MODULES = {module.__name__.removeprefix("nunatak."): module for module in (outlines, reading, tables)}


def read_results(inputs, names=None):
    """
    Read results into memory.

    Parameters
    ----------
    inputs : mapping of names to paths; those that name no result are passed over
    names : those to read of them (default: all)

    Returns
    -------
    mapping of name to what the result's reader returns
    """
    wanted = [name for name in inputs if name in RESULTS and (names is None or name in names)]
    return {name: reader_of(RESULTS[name])(inputs[name]) for name in wanted}


def reader_of(result):
    """Return the function that reads a result."""
    module, name = result.read.split(":")
    return getattr(_MODULES[module], name)
