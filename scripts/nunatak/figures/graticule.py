"""Meridians and parallels over a map, with labels."""

from __future__ import annotations

import numpy as np
import pyproj

from nunatak.figures.maps import HALO, small_pt


def draw_graticule(ax, crs, *, labels=True):
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
                fontsize=small_pt(ax) - 1,
                colors="#555555",
                inline_spacing=2,
                manual=[place for place in at if place is not None],
            ):
                text.set_path_effects(HALO)
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)


def _label_place(ax, vertices):
    """
    Return where a line of the graticule is labelled: near the upper or right frame, clear of it and of the scale bar.
    """
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
