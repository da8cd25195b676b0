"""
Map furniture: cells drawn where they are, true kilometres, outlines from the product's own ice area.

Nothing here needs a file or the network. Axes are in the metres of the map's projection and labelled in kilometres.
"""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pyproj
from matplotlib import patheffects
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from nunatak.figures.colour import MISSING
from nunatak.geometry.grid import Grid

HALO = [patheffects.withStroke(linewidth=1.8, foreground="white")]
INK = "#1a1a1a"
CORNERS = ("lower left", "lower right", "upper left", "upper right")


def extent_of(values):
    """Return (left, right, bottom, top) of the outer cell edges, metres, as `imshow` needs them."""
    left, bottom, right, top = Grid.of(values).bounds
    return left, right, bottom, top


def cells(ax, values, *, cmap, norm):
    """
    Draw a grid so that every cell is seen as it is: nearest, equal aspect, extent from the cell edges.

    Parameters
    ----------
    values : DataArray on (y, x), either order of y
    cmap, norm : from `nunatak.figures.colour`; NaN takes the map's grey

    Returns
    -------
    AxesImage
    """
    values = values.sortby("y", ascending=False)
    return ax.imshow(
        np.ma.masked_invalid(values.values),
        extent=extent_of(values),
        origin="upper",
        interpolation="nearest",
        aspect="equal",
        cmap=cmap,
        norm=norm,
    )


def outline(ax, ice_area, *, colour=INK, linewidth=0.5):
    """
    Draw the margin of the ice: half of a full cell's `ice_area` (m2, dims y, x).

    Ice that leaves the grid stays open.

    Returns
    -------
    the contour set; None where there is no margin inside the grid
    """
    ice_area = ice_area.sortby("y", ascending=False)
    share = np.nan_to_num(ice_area.values)
    share = share / (share.max() or 1.0)
    if not ((share > 0.5).any() and (share < 0.5).any()):
        return None
    grid = Grid.of(ice_area)
    return ax.contour(grid.x, grid.y, share, levels=[0.5], colors=[colour], linewidths=linewidth)


def hatch(ax, mask, *, pattern="//////"):
    """Draw hatching over the cells of a boolean DataArray (y, x), through which the values below can still be read."""
    if not bool(mask.any()):
        return None
    grid, factor = Grid.of(mask), 3  # three points across a cell keep the hatching inside its edges to a sixth of it
    values = np.repeat(np.repeat(mask.sortby("y", ascending=False).values, factor, 0), factor, 1).astype(float)
    x = grid.left + (np.arange(grid.nx * factor) + 0.5) * grid.dx / factor
    y = grid.top - (np.arange(grid.ny * factor) + 0.5) * grid.dy / factor
    drawn = ax.contourf(x, y, values, levels=[0.5, 1.5], colors="none", hatches=[pattern])
    drawn.set_edgecolor((0.15, 0.15, 0.15, 0.55))
    drawn.set_linewidth(0)
    return drawn


def km_axes(ax, *, labels=True):
    """Label a map's axes, which are in metres, in kilometres of the projection."""
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v / 1000:.6g}".replace("-", "−")))
    ax.yaxis.get_major_locator().set_params(prune="lower")  # its label would meet the first one of x in the corner
    if labels:
        ax.set_xlabel("x (km)")
        ax.set_ylabel("y (km)")
    ax.tick_params(axis="y", labelrotation=90)
    for label in ax.get_yticklabels():
        label.set_verticalalignment("center")


def length_scale(crs, x, y):
    """
    Return the projected over the true length at a point.

    It is k, the root of PROJ's areal scale (0.978 at Austfonna in EPSG:3413).
    """
    projection = pyproj.CRS.from_user_input(crs)
    lon, lat = pyproj.Transformer.from_crs(projection, "EPSG:4326", always_xy=True).transform(x, y)
    return float(np.sqrt(pyproj.Proj(projection).get_factors(lon, lat).areal_scale))


