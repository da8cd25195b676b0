"""Drawings of gridded sea ice: each takes an Axes and data, and returns what it drew."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from nunatak.figures import colour, maps
from nunatak.figures.coast import draw_land

LAND, SHORE = "#b9b2a6", "#4a463f"


def sequential_norm(values, *, percent=98.0):
    """
    Return a norm from zero, or the 2nd percentile where values lie below it, to the 98th, rounded to a nice number.
    """
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        return Normalize(0.0, 1.0)
    low, high = np.percentile(finite, [100 - percent, percent])
    return Normalize(min(0.0, -colour.nice(-low) if low < 0 else 0.0), colour.nice(high) if high > 0 else 1.0)


def count_norm(counts):
    """Return a logarithmic norm from one to the largest count, rounded up to a power of ten."""
    largest = max(float(np.nanmax(counts, initial=1.0)), 10.0)
    return LogNorm(1.0, 10.0 ** np.ceil(np.log10(largest)))


def polar_map(ax, values, *, cmap, norm, land=None, hatched=None):
    """
    Draw cells on a polar map, land below them and its shore above.

    Parameters
    ----------
    values : DataArray (y, x) with attribute `crs`, NaN where there is none
    land : shapely geometry in the map's coordinates (m), or None
    hatched : boolean DataArray (y, x), or None

    Returns
    -------
    AxesImage
    """
    ax.set_facecolor(colour.MISSING)
    image = maps.cells(ax, values, cmap=cmap.with_extremes(bad=(0, 0, 0, 0)), norm=norm)
    image.set_zorder(1.2)
    limits = image.get_extent()
    if hatched is not None:
        lines = maps.hatch(ax, hatched & np.isfinite(values))
        if lines is not None:
            lines.set_zorder(1.3)
    if land is not None:
        draw_land(ax, land, facecolor=LAND, edgecolor="none", zorder=0.5)
        draw_land(ax, land, facecolor="none", edgecolor=SHORE, linewidth=0.5, zorder=1.4, gid="shore")
    ax.set(xlim=limits[:2], ylim=limits[2:])
    return image


def series_line(ax, table, *, value="mean", sigma="stderr", colour_of=colour.CATEGORIES[0], label=None):
    """
    Draw the mean of each bin at its middle with its standard error.

    Parameters
    ----------
    table : DataFrame with time_start, time_end and the columns named, ascending
    """
    middle = table["time_start"] + (table["time_end"] - table["time_start"]) / 2
    return ax.errorbar(
        middle.to_numpy(), table[value], yerr=table[sigma], fmt="o", ms=2.4, lw=0.7, color=colour_of, label=label
    )


def series_steps(ax, table, *, value="mean", sigma="stderr", colour_of=colour.CATEGORIES[1], label=None):
    """
    Draw the mean of each bin over its whole length, in a band of one standard error to either side.

    Parameters
    ----------
    table : DataFrame with time_start, time_end and the columns named; a bin without an error gets no band
    """
    for number, row in enumerate(table.itertuples()):
        span, mean, error = [row.time_start, row.time_end], getattr(row, value), getattr(row, sigma)
        ax.plot(
            span, [mean, mean], color=colour_of, lw=1.6, label=label if number == 0 else None, solid_capstyle="butt"
        )
        if np.isfinite(error):
            ax.fill_between(span, mean - error, mean + error, color=colour_of, alpha=0.2, lw=0)


def date_axis(ax, first, last):
    """Format days and months along x, with the years of the first and last time below."""
    locator = AutoDateLocator(minticks=3, maxticks=7)
    days = ["%Y", "%b", "%-d %b", "%H:%M", "%H:%M", "%S.%f"]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(
        ConciseDateFormatter(
            locator, formats=days, zero_formats=["", "%b", "%-d %b", "%-d %b", "%H:%M", "%H:%M"], show_offset=False
        )
    )
    ax.set_xlabel(f"{first.year}" if first.year == last.year else f"{first.year} to {last.year}")


def distribution_stairs(ax, table, *, colour_of, label):
    """
    Draw the distribution of one bin as a density.

    Parameters
    ----------
    table : DataFrame with low, high (m) and share of the weight, ascending

    Returns
    -------
    median (m), mode (m): where half the weight is reached, and the middle of the fullest level
    """
    low, high, share = (table[name].to_numpy() for name in ("low", "high", "share"))
    width = (high - low).min()
    level = np.round(low / width).astype(int)
    filled = np.zeros(level[-1] - level[0] + 1)
    filled[level - level[0]] = share
    edges = (level[0] + np.arange(filled.size + 1)) * width
    ax.stairs(filled / width, edges, color=colour_of, lw=0.9, label=label)
    above = np.cumsum(filled)
    at = int(np.searchsorted(above, 0.5))
    median = edges[at] + width * (0.5 - (above[at] - filled[at])) / filled[at]
    return float(median), float(edges[filled.argmax()] + width / 2)
