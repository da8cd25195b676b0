"""Fit heights to the photons of one chunk of ATL03 granules, or gather the photons of every extent."""

from nunatak import photons
from nunatak.archives import base, verify
from nunatak.files.streams import ParquetStream
from nunatak.files.tables import read_table, write_table
from nunatak.geometry.outlines import read_outlines
from nunatak.granules import datums, parse
from nunatak.granules import ledger as make_ledger
from nunatak.products import atl03, atl08, corrections
from nunatak.reading.points import placed
from nunatak.runtime import NunatakError, job, log, progress, stamp
from nunatak.study.period import Period
from nunatak.study.photon_products import fit_parameters

# product: what is done with a granule, and its table without a row
WORK = {
    "atl06sr": (photons.granule_heights, photons.no_heights),
    "atl03": (photons.granule_extents, photons.no_extents),
}


def main(ledger, regions, out, out_ledger, *, product, settings, period, study, crs=None, classes=(), threads=2):
    """
    Write a chunk's heights (product atl06sr) or photons of extents (atl03), granule by granule, and its ledger.

    Parameters
    ----------
    ledger : what the fetch brought; only `present` granules are read
    regions : GeoJSON of the study's outlines
    settings : the product's part of the study
    crs : of the columns x and y; the region's natural one where not given
    classes : ledgers of ATL08 granules, for photon classes
    threads : beams worked on at a time
    """
    region = base.outline_of(read_outlines(regions), product)
    shelf = read_outlines(regions)[settings["floating"]] if settings.get("floating") else None
    crs = crs or region.natural_crs
    parameters = photons.FitParameters.of(fit_parameters(settings))
    fetched = read_table(ledger).sort_values("granule_id")
    about = stamp(
        study=study,
        source=fetched.attrs["attributes"]["nunatak_source"],
        inputs=[ledger, regions, *classes],
        parameters={"fit": parameters.provenance(), "period": period, "crs": crs},
    )
    present = fetched.loc[fetched["status"] == "present", "granule_id"]
    said = datums.attributes(product, present)
    partners = {_flight(row.granule_id): row.path for row in _present(classes)}
    rows, outcomes = list(fetched.to_dict("records")), []
    said |= corrections.said(floating=settings.get("floating"), datum=settings["datum"])
    with ParquetStream(out, attributes={**about, **said, "crs": crs}, points=True) as stream:
        for n, row in enumerate(progress(rows, label=f"{product} granules"), start=1):
            table, outcome = one_granule(
                row,
                product,
                parameters,
                partners,
                region=region,
                period=Period.model_validate(period),
                threads=threads,
            )
            outcomes.append({**row, **outcome})
            table, _ = corrections.corrected(table, "h_mean", floating=corrections.where_floating(table, shelf))
            stream(row["granule_id"], placed(table, crs), n, len(rows))
        if not rows:
            stream("", placed(WORK[product][1](parameters), crs), 0, 0)
    log.info("%d rows; %s", stream.rows, base.check_failures(make_ledger(outcomes), None))
    write_table(make_ledger(outcomes), out_ledger, attributes=about)


def one_granule(row, product, parameters, partners, *, region, period, threads):
    """Table of one granule and what the ledger says of it; never raises for a bad granule."""
    work, no_rows = WORK[product]
    nothing = no_rows(parameters)
    if row["status"] != "present":
        return nothing, {"n_points": 0}
    try:
        changed = verify.changed_since(row["path"], row["size_bytes"])
        if changed:
            raise NunatakError(f"{row['path']}: {changed}")
        granule = atl03.read_granule(row["path"])
        classes = _classes(granule, row, partners, parameters)
        table, statuses = work(granule, parameters, classes=classes, region=region, threads=threads)
    except (NunatakError, OSError) as error:
        log.warning("%s", error)
        return nothing, {"status": "failed", "reason": str(error).removeprefix(f"{row['path']}: "), "n_points": 0}
    kept = table[period.contains(photons.time_of(table))].reset_index(drop=True)
    kept.attrs = table.attrs
    return kept, photons.granule_outcome(statuses, len(kept))


def _classes(granule, row, partners, parameters):
    """How to read a beam's classes; None where none are asked for."""
    if not parameters.joins_atl08:
        return None
    path = partners.get(_flight(row["granule_id"]))
    if path is None:
        raise NunatakError(
            f"{row['path']}: no ATL08 granule of the same pass and release was fetched; add it or leave out atl08_class"
        )
    atl08.check_same_granule(granule, path)
    return lambda beam: atl08.read_classes(path, beam, fields=parameters.atl08_fields)


def _flight(granule_id):
    return parse(f"{granule_id}.h5").flight


def _present(ledgers):
    table = read_table(list(ledgers)) if ledgers else None
    return [] if table is None else list(table[table["status"] == "present"].itertuples(index=False))


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.ledger,
            snakemake.input.regions,
            snakemake.output.table,
            snakemake.output.ledger,
            product=snakemake.params.name,
            settings=snakemake.params.product,
            period=snakemake.params.period,
            study=snakemake.wildcards.study,
            crs=snakemake.params.get("crs"),
            classes=snakemake.input.get("classes", ()),
            threads=snakemake.threads,
        )
