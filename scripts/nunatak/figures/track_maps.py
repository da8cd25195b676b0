"""Figures of tracks on maps: which there are, one track over the change, rates of points, rates against ATL15."""

from __future__ import annotations

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from nunatak.figures import colour, maps, style
from nunatak.figures.elevation import height_change_map
from nunatak.figures.graticule import draw_graticule
from nunatak.figures.layouts import TITLE_MM, Drawn, colour_bar, epoch_range, rounded, write_title
from nunatak.granules.products import product_row
from nunatak.products.corrections import above
from nunatak.times import day

LEFT, BELOW, BAR = 12.0, 9.0, 3.0  # mm, as in the other maps
DIRECTIONS = {"ascending": colour.CATEGORIES[3], "descending": colour.CATEGORIES[2]}
_INK = "#111111"


def tracks(look, *, title, dh, crs, ice_area, lines, target=None):
    """
    Draw the tracks that cross the focus, over the change: reference pairs, ascending and descending.

    Parameters
    ----------
    dh : DataArray (y, x), m: the map behind, None without one
    lines : list of (label, direction, x, y), one per track, m in `crs`
    target : (x, y) the distances of the table are measured from
    """
    box = maps.extent_of(dh) if dh is not None else _box(*(np.concatenate([line[k] for line in lines]) for k in (2, 3)))
    fig, ax, image, height = _base(look, dh, ice_area, crs, box)
    for label, direction, x, y in lines:
        ax.plot(x, y, ".", ms=1.0, mew=0, color=DIRECTIONS[direction], rasterized=True, zorder=4)
        if label:
            _write_on_line(ax, label, x, y, box, color=DIRECTIONS[direction], fontsize=look.small_pt)
    if target is not None:
        ax.plot(*target, "+", color=_INK, ms=6, mew=0.9, zorder=7)
    ax.set(xlim=box[:2], ylim=box[2:])
    used = [name for name in DIRECTIONS if any(direction == name for _, direction, _, _ in lines)]
    handles = [Line2D([], [], color=DIRECTIONS[name], lw=1.5, label=name) for name in used]
    handles += [Line2D([], [], color=_INK, marker="+", lw=0, label="middle of the focus")] if target is not None else []
    fig.legend(handles=handles, loc="lower center", ncols=3, bbox_to_anchor=(0.5, 0.0))
    write_title(fig, title, look)
    names = sorted({label for label, *_ in lines if label})
    caption = (
        f"Reference points of the ATL11 tracks that cross the focus ({', '.join(names)}){_over(dh)}. Tracks are split "
        f"at their extreme latitude into ascending and descending parts. Projection {crs}; scale bar in true "
        "kilometres."
    )
    numbers = {"tracks": len(names), "pairs": len(lines), **_limit(image), "height_mm": height}
    return Drawn(fig, title, caption, numbers, crs)


def track_over_change(look, *, title, dh, crs, ice_area, x, y, value=None, left_out=0, good=None, what):
    """
    Draw one track over the change, as the products' tutorial does: points by their own change, or good and bad ones.

    Parameters
    ----------
    dh : DataArray (y, x), m: the map behind, None without one
    x, y : of the track's points, m in `crs`
    value : their own height change over the same epochs (m), drawn in the map's colours; or None
    left_out : further points whose change has a flag, for the caption
    good : whether each passed the quality filter, where `value` is None
    what : the points in words, for the caption
    """
    box = maps.extent_of(dh) if dh is not None else _box(x, y)
    fig, ax, image, height = _base(look, dh, ice_area, crs, box, own=value)
    if value is not None:
        ax.plot(x, y, "o", ms=3.4, mew=0, color=_INK, zorder=4, rasterized=True)
        ax.scatter(x, y, c=value, s=2.2, cmap=image.cmap, norm=image.norm, lw=0, zorder=5, rasterized=True)
        said = "Inside the dark line the track's own change" + (" in the same colours." if dh is not None else ".")
        said += f" {left_out:,} further points of large error, out of line or too fast are left out." * bool(left_out)
        handles = [Line2D([], [], color=_INK, lw=2.2, label="track, filled with its own change")]
    else:
        ax.plot(x[~good], y[~good], ".", ms=3, mew=0, color=colour.CATEGORIES[1], zorder=4, rasterized=True)
        ax.plot(x[good], y[good], ".", ms=2, mew=0, color=_INK, zorder=5, rasterized=True)
        said = f"{int(good.sum()):,} of {good.size:,} pass the study's filter."
        handles = [
            Line2D([], [], color=_INK, lw=2, label="passes the filter"),
            Line2D([], [], color=colour.CATEGORIES[1], lw=2, label="does not"),
        ]
    ax.set(xlim=box[:2], ylim=box[2:])
    fig.legend(handles=handles, loc="lower center", ncols=2, bbox_to_anchor=(0.5, 0.0))
    write_title(fig, title, look)
    caption = f"{what.rstrip(',')}{_over(dh)}. {said} Projection {crs}; scale bar in true kilometres."
    numbers = {"points": int(np.size(x)), "left_out": int(left_out), **_limit(image), "height_mm": height}
    return Drawn(fig, title, caption, numbers, crs)


