"""Figures of gates: speed and thickness across them, and the discharge through them in time."""

from __future__ import annotations

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from nunatak.figures import colour, style
from nunatak.figures.layouts import TITLE_MM, Drawn, NothingToDraw, colour_bar, rounded, write_title

_SHOWN = 3  # gates side by side; the table has all
_BED = "#8c7b6b"
_LEFT, _BETWEEN, _BAR = 15.0, 13.0, 22.0  # mm: labels; room between gates; the bar of years


def gate_section(look, *, title, sections):
    """
    Draw the speed across each gate, every year in its colour, and the thickness below it.

    Parameters
    ----------
    sections : DataFrame of gate_sections.parquet: gate, year, distance (m), v_across (m/yr), thickness,
        thickness_sigma (m), observed, measured (bool)
    """
    sections = sections[np.isfinite(sections[["v_across", "thickness"]].astype(float)).all(axis=1)]
    names = list(dict.fromkeys(sections["gate"]))
    if not names:
        raise NothingToDraw("figures: gate_section: no year has a velocity on a gate; move the gates onto the ice")
    shown = names[:_SHOWN]
    norm, cmap = years_norm(sections["year"]), colour.time_map()
    width = (look.page_mm - _LEFT - _BAR - _BETWEEN * (len(shown) - 1)) / len(shown)
    fig = style.new_figure(look, height_mm=TITLE_MM + 6 + 44 + 5 + 34 + 14)
    numbers = {}
    for number, name in enumerate(shown):
        left = _LEFT + number * (width + _BETWEEN)
        rows = sections[sections["gate"] == name]
        over = style.add_axes(fig, left, TITLE_MM + 6, width, 44)
        below = style.add_axes(fig, left, TITLE_MM + 6 + 44 + 5, width, 34, sharex=over)
        _speeds(over, rows, cmap, norm)
        _thickness(below, rows)
        over.tick_params(labelbottom=False)
        over.set_title(name.replace("_", " "))
        style.panel_letter(over, number, look)
        if number == 0:
            over.set_ylabel("speed across the gate (m/yr)")
            below.set_ylabel("thickness (m)")
        below.set_xlabel("distance along the gate (km)")
        for ax in (over, below):
            ax.spines[["top", "right"]].set_visible(False)
        numbers[name] = {
            "speed": style.statistics(rows["v_across"]),
            "thickness": style.statistics(rows["thickness"]),
            "width_km": rounded(rows.drop_duplicates("distance")["width"].sum() / 1000),
            "years": int(rows["year"].nunique()),
        }
    years_bar(fig, look, (look.page_mm - _BAR + 4, TITLE_MM + 6, 3, 44), cmap, norm)
    write_title(fig, title, look)
    more = f" The first {_SHOWN} of {len(names)} gates." if len(names) > _SHOWN else ""
    caption = (
        "Above: speed across each gate, positive where ice leaves to the right of the line as it is drawn, every year "
        "in its colour; dotted where no velocity was observed and it is interpolated along the gate. Below: thickness "
        "of the ice in the last year with one standard error, hatched where it is carried on from the sides. Distance "
        f"in true kilometres.{more}"
    )
    return Drawn(fig, title, caption, numbers)


def _speeds(ax, rows, cmap, norm):
    """Draw the speed of every year, dotted where it was not observed."""
    for year, some in rows.groupby("year"):
        some = some.sort_values("distance")
        km, shade = some["distance"] / 1000, cmap(norm(year))
        seen = some["observed"].astype(bool) if "observed" in some else np.isfinite(some["v_across"])
        ax.plot(km, some["v_across"], color=shade, lw=0.5, ls=(0, (1, 1.5)))
        ax.plot(km, some["v_across"].where(seen), color=shade, lw=0.8)
    low = min(0.0, float(np.nanmin(rows["v_across"])) * 1.05)
    ax.set_ylim(low, max(float(np.nanmax(rows["v_across"])) * 1.08, low + 1))
    ax.axhline(0, color="#222222", lw=0.4, zorder=0.5)
    ax.locator_params(axis="y", nbins=5)


def _thickness(ax, rows):
    """Draw the thickness of the last year downwards, with its error."""
    some = rows[rows["year"] == rows["year"].max()].sort_values("distance")
    km = some["distance"].to_numpy() / 1000
    depth, sigma = some["thickness"].to_numpy(float), np.nan_to_num(some["thickness_sigma"].to_numpy(float))
    ax.fill_between(km, 0, depth, color="#dbe9f4", lw=0)
    ax.fill_between(km, depth - sigma, depth + sigma, color=_BED, alpha=0.35, lw=0)
    ax.plot(km, depth, color=_BED, lw=1.0)
    if "measured" in some and not some["measured"].all():
        guessed = ~some["measured"].to_numpy(bool)
        ax.fill_between(km, 0, depth, where=guessed, facecolor="none", edgecolor="#777777", hatch="//////", lw=0)
    ax.set_ylim(float(np.nanmax(depth + sigma)) * 1.08, 0)
    ax.set_xlim(km.min(), km.max())
    ax.locator_params(axis="both", nbins=5)


