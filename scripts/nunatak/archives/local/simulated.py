"""The archive of made-up granules of a glacier with a known truth."""

from __future__ import annotations

from pathlib import Path

from nunatak.archives import verify
from nunatak.archives.selection import select
from nunatak.constants import SIMULATED
from nunatak.files.tables import read_table
from nunatak.granules import granule_table, granules_of
from nunatak.runtime import NunatakError

CATALOGUE = "catalogue.parquet"


class SimulatedArchive:
    """
    Granules a simulation wrote, one folder per product with its catalogue.

    Parameters
    ----------
    folder : holds `<product>/` with the granules and `catalogue.parquet`, the granule table of all of them
    """

    def __init__(self, folder):
        self.folder = Path(folder)

    @classmethod
    def of(cls, settings):
        """
        Open the archive that a study means.

        Parameters
        ----------
        settings : mapping of `folder`, which holds one folder per product
        """
        return cls(settings["folder"])

    def search(self, product, region, period, filters=None):
        """Return the granule table of a product in a region and a period (see `Archive.search`)."""
        product = granules_of(product)
        catalogue = self.folder / product / CATALOGUE
        if not catalogue.is_file():
            raise NunatakError(f"{catalogue}: not there; make it with snakemake <study> --forcerun simulate_granules")
        table = granule_table(read_table(catalogue)).assign(source=SIMULATED)
        table["url"] = table["file_name"]
        return select(table, product, region, period, filters, asked=f"simulated archive {self.folder}")

    def fetch(self, granules, folder=None):
        """The ledger of granules checked where the simulation wrote them; `folder` is not used."""
        return verify.check_in_place(granules, lambda row: self.folder / row.product / row.url)
