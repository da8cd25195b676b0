"""Strain rates of the mean of annual velocities, and rasters of all of them for a GIS."""

import xarray as xr

from nunatak import velocity
from nunatak.files.rasters import georeference, write_cog, write_netcdf
from nunatak.geometry.grid import Grid
from nunatak.parameters.choices import read_choices
from nunatak.parameters.velocity import AnnualFit
from nunatak.products.itslive.ground import GROUND
from nunatak.runtime import job, stamp, written

MAPS = ("v", "v_error", "vx", "vy", "count")


def main(annual, out, *, fit, study):
    """
    Write strain.nc and a folder of rasters.

    Parameters
    ----------
    annual : annual.nc
    out : mapping of strain and maps to a path
    fit : parameters.velocity.AnnualFit, for the length that strain rates are taken over
    """
    with xr.open_dataset(annual, engine="h5netcdf", cache=False) as yearly:
        about = stamp(study=study, source=yearly.attrs["nunatak_source"], inputs=[annual], parameters=fit) | GROUND
        grid = Grid.of(yearly)
        length = fit.strain_length or 4 * grid.dx
        strain = velocity.strain_rates(velocity.mean_field(yearly), half_length=max(length, grid.dx))
        write_netcdf(georeference(strain, grid), out["strain"], about)
        write_maps(yearly, grid, out["maps"], about)


def write_maps(annual, grid, folder, about):
    """
    Write a raster for every annual field, a band per year, one of the mean speed and one of the speed by the trend.
    """
    years = [str(year) for year in annual["year"].values]
    with written(folder) as part:
        part.mkdir()
        for name in MAPS:
            units = [annual[name].attrs["units"]] * len(years)
            write_cog(
                annual[name].values, grid, part / f"{name}.tif", about, names=years, units=units, scale=scale_of(name)
            )
        for name in ("v_mean", "v0"):
            text = annual[name].attrs["long_name"]
            write_cog(annual[name].values, grid, part / f"{name}.tif", about, names=text, units="m/yr", scale="speed")


def scale_of(name):
    """Return the colours of a field: of a component about zero, of a speed by its logarithm, else linear."""
    return {"vx": "change", "vy": "change", "v": "speed"}.get(name, "amount")


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.annual,
            dict(snakemake.output.items()),
            fit=read_choices(AnnualFit, snakemake.params.composite),
            study=snakemake.wildcards.study,
        )
