"""Define the interface of archives, the filters of a search, and the outcome of fetching a granule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from nunatak.archives import releases
from nunatak.constants import SIMULATED
from nunatak.geometry.outlines import STUDY_REGION, altimetry_area
from nunatak.granules.products import product_row

if TYPE_CHECKING:
    from pathlib import Path


class Archive(Protocol):
    """An archive of granules."""

    def search(self, product: str, region: Any, period: Any, filters: Filters | None = None) -> pd.DataFrame:
        """
        Return the granule table (`granules.granule_table`) of a product in a region and a period.

        `attrs["notes"]` lists remarks for the reader of the table. Raises `EmptyAnswer`, `ServiceFailed` or
        `LoginRefused`.
        """

    def fetch(self, granules: pd.DataFrame, folder: str | Path | None = None) -> pd.DataFrame:
        """Fetch granules and return the ledger (`granules.ledger`), with one row for each of them."""


@dataclass(frozen=True)
class Filters:
    """
    Conditions of a search beyond region and period.

    A field that is None sets no condition.

    Attributes
    ----------
    version : release such as "006", or None for the highest of each granule
    rgt, cycles, region_numbers : reference ground tracks, cycles, parts of the orbit
    resolutions : of ATL14/15, such as "10km"
    hemisphere : of ATL07/10/20, "north" or "south"
    quick_look : whether quick-look granules are taken if the final one does not exist yet
    mixed : whether several releases are allowed without a note (a study's `version: any`)
    percent_valid_pixels, min_separation, max_separation : of image pairs, conditions for a catalogue on the network, so
        that unneeded pairs are not fetched. The velocity's own selection tests every pair again
    """

    version: str | None = None
    rgt: tuple[int, ...] | None = None
    cycles: tuple[int, ...] | None = None
    region_numbers: tuple[int, ...] | None = None
    resolutions: tuple[str, ...] | None = None
    hemisphere: str | None = None
    quick_look: bool | None = None
    percent_valid_pixels: float | None = None
    min_separation: float | None = None
    max_separation: float | None = None
    mixed: bool | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Filters:
        """Return the filters among the settings of a study's product, a mapping whose other keys are ignored."""
        given: dict[str, Any] = {}
        for field in fields(cls):
            value = settings.get(field.name)
            given[field.name] = tuple(value) if isinstance(value, list | tuple) else value
        if given["version"] == releases.ANY:
            given |= {"version": None, "mixed": True}
        return cls(**given)


@dataclass(frozen=True)
class Outcome:
    """The outcome of one granule, in the columns of the ledger."""

    granule_id: str
    path: str
    status: str
    reason: str = ""
    size_bytes: int | None = None
    sha256: str | None = None


def outline_of(outlines: Mapping[str, Any], product: str) -> Any:
    """
    Return the region in which to search for a product: the altimetry's own if there is one, else the study's.

    Parameters
    ----------
    outlines : regions of the study, by key
    product : such as "atl06"
    """
    row = product_row(product)
    return outlines[STUDY_REGION] if row.kept == "pairs" or row.source_of else altimetry_area(outlines)


def source_of(table: pd.DataFrame, archive: str) -> str:
    """
    Return the source to write in results: SIMULATED if any granule is simulated, else the archive's name.

    Parameters
    ----------
    table : granule table
    archive : name of the archive
    """
    if archive == "simulated" or table["source"].eq(SIMULATED).any():
        return SIMULATED
    return archive
