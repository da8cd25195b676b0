"""Thickness, bed and surface of the ice on the grid of the velocities."""

import numpy as np
import pyproj
import xarray as xr

from nunatak.dynamics.regrid import onto
from nunatak.files.quantities import read_quantity
from nunatak.files.rasters import georeference, write_netcdf
from nunatak.files.tables import read_table
from nunatak.geometry.grid import Grid
from nunatak.products import bedmachine, hdf5
from nunatak.products.sheets import SHEETS, sheet_of
from nunatak.reading.granules import ledger_paths
from nunatak.results.reading import read_map
from nunatak.runtime import NunatakError, job, log, stamp
from nunatak.study.dynamics import Dynamics
from nunatak.study.parts import typed

NO_ERROR = 0.1  # of a thickness of the user's whose error is not given
CODES = ("source", "mask")
MARGIN = 2000.0  # m of the sheet around the map, so that its edges are between cells


def main(annual, ledgers, out, *, settings: Dynamics, study, endpoints=None):
    """
    Write thickness.nc with thickness and thickness_sigma (m) on the cells of the velocity.

    Of BedMachine it also holds bed, source and mask.

    Parameters
    ----------
    annual : annual.nc, for its grid
    ledgers : ledgers of bedmachine; none where the thickness is the user's
    settings : the study's `dynamics`
    endpoints : addresses of the services, for granules that stay where they are
    """
    velocity = read_map(annual)
    grid = Grid.of(velocity)
    if settings.thickness == "bedmachine":
        placed = of_bedmachine(ledger_paths(read_table(ledgers), endpoints), grid)
    else:
        placed = of_user(settings, grid)
    ice = placed["thickness"] > 0
    if not bool(ice.any()):
        raise NunatakError("dynamics.thickness: no ice on the map of velocities; choose a thickness of this place")
    log.info("%.0f %% of the cells have a thickness", 100 * float(ice.mean()))
    source = velocity.attrs["nunatak_source"]
    about = stamp(study=study, source=source, inputs=[annual, *ledgers], parameters={"settings": settings})
    write_netcdf(georeference(placed, grid), out, about | {"crs": grid.crs})


def of_bedmachine(paths, grid):
    """Return BedMachine on a grid: heights and errors bilinear, codes of the nearest cell."""
    bounds = _bounds_in(paths[0], grid)
    sheet = bedmachine.read_bedmachine(paths[0], bounds=bounds)
    placed = onto(sheet, ("thickness", "thickness_sigma", "bed", "surface"), grid)
    x, y = _in_crs(grid, sheet.attrs["crs"])
    nearest = sheet[list(CODES)].sel(
        x=xr.DataArray(x, dims=("y", "x")), y=xr.DataArray(y, dims=("y", "x")), method="nearest"
    )
    for name in CODES:
        placed[name] = (("y", "x"), nearest[name].values)
    keep = ("version", "sheet", "reference_year", "mask_meanings", "source_meanings", "thickness_is")
    attributes = {"thickness_product": f"BedMachine {sheet.attrs['sheet']}"}
    return placed.assign_attrs({**attributes, **{name: sheet.attrs[name] for name in keep}})


def _bounds_in(path, grid):
    """The box of a grid in the coordinate system of the sheet, some cells wider."""
    with hdf5.open_granule(path) as file:
        crs = SHEETS[sheet_of(file)]
    x, y = _in_crs(grid, crs)
    return float(x.min()) - MARGIN, float(y.min()) - MARGIN, float(x.max()) + MARGIN, float(y.max()) + MARGIN


def _in_crs(grid, crs):
    x, y = np.meshgrid(grid.x, grid.y)
    if pyproj.CRS.from_user_input(crs) == grid.proj:
        return x, y
    return pyproj.Transformer.from_crs(grid.proj, crs, always_xy=True).transform(x, y)


def of_user(settings, grid):
    """Return the user's thickness and its error on a grid."""
    thickness = read_quantity(
        settings.thickness, grid, quantity="thickness", variable=settings.thickness_variable
    ).values
    sigma = settings.thickness_sigma
    error = (
        NO_ERROR * thickness
        if sigma is None
        else read_quantity(sigma, grid, quantity="thickness", variable=settings.sigma_variable).values
    )
    fields = {"thickness": (("y", "x"), thickness), "thickness_sigma": (("y", "x"), error)}
    attributes = {"crs": grid.crs, "thickness_product": str(settings.thickness)}
    if settings.thickness_year is not None:
        attributes["reference_year"] = settings.thickness_year
    return xr.Dataset(fields, {"y": grid.y, "x": grid.x}, attributes)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.annual,
            snakemake.input.get("ledger", []),
            snakemake.output.thickness,
            settings=typed(Dynamics, snakemake.params.settings),
            study=snakemake.wildcards.study,
            endpoints=snakemake.params.endpoints,
        )
