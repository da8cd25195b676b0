"""Drawings of image pairs and velocities: each takes an Axes and data, and returns what it drew."""

from __future__ import annotations

import matplotlib.dates as mdates
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.patches import Rectangle

from nunatak.figures import colour, maps

# sensor group: its colour and its words
GROUPS = {
    "L45": ("#e69f00", "Landsat 4 and 5"),
    "L7": ("#d55e00", "Landsat 7"),
    "L89": ("#0072b2", "Landsat 8 and 9"),
    "S1": ("#333333", "Sentinel-1"),
    "S2": ("#009e73", "Sentinel-2"),
    "other": ("#cc79a7", "other pairs"),
}
FATES = {"used": "#0072b2", "filter": "#a9cfe6", "rest": "#c9c4bb"}


def group_key(group):
    """Return the key of a sensor group in GROUPS."""
    return group if group in GROUPS else "other"


def speed_norm(values):
    """Return a logarithmic norm, from a nice number below the 1st percentile (1 m/yr or more) to one above the 99th."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite) & (finite > 0)]
    if not finite.size:
        return LogNorm(1.0, 1000.0)
    low, high = np.percentile(finite, [1, 99])
    power = 10.0 ** np.floor(np.log10(low))
    low = max(step * power for step in (1, 2, 5) if step * power <= low)
    return LogNorm(max(low, 1.0), max(colour.nice(high), 10.0))


def map_of(ax, values, *, cmap, norm, doubtful=None):
    """
    Draw cells on a map, grey where there is none.

    Parameters
    ----------
    values : DataArray (y, x) with attribute `crs`
    doubtful : boolean DataArray (y, x) of cells to let grow pale, or None

    Returns
    -------
    AxesImage
    """
    image = maps.cells(ax, values, cmap=cmap, norm=norm)
    if doubtful is not None:
        fade(ax, doubtful & np.isfinite(values))
    return image


def fade(ax, mask):
    """
    Let the cells of a boolean DataArray (y, x) grow pale: insignificant values, scattered cell by cell.

    Hatching needs areas; over single cells it hides what lies between them.
    """
    if not bool(mask.any()):
        return None
    veil = ListedColormap([(1.0, 1.0, 1.0, 0.8)]).with_extremes(bad=(0, 0, 0, 0))
    return maps.cells(ax, mask.where(mask).astype(float), cmap=veil, norm=Normalize(0, 2))


def fade_patch(label):
    """Create the legend entry of cells grown pale."""
    return Rectangle((0, 0), 1, 1, facecolor="#f6f6f6", edgecolor="#bbbbbb", lw=0.4, label=f"pale: {label}")


def year_bars(ax, table, what="image pairs"):
    """
    Draw the pairs of every year, stacked: used, left out by the selection, lost for other reasons.

    Parameters
    ----------
    table : DataFrame by year with the columns used, filter, rest
    what : name of what is counted
    """
    below = np.zeros(len(table))
    words = {"used": "used", "filter": "left out by the selection", "rest": "outside, empty, or another reason"}
    for name, text in words.items():
        ax.bar(
            table.index,
            table[name],
            0.8,
            bottom=below,
            color=FATES[name],
            lw=0,
            label=text if table[name].any() else None,
        )
        below = below + table[name].to_numpy()
    ax.set_xlim(table.index[0] - 0.7, table.index[-1] + 0.7)
    ax.set_ylim(0, 1.08 * max(below.max(), 1))
    for axis in (ax.xaxis, ax.yaxis):
        axis.get_major_locator().set_params(integer=True)
    ax.set_ylabel(what)


def spans(ax, pairs):
    """
    Draw every pair as a line from its first to its second image, the separation as its height, sensors coloured.

    A dot in the middle keeps a pair of days visible on an axis of decades.
    """
    for key, rows in pairs.groupby(pairs["group"].map(group_key)):
        first, second = (mdates.date2num(rows[f"acquisition_date_img{n}"]) for n in (1, 2))
        lines = np.stack(
            [np.column_stack([first, rows["date_dt"]]), np.column_stack([second, rows["date_dt"]])], axis=1
        )
        ax.add_collection(LineCollection(list(lines), colors=GROUPS[key][0], lw=1.1))
        ax.plot(
            (first + second) / 2,
            rows["date_dt"],
            "o",
            ms=2.6,
            mew=0,
            color=GROUPS[key][0],
            alpha=0.8,
            label=GROUPS[key][1],
        )
    ax.autoscale_view()
    ax.xaxis_date()
    ax.set_ylabel("separation (days)")


def histogram(ax, values, edges, *, groups=None):
    """Draw a histogram, stacked by sensor group where `groups` (one per value) is given."""
    values = np.asarray(values, dtype=float)
    keys = np.array([group_key(g) for g in groups]) if groups is not None else np.full(values.size, "other")
    below = np.zeros(len(edges) - 1)
    for key in (k for k in GROUPS if (keys == k).any()):
        counts = np.histogram(values[(keys == key) & np.isfinite(values)], edges)[0]
        ax.bar(edges[:-1], counts, np.diff(edges), bottom=below, align="edge", color=GROUPS[key][0], lw=0)
        below += counts
    ax.set_xlim(edges[0], edges[-1])
    ax.yaxis.get_major_locator().set_params(integer=True)
    ax.set_ylabel("pairs")


def shares(ax, table, column, *, colour_of, label):
    """Draw a column of speeds.csv as the share of its values by bin, per 100 m/yr, on logarithmic axes."""
    width = table["high"] - table["low"]
    density = table[column] / max(table[column].sum(), 1) / width * 100
    edges = np.append(table["low"], table["high"].iloc[-1])
    ax.stairs(density.where(density > 0), edges, color=colour_of, lw=1.0, label=label)


def pair_speeds(ax, rows):
    """Draw the speeds of single pairs at a point: separation as a horizontal bar, error as a vertical one."""
    for key, some in rows.groupby(rows["group"].map(group_key)):
        half = (some["date_dt"] / 2).to_numpy() * np.timedelta64(86400, "s")
        ax.errorbar(
            some["time"].to_numpy(),
            some["v"],
            yerr=some["v_error"],
            xerr=half,
            fmt="o",
            ms=2.2,
            lw=0.5,
            color=GROUPS[key][0],
            alpha=0.75,
            label=GROUPS[key][1],
        )


def annual_means(ax, rows):
    """Draw the annual means at a point with one standard error."""
    ax.errorbar(
        rows["time"].to_numpy(),
        rows["v"],
        yerr=rows["v_error"],
        fmt="s",
        ms=3.0,
        mfc="white",
        mew=0.8,
        lw=0.8,
        color="#111111",
        zorder=4,
        label="annual mean",
    )


def model_band(ax, rows):
    """Draw the annual and seasonal model of a point with a band of one standard error, broken where years lack data."""
    time = rows["time"].to_numpy()
    starts = np.flatnonzero(np.diff(time) > np.timedelta64(11, "D")) + 1
    for number, part in enumerate(np.split(np.arange(len(rows)), starts)):
        some = rows.iloc[part]
        ax.fill_between(
            some["time"], some["v"] - some["v_error"], some["v"] + some["v_error"], color="#111111", alpha=0.18, lw=0
        )
        ax.plot(some["time"], some["v"], color="#111111", lw=1.0, label="annual means joined" if not number else None)
