"""
Image pairs of ITS_LIVE: found in its STAC catalogue, kept on public storage that wants no login.

There is no server-side subset of these granules; each comes whole.
"""

from __future__ import annotations

from datetime import datetime

import shapely

from nunatak import remote
from nunatak.archives import EmptyAnswer, ServiceFailed, footprint
from nunatak.archives.catalogue import boxes
from nunatak.archives.records import base_name
from nunatak.archives.transport import failed, patient
from nunatak.granules import GranuleNameError, parse
from nunatak.runtime import log

COLLECTION = "itslive-granules"
_PAGE = 500  # items of one answer
_PUBLIC = ("s3://its-live-data/", "https://its-live-data.s3.amazonaws.com/")  # the same objects, named two ways


class PairCatalogue:
    """
    The STAC catalogue at an address.

    Parameters
    ----------
    address : such as "https://stac.itslive.cloud"
    """

    def __init__(self, address="https://stac.itslive.cloud"):
        self.address = address.rstrip("/")

    def pairs(self, region, period, filters) -> tuple[list[dict], list[str]]:
        """
        Rows of every pair whose footprint touches the region's boxes and whose images span the period.

        Parameters
        ----------
        region, period : Region and Period of a study, or None
        filters : base.Filters; `percent_valid_pixels`, `min_separation` and `max_separation` are asked of the service

        Returns
        -------
        rows : of a granule table; a pair that several questions found, once
        notes : items that are no pair's

        Raises
        ------
        ServiceFailed : no whole answer; never taken for an empty one
        """
        rows: dict[str, dict] = {}
        notes: list[str] = []
        for box in boxes(region):
            for span in [None] if period is None else period.spans():
                for item in self._answer(box, span, conditions(filters)):
                    try:
                        rows.setdefault(item["id"], row(item))
                    except (GranuleNameError, KeyError) as error:
                        notes.append(f"{item.get('id')}: left out: {error}")
        return list(rows.values()), notes

    def _answer(self, box, span, asked) -> list[dict]:
        """All items of one question, held against the number the service states where it does."""
        import pystac_client
        import requests
        from pystac_client.stac_api_io import StacApiIO

        words: dict = {"collections": [COLLECTION], "limit": _PAGE}
        if box is not None:
            words["bbox"] = list(box)
        if span is not None:
            words["datetime"] = "/".join(
                f"{instant.astype('datetime64[s]').astype(datetime):%FT%TZ}" for instant in span
            )
        if asked:
            words |= {"filter": asked, "filter_lang": "cql2-json"}
        try:
            carrier = StacApiIO()
            patient(carrier.session)
            pages = list(pystac_client.Client.open(self.address, stac_io=carrier).search(**words).pages_as_dicts())
            items = [item for page in pages for item in page["features"]]
            stated = next((page["numberMatched"] for page in pages if "numberMatched" in page), None)
        except (pystac_client.exceptions.APIError, requests.exceptions.RequestException, ValueError, KeyError) as error:
            raise failed(self.address, error) from None
        except NotImplementedError as error:  # the client's word for a catalogue that cannot be searched
            raise failed(self.address, error) from None
        found = {item["id"] for item in items}
        if stated is not None and len(found) != stated:
            raise ServiceFailed(
                f"{self.address}: states {stated} image pairs but sends {len(found)}; wait and run again, so that none "
                "is missing"
            )
        return items


def conditions(filters) -> dict | None:
    """What a study asks of every pair, in CQL2; None for nothing."""
    asked = [
        (">=", "percent_valid_pixels", filters.percent_valid_pixels),
        (">=", "dt_days", filters.min_separation),
        ("<=", "dt_days", filters.max_separation),
    ]
    terms = [{"op": op, "args": [{"property": name}, value]} for op, name, value in asked if value is not None]
    return {"op": "and", "args": terms} if terms else None


def row(item) -> dict:
    """
    One STAC item as a row of a granule table; times are those of the two images.

    Raises
    ------
    GranuleNameError : no asset is a pair's file
    """
    assets = item.get("assets", {}).values()
    links = [a["href"] for a in assets if "data" in a.get("roles", ()) and a["href"].endswith(".nc")]
    if not links:
        raise GranuleNameError(f"{item['id']}: has no link to a data file")
    url = links[0].replace(*_PUBLIC)
    named = parse(base_name(url))
    sizes = [asset.get("file:size") for asset in assets if asset.get("href") == links[0]]
    shape = shapely.geometry.shape(item["geometry"]) if item.get("geometry") else None
    return {
        "granule_id": named.granule_id, "file_name": named.name, "url": url, "source": "earthdata",
        "size_bytes": sizes[0] if sizes else None, "geometry": footprint.to_text(shape),
        "time_start": named.acquisition_date_img1, "time_end": named.acquisition_date_img2,
        "collection_id": item.get("collection"), "concept_id": item["id"],
    }  # fmt: skip


def search(address, region, period, filters, asked):
    """Rows and notes of the pairs there are; see `PairCatalogue.pairs`. Raises EmptyAnswer where there is none."""
    rows, notes = PairCatalogue(address).pairs(region, period, filters)
    if not rows:
        where = f" in {region.name}" if region is not None else ""
        raise EmptyAnswer(f"{asked}: has no image pair{where}, {period}; widen the study")
    for note in notes:
        log.warning("%s", note)
    return rows, notes


def session():
    """A session for public storage, for downloads: no login is sent, and none can be renewed."""
    made = remote.public_session()
    made.login_again = lambda: False
    return made
