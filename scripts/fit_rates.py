"""dh/dt at every ATL11 reference point, mapped, with a report on tracks and passes that disagree with the others."""

import numpy as np
import pandas as pd

from nunatak import elevation
from nunatak.grid import Grid
from nunatak.outlines import read_outlines
from nunatak.rasters import georeference, write_netcdf
from nunatak.runtime import job, log, stamp
from nunatak.tables import read_table, write_csv, write_table

KEYS = ["rgt", "pair", "ref_pt"]
CELL = 1000.0  # m; the nodes of ATL15's finest grid, so that the two can be compared cell by cell


def main(points, regions, out, out_map, out_report, *, settings, study):
    """
    Write rates.parquet, rates_map.nc and track_report.csv.

    Parameters
    ----------
    points : chunks of ATL11
    settings : the study's `atl11`
    """
    table = read_table(points)
    attributes = table.attrs["attributes"]
    heights = table[elevation.usable(table, quality=settings["filter"] == "standard", max_slope=settings["max_slope"])]
    log.info("%d of %d heights are usable", len(heights), len(table))
    if settings["floating"]:
        shelf = read_outlines(regions)[settings["floating"]]
        heights = elevation.without_tide(heights, shelf.contains(heights["longitude"], heights["latitude"]))
    options = elevation.RateOptions(
        min_cycles=settings["min_cycles"], min_years=settings["min_years"], annual=settings["annual"]
    )
    rates = elevation.rates(heights, KEYS, options=options)
    units = rates.attrs["units"]
    places = heights.drop_duplicates(KEYS)[[*KEYS, "longitude", "latitude", "x", "y", "n_slope", "e_slope"]]
    rates = rates.merge(places, on=KEYS)
    log.info("%d of %d points have a rate", np.isfinite(rates["dhdt"]).sum(), len(rates))
    about = stamp(study=study, source=attributes["nunatak_source"], inputs=[*points, regions], parameters=settings)
    about["crs"] = attributes["crs"]
    place = {"longitude": "degrees_east", "latitude": "degrees_north", "x": "m", "y": "m"}
    write_table(rates, out, attributes=about, units={**units, **place}, points=True)
    grid = grid_of(rates, attributes["crs"])
    write_netcdf(georeference(elevation.rate_map(rates, grid), grid), out_map, about)
    write_csv(report(rates, heights), out_report, attributes=about)


def grid_of(rates, crs):
    """Cells of 1 km about whole kilometres that hold every point."""
    low, high = (np.array([limit(rates["x"]), limit(rates["y"])]) for limit in (np.min, np.max))
    first, last = np.floor(low / CELL) * CELL - CELL, np.ceil(high / CELL) * CELL + CELL
    nx, ny = np.rint((last - first) / CELL).astype(int) + 1
    return Grid(crs, first[0] - CELL / 2, last[1] + CELL / 2, CELL, CELL, int(ny), int(nx))


def report(rates, heights):
    """Tracks against the others around them (m/yr), and passes against the lines of their own points (m)."""
    known = rates[np.isfinite(rates["dhdt"])]
    tracks = elevation.track_outliers(known, elevation.residuals_to_other_tracks(known))
    passes = elevation.pass_residuals(heights, rates, KEYS)
    tracks = tracks.assign(what="rate against other tracks", unit="m/yr")
    passes = passes.assign(what="pass against its points", unit="m", outlier=passes["z"].abs() > 4)
    return pd.concat([tracks, passes], ignore_index=True)[
        ["what", "rgt", "cycle", "n", "median", "nmad", "unit", "z", "outlier"]
    ].astype({"cycle": "Int64"})


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.points,
            snakemake.input.regions,
            snakemake.output.rates,
            snakemake.output.map,
            snakemake.output.report,
            settings=snakemake.params.product,
            study=snakemake.wildcards.study,
        )
