"""Thickness, bed and surface of the ice on the grid of the velocities."""

from pathlib import Path

import numpy as np
import xarray as xr

from nunatak.dynamics.regrid import onto, places_in
from nunatak.dynamics.surface import yearly_change
from nunatak.files.quantities import read_quantity
from nunatak.files.rasters import georeference, write_netcdf
from nunatak.files.tables import read_table
from nunatak.geometry.grid import Grid
from nunatak.products import bedmachine, hdf5
from nunatak.products.sheets import SHEETS, sheet_of
from nunatak.reading.granules import ledger_paths
from nunatak.results.reading import read_map, read_surface_change
from nunatak.runtime import NunatakError, job, log, stamp
from nunatak.study.dynamics import Dynamics
from nunatak.study.parts import typed

NO_ERROR = 0.1  # of a thickness of the user's whose error is not given
MISSING_ERROR = 0.5  # of a thickness where its error has a gap
CODES = ("source", "mask")
NAMES = {
    "thickness": {"units": "m", "standard_name": "land_ice_thickness"},
    "thickness_sigma": {"units": "m", "long_name": "standard error of the thickness"},
    "bed": {"units": "m", "long_name": "bed above the WGS84 ellipsoid"},
    "surface": {
        "units": "m",
        "standard_name": "height_above_reference_ellipsoid",
        "long_name": "surface above the WGS84 ellipsoid",
    },
    "source": {"long_name": "what the thickness rests on, codes in source_meanings"},
    "mask": {"long_name": "what covers the cell, codes in mask_meanings"},
}
MARGIN = 2000.0  # m of the sheet around the map, so that its edges are between cells


def main(annual, ledgers, change, out, *, settings: Dynamics, study, endpoints=None):
    """
    Write thickness.nc with thickness and thickness_sigma (m) on the cells of the velocity.

    Of BedMachine it also holds bed, source and mask. Its attribute reference_year is the year of the thickness.

    Parameters
    ----------
    annual : annual.nc, for its grid
    ledgers : ledgers of bedmachine; none where the thickness is the user's
    change : record.nc or height_change.nc, for the year of a thickness that does not say its own; None without
    settings : the study's `dynamics`
    endpoints : addresses of the services, for granules that stay where they are
    """
    velocity = read_map(annual)
    grid = Grid.of(velocity)
    if settings.thickness == "bedmachine":
        path = one_of(ledger_paths(read_table(ledgers), endpoints))
        placed = of_bedmachine(path, grid)
    else:
        placed = of_user(settings, grid)
    ice = placed["thickness"] > 0
    if not bool(ice.any()):
        raise NunatakError("dynamics.thickness: no ice on the map of velocities; choose a thickness of this place")
    unknown = float(placed["thickness"].isnull().mean())
    log.info("%.0f %% of the cells have ice, of %.0f %% the thickness is not known", 100 * ice.mean(), 100 * unknown)
    placed = with_errors(placed, settings.thickness_sigma is not None or settings.thickness == "bedmachine")
    year, how = year_of(placed, settings, change, velocity)
    log.info("the thickness is that of %.2f (%s)", year, how)
    tell_gap(year, change)
    for name in placed:
        placed[name].attrs = NAMES[name]
    source = velocity.attrs["nunatak_source"]
    inputs = [annual, *ledgers, *([change] if change else [])]
    about = stamp(study=study, source=source, inputs=inputs, parameters={"settings": settings})
    about |= {"crs": grid.crs, "reference_year": year, "reference_year_is": how}
    write_netcdf(georeference(placed, grid), out, about)


def one_of(paths):
    """Return the file of BedMachine, refusing none and several."""
    if not paths:
        raise NunatakError(
            "dynamics.thickness: no file of BedMachine is present (bedmachine/granules.parquet tells why); add it to "
            "the archive, or give a raster or number as dynamics.thickness"
        )
    if len(paths) > 1:
        names = ", ".join(Path(str(path)).name for path in paths)
        raise NunatakError(
            f"dynamics.thickness: {len(paths)} files of BedMachine are present ({names}); name one release as "
            "products.bedmachine.version"
        )
    return paths[0]


