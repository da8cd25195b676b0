"""Figures of mass budgets: the terms of each box as steps from what comes in to what is left over."""

from __future__ import annotations

import numpy as np

from nunatak.figures import colour, style
from nunatak.figures.gate_layouts import year_axis
from nunatak.figures.layouts import TITLE_MM, Drawn, NothingToDraw, rounded, write_title

_ROW, _TALL = 60.0, 42.0  # mm: of a box, and of its panels
_LEFT, _BETWEEN, _SHARE = 27.0, 17.0, 0.6  # mm: names of the terms; room between panels; share of the terms' panel
_LOSS, _GAIN, _SUM, _REST = colour.LOWERING, colour.THICKENING, "#666666", "#e69f00"
# the terms of the balance: column, sign, words
_STEPS = (
    ("discharge_in", 1, "discharge in"),
    ("smb", 1, "surface balance"),
    ("basal", -1, "basal melt"),
    ("sides", -1, "through the sides"),
    ("discharge_out", -1, "discharge out"),
)


def budget(look, *, title, table):
    """
    Draw the terms of every box over all shared years, and the residual of each year.

    Parameters
    ----------
    table : DataFrame of budget.csv: box, year (0 for all years), since, until, and each term with `_sigma`, Gt/yr
    """
    boxes = list(dict.fromkeys(table["box"]))
    if not boxes:
        raise NothingToDraw("figures: budget: no year of velocity lies within the height change; widen the period")
    shown = boxes[: int((look.height_mm - TITLE_MM - 6) / _ROW)]
    fig = style.new_figure(look, height_mm=TITLE_MM + 6 + _ROW * len(shown))
    room = look.page_mm - _LEFT - _BETWEEN - 5
    numbers = {}
    for number, name in enumerate(shown):
        rows, top = table[table["box"] == name], TITLE_MM + 6 + number * _ROW
        whole, years = _whole(rows), rows[rows["year"] > 0].sort_values("year")
        terms = style.add_axes(fig, _LEFT, top, room * _SHARE, _TALL)
        rest = style.add_axes(fig, _LEFT + room * _SHARE + _BETWEEN, top, room * (1 - _SHARE), _TALL)
        _steps(terms, whole, look)
        terms.set_title(f"{name.replace('_', ' ')}, {whole['since']:.1f} to {whole['until']:.1f}")
        _residuals(rest, years, look)
        rest.set_title("residual of each year")
        style.panel_letter(terms, 2 * number, look)
        style.panel_letter(rest, 2 * number + 1, look)
        numbers[name] = {key: rounded(value) for key, value in whole.items() if _is_number(value)}
    write_title(fig, title, look)
    firn = " The dashed outline is the air in the firn, as mass of ice, that was taken out of the observed change."
    firn = firn if np.isfinite(table.get("firn", np.nan)).any() else ""
    more = f" The first {len(shown)} of {len(boxes)} boxes." if len(boxes) > len(shown) else ""
    caption = (
        "Mass budget of each box. Left: what comes in (blue) and leaves (red), each bar from where the one above it "
        "ends; the change that follows from them, the change that was observed, and the residual, which is the "
        "observed less the expected change. Right: the residual of each year. Bars with ends are one standard error. "
        f"The expected change counts unknown basal melt as none.{firn}{more}"
    )
    return Drawn(fig, title, caption, numbers)


def _whole(rows):
    """Return the row of all shared years, or that of the first year where there is none."""
    joined = rows[rows["year"] == 0]
    return (joined if len(joined) else rows).iloc[0]


def _is_number(value):
    return isinstance(value, int | float | np.integer | np.floating) and np.isfinite(value)


def _steps(ax, row, look):
    """Draw the terms of one budget from top to bottom, and what they add up to."""
    at, expected, names = 0.0, True, []
    for place, (column, sign, words) in enumerate(_STEPS):
        value = sign * row.get(column, np.nan)
        if np.isfinite(value):
            _bar(ax, place, at, value, row[f"{column}_sigma"], _GAIN if value > 0 else _LOSS)
            at += value
        else:
            expected &= column == "basal"
            _not_known(ax, place, at, look)
        ax.plot([at, at], [place - 0.35, place + 1.35], color="#888888", lw=0.5, zorder=0.5)
        names.append(words)
    for words, value, sigma, shade in (
        ("change expected", at if expected else np.nan, None, _SUM),
        ("change observed", row["storage"], row["storage_sigma"], _SUM),
        ("residual", row["residual"], row["residual_sigma"], _REST),
    ):
        if np.isfinite(value):
            _bar(ax, len(names), 0.0, value, sigma, shade)
        else:
            _not_known(ax, len(names), 0.0, look)
        if words == "change observed" and np.isfinite(value + row.get("firn", np.nan)):
            # the air that was taken out, beyond the bar or over its end
            ax.barh(len(names), row["firn"], 0.7, left=value, fill=False, edgecolor="#111111", lw=0.6, ls=(0, (2, 1)))
        names.append(words)
    ax.axvline(0, color="#222222", lw=0.5)
    ax.axhline(len(_STEPS) - 0.5, color="#bbbbbb", lw=0.4, ls=(0, (3, 2)))
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.margins(x=0.08)
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0)
    ax.locator_params(axis="x", nbins=6)
    ax.set_xlabel("mass per year (Gt/yr)")
    ax.spines[["top", "right", "left"]].set_visible(False)


def _bar(ax, place, start, value, sigma, shade):
    ax.barh(place, value, 0.7, left=start, color=shade, lw=0)
    if sigma is not None and np.isfinite(sigma):
        ax.errorbar(start + value, place, xerr=sigma, fmt="none", ecolor="#111111", elinewidth=0.7, capsize=1.8)


def _not_known(ax, place, at, look):
    """Write `not known` in the place of a bar, on the side of the zero line."""
    ax.annotate(
        "not known",
        (at, place),
        (-3 if at > 0 else 3, 0),
        textcoords="offset points",
        ha="right" if at > 0 else "left",
        va="center",
        fontsize=look.small_pt,
        color="#555555",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
    )


def _residuals(ax, years, look):
    """Draw the residual of every year with its error, or say that none is known."""
    known = years[np.isfinite(years["residual"])]
    ax.spines[["top", "right"]].set_visible(False)
    if not len(known):
        ax.text(0.5, 0.5, "not known", transform=ax.transAxes, ha="center", fontsize=look.small_pt, color="#555555")
        ax.set(xticks=[], yticks=[])
        return
    ax.axhline(0, color="#222222", lw=0.5)
    ax.errorbar(
        known["year"],
        known["residual"],
        yerr=known["residual_sigma"],
        fmt="o",
        color=_REST,
        ecolor="#111111",
        ms=3.2,
        elinewidth=0.7,
        capsize=1.8,
    )
    year_axis(ax, years["year"])
    ax.set_ylabel("Gt/yr")
