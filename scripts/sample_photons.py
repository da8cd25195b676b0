"""Take a short stretch of one beam out of a study: all its photons, and the segments fitted to them."""

from nunatak import photons
from nunatak.archives.in_place import openable
from nunatak.files.remote import kept_open
from nunatak.files.tables import read_table, write_table
from nunatak.products import atl03, atl08
from nunatak.reading.granules import same_pass
from nunatak.runtime import job, log, stamp
from nunatak.study.parts import typed
from nunatak.study.photon_products import Atl06sr


def main(heights, ledgers, out, out_segments, *, settings: Atl06sr, study, classes=(), endpoints=None):
    """
    Write the photons of the stretch that shows the fit best, and its segments.

    Parameters
    ----------
    heights : files of fitted heights, one per chunk; the first that has a height is used
    ledgers : the ledgers of the same chunks, which name the granules
    settings : the product's part of the study
    classes : ledgers of ATL08 granules
    endpoints : addresses of the services, for granules that stay where they are
    """
    parameters = photons.FitParameters.of(settings.fit())
    tables = (photons.standard_names(read_table(path)) for path in heights)
    table = next((table for table in tables if len(table)), photons.standard_names(read_table(heights[0])))
    stretch = photons.typical_stretch(table)
    about = stamp(
        study=study, source=table.attrs["attributes"]["nunatak_source"], inputs=[*heights], parameters=settings
    )
    if len(stretch):
        first = stretch.iloc[0]
        ledger = read_table(ledgers)
        ledger = ledger[ledger["granule_id"] == first["granule_id"]]
        path = ledger["path"].iloc[0]
        partner = same_pass(ledger, read_table(list(classes)) if classes else None).get(path)
        cloud = photons_of(stretch, openable(path, endpoints), openable(partner, endpoints), parameters)
        log.info("%s %s: %d photons, %d segments", first["granule_id"], first["beam"], len(cloud), len(stretch))
    else:
        cloud = photons.no_photons()
    metres = parameters.length_m / parameters.length  # one, or the length of a segment
    about |= {"extent_length_m": f"{parameters.length_m:g}", "extent_step_m": f"{parameters.step * metres:g}"}
    write_table(cloud, out, attributes=about)
    write_table(stretch, out_segments, attributes=about, units=table.attrs["units"])


def photons_of(stretch, path, partner, parameters):
    """Return all photons of a stretch of segments, read from its granule and the ATL08 granule of the same pass."""
    with kept_open(path), kept_open(partner):
        return photons.stretch_photons(
            atl03.read_granule(path),
            stretch["beam"].iloc[0],
            int(stretch["segment_id"].min()) - 1,
            int(stretch["segment_id"].max()),
            parameters,
            classes=partner and (lambda beam: atl08.read_classes(partner, beam, fields=parameters.atl08_fields)),
        )


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.heights,
            snakemake.input.ledgers,
            snakemake.output.cloud,
            snakemake.output.segments,
            settings=typed(Atl06sr, snakemake.params.settings),
            study=snakemake.wildcards.study,
            classes=snakemake.input.get("classes", ()),
            endpoints=snakemake.params.endpoints,
        )
