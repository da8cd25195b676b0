"""Flux divergence, dynamic thinning and the residual of mass conservation on the map of velocities."""

import numpy as np
import xarray as xr

from nunatak import dynamics
from nunatak.dynamics.regrid import onto
from nunatak.dynamics.surface import rate_between, shared_years, yearly_change
from nunatak.files.quantities import read_quantity
from nunatak.files.rasters import georeference, write_netcdf
from nunatak.geometry.grid import Grid
from nunatak.results.reading import read_height_change, read_map
from nunatak.runtime import NunatakError, job, log, stamp
from nunatak.study.dynamics import Dynamics
from nunatak.study.parts import typed


def main(annual, thickness, change, out, *, settings: Dynamics, study):
    """
    Write dynamics.nc: divergence, thinning and its parts (m/yr), over the years that both records share.

    Parameters
    ----------
    annual, thickness, change : annual.nc, thickness.nc and height_change.nc
    settings : the study's `dynamics`
    """
    yearly, placed = read_map(annual), read_map(thickness)
    record = yearly_change(read_height_change(change).change)
    within = shared_years(record, yearly["year_start"], yearly["year_end"])
    if not within.any():
        raise NunatakError(
            "dynamics: no year of velocity lies within the height change; widen the period, or leave atl15 out"
        )
    years = yearly["year"].values[within]
    start, end = float(yearly["year_start"][within].min()), float(yearly["year_end"][within].max())
    start, end = np.clip([start, end], *record["year"].values[[0, -1]])
    grid = Grid.of(yearly)
    moving = onto(record, ("dh", "dh_sigma"), grid)
    middle = (start + end) / 2
    reference = placed.attrs.get("reference_year", middle)
    height = dynamics.thickness_in_time(placed, moving, [middle], reference_year=reference).isel(year=0)
    height = height.where(placed["thickness"] > 0)
    divergence = dynamics.flux_divergence(
        mean_over(yearly, within),
        height,
        factor=settings.depth_factor,
        factor_sigma=settings.depth_factor_sigma,
        smoothing=settings.smoothing,
        velocity_range=settings.velocity_range,
        thickness_range=settings.thickness_range,
        crs=grid.crs,
    )
    rate = rate_between(moving, start, end)
    parts = dynamics.split_thinning(rate, divergence, smb=balance(settings, grid))
    result = xr.merge([divergence, parts], combine_attrs="override").where(placed["thickness"] > 0)
    log.info("years %s: divergence in %d cells", ", ".join(map(str, years)), int(result["flux_divergence"].count()))
    about = stamp(
        study=study,
        source=yearly.attrs["nunatak_source"],
        inputs=[annual, thickness, change],
        parameters={"settings": settings},
    )
    about |= {"crs": grid.crs, "since": f"{start:.4f}", "until": f"{end:.4f}", "years": " ".join(map(str, years))}
    write_netcdf(georeference(result, grid), out, about | divergence.attrs)


def mean_over(yearly, within):
    """Return the mean velocity of some years, with its error: years are independent of each other."""
    chosen = yearly.isel(year=np.flatnonzero(within))
    count = chosen["vx"].notnull().sum("year")
    mean = chosen[["vx", "vy"]].mean("year")
    for name in ("vx_error", "vy_error"):
        mean[name] = np.sqrt((chosen[name] ** 2).sum("year")) / count.where(count > 0)
    return mean.assign_attrs(crs=yearly.attrs["crs"])


def balance(settings, grid):
    """
    Return the surface mass balance of the study on a grid, or None where it has none.

    A series is averaged over time.
    """
    if settings.smb is None:
        return None
    values = read_quantity(settings.smb, grid, quantity="smb", variable=settings.smb_variable)
    values = (values.mean("time") if "time" in values.dims else values).values
    fields = {"rate": (("y", "x"), values), "rate_sigma": (("y", "x"), settings.smb_error * np.abs(values))}
    return xr.Dataset(fields, {"y": grid.y, "x": grid.x})


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.annual,
            snakemake.input.thickness,
            snakemake.input.change,
            snakemake.output.dynamics,
            settings=typed(Dynamics, snakemake.params.settings),
            study=snakemake.wildcards.study,
        )
