"""What a study would fetch, before anything is: footprints of the granules on a map, and granules by year."""

from __future__ import annotations

import numpy as np
import pyproj
import shapely
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from nunatak.figures import coast, colour, globe, maps, style
from nunatak.figures.graticule import draw_graticule
from nunatak.figures.layouts import TITLE_MM, Drawn, rounded, write_title

GLOBE, BARS, LEFT = 46.0, 26.0, 12.0  # mm: the polar locator, the bars below, tick labels and y label
_REGION = "#d55e00"
_COLUMNS = 5  # of the legend
_STEP = 0.5  # degrees; sides of footprints are followed so far apart, meridians and parallels being curves on the map


def plan_map(look, *, title, region, further=None, crs, products):
    """
    Draw a polar locator, a map of region and footprints, and the number of granules by year.

    Parameters
    ----------
    region, further : shapely geometry in lon/lat; mapping of name to geometry
    crs : projection of the map
    products : mapping of product to a mapping with `footprints` (shapely geometries in lon/lat, cut at the
        antimeridian), `granules` (number), `years` (mapping of year to number)
    """
    box = _box(region, crs)
    wide, tall = maps.fit(box, width=look.page_mm - GLOBE - LEFT - 12, height=95)
    top = TITLE_MM + 6
    high = max(tall, GLOBE)
    named = len(products) + 1 + bool(further)
    fig = style.new_figure(look, height_mm=top + high + 16 + BARS + 12 + 5 * -(-named // _COLUMNS))
    pole = style.add_axes(fig, 3, top + (high - GLOBE) / 2, GLOBE, GLOBE)
    south = region.centroid.y < 0
    globe.hemisphere(pole, south=south, highlight=region, reach=_reach(region))
    style.panel_letter(pole, 0, look)

    left = GLOBE + 8 + LEFT + (look.page_mm - GLOBE - LEFT - 12 - wide) / 2
    ax = style.add_axes(fig, left, top + (high - tall) / 2, wide, tall)
    ax.set(xlim=box[:2], ylim=box[2:], aspect="equal", facecolor=globe.SEA)
    land, land_note = coast.land_on(crs, box)
    coast.draw_land(ax, land)
    shades = dict(zip(products, _shades(len(products)), strict=True))
    for name, product in products.items():
        _footprints(ax, crs, product["footprints"], shades[name])
    for geometry in (further or {}).values():
        globe.lonlat_polygon(ax, geometry, crs, facecolor="none", edgecolor="#222222", linewidth=0.9, zorder=4)
    globe.lonlat_polygon(ax, region, crs, facecolor="none", edgecolor=_REGION, linewidth=1.2, zorder=5)
    draw_graticule(ax, crs)
    ax.set(xlim=box[:2], ylim=box[2:])
    maps.km_axes(ax)
    length = maps.scale_bar(ax, crs)
    style.panel_letter(ax, 1, look)

    years = style.add_axes(fig, 3 + LEFT, top + high + 16, look.page_mm - LEFT - 9, BARS)
    _bars(years, products, shades)
    style.panel_letter(years, 2, look)
    handles = [Line2D([], [], color=shades[name], lw=1.5, label=_label(name, products[name])) for name in products]
    handles += [Line2D([], [], color=_REGION, lw=1.2, label="region")]
    handles += [Line2D([], [], color="#222222", lw=0.9, label="further regions")] if further else []
    fig.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=min(named, _COLUMNS))
    write_title(fig, title, look)
    caption = (
        "Granules that the study would fetch, with their numbers. (a) Position about the pole. (b) Region and "
        f"footprints as the catalogue has them; projection {crs}, scale bar in true kilometres, land from "
        f"{land_note}. (c) Granules by year. "
        f"{'; '.join(_label(name, product) for name, product in products.items())}."
    )
    numbers = {
        "bounds_lonlat_deg": [rounded(v) for v in region.bounds],
        "scale_bar_km": length[0],
        "granules": {name: product["granules"] for name, product in products.items()},
        "footprints": {name: len(product["footprints"]) for name, product in products.items()},
        "years": {name: product["years"] for name, product in products.items()},
    }
    return Drawn(fig, title, caption, numbers, crs)


def _box(region, crs):
    """Return left, right, bottom, top of the map: the region with a margin."""
    project = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform
    x, y = project(*shapely.get_coordinates(shapely.segmentize(region, 0.25)).T)
    pad = 0.12 * max(np.ptp(x), np.ptp(y))
    return x.min() - pad, x.max() + pad, y.min() - pad, y.max() + pad


def _reach(region):
    return 35 if abs(region.centroid.y) > 62 else 65


def _shades(number):
    """Choose as many colours as there are products, none of them the region's."""
    free = [shade for shade in colour.CATEGORIES if shade != _REGION]
    return [free[i % len(free)] for i in range(number)]


def _footprints(ax, crs, shapes, shade):
    """
    Draw outlines and faint fills of footprints.

    Thousands of them are drawn in two artists, so that overlap shows as depth.

    A side along the cut at the antimeridian is none of the footprint and is not drawn.
    """
    rings = shapely.get_exterior_ring(shapely.get_parts(np.asarray(shapes, dtype=object)))
    rings = rings[~shapely.is_missing(rings)]
    if not rings.size:
        return
    lonlat, which = shapely.get_coordinates(shapely.segmentize(rings, _STEP), return_index=True)
    x, y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*lonlat.T)
    seam = (np.abs(lonlat[:-1, 0]) == 180) & (np.abs(lonlat[1:, 0]) == 180)
    drawn = (which[:-1] == which[1:]) & ~seam & np.isfinite(x[:-1] + x[1:] + y[:-1] + y[1:])
    points = np.column_stack([x, y])
    segments = np.stack([points[:-1], points[1:]], axis=1)[drawn]
    depth = float(np.clip(12 / np.sqrt(rings.size), 0.12, 0.9))
    ax.add_collection(LineCollection(segments, colors=[to_rgba(shade, depth)], linewidths=0.5, rasterized=True))


def _bars(ax, products, shades):
    """Draw granules by year, the products beside each other."""
    known = sorted({int(year) for product in products.values() for year in product["years"]})
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_ylabel("granules")
    ax.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.xaxis.set_major_formatter("{x:.0f}")
    if not known:
        ax.set(xticks=[], xlabel="no granule has a time")
        return
    share = 0.8 / len(products)
    for i, (name, product) in enumerate(products.items()):
        numbers = {int(year): count for year, count in product["years"].items()}
        at = np.array(known) - 0.4 + (i + 0.5) * share
        ax.bar(at, [numbers.get(year, 0) for year in known], width=share, color=shades[name], linewidth=0)
    spare = max(0.0, 6 - (known[-1] - known[0])) / 2  # a single year is no wall
    ax.set(xlim=(known[0] - 0.6 - spare, known[-1] + 0.6 + spare), xlabel="year")


def _label(name, product):
    lacking = product["granules"] - len(product["footprints"])
    return f"{name.upper()}: {product['granules']}" + (f" ({lacking} without a footprint)" if lacking else "")
