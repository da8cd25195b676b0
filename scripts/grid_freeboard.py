"""Statistics of freeboard by cell and time bin, maps for a GIS, and the series and distribution of whole areas."""

import dask
import pandas as pd
import xarray as xr

from nunatak import gridding
from nunatak.gridding.atl20 import difference
from nunatak.outlines import STUDY_REGION, read_outlines
from nunatak.products import atl20
from nunatak.rasters import georeference, write_cog, write_netcdf_groups
from nunatak.runtime import NunatakError, job, log, stamp, written
from nunatak.study.period import Period
from nunatak.tables import read_table, write_csv

VALUES = {"atl10": "freeboard", "atl07": "height above the mean sea surface"}
LONG = "all"  # the bin a study calls period


def main(inputs, out, *, product, settings, freeboard, period, study):
    """
    Write grid.nc (a group per bin), a folder of rasters, series.csv and distribution.csv.

    Parameters
    ----------
    inputs : mapping of rows, levels, granules, ledgers (lists, one per chunk), regions and atl20 (a list) to paths
    out : mapping of grid, maps, series, distribution to a path
    settings, freeboard : the product's part of the study, and its `freeboard`

    Raises
    ------
    NunatakError : no segment at all fell into the grid
    """
    sums, read = read_sums(inputs), read_table(inputs["ledgers"])
    if not sums.n_points:
        raise NunatakError(
            f"freeboard: nothing to grid: {sums.describe_losses()}; look at the period, the region and the filters of "
            f"{product}, and at the reasons in {inputs['ledgers'][0]}"
        )
    source = read.attrs["attributes"]["nunatak_source"]
    about = stamp(study=study, source=source, inputs=[*inputs["rows"], *inputs["levels"], inputs["regions"]],
                  parameters={"settings": settings, "freeboard": freeboard, "period": period})  # fmt: skip
    layers = grids(sums, Period.model_validate(period), product=product, settings=settings, freeboard=freeboard)
    if inputs.get("atl20"):
        layers["atl20"] = less_atl20(layers.get("month"), inputs["atl20"], sums.grid)
    lost = sums.granules[["n_outside", "n_invalid"]].sum()
    tally = {
        "segments_read": int(read["n_points"].sum()), "segments_outside": int(lost["n_outside"]),
        "segments_invalid": int(lost["n_invalid"]), "granules": len(sums.granules), "crs": sums.grid.crs,
        "product": product,
    }  # fmt: skip
    for dataset in layers.values():
        dataset.attrs |= tally
    # one layer after the other: memory is that of one, and the file's bytes do not depend on threads
    with dask.config.set(scheduler="synchronous"):
        write_netcdf_groups(layers, out["grid"], about)
        write_maps(layers[names_of(freeboard)[-1]], sums.grid, freeboard["statistics"], out["maps"], about)
    write_tables(sums, inputs["regions"], out, freeboard=freeboard, about=about)
    log.info("%s", sums.describe_losses())


def read_sums(inputs):
    """The accumulators of all chunks as one; a week may lie in two of them."""
    parts = []
    for paths in zip(inputs["rows"], inputs["levels"], inputs["granules"], strict=True):
        tables = dict(zip(("rows", "levels", "granules"), map(read_table, paths), strict=True))
        parts.append(gridding.from_tables(tables, tables["rows"].attrs["attributes"]))
    return gridding.merge(parts)


def names_of(freeboard):
    """The study's bins, shortest first, by gridding's own names."""
    return [LONG if name == "period" else name for name in freeboard["bins"]]


