"""Take a short stretch of one beam out of a study: all its photons, and the segments fitted to them."""

from pathlib import Path

from nunatak import photons
from nunatak.files.tables import read_table, write_table
from nunatak.granules import parse
from nunatak.products import atl03, atl08
from nunatak.runtime import job, log, stamp
from nunatak.study.photon_products import fit_parameters


def main(heights, ledgers, out, out_segments, *, settings, study, classes=()):
    """
    Write the photons of the stretch that shows the fit best, and its segments.

    Parameters
    ----------
    heights : files of fitted heights, one per chunk; the first that has a height is used
    ledgers : the ledgers of the same chunks, which name the granules
    settings : the product's part of the study
    classes : ledgers of ATL08 granules
    """
    parameters = photons.FitParameters.of(fit_parameters(settings))
    tables = (photons.standard_names(read_table(path)) for path in heights)
    table = next((table for table in tables if len(table)), photons.standard_names(read_table(heights[0])))
    stretch = photons.typical_stretch(table)
    about = stamp(
        study=study, source=table.attrs["attributes"]["nunatak_source"], inputs=[*heights], parameters=settings
    )
    if len(stretch):
        first = stretch.iloc[0]
        granule = atl03.read_granule(_path_of(ledgers, first["granule_id"]))
        partner = next((p for p in _paths(classes) if parse(Path(p).name).flight == parse(granule.name).flight), None)
        cloud = photons.stretch_photons(
            granule,
            first["beam"],
            int(stretch["segment_id"].min()) - 1,
            int(stretch["segment_id"].max()),
            parameters,
            classes=partner and (lambda beam: atl08.read_classes(partner, beam, fields=parameters.atl08_fields)),
        )
        log.info("%s %s: %d photons, %d segments", first["granule_id"], first["beam"], len(cloud), len(stretch))
    else:
        cloud = photons.no_photons()
    metres = parameters.length_m / parameters.length  # one, or the length of a segment
    about |= {"extent_length_m": f"{parameters.length_m:g}", "extent_step_m": f"{parameters.step * metres:g}"}
    write_table(cloud, out, attributes=about)
    write_table(stretch, out_segments, attributes=about, units=table.attrs["units"])


def _path_of(ledgers, granule_id):
    rows = read_table(ledgers, columns=["granule_id", "path"])
    return rows.loc[rows["granule_id"] == granule_id, "path"].iloc[0]


def _paths(ledgers):
    rows = read_table(list(ledgers)) if ledgers else None
    return [] if rows is None else list(rows.loc[rows["status"] == "present", "path"])


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.heights,
            snakemake.input.ledgers,
            snakemake.output.cloud,
            snakemake.output.segments,
            settings=snakemake.params.product,
            study=snakemake.wildcards.study,
            classes=snakemake.input.get("classes", ()),
        )