def years_norm(years):
    """Return the norm of a colour scale of years, at least one year long."""
    low, high = float(np.min(years)), float(np.max(years))
    return Normalize(low, max(high, low + 1))


def years_bar(fig, look, box, cmap, norm):
    """Draw the upright bar of the colours of years at a place in millimetres."""
    bar = colour_bar(fig, ScalarMappable(norm, cmap), look, box, label="year", orientation="vertical")
    bar.ax.yaxis.get_major_locator().set_params(integer=True)
    return bar


def gates_series(look, *, title, gates):
    """
    Draw the discharge of every gate through time, and its change since the gate's first year.

    Parameters
    ----------
    gates : DataFrame of dynamics/gates.csv: gate, year, discharge, discharge_sigma, sigma_velocity (Gt/yr),
        observed_share
    """
    gates = gates[np.isfinite(gates["discharge"].astype(float))]
    names = list(dict.fromkeys(gates["gate"]))
    if not names:
        raise NothingToDraw("figures: gates_series: no year has a velocity on a gate; move the gates onto the ice")
    shown = names[: len(colour.CATEGORIES)]
    width = (look.page_mm - 2 * 15 - 4) / 2
    fig = style.new_figure(look, height_mm=TITLE_MM + 6 + 52 + 22)
    whole, change = (style.add_axes(fig, 13 + k * (width + 15), TITLE_MM + 6, width, 52) for k in range(2))
    numbers = {}
    for number, (name, shade) in enumerate(zip(shown, colour.CATEGORIES, strict=False)):
        rows = gates[gates["gate"] == name].sort_values("year")
        year = rows["year"] + 0.06 * (number - (len(shown) - 1) / 2)  # bars of several gates lie side by side
        own = {"color": shade, "lw": 0.9, "ms": 3, "elinewidth": 0.6, "capsize": 1.2}
        whole.errorbar(
            year, rows["discharge"], yerr=rows["discharge_sigma"], fmt="o-", label=name.replace("_", " "), **own
        )
        poor = rows["observed_share"] < 0.5
        whole.plot(year[poor], rows["discharge"][poor], "o", color=shade, mfc="white", ms=3, zorder=5)
        since = rows["discharge"] - rows["discharge"].iloc[0]
        error = np.hypot(rows["sigma_velocity"], rows["sigma_velocity"].iloc[0]).where(year > year.iloc[0], 0)
        change.errorbar(year, since, yerr=error, fmt="o-", **own)
        numbers[name] = {
            "discharge": style.statistics(rows["discharge"]),
            "last": rounded(rows["discharge"].iloc[-1]),
            "last_sigma": rounded(rows["discharge_sigma"].iloc[-1]),
            "years": len(rows),
        }
    whole.set_ylim(min(0, whole.get_ylim()[0]), None)
    change.axhline(0, color="#222222", lw=0.4, zorder=0.5)
    for number, (ax, label) in enumerate(
        ((whole, "discharge (Gt/yr)"), (change, "change since the first year (Gt/yr)"))
    ):
        year_axis(ax, gates["year"])
        ax.set_ylabel(label)
        ax.spines[["top", "right"]].set_visible(False)
        style.panel_letter(ax, number, look)
    handles, labels = whole.get_legend_handles_labels()
    fig.legend(handles, labels, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=min(len(labels), 5))
    write_title(fig, title, look)
    more = f" The first {len(shown)} of {len(names)} gates." if len(names) > len(shown) else ""
    caption = (
        "(a) Ice discharge through each gate and year; bars are one standard error, of which all years share "
        "the part of the thickness. Open dots: less than half of the flux passes observed velocities. (b) Change since "
        f"the gate's first year; bars are the errors of both velocities alone.{more}"
    )
    return Drawn(fig, title, caption, numbers)


def year_axis(ax, years):
    """Label an axis of years with whole ones, half a year of room at each end."""
    ax.set_xlim(float(np.min(years)) - 0.5, float(np.max(years)) + 0.5)
    ax.locator_params(axis="x", integer=True, steps=[1, 2, 5, 10], nbins=7)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}")
    ax.set_xlabel("year")
