"""Figures of photons: how heights are fitted to them, and the fitted heights beside ATL06's."""

from __future__ import annotations

import numpy as np

from nunatak import photons
from nunatak.figures import colour, style
from nunatak.figures.layouts import TITLE_MM, Drawn, rounded, write_title
from nunatak.photons.comparison import in_words

_GREY, _BLUE, _RED = "#9a9a9a", colour.CATEGORIES[0], "#b3321d"
_ROOM = 3.0  # m above and below the windows in the close view
_MOST_POINTS = 20000  # drawn in a scatter; more of them hide each other
_FEWEST, _SHARE = 30, 0.01  # segments of a class of slope that is drawn, and their share of all
_LIMIT = 98  # percentile of |difference| that the axis of the differences reaches


def photons_fit(look, *, title, cloud, segments, length=40.0, step=20.0):
    """
    Draw a stretch of one beam: its photons, those selected, the window of the fit, the fitted segments.

    Parameters
    ----------
    cloud : table of `photons.stretch_photons`
    segments : table of heights of the same stretch, standard names
    length, step : m, of an extent and from extent to extent
    """
    fig = style.new_figure(look, height_mm=TITLE_MM + 112)
    x0 = float(segments["x_atc"].min()) - length / 2
    width = look.page_mm - 13 - 4
    whole = style.add_axes(fig, 13, TITLE_MM + 6, width, 34)
    close = style.add_axes(fig, 13, TITLE_MM + 6 + 34 + 9, width, 46)
    half = segments["w_surface_window_final"].to_numpy() / 2
    h = segments["h_mean"].to_numpy()
    for index, ax in enumerate((whole, close)):
        draw_photons(ax, cloud, x0, size=1.6 if index == 0 else 3.5)
        draw_windows(ax, segments, x0, step)
        ax.set_xlim(0, float(segments["x_atc"].max()) + length / 2 - x0)
        ax.set_ylabel("height (m)")
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        style.panel_letter(ax, index, look)
    draw_fits(close, segments, x0, length)
    close.set_ylim(float((h - half).min()) - _ROOM, float((h + half).max()) + _ROOM)
    whole.tick_params(axis="x", labelbottom=False)
    close.set_xlabel("distance along the track (m)")
    handles, labels = close.get_legend_handles_labels()
    fig.legend(handles, labels, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=len(labels), markerscale=3)
    write_title(fig, title, look)
    n, chosen = len(cloud), int(cloud["selected"].sum())
    w, sigma = (float(segments[name].median()) for name in ("w_surface_window_final", "h_sigma"))
    caption = (
        f"{n} photons of one beam, {segments['beam'].iloc[0]}: (a) all that were telemetered, (b) those near the "
        f"surface. {chosen} pass the selection; the iterated fit keeps those within the final window (shaded, median "
        f"height {w:.1f} m) of its line. Each line is an extent of {length:g} m, one every {step:g} m; median standard "
        f"error of its height {100 * sigma:.1f} cm."
    )
    numbers = {
        "photons": n,
        "selected": chosen,
        "segments": len(segments),
        "window_m": style.statistics(2 * half),
        "h_mean_m": style.statistics(h),
        "h_sigma_m": style.statistics(segments["h_sigma"]),
        "n_fit_photons": style.statistics(segments["n_fit_photons"]),
    }
    return Drawn(fig, title, caption, numbers)


def draw_photons(ax, cloud, x0=0.0, *, size=2.0):
    """Draw photons against the distance along the track (m), those selected above the others."""
    x, h = cloud["x_atc"].to_numpy() - x0, cloud["height"].to_numpy()
    chosen = cloud["selected"].to_numpy(dtype=bool)
    common = {"ls": "", "marker": ".", "ms": np.sqrt(size) * 1.6, "mew": 0, "rasterized": True}
    ax.plot(x[~chosen], h[~chosen], color=_GREY, label="not selected", **common)
    ax.plot(x[chosen], h[chosen], color=_BLUE, label="selected", **common)


