"""
Search ITS_LIVE's catalogues: image pairs and mosaics in its STAC service, datacubes in a list of its own.

All lie on public storage without login. There is no subsetting by a service: a pair is downloaded whole, cubes and
mosaics are read in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import shapely

from nunatak.archives import EmptyAnswer, ServiceFailed
from nunatak.archives.local import footprint
from nunatak.archives.nasa.catalogue import boxes
from nunatak.archives.nasa.records import base_name
from nunatak.archives.transfer.transport import failed, patient
from nunatak.files import remote
from nunatak.granules import GranuleNameError, parse
from nunatak.runtime import log

PAIRS, MOSAICS = "itslive-granules", "velocity-mosaics"  # collections
NO_SUBSETS = "ITS_LIVE has no Harmony service: pairs come whole, cubes and mosaics are read in place"
_PAGE = 500  # items of one answer
# three names of the same objects
_PUBLIC = "https://its-live-data.s3.amazonaws.com/"
_OTHER_NAMES = ("s3://its-live-data/", "http://its-live-data.s3.amazonaws.com/")


class StacCatalogue:
    """
    The STAC catalogue at an address.

    Parameters
    ----------
    address : such as "https://stac.itslive.cloud"
    """

    def __init__(self, address="https://stac.itslive.cloud"):
        self.address = address.rstrip("/")

    def pairs(self, region: Any, period: Any, filters: Any) -> tuple[list[dict], list[str]]:
        """
        Return rows of every pair whose footprint touches the region's boxes and whose images span the period.

        Parameters
        ----------
        region, period : Region and Period of a study, or None
        filters : Filters. The service tests `percent_valid_pixels`, `min_separation` and `max_separation`

        Returns
        -------
        rows : rows of a granule table, with each pair once
        notes : items that are not pairs

        Raises
        ------
        ServiceFailed : the answer was incomplete, which is never taken for an empty one
        """
        rows, notes = self._rows(PAIRS, pair_row, region, period, conditions(filters))
        return [row for row in rows if wanted(parse(row["file_name"]), filters)], notes

    def mosaics(self, region: Any, period: Any) -> tuple[list[dict], list[str]]:
        """
        Return rows of the annual and static mosaics that touch the region's boxes and the period, and notes.

        Parameters
        ----------
        region, period : Region and Period of a study, or None
        """
        return self._rows(MOSAICS, mosaic_row, region, period, None)

    def _rows(self, collection, row_of, region, period, asked):
        """Return the rows of a collection in all boxes and spans, and notes."""
        rows: dict[str, dict] = {}
        notes: list[str] = []
        for box in boxes(region):
            for span in [None] if period is None else period.spans():
                for item in self._answer(collection, box, span, asked):
                    try:
                        rows.setdefault(item["id"], row_of(item))
                    except (GranuleNameError, KeyError) as error:
                        notes.append(f"{item.get('id')}: left out: {error}")
        for note in notes:
            log.warning("%s", note)
        return list(rows.values()), notes

    def _answer(self, collection, box, span, asked) -> list[dict]:
        """Return all items of one search, after comparing their number with the one that the service states."""
        import pystac_client
        import requests
        from pystac_client.stac_api_io import StacApiIO

        words: dict = {"collections": [collection], "limit": _PAGE}
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
        except NotImplementedError as error:  # raised by the client for a catalogue that cannot be searched
            raise failed(self.address, error) from None
        ids = {item["id"] for item in items}
        if stated is not None and len(ids) != stated:
            what = "image pairs" if collection == PAIRS else "mosaics"
            raise ServiceFailed(
                f"{self.address}: states {stated} {what} but sends {len(ids)}; wait and run again, so that none "
                "is missing"
            )
        return items


def conditions(filters: Any) -> dict | None:
    """
    Return a study's conditions on every pair in CQL2, or None without any.

    The service's list of queryables names `dt_days`, while its items and ITS_LIVE's own client use `date_dt`.

    Parameters
    ----------
    filters : Filters
    """
    asked = [
        (">=", "percent_valid_pixels", filters.percent_valid_pixels),
        (">=", "date_dt", filters.min_separation),
        ("<=", "date_dt", filters.max_separation),
    ]
    terms = [{"op": op, "args": [{"property": name}, value]} for op, name, value in asked if value is not None]
    return {"op": "and", "args": terms} if terms else None


def wanted(named: Any, filters: Any) -> bool:
    """
    Return whether a pair's name meets the conditions of `conditions`, with days rounded as in the service.

    Parameters
    ----------
    named : GranuleName of the pair
    filters : Filters
    """
    days = round(named.date_dt)
    return (
        named.percent_valid >= (filters.percent_valid_pixels or 0)
        and days >= (filters.min_separation or 0)
        and days <= (filters.max_separation or days)
    )


def pair_row(item: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return one STAC item as a row of a granule table, with the times of the two images.

    Parameters
    ----------
    item : STAC item

    Raises
    ------
    GranuleNameError : the item has no asset that is a pair's file
    """
    link, size = _data_of(item)
    named = parse(base_name(link))
    return {
        **_row(item, link, size),
        "time_start": named.acquisition_date_img1,
        "time_end": named.acquisition_date_img2,
    }


