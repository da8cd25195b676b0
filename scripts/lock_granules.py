"""Write the granule lock of a study: what it used, to be used again."""

from nunatak.archives import lock
from nunatak.files.tables import read_table
from nunatak.runtime import job, say


def main(granules, folder, *, originals):
    """
    Write one CSV per product.

    Parameters
    ----------
    granules : mapping of product to its granule table
    folder : where the lock is kept
    originals : folder of the archive's originals, whose checksums are taken where the archive publishes none
    """
    for product, path in granules.items():
        table, out = read_table(path), lock.file_of(folder, product)
        lock.write(table, out, originals=originals)
        unknown = int(lock.read(out)["checksum"].isna().sum())
        without = f", {unknown} without a checksum (fetch them, then lock again)" if unknown else ""
        say(f"{out}: {len(table)} granules{without}")
    say(f"`lock: {folder}` in the study uses exactly these")


if __name__ == "__main__":
    with job(snakemake):
        main(
            dict(zip(snakemake.params.products, snakemake.input.granules, strict=True)),
            snakemake.params.folder,
            originals=snakemake.params.originals,
        )
