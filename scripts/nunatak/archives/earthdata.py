"""The archive of NASA's Earth data: searched in its catalogue, fetched over HTTPS, kept once for all studies."""

from __future__ import annotations

from pathlib import Path

from nunatak.archives import EmptyAnswer, base, catalogue, download, itslive, login
from nunatak.archives.transport import BackOff
from nunatak.granules import granule_table, granules_of
from nunatak.runtime import log


class EarthdataArchive:
    """
    Granules of ICESat-2 products at NSIDC, image pairs of ITS_LIVE on its public storage.

    Parameters
    ----------
    resources : originals are kept below `<resources>/archive/earthdata/<product>`
    endpoints : addresses of the services by name; `cmr` and `stac` are used here
    connections : files downloaded at one time
    """

    def __init__(self, resources="resources", *, endpoints=None, connections=4):
        self.folder = Path(resources) / "archive" / "earthdata"
        self.catalogue = catalogue.Catalogue((endpoints or {}).get("cmr", "https://cmr.earthdata.nasa.gov"))
        self.stac = (endpoints or {}).get("stac", "https://stac.itslive.cloud")
        self.connections = connections

    def search(self, product, region, period, filters=None):
        """
        The granule table of a product in a region and a period; see `base.Archive.search`. Needs no login.

        The release that answered, its collection and each record's id and revision are columns of the table.
        """
        product = granules_of(product)
        filters = filters or base.Filters()
        if product == "itslive":
            return self._search_pairs(region, period, filters)
        release, newer = self.catalogue.release(product, filters.version)
        rows, notes = self.catalogue.granules(product, release["version"], region, period, filters)
        asked = f"{self.catalogue.address} ({product} release {release['version']})"
        if not rows:
            raise EmptyAnswer(_nothing(asked, product, release, region, period, filters))
        for row in rows:
            row["collection_id"] = row["collection_id"] or release["collection_id"]
        answer = base.select(granule_table(rows), product, region, period, filters, asked=asked)
        notes += [newer] if newer else []
        for note in notes:
            log.warning("%s", note)
        answer.attrs["notes"] = notes + answer.attrs["notes"]
        return answer

    def _search_pairs(self, region, period, filters):
        rows, notes = itslive.search(self.stac, region, period, filters, self.stac)
        answer = base.select(granule_table(rows), "itslive", region, period, filters, asked=self.stac)
        answer.attrs["notes"] = notes + answer.attrs["notes"]
        return answer

    def fetch(self, granules, folder=None):
        """
        The ledger of granules brought here, or found here and checked; see `download.fetch`.

        The login is asked for only when something is not here yet.
        """
        back_off = BackOff(self.folder / ".back_off")
        public = bool(granules["product"].eq("itslive").all())
        return download.fetch(
            granules, Path(folder or self.folder), itslive.session if public else login.session,
            back_off=back_off, connections=self.connections, successor=None if public else self.successor,
        )  # fmt: skip

    def successor(self, row):
        """The name of the granule that took the place of one that is gone, or None."""
        from nunatak.granules import parse

        named = parse(row.file_name)
        pattern = named.file_name.replace(f"_{named.version}_{named.revision}.", f"_{named.version}_??.")
        found = [r["file_name"] for r in self.catalogue.named(named.product, [pattern])]
        return max((name for name in found if name != named.name), default=None)


def _nothing(asked, product, release, region, period, filters):
    """Whether the release does not reach the period, or nothing lies there."""
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
