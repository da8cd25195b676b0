"""
Map furniture: cells drawn where they are, true kilometres, outlines from the product's own ice area.

Nothing here needs a file or the network. Axes are in the metres of the map's projection and labelled in kilometres.
"""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pyproj
import shapely
from matplotlib import patheffects
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Circle, PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter, MaxNLocator

from nunatak.figures.colour import MISSING
from nunatak.geometry.grid import Grid

_HALO = [patheffects.withStroke(linewidth=1.8, foreground="white")]
_INK = "#1a1a1a"
CORNERS = ("lower left", "lower right", "upper left", "upper right")


def grid_of(values):
    """The Grid of a DataArray or Dataset on (y, x); the CRS is its attribute `crs`."""
    return Grid.from_centres(values.attrs.get("crs", ""), values["x"].values, values["y"].values)


def extent_of(values):
    """(left, right, bottom, top) of the outer cell edges, metres: what `imshow` needs."""
    left, bottom, right, top = grid_of(values).bounds
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


def outline(ax, ice_area, *, colour=_INK, linewidth=0.5):
    """
    Draw the margin of the ice: half of a full cell's `ice_area` (m2, dims y, x); ice that leaves the grid stays open.

    Returns
    -------
    the contour set; None where there is no margin inside the grid
    """
    ice_area = ice_area.sortby("y", ascending=False)
    share = np.nan_to_num(ice_area.values)
    share = share / (share.max() or 1.0)
    if not ((share > 0.5).any() and (share < 0.5).any()):
        return None
    grid = grid_of(ice_area)
    return ax.contour(grid.x, grid.y, share, levels=[0.5], colors=[colour], linewidths=linewidth)


def hatch(ax, mask, *, pattern="//////"):
    """Hatch the cells of a boolean DataArray (y, x): interpolated or insignificant values, still to be read below."""
    if not bool(mask.any()):
        return None
    grid, factor = grid_of(mask), 3  # three points across a cell keep the hatching inside its edges to a sixth of it
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
    """Projected over true length at a point: k, the root of PROJ's areal scale (0.978 at Austfonna in EPSG:3413)."""
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
        color=_INK,
        lw=2.2,
        solid_capstyle="butt",
        path_effects=_HALO,
        zorder=8,
        gid="scale-bar",
    )
    # a number wider than its bar would leave the map: it begins or ends with the bar then
    text, bar_pt = f"{true_km:g} km", drawn / (right - left) * ax.bbox.width / ax.figure.dpi * 72
    side = "center" if bar_pt > 0.6 * len(text) * _small(ax) else horizontal
    place = {"center": x0 + drawn / 2, "left": x0, "right": x0 + drawn}[side]
    ax.annotate(
        text,
        (place, y0),
        (0, 2.5),
        textcoords="offset points",
        ha=side,
        va="bottom",
        fontsize=_small(ax),
        color=_INK,
        path_effects=_HALO,
        zorder=8,
    )
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    return true_km, drawn


def emptiest_corner(values):
    """The corner of a grid (y, x) with the fewest finite cells: the place for what must not hide data."""
    return min(CORNERS, key=lambda corner: corner_share(values, corner))


def corner_share(values, corner, *, size=0.28):
    """Share of finite cells in a corner of a grid (y, x), `size` of each side."""
    finite = np.isfinite(values.sortby("y", ascending=False).values)
    vertical, horizontal = corner.split()
    ny, nx = (max(int(np.ceil(n * size)), 1) for n in finite.shape)
    rows = slice(None, ny) if vertical == "upper" else slice(-ny, None)
    columns = slice(None, nx) if horizontal == "left" else slice(-nx, None)
    return float(finite[rows, columns].mean())


