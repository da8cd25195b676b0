"""The figures of a study's gridded sea ice by name, from its results in memory."""

from __future__ import annotations

from nunatak.figures import freeboard_layouts
from nunatak.figures.coast import land_on
from nunatak.geometry.outlines import STUDY_REGION
from nunatak.granules.products import PRODUCTS
from nunatak.runtime import NunatakError

DERIVED = ("climatology", "anomaly", "atl20")  # groups of grid.nc that are no time bins
VALUES = {row.name: row.value_is for row in PRODUCTS.values() if row.kept == "sums"}
_STATISTICS = {
    "freeboard_mean": ("mean", "sequential", "mean {what} (m)"),
    "freeboard_std": ("std", "sequential", "standard deviation of {what} (m)"),
    "freeboard_count": ("count", "count", "number of segments"),
}


def _maps(look, request, name):
    variable, kind, label = _STATISTICS[name]
    dataset = request.freeboard[[group for group in request.freeboard if group not in DERIVED][-1]]
    if variable not in dataset:
        raise NunatakError(f"figures: {name}: grid.nc has no {variable}; add it to freeboard.statistics")
    label = label.format(what=_what(request))
    return freeboard_layouts.statistic_maps(
        look,
        title=f"{request.title}: {label.rpartition(' (')[0] or label}",
        values=dataset[variable],
        ends=dataset["time_bnds"].values[:, 1],
        kind=kind,
        label=label,
        **_ground(request, dataset),
    )


def _anomaly(look, request, name):
    if "anomaly" not in request.freeboard:
        raise NunatakError(
            f"figures: {name}: needs the same month of two years or more; widen the period, and bins: [month]"
        )
    dataset = request.freeboard["anomaly"]
    seen = dataset["anomaly"]
    # a cell crossed once in a year has no error of its own: not known to be significant
    doubtful = ~(abs(seen) >= 2 * dataset["anomaly_sigma"]) if "anomaly_sigma" in dataset else None
    ends = (dataset["time"].values.astype("datetime64[M]") + 1).astype("datetime64[ns]")
    return freeboard_layouts.statistic_maps(
        look,
        title=f"{request.title}: {_what(request)} less its mean over {dataset.attrs['climatology_years']}",
        values=seen,
        ends=ends,
        kind="change",
        label=f"anomaly of {_what(request)} (m)",
        doubtful=doubtful,
        **_ground(request, dataset),
    )


def _difference(look, request, name):
    if "atl20" not in request.freeboard:
        raise NunatakError(f"figures: {name}: nothing was compared; name ATL20 files in freeboard.atl20")
    dataset = request.freeboard["atl20"]
    ends = (dataset["time"].values.astype("datetime64[M]") + 1).astype("datetime64[ns]")
    return freeboard_layouts.statistic_maps(
        look,
        title=f"{request.title}: mean freeboard less that of ATL20",
        values=dataset["difference"],
        ends=ends,
        kind="change",
        label="difference from ATL20 (m)",
        **_ground(request, dataset),
    )


def _series(look, request, name):
    return freeboard_layouts.freeboard_series(
        look, title=f"{request.title}: through time", table=_of_region(request.freeboard_series), what=_what(request)
    )


def _distribution(look, request, name):
    table = _of_region(request.freeboard_distribution)
    if table.empty:
        raise NunatakError(f"figures: {name}: no histogram was kept; set freeboard.level_width, such as 0.01")
    return freeboard_layouts.freeboard_distribution(
        look, title=f"{request.title}: distribution", table=table, what=_what(request)
    )


def _of_region(table):
    return table[table["region"] == STUDY_REGION].reset_index(drop=True)


def _ground(request, dataset):
    """Coordinate system, land and where the land is from."""
    crs = dataset.attrs["crs"]
    south = request.outlines[STUDY_REGION].geometry.centroid.y < 0
    land, note = land_on(crs, south, request.coastline)
    return {"crs": crs, "land": land, "land_note": note}


def _what(request):
    product = next((name for name in VALUES if name in request.granules), "atl10")
    return VALUES[product]


FIGURES = {
    **{name: (_maps, "freeboard") for name in _STATISTICS},
    "freeboard_anomaly": (_anomaly, "freeboard"),
    "freeboard_difference": (_difference, "freeboard"),
    "freeboard_series": (_series, "freeboard_series"),
    "freeboard_distribution": (_distribution, "freeboard_distribution"),
}
