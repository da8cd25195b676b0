"""Search NASA's Earth data in its catalogue, and fetch it over HTTPS into one folder for all studies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nunatak.archives import EmptyAnswer, ServiceFailed, quick_looks, streaming
from nunatak.archives.archive import Filters, Outcome
from nunatak.archives.itslive import geoparquet, height_change, image_pairs
from nunatak.archives.nasa import catalogue, icepyx_orders, login, s3, subsets
from nunatak.archives.selection import select
from nunatak.archives.transfer import download
from nunatak.archives.transfer.transport import BackOff
from nunatak.granules import granule_table, granules_of, ledger, parse
from nunatak.granules.products import product_row, products_with
from nunatak.runtime import NunatakError, log
from nunatak.study.models import Endpoints

_ASKED = ("subset", "client", "transfer", "stream", "pairs")  # settings that a study may lack


class EarthdataArchive:
    """
    Granules of ICESat-2 products at NSIDC, and ITS_LIVE's image pairs, datacubes and mosaics on its public storage.

    Parameters
    ----------
    resources : originals are kept below `<resources>/archive/earthdata/<product>`
    endpoints : addresses of the services by name (`study.models.Endpoints`)
    connections : files downloaded at a time. Default: 4
    subset : region and period for the service to subset granules (`asking.asked_of`), or None for whole granules
    client : "harmony" or "icepyx", which places the orders of subsets
    transfer : "https", "s3" (only inside AWS us-west-2), or "auto" (s3 if it answers)
    stream : whether granules are read in place instead of downloaded
    pairs : "stac" or "geoparquet", the catalogue of image pairs
    """

    def __init__(
        self,
        resources="resources",
        *,
        endpoints=None,
        connections=4,
        subset=None,
        client="harmony",
        transfer="https",
        stream=False,
        pairs="stac",
    ):
        self.folder = Path(resources) / "archive" / "earthdata"
        self.endpoints = endpoints if isinstance(endpoints, Endpoints) else Endpoints(**(endpoints or {}))
        self.catalogue = catalogue.Catalogue(self.endpoints.cmr)
        self.connections = connections
        self.subset, self.client, self.transfer, self.stream, self.pairs = subset, client, transfer, stream, pairs
        self.back_off = BackOff(self.folder / ".back_off")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> EarthdataArchive:
        """
        Open the archive of a study.

        Parameters
        ----------
        settings : mapping of `resources`, `endpoints` and `connections` (both mappings by service), and of the other
            arguments of this class
        """
        return cls(
            settings.get("resources") or "resources",
            endpoints=settings.get("endpoints"),
            connections=(settings.get("connections") or {}).get("nsidc", 4),
            **{key: settings[key] for key in _ASKED if key in settings},
        )

    def search(self, product: str, region: Any, period: Any, filters: Filters | None = None) -> Any:
        """
        Return the granule table of a product in a region and a period (see `Archive.search`).

        The search needs no login. The release that answered, its collection and each record's id and revision are
        columns of the table.
        """
        product = granules_of(product)
        filters = filters or Filters()
        if product_row(product).service == "itslive":
            return self._search_itslive(product, region, period, filters)
        collection = _collection(product, region)
        release, newer = self.catalogue.release(collection, filters.version, product=product)
        span = None if product_row(product).one_epoch else period
        rows, notes = self.catalogue.granules(collection, release["stated"], region, span, filters)
        asked = f"{self.catalogue.address} ({product} release {release['version']})"
        if not rows and notes:  # an unusable answer is not an empty one
            raise ServiceFailed(f"{asked}: {len(notes)} records, none of which names a granule's file ({notes[0]})")
        if not rows and not filters.quick_look:
            raise EmptyAnswer(_nothing(asked, product, release, region, period, filters))
        for row in rows:
            row["collection_id"] = row["collection_id"] or release["collection_id"]
        if filters.quick_look:
            more, said = self._quick_looks(product, region, period, filters)
            rows, notes = rows + more, notes + said
        answer = select(granule_table(rows), product, region, period, filters, asked=asked)
        notes += [newer] if newer else []
        for note in notes:
            log.warning("%s", note)
        answer.attrs["notes"] = notes + answer.attrs["notes"]
        return answer

    def _quick_looks(self, product, region, period, filters):
        """Return rows of the product's quick looks, which are a collection of their own, and notes."""
        product = f"{product}ql"
        try:
            release, _ = self.catalogue.release(product)
        except EmptyAnswer as error:
            return [], [str(error)]
        rows, notes = self.catalogue.granules(product, release["version"], region, period, filters)
        for row in rows:
            row["collection_id"] = row["collection_id"] or release["collection_id"]
        return rows, notes

    def with_finals(self, locked: Any) -> Any:
        """
        Return the granules of a lock, with each quick look replaced by its final granule if that exists.

        Parameters
        ----------
        locked : granule table of the lock

        Returns
        -------
        granule table, with a note in `attrs["notes"]` for each that was replaced
        """
        rows: list[Any] = []
        notes: list[str] = []
        for row in locked.to_dict("records"):
            named = parse(row["file_name"])
            found = self._finals(named) if named.quick_look else []
            if found:
                final = max(found, key=lambda one: one["file_name"])
                notes.append(f"{row['file_name']} {quick_looks.REPLACED}{final['file_name']}")
            rows.append(final if found else row)
        table = granule_table(rows)
        table.attrs["notes"] = notes
        return table

    def _finals(self, named):
        """Return rows of the final granules of a quick look's pass."""
        hemisphere = named.file_name.removeprefix(f"{named.product.upper()}QL").partition("_")[0]
        track = f"{named.rgt:04d}{named.cycle:02d}{named.region_number:02d}"
        return self.catalogue.named(named.product, [f"{named.product.upper()}{hemisphere}_*_{track}_*"])

    def _search_itslive(self, product, region, period, filters):
        """Search image pairs in one of two catalogues, datacubes in their list, or mosaics."""
        where, what = self.endpoints.stac, "image pair"
        notes: list[str] = []
        if product == "itslive_cube":
            where, what = self.endpoints.itslive_cubes, "datacube"
            rows, period = image_pairs.cubes(where, region), None  # a cube holds every pair of its place
        elif product in height_change.PRODUCTS:
            where, what = height_change.PLACE, "record of height change"
            rows = height_change.records(product)
        elif product == "itslive_mosaic":
            what = "mosaic"
            rows, notes = image_pairs.StacCatalogue(where).mosaics(region, period)
        elif self.pairs == "geoparquet":
            where = self.endpoints.itslive_parquet
            rows, notes = geoparquet.ParquetCatalogue(where).pairs(region, period, filters)
        else:
            rows, notes = image_pairs.StacCatalogue(where).pairs(region, period, filters)
        if not rows:
            raise image_pairs.nothing(where, what, region, period)
        version = Filters(version=filters.version)
        asked = filters if product == "itslive" else version
        answer = select(granule_table(rows), product, region, period, asked, asked=where)
        answer.attrs["notes"] = notes + answer.attrs["notes"]
        return answer

    def fetch(self, granules: Any, folder: Any = None) -> Any:
        """
        Download granules, or check those already here, and return the ledger.

        See `download.fetch`. Datacubes and mosaics are not downloaded, and no granule is if `stream` is set. If the
        service subsets granules, the subset of each is fetched, or the whole granule if there is none. The login is
        used only if something is missing.
        """
        folder = Path(folder or self.folder)
        in_place = granules["product"].isin((*products_with(service="itslive", in_study=False), "itslive_mosaic"))
        if self.subset and len(granules) and _of_itslive(granules):
            log.warning("%s", image_pairs.NO_SUBSETS)
        if self.stream or (len(granules) and in_place.all()):
            return streaming.look(self._placed(granules), self.endpoints, connections=self.connections)
        if self.subset and granules["product"].isin(products_with(harmony=True)).all() and len(granules):
            return self._fetch_subsets(granules, folder)
        return self._fetch_whole(granules, folder)

    def _fetch_whole(self, granules, folder):
        """Fetch whole granules from the cloud's storage or over HTTPS."""
        if _of_itslive(granules):
            return self._brought(granules, folder, image_pairs.session, None)
        placed = self._placed(granules)
        in_cloud = placed["url"].str.startswith("s3://").fillna(False).to_numpy(dtype=bool)
        ways = ((placed[in_cloud], self._storage), (placed[~in_cloud], self._login))
        parts = [self._brought(part, folder, opened, self.successor) for part, opened in ways if len(part)]
        return ledger([row for part in parts for row in part.to_dict("records")])

    def _brought(self, granules, folder, opened, successor):
        """Download granules with a session."""
        return download.fetch(
            granules, folder, opened, back_off=self.back_off, connections=self.connections, successor=successor
        )

    def _login(self):
        """Return the session of the login."""
        return login.session(self.endpoints.login)

    def _storage(self):
        """Return the session for the cloud's storage."""
        return s3.session(self.endpoints)

    def _placed(self, granules):
        """Return the granules with the address to use: in the cloud's storage if that is wanted and answers."""
        if self.transfer == "https" or _of_itslive(granules):
            return granules
        if self.transfer == "s3":
            s3.require()
        known = granules["s3_url"].notna() if "s3_url" in granules else granules["url"].isna()
        if not known.all():
            log.warning("%d granules without an address in storage come over HTTPS", int((~known).sum()))
        if not known.any():
            return granules
        if self.transfer != "s3":
            first = granules["s3_url"].dropna().iloc[0]
            try:
                refused = s3.answers(self._storage(), first)
            except NunatakError as error:
                refused = str(error)
            if refused:
                log.info("taking granules over HTTPS: %s", refused)
                return granules
        return granules.assign(url=granules["s3_url"].fillna(granules["url"]))

    def _fetch_subsets(self, granules, folder):
        """Use the subsets already here, order the others, and fetch whole granules where there is no subset."""
        below = folder.parent / "harmony" / subsets.digest_of(self.subset)
        orders = self._orders(below / "orders")
        here = [(below / row.product / row.file_name).exists() for row in granules.itertuples()]
        links = dict.fromkeys(granules["granule_id"][here], "")
        settled: dict[str, Outcome] = {}
        wanted = granules[[not value for value in here]]
        if "collection_id" not in wanted:
            log.warning("the collection of the granules is not known, so nothing is ordered; taking whole granules")
            wanted = wanted.assign(collection_id=None)
        for _, part in wanted.groupby("collection_id"):
            try:
                found, nothing = orders.links(part, self.subset)
            except subsets.OrderFailed as error:
                log.warning("%s; taking whole granules", error)
                continue
            links |= found
            settled |= nothing
        staged = download.fetch(
            subsets.as_staged(granules, links),
            below,
            self._login,
            back_off=self.back_off,
            connections=self.connections,
        )
        for row in staged[staged["status"] == "failed"].itertuples():
            log.warning("%s: its subset: %s; taking the whole granule", row.granule_id, row.reason)
        staged = staged[staged["status"] != "failed"]
        rest = granules[~granules["granule_id"].isin([*staged["granule_id"], *settled])]
        whole = self._fetch_whole(rest, folder)
        return ledger([*staged.to_dict("records"), *whole.to_dict("records"), *map(vars, settled.values())])

    def _orders(self, folder):
        """Return the client that places orders."""
        if self.client == "icepyx":
            return icepyx_orders.IcepyxOrders(self.endpoints, folder)
        token = lambda: login.authenticate(self.endpoints.login).token["access_token"]  # noqa: E731
        return subsets.Orders(self.endpoints.harmony, folder, token)

    def successor(self, row: Any) -> str | None:
        """
        Return the name of the granule that replaced a missing one, or None.

        Parameters
        ----------
        row : row of the granule table
        """
        named = parse(row.file_name)
        if named.quick_look:
            return max((found["file_name"] for found in self._finals(named)), default=None)
        pattern = named.file_name.replace(f"_{named.version}_{named.revision}.", f"_{named.version}_??.")
        found = [r["file_name"] for r in self.catalogue.named(named.product, [pattern])]
        return max((name for name in found if name != named.name), default=None)