def graticule(ax, crs, *, labels=True):
    """Draw meridians and parallels at round degrees over a map whose limits are set, thin and grey, with labels."""
    (left, right), (bottom, top) = sorted(ax.get_xlim()), sorted(ax.get_ylim())
    x, y = np.meshgrid(np.linspace(left, right, 160), np.linspace(bottom, top, 160))
    lon, lat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    middle = np.degrees(np.angle(np.exp(1j * np.radians(lon)).mean()))
    # about the map's own middle, so that no jump at 180 degrees crosses it
    east = (lon - middle + 180) % 360 - 180
    for field, suffix in ((lat, "NS"), (east, "EW")):
        step = _degree_step(float(np.ptp(field)))
        offset = middle if suffix == "EW" else 0.0
        first = np.ceil((field.min() + offset) / step) * step
        levels = np.arange(first, field.max() + offset, step) - offset
        inside = levels[(levels > field.min()) & (levels < field.max())]
        if not inside.size or not np.isfinite(field).all():
            continue
        lines = ax.contour(
            x, y, field, levels=inside, colors="#8a8a8a", linewidths=0.35, linestyles="solid", zorder=1.5
        )
        if labels:
            names = {v: _degrees((v + offset + 180) % 360 - 180 if suffix == "EW" else v, suffix) for v in inside}
            at = [_label_place(ax, path.vertices) for path in lines.get_paths()]
            for text in ax.clabel(
                lines,
                fmt=names,
                fontsize=_small(ax) - 1,
                colors="#555555",
                inline_spacing=2,
                manual=[place for place in at if place is not None],
            ):
                text.set_path_effects(_HALO)
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)


def _label_place(ax, vertices):
    """Where a line of the graticule is labelled: near the upper or right frame, clear of it and of the scale bar."""
    share = ax.transAxes.inverted().transform(ax.transData.transform(vertices))
    inside = ((share > (0.1, 0.18)) & (share < 0.9)).all(axis=1)
    if not inside.any():
        return None
    candidates = vertices[inside]
    return tuple(candidates[share[inside].max(axis=1).argmax()])


def _degree_step(span):
    return next((s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 15) if span / s <= 5), 30)


def _degrees(value, suffix):
    sign = "" if value == 0 or abs(value) == 180 else suffix[0] if value > 0 else suffix[1]
    return f"{abs(round(float(value), 2)):g}°{sign}"


def hemisphere(ax, *, south, outlines=(), highlight=None, reach=35.0):
    """
    Draw a polar locator: parallels, meridians, further outlines in grey and the study's region on top.

    Parameters
    ----------
    south : the southern hemisphere (EPSG:3031) instead of the northern (EPSG:3413)
    outlines : shapely geometries in lon/lat, drawn as context
    highlight : shapely geometry in lon/lat
    reach : degrees of latitude from the pole to the rim
    """
    crs = "EPSG:3031" if south else "EPSG:3413"
    project = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform
    sign = -1 if south else 1
    rim = float(np.hypot(*project(0.0, sign * (90 - reach))))
    ax.add_patch(Circle((0, 0), rim, facecolor="#f6f8fa", edgecolor=_INK, lw=0.5, gid="rim"))
    for latitude in range(80, int(90 - reach), -10):
        radius = float(np.hypot(*project(0.0, sign * latitude)))
        ax.add_patch(Circle((0, 0), radius, facecolor="none", edgecolor="#b0b0b0", lw=0.35))
        at = project(135.0 if not south else 45.0, sign * latitude)
        ax.annotate(
            f"{latitude}°{'S' if south else 'N'}",
            at,
            ha="center",
            va="center",
            fontsize=_small(ax) - 1,
            color="#666666",
            path_effects=_HALO,
        )
    for longitude in range(0, 180, 30):
        a, b = project(longitude, sign * (90 - reach)), project(longitude - 180, sign * (90 - reach))
        ax.plot([a[0], b[0]], [a[1], b[1]], color="#b0b0b0", lw=0.35)
    for geometry in outlines:
        lonlat_polygon(ax, geometry, crs, facecolor="#dfe4ea", edgecolor="#8f99a5", linewidth=0.4)
    if highlight is not None:
        lonlat_polygon(ax, highlight, crs, facecolor="#d55e00", edgecolor="#8a2f00", linewidth=0.8, alpha=0.85)
        x, y = project(*highlight.centroid.coords[0])
        if highlight.length < 6:  # degrees: too small to be seen at this scale
            ax.plot(x, y, marker="o", ms=7, mfc="none", mec="#d55e00", mew=1.2, gid="highlight")
    ax.set(xlim=(-rim * 1.02, rim * 1.02), ylim=(-rim * 1.02, rim * 1.02), aspect="equal")
    ax.set_axis_off()


