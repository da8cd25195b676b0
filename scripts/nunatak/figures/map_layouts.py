"""Figures that are maps: where the study lies, height change over the region, height change in the focus."""

from __future__ import annotations

import numpy as np
import pyproj
import shapely
from matplotlib.artist import Artist
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from nunatak.figures import coast, colour, globe, maps, style
from nunatak.figures.elevation import height_change_map
from nunatak.figures.graticule import draw_graticule
from nunatak.figures.layouts import TITLE_MM, Drawn, NothingToDraw, colour_bar, epoch_range, rounded, write_title

_MOST = 1500  # cells drawn to a side
LEFT, BELOW, BAR = 12.0, 9.0, 3.0  # mm: tick labels and y label; tick labels and x label; height of a colour bar


def extent(look, *, title, region, further=None, crs, ice_area=None, footprints=(), transects=None, coastline=None):
    """
    Draw where the study lies: a polar locator and a map with region, ice, granule footprints and transects.

    Parameters
    ----------
    region, further : shapely geometry in lon/lat; mapping of name to geometry
    crs : projection of the map
    ice_area : DataArray (y, x) in `crs`, m2, or None
    footprints : mapping of product to shapely geometries (lon/lat) of its granules
    transects : mapping of name to a (n, 2) array of lon, lat
    coastline : a file with land. Default: None, Natural Earth
    """
    project = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform
    dense = np.asarray(shapely.get_coordinates(shapely.segmentize(region, 0.25)))
    x, y = project(dense[:, 0], dense[:, 1])
    pad = 0.06 * max(np.ptp(x), np.ptp(y))
    box = (x.min() - pad, x.max() + pad, y.min() - pad, y.max() + pad)

    disc = 0.0 if look.narrow else 52.0  # a part of a composed figure has no room for the locator
    wide, tall = maps.fit(box, width=look.page_mm - disc - LEFT - 12, height=48 if look.narrow else 105)
    legend_rows = 1 + (len(footprints) + len(further or {}) + (ice_area is not None)) // (2 if look.narrow else 3)
    height = TITLE_MM + 6 + max(tall, disc) + BELOW + 3 + 4 * legend_rows
    fig = style.new_figure(look, height_mm=height)
    left = disc + 8 + LEFT + (look.page_mm - disc - LEFT - 12 - wide) / 2
    if disc:
        pole = style.add_axes(fig, 3, TITLE_MM + 6 + (max(tall, disc) - disc) / 2, disc, disc)
        reach = 35 if abs(region.centroid.y) > 62 else 65
        globe.hemisphere(pole, south=region.centroid.y < 0, highlight=region, reach=reach)
        style.panel_letter(pole, 0, look)

    ax = style.add_axes(fig, left, TITLE_MM + 6, wide, tall)
    ax.set(xlim=box[:2], ylim=box[2:], aspect="equal")
    ax.set_facecolor(globe.SEA)
    land, land_note = coast.land_on(crs, box, coastline)
    coast.draw_land(ax, land)
    handles = _extent_content(ax, crs, region, further or {}, ice_area, footprints, transects or {})
    draw_graticule(ax, crs)
    ax.set(xlim=box[:2], ylim=box[2:])
    maps.km_axes(ax)
    length = maps.scale_bar(ax, crs)
    style.panel_letter(ax, 1 if disc else 0, look)
    centre = min((left + wide / 2) / look.page_mm, 1 - 52 / look.page_mm) if disc else 0.5
    across = min(len(handles), 3 if disc else 2)
    fig.legend(handles=handles, loc="lower center", bbox_to_anchor=(centre, 0.0), ncols=across)
    write_title(fig, title, look)
    n = {product: len(shapes) for product, shapes in dict(footprints).items()}
    said = ", ".join(f"{product.upper()} {count}" for product, count in n.items()) or "none"
    place = "Region" if look.narrow else "Region of the study. (a) Position about the pole. (b) Region"
    caption = (
        f"{place}, ice and granules; projection {crs}, scale bar "
        f"in true kilometres. Land: {land_note}. Granules drawn: {said}."
    )
    numbers = {"bounds_lonlat_deg": [rounded(v) for v in region.bounds], "footprints": n, "scale_bar_km": length[0]}
    return Drawn(fig, title, caption, numbers, crs)


