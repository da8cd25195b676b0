"""Draw polar locators, and outlines in longitude and latitude on a projected map."""

from __future__ import annotations

import numpy as np
import pyproj
import shapely
from matplotlib.patches import Circle, PathPatch
from matplotlib.path import Path

from nunatak.figures.coast import draw_land, land_on
from nunatak.figures.maps import HALO, INK, small_pt

SEA = "#f6f8fa"


def hemisphere(ax, *, south, highlight=None, reach=35.0):
    """
    Draw a polar locator: land, parallels, meridians and the study's region on top.

    Parameters
    ----------
    south : the southern hemisphere (EPSG:3031) instead of the northern (EPSG:3413)
    highlight : shapely geometry in lon/lat
    reach : degrees of latitude from the pole to the rim
    """
    crs = "EPSG:3031" if south else "EPSG:3413"
    project = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform
    sign = -1 if south else 1
    rim = float(np.hypot(*project(0.0, sign * (90 - reach))))
    _disc(ax, crs, rim)
    for latitude in range(80, int(90 - reach), -10):
        radius = float(np.hypot(*project(0.0, sign * latitude)))
        ax.add_patch(Circle((0, 0), radius, facecolor="none", edgecolor="#b0b0b0", lw=0.35))
        at = project(135.0 if not south else 45.0, sign * latitude)
        ax.annotate(
            f"{latitude}°{'S' if south else 'N'}",
            at,
            ha="center",
            va="center",
            fontsize=small_pt(ax) - 1,
            color="#666666",
            path_effects=HALO,
        )
    for longitude in range(0, 180, 30):
        a, b = project(longitude, sign * (90 - reach)), project(longitude - 180, sign * (90 - reach))
        ax.plot([a[0], b[0]], [a[1], b[1]], color="#b0b0b0", lw=0.35)
    if highlight is not None:
        lonlat_polygon(ax, highlight, crs, facecolor="#d55e00", edgecolor="#8a2f00", linewidth=0.8, alpha=0.85)
        x, y = project(*highlight.centroid.coords[0])
        if highlight.length < 6:  # degrees: too small to be seen at this scale
            ax.plot(x, y, marker="o", ms=7, mfc="none", mec="#d55e00", mew=1.2, gid="highlight")
    ax.set(xlim=(-rim * 1.02, rim * 1.02), ylim=(-rim * 1.02, rim * 1.02), aspect="equal")
    ax.set_axis_off()


def _disc(ax, crs, rim):
    """Draw sea and land within a circle about the pole."""
    ax.add_patch(Circle((0, 0), rim, facecolor=SEA, edgecolor="none", zorder=0.2))
    edge = Circle((0, 0), rim, facecolor="none", edgecolor=INK, lw=0.5, gid="rim")
    ax.add_patch(edge)
    for patch in draw_land(ax, land_on(crs, (-rim, rim, -rim, rim))[0], linewidth=0.25):
        patch.set_clip_path(edge)


def locator(ax, geometry, *, corner="upper left", size=0.26):
    """Draw a small polar locator in a corner of a map, mark the region (shapely, lon/lat) and return the Axes."""
    vertical, horizontal = corner.split()
    box = (0.01 if horizontal == "left" else 0.99 - size, 0.01 if vertical == "lower" else 0.99 - size, size, size)
    inset = ax.inset_axes(box, zorder=7)
    south = geometry.centroid.y < 0
    crs = "EPSG:3031" if south else "EPSG:3413"
    project = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform
    rim = float(np.hypot(*project(0.0, -60.0 if south else 60.0)))
    _disc(inset, crs, rim)
    for latitude in (70, 80):
        radius = float(np.hypot(*project(0.0, -latitude if south else latitude)))
        inset.add_patch(Circle((0, 0), radius, facecolor="none", edgecolor="#b0b0b0", lw=0.3))
    x, y = project(*np.asarray(geometry.centroid.coords)[0])
    inset.plot(x, y, marker="s", ms=3, mfc="#d55e00", mec="#8a2f00", mew=0.5)
    inset.annotate("S" if south else "N", (0, 0), ha="center", va="center", fontsize=small_pt(ax) - 1, color="#666666")
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
            ax.plot(*corners[0].T, color=style.get("edgecolor", INK), lw=style.get("linewidth", 0.6))


def _without_seam(lonlat, project):
    """Project a geometry, joining parts that were cut at longitude 180 only for lon/lat's sake."""
    on_map = shapely.transform(lonlat, lambda c: np.column_stack(project(*c.T)))
    if lonlat.geom_type != "MultiPolygon" or not {-180.0, 180.0} <= {lonlat.bounds[0], lonlat.bounds[2]}:
        return on_map
    # both sides of the cut agree to rounding only: to a metre they are the same line
    return shapely.union_all([shapely.make_valid(part) for part in on_map.geoms], grid_size=1.0)
