"""Annual velocities of a cube, and how speeds are distributed."""

import itertools

import numpy as np
import xarray as xr

from nunatak import velocity
from nunatak.compute import parallel
from nunatak.files.rasters import georeference, write_netcdf
from nunatak.files.tables import write_csv
from nunatak.geometry.grid import Grid
from nunatak.parameters.choices import read_choices
from nunatak.parameters.velocity import AnnualFit
from nunatak.products.itslive.ground import GROUND
from nunatak.products.itslive.store import open_cube
from nunatak.runtime import job, log, stamp
from nunatak.velocity.speeds import EDGES, counts_of, speeds_table

BAND = 128  # rows that one task reads


def main(cube, out, *, fit, study, years=None, threads=2, scheduler=None, memory_mb=512):
    """
    Write annual.nc and speeds.csv.

    Parameters
    ----------
    cube : folder of the cube
    out : mapping of annual, speeds to a path
    fit : parameters.velocity.AnnualFit
    years : (first, last) year of the study, which the mean velocity is of; all that pairs touch where not given
    scheduler : of Dask, for bands of the map; this process where not given
    memory_mb : bound on the velocities held at a time; a chunk of whole layers is inflated again for every band
    """
    stack = open_cube(cube)
    about = stamp(study=study, source=stack.attrs["nunatak_source"], parameters=[fit, years])
    about["inputs_hash"] = stamp(study=study, source="", parameters=[fit, years, stack.attrs["inputs_hash"]])[
        "inputs_hash"
    ]
    about |= GROUND
    with parallel.on(scheduler, threads=threads):
        bands = {"chunks": {"time": -1, "y": BAND}} if scheduler else {}
        held = 64 if scheduler else memory_mb  # more bands, for workers to share
        options = velocity.options_of(fit, years)
        annual = velocity.composite(open_cube(cube, **bands), threads=threads, memory_mb=held, compact=True, **options)
    annual = georeference(annual, Grid.of(annual))
    write_netcdf(annual, out["annual"], about)
    del annual
    with xr.open_dataset(out["annual"], engine="h5netcdf", cache=False) as annual:
        table = speeds_table(speeds(stack), annual)
        write_csv(table, out["speeds"], attributes=about, units={"low": "m/yr", "high": "m/yr"})
        report(annual)


def report(annual):
    """Log how much of the region has velocities, and why the rest has none."""
    seen = np.isfinite(annual["v0"].values).sum() / max(int(annual["roi"].sum()), 1)
    pairs, years = annual.attrs["n_pairs"], annual.sizes["year"]
    log.info("%d pairs, %d years, %.0f %% of the region seen", pairs, years, 100 * seen)
    log.info(
        "years of cells: %s", ", ".join(f"{n} {word}" for word, n in velocity.years_by_status(annual).items() if n)
    )


def speeds(stack):
    """Count the speeds of single pairs in the region by bin."""
    roi = stack["roi"].values.astype(bool)
    counts = np.zeros(EDGES.size - 1, dtype=int)
    for time, y, x in tiles(stack):
        block = stack[["vx", "vy"]].isel(time=time, y=y, x=x)
        counts += counts_of(*(block[name].values[:, roi[y, x]] for name in ("vx", "vy")))
    return counts


def tiles(stack):
    """Return blocks of a cube along its chunks, each inflated once: slices of time, y and x."""
    chunk = stack["vx"].encoding["chunks"]
    steps = max(16, chunk[0]), *chunk[1:]
    starts = [range(0, n, step) for n, step in zip(stack["vx"].shape, steps, strict=True)]
    for corner in itertools.product(*starts):
        yield tuple(slice(first, first + step) for first, step in zip(corner, steps, strict=True))


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.cube,
            dict(snakemake.output.items()),
            fit=read_choices(AnnualFit, snakemake.params.composite),
            study=snakemake.wildcards.study,
            years=snakemake.params.years,
            threads=snakemake.threads,
            scheduler=snakemake.params.scheduler,
            memory_mb=snakemake.resources.mem_mb / 4,
        )