def _extent_content(ax, crs, region, further, ice_area, footprints, transects):
    """Draw the layers of the extent map from the lowest to the highest and return the legend handles."""
    handles: list[Artist] = []
    if ice_area is not None:
        ice = (ice_area > 0).where(ice_area > 0)
        ice.attrs = ice_area.attrs
        maps.cells(ax, ice.astype(float), cmap=ListedColormap(["#cfdde9"]), norm=Normalize(0, 1))
        maps.outline(ax, ice_area, colour="#6c8299")
        handles.append(Patch(facecolor="#cfdde9", edgecolor="#6c8299", label="ice (product's ice_area)"))
    for (product, shapes), shade in zip(dict(footprints).items(), colour.CATEGORIES[2:], strict=False):
        many = len(shapes) > 40  # hundreds of outlines would hide the map: thin and translucent, where many lie is dark
        look = {"linewidth": 0.5 if many else 0.6, "alpha": max(0.3, 15 / len(shapes)) if many else None}
        for shape in shapes:
            globe.lonlat_polygon(ax, shape, crs, facecolor="none", edgecolor=shade, **look)
        handles.append(Line2D([], [], color=shade, lw=0.8, label=f"{product.upper()} granules"))
    for name, geometry in further.items():
        globe.lonlat_polygon(
            ax, geometry, crs, facecolor="none", edgecolor=colour.CATEGORIES[0], linewidth=0.9, zorder=4
        )
        handles.append(Line2D([], [], color=colour.CATEGORIES[0], lw=0.9, label=name.replace("_", " ")))
    globe.lonlat_polygon(ax, region, crs, facecolor="none", edgecolor="#d55e00", linewidth=1.1, zorder=5)
    handles.append(Line2D([], [], color="#d55e00", lw=1.1, label="region"))
    project = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform
    for lonlat in transects.values():
        maps.section_line(ax, *project(*np.asarray(lonlat, dtype=float).T))
    return handles


def height_change(
    look, *, title, changes, crs, ice_area, focus=None, transects=None, region=None, label="height change (m)"
):
    """
    Draw maps of height change side by side, each with its own symmetric scale and its epochs in the title.

    Parameters
    ----------
    changes : list of one or two Datasets (y, x) as `elevation.change_between` returns them: dh, dh_sigma (m), where it
        is known interpolated (bool); attributes since, until
    ice_area : DataArray (y, x), m2, for the outline
    focus : mapping with xlim and ylim (m) whose rectangle is drawn, or None
    transects : mapping of name to (x, y) arrays, m in `crs`
    region : shapely geometry (lon/lat) for the locator, None for no locator
    """
    box = maps.extent_of(changes[0]["dh"])
    room = (look.page_mm - len(changes) * (LEFT + 2) - 3) / len(changes)
    wide, tall = maps.fit(box, width=room, height=48 if look.narrow else 125)
    fig = style.new_figure(look, height_mm=TITLE_MM + 6 + tall + BELOW + BAR + (18 if look.narrow else 15))
    numbers = {}
    for index, change in enumerate(changes):
        left = LEFT + index * (room + LEFT + 2) + (room - wide) / 2
        dh = change["dh"]
        ax = style.add_axes(fig, left, TITLE_MM + 6, wide, tall)
        hatched = _doubtful(change)
        image = height_change_map(ax, dh, hatched=hatched, ice_area=ice_area)
        maps.km_axes(ax)
        corner = maps.emptiest_corner(dh)
        length = maps.scale_bar(ax, crs, corner=_beside(corner))
        if region is not None and index == 0 and maps.corner_share(dh, corner) < 0.05:
            globe.locator(ax, region, corner=corner)
        if focus is not None:
            maps.focus_box(ax, focus["xlim"], focus["ylim"])
        for x, y in (transects or {}).values():
            maps.section_line(ax, x, y)
        ax.set_title(epoch_range(change.attrs["since"], change.attrs["until"]))
        style.panel_letter(ax, index, look)
        colour_bar(fig, image, look, (left, TITLE_MM + 6 + tall + BELOW, wide, BAR), label=label, values=dh)
        numbers["abcdef"[index]] = _panel_numbers(change, image, hatched, length)
    if numbers["a"]["hatched_cells"] or numbers.get("b", {}).get("hatched_cells"):
        handles = [maps.missing_patch(), maps.hatch_patch("interpolated, or smaller than two standard errors")]
    else:
        handles = [maps.missing_patch()]
    across = 1 if look.narrow else 2
    fig.legend(handles=handles, loc="lower center", ncols=across, bbox_to_anchor=(0.5, 0.0), handlelength=2.2)
    write_title(fig, title, look)
    spans = "; ".join(
        f"({'abcdef'[i]}) {epoch_range(c.attrs['since'], c.attrs['until'])}" for i, c in enumerate(changes)
    )
    caption = (
        f"Height change, {spans}. Red is lowering, blue thickening, grey no data; the black line is the edge of the "
        f"product's ice area. Cells are hatched where the value is interpolated or below two standard errors. Colour "
        f"limits are the larger of |p2| and |p98|, rounded. Projection {crs}; scale bar in true kilometres."
    )
    return Drawn(fig, title, caption, numbers, crs)