def grids(sums, period, *, product, settings, freeboard):
    """The Datasets of grid.nc by group: one per bin, and with several years the climatology and the anomalies."""
    spans = [tuple(str(edge.astype("datetime64[D]")) for edge in whole_days(span)) for span in period.spans()]
    least = settings["minimum_segments"]
    layers = {}
    for given, bins in zip(freeboard["bins"], names_of(freeboard), strict=True):
        layers[bins] = gridding.statistics(
            sums, bins, tuple(freeboard["statistics"]), period=spans, weighting=freeboard["weighting"],
            minimum_segments=least.get(given, 1) if isinstance(least, dict) else least,
            minimum_passes=freeboard["minimum_passes"], minimum_days=freeboard["minimum_days"], of=VALUES[product],
        )  # fmt: skip
    monthly = layers.get("month")
    if monthly is not None and "mean" in monthly and len(set(monthly["time"].dt.year.values)) > 1:
        layers["climatology"] = gridding.climatology(monthly)
        layers["anomaly"] = gridding.anomaly(monthly, layers["climatology"])
    return layers


def less_atl20(monthly, paths, grid):
    """
    Our monthly means less those of ATL20 files, where both have the month.

    Raises
    ------
    NunatakError : no monthly means, another grid, or no month in common
    """
    if monthly is None or "mean" not in monthly:
        raise NunatakError(
            "freeboard.atl20: there are no monthly means to compare; add month to bins, mean to statistics"
        )
    parts = []
    for path in paths:
        theirs = atl20.read_freeboard(path)
        if theirs.attrs["crs"] != grid.crs or grid.dx != abs(float(theirs["x"][1] - theirs["x"][0])):
            raise NunatakError(
                f"{path}: lies on another grid ({theirs.attrs['crs']}) than ours ({grid.crs}, {grid.dx:g} m); set "
                "freeboard.grid: {preset: nsidc_south_hughes, cell: 25km}, or nsidc_north_hughes"
            )
        ours = monthly.sel(time=monthly["time"].isin(theirs["time"]))
        near = theirs.reindex(x=monthly["x"], y=monthly["y"], method="nearest", tolerance=1.0)
        parts.append(difference(ours if ours.sizes["time"] else monthly, near))
    said = {
        name: str([part.attrs[name] for part in parts]) for name in ("cells", "mean", "rms", "only_ours", "only_theirs")
    }
    return georeference(xr.Dataset({"difference": xr.concat(parts, "time")}, attrs=said), grid)


def whole_days(span):
    """A span of times widened to the days it touches."""
    start, end = (edge.astype("datetime64[D]") for edge in span)
    return start, end + (span[1] > end)


def write_maps(dataset, grid, statistics, folder, about):
    """One Cloud-Optimised GeoTIFF per statistic, a band for each of the longest bins."""
    names = [str(time)[:10] for time in dataset["time"].values]
    with written(folder) as part:
        part.mkdir()
        for name in statistics:
            unit = [dataset[name].attrs["units"]] * len(names)
            write_cog(dataset[name], grid, part / f"{name}.tif", {**about, "statistic": name}, names=names, units=unit)


def write_tables(sums, regions, out, *, freeboard, about):
    """The series of every area in every bin, and the distribution of values in the longest bins."""
    outlines = read_outlines(regions)
    lon, lat = sums.grid.lonlat()
    series, spread = [], []
    for key, outline in outlines.items():
        inside = None if key == STUDY_REGION else outline.contains(lon, lat)
        for bins in names_of(freeboard):
            rows = gridding.area_series(sums, bins, inside=inside, weighting=freeboard["weighting"])
            series.append(labelled(rows, region=key, bins=bins))
        rows = gridding.distribution(sums, names_of(freeboard)[-1], inside=inside)
        spread.append(labelled(rows, region=key))
    write_csv(pd.concat(series), out["series"], attributes=about, units=gridding.SERIES_UNITS)
    units = {"time_start": "UTC", "time_end": "UTC", "low": "m", "high": "m", "n": "1", "share": "1"}
    write_csv(pd.concat(spread), out["distribution"], attributes=about, units=units)


def labelled(table, **labels):
    """The table with columns of one value each in front."""
    for name, value in reversed(labels.items()):
        table.insert(0, name, value)
    return table


if __name__ == "__main__":
    with job(snakemake):
        main(
            dict(snakemake.input.items()),
            dict(snakemake.output.items()),
            product=snakemake.params.name,
            settings=snakemake.params.product,
            freeboard=snakemake.params.freeboard,
            period=snakemake.params.period,
            study=snakemake.wildcards.study,
        )
