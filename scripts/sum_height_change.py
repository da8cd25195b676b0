"""Volume, mean rate, errors and mass of every region at every resolution, and the change by elevation band."""

import pandas as pd
import xarray as xr

from nunatak import elevation
from nunatak.files.raster_reading import read_on_grid
from nunatak.files.tables import write_csv
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import height_areas, read_outlines
from nunatak.results import reading
from nunatak.runtime import job, stamp
from nunatak.study.parts import typed
from nunatak.study.products import Atl15
from nunatak.study.sections import Mass

# what firn air content (m) and uplift of the bedrock (m/yr) can be; an undeclared fill such as -9999 cannot
FIRN_AIR, UPLIFT = (-200.0, 200.0), (-1.0, 1.0)


def main(change, surface, regions, out_regions, out_elevation, *, settings: Atl15, mass: Mass | None, study):
    """
    Write one row per region, resolution and epoch, and one per region and elevation band.

    Parameters
    ----------
    surface : surface.nc, or nothing: then there are no elevation bands
    settings : the study's `atl15`
    mass : the study's `mass`, or None: volume only
    """
    floating = mass.floating if mass else None
    height = xr.load_dataset(surface, engine="h5netcdf") if surface else None
    sums, bands = [], []
    for resolution in reading.resolutions(change):
        layer, rates = reading.read_height_change(change, resolution)
        about = layer.attrs
        layer, density = to_mass(layer, mass)
        grid = Grid.of(layer)
        heights = elevation.cell_heights(height, grid) if height is not None and not bands else None
        finest = []
        for name, area in height_areas(read_outlines(regions), grid.crs, floating).items():
            coverage = elevation.cell_coverage(grid, area)
            if not (coverage > 0).any():
                continue
            options = {"region": name, "rates": rates, "correlation_range": settings.correlation_range * 1000}
            own = density.afloat() if density and name == floating else density
            sums.append(elevation.region_change(layer, coverage, density=own, **options))
            if heights is not None:
                first, last = layer.decimal_year.values[[0, -1]]
                dh = elevation.change_between(layer, first, last, rates=rates)
                finest.append(elevation.change_by_elevation(dh, heights, coverage, region=name, band=settings.band))
        bands = bands or finest
    stamped = stamp(
        study=study,
        source=about["nunatak_source"],
        inputs=[change, regions],
        parameters={"settings": settings, "mass": mass},
    )
    write_csv(pd.concat(sums), out_regions, attributes=stamped, units=sums[0].attrs["units"])
    empty = pd.DataFrame({"region": []})
    write_csv(
        pd.concat(bands) if bands else empty,
        out_elevation,
        attributes=stamped,
        units=bands[0].attrs["units"] if bands else {},
    )


def to_mass(layer, mass):
    """
    Return the change that may become a mass and the density for it, or None where a volume is all that can be said.
    """
    if mass and mass.kind == "glacier":
        return layer, elevation.Density(mass.density, mass.density_sigma)
    if mass and mass.firn:
        grid = Grid.of(layer)
        air = read_on_grid(mass.firn, grid, valid=FIRN_AIR)
        uplift = read_on_grid(mass.gia, grid, valid=UPLIFT)
        return elevation.ice_equivalent(layer, air, uplift), elevation.ICE
    return layer, None


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.change,
            snakemake.input.surface,
            snakemake.input.regions,
            snakemake.output.regions,
            snakemake.output.elevation,
            settings=typed(Atl15, snakemake.params.settings),
            mass=typed(Mass, snakemake.params.mass),
            study=snakemake.wildcards.study,
        )
