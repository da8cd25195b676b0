"""Figures of tracks on maps: which there are, one track over the change, rates of points, rates against ATL15."""

from __future__ import annotations

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from nunatak.figures import colour, maps, style
from nunatak.figures.elevation import height_change_map
from nunatak.figures.layouts import TITLE_MM, Drawn, colour_bar, epoch_range, rounded, write_title

LEFT, BELOW, BAR = 12.0, 9.0, 3.0  # mm, as in the other maps
DIRECTIONS = {"ascending": colour.CATEGORIES[3], "descending": colour.CATEGORIES[2]}
_INK = "#111111"


def tracks(look, *, title, dh, crs, ice_area, lines, target=None):
    """
    The tracks that cross the focus, over the change: reference pairs, ascending and descending.

    Parameters
    ----------
    dh : DataArray (y, x), m: the map behind
    lines : list of (label, direction, x, y), one per track, m in `crs`
    target : (x, y) the distances of the table are measured from
    """
    fig, ax, image, height = _base(look, dh, ice_area, crs)
    box = maps.extent_of(dh)
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
        f"Reference points of the ATL11 tracks that cross the focus ({', '.join(names)}), over the height change "
        f"{epoch_range(dh.attrs['since'], dh.attrs['until'])} of ATL15. Tracks are split at their extreme latitude "
        f"into ascending and descending parts. Projection {crs}; scale bar in true kilometres."
    )
    numbers = {"tracks": len(names), "pairs": len(lines), "limit_m": rounded(image.norm.vmax), "height_mm": height}
    return Drawn(fig, title, caption, numbers, crs)


def track_over_change(look, *, title, dh, crs, ice_area, x, y, value=None, good=None, what):
    """
    One track over the change, as the products' tutorial draws it: the points in their own change, or good and bad ones.

    Parameters
    ----------
    dh : DataArray (y, x), m
    x, y : of the track's points, m in `crs`
    value : their own height change over the same epochs (m), drawn in the map's colours; or None
    good : whether each passed the quality filter, where `value` is None
    what : the points in words, for the caption
    """
    fig, ax, image, height = _base(look, dh, ice_area, crs)
    if value is not None:
        ax.plot(x, y, "o", ms=3.4, mew=0, color=_INK, zorder=4, rasterized=True)
        ax.scatter(x, y, c=value, s=2.2, cmap=image.cmap, norm=image.norm, lw=0, zorder=5, rasterized=True)
        said = "Inside the dark line the track's own change in the same colours."
        handles = [Line2D([], [], color=_INK, lw=2.2, label="track, filled with its own change")]
    else:
        ax.plot(x[~good], y[~good], ".", ms=3, mew=0, color=colour.CATEGORIES[1], zorder=4, rasterized=True)
        ax.plot(x[good], y[good], ".", ms=2, mew=0, color=_INK, zorder=5, rasterized=True)
        said = f"{int(good.sum()):,} of {good.size:,} pass the study's filter."
        handles = [Line2D([], [], color=_INK, lw=2, label="passes the filter"),
                   Line2D([], [], color=colour.CATEGORIES[1], lw=2, label="does not")]  # fmt: skip
    left, right, bottom, top = maps.extent_of(dh)
    ax.set(xlim=(left, right), ylim=(bottom, top))
    fig.legend(handles=handles, loc="lower center", ncols=2, bbox_to_anchor=(0.5, 0.0))
    write_title(fig, title, look)
    caption = (
        f"{what} over the height change {epoch_range(dh.attrs['since'], dh.attrs['until'])} of ATL15. {said} "
        f"Projection {crs}; scale bar in true kilometres."
    )
    numbers = {"points": int(np.size(x)), "limit_m": rounded(image.norm.vmax), "height_mm": height}
    return Drawn(fig, title, caption, numbers, crs)


