"""The figure of two sources of velocity held against each other."""

from __future__ import annotations

import numpy as np

from nunatak.figures import colour, maps, style, velocity
from nunatak.figures.graticule import draw_graticule
from nunatak.figures.layouts import TITLE_MM, Drawn, NothingToDraw, colour_bar, rounded, write_title

_DOTS = 6000  # cells drawn in the scatter, evenly over the map
_MAP_MM, _SIDE_MM = 74.0, 62.0


def source_agreement(look, *, title, compared, table):
    """
    Draw where two sources differ, and the speeds of one against the other's.

    Parameters
    ----------
    compared : Dataset of `velocity.agreement.difference`
    table : DataFrame of `velocity.agreement.agreement`
    """
    off = compared["difference"].assign_attrs(crs=compared.attrs["crs"])
    known = np.argwhere(np.isfinite(off.values))
    if not len(known):
        raise NothingToDraw("figures: source_agreement: no cell and year has a velocity of both sources")
    wide, tall = maps.fit(maps.extent_of(off), width=_MAP_MM, height=92)
    fig = style.new_figure(look, height_mm=TITLE_MM + 6 + max(tall, _SIDE_MM) + 34)
    left = 14 + (_MAP_MM - wide) / 2
    ax = style.add_axes(fig, left, TITLE_MM + 6, wide, tall)
    cmap = colour.change_map().reversed().with_extremes(bad=colour.MISSING)
    norm = colour.change_norm(off)
    image = velocity.map_of(ax, off, cmap=cmap, norm=norm)
    draw_graticule(ax, off.attrs["crs"])
    maps.km_axes(ax)
    maps.scale_bar(ax, off.attrs["crs"], corner=maps.emptiest_corner(off))
    bar = left, TITLE_MM + 6 + tall + 12, wide, 3.0
    colour_bar(fig, image, look, bar, label="study less mosaics (m/yr)", values=off.values)
    style.panel_letter(ax, 0, look)
    side = style.add_axes(fig, 14 + _MAP_MM + 24, TITLE_MM + 6, _SIDE_MM, _SIDE_MM)
    i, j = known[np.unique(np.linspace(0, len(known) - 1, min(_DOTS, len(known))).astype(int))].T
    one, other = compared["v_other"].values[i, j], compared["v"].values[i, j]
    ends = [0.0, 1.05 * float(max(one.max(), other.max()))]
    side.plot(ends, ends, color="#777777", lw=0.7, zorder=1)
    side.scatter(one, other, s=1.5, lw=0, alpha=0.4, color="#0072B2", rasterized=True, zorder=2)
    side.set(xlim=ends, ylim=ends, xlabel="speed of the mosaics (m/yr)", ylabel="speed of the study (m/yr)")
    side.locator_params(nbins=5)
    side.spines[["top", "right"]].set_visible(False)
    style.panel_letter(side, 1, look)
    fig.legend(handles=[maps.missing_patch("no data")], loc="lower left", bbox_to_anchor=(0.05, 0.0))
    write_title(fig, title, look)
    mean = table[table["year"] == 0].iloc[0]
    numbers = {name: rounded(float(mean[name])) for name in ("bias_v", "nmad_v", "within_v")}
    numbers |= {"cells": int(mean["cells"]), "values": style.statistics(off)}
    caption = (
        "Mean speed of the study less that of ITS_LIVE's annual mosaics, of the years that both have in a cell: (a) "
        "where they differ, red where the study's is larger, (b) one against the other. Median difference "
        f"{mean['bias_v']:.1f} m/yr, NMAD {mean['nmad_v']:.1f} m/yr, {100 * mean['within_v']:.0f} % of cells within "
        f"two standard errors of both. Projection {off.attrs['crs']}; scale bar in true kilometres."
    )
    return Drawn(fig, title, caption, numbers, off.attrs["crs"])
