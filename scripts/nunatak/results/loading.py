"""Read a study's results by their names, as the table of results says."""

from __future__ import annotations

from nunatak.compute.registry import registry
from nunatak.results.table import RESULTS

reader_of = registry(RESULTS, "read")


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
    return {name: reader_of(name)(inputs[name]) for name in wanted}
