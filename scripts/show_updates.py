"""Show what an archive holds otherwise than a study's lock, or its last run, says: new, superseded, changed, gone."""

from pathlib import Path

from nunatak.archives import lock
from nunatak.archives.archive import Filters, outline_of
from nunatak.archives.opening import open_archive
from nunatak.files.tables import read_table
from nunatak.geometry.outlines import focus_outline, read_outlines
from nunatak.granules.products import product_row
from nunatak.products.itslive.names import select_names
from nunatak.products.itslive.selection import selection_from
from nunatak.runtime import job, say
from nunatak.study.parts import products_settings, typed
from nunatak.study.period import Period


def main(regions, folder, *, archive, products, period, focus=None):
    """
    Ask the archive about every product and tell how the answer differs from what is known.

    Parameters
    ----------
    regions : GeoJSON of the study's outlines, in the folder of its results
    folder : the study's locks; a product without one is held against what its last run found
    archive : mapping with `name` and what `open_archive` needs of it
    products : mapping of product to its settings
    focus : the study's; `rgt: auto` asks for the tracks that cross it
    """
    outlines, service = read_outlines(regions), open_archive(archive["name"], archive)
    for product, settings in products.items():
        region = outline_of(outlines, product)
        if getattr(settings, "rgt", None) == "auto":
            region, settings = focus_outline(focus), settings.model_copy(update={"rgt": None})
        found = service.search(product, region, period, Filters.of(settings.model_dump(mode="json")))
        if product_row(product).kept == "pairs":  # what the study leaves out of the answer is no news
            found = found[select_names(found, selection_from(settings)) == ""]
        known, what = known_of(product, folder, Path(regions).parent)
        changes = lock.differences(known, found)
        say(f"{product}: {len(changes)} granules differ from {what}" if len(changes) else f"{product}: as in {what}")
        for row in changes.itertuples():
            say(f"  {row.file_name} {row.fate}")


def known_of(product, folder, results):
    """
    Return the granules a study goes by, and what they are called: those of its lock, else those its last run found.
    """
    path, table = lock.file_of(folder, product), results / product / "granules.parquet"
    if not path.is_file() and table.is_file():
        return read_table(table), "the last run"
    return lock.read(path), "the lock"


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.regions,
            snakemake.params.folder,
            archive=snakemake.params.archive,
            products=products_settings(snakemake.params.products),
            period=typed(Period, snakemake.params.period),
            focus=snakemake.params.focus,
        )