def scale_bar(ax, crs, *, corner="lower left"):
    """
    Draw a bar of a round number of true kilometres, about a quarter of the map wide.

    Its length in the projection is the true length times k at the map's centre.

    Returns
    -------
    true length (km), drawn length (m of the projection)
    """
    (left, right), (bottom, top) = sorted(ax.get_xlim()), sorted(ax.get_ylim())
    k = length_scale(crs, (left + right) / 2, (bottom + top) / 2)
    wanted = 0.25 * (right - left) / k / 1000
    power = 10.0 ** np.floor(np.log10(wanted))
    true_km = max(s * power for s in (1, 2, 5) if s * power <= wanted * (1 + 1e-9))
    drawn = true_km * 1000 * k
    vertical, horizontal = corner.split()
    x0 = left + 0.05 * (right - left) if horizontal == "left" else right - 0.05 * (right - left) - drawn
    y0 = bottom + 0.045 * (top - bottom) if vertical == "lower" else top - 0.1 * (top - bottom)
    ax.plot(
        [x0, x0 + drawn],
        [y0, y0],
        color=INK,
        lw=2.2,
        solid_capstyle="butt",
        path_effects=HALO,
        zorder=8,
        gid="scale-bar",
    )
    # a number wider than its bar would leave the map: it begins or ends with the bar then
    text, bar_pt = f"{true_km:g} km", drawn / (right - left) * ax.bbox.width / ax.figure.dpi * 72
    side = "center" if bar_pt > 0.6 * len(text) * small_pt(ax) else horizontal
    place = {"center": x0 + drawn / 2, "left": x0, "right": x0 + drawn}[side]
    ax.annotate(
        text,
        (place, y0),
        (0, 2.5),
        textcoords="offset points",
        ha=side,
        va="bottom",
        fontsize=small_pt(ax),
        color=INK,
        path_effects=HALO,
        zorder=8,
    )
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    return true_km, drawn


def emptiest_corner(values):
    """Return the corner of a grid (y, x) with the fewest finite cells, for what must not hide data."""
    return min(CORNERS, key=lambda corner: corner_share(values, corner))


def corner_share(values, corner, *, size=0.28):
    """Return the share of finite cells in a corner of a grid (y, x), `size` of each side."""
    finite = np.isfinite(values.sortby("y", ascending=False).values)
    vertical, horizontal = corner.split()
    ny, nx = (max(int(np.ceil(n * size)), 1) for n in finite.shape)
    rows = slice(None, ny) if vertical == "upper" else slice(-ny, None)
    columns = slice(None, nx) if horizontal == "left" else slice(-nx, None)
    return float(finite[rows, columns].mean())


def section_line(ax, x, y, *, name="A", colour=INK):
    """Draw a transect (m) on a map, its ends marked A and A′."""
    ax.plot(x, y, color=colour, lw=1.1, path_effects=HALO, zorder=6, gid="section")
    for at, other, text in ((0, 1, name), (-1, -2, f"{name}′")):
        away = np.array([x[at] - x[other], y[at] - y[other]], dtype=float)
        away = away / (np.hypot(*away) or 1.0) * 6
        ax.annotate(
            text,
            (x[at], y[at]),
            away,
            textcoords="offset points",
            ha="center",
            va="center",
            fontweight="bold",
            fontsize=small_pt(ax),
            color=colour,
            path_effects=HALO,
            zorder=8,
        )


def focus_box(ax, xlim, ylim):
    """Draw the rectangle that another panel shows enlarged."""
    patch = Rectangle(
        (xlim[0], ylim[0]),
        xlim[1] - xlim[0],
        ylim[1] - ylim[0],
        facecolor="none",
        edgecolor=INK,
        lw=0.8,
        ls=(0, (4, 2)),
        zorder=5,
    )
    ax.add_patch(patch)
    return patch


def missing_patch(label="no data"):
    """Create the legend entry of the grey of missing data."""
    return Rectangle((0, 0), 1, 1, facecolor=MISSING, edgecolor="#8a8a8a", lw=0.4, label=label)


def hatch_patch(label):
    """Create the legend entry of hatched cells."""
    return Rectangle((0, 0), 1, 1, facecolor="none", edgecolor="#555555", lw=0.4, hatch="//////", label=label)


def fit(extent, *, width, height):
    """Fit a map of that extent into a width and height with equal aspect. Returns (width, height) in the same unit."""
    left, right, bottom, top = extent
    ratio = (top - bottom) / (right - left)
    return (width, width * ratio) if width * ratio <= height else (height / ratio, height)


def small_pt(ax):
    """Return the size of small labels, points."""
    return FontProperties(size=mpl.rcParams["xtick.labelsize"]).get_size_in_points()
