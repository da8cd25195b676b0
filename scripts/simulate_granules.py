"""Make the granules of one product from the truth of a simulated world."""

from nunatak import simulation
from nunatak.granules.products import product_row
from nunatak.runtime import job, log, written


def main(folder, *, world, product):
    """Fill the folder with granules and their catalogue. `world` is what `simulation.world` takes, as a mapping."""
    made = simulation.world(**world, sea_ice=product_row(product).kept == "sums")
    with written(folder) as part:
        part.mkdir()
        table = simulation.write_product(made, product, part)
    log.info("%s: %d granules, %.1f MB", product, len(table), table["size_bytes"].sum() / 1e6)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.output.folder,
            world=snakemake.params.world,
            product=snakemake.wildcards.product,
        )
