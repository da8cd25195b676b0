"""Invert a cube's pairs to a regular series of velocities."""

from dataclasses import asdict

from nunatak import velocity
from nunatak.cubes.datacubes import open_stack
from nunatak.files.rasters import georeference, write_netcdf
from nunatak.geometry.grid import Grid
from nunatak.parameters.choices import read_choices
from nunatak.parameters.velocity import Inversion
from nunatak.runtime import job, stamp


def main(stack, out, *, settings, study, threads=2):
    """
    Write inverted.nc.

    Parameters
    ----------
    stack : folder of the cube, or of the chosen layers of datacubes
    settings : parameters.velocity.Inversion, the arguments of `velocity.invert`
    """
    stack = open_stack(stack)
    about = stamp(study=study, source=stack.attrs["nunatak_source"], parameters=[settings, stack.attrs["inputs_hash"]])
    series = velocity.invert(stack, threads=threads, **asdict(settings))
    # an interval of a fraction of a year ends at no whole nanosecond that a file could hold
    series = series.assign_coords({name: series[name].dt.round("s") for name in ("time", "time_start", "time_end")})
    grid = Grid.of(series)
    write_netcdf(georeference(series, grid), out, about)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.stack,
            snakemake.output.series,
            settings=read_choices(Inversion, snakemake.params.invert),
            study=snakemake.wildcards.study,
            threads=snakemake.threads,
        )
