"""Declare what every archive is: its two verbs, the filters it answers to, and the outcome of fetching a granule."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Protocol

import pandas as pd

from nunatak.archives import releases
from nunatak.constants import SIMULATED
from nunatak.geometry.outlines import STUDY_REGION, altimetry_area
from nunatak.granules.products import product_row


class Archive(Protocol):
    """Where granules come from."""

    def search(self, product, region, period, filters=None) -> pd.DataFrame:
        """
        The granule table (`granules.granule_table`) of a product in a region and a period.

        `attrs["notes"]` lists, in words, what a reader of the table should know. Raises `EmptyAnswer`,
        `ServiceFailed` or `LoginRefused`.
        """

    def fetch(self, granules, folder=None) -> pd.DataFrame:
        """The ledger (`granules.ledger`): one row for each granule asked for, whatever came of it."""


@dataclass(frozen=True)
class Filters:
    """
    What a study asks of a product beyond region and period.

    A field that is None asks nothing.

    Attributes
    ----------
    version : release such as "006"; None takes the highest of each granule
    rgt, cycles, region_numbers : reference ground tracks, cycles, parts of the orbit
    resolutions : of ATL14/15, such as "10km"
    hemisphere : of ATL07/10/20, "north" or "south"
    quick_look : whether quick-look granules are taken where the final one has not come
    mixed : whether granules of several releases are meant (a study's `version: any`), and nobody is told
    percent_valid_pixels, min_separation, max_separation : of image pairs; what a catalogue on the network is asked, so
        that pairs nobody wants are not fetched; the velocity's own selection asks them of every pair
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
    def of(cls, settings) -> Filters:
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
    """What became of one granule, in the fields of the ledger."""

    granule_id: str
    path: str
    status: str
    reason: str = ""
    size_bytes: int | None = None
    sha256: str | None = None


def outline_of(outlines, product):
    """The Region to search for a product: altimetry has its own where the study gives one, else the study's region."""
    return outlines[STUDY_REGION] if product_row(product).kept == "pairs" else altimetry_area(outlines)


def source_of(table, archive) -> str:
    """What descends from these granules is stamped with: SIMULATED when any of them is, else the archive's name."""
    if archive == "simulated" or table["source"].eq(SIMULATED).any():
        return SIMULATED
    return archive