def year_of(placed, settings, change, velocity):
    """Return the year of the thickness, and what says so."""
    if settings.thickness != "bedmachine" and settings.thickness_year is not None:
        return float(settings.thickness_year), "thickness_year of the study"
    if "reference_year" in placed.attrs:
        return float(placed.attrs["reference_year"]), "nominal year of the product"
    if change:
        ends = yearly_change(read_surface_change(change))["year"].values[[0, -1]]
        return float(ends.mean()), "assumed: middle of the height change"
    ends = velocity["year_start"].values.min(), velocity["year_end"].values.max()
    return float(np.mean(ends)), "assumed: middle of the velocities"


def tell_gap(year, change):
    """Print a warning about a thickness of a year outside the height change, between which no change is applied."""
    if not change:
        return
    first, last = yearly_change(read_surface_change(change))["year"].values[[0, -1]]
    if not first - 0.5 <= year <= last + 0.5:
        log.warning(
            "dynamics.thickness: of %.1f, and the height change is of %.1f to %.1f; the change between is not in the "
            "thickness",
            year,
            first,
            last,
        )


def with_errors(placed, stated):
    """Return a thickness whose every cell of ice has an error: half of the thickness where none is stated."""
    missing = placed["thickness_sigma"].isnull() & (placed["thickness"] > 0)
    share = float(missing.sum() / (placed["thickness"] > 0).sum())
    if share:
        log.warning(
            "dynamics.thickness: no error in %.0f %% of the ice; half of the thickness is taken there", 100 * share
        )
    filled = placed["thickness_sigma"].where(~missing, MISSING_ERROR * placed["thickness"])
    about = "as stated" if stated else f"{NO_ERROR:g} of the thickness"
    told = {"thickness_sigma_is": about, "thickness_sigma_assumed_share": share}
    return placed.assign(thickness_sigma=filled).assign_attrs(told)


def of_bedmachine(path, grid):
    """Return BedMachine on a grid: heights and errors bilinear, codes of the nearest cell."""
    sheet = bedmachine.read_bedmachine(path, bounds=_bounds_in(path, grid))
    placed = onto(sheet, ("thickness", "thickness_sigma", "bed", "surface"), grid)
    log.info("BedMachine on the map of velocities: %s", placed.attrs["resampled"])
    x, y = places_in(grid, sheet.attrs["crs"])
    nearest = sheet[list(CODES)].sel(
        x=xr.DataArray(x, dims=("y", "x")), y=xr.DataArray(y, dims=("y", "x")), method="nearest"
    )
    for name in CODES:
        placed[name] = (("y", "x"), nearest[name].values)
    keep = ("version", "sheet", "reference_year", "mask_meanings", "source_meanings", "thickness_is")
    attributes = {"thickness_product": f"BedMachine {sheet.attrs['sheet']}"}
    return placed.assign_attrs({**attributes, **{name: sheet.attrs[name] for name in keep}})


def _bounds_in(path, grid):
    """Return the box of a grid in the coordinate system of the sheet, some cells wider."""
    with hdf5.open_granule(path) as file:
        crs = SHEETS[sheet_of(file)]
    x, y = places_in(grid, crs)
    return float(x.min()) - MARGIN, float(y.min()) - MARGIN, float(x.max()) + MARGIN, float(y.max()) + MARGIN


def of_user(settings, grid):
    """Return the user's thickness and its error on a grid."""
    thickness = read_quantity(
        settings.thickness, grid, quantity="thickness", variable=settings.thickness_variable
    ).values
    sigma = settings.thickness_sigma
    error = (
        NO_ERROR * thickness
        if sigma is None
        else read_quantity(sigma, grid, quantity="thickness_sigma", variable=settings.sigma_variable).values
    )
    if settings.off_ice == "missing":
        error = np.where(np.isnan(thickness), 0.0, error)
        thickness = np.nan_to_num(thickness)
    fields = {"thickness": (("y", "x"), thickness), "thickness_sigma": (("y", "x"), error)}
    attributes = {"crs": grid.crs, "thickness_product": str(settings.thickness)}
    return xr.Dataset(fields, {"y": grid.y, "x": grid.x}, attributes)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.annual,
            snakemake.input.get("ledger", []),
            snakemake.input.get("change"),
            snakemake.output.thickness,
            settings=typed(Dynamics, snakemake.params.settings),
            study=snakemake.wildcards.study,
            endpoints=snakemake.params.endpoints,
        )
