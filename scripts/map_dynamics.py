"""Flux divergence, dynamic thinning and the residual of mass conservation on the map of velocities."""

import numpy as np
import xarray as xr

from nunatak import dynamics
from nunatak.dynamics.firn import firn_by_year, firn_on, firn_rate
from nunatak.dynamics.regrid import on_map
from nunatak.dynamics.surface import carried, rate_between, shared_spans, yearly_change
from nunatak.dynamics.terms import floating_of
from nunatak.files.quantities import read_firn, read_quantity
from nunatak.files.rasters import georeference, write_netcdf
from nunatak.geometry.grid import Grid
from nunatak.results.reading import read_map, read_surface_change
from nunatak.runtime import NunatakError, job, log, stamp
from nunatak.study.dynamics import Dynamics
from nunatak.study.parts import typed


def main(annual, thickness, change, out, *, settings: Dynamics, study):
    """
    Write dynamics.nc: divergence, thinning and its parts (m/yr), over the years that both records share.

    Where firn is known it also holds the change of its air in each of these years (firn_yearly).

    Parameters
    ----------
    annual, thickness, change : annual.nc, thickness.nc, and record.nc or height_change.nc
    settings : the study's `dynamics`
    """
    yearly, placed = read_map(annual), read_map(thickness)
    record = yearly_change(read_surface_change(change))
    spans = shared_spans(record, yearly)
    if not spans:
        raise NunatakError(
            "dynamics: no year of velocity lies within the height change; widen the period, or leave atl15 out"
        )
    years, (start, end) = [year for year in spans if year], spans[0]
    grid = Grid.of(yearly)
    middle, reference = (start + end) / 2, placed.attrs["reference_year"]
    moving = on_map(record, [start, end], grid)
    tell_overlap(moving)
    shifted = on_map(carried(record), [reference, middle], grid)
    height = dynamics.thickness_in_time(placed, shifted, [middle], reference_year=reference).isel(year=0)
    divergence = dynamics.flux_divergence(
        mean_over(yearly, years),
        height.where(placed["thickness"] > 0),
        factor=settings.depth_factor,
        factor_sigma=settings.depth_factor_sigma,
        smoothing=settings.smoothing,
        velocity_range=settings.velocity_range,
        thickness_range=settings.thickness_range,
        crs=grid.crs,
    )
    firn = firn_of(settings, grid, record, spans)
    known = {"smb": rate_of(settings, "smb", grid, spans[0]), "basal": rate_of(settings, "basal_melt", grid, spans[0])}
    known["firn"] = firn.pop(0, None)
    floating = floating_of(placed)
    tell_floating(floating, placed)
    parts = dynamics.split_thinning(rate_between(moving, start, end), divergence, **known, floating=floating)
    result = xr.merge([divergence, parts, by_year(firn)], combine_attrs="override").where(placed["thickness"] > 0)
    log.info("years %s: divergence in %d cells", ", ".join(map(str, years)), int(result["flux_divergence"].count()))
    about = stamp(
        study=study,
        source=yearly.attrs["nunatak_source"],
        inputs=[annual, thickness, change],
        parameters={"settings": settings},
    )
    about |= {"crs": grid.crs, "since": f"{start:.4f}", "until": f"{end:.4f}", "years": " ".join(map(str, years))}
    write_netcdf(georeference(result, grid), out, about | divergence.attrs)


def mean_over(yearly, years):
    """Return the mean velocity of some years, with its error: years are independent of each other."""
    chosen = yearly.sel(year=years)
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


def tell_floating(floating, placed):
    """Print a warning about ice that floats, whose thickness changes more than its surface."""
    share = float((floating & (placed["thickness"].values > 0)).sum() / (placed["thickness"] > 0).sum())
    if share:
        log.warning(
            "%.0f %% of the ice floats: its thickness changes by buoyancy, 9.26 m for each of the surface", 100 * share
        )


def rate_of(settings, quantity, grid, span):
    """
    Return the surface mass balance (smb) or basal melt (basal_melt) of the study on a grid, None where it has none.

    Of a series it is the mean of the calendar years within the span of decimal years.
    """
    given, variable = getattr(settings, quantity), getattr(settings, f"{quantity}_variable")
    if given is None:
        return None
    years = calendar_years(span)
    values = read_quantity(given, grid, quantity=quantity, variable=variable, years=years)
    if "time" in values.dims:
        log.info("%s: mean of %d times in %d to %d", quantity, values.sizes["time"], *years)
        values = values.mean("time")
    return with_error(values.values, settings.smb_error if quantity == "smb" else settings.basal_error, grid)


def with_error(rate, share, grid):
    """Return a rate with an error that is a share of it."""
    fields = {"rate": (("y", "x"), rate), "rate_sigma": (("y", "x"), share * np.abs(rate))}
    return xr.Dataset(fields, {"y": grid.y, "x": grid.x})


def firn_of(settings, grid, record, spans):
    """
    Return the change of the firn's air in each span of time by its year, where it is known.

    It is that of the study, else that of the record; empty where neither has it.
    """
    if settings.firn is None:
        firn, where = firn_on(grid, record, np.ravel([*spans.values()])), "the record"
    else:
        given = read_firn(settings.firn, grid, variable=settings.firn_variable)
        firn, where = firn_by_year(given, settings.firn_error), "dynamics.firn"
    if firn is None:
        log.info("firn: not known; the thinning and the residual hold it")
        return {}
    rates = {year: firn_rate(firn, *span) for year, span in spans.items()}
    lacking = [str(year) for year, rate in rates.items() if year and not np.isfinite(rate["rate"]).any()]
    if lacking:
        log.warning("firn: %s has none in %s; volumes of these years hold it", where, ", ".join(lacking))
    return {year: rate for year, rate in rates.items() if np.isfinite(rate["rate"]).any()}


def by_year(firn):
    """Return the change of the firn's air by year as variables, none where it is not known."""
    if not firn:
        return xr.Dataset()
    joined = xr.concat(firn.values(), dim=xr.IndexVariable("year", list(firn)))
    joined = joined.rename(rate="firn_yearly", rate_sigma="firn_yearly_sigma")
    for name in joined:
        joined[name].attrs = {"units": "m/yr", "long_name": "change of the air in the firn in each year"}
    joined["firn_yearly_sigma"].attrs["long_name"] = "standard error: change of the air in the firn in each year"
    return joined


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
