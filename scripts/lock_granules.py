"""Write the granule lock of a study: what it used, to be used again."""

from nunatak.archives import lock
from nunatak.files.tables import read_table
from nunatak.runtime import job, say


def main(granules, folder, *, originals, cubes=()):
    """
    Write one CSV per product.

    Parameters
    ----------
    granules : mapping of product to its granule table
    folder : where the lock is kept
    originals : folder of the archive's originals, whose checksums are taken where the archive publishes none
    cubes : what looking at datacubes told; the checksum of a cube's description is its version
    """
    seen = read_table(cubes) if cubes else None
    for product, path in granules.items():
        table, out = read_table(path), lock.file_of(folder, product)
        if seen is not None and product == "itslive":
            table = lock.with_versions(table, seen)
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
            cubes=list(snakemake.input.cubes),
        )
