"""
Search NASA's catalogue (CMR) through earthaccess, and check that answers are complete.

A search needs no login and sends none, so that an expired token does not spoil a public answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import shapely

from nunatak.archives import EmptyAnswer, ServiceFailed
from nunatak.archives.nasa import records
from nunatak.archives.transfer.transport import failed, patient, redacted
from nunatak.granules import GranuleNameError
from nunatak.granules.products import product_row
from nunatak.runtime import NunatakError, log

PROVIDER = "NSIDC_CPRD"  # the cloud archive, as the one on the ground holds the same granules
_LAST = timedelta(seconds=1)
_MAX_NAMES = 60  # patterns in one query, as addresses are limited to about 6000 characters
_MAX_BOXES = 12  # of a region with many islands. With more, one box for each side of Greenwich is used


class Catalogue:
    """
    The catalogue at an address.

    Parameters
    ----------
    address : such as "https://cmr.earthdata.nasa.gov"
    provider : provider of the records
    """

    def __init__(self, address="https://cmr.earthdata.nasa.gov", provider=PROVIDER):
        self.address = address.rstrip("/")
        self.provider = provider

    def collections(self, product: str) -> pd.DataFrame:
        """
        Return the releases of a product, in the order of the versions.

        Parameters
        ----------
        product : short name of the collection

        Returns
        -------
        DataFrame with `version` (three digits), `stated` (as the catalogue spells it), `collection_id`, `begins`,
        `ends`, `doi`

        Raises
        ------
        EmptyAnswer : the provider has no such collection
        ServiceFailed : the answer was incomplete
        """
        from earthaccess.search import DataCollections

        query = self._query(DataCollections).short_name(product.upper()).provider(self.provider)
        releases = [
            {
                "version": _release(item["umm"]["Version"]),
                "stated": str(item["umm"]["Version"]),
                "collection_id": item["meta"]["concept-id"],
                "begins": _extent(item["umm"], "BeginningDateTime", min),
                "ends": _extent(item["umm"], "EndingDateTime", max),
                "doi": item["umm"].get("DOI", {}).get("DOI"),
            }
            for item in self._answer(query)
        ]
        if not releases:
            raise EmptyAnswer(
                f"{self.address}: {self.provider} has no collection {product.upper()}; see docs/study_reference.md for "
                "the known products"
            )
        return pd.DataFrame(releases).sort_values("version", ignore_index=True)

    def release(
        self, collection: str, version: str | None = None, *, product: str | None = None
    ) -> tuple[Any, str | None]:
        """
        Return the collection of a release, by default of the latest.

        Parameters
        ----------
        collection : short name, which for most products is their own name
        version : such as "006". Default: the latest
        product : name in the study file. Default: the short name

        Returns
        -------
        row of `collections`, and a note if a newer release exists (else None)
        """
        product = product or collection
        releases = self.collections(collection)
        if version is None:
            return releases.iloc[-1], None
        matching = releases[releases["version"] == version]
        if matching.empty:
            raise EmptyAnswer(
                f"{self.address}: {product} has no release {version}; it has {', '.join(releases['version'])}: set "
                f"products.{product}.version to one of them"
            )
        newer = releases["version"].iloc[-1]
        note = (
            f"release {newer} of {product} exists; release {version} is used, as the study asks"
            if newer > version
            else None
        )
        return matching.iloc[-1], note

    def granules(
        self, product: str, version: str, region: Any, period: Any, filters: Any
    ) -> tuple[list[dict], list[str]]:
        """
        Return rows of all granules of a release that the catalogue places in region and period.

        Parameters
        ----------
        product : short name of the collection
        version : release as the catalogue spells it
        region, period : Region and Period of a study, or None
        filters : Filters

        Returns
        -------
        rows : see `records.row`, with each granule once
        notes : records that are not granules
        """
        rows: dict[str, dict] = {}
        notes: list[str] = []
        for question in self._questions(product, version, region, period, filters):
            for record in self._answer(question):
                concept = record["meta"]["concept-id"]
                if concept in rows:
                    continue
                try:
                    rows[concept] = records.row(record)
                except GranuleNameError as error:
                    notes.append(f"{concept}: left out: {redacted(error)}")
        return list(rows.values()), notes

    def named(self, product: str, names: Sequence[str]) -> list[dict]:
        """
        Return rows of the granules whose file names fit one of the patterns (* and ?), in any release.

        Parameters
        ----------
        product : short name of the collection
        names : patterns
        """
        rows = []
        for start in range(0, len(names), _MAX_NAMES):
            query = self._granule_query(product).granule_name(list(names[start : start + _MAX_NAMES]))
            rows += [records.row(record) for record in self._answer(query)]
        return rows

    def _questions(self, product, version, region, period, filters):
        """Yield one query per box of the region, span of the period and group of names."""
        for box in boxes(region):
            for span in [None] if period is None or product_row(product).one_epoch else period.spans():
                for names in name_patterns(product.removesuffix("ql"), filters):
                    query = self._granule_query(product).version(version)
                    if box is not None:
                        query = query.bounding_box(*box)
                    if span is not None:
                        start, end = (instant.astype("datetime64[s]").astype(datetime) for instant in span)
                        query = query.temporal(start, end - _LAST)
                    yield query.granule_name(names) if names else query

    def _granule_query(self, product):
        """Return a query for the granules of a product."""
        from earthaccess.search import DataGranules

        return self._query(DataGranules).short_name(product.upper()).provider(self.provider)

    def _query(self, kind):
        """Return an empty query at this address."""
        query = kind()
        query.mode(f"{self.address}/search/")
        patient(query.session)
        return query

    def _answer(self, query) -> list[dict]:
        """Return all items of a query, sent again if their number is not the one that the catalogue states."""
        for _ in range(2):
            stated, items = self._ask(query)
            found = list({item["meta"]["concept-id"]: item for item in items}.values())
            if len(found) == stated:
                return found
            log.warning("%s: states %d records, sent %d; asking again", self.address, stated, len(found))
        raise ServiceFailed(
            f"{self.address}: states {stated} records but sends {len(found)}; wait and run again: none may be missing"
        )

    def _ask(self, query):
        """Send a query once, and return the stated number and the items."""
        import requests

        try:
            stated = query.hits()
            return stated, [dict(item) for item in query.get(stated)] if stated else []
        except RuntimeError as error:
            raise _refused(self.address, error) from None
        except (KeyError, TypeError, AttributeError) as error:
            counted = "cmr-hits" not in str(error).lower()
            text = "it sent no count of records: a login page or a proxy, not the catalogue"
            text = "it sent records of another form than its own" if counted else text
            raise failed(self.address, ValueError(f"{text} ({error!r})")) from None
        except (requests.exceptions.RequestException, ValueError) as error:
            raise failed(self.address, error) from None


def boxes(region: Any) -> list[Any]:
    """
    Return (west, south, east, north) of each part of a region, cut at the antimeridian, or [None] without a region.

    Parameters
    ----------
    region : Region, or None
    """
    if region is None:
        return [None]
    return [tuple(float(v) for v in shapely.bounds(part)) for part in shapely.get_parts(_joined(region.geometry))]


def name_patterns(product: str, filters: Any) -> list[list[str]]:
    """
    Return groups of file name patterns for the tracks and cycles of the filters, or [[]] without any.

    Parameters
    ----------
    product : such as "atl06"
    filters : Filters

    >>> from nunatak.archives.archive import Filters
    >>> name_patterns("atl06", Filters(rgt=(548,), cycles=(3, 7)))
    [['ATL06*_054803??_*', 'ATL06*_054807??_*']]
    """
    form = product_row(product).name_form
    if "{rgt" not in form or not (filters.rgt or filters.cycles):
        return [[]]
    tracks = [f"{track:04d}" for track in filters.rgt or ()] or ["????"]
    cycles = [f"{cycle:02d}" for cycle in filters.cycles or ()] or ["??"]
    if "{cycle_end" in form:
        cycles = [""]  # names of ATL11 hold the first and the last cycle
    patterns = [f"{product.upper()}*_{track}{cycle}??_*" for track in tracks for cycle in cycles]
    return [patterns[start : start + _MAX_NAMES] for start in range(0, len(patterns), _MAX_NAMES)]


def _joined(geometry):
    """Join parts whose boxes touch, for fewer queries, since the filter of `selection.select` is exact."""
    parts = [shapely.box(*shapely.bounds(part)) for part in shapely.get_parts(geometry)]
    for _ in range(8):
        merged = [shapely.box(*shapely.bounds(part)) for part in shapely.get_parts(shapely.union_all(parts))]
        if len(merged) == len(parts):
            break
        parts = merged
    if len(parts) > _MAX_BOXES:
        sides = [[p for p in parts if p.centroid.x < 0], [p for p in parts if p.centroid.x >= 0]]
        parts = [shapely.box(*shapely.total_bounds(side)) for side in sides if side]
    return shapely.multipolygons(parts)


def _refused(address, error):
    """Return the catalogue's reason for refusing a query, or a failure of the service."""
    answer = getattr(error.__cause__, "response", None)
    if answer is not None and answer.status_code in (400, 422):
        return NunatakError(
            f"{address}: refuses the question: {redacted(error)[:300]}; correct the study's region, period or release"
        )
    if answer is not None:
        return failed(address, RuntimeError(f"status {answer.status_code}: {str(error)[:200]}"))
    return failed(address, error)


def _release(text):
    """Return the release as in file names, three digits if it is a number."""
    return f"{int(text):03d}" if str(text).isdecimal() else str(text)


def _extent(umm, key, choose):
    """Return the first or last instant of a collection."""
    values = [
        span[key]
        for extent in umm.get("TemporalExtents", [])
        for span in extent.get("RangeDateTimes", [])
        if span.get(key)
    ]
    return np.datetime64(choose(values)[:19], "s") if values else None
