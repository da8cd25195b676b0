"""The figures of a study's velocities by name, from its results in memory."""

from __future__ import annotations

import numpy as np

from nunatak.figures import pair_layouts, velocity_layouts
from nunatak.figures.layouts import NothingToDraw

_SEEN = 0.5  # of the best-seen year's cells: years with fewer are not compared


def _pairs(layout, words, prepare):
    def draw(look, request, name):
        return layout(look, title=f"{request.title}: {words}", **prepare(request.image_pairs))

    return draw


def _used(pairs):
    return {"pairs": pairs[pairs["fate"] == "used"].reset_index(drop=True)}


def _pair(look, request, name):
    return velocity_layouts.pair(look, title=f"{request.title}: one image pair", granule=request.image_pair)


def _speed_map(look, request, name):
    annual = request.annual
    lines = []
    if request.flowline is not None:
        mean = request.flowline[request.flowline["year"] == 0]
        lines = [(rows["x"].to_numpy(), rows["y"].to_numpy()) for _, rows in mean.groupby("flowline")]
    speed, period = _with_crs(annual, "v_mean"), mean_period(annual)
    title = f"{request.title}: mean speed"
    return velocity_layouts.speed_map(look, title=title, speed=speed, period=period, lines=lines)


def mean_period(annual):
    """The years of the mean velocity that have one somewhere, in words: `of 2014 to 2017`, `of 2016`."""
    years = annual["year"].values
    inside = (years >= annual.attrs["mean_first_year"]) & (years <= annual.attrs["mean_last_year"])
    seen = years[inside & np.isfinite(annual["v"].values).any(axis=(1, 2))]
    if not seen.size:
        raise NothingToDraw("figures: speed_map: no year has a velocity; widen the period or the selection")
    return f"of {seen[0]}" if seen.size == 1 else f"of {seen[0]} to {seen[-1]}"


def _annual(look, request, name):
    speed = _with_crs(request.annual, "v")
    return velocity_layouts.speed_annual(look, title=f"{request.title}: annual speed", speed=speed)


def _change(look, request, name):
    annual = request.annual
    annual["v"].attrs["crs"] = annual.attrs["crs"]
    first, last = compared_years(annual["v"].values)
    return velocity_layouts.speed_change(
        look, title=f"{request.title}: change of speed", annual=annual, first=first, last=last
    )


def compared_years(speed):
    """
    Indices of the first and the last year that are seen well enough to be compared; of any years with data where fewer
    than two are.

    Raises
    ------
    NothingToDraw : there are not two such years
    """
    seen = np.isfinite(speed).sum(axis=(1, 2))
    good = np.flatnonzero(seen >= _SEEN * max(seen.max(), 1))
    if good.size < 2:
        good = np.flatnonzero(seen)
    if good.size < 2:
        raise NothingToDraw("figures: speed_change: needs two years with data; widen the period or the selection")
    return int(good[0]), int(good[-1])


def _series(look, request, name):
    return pair_layouts.speed_series(look, title=f"{request.title}: speed at points", series=request.velocity_series)


def _flowline(look, request, name):
    first = request.flowline["flowline"].iloc[0]
    lines = request.flowline[request.flowline["flowline"] == first]
    return pair_layouts.flowline_speed(look, title=f"{request.title}: speed along flowline {first}", lines=lines)


def _histogram(look, request, name):
    return pair_layouts.speed_histogram(look, title=f"{request.title}: distribution of speeds", table=request.speeds)


def _seasonal(look, request, name):
    if "v_amp" not in request.annual:
        raise NothingToDraw(
            f"figures: {name}: no seasonal cycle was fitted; set composite: {{method: lsq, seasonal: true}}"
        )
    return velocity_layouts.seasonal(look, title=f"{request.title}: seasonal cycle", annual=request.annual)


def _strain(look, request, name):
    return velocity_layouts.strain(look, title=f"{request.title}: strain rates", rates=request.strain)


def _with_crs(dataset, name):
    return dataset[name].assign_attrs(crs=dataset.attrs["crs"])


FIGURES = {
    "granules_per_year": (
        _pairs(pair_layouts.granules_per_year, "image pairs", lambda pairs: {"table": pair_layouts.by_fate(pairs)}),
        "image_pairs",
    ),
    "pairs_summary": (_pairs(pair_layouts.pairs_summary, "the pairs used", _used), "image_pairs"),
    "pair_timeline": (_pairs(pair_layouts.pair_timeline, "pairs through time", _used), "image_pairs"),
    "pair": (_pair, "image_pair"),
    "speed_map": (_speed_map, "annual"),
    "speed_annual": (_annual, "annual"),
    "speed_change": (_change, "annual"),
    "speed_histogram": (_histogram, "speeds"),
    "speed_series": (_series, "velocity_series"),
    "flowline_speed": (_flowline, "flowline"),
    "seasonal_amplitude_phase": (_seasonal, "annual"),
    "strain": (_strain, "strain"),
}
