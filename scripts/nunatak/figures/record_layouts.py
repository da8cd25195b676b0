"""Figure of the long record: height change of regions as each source saw it, and its rate by period."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nunatak.figures import colour, style
from nunatak.figures.layouts import TITLE_MM, Drawn, NothingToDraw, rounded, write_title

_SHOWN = 4  # regions below one another; the tables have all
_SOURCES = {"itslive": ("all altimeters (ITS_LIVE)", colour.CATEGORIES[0]), "atl15": ("ATL15", colour.CATEGORIES[1])}
_LEFT, _BETWEEN, _RATES = 15.0, 17.0, 52.0  # mm: labels; room between panels; width of the rates
_OVERLAP, _TREND = "#e8e8e8", "#222222"


def record_series(look, *, title, series, change):
    """
    Draw the mean height change of each region by source with the trends by period, and the rate of each period.

    Parameters
    ----------
    series : DataFrame of record_series.csv: region, source, decimal_year, mean_dh, mean_dh_sigma (m), share
    change : DataFrame of record_change.csv: region, period, since, until, mean_rate, mean_rate_sigma (m/yr),
        mean_acceleration, mean_acceleration_sigma (m/yr2)
    """
    names = [name for name in dict.fromkeys(change["region"]) if (series["region"] == name).any()]
    if not names:
        raise NothingToDraw(
            "figures: record_series: no region has cells that were seen through the record; lower "
            "products.itslive_elevation.coverage or raise max_gap"
        )
    shown = names[:_SHOWN]
    tall = min(46.0, (look.height_mm - TITLE_MM - 36) / len(shown) - 6)
    fig = style.new_figure(look, height_mm=TITLE_MM + 6 + len(shown) * (tall + 6) + 14)
    width = look.page_mm - _LEFT - _BETWEEN - _RATES - 4
    numbers = {}
    for number, name in enumerate(shown):
        rows, spans = series[series["region"] == name], _spans(change, name)
        top = TITLE_MM + 6 + number * (tall + 6)
        curve = style.add_axes(fig, _LEFT, top, width, tall)
        rate = style.add_axes(fig, _LEFT + width + _BETWEEN, top, _RATES, tall, sharex=curve)
        _curves(curve, rows, spans)
        _rates(rate, spans)
        curve.set_title(name.replace("_", " "))
        for place, (ax, label) in enumerate(((curve, "height change (m)"), (rate, "rate (m/yr)"))):
            ax.set_ylabel(label)
            ax.tick_params(labelbottom=number == len(shown) - 1)
            ax.spines[["top", "right"]].set_visible(False)
            ax.locator_params(axis="y", nbins=5)
            ax.locator_params(axis="x", nbins=6, integer=True)
            style.panel_letter(ax, 2 * number + place, look)
        numbers[name] = _numbers(rows, spans)
    curve.set_xlabel("year")
    rate.set_xlabel("year")
    handles, labels = fig.axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=len(labels))
    write_title(fig, title, look)
    return Drawn(fig, title, _caption(series, names), numbers)


def _spans(change, name):
    """
    Return the rows of a region with a rate.

    The whole record comes first.
    """
    rows = change[(change["region"] == name) & np.isfinite(change["mean_rate"])]
    return rows[rows["period"] != "with_firn"]


def _curves(ax, rows, spans):
    """Draw the height change by source with error bands, the years both share, and the trends by period."""
    shared = rows[rows.duplicated("decimal_year", keep=False)]["decimal_year"]
    if len(shared):
        ax.axvspan(shared.min(), shared.max(), color=_OVERLAP, lw=0, zorder=0, label="years of both", gid="overlap")
    for source, own in rows.groupby("source", sort=False):
        label, shade = _SOURCES[source]
        own = _broken(own.sort_values("decimal_year"))
        low, high = own["mean_dh"] - own["mean_dh_sigma"], own["mean_dh"] + own["mean_dh_sigma"]
        ax.fill_between(own["decimal_year"], low, high, color=shade, alpha=0.25, lw=0)
        ax.plot(own["decimal_year"], own["mean_dh"], color=shade, marker="o", ms=1.4, lw=0.6, label=label)
    words: str | None = "trend of a period"
    for span in spans.itertuples():
        if span.period == "all" and len(spans) > 1:
            continue
        inside = rows[rows["decimal_year"].between(span.since, span.until)]
        middle, height = inside["decimal_year"].mean(), inside["mean_dh"].mean()
        ends = np.array([span.since, span.until])
        ax.plot(ends, height + span.mean_rate * (ends - middle), color=_TREND, lw=1.0, ls="--", label=words, zorder=4)
        words = None


def _broken(rows):
    """Return rows in time with an empty one in every gap of more than half a year, where the line is to end."""
    last = rows[rows["decimal_year"].diff(-1) < -0.5]
    ends = last[["decimal_year"]] + 0.25
    return pd.concat([rows, ends]).sort_values("decimal_year") if len(ends) else rows


def _rates(ax, spans):
    """Draw the rate of every period with one standard error, the whole record as a thin line."""
    for span in spans.itertuples():
        ends = [span.since, span.until]
        whole = span.period == "all" and len(spans) > 1
        low, high = span.mean_rate - span.mean_rate_sigma, span.mean_rate + span.mean_rate_sigma
        shade = "#777777" if whole else _TREND
        ax.fill_between(ends, low, high, color=shade, alpha=0.2, lw=0)
        ax.plot(ends, [span.mean_rate] * 2, color=shade, lw=0.6 if whole else 1.2, ls=":" if whole else "-")
    low, high = ax.get_ylim()
    low, high = min(low, 0), max(high, 0)
    ax.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    ax.axhline(0, color="#222222", lw=0.4, zorder=0.5)


def _numbers(rows, spans):
    """Return what is drawn of a region: the change at the end of each source, and the rates."""
    found = {
        source: {"from": rounded(own["decimal_year"].min()), "to": rounded(own["decimal_year"].max())}
        | style.statistics(own["mean_dh"])
        for source, own in rows.groupby("source")
    }
    found["share"] = rounded(rows["share"].iloc[0])
    columns = ("mean_rate", "mean_rate_sigma", "mean_acceleration", "mean_acceleration_sigma")
    found["periods"] = {
        span["period"]: {name: rounded(span[name]) for name in columns if np.isfinite(span[name])}
        for _, span in spans.iterrows()
    }
    return found


def _caption(series, names):
    """Describe what was drawn in words."""
    both = set(series["source"]) == set(_SOURCES)
    sources = (
        "all altimeters (ITS_LIVE), moved to the datum of ATL15 by the mean difference of the years that both share "
        "(grey), and of ATL15"
        if both
        else "all altimeters (ITS_LIVE)"
    )
    more = f" The first {_SHOWN} of {len(names)} regions." if len(names) > _SHOWN else ""
    return (
        f"Left: mean height change of each region from {sources}, over the cells that are fixed for the whole record; "
        "bands are one standard error, which does not hold that of the join. Dashed: trends. Right: rate of each "
        "period with one standard error, in which the join is; dotted: the whole record." + more
    )
