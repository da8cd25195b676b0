"""dh/dt at every ATL11 reference point, mapped, with a report on tracks and passes that disagree with the others."""

import numpy as np
import pandas as pd

from nunatak import elevation
from nunatak.files.rasters import georeference, write_netcdf
from nunatak.files.tables import joined_releases, read_table, write_csv, write_table
from nunatak.geometry.grid import Grid
from nunatak.runtime import job, log, stamp
from nunatak.study.parts import typed
from nunatak.study.products import Atl11

KEYS = ["rgt", "pair", "ref_pt"]
PASS = ["rgt", "cycle"]
CELL = 1000.0  # m; the nodes of ATL15's finest grid, so that the two can be compared cell by cell


def main(points, regions, out, out_map, out_report, *, settings: Atl11, study):
    """
    Write rates.parquet, rates_map.nc and track_report.csv.

    Parameters
    ----------
    points : chunks of ATL11
    settings : the study's `atl11`
    """
    table = read_table(points)
    attributes = table.attrs["attributes"]
    heights = table[elevation.usable(table, quality=settings.filter == "standard", max_slope=settings.max_slope)]
    log.info("%d of %d heights are usable", len(heights), len(table))
    options = elevation.RateOptions(
        min_cycles=settings.min_cycles, min_years=settings.min_years, annual=settings.annual
    )
    rates, passes = fit(heights, options, settings.max_pass)
    units = rates.attrs["units"]
    places = heights.drop_duplicates(KEYS)[[*KEYS, "longitude", "latitude", "x", "y", "n_slope", "e_slope"]]
    rates = rates.merge(places, on=KEYS)
    rates["flag"] = elevation.flag_rates(rates, max_error=settings.max_error, max_rate=settings.max_rate)
    known = np.isfinite(rates["dhdt"])
    log.info("%d of %d points have a rate, %d of them with a flag", known.sum(), len(rates), (rates["flag"] > 0).sum())
    about = stamp(study=study, source=attributes["nunatak_source"], inputs=[*points, regions], parameters=settings)
    about |= {"crs": attributes["crs"], **joined_releases([attributes])}
    place = {"longitude": "degrees_east", "latitude": "degrees_north", "x": "m", "y": "m"}
    write_table(rates, out, attributes=about, units={**units, **place}, points=True)
    grid = grid_of(rates, attributes["crs"])
    write_netcdf(georeference(elevation.rate_map(elevation.good_rates(rates), grid), grid), out_map, about)
    write_csv(report(rates, heights, passes), out_report, attributes=about)


def fit(heights, options, max_pass):
    """
    Fit rates without the passes that lie off the lines of their own points.

    Parameters
    ----------
    max_pass : m, `elevation.leave_out_passes`

    Returns
    -------
    rates : of `elevation.rates`
    passes : DataFrame by rgt and cycle: n_heights, n_left_out, left_out (the whole pass)
    """
    rates, kept = elevation.rates_and_kept(heights, KEYS, options=options)
    residuals = elevation.pass_residuals(heights, rates, KEYS)
    bad = residuals[elevation.leave_out_passes(residuals, max_pass=max_pass)]
    if len(bad):
        for row in bad.itertuples():
            log.warning(
                "RGT %04d cycle %02d lies %.1f m off the lines of its points and is left out of the rates",
                row.rgt,
                row.cycle,
                row.median,
            )
        off = pd.MultiIndex.from_frame(heights[PASS]).isin(pd.MultiIndex.from_frame(bad[PASS]))
        left, kept = heights[~off], ~off
        rates, kept[~off] = elevation.rates_and_kept(left, KEYS, options=options)
        rates = heights[KEYS].drop_duplicates().merge(rates, on=KEYS, how="left").sort_values(KEYS, ignore_index=True)
        rates = rates.fillna({"n_cycles": 0, "n_left_out": 0}).astype({"n_cycles": "i4", "n_left_out": "i4"})
        rates.attrs["units"] = dict(elevation.RATE_UNITS)
    passes = heights[PASS].assign(n_heights=1, n_left_out=~kept).groupby(PASS, as_index=False).sum()
    named = pd.MultiIndex.from_frame(passes[PASS]).isin(pd.MultiIndex.from_frame(bad[PASS]))
    return rates, passes.assign(left_out=named)


def grid_of(rates, crs):
    """Return cells of 1 km around whole kilometres that hold every point, or a few around the origin without points."""
    if not len(rates):
        return Grid(crs, -CELL, CELL, CELL, CELL, 2, 2)
    low, high = (np.array([limit(rates["x"]), limit(rates["y"])]) for limit in (np.min, np.max))
    first, last = np.floor(low / CELL) * CELL - CELL, np.ceil(high / CELL) * CELL + CELL
    nx, ny = np.rint((last - first) / CELL).astype(int) + 1
    return Grid(crs, first[0] - CELL / 2, last[1] + CELL / 2, CELL, CELL, int(ny), int(nx))


def report(rates, heights, passes=None):
    """
    Hold tracks against the others around them (m/yr), and passes against the lines of their own points (m).

    Parameters
    ----------
    passes : DataFrame of `fit`, or None
    """
    known = elevation.good_rates(rates)
    tracks = elevation.track_outliers(known, elevation.residuals_to_other_tracks(known))
    residuals = elevation.pass_residuals(heights, rates, KEYS)
    tracks = tracks.assign(what="rate against other tracks", unit="m/yr")
    residuals = residuals.assign(what="pass against its points", unit="m", outlier=residuals["z"].abs() > 4)
    if passes is not None:
        residuals = residuals.merge(passes, on=PASS, how="left")
    residuals = residuals.sort_values("z", key=lambda z: -z.abs(), kind="stable")
    columns = ["what", "rgt", "cycle", "n", "median", "nmad", "unit", "z", "outlier"]
    columns += [name for name in ("n_heights", "n_left_out", "left_out") if name in residuals]
    found = pd.concat([tracks, residuals], ignore_index=True).reindex(columns=columns)
    if "left_out" in columns:
        found["left_out"] = found["left_out"].eq(True)
        found = found.astype({"n_heights": "Int64", "n_left_out": "Int64"})
    return found.astype({"cycle": "Int64"})


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.points,
            snakemake.input.regions,
            snakemake.output.rates,
            snakemake.output.map,
            snakemake.output.report,
            settings=typed(Atl11, snakemake.params.settings),
            study=snakemake.wildcards.study,
        )
