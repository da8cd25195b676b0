"""Copy the chosen layers of datacubes into a cube of the study's own."""

from nunatak.cubes.datacubes import copy_layers
from nunatak.parameters.choices import read_choices
from nunatak.parameters.velocity import CubeForm
from nunatak.products.itslive.ground import GROUND
from nunatak.runtime import job, log, written


def main(layers, pairs, out, *, form, memory_mb=256):
    """
    Write the cube.

    Parameters
    ----------
    layers : folder of the chosen layers
    pairs : pairs.parquet, whose layers with a velocity in the region are copied
    form : parameters.velocity.CubeForm, how the cube is kept
    memory_mb : bound on what is held of a component
    """
    with written(out) as part:
        count = copy_layers(layers, pairs, part, form=form, attributes=GROUND, memory_mb=memory_mb)
    log.info("%d layers", count)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.layers,
            snakemake.input.pairs,
            snakemake.output.cube,
            form=read_choices(CubeForm, snakemake.params.settings),
            memory_mb=snakemake.resources.mem_mb / 4,
        )
