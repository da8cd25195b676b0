"""Make the rasters that a user of a simulated world would bring, from its truth."""

from nunatak import simulation
from nunatak.runtime import job, log, written
from nunatak.simulation import user_files


def main(folder, *, world):
    """
    Fill the folder with rasters.

    `world` is what `simulation.world` takes, as a mapping.
    """
    with written(folder) as part:
        paths = user_files.write(simulation.world(**world), part)
    log.info("rasters of the simulated glacier: %s", ", ".join(sorted(path.name for path in paths.values())))


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake.output.folder, world=snakemake.params.world)
