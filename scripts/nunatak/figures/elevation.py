"""Drawings of elevation change: each takes an Axes and data, and returns what it drew."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import Normalize

from nunatak.constants import BEAMS
from nunatak.figures import colour, maps
from nunatak.times import SAFE_HOLDS, decimal_year

_GAP = "#c9c9c9"


def height_change_map(ax, dh, *, norm=None, hatched=None, ice_area=None):
    """
    Draw a height change or its rate on a map.

    Parameters
    ----------
    dh : DataArray (y, x), m or m/yr, NaN where there is none; attribute `crs`
    norm : symmetric norm; from the data's percentiles when not given
    hatched : boolean DataArray (y, x): cells that are interpolated or below two standard errors
    ice_area : DataArray (y, x), m2; its edge becomes the outline

    Returns
    -------
    AxesImage
    """
    norm = colour.change_norm(dh) if norm is None else norm
    image = maps.cells(ax, dh, cmap=colour.change_map(), norm=norm)
    if hatched is not None:
        maps.hatch(ax, hatched & np.isfinite(dh))
    if ice_area is not None:
        maps.outline(ax, ice_area)
    left, right, bottom, top = maps.extent_of(dh)
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    return image


def change_series(ax, time, value, sigma=None, *, label=None, colour_of=colour.CATEGORIES[0]):
    """
    Draw one region's change against time with its error band.

    Parameters
    ----------
    time : datetime64; value, sigma : same length, same unit; the band is one standard error to either side

    Returns
    -------
    Line2D
    """
    year, value = decimal_year(time), np.asarray(value, dtype=float)
    if sigma is not None:
        sigma = np.asarray(sigma, dtype=float)
        ax.fill_between(year, value - sigma, value + sigma, color=colour_of, alpha=0.2, lw=0)
    (line,) = ax.plot(year, value, color=colour_of, marker="o", ms=2.2, label=label)
    return line


def mark_data_gaps(ax):
    """
    Shade the instrument's safe holds that lie within a time axis in decimal years.

    Return the bands drawn.
    """
    low, high = ax.get_xlim()
    bands = []
    for start, end in SAFE_HOLDS:
        first, last = float(decimal_year(start)), float(decimal_year(end))
        if first < high and last > low:
            label = f"safe hold, {start.item():%B %Y}"
            bands.append(ax.axvspan(first, last, color=_GAP, lw=0, zorder=0, label=label, gid="data-gap"))
    ax.set_xlim(low, high)
    return bands


def change_by_elevation(ax, low, high, value, sigma=None, *, area=None):
    """
    Draw the change of each elevation band as a stair against elevation.

    Parameters
    ----------
    low, high : edges of the bands, m
    value, sigma : mean change of each band and its standard error; NaN bands are left open
    area : area of each band (km2); bands are drawn thicker the more area they hold when given

    Returns
    -------
    the bars
    """
    low, high, value = (np.asarray(a, dtype=float) for a in (low, high, value))
    shade = np.where(value < 0, colour.LOWERING, colour.THICKENING)
    weight = 1.0 if area is None else 0.35 + 0.65 * np.asarray(area, float) / max(float(np.nanmax(area)), 1e-9)
    bars = ax.barh((low + high) / 2, value, height=(high - low) * 0.92, color=shade, lw=0)
    for bar, alpha in zip(bars, np.broadcast_to(weight, value.shape), strict=True):
        bar.set_alpha(float(np.nan_to_num(alpha, nan=0.35)))
    if sigma is not None:
        ax.errorbar(
            value,
            (low + high) / 2,
            xerr=np.asarray(sigma, float),
            fmt="none",
            ecolor="#222222",
            elinewidth=0.6,
            capsize=1.2,
        )
    ax.axvline(0, color="#222222", lw=0.5)
    return bars


def band_area(ax, low, high, area):
    """Draw the ice area of each elevation band (km2)."""
    low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    return ax.barh((low + high) / 2, area, height=(high - low) * 0.92, color="#9fb3c8", lw=0)


def time_colours(time):
    """Return one colour per epoch, in order of time: (n, 4) colours, the map and the norm in decimal years."""
    year = decimal_year(time)
    norm = Normalize(float(year.min()), float(max(year.max(), year.min() + 0.25)))
    cmap = colour.time_map()
    return cmap(norm(year)), cmap, norm


def surface_profiles(ax, section):
    """
    Draw the surface along a transect, one line per epoch coloured by time.

    Parameters
    ----------
    section : Dataset (time, distance) with `h` (m above WGS84) and distance in metres

    Returns
    -------
    the lines, first epoch first
    """
    colours, _, _ = time_colours(section["time"].values)
    km = section["distance"].values / 1000
    lines = [ax.plot(km, h, color=c, lw=0.7)[0] for h, c in zip(section["h"].values, colours, strict=True)]
    ax.set_xlim(km[0], km[-1])
    return lines


def change_profiles(ax, section):
    """
    Draw the change since the first epoch along a transect, one line per epoch, the last one with its error band.

    Parameters
    ----------
    section : Dataset (time, distance) with `dh`, `dh_sigma` (m) relative to the first epoch
    """
    colours, _, _ = time_colours(section["time"].values)
    km = section["distance"].values / 1000
    dh, sigma = section["dh"].values, section["dh_sigma"].values
    lines = [ax.plot(km, row, color=c, lw=0.7)[0] for row, c in zip(dh, colours, strict=True)]
    ax.fill_between(km, dh[-1] - sigma[-1], dh[-1] + sigma[-1], color=colours[-1], alpha=0.3, lw=0)
    ax.axhline(0, color="#222222", lw=0.5)
    ax.set_xlim(km[0], km[-1])
    return lines


def pair_profiles(ax, pairs, *, column="dh"):
    """
    Draw the height difference of a repeat pair along the track, one colour per beam, its median as a dashed line.

    Parameters
    ----------
    pairs : DataFrame with beam, segment_id, where there is one x_atc (m), and the difference in `column` (m)

    Returns
    -------
    mapping of beam to median difference (m)
    """
    along = pairs["x_atc"] if "x_atc" in pairs else pairs["segment_id"] * 20.0  # m, a segment every 20 m
    along = along - along.min()
    medians = {}
    for beam, shade in zip(BEAMS, colour.CATEGORIES, strict=False):
        rows = pairs[pairs["beam"] == beam].sort_values("segment_id")
        if rows.empty or not np.isfinite(rows[column]).any():
            continue
        medians[beam] = float(np.nanmedian(rows[column]))
        km = along[rows.index] / 1000
        ax.plot(km, rows[column], ".", ms=2.2, mew=0, color=shade, alpha=0.75, label=beam, rasterized=True)
        ax.plot([km.min(), km.max()], [medians[beam]] * 2, color=shade, lw=0.9, ls=(0, (4, 2)))
    ax.axhline(0, color="#222222", lw=0.5)
    return medians


def pair_map(ax, x, y, dh, *, norm=None):
    """Draw the height differences of a repeat pair where they lie (m of the map's projection) and return the points."""
    norm = colour.change_norm(dh) if norm is None else norm
    points = ax.scatter(x, y, c=dh, s=4, cmap=colour.change_map(), norm=norm, lw=0, rasterized=True)
    ax.set_facecolor(colour.MISSING)  # white is no change, so the ground cannot be white
    ax.set_aspect("equal")
    return points
