"""Height change and its rates on every grid of ATL15, cut to the region and the period, and a raster for a GIS."""

import numpy as np

from nunatak import elevation, granules
from nunatak.compute.deadline import each_in_time
from nunatak.files.rasters import georeference, write_cog
from nunatak.files.tables import read_table
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import altimetry_outline
from nunatak.products import atl15, polar_grid
from nunatak.reading.granules import ledger_paths
from nunatak.results import reading
from nunatak.runtime import NunatakError, job, stamp
from nunatak.study.parts import typed
from nunatak.study.period import Period
from nunatak.study.products import Atl15


def main(ledgers, regions, change, raster, *, settings: Atl15, period: Period, study, endpoints=None):
    """
    Write height_change.nc, a group per resolution, and the change over the whole period on the finest grid.

    Parameters
    ----------
    settings : the study's `atl15`
    period : the study's
    endpoints : addresses of the services, for granules that stay where they are
    """
    ledger = read_table(ledgers)
    paths = by_resolution(ledger, settings.resolutions, endpoints)
    about = stamp(
        study=study,
        source=ledger.attrs["attributes"]["nunatak_source"],
        inputs=[*ledgers, regions],
        parameters={"settings": settings, "period": period},
    )
    region = altimetry_outline(regions)
    read = (read_layer(files, region, period) for files in paths.values())
    layers = dict(zip(paths, each_in_time(read, "reading ATL15"), strict=True))
    about |= polar_grid.reference(next(iter(paths.values()))[0])
    reading.write_height_change(layers, change, about)
    finest, rates = next(iter(layers.values()))
    mapped = elevation.change_between(finest, *finest.decimal_year.values[[0, -1]], rates=rates)
    names = {"dh": "m", "dh_sigma": "m", "dhdt": "m/yr", "dhdt_sigma": "m/yr"}
    write_cog(
        np.stack([mapped[name].values for name in names]).astype("f4"),
        Grid.of(mapped),
        raster,
        {**about, "since": mapped.attrs["since"], "until": mapped.attrs["until"]},
        names=list(names),
        units=list(names.values()),
        scale="change",
    )


def by_resolution(ledger, resolutions, endpoints=None):
    """Return the files of each resolution asked for, finest first, by the resolution in the granules' names."""
    named = [granules.parse(f"{name}.nc").resolution for name in granules.present(ledger)["granule_id"]]
    paths = ledger_paths(ledger, endpoints)
    found = {name: [p for p, own in zip(paths, named, strict=True) if own == name] for name in resolutions}
    missing = [name for name, files in found.items() if not files]
    if missing:
        raise NunatakError(f"ATL15: no granule at {', '.join(missing)}; take it out of the study's resolutions")
    return found


def read_layer(paths, region, period):
    """
    Read change within the period with its trend, and the rates whose interval lies in it: {lag in quarters: rates}.
    """
    change = atl15.read_height_change(paths, bounds=region.projected(polar_grid.crs(paths[0])).bounds)
    change = change.isel(time=period.contains(change.time.values))
    if change.time.size < 2:
        raise NunatakError(f"ATL15: {change.time.size} epochs in the period; a change needs two: widen the period")
    first, last = change.decimal_year.values[[0, -1]]
    grid = Grid.of(change)
    if change.time.size >= 8:
        change = change.merge(elevation.trend(change)[["dhdt", "dhdt_sigma"]], combine_attrs="override")
    rates = {}
    for lag in atl15.lags(paths[0]):
        rate = atl15.read_rates(paths, lag, bounds=grid.bounds)
        half = rate.attrs["lag_years"] / 2
        inside = (rate.decimal_year - half > first - 0.01) & (rate.decimal_year + half < last + 0.01)
        if inside.any():
            rates[lag] = georeference(rate.isel(time=inside.values), grid)
    return georeference(change, grid), rates


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.ledger,
            snakemake.input.regions,
            snakemake.output.change,
            snakemake.output.raster,
            settings=typed(Atl15, snakemake.params.settings),
            period=typed(Period, snakemake.params.period),
            study=snakemake.wildcards.study,
            endpoints=snakemake.params.endpoints,
        )
