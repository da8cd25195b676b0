"""Fit annual velocities to layers of datacubes that are read once and not kept, and count what each layer showed."""

import shutil
from pathlib import Path

import xarray as xr

from nunatak import velocity
from nunatak.cubes import build
from nunatak.cubes.datacubes import open_layers, read_layers, settled_layers, shown_layer
from nunatak.cubes.streaming import stream_composite
from nunatak.files.rasters import georeference, write_netcdf
from nunatak.files.tables import write_csv
from nunatak.geometry.grid import Grid
from nunatak.parameters.choices import read_choices
from nunatak.parameters.velocity import AnnualFit
from nunatak.products.itslive.ground import GROUND
from nunatak.runtime import job, log, stamp
from nunatak.velocity.cube import fates
from nunatak.velocity.speeds import speeds_table


def main(layers, out, *, fit, study, years=None, threads=2, memory_mb=256, code=""):
    """
    Write annual.nc, speeds.csv, pairs.parquet and pair.nc.

    What is finished of the map is kept beside annual.nc until all of it is: a run that is killed goes on from there.

    Parameters
    ----------
    layers : folder of the chosen layers
    out : mapping of annual, speeds, pairs, pair to a path
    fit : parameters.velocity.AnnualFit
    years : (first, last) year of the study, which the mean velocity is of; all that pairs touch where not given
    memory_mb : bound on the velocities held at a time
    code : of the library; what other code has finished is not gone on from
    """
    stack, tiles = open_layers(layers)
    inputs = [Path(layers) / name for name in ("pairs.parquet", "parts.parquet")]
    about = stamp(study=study, source=stack.attrs["nunatak_source"], inputs=inputs, parameters=[fit, years]) | GROUND
    kept = Path(out["annual"]).parent / f".parts-{stamp(study='', source='', parameters=[about, code])['inputs_hash']}"
    options = velocity.options_of(fit, years)
    annual, seen = stream_composite(stack, tiles, kept=kept, memory_mb=memory_mb, threads=threads, **options)
    plan = read_layers(layers)[0]
    settled = settled_layers(plan, seen.valid)
    annual.attrs["n_pairs"] = int((settled["fate"] == "used").sum())  # of the layers chosen, those that see the region
    build.write_pairs(settled, out["pairs"], about)
    log.info("%s", ", ".join(f"{count} {fate}" for fate, count in fates(settled).items()))
    build.refuse_empty(settled, out["annual"])
    grid = Grid.of(annual)
    write_netcdf(georeference(shown_layer(plan, settled, seen.maps), grid), out["pair"], about)
    write_netcdf(georeference(annual, grid), out["annual"], about)
    del annual
    with xr.open_dataset(out["annual"], engine="h5netcdf", cache=False) as annual:
        table = speeds_table(seen.speeds, annual)
        write_csv(table, out["speeds"], attributes=about, units={"low": "m/yr", "high": "m/yr"})
    shutil.rmtree(kept, ignore_errors=True)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.layers,
            dict(snakemake.output.items()),
            fit=read_choices(AnnualFit, snakemake.params.composite),
            study=snakemake.wildcards.study,
            years=snakemake.params.years,
            threads=snakemake.threads,
            memory_mb=snakemake.resources.mem_mb / 4,
            code=snakemake.params.code,
        )
