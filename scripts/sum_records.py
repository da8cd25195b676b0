"""Volume, firn and mass of every region from the long record, by period, and their series."""

import pandas as pd

from nunatak import elevation
from nunatak.files.tables import write_csv
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import height_areas, read_outlines
from nunatak.results.reading import read_record
from nunatak.runtime import NunatakError, job, stamp
from nunatak.study.parts import typed
from nunatak.study.products import ItsLiveElevation
from nunatak.study.sections import Mass


def main(record, regions, out_change, out_series, *, settings: ItsLiveElevation, mass: Mass | None, study):
    """
    Write a row per region and period, and one per region, epoch and source.

    Parameters
    ----------
    record, regions : record.nc and regions.geojson
    settings : the study's `itslive_elevation`
    mass : the study's `mass`, for the region whose ice floats
    """
    layer = read_record(record)
    grid, floating = Grid.of(layer), mass.floating if mass else None
    change, series = [], []
    for name, area in height_areas(read_outlines(regions), grid.crs, floating).items():
        coverage = elevation.cell_coverage(grid, area)
        if not ((coverage > 0) & (layer["ice_area"].values > 0)).any():
            continue
        options = {"region": name, "options": settings}
        change.append(elevation.record_change(layer, coverage, floating=name == floating, **options))
        series.append(elevation.record_series(layer, coverage, **options))
    if not change:
        raise NunatakError("record: no region covers ice of it; choose one on the ice sheet, or leave the product out")
    stamped = stamp(
        study=study,
        source=layer.attrs["nunatak_source"],
        inputs=[record, regions],
        parameters={"settings": settings, "mass": mass},
    )
    for tables, out in ((change, out_change), (series, out_series)):
        units = {name: unit for table in tables for name, unit in table.attrs.get("units", {}).items()}
        write_csv(pd.concat(tables), out, attributes=stamped, units=units)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.record,
            snakemake.input.regions,
            snakemake.output.change,
            snakemake.output.series,
            settings=typed(ItsLiveElevation, snakemake.params.settings),
            mass=typed(Mass, snakemake.params.mass),
            study=snakemake.wildcards.study,
        )