def draw_windows(ax, segments, x0=0.0, step=20.0):
    """Draw the final window of each segment, over the step that is its own."""
    for n, row in enumerate(segments.itertuples()):
        x = np.array([-step / 2, step / 2])
        line, half = row.h_mean + row.dh_fit_dx * x, row.w_surface_window_final / 2
        ax.fill_between(
            row.x_atc - x0 + x,
            line - half,
            line + half,
            color=_BLUE,
            alpha=0.13,
            lw=0,
            label="final window" if n == 0 else None,
        )


def draw_fits(ax, segments, x0=0.0, length=40.0):
    """Draw the fitted line of each segment over its whole extent, its centre marked."""
    for n, row in enumerate(segments.itertuples()):
        x = np.array([-length / 2, length / 2])
        ax.plot(
            row.x_atc - x0 + x,
            row.h_mean + row.dh_fit_dx * x,
            color=_RED,
            lw=0.9,
            label="fitted segments" if n == 0 else None,
        )
    ax.plot(segments["x_atc"] - x0, segments["h_mean"], ls="", marker="o", ms=1.8, color=_RED)


def atl06sr_vs_atl06(look, *, title, table):
    """
    Draw fitted heights less ATL06's at the same segments: against the slope, and how they are spread.

    Parameters
    ----------
    table : of `photons.against_atl06`
    """
    found = photons.differences_by_slope(table["slope"], table["difference"])
    fig = style.new_figure(look, height_mm=TITLE_MM + 74)
    width = (look.page_mm - 2 * 15 - 4) / 2
    limit = max(float(np.percentile(table["difference"].abs(), _LIMIT)), 0.02) * 1.5
    classes = found.iloc[1:][found.iloc[1:]["n"] >= max(_FEWEST, _SHARE * len(table))]
    ax = style.add_axes(fig, 15, TITLE_MM + 6, width, 56)
    _against_slope(ax, table, classes, limit)
    style.panel_letter(ax, 0, look)
    side = style.add_axes(fig, 15 + width + 15, TITLE_MM + 6, width, 56)
    _distribution(side, table, classes, limit)
    side.legend(loc="upper right", title="slope (segments)", title_fontsize=look.small_pt)
    style.panel_letter(side, 1, look)
    for panel in (ax, side):
        for edge in ("top", "right"):
            panel.spines[edge].set_visible(False)
    write_title(fig, title, look)
    first = found.iloc[0]
    beyond = float((table["difference"].abs() > limit).mean())
    caption = (
        f"Heights fitted from photons less ATL06's, {int(first['n'])} segments of the same track, cycle, beam and id; "
        f"ATL06's are moved along the fitted slope to the same place. (a) Against the slope; (b) their distribution. "
        f"Median {first['median']:.3f} m, NMAD {first['nmad']:.3f} m; {100 * beyond:.1f} % lie beyond the axis."
    ).replace("-0.", "−0.")
    numbers = {
        "difference_m": style.statistics(table["difference"]),
        "limit_m": rounded(limit),
        "by_slope": _numbers(found),
    }
    return Drawn(fig, title, caption, numbers)


