"""Have the photons of one chunk of ATL03 granules fitted by a SlideRule service."""

from nunatak import photons
from nunatak.archives import sliderule
from nunatak.archives.archive import outline_of, source_of
from nunatak.files.streams import ParquetStream
from nunatak.files.tables import write_table
from nunatak.geometry.outlines import read_outlines
from nunatak.geometry.points import placed
from nunatak.granules import datums
from nunatak.granules import ledger as make_ledger
from nunatak.granules.lists import check_failures, read_list
from nunatak.products import corrections
from nunatak.runtime import job, log, progress, stamp
from nunatak.study.parts import typed
from nunatak.study.period import Period
from nunatak.study.photon_products import Atl06sr


def main(granules, regions, out, out_ledger, *, settings: Atl06sr, period: Period, study, endpoint, archive, crs=None):
    """
    Write a chunk's heights granule by granule, and its ledger.

    A service that fails or refuses ends the job: what it did not say is not known, and asking again may help.

    Parameters
    ----------
    granules : CSV list of the chunk
    regions : GeoJSON of the study's outlines
    settings : the product's part of the study
    endpoint : address of the service
    archive : name of the archive that listed the granules
    crs : of the columns x and y; the region's natural one where not given
    """
    region = outline_of(read_outlines(regions), "atl06sr")
    shelf = read_outlines(regions)[settings.floating] if settings.floating else None
    crs = crs or region.natural_crs
    asked = settings.fit()
    parameters = photons.FitParameters.of(asked)
    lost, outcomes = 0, []
    rows = list(read_list(granules).to_dict("records"))
    source = source_of(read_list(granules), archive)
    about = stamp(
        study=study,
        source=source,
        inputs=[granules, regions],
        parameters={"fit": parameters.provenance(), "period": period, "crs": crs, "engine": "sliderule"},
    )
    said_of = datums.attributes("atl06sr", [row["granule_id"] for row in rows])
    said_of |= corrections.said(floating=settings.floating, datum=settings.datum)
    if rows:
        sliderule.open_service(endpoint)
    with ParquetStream(out, attributes={**about, **said_of, "crs": crs}, points=True) as stream:
        for n, row in enumerate(progress(rows, label="granules at the service"), start=1):
            found, said = sliderule.heights(asked, row["file_name"], region)
            table = photons.completed(found, parameters)
            kept = table[period.contains(photons.time_of(table))].reset_index(drop=True)
            kept.attrs = table.attrs
            status = "present" if len(kept) else "outside"
            reason = "; ".join(said) or ("" if len(kept) else "the service found nothing in region and period")
            outcomes.append(
                {
                    "granule_id": row["granule_id"],
                    "path": row["url"],
                    "status": status,
                    "reason": reason,
                    "size_bytes": row["size_bytes"],
                    "n_points": len(kept),
                }
            )
            floats = corrections.where_floating(kept, shelf)
            kept, n_lost = corrections.corrected(kept, "h_mean", floating=floats)
            lost += n_lost
            stream(row["granule_id"], placed(kept, crs), n, len(rows))
        if not rows:
            stream("", placed(photons.no_heights(parameters), crs), 0, 0)
    corrections.tell_lost(lost, floating=settings.floating)
    log.info("%d rows; %s", stream.rows, check_failures(make_ledger(outcomes), None))
    write_table(make_ledger(outcomes), out_ledger, attributes=about)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.granules,
            snakemake.input.regions,
            snakemake.output.table,
            snakemake.output.ledger,
            settings=typed(Atl06sr, snakemake.params.settings),
            period=typed(Period, snakemake.params.period),
            study=snakemake.wildcards.study,
            endpoint=snakemake.params.endpoint,
            archive=snakemake.params.archive,
            crs=snakemake.params.get("crs"),
        )
