"""Read a study's results by their names, as the table of results says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nunatak.compute.registry import registry
from nunatak.files import tables
from nunatak.results import reading
from nunatak.results.table import RESULTS

if TYPE_CHECKING:
    pass

reader_of = registry(RESULTS, "read")
_MOST_ROWS = 2_000_000  # of chunks of points that are held at a time


def read_results(inputs: Mapping[str, str], names: Any = None) -> dict[str, Any]:
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


class Opened(Mapping):
    """
    The results of a study by name, each read when it is first asked for, and the rows they were made from.

    Parameters
    ----------
    inputs : mapping of the names of results, and of what they were made from, to a path or a list of paths
    """

    def __init__(self, inputs: Mapping[str, Any]):
        self.paths = {name: path for name, path in inputs.items() if path}
        self._read: dict[Any, Any] = {}

    def __getitem__(self, name):
        if name not in self._read:
            self._read[name] = reader_of(name)(self.paths[name])
        held = self._read[name]
        # a map's values are read when they are used, and let go with this copy of it
        return held.copy() if hasattr(held, "data_vars") else held

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.paths if name in RESULTS)

    def __len__(self):
        return sum(1 for _ in self)

    @property
    def layers(self) -> dict[Any, Any]:
        """
        Return the height change on every grid, as a mapping of resolution to HeightChange, finest first.

        The mapping is empty where there is no height change.
        """
        if "change" not in self.paths:
            return {}
        if "layers" not in self._read:
            path = self.paths["change"]
            self._read["layers"] = {n: reading.read_height_change(path, n) for n in reading.resolutions(path)}
        return self._read["layers"]

    def row_count(self, source):
        """
        Return how many rows the chunks of a source have together, without reading them.

        Parameters
        ----------
        source : where the rows are
        """
        return sum(tables.row_count(path) for path in reading.listed(self.paths.get(source, [])))

    def rows(self, source: str, columns: Any = None, most: int = _MOST_ROWS) -> tuple[None, bool]:
        """
        Read rows of the chunks that results were made from.

        Parameters
        ----------
        source : name of the chunks among the inputs, such as points_atl06
        columns : those wanted; all by default
        most : rows that are read at most: whole chunks in their order, of a first one that is larger its beginning

        Returns
        -------
        table : DataFrame, None where the study has no such chunks
        whole : bool, whether these are all rows
        """
        paths = reading.listed(self.paths[source]) if source in self.paths else []
        chosen: list = []
        n = 0
        for path in paths:
            n += tables.row_count(path)
            if chosen and n > most:
                break
            chosen.append(path)
        key = source, tuple(columns or ())
        if chosen and key not in self._read:
            self._read[key] = tables.read_table(chosen, columns=columns, most=most)
        return self._read.get(key), len(chosen) == len(paths) and n <= most
