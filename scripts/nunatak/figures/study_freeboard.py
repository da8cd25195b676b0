"""The figures of a study's gridded sea ice by name, from its results in memory."""

from __future__ import annotations

from nunatak.figures import freeboard_layouts
from nunatak.figures.coast import land_on
from nunatak.figures.maps import extent_of
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


def maps(look, subject, data):
    variable, kind, label = _STATISTICS[subject.name]
    dataset = data["freeboard"][[group for group in data["freeboard"] if group not in DERIVED][-1]]
    if variable not in dataset:
        raise NunatakError(f"figures: {subject.name}: grid.nc has no {variable}; add it to freeboard.statistics")
    label = label.format(what=_what(data))
    starts, ends = freeboard_layouts.within(dataset["time"].values, dataset["time_bnds"].values[:, 1], subject.period)
    return freeboard_layouts.statistic_maps(
        look,
        title=f"{subject.title}: {label.rpartition(' (')[0] or label}",
        values=dataset[variable].assign_coords(time=starts),
        ends=ends,
        kind=kind,
        label=label,
        **_ground(subject, dataset),
    )


def anomaly(look, subject, data):
    if "anomaly" not in data["freeboard"]:
        raise NunatakError(
            f"figures: {subject.name}: needs the same month of two years or more; widen the period, and bins: [month]"
        )
    dataset = data["freeboard"]["anomaly"]
    seen = dataset["anomaly"]
    # a cell crossed once in a year has no error of its own: not known to be significant
    doubtful = ~(abs(seen) >= 2 * dataset["anomaly_sigma"]) if "anomaly_sigma" in dataset else None
    ends = (dataset["time"].values.astype("datetime64[M]") + 1).astype("datetime64[ns]")
    return freeboard_layouts.statistic_maps(
        look,
        title=f"{subject.title}: {_what(data)} less its mean over {dataset.attrs['climatology_years']}",
        values=seen,
        ends=ends,
        kind="change",
        label=f"anomaly of {_what(data)} (m)",
        doubtful=doubtful,
        **_ground(subject, dataset),
    )


def difference(look, subject, data):
    if "atl20" not in data["freeboard"]:
        raise NunatakError(f"figures: {subject.name}: nothing was compared; name ATL20 files in freeboard.atl20")
    dataset = data["freeboard"]["atl20"]
    ends = (dataset["time"].values.astype("datetime64[M]") + 1).astype("datetime64[ns]")
    return freeboard_layouts.statistic_maps(
        look,
        title=f"{subject.title}: mean freeboard less that of ATL20",
        values=dataset["difference"],
        ends=ends,
        kind="change",
        label="difference from ATL20 (m)",
        **_ground(subject, dataset),
    )


def series(look, subject, data):
    return freeboard_layouts.freeboard_series(
        look, title=f"{subject.title}: through time", table=_of_region(data["freeboard_series"]), what=_what(data)
    )


def distribution(look, subject, data):
    table = _of_region(data["freeboard_distribution"])
    if table.empty:
        raise NunatakError(f"figures: {subject.name}: no histogram was kept; set freeboard.level_width, such as 0.01")
    return freeboard_layouts.freeboard_distribution(
        look, title=f"{subject.title}: distribution", table=table, what=_what(data)
    )


def _of_region(table):
    return table[table["region"] == STUDY_REGION].reset_index(drop=True)


def _ground(subject, dataset):
    """Return the coordinate system, the land and where the land is from."""
    crs = dataset.attrs["crs"]
    land, note = land_on(crs, extent_of(dataset), subject.coastline)
    return {"crs": crs, "land": land, "land_note": note}


def _what(data):
    product = next((name for name in VALUES if name in data["granules"]), "atl10")
    return VALUES[product]
