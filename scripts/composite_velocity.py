"""Annual velocities of a cube, the strain rates of their mean, maps for a GIS, and how speeds are distributed."""

import itertools

import numpy as np
import pandas as pd
import xarray as xr

from nunatak import velocity
from nunatak.compute import parallel
from nunatak.files.rasters import georeference, write_cog, write_netcdf
from nunatak.files.tables import write_csv
from nunatak.geometry.grid import Grid
from nunatak.parameters.choices import read_choices
from nunatak.parameters.velocity import AnnualFit
from nunatak.products.itslive.ground import GROUND
from nunatak.products.itslive.store import open_cube
from nunatak.runtime import job, log, stamp, written

EDGES = np.concatenate([np.arange(0, 1000, 50), np.arange(1000, 20001, 200)]).astype(float)  # m/yr
BAND = 128  # rows that one task reads
MAPS = ("v", "v_error", "vx", "vy", "count")


def main(cube, out, *, fit, study, years=None, threads=2, scheduler=None, memory_mb=512):
    """
    Write annual.nc, strain.nc, a folder of rasters and speeds.csv.

    Parameters
    ----------
    cube : folder of the cube
    out : mapping of annual, strain, maps, speeds to a path
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
    grid = Grid.of(annual)
    annual = georeference(annual, grid)
    write_netcdf(annual, out["annual"], about)
    del annual
    with xr.open_dataset(out["annual"], engine="h5netcdf", cache=False) as annual:
        write_further(stack, annual, grid, fit, out, about)


def write_further(stack, annual, grid, fit, out, about):
    """Write what follows from the annual velocities, which are read from their file one by one."""
    length = fit.strain_length or 4 * grid.dx
    strain = velocity.strain_rates(velocity.mean_field(annual), half_length=max(length, grid.dx))
    write_netcdf(georeference(strain, grid), out["strain"], about)
    write_maps(annual, grid, out["maps"], about)
    write_csv(speeds(stack, annual), out["speeds"], attributes=about, units={"low": "m/yr", "high": "m/yr"})
    seen = np.isfinite(annual["v0"].values).sum() / max(int(annual["roi"].sum()), 1)
    log.info("%d pairs, %d years, %.0f %% of the region seen", stack.sizes["time"], annual.sizes["year"], 100 * seen)
    log.info(
        "years of cells: %s", ", ".join(f"{n} {word}" for word, n in velocity.years_by_status(annual).items() if n)
    )


def write_maps(annual, grid, folder, about):
    """A raster for every annual field, a band per year, one of the mean speed and one of the speed by the trend."""
    years = [str(year) for year in annual["year"].values]
    with written(folder) as part:
        part.mkdir()
        for name in MAPS:
            units = [annual[name].attrs["units"]] * len(years)
            write_cog(annual[name].values, grid, part / f"{name}.tif", about, names=years, units=units)
        for name in ("v_mean", "v0"):
            write_cog(
                annual[name].values,
                grid,
                part / f"{name}.tif",
                about,
                names=annual[name].attrs["long_name"],
                units="m/yr",
            )


def speeds(stack, annual):
    """How many values of single pairs and of the annual composites fall into each bin of speed, in the region."""
    roi = stack["roi"].values.astype(bool)
    counts = np.zeros(EDGES.size - 1, dtype=int)
    for time, y, x in tiles(stack):
        block = stack[["vx", "vy"]].isel(time=time, y=y, x=x)
        vx, vy = (block[name].values[:, roi[y, x]].astype(float) for name in ("vx", "vy"))
        seen = (vx != stack["vx"].attrs["_FillValue"]) & (vy != stack["vy"].attrs["_FillValue"])
        counts += np.histogram(np.hypot(vx, vy)[seen], EDGES)[0]
    yearly = np.histogram(annual["v"].values[np.isfinite(annual["v"].values)], EDGES)[0]
    return pd.DataFrame({"low": EDGES[:-1], "high": EDGES[1:], "pairs": counts, "annual": yearly})


def tiles(stack):
    """Blocks of a cube along its chunks, each inflated once: slices of time, y and x."""
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