def dhdt_points(look, *, title, x, y, dhdt, crs, ice_area=None, span="", flagged=((), ()), how=None):
    """
    Draw rates of points where they lie.

    Parameters
    ----------
    x, y : m in `crs`; dhdt : m/yr
    flagged : x and y of rates with a flag, drawn as grey dots without their value
    how : what the points are and how their rates were fitted, in words for the caption. Default: those of ATL11
    """
    what, fit = how or ("ATL11 reference points", "weighted least squares of h_corr on time")
    box = _box(*(np.concatenate(both) for both in zip((x, y), flagged, strict=True)))
    wide, tall = maps.fit(box, width=look.page_mm - LEFT - 6, height=110)
    fig = style.new_figure(look, height_mm=TITLE_MM + 6 + tall + BELOW + BAR + 12)
    ax = style.add_axes(fig, LEFT + (look.page_mm - LEFT - 6 - wide) / 2, TITLE_MM + 6, wide, tall)
    norm = colour.change_norm(dhdt)
    ax.set_facecolor(colour.MISSING)
    ax.plot(*flagged, ".", ms=1.0, mew=0, color="#8a8f98", rasterized=True, zorder=2)
    points = ax.scatter(x, y, c=dhdt, s=2, cmap=colour.change_map(), norm=norm, lw=0, rasterized=True, zorder=3)
    if ice_area is not None:
        maps.outline(ax, ice_area)
    ax.set(xlim=box[:2], ylim=box[2:], aspect="equal")
    draw_graticule(ax, crs, labels=False)
    maps.km_axes(ax)
    maps.scale_bar(ax, crs)
    bar = (LEFT + (look.page_mm - LEFT - 6 - wide) / 2, TITLE_MM + 6 + tall + BELOW, wide, BAR)
    colour_bar(fig, points, look, bar, label="rate of height change (m/yr)", values=dhdt)
    write_title(fig, title, look)
    caption = (
        f"Rate of height change of {what}{', ' + span if span else ''}: {fit}, {np.size(dhdt):,} points. "
        f"Red is lowering, blue thickening. Projection {crs}."
    ) + (
        f" Grey dots: {np.size(flagged[0]):,} rates of large error, out of line or too fast."
        if np.size(flagged[0])
        else ""
    )
    numbers = {
        "flagged": int(np.size(flagged[0])),
        "dhdt_m_per_yr": style.statistics(dhdt),
        "limit_m_per_yr": rounded(norm.vmax),
    }
    return Drawn(fig, title, caption, numbers, crs)


