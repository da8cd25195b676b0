"""Keep the rows of one chunk's along-track granules that lie in the region and the period."""

from nunatak.archives import base, points
from nunatak.outlines import read_outlines
from nunatak.products import atl06
from nunatak.runtime import job, log, stamp
from nunatak.study.period import Period
from nunatak.tables import read_table, write_table

# product: its reader and its table without a row
READERS = {"atl06": (atl06.read_segments, atl06.no_segments)}


def main(ledger, regions, out, out_ledger, *, product, settings, period, study, crs=None, threads=2):
    """
    Write a chunk's points as GeoParquet and the ledger with what reading each granule found.

    Parameters
    ----------
    ledger : what the fetch brought
    regions : GeoJSON of the study's outlines
    settings : the product's part of the study
    crs : of the columns x and y; the region's natural one where not given
    """
    region = base.outline_of(read_outlines(regions), product)
    crs = crs or region.natural_crs
    read, nothing = READERS[product]
    fetched = read_table(ledger)
    table, outcome = points.subset(
        fetched, read, nothing(settings["variables"]), region=region, period=Period.model_validate(period), crs=crs,
        beams=tuple(settings["beams"]), variables=tuple(settings["variables"]), threads=threads,
    )  # fmt: skip
    log.info("%d points; %s", len(table), base.check_failures(outcome, None))
    about = stamp(study=study, source=fetched.attrs["attributes"]["nunatak_source"], inputs=[ledger, regions],
                  parameters={"settings": settings, "period": period, "crs": crs})  # fmt: skip
    write_table(table, out, attributes={**about, "crs": crs}, points=True)
    write_table(outcome, out_ledger, attributes=about)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.ledger,
            snakemake.input.regions,
            snakemake.output.points,
            snakemake.output.ledger,
            product=snakemake.wildcards.product,
            settings=snakemake.params.product,
            period=snakemake.params.period,
            study=snakemake.wildcards.study,
            crs=snakemake.params.get("crs"),
            threads=snakemake.threads,
        )
