"""Series and rates of velocity, height and freeboard for every feature of a study's file, in one table each."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely
import xarray as xr

from nunatak.files.tables import read_table, write_csv, write_table
from nunatak.geometry.features import USED, cells_under, judged, read_features
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import altimetry_outline, read_outlines
from nunatak.gridding.by_feature import means_by_feature, ranked, rates_by_feature
from nunatak.results import reading
from nunatak.runtime import NunatakError, job, log, stamp
from nunatak.study.features import Features
from nunatak.study.parts import typed
from nunatak.times import decimal_year

COLUMNS = [
    *("quantity", "rank", "feature", "longitude", "latitude", "cells", "n", "first", "last"),
    *("mean", "rate", "rate_error", "unit"),
]


class Source(NamedTuple):
    """What is sampled of a result: a grid by time, its errors, and its unit."""

    data: xr.Dataset
    value: str
    error: str
    years: np.ndarray
    unit: str


def main(results, regions, out, *, settings: Features, study):
    """
    Write features.csv, series.parquet and rates.csv.

    Parameters
    ----------
    results : mapping of annual, change, freeboard and rates to a path, those that the study makes
    regions : GeoJSON of the study's outlines
    out : mapping of features, series, rates to a path
    """
    area = {"velocity": read_outlines(regions)["region"], "altimetry": altimetry_outline(regions)}
    found = read_features(settings.file, settings.id, layer=settings.layer, crs=settings.crs)
    places = judged(found, area["velocity"])
    elsewhere = judged(found, area["altimetry"])["fate"] == USED
    places.loc[elsewhere, "fate"] = USED
    counts = places["fate"].value_counts()
    log.info("%d features: %s", len(places), ", ".join(f"{n} {fate}" for fate, n in counts.items()))
    used = places[places["fate"] == USED].reset_index(drop=True)
    if used.empty:
        raise NunatakError(f"features.file: {settings.file}: no feature lies in the study's region; choose others")
    series, rates, origin = [], [], "unknown"
    for quantity, source in sources(results):
        origin = source.data.attrs["nunatak_source"]
        table, fitted = sampled(used, source)
        series.append(table.assign(quantity=quantity, unit=source.unit))
        rates.append(fitted.assign(quantity=quantity, unit=source.unit))
    if "rates" in results:
        points = read_table(results["rates"])
        origin = points.attrs["attributes"]["nunatak_source"]
        rates.append(along_tracks(used, points, settings.radius).assign(quantity="dhdt_along_track", unit="m"))
    about = stamp(study=study, source=origin, inputs=[settings.file, *results.values()], parameters=settings)
    write_csv(places.drop(columns="geometry"), out["features"], attributes=about)
    whole = pd.concat(series, ignore_index=True) if series else pd.DataFrame(columns=["feature", "quantity"])
    write_table(whole, out["series"], attributes=about, units={"time": "decimal year"})
    table = pd.concat(rates, ignore_index=True).merge(used[["feature", "longitude", "latitude"]], on="feature")
    write_csv(ranked(table).reindex(columns=COLUMNS), out["rates"], attributes=about)


def sources(results):
    """Yield the name and the Source of each grid that the study makes."""
    if "annual" in results:
        with xr.open_dataset(results["annual"], engine="h5netcdf", cache=False) as annual:
            years = (annual["year_start"].values + annual["year_end"].values) / 2
            yield "speed", Source(annual, "v", "v_error", years, "m/yr")
    if "change" in results:
        change, _ = reading.read_height_change(results["change"])
        yield "height", Source(change, "delta_h", "delta_h_sigma", change["decimal_year"].values, "m")
    if "freeboard" in results:
        groups = reading.read_freeboard(results["freeboard"])
        data = groups["month"] if "month" in groups else next(iter(groups.values()))
        yield "freeboard", Source(data, "mean", "stderr", decimal_year(data["time"].values), "m")


def sampled(features, source):
    """Return the series and the rates of features in a grid, whose layers are read once each."""
    data, n = source.data, len(features)
    cells = cells_under(features["geometry"], Grid.of(data))
    layers = range(len(source.years))
    mean, count = means_by_feature((data[source.value][k].values for k in layers), cells, n)
    error, _ = means_by_feature((data[source.error][k].values for k in layers), cells, n)
    when, number = np.nonzero(count)
    columns = {"time": source.years[when], "value": mean[when, number], "error": error[when, number]}
    series = pd.DataFrame(
        {"feature": features["feature"].to_numpy()[number], **columns, "cells": count[when, number]}
    ).sort_values(["feature", "time"], ignore_index=True)
    rates = rates_by_feature(source.years, mean, error)
    under = np.bincount(cells[0], minlength=n)
    return series, rates.assign(feature=features["feature"].to_numpy(), cells=under)


def along_tracks(features, points, radius):
    """Return the mean rate of ATL11's reference points inside outlines, or within a radius of points."""
    known = points[np.isfinite(points["dhdt"])]
    crs = points.attrs["attributes"]["crs"]
    shapes = [shape_on(crs, shape, radius) for shape in features["geometry"]]
    number, row = shapely.STRtree(shapely.points(known["x"], known["y"])).query(shapes, predicate="intersects")
    n = len(features)
    count = np.bincount(number, minlength=n)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate, error = (
            np.bincount(number, known[name].to_numpy(float)[row], minlength=n) / count
            for name in ("dhdt", "dhdt_sigma")
        )
    return pd.DataFrame({"feature": features["feature"], "n": count, "rate": rate, "rate_error": error, "cells": count})


def shape_on(crs, shape, radius):
    """Return a geometry on the map, a point as the circle around it."""
    import pyproj

    turn = pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True).transform
    placed = shapely.transform(shape, turn, interleaved=False)
    return placed.buffer(radius) if placed.geom_type == "Point" else placed


if __name__ == "__main__":
    with job(snakemake):
        main(
            {
                name: path
                for name, path in snakemake.input.items()
                if name in ("annual", "change", "freeboard", "rates")
            },
            snakemake.input.regions,
            dict(snakemake.output.items()),
            settings=typed(Features, snakemake.params.features),
            study=snakemake.wildcards.study,
        )
