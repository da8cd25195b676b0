"""Hold a study's results against what must be true of them, and against the truth where granules are simulated."""

import xarray as xr

from nunatak import checks, reports, results
from nunatak.checks import elevation, study
from nunatak.elevation import grid_of
from nunatak.outlines import read_outlines
from nunatak.reports import files
from nunatak.runtime import job, log
from nunatak.tables import read_table


def main(inputs, out, *, world):
    """
    Write checks.json; a check that fails does not fail this job, the study's conclusion judges it.

    Parameters
    ----------
    inputs : mapping of regions and the results there are (change, region_change, surface, repeat_pairs) to a path
    world : name and size of the simulated world, None for real granules
    """
    layers = {}
    if "change" in inputs:
        layers = {n: results.read_height_change(inputs["change"], n) for n in results.resolutions(inputs["change"])}
    found = [*grid_checks(layers, inputs.get("surface")), *table_checks(inputs, layers, world)]
    for check in found:
        log.info("%s %s: %s", "passed" if check.passed else "FAILED", check.name, check.text)
    data = [inputs[name] for name in ("change", "repeat_pairs") if name in inputs]
    checks.write_checks(found, out, source=files.source_of(data))


def grid_checks(layers, surface):
    """Checks of the grids a study has."""
    systems = {f"height_change.nc/{name}": change.attrs["crs"] for name, (change, _) in layers.items()}
    if surface:
        with xr.open_dataset(surface, engine="h5netcdf") as file:
            systems["surface.nc"] = file.attrs["crs"]
    return [elevation.one_crs(systems), *study.layer_checks(layers)] if layers else []


def table_checks(inputs, layers, world):
    """Checks of the tables a study has, and against the truth."""
    found = []
    if layers:
        table = reports.region_change(inputs["region_change"])
        found += study.region_checks(table)
        if world:
            finest = grid_of(next(iter(layers.values()))[0])
            found += study.truth_checks(table, read_outlines(inputs["regions"]), world, finest)
    if "repeat_pairs" in inputs:
        found += elevation.repeat_pairs(read_table(inputs["repeat_pairs"]))
    return found


if __name__ == "__main__":
    with job(snakemake):
        main(dict(snakemake.input.items()), snakemake.output.checks, world=snakemake.params.world)
