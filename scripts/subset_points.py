"""Keep the rows of one chunk's along-track granules that lie in the region and the period."""

from functools import partial

from nunatak.archives.archive import outline_of
from nunatak.archives.in_place import openable
from nunatak.compute.registry import registry
from nunatak.files.tables import read_table, write_table
from nunatak.geometry.outlines import read_outlines
from nunatak.granules import datums, present
from nunatak.granules.lists import check_failures
from nunatak.granules.products import PRODUCTS, product_row
from nunatak.products import corrections
from nunatak.reading import points
from nunatak.runtime import job, log, stamp
from nunatak.study.parts import product_settings, typed
from nunatak.study.period import Period

reader_of = registry(PRODUCTS, "reader", kept="points")


def main(ledger, regions, out, out_ledger, *, product, settings, period, study, crs=None, endpoints=None, threads=2):
    """
    Write a chunk's points as GeoParquet and the ledger with what reading each granule found.

    Parameters
    ----------
    ledger : what the fetch brought
    regions : GeoJSON of the study's outlines
    settings : the product's part of the study
    crs : of the columns x and y; the region's natural one where not given
    endpoints : addresses of the services, for granules that stay where they are
    """
    region = outline_of(read_outlines(regions), product)
    crs = crs or region.natural_crs
    row = product_row(product)
    asked = corrections_of(settings) if row.land_ice else {"datum": "ellipsoid", "floating": None}
    needed = corrections.needed(floating=bool(asked["floating"]), datum=asked["datum"])
    reader = reader_of(product)(settings, wished=row.wished, corrections=needed)
    fetched = read_table(ledger)
    table, outcome = points.subset(
        fetched,
        reader.read,
        reader.nothing,
        region=region,
        period=period,
        crs=crs,
        beams=getattr(settings, "beams", ("all",)),
        variables=reader.variables,
        opened=partial(openable, endpoints=endpoints),
        threads=threads,
    )
    log.info("%d points; %s", len(table), check_failures(outcome, None))
    shelf = read_outlines(regions)[asked["floating"]] if asked["floating"] else None
    floats = corrections.where_floating(table, shelf)
    table, lost = corrections.corrected(table, row.values[0], floating=floats, datum=asked["datum"])
    corrections.tell_lost(lost, **asked)
    about = stamp(
        study=study,
        source=fetched.attrs["attributes"]["nunatak_source"],
        inputs=[ledger, regions],
        parameters={"settings": settings, "period": period, "crs": crs},
    )
    said = datums.attributes(product, present(outcome)["granule_id"])
    said |= corrections.said(**asked)
    write_table(table, out, attributes={**about, **said, "crs": crs}, points=True)
    write_table(outcome, out_ledger, attributes=about)


def corrections_of(settings):
    """Return what the heights of land ice are corrected for."""
    return {"datum": settings.datum, "floating": settings.floating}


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.ledger,
            snakemake.input.regions,
            snakemake.output.points,
            snakemake.output.ledger,
            product=snakemake.wildcards.product,
            settings=product_settings(snakemake.wildcards.product, snakemake.params.settings),
            period=typed(Period, snakemake.params.period),
            study=snakemake.wildcards.study,
            crs=snakemake.params.get("crs"),
            endpoints=snakemake.params.endpoints,
            threads=snakemake.threads,
        )
