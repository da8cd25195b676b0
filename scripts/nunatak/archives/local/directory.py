"""Search and check granules in any folder tree of the user, which is read and never written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nunatak.archives import EmptyAnswer, verify
from nunatak.archives.local import index, track_lines
from nunatak.archives.local.stores import cubes_in
from nunatak.archives.selection import select
from nunatak.constants import SIMULATED
from nunatak.granules import granules_of
from nunatak.runtime import log

if TYPE_CHECKING:
    import pandas as pd


class DirectoryArchive:
    """
    Granules in a folder tree, found by their content.

    Parameters
    ----------
    root : the folder, whose files are never changed
    index_folder : where the index of the folder is kept, outside it
    workers : processes that open new files. Default: all cores
    """

    def __init__(self, root, index_folder="resources/index", *, workers=None):
        self.root = Path(root)
        self.index_path = index.index_file(index_folder, root)
        self.workers = workers

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> DirectoryArchive:
        """
        Open the archive of a study.

        Parameters
        ----------
        settings : mapping of `directory` (the folder with the granules) and `resources` (the folder below which its
            index is kept). Default: resources
        """
        return cls(settings["directory"], f"{settings.get('resources') or 'resources'}/index")

    def search(self, product: str, region: Any, period: Any, filters: Any = None) -> pd.DataFrame:
        """
        Return the granule table of a product in a region and a period (see `Archive.search`).

        `url` is the path below the root. A file that cannot be opened stays in the table if its name fits the search,
        and `fetch` then reports what is wrong with it. Wrong names, files that are no granules and files that have
        disappeared since the last search are in `attrs["notes"]`.
        """
        product = granules_of(product)
        if product == "itslive_cube":
            return self._cubes(product, region, period, filters)
        table = index.update(self.root, self.index_path, workers=self.workers)
        rows = table[table["product"].eq(product) & table["status"].isin(["granule", "broken"])]
        found = select(self._granules(rows), product, region, period, filters, asked=f"directory {self.root}")
        notes = self._notes(table, product, found)
        if product == "atl03" and region is not None:
            found, further = self._through(found, table, region)
            notes += further
        for note in notes:
            log.warning("%s: %s", self.root, note)
        found.attrs["notes"] = notes + found.attrs["notes"]
        return found

    def _cubes(self, product, region, period, filters):
        table, notes = cubes_in(self.root)
        for note in notes:
            log.warning("%s: %s", self.root, note)
        found = select(table, product, region, period, filters, asked=f"directory {self.root}")
        found.attrs["notes"] = notes + found.attrs["notes"]
        return found

    def fetch(self, granules: pd.DataFrame, folder: Any = None) -> pd.DataFrame:
        """Check granules where they are and return the ledger. `folder` is not used, because nothing is copied."""
        seen = index.load(self.index_path).set_index("path")["mtime_ns"].to_dict()
        return verify.check_in_place(granules, lambda row: self.root / row.url, lambda row: seen.get(row.url))

    def _through(self, found, table, region):
        """Return the photon granules with a beam in the region, and notes on those without."""
        lines = self.index_path.with_suffix(".atl03.parquet")
        attrs, mtimes = found.attrs, table.set_index("path")["mtime_ns"].to_dict()
        kept, notes = track_lines.through(found, self.root, lines, mtimes, region)
        if kept.empty:
            raise EmptyAnswer(
                f"directory {self.root}: {len(found)} granules of atl03 come near the region, but none of their "
                "beams runs through it; widen the region"
            )
        kept.attrs = attrs
        return kept, notes

    def _granules(self, rows):
        """Return index rows as rows of a granule table."""
        own = ["path", "mtime_ns", "status", "reason", "notes", "simulated"]
        return rows.drop(columns=own).assign(
            url=rows["path"],
            source=rows["simulated"].map({True: SIMULATED}).fillna("directory"),
            broken=rows["status"].eq("broken"),
            checksum=None,
            checksum_algorithm=None,
        )

    def _notes(self, table, product, found):
        """Return remarks on files of this product, or of none, that are or could have been in the answer."""
        notes = [
            f"{path}: gone since the last look; if that was not meant, put it back" for path in table.attrs["vanished"]
        ]
        lost = table["status"].isin(["broken", "unnamed"]) & (table["product"].eq(product) | table["product"].isna())
        odd = table["notes"].fillna("").ne("") & table["path"].isin(found["url"])
        return notes + [f"{row.path}: {row.reason or row.notes}" for row in table[lost | odd].itertuples()]
