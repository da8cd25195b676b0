"""Search and check simulated granules of a glacier whose true state is given."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nunatak.archives import verify
from nunatak.archives.selection import select
from nunatak.constants import SIMULATED
from nunatak.files.tables import read_table
from nunatak.granules import granule_table, granules_of
from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    import pandas as pd

CATALOGUE = "catalogue.parquet"


class SimulatedArchive:
    """
    Granules written by a simulation, one folder per product with its catalogue.

    Parameters
    ----------
    folder : folder with `<product>/`, which holds the granules and their granule table `catalogue.parquet`
    """

    def __init__(self, folder):
        self.folder = Path(folder)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> SimulatedArchive:
        """
        Open the archive of a study.

        Parameters
        ----------
        settings : mapping of `folder`, which holds one folder per product
        """
        return cls(settings["folder"])

    def search(self, product: str, region: Any, period: Any, filters: Any = None) -> pd.DataFrame:
        """Return the granule table of a product in a region and a period (see `Archive.search`)."""
        product = granules_of(product)
        catalogue = self.folder / product / CATALOGUE
        if not catalogue.is_file():
            raise NunatakError(f"{catalogue}: not there; make it with snakemake <study> --forcerun simulate_granules")
        table = granule_table(read_table(catalogue)).assign(source=SIMULATED)
        table["url"] = table["file_name"]
        return select(table, product, region, period, filters, asked=f"simulated archive {self.folder}")

    def fetch(self, granules: pd.DataFrame, folder: Any = None) -> pd.DataFrame:
        """Check granules where the simulation wrote them and return the ledger. `folder` is not used."""
        return verify.check_in_place(granules, lambda row: self.folder / row.product / row.url)
