"""Ask the archive of a study which granules of a product lie in its region and period."""

from nunatak.archives import base, lock
from nunatak.archives.opening import open_archive
from nunatak.granules import chunk_of, parse
from nunatak.outlines import focus_outline, read_outlines
from nunatak.runtime import job, log, stamp
from nunatak.study.period import Period
from nunatak.tables import write_table


def main(regions, out, *, archive, product, settings, period, chunks, study, focus=None, locked=None):
    """
    Write the granule table of a product, each granule with the chunk it belongs to.

    Parameters
    ----------
    regions : GeoJSON of the study's outlines
    archive : mapping with `name` and what `open_archive` needs of it
    settings : the product's part of the study
    focus : the study's; `rgt: auto` asks for the tracks that cross it
    locked : the product's granule lock, where the study has one: exactly these granules, or an error that names each
        that is gone or changed
    chunks : the names of its chunks; a granule of none of them has no chunk, and counting the granules says so
    """
    region = base.outline_of(read_outlines(regions), product)
    if settings.get("rgt") == "auto":
        region, settings = focus_outline(focus), {**settings, "rgt": None}
    answer = _answer(product, region, Period.model_validate(period), base.Filters.of(settings), archive, locked)
    answer["chunk"] = [chunk_of(parse(name), settings["splits"], chunks=chunks) for name in answer["file_name"]]
    log.info("%s: %d granules, %.1f MB", product, len(answer), answer["size_bytes"].sum() / 1e6)
    source = base.source_of(answer, archive["name"])
    write_table(answer, out, attributes=stamp(study=study, source=source, inputs=[regions], parameters=settings))


def _answer(product, region, period, filters, archive, locked):
    """The archive's answer, or the lock's; that of an archive on the network is settled when granules are fetched."""
    if locked and archive["name"] == "earthdata":
        return lock.read(locked)
    found = open_archive(archive["name"], archive).search(product, region, period, filters)
    return lock.held_against(lock.read(locked), found, name=locked) if locked else found


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.regions,
            snakemake.output.granules,
            archive=snakemake.params.archive,
            product=snakemake.wildcards.product,
            settings=snakemake.params.product,
            period=snakemake.params.period,
            chunks=snakemake.params.chunks,
            study=snakemake.wildcards.study,
            focus=snakemake.params.get("focus"),
            locked=snakemake.input.get("lock"),
        )
