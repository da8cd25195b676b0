"""Figures of gridded sea ice: polar maps of a statistic by time, series, distribution, anomalies."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import pandas as pd

from nunatak.figures import colour, freeboard, maps, style
from nunatak.figures.graticule import draw_graticule
from nunatak.figures.layouts import TITLE_MM, Drawn, colour_bar, rounded, write_title
from nunatak.times import day

MOST_PANELS = 12
_LABEL_WIDTH = 24  # characters along the side of a panel of 45 mm; a longer label is broken
LEFT, BETWEEN, BAR = 12.0, 3.0, 3.0  # mm: tick labels and y label; room between panels; height of the colour bar
_LABELS = {"day": "day", "week": "week", "ten_day": "ten days", "month": "month", "season": "season", "year": "year"}


def statistic_maps(look, *, title, values, ends, kind, label, crs, land=None, land_note="", doubtful=None):
    """
    Draw one polar map per time bin of a statistic, at most twelve (the last ones), on one colour scale.

    Parameters
    ----------
    values : DataArray (time, y, x), NaN (counts: 0) where there is none
    ends : (time,) datetime64, the ends of the bins
    kind : "sequential", "count" or "change"
    label : of the colour bar, with its unit
    crs : of the grid
    land, land_note : shapely geometry in `crs` or None, and where it is from, in words
    doubtful : boolean DataArray (time, y, x) to be hatched, or None
    """
    values = values.where(values > 0) if kind == "count" else values
    drawn = values.isel(time=slice(-MOST_PANELS, None))
    window = _window(drawn)
    drawn = drawn.isel(window)
    drawn.attrs["crs"] = crs
    cmap, norm = _scale(kind, drawn)
    n = drawn.sizes["time"]
    columns = 1 if n == 1 else 2 if n <= 4 else 3 if n <= 9 else 4
    rows = -(-n // columns)
    box = maps.extent_of(drawn)
    top, foot = TITLE_MM + 6, 9 + BAR + 17
    room = (look.page_mm - LEFT - 4 - BETWEEN * (columns - 1)) / columns
    most = (look.height_mm - top - foot - 7 * (rows - 1)) / rows
    wide, tall = maps.fit(box, width=room, height=min(most, 125))
    fig = style.new_figure(look, height_mm=top + rows * tall + 7 * (rows - 1) + foot)
    left = LEFT + (look.page_mm - LEFT - 4 - columns * wide - BETWEEN * (columns - 1)) / 2
    starts = pd.DatetimeIndex(drawn["time"].values)
    stops = pd.DatetimeIndex(np.asarray(ends)[-MOST_PANELS:])
    for number in range(n):
        row, column = divmod(number, columns)
        ax = style.add_axes(fig, left + column * (wide + BETWEEN), top + row * (tall + 7), wide, tall)
        layer = drawn.isel(time=number)
        hatched = None if doubtful is None else doubtful.isel(time=slice(-MOST_PANELS, None)).isel(window)[number]
        if hatched is not None:
            hatched.attrs["crs"] = crs
        image = freeboard.polar_map(ax, layer, cmap=cmap, norm=norm, land=land, hatched=hatched)
        draw_graticule(ax, crs, labels=n <= 2)
        maps.km_axes(ax, labels=n == 1)
        if n > 1:
            ax.tick_params(labelbottom=row == rows - 1, labelleft=column == 0)
        if number == 0:
            length = maps.scale_bar(ax, crs, corner=_bar_corner(layer))
        ax.set_title(span(starts[number], stops[number], short=columns > 2))
        style.panel_letter(ax, number % 10, look) if 1 < n <= 10 else None
    under = top + rows * tall + 7 * (rows - 1) + 9
    width = columns * wide + BETWEEN * (columns - 1)
    bar_left, bar_width = (left, width) if width <= 120 else (left + (width - 120) / 2, 120)
    bar = colour_bar(fig, image, look, (bar_left, under, bar_width, BAR), label=label, values=drawn)
    if kind == "count":
        bar.ax.minorticks_off()
    write_title(fig, title, look)
    handles = [maps.missing_patch("no data")]
    handles += [maps.hatch_patch("below two standard errors, or error unknown")] if doubtful is not None else []
    handles += [_land_patch()] if land is not None else []
    fig.legend(handles=handles, loc="lower center", ncols=len(handles), bbox_to_anchor=(0.5, 0.0), handlelength=2.2)
    numbers = {
        "layers": n,
        "layers_left_out": values.sizes["time"] - n,
        "scale_bar_km": length[0],
        "limits": [rounded(norm.vmin), rounded(norm.vmax)],
        "extent_m": [rounded(v, 12) for v in box],
        "values": {str(start)[:10]: style.statistics(drawn.isel(time=k)) for k, start in enumerate(starts)},
    }
    return Drawn(fig, title, _map_caption(label, crs, land, land_note, doubtful), numbers, crs)


def _map_caption(label, crs, land, land_note, doubtful):
    shore = f"Land: {land_note}. " if land is not None else ""
    hatch = (
        "Cells are hatched where the value is below two standard errors or its error is not known. "
        if doubtful is not None
        else ""
    )
    return (
        f"{label[0].upper()}{label[1:]} of the cells, one map per time bin; grey is no data. {hatch}{shore}Projection "
        f"{crs}; scale bar in true kilometres, graticule in degrees."
    )


def _scale(kind, drawn):
    if kind == "count":
        return colour.sequential_map("viridis"), freeboard.count_norm(drawn)
    if kind == "change":
        return colour.change_map(), colour.change_norm(drawn)
    return colour.sequential_map(), freeboard.sequential_norm(drawn)


def _window(values):
    """Return the rows and columns with data, and a tenth of their extent around them for the land beside."""
    seen = np.isfinite(values.values).any(axis=0)
    window = {}
    for axis, dim in ((0, "y"), (1, "x")):
        at = np.flatnonzero(seen.any(axis=1 - axis))
        first, last = (at[0], at[-1] + 1) if at.size else (0, seen.shape[axis])
        pad = max((last - first) // 10, 2)
        window[dim] = slice(max(first - pad, 0), min(last + pad, seen.shape[axis]))
    return window


def _bar_corner(layer):
    """Return the lower corner with fewer data."""
    left, right = (maps.corner_share(layer, f"lower {side}") for side in ("left", "right"))
    return "lower left" if left <= right else "lower right"


def _land_patch():
    patch = maps.missing_patch("land")
    patch.set(facecolor=freeboard.LAND, edgecolor=freeboard.SHORE)
    return patch


def within(starts, ends, period):
    """
    Cut time bins to the study's period: a month of which a week was asked for is told as that week.

    Parameters
    ----------
    starts, ends : (n,) datetime64, UTC, or Series of them
    period : of the study as plain values, with start and end; None leaves the bins as they are

    Returns
    -------
    starts, ends : as they were given
    """
    if period is None:
        return starts, ends
    first, last = (np.datetime64(pd.Timestamp(period[name]), "ns") for name in ("start", "end"))
    return np.maximum(starts, first), np.minimum(ends, last)


def span(start, end, *, short=False):
    """
    Format a time bin in words. Its end is the first instant after it.

    >>> span(pd.Timestamp("2019-09-01"), pd.Timestamp("2019-10-01"))
    'September 2019'
    >>> span(pd.Timestamp("2019-09-02"), pd.Timestamp("2019-09-09"))
    '2 Sep 2019 to 8 Sep 2019'
    """
    last = end - pd.Timedelta(1, "D")
    if start.day == 1 and end.day == 1 and end == start + pd.DateOffset(months=1):
        return start.strftime("%b %Y" if short else "%B %Y")
    if last == start:
        return day(start)
    return f"{start.day} {start.strftime('%b')} to {day(last)}" if short else f"{day(start)} to {day(last)}"


def freeboard_series(look, *, title, table, what="freeboard"):
    """
    Draw the mean of the region through time with its error, over the longest bins too, and the area that was seen.

    Parameters
    ----------
    table : DataFrame of series.csv, of one region, all bins
    what : the value, in words
    """
    bins = list(dict.fromkeys(table["bins"]))
    short, longest = (table[table["bins"] == name] for name in (bins[0], bins[-1]))
    tall = 26 if look.narrow else 45
    fig = style.new_figure(look, height_mm=TITLE_MM + tall + (63 if look.narrow else 55))
    label = fill(f"{what} (m)", _LABEL_WIDTH)
    left = 15 + 4 * label.count("\n")
    width = look.page_mm - left - 5
    ax = style.add_axes(fig, left, TITLE_MM + 6, width, tall)
    if len(bins) > 1:
        freeboard.series_steps(
            ax, longest, label=f"all segments of a {_LABELS.get(bins[-1], bins[-1])}, ± one standard error"
        )
    freeboard.series_line(ax, short, label=f"all segments of a {_LABELS.get(bins[0], bins[0])}, ± one standard error")
    ax.plot(
        (short["time_start"] + (short["time_end"] - short["time_start"]) / 2).to_numpy(),
        short["cell_mean"],
        ls="none",
        marker="D",
        ms=2.4,
        mfc="none",
        mew=0.6,
        color=colour.CATEGORIES[2],
        label="mean over area of the cells' means",
    )
    ax.set_ylabel(label)
    ax.margins(y=0.15)
    low = style.add_axes(fig, left, TITLE_MM + 6 + tall + 8, width, 22, sharex=ax)
    for row in short.itertuples():
        low.fill_between([row.time_start, row.time_end], 0, row.area / 1000, color=colour.CATEGORIES[4], lw=0)
    low.set_ylim(0, None)
    low.set_ylabel("area seen\n(1000 km²)")
    ax.tick_params(labelbottom=False)
    # the first week may begin in the year before
    freeboard.date_axis(low, longest["time_start"].iloc[0], longest["time_end"].iloc[-1] - pd.Timedelta(1, "D"))
    for number, panel in enumerate((ax, low)):
        panel.spines[["top", "right"]].set_visible(False)
        style.panel_letter(panel, number, look)
    handles, labels = ax.get_legend_handles_labels()
    fig.legend(handles, labels, loc="lower center", bbox_to_anchor=(0.53, 0.0), ncols=1 if look.narrow else 2)
    write_title(fig, title, look)
    caption = (
        f"(a) Mean {what} of the region, segments weighted by length; bars and bands are one standard error, from the "
        "scatter of passes, none where a bin holds a single pass. Diamonds: every cell counts by its area, not by how "
        "often it was crossed. (b) Area of the cells that were seen. A bin at an end of the period is drawn whole."
    )
    numbers = {
        "mean_m": style.statistics(short["mean"]),
        "bins": bins,
        "segments": int(longest["count"].sum()),
        "last": {name: rounded(longest[name].iloc[-1]) for name in ("mean", "stderr", "cell_mean", "area")},
    }
    return Drawn(fig, title, caption, numbers)


def freeboard_distribution(look, *, title, table, what="freeboard"):
    """
    Draw the distribution of the region's values, one stair per time bin.

    Parameters
    ----------
    table : DataFrame of distribution.csv, of one region
    """
    groups = list(table.groupby(["time_start", "time_end"]))[-MOST_PANELS:]
    beside, tall = 0 if look.narrow else 46, look.tall(58)
    below = 22 + 4.2 * -(-len(groups) // 2) if look.narrow else 20
    fig = style.new_figure(look, height_mm=TITLE_MM + tall + below)
    ax = style.add_axes(fig, 15, TITLE_MM + 6, look.page_mm - 20 - beside, tall)
    shades = colour.time_map()(np.linspace(0, 1, max(len(groups), 2)))
    numbers, reach = {}, []
    for ((start, end), rows), shade in zip(groups, shades, strict=False):
        median, mode = freeboard.distribution_stairs(ax, rows, colour_of=shade, label=span(start, end, short=True))
        ax.axvline(median, color=shade, lw=0.7, ls=(0, (4, 2)))
        above = rows["share"].cumsum()
        reach += [rows["low"][above > 0.001].iloc[0], rows["high"][above <= 0.997].iloc[-1]]
        numbers[str(start)[:10]] = {
            "segments": int(rows["n"].sum()),
            "median_m": rounded(median),
            "mode_m": rounded(mode),
            "share_below_zero": rounded(rows["share"][rows["high"] <= 0].sum()),
        }
    ax.set(xlim=(min(reach), max(reach)), ylim=(0, None), xlabel=f"{what} (m)", ylabel="density (1/m)")
    ax.spines[["top", "right"]].set_visible(False)
    if beside:
        fig.legend(*ax.get_legend_handles_labels(), loc="center left", bbox_to_anchor=(1 - 48 / look.page_mm, 0.55))
    else:
        fig.legend(*ax.get_legend_handles_labels(), loc="lower center", bbox_to_anchor=(0.53, 0.0), ncols=2)
    write_title(fig, title, look)
    caption = (
        f"Distribution of {what} over the region, segments weighted by length; dashed: medians. The axis ends where "
        "0.1 % and 99.7 % of the weight are reached."
    )
    return Drawn(fig, title, caption, numbers)
