"""Statistics of freeboard by cell and time bin, maps for a GIS, and the series and distribution of whole areas."""

import dask

from nunatak import gridding
from nunatak.files.rasters import write_cog, write_netcdf_groups
from nunatak.files.tables import read_table, write_csv
from nunatak.geometry.outlines import STUDY_REGION, read_outlines
from nunatak.granules import datums, present
from nunatak.granules.products import product_row
from nunatak.products import atl20
from nunatak.runtime import NunatakError, job, log, stamp, written
from nunatak.study.parts import product_settings, typed
from nunatak.study.period import Period
from nunatak.study.products import SeaIceProduct
from nunatak.study.sections import Freeboard

LEVEL_UNITS = {"time_start": "UTC", "time_end": "UTC", "low": "m", "high": "m", "n": "1", "share": "1"}


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
            f"{product}: nothing to grid: {sums.describe_losses()}; {why_nothing(read)}; look at the period, the "
            f"region and the filters of {product}"
        )
    source = read.attrs["attributes"]["nunatak_source"]
    theirs = inputs.get("atl20") or []
    about = stamp(
        study=study,
        source=source,
        inputs=[*inputs["rows"], *inputs["levels"], inputs["regions"], *theirs],
        parameters={"settings": settings, "freeboard": freeboard.stated(), "period": period},
    )
    about |= datums.attributes(product, present(read)["granule_id"])
    bins = [long_name(name) for name in freeboard.bins]
    layers = gridding.layers(
        sums,
        bins,
        freeboard.statistics,
        period=whole_days(period),
        weighting=freeboard.weighting,
        minimum_segments=least_segments(settings),
        minimum_passes=freeboard.minimum_passes,
        minimum_days=freeboard.minimum_days,
        of=product_row(product).value_is,
    )
    if theirs:
        files = {str(path): atl20.read_freeboard(path) for path in theirs}
        layers["atl20"] = gridding.less_atl20(layers.get("month"), files, sums.grid)
    tally = tally_of(sums, read) | {"product": product}
    for dataset in layers.values():
        dataset.attrs |= tally
    # one layer after the other: memory is that of one, and the file's bytes do not depend on threads
    with dask.config.set(scheduler="synchronous"):
        write_netcdf_groups(layers, out["grid"], about)
        write_maps(layers[bins[-1]], sums.grid, freeboard.statistics, out["maps"], about)
    areas = areas_of(read_outlines(inputs["regions"]), sums.grid)
    series, distribution = gridding.area_tables(sums, areas, bins, weighting=freeboard.weighting)
    write_csv(series, out["series"], attributes=about, units=gridding.SERIES_UNITS)
    write_csv(distribution, out["distribution"], attributes=about, units=LEVEL_UNITS)
    log.info("%s", sums.describe_losses())


def why_nothing(read, shown=3):
    """Describe the outcomes of the granules, the most frequent reasons first."""
    if not len(read):
        return "the archive has no granule of this region and period"
    reasons = read.assign(reason=read["reason"].fillna("")).groupby(["status", "reason"]).size()
    said = [
        f"{count} granules {status}" + f" ({reason})" * bool(reason)
        for (status, reason), count in reasons.sort_values(ascending=False, kind="stable").head(shown).items()
    ]
    return "; ".join(said) + f"; and {len(reasons) - shown} more reasons" * (len(reasons) > shown)


def long_name(bins):
    """Return gridding's own name of a study's time bin."""
    return "all" if bins == "period" else bins


def least_segments(settings: SeaIceProduct):
    """Return the fewest segments of a cell: one number, or one for each bin by gridding's own names."""
    least = settings.minimum_segments
    return {long_name(name): n for name, n in least.items()} if isinstance(least, dict) else least


def tally_of(sums, read):
    """Count the outcomes of the segments, for the attributes of every group."""
    lost = sums.granules[["n_outside", "n_invalid"]].sum()
    return {
        "segments_read": int(read["n_points"].sum()),
        "segments_outside": int(lost["n_outside"]),
        "segments_invalid": int(lost["n_invalid"]),
        "granules": len(sums.granules),
        "crs": sums.grid.crs,
    }


def areas_of(outlines, grid):
    """
    Return the cells of every outline by its key.

    The study's region has all cells, because it chose the segments.
    """
    lon, lat = grid.lonlat()
    return {key: None if key == STUDY_REGION else outline.contains(lon, lat) for key, outline in outlines.items()}


def whole_days(period: Period):
    """Return the spans of a period as dates, widened to the days they touch."""
    spans = [(start.astype("datetime64[D]"), end) for start, end in period.spans()]
    return [
        (str(start), str(end.astype("datetime64[D]") + (end > end.astype("datetime64[D]")))) for start, end in spans
    ]


def read_sums(inputs):
    """Read the accumulators of all chunks as one. A week may lie in two of them."""
    parts = []
    for paths in zip(inputs["rows"], inputs["levels"], inputs["granules"], strict=True):
        tables = dict(zip(("rows", "levels", "granules"), map(read_table, paths), strict=True))
        parts.append(gridding.from_tables(tables, tables["rows"].attrs["attributes"]))
    return gridding.merge(parts)


def write_maps(dataset, grid, statistics, folder, about):
    """Write one Cloud-Optimised GeoTIFF per statistic, a band for each of the longest bins."""
    names = [str(time)[:10] for time in dataset["time"].values]
    with written(folder) as part:
        part.mkdir()
        for name in statistics:
            unit = [dataset[name].attrs["units"]] * len(names)
            path, said = part / f"{name}.tif", {**about, "statistic": name}
            write_cog(dataset[name], grid, path, said, names=names, units=unit, scale="amount")


if __name__ == "__main__":
    with job(snakemake):
        main(
            dict(snakemake.input.items()),
            dict(snakemake.output.items()),
            product=snakemake.params.product,
            settings=product_settings(snakemake.params.product, snakemake.params.settings),
            freeboard=typed(Freeboard, snakemake.params.freeboard),
            period=typed(Period, snakemake.params.period),
            study=snakemake.wildcards.study,
        )
