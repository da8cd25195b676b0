"""Show what an archive holds otherwise than a study's lock says: new, superseded, changed, gone."""

from nunatak.archives import base, lock
from nunatak.archives.opening import open_archive
from nunatak.outlines import focus_outline, read_outlines
from nunatak.runtime import job, say
from nunatak.study.period import Period


def main(regions, folder, *, archive, products, period, focus=None):
    """
    Ask the archive about every product, lock or no lock, and tell the differences.

    Parameters
    ----------
    regions : GeoJSON of the study's outlines
    folder : the study's locks
    archive : mapping with `name` and what `open_archive` needs of it
    products : mapping of product to its settings
    focus : the study's; `rgt: auto` asks for the tracks that cross it
    """
    outlines, service = read_outlines(regions), open_archive(archive["name"], archive)
    for product, settings in products.items():
        region = base.outline_of(outlines, product)
        if settings.get("rgt") == "auto":
            region, settings = focus_outline(focus), {**settings, "rgt": None}
        found = service.search(product, region, Period.model_validate(period), base.Filters.of(settings))
        changes = lock.differences(lock.read(lock.file_of(folder, product)), found)
        say(f"{product}: {len(changes)} granules differ from the lock" if len(changes) else f"{product}: as locked")
        for row in changes.itertuples():
            say(f"  {row.file_name} {row.fate}")


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.regions,
            snakemake.params.folder,
            archive=snakemake.params.archive,
            products=snakemake.params.products,
            period=snakemake.params.period,
            focus=snakemake.params.focus,
        )