def surface(look, *, title, surface, region):
    """
    Draw a map of a surface's height, with the region's outline.

    Parameters
    ----------
    surface : Dataset (y, x) with h (m above WGS84), ice_area (m2); attribute `crs`
    region : shapely geometry (lon/lat)
    """
    crs = surface.attrs["crs"]
    h = surface["h"].assign_attrs(crs=crs)
    h = h.where(surface["ice_area"] > 0) if "ice_area" in surface else h
    finite = h.values[np.isfinite(h.values)]
    if not finite.size:
        raise NothingToDraw(
            "figures: surface: the region holds no height; widen it or leave surface out of figures.names"
        )
    step = max(1, -(-max(h.shape) // _MOST))
    h = h[::step, ::step].assign_attrs(h.attrs) if min(h.shape) > 2 * step else h
    box = maps.extent_of(h)
    wide, tall = maps.fit(box, width=look.page_mm - LEFT - 6, height=125)
    fig = style.new_figure(look, height_mm=TITLE_MM + 6 + tall + BELOW + BAR + 12)
    left = LEFT + (look.page_mm - LEFT - 6 - wide) / 2
    ax = style.add_axes(fig, left, TITLE_MM + 6, wide, tall)
    low, high = np.percentile(finite, [0.5, 99.5])
    norm = Normalize(low, max(high, low + 1.0))
    image = maps.cells(ax, h, cmap=colour.sequential_map(), norm=norm)
    globe.lonlat_polygon(ax, region, crs, facecolor="none", edgecolor="#d55e00", linewidth=0.9, zorder=5)
    ax.set(xlim=box[:2], ylim=box[2:])
    draw_graticule(ax, crs, labels=False)
    maps.km_axes(ax)
    maps.scale_bar(ax, crs)
    bar = (left, TITLE_MM + 6 + tall + BELOW, wide, BAR)
    colour_bar(fig, image, look, bar, label="height (m above WGS84)", values=finite)
    write_title(fig, title, look)
    caption = f"Surface height of ATL14 at epoch 2020.0 and the region (red). Grey: no data. Projection {crs}."
    return Drawn(fig, title, caption, {"h_m": style.statistics(finite), "cells": int(finite.size)}, crs)


def _doubtful(change):
    """Find the cells whose change is interpolated or not larger than two standard errors."""
    weak = abs(change["dh"]) < 2 * change["dh_sigma"]
    doubtful = weak | change["interpolated"] if "interpolated" in change else weak
    return doubtful.assign_attrs(change["dh"].attrs, crs=change.attrs["crs"])


def _beside(corner):
    """
    Return the corner at the same height on the other side.

    It is the lower one where the locator is in an upper corner, so that the bar stays clear of it.
    """
    vertical, horizontal = corner.split()
    return f"lower {'right' if horizontal == 'left' else 'left'}" if vertical == "lower" else f"lower {horizontal}"


def _panel_numbers(change, image, hatched, length):
    return {
        "dh_m": style.statistics(change["dh"]),
        "limit_m": rounded(image.norm.vmax),
        "first": change.attrs["since"][:10],
        "last": change.attrs["until"][:10],
        "hatched_cells": int((hatched & np.isfinite(change["dh"])).sum()),
        "extent_m": [rounded(v, 12) for v in image.get_extent()],
        "scale_bar_km": length[0],
        "scale_bar_drawn_m": rounded(length[1], 9),
    }
