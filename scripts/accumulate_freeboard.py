"""Sum the sea-ice segments of one chunk's granules onto the study's grid, granule by granule."""

from functools import partial

from nunatak import gridding
from nunatak.archives.archive import outline_of
from nunatak.archives.in_place import openable
from nunatak.compute.registry import registry
from nunatak.files.tables import read_table, write_table
from nunatak.geometry.outlines import read_outlines
from nunatak.geometry.region import load
from nunatak.granules.lists import check_failures
from nunatak.granules.products import PRODUCTS, product_row
from nunatak.products.segment_filter import SegmentFilter
from nunatak.reading.granules import each_granule, read_ledger
from nunatak.runtime import job, log, stamp
from nunatak.study.parts import product_settings, typed
from nunatak.study.period import Period
from nunatak.study.products import SeaIceProduct
from nunatak.study.sections import Freeboard, FreeboardGrid

reader_of = registry(PRODUCTS, "reader", kept="sums")
WEIGHT = "height_segment_length_seg"


def main(
    ledger, regions, out, *, product, settings, freeboard, period, study, endpoints=None, threads=2, scheduler=None
):
    """
    Write what of a chunk can be added to other chunks: sums by granule, day and cell, and what came of each granule.

    Parameters
    ----------
    ledger : what the fetch brought
    regions : GeoJSON of the study's outlines
    out : mapping of rows, levels, granules (the tables of `gridding.to_tables`) and ledger to a path
    settings, freeboard : the product's part of the study, and its `freeboard`
    endpoints : addresses of the services, for granules that stay where they are
    scheduler : of Dask, for the granules; threads of this job unless given
    """
    region = outline_of(read_outlines(regions), product)
    fetched = read_table(ledger)
    read, errors = reader_of(product)(error="sigma" in freeboard.statistics)
    read = partial(
        read,
        region=region,
        period=period,
        beams=beams_of(settings),
        keep=filter_of(settings),
        reader=settings.reader,
        variables=(WEIGHT,),
    )
    grid = grid_of(freeboard.grid, region)
    width = freeboard.histogram_width
    value = product_row(product).values[0]
    work = partial(gridding.sum_segments, grid=grid, value=value, weight=WEIGHT, errors=errors, level_width=width)
    opened = partial(openable, endpoints=endpoints)
    reads = list(each_granule(fetched, read, work=work, opened=opened, threads=threads, scheduler=scheduler))
    parts = [granule.table for granule in reads if granule.table is not None]
    outcome = read_ledger([granule.outcome for granule in reads])
    sums = gridding.merge(parts or [gridding.no_segments(grid, level_width=width)])
    log.info("%s; %s", sums.describe_losses(), check_failures(outcome, None))
    about = stamp(
        study=study,
        source=fetched.attrs["attributes"]["nunatak_source"],
        inputs=[ledger, regions],
        parameters={"settings": settings, "freeboard": freeboard.stated(), "period": period},
    )
    tables, attributes = gridding.to_tables(sums)
    for name, table in tables.items():
        write_table(table, out[name], attributes={**about, **attributes})
    write_table(outcome, out["ledger"], attributes=about)


def beams_of(settings: SeaIceProduct):
    """Return all, strong or weak as a word, ground tracks as a list."""
    return settings.beams[0] if settings.beams[0] in ("all", "strong", "weak") else settings.beams


def filter_of(settings: SeaIceProduct):
    """Return the product's filter of segments."""
    return SegmentFilter(None if settings.types == "all" else settings.types, settings.flags, settings.limits)


def grid_of(settings: FreeboardGrid, region):
    """Return the study's grid, cut to its bounds, its outline or the region."""
    preset, cell = settings.preset, settings.cell
    if not preset and not settings.crs:
        preset = "ease2_south" if region.geometry.centroid.y < 0 else "ease2_north"
        cell = cell or "12.5km"
    area = load({"polygon": settings.outline}) if settings.outline else region
    bounds = settings.bounds
    return gridding.make_grid(
        preset=preset, crs=settings.crs, cell=cell, bounds=bounds, region=None if bounds else area
    )


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.ledger,
            snakemake.input.regions,
            dict(snakemake.output.items()),
            product=snakemake.wildcards.product,
            settings=product_settings(snakemake.wildcards.product, snakemake.params.settings),
            freeboard=typed(Freeboard, snakemake.params.freeboard),
            period=typed(Period, snakemake.params.period),
            study=snakemake.wildcards.study,
            endpoints=snakemake.params.endpoints,
            threads=snakemake.threads,
            scheduler=snakemake.params.scheduler,
        )