def _nothing(asked, product, release, region, period, filters):
    """Describe why a release has no granule: it does not reach the period, or nothing lies there."""
    where = f" in {region.name} ({', '.join(f'{v:.6g}' for v in region.bounds)})" if region is not None else ""
    begins, ends = release["begins"], release["ends"]
    if (
        period is not None
        and begins is not None
        and (period.end <= begins or (ends is not None and period.start > ends))
    ):
        until = f" and ends {str(ends)[:10]}" if ends is not None else ""
        return f"{asked}: begins {str(begins)[:10]}{until}, the study asks for {period}; choose a period inside"
    narrow = [f"{name} {value}" for name in ("rgt", "cycles") if (value := getattr(filters, name))]
    narrowed = f" and {', '.join(narrow)}" if narrow else ""
    return f"{asked}: has no granule{where}, {period}{narrowed}; widen the study"


def _collection(product, region):
    """Return the short name of a product's collection, for two collections that of the region's hemisphere."""
    names = product_row(product).collections
    if not names:
        return product
    if region is None:
        raise NunatakError(f"{product}: has a collection for each ice sheet ({', '.join(names)}); name a region")
    _, south, _, north = region.bounds
    return names[0] if south + north > 0 else names[1]


def _of_itslive(granules):
    """Return whether all granules are ITS_LIVE's."""
    return granules["product"].isin(products_with(service="itslive")).all()