def dhdt_map(look, *, title, mapped, gridded, difference, crs, ice_area=None, span=""):
    """
    Draw rates of points mapped by a Gaussian kernel beside the rate of ATL15, and how far they differ.

    Parameters
    ----------
    mapped, gridded : DataArray (y, x), m/yr, of the same cells
    difference : (n,) rates of points less ATL15 at their places, m/yr
    """
    box = maps.extent_of(mapped)
    room = (look.page_mm - 2 * (LEFT + 2) - 44 - 3) / 2
    wide, tall = maps.fit(box, width=room, height=80)
    fig = style.new_figure(look, height_mm=TITLE_MM + 6 + tall + BELOW + BAR + 15)
    both = np.concatenate([mapped.values.ravel(), gridded.values.ravel()])
    norm = colour.change_norm(both)
    for index, (values, name) in enumerate(((mapped, "ATL11 points, Gaussian kernel"), (gridded, "ATL15"))):
        left = LEFT + index * (room + LEFT + 2)
        ax = style.add_axes(fig, left, TITLE_MM + 6, wide, tall)
        image = height_change_map(ax, values, norm=norm, ice_area=ice_area)
        ax.set(xlim=box[:2], ylim=box[2:])
        maps.km_axes(ax)
        maps.scale_bar(ax, crs)
        ax.set_title(name)
        style.panel_letter(ax, index, look)
        colour_bar(fig, image, look, (left, TITLE_MM + 6 + tall + BELOW, wide, BAR), label="rate (m/yr)", values=values)
    ax = style.add_axes(fig, look.page_mm - 44 + 4, TITLE_MM + 6, 36, tall)
    finite = difference[np.isfinite(difference)]
    limit = colour.symmetric_limit(finite) if finite.size else 1.0
    ax.hist(np.clip(finite, -limit, limit), bins=41, range=(-limit, limit), color="#7a8da1", lw=0)
    ax.axvline(0, color="#222222", lw=0.5)
    median = float(np.median(finite)) if finite.size else np.nan
    ax.axvline(median, color=colour.CATEGORIES[1], lw=1.0)
    ax.set(xlabel="points less ATL15 (m/yr)", yticks=[])
    ax.set_title("difference")
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    style.panel_letter(ax, 2, look)
    write_title(fig, title, look)
    caption = (
        f"Rate of height change{', ' + span if span else ''}: (a) ATL11 points, Gaussian kernel; (b) ATL15; (c) rates "
        f"of points less ATL15 at their places, median {median:.2f} m/yr (line). Grey: no data within reach. "
        f"Projection {crs}."
    ).replace(" -", " −")
    numbers = {
        "limit_m_per_yr": rounded(norm.vmax),
        "difference_m_per_yr": style.statistics(finite),
        "median_difference_m_per_yr": rounded(median),
    }
    return Drawn(fig, title, caption, numbers, crs)


def _write_on_line(ax, label, x, y, box, **style_of):
    """Write a track's number upon it, a twelfth of the map's width inside its left edge or, if not there, its right."""
    left, right, bottom, top = box
    width = right - left
    for at in (left + width / 12, right - width / 6):
        near = (np.abs(x - at) < width / 40) & (y > bottom) & (y < top)
        if near.any():
            k = np.flatnonzero(near)[int(np.argmin(np.abs(x[near] - at)))]
            ax.annotate(
                label,
                (x[k], y[k]),
                (0, 0),
                textcoords="offset points",
                ha="center",
                va="center",
                zorder=6,
                path_effects=[withStroke(linewidth=1.8, foreground="white")],
                **style_of,
            )
            return