def _against_slope(ax, table, classes, limit):
    """Draw differences against the slope, with median and NMAD of each class of slopes."""
    every = max(len(table) // _MOST_POINTS, 1)
    ax.plot(
        table["slope"].iloc[::every],
        table["difference"].iloc[::every],
        ls="",
        marker=".",
        ms=1.5,
        mew=0,
        color=_GREY,
        rasterized=True,
    )
    reach = max(float(np.percentile(table["slope"], 99.8)), 0.1)
    middle = (classes["slope_from"] + classes["slope_to"].clip(upper=reach)) / 2
    ax.errorbar(
        middle,
        classes["median"],
        yerr=classes["nmad"],
        ls="",
        marker="o",
        ms=3,
        color=_RED,
        capsize=2,
        elinewidth=0.9,
        label="median and NMAD of a class",
    )
    ax.axhline(0, color="#222222", lw=0.5, zorder=0.5)
    ax.set(ylim=(-limit, limit), xlim=(0, reach), xlabel="slope of the surface (°)", ylabel="ATL06-SR less ATL06 (m)")
    ax.legend(loc="upper right")


def _distribution(ax, table, classes, limit):
    """Draw how the differences of each class of slopes are spread."""
    edges = np.linspace(-limit, limit, 61)
    for (_, row), shade in zip(classes.iterrows(), colour.CATEGORIES, strict=False):
        inside = (table["slope"] >= row["slope_from"]) & (table["slope"] < row["slope_to"])
        ax.hist(
            table["difference"][inside],
            edges,
            density=True,
            histtype="step",
            color=shade,
            lw=1.0,
            label=f"{in_words(row['slope_from'], row['slope_to'])} ({int(row['n'])})",
        )
    ax.axvline(0, color="#222222", lw=0.5, zorder=0.5)
    ax.set(xlabel="ATL06-SR less ATL06 (m)", ylabel="density (1/m)", xlim=(-limit, limit))


def _numbers(found):
    """Summarise statistics by class of slope for a sidecar."""
    named = {in_words(row.slope_from, row.slope_to): row for row in found.itertuples()}
    return {
        name: {"n": int(row.n), "median_m": rounded(row.median), "nmad_m": rounded(row.nmad)}
        for name, row in named.items()
    }


# column of a sweep: label of its axis, factor
_MEASURES = {
    "good": ("good segments", 1.0),
    "nmad": ("spread, NMAD (cm)", 100.0),
    "false": ("beyond 1 m (%)", 100.0),
}


def parameter_sweep(look, *, title, found, against):
    """
    Draw small multiples of a sweep.

    There is a row for each `len`, a column for each measure, `ats` along, and a line for each `cnf`.

    Parameters
    ----------
    found : DataFrame with len, cnf, ats, good, nmad (m), false (share)
    against : what the heights were held against, in words
    """
    lengths = sorted(found["len"].unique())
    width, height, gap = (look.page_mm - 13 - 2 * 14 - 4) / 3, 27, 11
    fig = style.new_figure(look, height_mm=TITLE_MM + 6 + len(lengths) * (height + gap) + 10)
    index = 0
    for row, length in enumerate(lengths):
        for column, (name, (label, factor)) in enumerate(_MEASURES.items()):
            ax = style.add_axes(fig, 13 + column * (width + 14), TITLE_MM + 6 + row * (height + gap), width, height)
            part = found[found["len"] == length]
            for (level, line), shade in zip(part.groupby("cnf"), colour.CATEGORIES, strict=False):
                ax.plot(
                    line["ats"], factor * line[name], marker="o", ms=2.5, color=shade, label=f"cnf {level} and above"
                )
            ax.set_ylim(0, 1.08 * max(float(np.nanmax(factor * found[name], initial=0.0)), 1.0))
            ax.set_xlim(0, 1.08 * found["ats"].max())
            ax.set(ylabel=label, title=f"len {length:g} m" if column == 0 else "")
            ax.set_xticks(sorted(found["ats"].unique()))
            if row == len(lengths) - 1:
                ax.set_xlabel("ats (m)")
            for side in ("top", "right"):
                ax.spines[side].set_visible(False)
            style.panel_letter(ax, index, look)
            index += 1
    handles, labels = ax.get_legend_handles_labels()
    fig.legend(handles, labels, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=len(labels))
    write_title(fig, title, look)
    caption = (
        f"Heights of one beam fitted with other lengths of the extent (rows), least spreads along the track (ats) and "
        f"signal confidences (cnf), all else as in the study: good segments (pflags 0), and of these the NMAD and the "
        f"share more than 1 m off, against {against} with the median of the pass taken off."
    )
    return Drawn(fig, title, caption, {"fits": len(found)})