def dhdt_points(look, *, title, x, y, dhdt, crs, ice_area=None, span=""):
    """
    Rates of reference points where they lie.

    Parameters
    ----------
    x, y : m in `crs`; dhdt : m/yr
    """
    box = _box(x, y)
    wide, tall = maps.fit(box, width=look.page_mm - LEFT - 6, height=110)
    fig = style.new_figure(look, height_mm=TITLE_MM + 6 + tall + BELOW + BAR + 12)
    ax = style.add_axes(fig, LEFT + (look.page_mm - LEFT - 6 - wide) / 2, TITLE_MM + 6, wide, tall)
    norm = colour.change_norm(dhdt)
    ax.set_facecolor(colour.MISSING)
    points = ax.scatter(x, y, c=dhdt, s=2, cmap=colour.change_map(), norm=norm, lw=0, rasterized=True, zorder=3)
    if ice_area is not None:
        maps.outline(ax, ice_area)
    ax.set(xlim=box[:2], ylim=box[2:], aspect="equal")
    maps.graticule(ax, crs, labels=False)
    maps.km_axes(ax)
    maps.scale_bar(ax, crs)
    bar = (LEFT + (look.page_mm - LEFT - 6 - wide) / 2, TITLE_MM + 6 + tall + BELOW, wide, BAR)
    colour_bar(fig, points, look, bar, label="rate of height change (m/yr)", values=dhdt)
    write_title(fig, title, look)
    caption = (
        f"Rate of height change of ATL11 reference points{', ' + span if span else ''}: weighted least squares of "
        f"h_corr on time, {np.size(dhdt):,} points. Red is lowering, blue thickening. Projection {crs}."
    )
    numbers = {"dhdt_m_per_yr": style.statistics(dhdt), "limit_m_per_yr": rounded(norm.vmax)}
    return Drawn(fig, title, caption, numbers, crs)


def dhdt_map(look, *, title, mapped, gridded, difference, crs, ice_area=None, span=""):
    """
    Rates of points mapped by a Gaussian kernel beside the rate of ATL15, and how far they differ.

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
    ).replace(" -", " −")  # fmt: skip
    numbers = {"limit_m_per_yr": rounded(norm.vmax), "difference_m_per_yr": style.statistics(finite),
               "median_difference_m_per_yr": rounded(median)}  # fmt: skip
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
                label, (x[k], y[k]), (0, 0), textcoords="offset points", ha="center", va="center", zorder=6,
                path_effects=[withStroke(linewidth=1.8, foreground="white")], **style_of,
            )  # fmt: skip
            return


def _base(look, dh, ice_area, crs):
    """A page with the map of the change, its bar below; returns figure, axes, image and height in mm."""
    box = maps.extent_of(dh)
    wide, tall = maps.fit(box, width=look.page_mm - LEFT - 6, height=115)
    height = TITLE_MM + 6 + tall + BELOW + BAR + 16
    fig = style.new_figure(look, height_mm=height)
    left = LEFT + (look.page_mm - LEFT - 6 - wide) / 2
    ax = style.add_axes(fig, left, TITLE_MM + 6, wide, tall)
    image = height_change_map(ax, dh, ice_area=ice_area)
    maps.km_axes(ax)
    maps.scale_bar(ax, crs, corner="lower left")
    ax.set_title(epoch_range(dh.attrs["since"], dh.attrs["until"]))
    colour_bar(fig, image, look, (left, TITLE_MM + 6 + tall + BELOW, wide, BAR), label="height change (m)", values=dh)
    return fig, ax, image, height


def _box(x, y):
    """(left, right, bottom, top) around points, with a margin; never slimmer than a third of its length."""
    half = np.array([np.ptp(x), np.ptp(y)]) * 0.54 + 500.0
    half = np.maximum(half, half.max() * 0.35)
    middle = np.array([np.min(x) + np.max(x), np.min(y) + np.max(y)]) / 2
    return tuple(float(v) for pair in zip(middle - half, middle + half, strict=True) for v in pair)
