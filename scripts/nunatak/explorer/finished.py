"""The results of finished studies, as the explorer's server hands them to the viewer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nunatak.explorer import viewer
from nunatak.results.reading import flat, source_of
from nunatak.results.table import RESULTS


def inputs_of(folder: Path) -> dict[str, Any]:
    """
    Return the results in a study's folder by name, with its granules and regions, as `viewer.contents` takes them.

    Parameters
    ----------
    folder : of a study's results
    """
    there = {name: folder / result.path for name, result in RESULTS.items()}
    found: dict[str, Any] = {name: str(path) for name, path in there.items() if path.exists()}
    return found | {"granules": sorted(str(path) for path in folder.glob("*/granules.parquet"))}


class Finished:
    """What the viewer reads of the study that was asked for last, made anew where its results have changed."""

    def __init__(self) -> None:
        self._key: Any = None
        self._made: tuple[dict[str, Any], dict[str, bytes]] = ({}, {})

    def contents(self, folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
        """
        Return what is said of a study's results, and the blocks of its layers.

        Parameters
        ----------
        folder : of the results, which the viewer is titled by
        """
        inputs = inputs_of(folder)
        key = folder, [(path, path.stat().st_mtime_ns) for path in flat(inputs)]
        if key != self._key:
            title = folder.name.replace("_", " ")
            self._made = viewer.contents(inputs, study=folder.name, title=title, source=source_of(flat(inputs)))
            self._key = key
        return self._made
