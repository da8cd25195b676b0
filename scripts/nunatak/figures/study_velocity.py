"""The figures of a study's velocities by name, from its results in memory."""

from __future__ import annotations

import numpy as np

from nunatak.figures import agreement_layouts, pair_layouts, velocity_layouts
from nunatak.figures.layouts import NothingToDraw

_SEEN = 0.5  # of the best-seen year's cells: years with fewer are not compared


def granules_per_year(look, subject, data):
    what = what_is_read(data["image_pairs"])
    table = pair_layouts.by_fate(data["image_pairs"])
    return pair_layouts.granules_per_year(look, title=f"{subject.title}: {what}s", table=table, what=what)


def what_is_read(table):
    """Return what a row of pairs.parquet is, in words."""
    return "annual mosaic" if "place" in table else "image pair"


def pairs_summary(look, subject, data):
    return pair_layouts.pairs_summary(look, title=f"{subject.title}: the pairs used", pairs=_used(data))


def pair_timeline(look, subject, data):
    return pair_layouts.pair_timeline(look, title=f"{subject.title}: pairs through time", pairs=_used(data))


def _used(data):
    pairs = data["image_pairs"]
    return pairs[pairs["fate"] == "used"].reset_index(drop=True)


def pair(look, subject, data):
    what = "annual mosaic" if "year" in data["image_pair"].attrs else "image pair"
    return velocity_layouts.pair(look, title=f"{subject.title}: one {what}", granule=data["image_pair"])


def speed_map(look, subject, data):
    annual = data["annual"]
    lines = []
    if "flowline" in data:
        mean = data["flowline"][data["flowline"]["year"] == 0]
        lines = [(rows["x"].to_numpy(), rows["y"].to_numpy()) for _, rows in mean.groupby("flowline")]
    speed, period = _with_crs(annual, "v_mean"), mean_period(annual)
    title = f"{subject.title}: mean speed"
    return velocity_layouts.speed_map(look, title=title, speed=speed, period=period, lines=lines)


def mean_period(annual):
    """Return the years of the mean velocity that have one somewhere, in words: `of 2014 to 2017`, `of 2016`."""
    years = annual["year"].values
    inside = (years >= annual.attrs["mean_first_year"]) & (years <= annual.attrs["mean_last_year"])
    seen = years[inside & np.isfinite(annual["v"].values).any(axis=(1, 2))]
    if not seen.size:
        raise NothingToDraw("figures: speed_map: no year has a velocity; widen the period or the selection")
    return f"of {seen[0]}" if seen.size == 1 else f"of {seen[0]} to {seen[-1]}"


def annual(look, subject, data):
    speed = _with_crs(data["annual"], "v")
    return velocity_layouts.speed_annual(look, title=f"{subject.title}: annual speed", speed=speed)


def change(look, subject, data):
    annual = data["annual"].assign(v=_with_crs(data["annual"], "v"))
    first, last = compared_years(annual["v"].values)
    return velocity_layouts.speed_change(
        look, title=f"{subject.title}: change of speed", annual=annual, first=first, last=last
    )


def compared_years(speed):
    """
    Return indices of the first and the last year that are seen well enough to be compared.

    Where fewer than two are, any years with data count.

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


def source_agreement(look, subject, data):
    title = f"{subject.title}: two sources of velocity"
    compared, table = data["source_difference"], data["source_agreement"]
    return agreement_layouts.source_agreement(look, title=title, compared=compared, table=table)


def series(look, subject, data):
    return pair_layouts.speed_series(look, title=f"{subject.title}: speed at points", series=data["velocity_series"])


def flowline(look, subject, data):
    first = data["flowline"]["flowline"].iloc[0]
    lines = data["flowline"][data["flowline"]["flowline"] == first]
    return pair_layouts.flowline_speed(look, title=f"{subject.title}: speed along flowline {first}", lines=lines)


def histogram(look, subject, data):
    return pair_layouts.speed_histogram(look, title=f"{subject.title}: distribution of speeds", table=data["speeds"])


def seasonal(look, subject, data):
    if "v_amp" not in data["annual"]:
        raise NothingToDraw(
            f"figures: {subject.name}: no seasonal cycle was fitted; set composite: {{method: lsq, seasonal: true}}"
        )
    return velocity_layouts.seasonal(look, title=f"{subject.title}: seasonal cycle", annual=data["annual"])


def strain(look, subject, data):
    return velocity_layouts.strain(look, title=f"{subject.title}: strain rates", rates=data["strain"])


def _with_crs(dataset, name):
    return dataset[name].assign_attrs(crs=dataset.attrs["crs"])
