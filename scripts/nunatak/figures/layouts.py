"""What all figure layouts share: the finished figure with its words and numbers, the title strip, bars, dates."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.ticker import FuncFormatter, NullFormatter

from nunatak.figures import style
from nunatak.figures.colour import extend
from nunatak.runtime import NunatakError
from nunatak.times import month

TITLE_MM = 7.0  # the strip on top that holds the title and, for simulated data, the mark


@dataclass(frozen=True)
class Drawn:
    """
    A figure and what is said about it.

    Attributes
    ----------
    figure : matplotlib Figure
    title, caption : of the figure; the caption names products, epochs and CRS
    numbers : what was drawn, for the sidecar
    crs : of the maps in it, None where there is none
    not_drawn : why there is nothing to see, empty for a figure that was drawn
    """

    figure: object
    title: str
    caption: str
    numbers: dict = field(default_factory=dict)
    crs: str | None = None
    not_drawn: str = ""


class NothingToDraw(NunatakError):
    """A figure's data hold nothing that it could show."""


def empty(look, *, title, reason):
    """
    Make the page of a figure that has nothing to show.

    Parameters
    ----------
    reason : why, one line
    """
    fig = style.new_figure(look, height_mm=TITLE_MM + 24)
    text = textwrap.fill(f"Not drawn: {reason}", width=int(look.page_mm * 0.6))
    fig.text(0.5, 0.45, text, ha="center", va="center", fontsize=look.font_pt, color="#555555")
    write_title(fig, title, look)
    return Drawn(fig, title, f"Not drawn: {reason}.", not_drawn=reason)


def write_title(fig, text, look):
    """Write the figure's title into the strip on top, left, leaving room for the mark of simulated data."""
    if style.PART.get() is not None:
        return None  # a composed figure has one title
    width, height = style.size_mm(fig)
    room = (width - 30) / 25.4 * 72 / (0.53 * look.font_pt)  # characters of a mean width of 0.53 em
    if len(text) > room:
        text = text[: max(int(room) - 1, 1)].rstrip() + "…"
    return fig.text(
        2 / width, 1 - 1.6 / height, text, ha="left", va="top", fontsize=look.font_pt, fontweight="bold", gid="title"
    )


def colour_bar(fig, mappable, look, box, *, label, values=None, orientation="horizontal"):
    """
    Draw a colour bar at a place in millimetres (left, top, width, height), with arrows where data lie beyond its ends.

    Parameters
    ----------
    values : the data drawn, to know whether arrows are due
    """
    ax = style.add_axes(fig, *box, gid="colour-bar")
    ends = "neither" if values is None else extend(values, mappable.norm)
    bar = fig.colorbar(mappable, cax=ax, orientation=orientation, extend=ends, extendfrac=0.035)
    bar.set_label(label, fontsize=look.font_pt)
    bar.outline.set_linewidth(0.5)
    bar.ax.tick_params(labelsize=look.small_pt)
    if isinstance(mappable.norm, LogNorm):
        bar.set_ticks(log_ticks(*mappable.get_clim(), room=max(box[2:])))
        bar.formatter, bar.minorformatter = FuncFormatter(lambda value, _: f"{value:g}"), NullFormatter()
    else:
        bar.ax.locator_params(nbins=5)
    return bar


def log_ticks(low, high, *, room):
    """
    Choose plain numbers for a logarithmic bar `room` millimetres long, at least 8 mm apart.

    1, 2 and 5 times the powers of ten where that gives four numbers or more, else as many as have room.

    >>> log_ticks(50.0, 5000.0, room=120), log_ticks(50.0, 5000.0, room=40), log_ticks(1000.0, 4000.0, room=40)
    ([50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0], [100.0, 1000.0], [1000.0, 2000.0, 3000.0, 4000.0])
    """
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    fewest = 4
    for steps in ((1, 2, 5), range(1, 10), (1, 2, 3, 5), (1, 2, 4), (1, 2, 5), (1,)):
        ticks = [float(s * p) for p in powers for s in steps if low <= s * p <= high]
        apart = room * np.diff(np.log10(ticks)) / np.log10(high / low)
        if len(ticks) >= fewest and apart.min() >= 8:
            return ticks
        fewest = 2
    return ticks


def epoch_range(first, last):
    """
    Format two epochs as words.

    >>> epoch_range(np.datetime64("2019-01-01"), np.datetime64("2019-04-02"))
    'Jan 2019 to Apr 2019'
    """
    return f"{month(first)} to {month(last)}"


def rounded(value, digits=6):
    """Round a number for a sidecar to so many significant digits, None for NaN."""
    value = float(value)
    return float(f"{value:.{digits}g}") if np.isfinite(value) else None