def mosaic_row(item: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a mosaic's row: its NetCDF file, and in `cogs` the variables that also exist as GeoTIFFs.

    Parameters
    ----------
    item : STAC item
    """
    link, size = _data_of(item)
    properties = item["properties"]
    cogs = sorted(name.removeprefix("cog_") for name in item["assets"] if name.startswith("cog_"))
    start, end = (
        datetime.fromisoformat(properties[f"{side}_datetime"]).replace(tzinfo=None) for side in ("start", "end")
    )
    return {
        **_row(item, link, size),
        "time_start": start,
        "time_end": end,
        "kind": properties.get("temporal_coverage_type"),
        "epsg": properties.get("epsg"),
        "cogs": " ".join(cogs),
    }


def cog_of(mosaic_url: str, variable: str) -> str:
    """
    Return the address of the GeoTIFF of one variable of a mosaic.

    Parameters
    ----------
    mosaic_url : address of the mosaic's NetCDF file
    variable : such as v

    >>> cog_of("https://host/v2.1/static/ITS_LIVE_velocity_120m_RGI01A_0000_V02.1.nc", "v")
    'https://host/v2.1/static/cog/ITS_LIVE_velocity_120m_RGI01A_0000_V02.1_v.tif'
    """
    folder, _, name = mosaic_url.rpartition("/")
    return f"{folder}/cog/{name.removesuffix('.nc')}_{variable}.tif"


def cubes(address: str, region: Any) -> list[dict]:
    """
    Return rows of the datacubes that touch a region's boxes, from the list (GeoJSON) at an address.

    Parameters
    ----------
    address : address of the list
    region : Region, or None

    Raises
    ------
    ServiceFailed : the list could not be read
    """
    import requests

    try:
        with patient(remote.public_session()) as asking:
            answer = asking.get(address)
            answer.raise_for_status()
            features = answer.json()["features"]
            rows = [_cube_row(feature) for feature in features if feature["properties"].get("datacube_exist", 1)]
    except (requests.exceptions.RequestException, ValueError, KeyError, TypeError) as error:
        raise failed(address, error) from None
    areas = [shapely.box(*box) for box in boxes(region) if box is not None]
    near = [row for row in rows if not areas or any(area.intersects(row["geometry"]) for area in areas)]
    return [{**row, "geometry": footprint.to_text(row["geometry"])} for row in near]


def _cube_row(feature):
    """Return the row of a datacube."""
    properties = feature["properties"]
    link = public(properties["zarr_url"])
    shape, epsg = shapely.geometry.shape(feature["geometry"]), properties.get("epsg") or properties["data_epsg"]
    west, _, east, _ = shape.bounds
    if east - west > 180 and "geometry_epsg" in properties:  # across the antimeridian or a pole: use its own grid
        shape = footprint.of_grid(shapely.geometry.shape(properties["geometry_epsg"]).bounds, f"EPSG:{epsg}")
    named = parse(base_name(link))
    return {
        "granule_id": named.granule_id,
        "file_name": named.name,
        "url": link,
        "source": "earthdata",
        "geometry": shape,
        "epsg": str(epsg),
        "roi_percent_coverage": properties.get("roi_percent_coverage"),
        "granule_count": properties.get("granule_count"),
    }


def public(link: str) -> str:
    """
    Return an object's public address from any of its names.

    Parameters
    ----------
    link : address in any form
    """
    for other in _OTHER_NAMES:
        if link.startswith(other):
            return _PUBLIC + link.removeprefix(other)
    return link


def _data_of(item):
    """Return address and size of an item's NetCDF file."""
    assets = item.get("assets", {}).values()
    links = [a for a in assets if "data" in a.get("roles", ()) and a["href"].endswith(".nc")]
    if not links:
        raise GranuleNameError(f"{item['id']}: has no link to a data file")
    return public(links[0]["href"]), links[0].get("file:size")


def epsg_of(code: Any) -> int | None:
    """
    Return the EPSG number of a catalogue's projection, or None if it has none.

    Parameters
    ----------
    code : such as EPSG:3031

    >>> epsg_of("EPSG:3031"), epsg_of(None)
    (3031, None)
    """
    authority, _, number = str(code).partition(":")
    return int(number) if authority == "EPSG" and number.isdecimal() else None


def _row(item, link, size):
    """Return the columns that pairs and mosaics share."""
    named = parse(base_name(link))
    shape = shapely.geometry.shape(item["geometry"]) if item.get("geometry") else None
    return {
        "granule_id": named.granule_id,
        "file_name": named.name,
        "url": link,
        "source": "earthdata",
        "size_bytes": size,
        "geometry": footprint.to_text(shape),
        "epsg": epsg_of(item.get("properties", {}).get("proj:code")),
        "collection_id": item.get("collection"),
        "concept_id": item["id"],
    }


def nothing(asked: str, what: str, region: Any, period: Any) -> EmptyAnswer:
    """
    Return the error for a catalogue that answered without any item.

    Parameters
    ----------
    asked : address of the catalogue
    what : name of the items
    region, period : Region and Period of a study, or None
    """
    where = f" in {region.name}" if region is not None else ""
    when = f", {period}" if period is not None else ""
    return EmptyAnswer(f"{asked}: has no {what}{where}{when}; widen the study")


def session() -> Any:
    """Return a session for downloads from public storage, which sends no login and has none to renew."""
    made = remote.public_session()
    made.login_again = lambda: False
    return made