def heights(look, *, title, parts, crs, ice_area=None):
    """
    Draw heights along tracks where they lie, a map for each product.

    Parameters
    ----------
    parts : mapping of product to x, y (m in `crs`) and its DataFrame with h (m), n, time_first, time_last
    """
    everywhere = [np.concatenate([part[k] for part in parts.values()]) for k in (0, 1)]
    box = _box(*everywhere)
    room = (look.page_mm - len(parts) * (LEFT + 2) - 3) / len(parts)
    wide, tall = maps.fit(box, width=room, height=110)
    fig = style.new_figure(look, height_mm=TITLE_MM + 6 + tall + BELOW + BAR + 12)
    low, high = np.percentile(np.concatenate([rows["h"] for _, _, rows in parts.values()]), [2, 98])
    norm, said, numbers = Normalize(low, max(high, low + 1.0)), [], {}
    for index, (product, (x, y, rows)) in enumerate(parts.items()):
        left = LEFT + index * (room + LEFT + 2) + (room - wide) / 2
        ax = style.add_axes(fig, left, TITLE_MM + 6, wide, tall)
        ax.set_facecolor("#f6f8fa")
        if ice_area is not None:
            maps.outline(ax, ice_area)
        points = ax.scatter(x, y, c=rows["h"], s=5, cmap=colour.sequential_map(), norm=norm, lw=0, rasterized=True)
        ax.set(xlim=box[:2], ylim=box[2:], aspect="equal")
        draw_graticule(ax, crs, labels=False)
        maps.km_axes(ax)
        maps.scale_bar(ax, crs)
        ax.set_title(product_row(product))
        if len(parts) > 1:
            style.panel_letter(ax, index, look)
        bar = (left, TITLE_MM + 6 + tall + BELOW, wide, BAR)
        colour_bar(fig, points, look, bar, label=f"height (m above {above(rows)})", values=rows["h"])
        letter = f"({'abc'[index]}) " if len(parts) > 1 else ""
        span = f"{day(rows['time_first'].min())} to {day(rows['time_last'].max())}"
        said.append(f"{letter}{product_row(product)}, {rows['n'].sum():,} heights, {span}")
        numbers[product] = {"heights": int(rows["n"].sum()), "cells": len(rows), "h_m": style.statistics(rows["h"])}
    write_title(fig, title, look)
    caption = (
        f"Heights that pass the study's filter, medians of cells: {'; '.join(said)}. Projection {crs}; scale bar in "
        "true kilometres."
    )
    return Drawn(fig, title, caption, numbers, crs)


def _base(look, dh, ice_area, crs, box, own=None):
    """
    Lay out a page with the map of the change, or an empty one, and the colour bar below.

    Parameters
    ----------
    dh : DataArray (y, x), m, or None
    box : left, right, bottom, top of the map, m in `crs`
    own : change of points (m) that sets the colours where there is no `dh`

    Returns
    -------
    figure, axes, what has the colours (None without any), height in mm
    """
    wide, tall = maps.fit(box, width=look.page_mm - LEFT - 6, height=115)
    height = TITLE_MM + 6 + tall + BELOW + BAR + 16
    fig = style.new_figure(look, height_mm=height)
    left = LEFT + (look.page_mm - LEFT - 6 - wide) / 2
    ax = style.add_axes(fig, left, TITLE_MM + 6, wide, tall)
    image = ScalarMappable(colour.change_norm(own), colour.change_map()) if own is not None else None
    if dh is not None:
        image = height_change_map(ax, dh, ice_area=ice_area)
        ax.set_title(epoch_range(dh.attrs["since"], dh.attrs["until"]))
    else:
        ax.set(xlim=box[:2], ylim=box[2:], aspect="equal", facecolor="#f6f8fa")
        draw_graticule(ax, crs, labels=False)
    maps.km_axes(ax)
    maps.scale_bar(ax, crs, corner="lower left")
    if image is not None:
        bar = (left, TITLE_MM + 6 + tall + BELOW, wide, BAR)
        colour_bar(fig, image, look, bar, label="height change (m)", values=dh if dh is not None else own)
    return fig, ax, image, height


def _over(dh):
    """Describe the map behind in words."""
    return (
        f", over the height change {epoch_range(dh.attrs['since'], dh.attrs['until'])} of ATL15"
        if dh is not None
        else ""
    )


def _limit(image):
    return {"limit_m": rounded(image.norm.vmax)} if image is not None else {}


def _box(x, y):
    """Return (left, right, bottom, top) around points, with a margin, never slimmer than a third of its length."""
    half = np.array([np.ptp(x), np.ptp(y)]) * 0.54 + 500.0
    half = np.maximum(half, half.max() * 0.35)
    middle = np.array([np.min(x) + np.max(x), np.min(y) + np.max(y)]) / 2
    return tuple(float(v) for pair in zip(middle - half, middle + half, strict=True) for v in pair)
