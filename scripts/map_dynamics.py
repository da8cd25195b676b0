"""Flux divergence, dynamic thinning and the residual of mass conservation on the map of velocities."""

import numpy as np
import xarray as xr

from nunatak import dynamics
from nunatak.dynamics.regrid import onto
from nunatak.dynamics.surface import only_years, rate_between, shared_years, yearly_change
from nunatak.files.quantities import read_quantity
from nunatak.files.rasters import georeference, write_netcdf
from nunatak.geometry.grid import Grid
from nunatak.results.reading import read_map, read_surface_change
from nunatak.runtime import NunatakError, job, log, stamp
from nunatak.study.dynamics import Dynamics
from nunatak.study.parts import typed


def main(annual, thickness, change, out, *, settings: Dynamics, study):
    """
    Write dynamics.nc: divergence, thinning and its parts (m/yr), over the years that both records share.

    Parameters
    ----------
    annual, thickness, change : annual.nc, thickness.nc, and record.nc or height_change.nc
    settings : the study's `dynamics`
    """
    yearly, placed = read_map(annual), read_map(thickness)
    record = yearly_change(read_surface_change(change))
    within = shared_years(record, yearly["year_start"], yearly["year_end"])
    if not within.any():
        raise NunatakError(
            "dynamics: no year of velocity lies within the height change; widen the period, or leave atl15 out"
        )
    years = yearly["year"].values[within]
    start, end = float(yearly["year_start"][within].min()), float(yearly["year_end"][within].max())
    start, end = np.clip([start, end], *record["year"].values[[0, -1]])
    grid = Grid.of(yearly)
    middle, reference = (start + end) / 2, placed.attrs["reference_year"]
    moving = onto(only_years(record, [reference, start, middle, end]), ("dh", "dh_sigma"), grid)
    tell_overlap(moving)
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
    parts = dynamics.split_thinning(rate, divergence, smb=balance(settings, grid, (start, end)))
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


def tell_overlap(moving):
    """Refuse a height change that lies elsewhere, and log what part of the map it covers."""
    seen = float(moving["dh"].notnull().any("year").mean())
    if not seen:
        raise NunatakError(
            "dynamics: the height change has no value on the map of velocities; choose regions that overlap "
            "(altimetry_region, region)"
        )
    log.info("height change in %.0f %% of the map of velocities (%s)", 100 * seen, moving.attrs["resampled"])


def balance(settings, grid, span):
    """
    Return the surface mass balance of the study on a grid, or None where it has none.

    Of a series it is the mean of the calendar years within the span of decimal years.
    """
    if settings.smb is None:
        return None
    years = calendar_years(span)
    values = read_quantity(settings.smb, grid, quantity="smb", variable=settings.smb_variable, years=years)
    if "time" in values.dims:
        log.info("surface mass balance: mean of %d times in %d to %d", values.sizes["time"], *years)
        values = values.mean("time")
    rate = values.values
    fields = {"rate": (("y", "x"), rate), "rate_sigma": (("y", "x"), settings.smb_error * np.abs(rate))}
    return xr.Dataset(fields, {"y": grid.y, "x": grid.x})


def calendar_years(span):
    """
    Return the first and last calendar year of which a span of decimal years holds at least half.

    >>> calendar_years((2018.9, 2022.1))
    (2019, 2021)
    """
    first, last = round(float(span[0])), round(float(span[1])) - 1
    return first, max(first, last)


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
