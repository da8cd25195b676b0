"""The long record of height change: that of all altimeters, joined with ATL15 where the study has it."""

import numpy as np
import xarray as xr

from nunatak import elevation
from nunatak.files.rasters import georeference, write_netcdf
from nunatak.files.tables import read_table
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import altimetry_outline
from nunatak.products import hdf5, itslive_elevation, sheet_window, sheets
from nunatak.reading.granules import ledger_paths
from nunatak.results.reading import read_height_change
from nunatak.runtime import NunatakError, job, log, stamp
from nunatak.study.parts import typed
from nunatak.study.period import Period

NAMES = ("dh", "dh_sigma", *elevation.FIRN_MODELS)
BAND = 216  # rows of a sheet that are read at a time


def main(ledgers, change, regions, out, *, period: Period, study, endpoints=None):
    """
    Write record.nc: quarterly height change and its error, and firn air content where the product has it.

    Parameters
    ----------
    ledgers : of itslive_elevation
    change : height_change.nc, or nothing: then the record is that of all altimeters alone
    regions : regions.geojson
    period : the study's
    endpoints : addresses of the services, for granules that stay where they are
    """
    ledger = read_table(ledgers)
    path = only(ledger_paths(ledger, endpoints))
    record = read_quarters(path, altimetry_outline(regions), period)
    log.info("%s", ", ".join(f"{key} {value}" for key, value in record.attrs.items() if key.startswith("values_")))
    record = elevation.join(record, read_height_change(change).change) if change else elevation.of_one_source(record)
    said = [f"{name} {int((record['part'] == code).sum())}" for code, name in enumerate(elevation.PARTS.split())]
    log.info("cells: %s", ", ".join(said))
    about = stamp(
        study=study,
        source=ledger.attrs["attributes"]["nunatak_source"],
        inputs=[*ledgers, regions, *([change] if change else [])],
        parameters={"period": period},
    )
    write_netcdf(georeference(record, Grid.of(record)), out, about)


def only(paths):
    """Return the granule of a study: one file holds a whole ice sheet."""
    if len(paths) != 1:
        raise NunatakError(
            f"itslive_elevation: {len(paths)} granules where one of an ice sheet is expected; choose a region on one "
            "sheet, and keep one copy of its file"
        )
    return paths[0]


def read_quarters(path, region, period):
    """
    Return the quarterly record of a region's box, with the area of ice in every cell.

    Months are read in bands of rows, so that memory is that of the quarters. All months of the period's span count,
    also where the period chooses some.
    """
    with hdf5.open_granule(path) as file:
        crs = sheets.SHEETS[sheets.sheet_of(file)]
        window = sheet_window.window(file, region.projected(crs).bounds)
    left, right = window.x[[0, -1]]
    span = period.start, period.end
    bands = []
    for rows in np.array_split(window.y, int(np.ceil(window.y.size / BAND))):
        bounds = left, rows.min(), right, rows.max()
        months = itslive_elevation.read_elevation(path, bounds=bounds, period=span)
        names = [name for name in NAMES if name in months]
        quarters = elevation.quarterly(months, names, sigma="dh_sigma")
        bands.append(quarters.assign(ice=(("y", "x"), ice_of(months))))
    whole = xr.concat(bands, "y", data_vars="minimal", coords="minimal", compat="override", combine_attrs="override")
    whole = whole.isel(y=np.unique(-whole["y"].values, return_index=True)[1])  # a row that two bands touch counts once
    for name in (name for name in whole.attrs if name.startswith("values_")):
        whole.attrs[name] = sum(band.attrs[name] for band in bands)
    grid = Grid.of(whole)
    area = np.where(whole["ice"].values, grid.dx * grid.dy / grid.areal_scale(), 0.0)
    return whole.drop_vars("ice").assign(ice_area=(("y", "x"), area))


def ice_of(months):
    """Return which cells are ice, by the mask or the basins of the product, else by having any value."""
    if "mask" in months:
        return np.isin(months["mask"].values, (itslive_elevation.ICE_SHEET, itslive_elevation.PERIPHERAL))
    seen = np.isfinite(months["dh"].values).any(axis=0)
    return seen | (months["basin"].values > 0) if "basin" in months else seen


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.ledger,
            snakemake.input.change,
            snakemake.input.regions,
            snakemake.output.record,
            period=typed(Period, snakemake.params.period),
            study=snakemake.wildcards.study,
            endpoints=snakemake.params.endpoints,
        )