def locator(ax, geometry, *, corner="upper left", size=0.26):
    """A small polar locator in a corner of a map, with the region (shapely, lon/lat) marked; returns its Axes."""
    vertical, horizontal = corner.split()
    box = (0.01 if horizontal == "left" else 0.99 - size, 0.01 if vertical == "lower" else 0.99 - size, size, size)
    inset = ax.inset_axes(box, zorder=7)
    south = geometry.centroid.y < 0
    crs = "EPSG:3031" if south else "EPSG:3413"
    project = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform
    rim = float(np.hypot(*project(0.0, -60.0 if south else 60.0)))
    inset.add_patch(Circle((0, 0), rim, facecolor="white", edgecolor=_INK, lw=0.5))
    for latitude in (70, 80):
        radius = float(np.hypot(*project(0.0, -latitude if south else latitude)))
        inset.add_patch(Circle((0, 0), radius, facecolor="none", edgecolor="#b0b0b0", lw=0.3))
    x, y = project(*np.asarray(geometry.centroid.coords)[0])
    inset.plot(x, y, marker="s", ms=3, mfc="#d55e00", mec="#8a2f00", mew=0.5)
    inset.annotate("S" if south else "N", (0, 0), ha="center", va="center", fontsize=_small(ax) - 1, color="#666666")
    inset.set(xlim=(-rim * 1.04, rim * 1.04), ylim=(-rim * 1.04, rim * 1.04), aspect="equal")
    inset.set_axis_off()
    return inset


def lonlat_polygon(ax, geometry, crs, *, step=0.25, **style):
    """Draw a shapely geometry (lon/lat degrees) on a projected map, its edges followed every `step` degrees."""
    project = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform
    dense = _without_seam(shapely.segmentize(geometry, step), project)
    for part in getattr(dense, "geoms", [dense]):
        if part.is_empty:
            continue
        rings = [part.exterior, *part.interiors] if part.geom_type == "Polygon" else [part]
        corners = [np.asarray(ring.coords)[:, :2] for ring in rings]
        corners = [c[np.isfinite(c).all(1)] for c in corners]
        if part.geom_type == "Polygon":
            path = Path.make_compound_path(*(Path(c, closed=True) for c in corners))
            ax.add_patch(PathPatch(path, **style))
        else:
            ax.plot(*corners[0].T, color=style.get("edgecolor", _INK), lw=style.get("linewidth", 0.6))


def _without_seam(lonlat, project):
    """A geometry on the map; parts that were cut at longitude 180 only for lon/lat's sake are one again."""
    on_map = shapely.transform(lonlat, lambda c: np.column_stack(project(*c.T)))
    if lonlat.geom_type != "MultiPolygon" or not {-180.0, 180.0} <= {lonlat.bounds[0], lonlat.bounds[2]}:
        return on_map
    # both sides of the cut agree to rounding only: to a metre they are the same line
    return shapely.union_all([shapely.make_valid(part) for part in on_map.geoms], grid_size=1.0)


def section_line(ax, x, y, *, name="A", colour=_INK):
    """Draw a transect (m) on a map, its ends marked A and A′."""
    ax.plot(x, y, color=colour, lw=1.1, path_effects=_HALO, zorder=6, gid="section")
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
            fontsize=_small(ax),
            color=colour,
            path_effects=_HALO,
            zorder=8,
        )


def focus_box(ax, xlim, ylim):
    """Draw the rectangle that another panel shows enlarged."""
    patch = Rectangle(
        (xlim[0], ylim[0]),
        xlim[1] - xlim[0],
        ylim[1] - ylim[0],
        facecolor="none",
        edgecolor=_INK,
        lw=0.8,
        ls=(0, (4, 2)),
        zorder=5,
    )
    ax.add_patch(patch)
    return patch


def missing_patch(label="no data"):
    """Legend entry of the grey of missing data."""
    return Rectangle((0, 0), 1, 1, facecolor=MISSING, edgecolor="#8a8a8a", lw=0.4, label=label)


def hatch_patch(label):
    """Legend entry of hatched cells."""
    return Rectangle((0, 0), 1, 1, facecolor="none", edgecolor="#555555", lw=0.4, hatch="//////", label=label)


def fit(extent, *, width, height):
    """(width, height) in the same unit of a map of that extent, as large as fits with equal aspect."""
    left, right, bottom, top = extent
    ratio = (top - bottom) / (right - left)
    return (width, width * ratio) if width * ratio <= height else (height / ratio, height)


def _small(ax):
    return FontProperties(size=mpl.rcParams["xtick.labelsize"]).get_size_in_points()
