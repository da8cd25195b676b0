"""Figures of image pairs and of velocity through time and along the flow."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.ticker import FuncFormatter

from nunatak.figures import colour, style, velocity
from nunatak.figures.layouts import TITLE_MM, Drawn, colour_bar, rounded, write_title


def granules_per_year(look, *, title, table, what="image pair"):
    """
    Draw pairs, or annual mosaics, by year and the outcome of each.

    Parameters
    ----------
    table : DataFrame by year with the columns used, filter, rest
    what : name of one of them
    """
    fig, ax = _one(look, 60)
    velocity.year_bars(ax, table, f"{what}s")
    of_pairs = what == "image pair"
    ax.set_xlabel("year of the middle between the images" if of_pairs else "year")
    _finish(fig, ax, title, look, ncols=3)
    numbers = {name: int(table[name].sum()) for name in table} | {"years_without": int((table["used"] == 0).sum())}
    used = "used in the cube" if of_pairs else "used"
    said = f"{what.capitalize()}s by year: {used}, left out by the selection, and the rest."
    return Drawn(fig, title, said, numbers)


def pairs_summary(look, *, title, pairs):
    """
    Draw what the pairs of the cube are like: sensors, separation, valid share, error, projection.

    Parameters
    ----------
    pairs : DataFrame of the pairs used
    """
    fig = style.new_figure(look, height_mm=TITLE_MM + 104)
    width = (look.page_mm - 16 - 4 - 2 * 14) / 3
    axes = [style.add_axes(fig, 14 + (k % 3) * (width + 14), TITLE_MM + 6 + (k // 3) * 46, width, 30) for k in range(6)]
    groups = pairs["group"].to_numpy()
    for ax, (name, label, edges) in zip(axes, _SHOWN, strict=False):
        values = pairs[name].to_numpy(dtype=float)
        high = colour.nice(max(float(np.nanmax(values, initial=1.0)), 1.0))
        velocity.histogram(ax, values, np.linspace(0, high, 21) if edges is None else edges, groups=groups)
        ax.set_xlabel(label)
        if high > 20000:
            ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1000:g}"))
            ax.set_xlabel(f"{label} (thousands)")
    for ax, column in ((axes[4], "epsg"), (axes[5], "treatment")):
        counts = pairs[column].astype(str).value_counts()
        names = [f"EPSG:{name}" if column == "epsg" else name for name in counts.index]
        ax.barh(range(len(counts)), counts, color=colour.CATEGORIES[4], lw=0)
        ax.set_yticks(range(len(counts)), names)
        ax.tick_params(axis="y", direction="in", pad=-2, length=0)
        for label in ax.get_yticklabels():
            label.set(ha="left")
        ax.set_ylim(max(len(counts), 3) - 0.4, -0.6)
        ax.set_xlabel("pairs")
    for number, ax in enumerate(axes):
        ax.spines[["top", "right"]].set_visible(False)
        style.panel_letter(ax, number, look)
    used = [key for key in velocity.GROUPS if key in {velocity.group_key(g) for g in groups}]
    handles = [_patch(*velocity.GROUPS[key]) for key in used]
    fig.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=len(handles))
    write_title(fig, title, look)
    numbers = {"pairs": len(pairs), **{name: style.statistics(pairs[name]) for name, _, _ in _SHOWN}}
    caption = (
        "The pairs of the cube: (a) time between the images, (b) valid share of the whole granule, (c) error of vx as "
        "the granule states it, (d) cells of the region seen, (e) projection, (f) how the pair came onto the grid."
    )
    return Drawn(fig, title, caption, numbers)


_SHOWN = (
    ("date_dt", "separation (days)", None),
    ("roi_valid_percentage", "valid cells of the granule (%)", np.linspace(0, 100, 21)),
    ("vx_error", "error of vx (m/yr)", None),
    ("valid_cells", "cells of the region", None),
)


def pair_timeline(look, *, title, pairs):
    """Draw every pair of the cube from its first to its second image, by separation."""
    fig, ax = _one(look, 66)
    velocity.spans(ax, pairs)
    ax.set_ylim(0, None)
    _finish(fig, ax, title, look, ncols=5)
    caption = "Image pairs of the cube: each line runs from the first to the second image, at the height of its length."
    return Drawn(fig, title, caption, {"pairs": len(pairs), "separation": style.statistics(pairs["date_dt"])})


def speed_histogram(look, *, title, table):
    """
    Draw the distribution of the speeds of single pairs and of annual composites.

    Parameters
    ----------
    table : DataFrame of speeds.csv
    """
    fig, ax = _one(look, 62)
    velocity.shares(ax, table, "pairs", colour_of=colour.CATEGORIES[1], label="single pairs, as they come")
    velocity.shares(ax, table, "annual", colour_of=colour.CATEGORIES[0], label="annual composites")
    ax.set_yscale("log")
    ax.set_xlim(0, _reach(table))
    ax.set_xlabel("speed (m/yr)")
    ax.set_ylabel("share per 100 m/yr")
    _finish(fig, ax, title, look, ncols=2)
    fast = table[table["low"] >= 15000]
    numbers = {
        "values": {n: int(table[n].sum()) for n in ("pairs", "annual")},
        "pairs_above_15000": int(fast["pairs"].sum()),
    }
    caption = "Speeds of all cells of the region: values of single pairs with their outliers, and of the composites."
    return Drawn(fig, title, caption, numbers)


def speed_series(look, *, title, series):
    """
    Draw speed at points: every pair with its error and length, and the annual and seasonal model.

    Parameters
    ----------
    series : DataFrame of series.parquet
    """
    names = list(dict.fromkeys(series["point"]))[:4]
    tall = look.tall(52) if len(names) == 1 else 34
    below = 24 if look.narrow else 18
    fig = style.new_figure(look, height_mm=TITLE_MM + below + len(names) * (tall + 8))
    axes = []
    for number, name in enumerate(names):
        ax = style.add_axes(fig, 17, TITLE_MM + 6 + number * (tall + 8), look.page_mm - 22, tall)
        rows = series[series["point"] == name]
        if (rows["kind"] == "model").any():
            velocity.model_band(ax, rows[rows["kind"] == "model"])
        velocity.annual_means(ax, rows[rows["kind"] == "annual"])
        if (rows["kind"] == "pair").any():
            velocity.pair_speeds(ax, rows[rows["kind"] == "pair"])
        ax.set_ylabel("speed (m/yr)")
        ax.set_title(name.replace("_", " "), fontsize=look.small_pt)
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_ylim(*_limits(rows["v"]))
        axes.append(ax)
    labelled = {label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    fig.legend(
        labelled.values(),
        labelled.keys(),
        loc="lower center",
        bbox_to_anchor=(0.53, 0.0),
        ncols=2 if look.narrow else 4,
    )
    write_title(fig, title, look)
    pairs = series[series["kind"] == "pair"]
    told = pairs if len(pairs) else series[series["kind"] == "annual"]
    numbers = {name: style.statistics(told[told["point"] == name]["v"]) for name in names}
    caption = (
        "Speed at the study's points. Squares: the annual mosaics with one standard error as they state it."
        if pairs.empty
        else "Speed at the study's points. Dots: single pairs, horizontal bars from image to image, vertical bars one "
        "standard error. Squares: annual means with one standard error. Line: the means joined, with the seasonal "
        "cycle where it differs from chance; band: one standard error."
    )
    return Drawn(fig, title, caption, numbers)


def flowline_speed(look, *, title, lines):
    """
    Draw speed along a flowline, every year in its colour, and the time ice takes.

    Parameters
    ----------
    lines : DataFrame of flowline.parquet, of one flowline; year 0 is the mean field
    """
    tall = 24 if look.narrow else 50
    fig = style.new_figure(look, height_mm=TITLE_MM + tall + 47)
    width = look.page_mm - 17 - 26
    ax = style.add_axes(fig, 17, TITLE_MM + 6, width, tall)
    low = style.add_axes(fig, 17, TITLE_MM + 6 + tall + 6, width, 22, sharex=ax)
    mean = lines[lines["year"] == 0]
    years = lines[lines["year"] > 0]
    norm = Normalize(years["year"].min(), max(years["year"].max(), years["year"].min() + 1))
    cmap = colour.time_map()
    for year, rows in years.groupby("year"):
        whole = rows.set_index("distance")["v"].reindex(mean["distance"])
        ax.plot(whole.index / 1000, whole, color=cmap(norm(year)), lw=0.6)
    ax.plot(mean["distance"] / 1000, mean["v"], color="#111111", lw=1.4, label="mean")
    ax.set_ylabel("speed (m/yr)")
    ax.set_ylim(*_limits(years["v"], beyond=0.2))
    ax.tick_params(labelbottom=False)
    ax.legend(loc="upper left")
    low.plot(mean["distance"] / 1000, mean["travel_time"], color="#111111", lw=1.0)
    low.set_ylabel("travel time\n(yr)")
    low.set_xlabel("distance along the flow (km), 0 at the start")
    for number, panel in enumerate((ax, low)):
        panel.spines[["top", "right"]].set_visible(False)
        style.panel_letter(panel, number, look)
    from matplotlib.cm import ScalarMappable

    bar = colour_bar(
        fig,
        ScalarMappable(norm, cmap),
        look,
        (17 + width + 5, TITLE_MM + 6, 3, tall),
        label="year",
        orientation="vertical",
    )
    bar.ax.yaxis.get_major_locator().set_params(integer=True)
    write_title(fig, title, look)
    numbers = {
        "length_km": rounded(np.ptp(mean["distance"]) / 1000),
        "years": int(years["year"].nunique()),
        "travel_time_yr": rounded(np.ptp(mean["travel_time"])),
        "mean": style.statistics(mean["v"]),
    }
    caption = (
        "(a) Speed along the flowline of the mean field, every year in its colour where it is known. (b) Time that ice "
        "takes from the start at the mean speed. Distance in true kilometres along the line."
    )
    return Drawn(fig, title, caption, numbers)


def by_fate(pairs):
    """Count pairs by year of mid-date: DataFrame with used, filter, rest, every year from the first to the last."""
    year = pd.to_datetime(pairs["mid_date"]).dt.year
    known = year.notna()
    kind = pairs["fate"].where(pairs["fate"].isin(["used", "filter"]), "rest")
    table = pd.crosstab(year[known].astype(int), kind[known])
    return table.reindex(
        index=range(table.index.min(), table.index.max() + 1), columns=["used", "filter", "rest"], fill_value=0
    )


def _reach(table):
    """Return where the histogram ends: all but one in 100,000 of the pairs' and of the composites' values lie below."""
    beyond = (1 - table[name].cumsum() / max(table[name].sum(), 1) for name in ("pairs", "annual") if table[name].any())
    return colour.nice(max([100.0, *(table["high"][share <= 1e-5].min() for share in beyond)]))


def _limits(values, *, beyond=1.0):
    """
    Return limits that single outliers do not stretch.

    They leave out so many per cent at each end, and add a tenth around the rest.
    """
    low, high = np.nanpercentile(values, [beyond, 100 - beyond])
    pad = max(0.1 * (high - low), 0.02 * abs(high))
    return low - pad, high + pad


def _one(look, tall):
    fig = style.new_figure(look, height_mm=TITLE_MM + tall + 24)
    return fig, style.add_axes(fig, 17, TITLE_MM + 6, look.page_mm - 22, tall)


def _finish(fig, ax, title, look, *, ncols):
    ax.spines[["top", "right"]].set_visible(False)
    handles, labels = ax.get_legend_handles_labels()
    fig.legend(handles, labels, loc="lower center", bbox_to_anchor=(0.53, 0.0), ncols=ncols)
    write_title(fig, title, look)


def _patch(colour_of, label):
    from matplotlib.patches import Patch

    return Patch(color=colour_of, label=label)
