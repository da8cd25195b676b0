"""Make the granules of one product from the truth of a simulated world."""

from nunatak import simulation
from nunatak.runtime import job, log, written


def main(folder, *, world, product):
    """Fill the folder with granules and their catalogue; `world` is name and size, such as austfonna-tiny."""
    name, _, size = world.rpartition("-")
    with written(folder) as part:
        part.mkdir()
        table = simulation.write_product(simulation.world(name, size), product, part)
    log.info("%s: %d granules, %.1f MB", product, len(table), table["size_bytes"].sum() / 1e6)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.output.folder,
            world=snakemake.wildcards.world,
            product=snakemake.wildcards.product,
        )
