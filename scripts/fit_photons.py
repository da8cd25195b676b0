"""Fit heights to the photons of one chunk of ATL03 granules, or gather the photons of every extent."""

import shutil
from functools import partial
from pathlib import Path

from nunatak import photons
from nunatak.archives.archive import outline_of
from nunatak.archives.in_place import openable
from nunatak.files.remote import kept_open
from nunatak.files.streams import ParquetStream
from nunatak.files.tables import read_table, write_table
from nunatak.geometry.outlines import read_outlines
from nunatak.geometry.points import placed
from nunatak.granules import datums, present
from nunatak.granules import ledger as make_ledger
from nunatak.granules.lists import check_failures
from nunatak.products import atl03, atl08, corrections
from nunatak.reading.granules import each_granule, same_pass
from nunatak.reading.resumed import resumed
from nunatak.runtime import NunatakError, job, log, stamp
from nunatak.study.parts import product_settings, typed
from nunatak.study.period import Period

# product: what is done with a granule, and its table without a row
WORK = {
    "atl06sr": (photons.granule_heights, photons.no_heights),
    "atl03": (photons.granule_extents, photons.no_extents),
}


def main(
    ledger,
    regions,
    out,
    out_ledger,
    *,
    product,
    settings,
    period,
    study,
    crs=None,
    classes=(),
    endpoints=None,
    threads=2,
    code="",
):
    """
    Write a chunk's heights (product atl06sr) or photons of extents (atl03), granule by granule, and its ledger.

    What is read of granules that stay where they are is kept until all are: a run that is killed goes on from there.

    Parameters
    ----------
    ledger : what the fetch brought; only `present` granules are read
    regions : GeoJSON of the study's outlines
    settings : the product's part of the study
    crs : of the columns x and y; the region's natural one where not given
    classes : ledgers of ATL08 granules, for photon classes
    endpoints : addresses of the services, for granules that stay where they are
    threads : beams worked on at a time
    code : of the library; what other code has read is read again
    """
    region = outline_of(read_outlines(regions), product)
    floating = getattr(settings, "floating", None)  # photons of extents have no heights to correct
    shelf = read_outlines(regions)[floating] if floating else None
    crs = crs or region.natural_crs
    parameters = photons.FitParameters.of(settings.fit())
    fetched = read_table(ledger).sort_values("granule_id")
    about = stamp(
        study=study,
        source=fetched.attrs["attributes"]["nunatak_source"],
        inputs=[ledger, regions, *classes],
        parameters={"fit": parameters.provenance(), "period": period, "crs": crs},
    )
    said = datums.attributes(product, present(fetched)["granule_id"])
    said |= corrections.said(floating=floating, datum=settings.datum)
    read = partial(
        rows_of,
        work=WORK[product][0],
        parameters=parameters,
        partners=same_pass(fetched, read_table(list(classes)) if classes else None),
        region=region,
        period=period,
        opened=partial(openable, endpoints=endpoints),
        threads=threads,
    )
    kept = Path(out).parent / f".parts-{stamp(study='', source='', parameters=[about, code])['inputs_hash']}"
    nothing, outcomes, lost = WORK[product][1](parameters), [], 0
    each = each_granule(fetched, resumed(read, kept), judge=photons.granule_outcome, label=f"{product} granules")
    with ParquetStream(out, attributes={**about, **said, "crs": crs}, points=True) as stream:
        for n, (row, found, outcome) in enumerate(each, start=1):
            outcomes.append(outcome)
            table = nothing if found is None else found
            floats = corrections.where_floating(table, shelf)
            table, n_lost = corrections.corrected(table, "h_mean", floating=floats)
            lost += n_lost
            stream(row["granule_id"], placed(table, crs), n, len(fetched))
        if not outcomes:
            stream("", placed(nothing, crs), 0, 0)
    corrections.tell_lost(lost, floating=floating)
    log.info("%d rows; %s", stream.rows, check_failures(make_ledger(outcomes), None))
    write_table(make_ledger(outcomes), out_ledger, attributes=about)
    shutil.rmtree(kept, ignore_errors=True)


def rows_of(path, *, work, parameters, partners, region, period, threads, opened=openable):
    """Return the rows of one granule in region and period, and the statuses of its beams."""
    with kept_open(opened(path)) as own, kept_open(opened(partners.get(path))) as partner:
        granule = atl03.read_granule(own)
        classes = classes_of(granule, partner, parameters)
        table, statuses = work(granule, parameters, classes=classes, region=region, threads=threads)
    kept = table[period.contains(photons.time_of(table))].reset_index(drop=True)
    kept.attrs = table.attrs
    return kept, statuses


def classes_of(granule, path, parameters):
    """Return the function that reads a beam's ATL08 classes, or None where none are asked for."""
    if not parameters.joins_atl08:
        return None
    if path is None:
        raise NunatakError(
            f"{granule.path}: no ATL08 granule of the same pass and release was fetched; add it or leave out "
            "atl08_class"
        )
    atl08.check_same_granule(granule, path)
    return lambda beam: atl08.read_classes(path, beam, fields=parameters.atl08_fields)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.ledger,
            snakemake.input.regions,
            snakemake.output.table,
            snakemake.output.ledger,
            product=snakemake.params.product,
            settings=product_settings(snakemake.params.product, snakemake.params.settings),
            period=typed(Period, snakemake.params.period),
            study=snakemake.wildcards.study,
            crs=snakemake.params.get("crs"),
            classes=snakemake.input.get("classes", ()),
            endpoints=snakemake.params.endpoints,
            threads=snakemake.threads,
            code=snakemake.params.code,
        )
