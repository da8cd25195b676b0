"""
Create figures of a preset's width, and save them in the one way they are saved.

A figure is saved at exactly the preset's width,
with equal bytes for equal content, and with a JSON sidecar that holds what was drawn and from what.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

import nunatak
from nunatak.constants import SIMULATED
from nunatak.figures.presets import PRESETS, Preset, preset
from nunatak.runtime import NunatakError, write_json, written

MM_PER_INCH = 25.4
FORMATS = ("pdf", "png", "svg")
# Without a date, a producer or a random seed: equal figures are equal bytes.
_METADATA: dict[str, dict] = {
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
}


def rc_params(look: Preset):
    """Return the Matplotlib settings of a preset: embedded TrueType fonts, thin lines, no trace of the day."""
    return {
        "font.family": "sans-serif",
        "font.sans-serif": ["Arial", "Helvetica", "DejaVu Sans"],
        "font.size": look.font_pt,
        "axes.titlesize": look.font_pt,
        "axes.labelsize": look.font_pt,
        "xtick.labelsize": look.small_pt,
        "ytick.labelsize": look.small_pt,
        "legend.fontsize": look.small_pt,
        "legend.frameon": False,
        "legend.handlelength": 1.6,
        "figure.titlesize": look.font_pt,
        "axes.linewidth": 0.5,
        "axes.titlelocation": "left",
        "axes.titlepad": 4,
        "axes.labelpad": 2.5,
        "xtick.major.width": 0.5,
        "ytick.major.width": 0.5,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "lines.linewidth": 1.0,
        "patch.linewidth": 0.5,
        "hatch.linewidth": 0.35,
        "mathtext.fontset": "dejavusans",
        "pdf.fonttype": 42,
        "ps.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "nunatak",
        "path.simplify": True,
        "savefig.dpi": look.dpi,
        "figure.dpi": 100,
        "savefig.facecolor": "white",
        "figure.constrained_layout.use": False,
    }


@contextmanager
def use(look: Preset):
    """Draw and save inside this block: Matplotlib's defaults and the preset, whatever the user's own settings say."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(rc_params(look))
        yield look


def new_figure(look: Preset, *, height_mm, width="page"):
    """
    Create an empty figure of a preset's exact width.

    Parameters
    ----------
    height_mm : wanted height; cut to the preset's limit
    width : "page" or "column"
    """
    width_mm = {"page": look.page_mm, "column": look.column_mm}[width]
    height = min(height_mm, look.height_mm)
    part = PART.get()
    if part is not None and part.parent is not None:
        return part.place(height)
    return Figure(figsize=(width_mm / MM_PER_INCH, height / MM_PER_INCH))


@dataclass
class Part:
    """A place in a composed figure, which a layout fills as if it were a figure of its own."""

    parent: Figure | None = None
    """the composed figure, None while a part is only measured"""
    left: float = 0.0
    top: float = 0.0
    width: float = 0.0
    first: int = 0
    """number of the part's first panel letter"""
    letters: int = 0
    """panel letters that were written"""

    def place(self, height):
        """Return a part of the composed figure at this place, its height in millimetres."""
        if self.parent is None:
            raise ValueError("a part that is only measured has no place in a figure")
        w, h = size_mm(self.parent)
        made = self.parent.add_subfigure(self.parent.add_gridspec(1, 1)[0])
        made.bbox_relative.p0 = (self.left / w, 1 - (self.top + height) / h)
        made.bbox_relative.p1 = ((self.left + self.width) / w, 1 - self.top / h)
        return made


# the part that is filled now; None where a figure is drawn on its own
PART: ContextVar[Part | None] = ContextVar("part", default=None)


def add_axes(fig, left, top, width, height, **options):
    """Add axes at a place given in millimetres from the figure's left and upper edges."""
    w, h = size_mm(fig)
    return fig.add_axes((left / w, 1 - (top + height) / h, width / w, height / h), **options)


def size_mm(fig):
    """Return (width, height) of a figure in millimetres."""
    inches = fig.get_size_inches() if isinstance(fig, Figure) else fig.bbox.size / fig.dpi
    return tuple(float(v) for v in inches * MM_PER_INCH)


def panel_letter(ax, index, look: Preset):
    """Write a panel's letter above the upper left corner of an Axes, left of its title."""
    part = PART.get()
    if part is not None:
        part.letters = max(part.letters, index + 1)
        index += part.first
    letter = look.panel.replace("a", ascii_lowercase[index])
    title = ax.get_title(loc="left")
    ax.set_title("")
    note = ax.annotate(
        letter,
        (0, 1),
        (0, 4),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=look.panel_pt,
        fontweight="bold",
        va="bottom",
        ha="left",
    )
    if title:
        ax.annotate(
            title,
            (1, 0),
            (4, 0),
            xycoords=note,
            textcoords="offset points",
            fontsize=look.font_pt,
            va="bottom",
            ha="left",
        )
    return note


def mark_simulated(fig, look: Preset):
    """Say in the figure's upper right corner, outside every panel, that the numbers descend from simulated granules."""
    w, h = size_mm(fig)
    return fig.text(
        1 - 1.5 / w,
        1 - 1.2 / h,
        SIMULATED,
        ha="right",
        va="top",
        fontsize=look.small_pt,
        fontweight="bold",
        color="white",
        gid="simulated-mark",
        bbox={"boxstyle": "round,pad=0.25,rounding_size=0.2", "facecolor": "#b3321d", "edgecolor": "none"},
    )


def save(fig, outputs, sidecar, *, look: Preset | None = None):
    """
    Write a figure in every format asked for, and its sidecar.

    Parameters
    ----------
    fig : Figure
    outputs : paths, told apart by suffix: .pdf, .png, .svg, and .json for the sidecar
    sidecar : mapping with what was drawn and from what; see `sidecar_of`. Where its `nunatak_source` is SIMULATED, the
        figure is marked
    look : the preset whose resolution is used; Matplotlib's current settings when not given

    Raises
    ------
    NunatakError : a suffix that is none of these
    """
    paths = [Path(p) for p in outputs]
    for path in paths:
        if path.suffix[1:] not in (*FORMATS, "json"):
            raise NunatakError(f"{path}: {path.suffix or 'no suffix'} is no figure format; use {', '.join(FORMATS)}")
    if sidecar.get("nunatak_source") == SIMULATED:
        mark_simulated(fig, look or PRESETS["copernicus"])
    width, height = size_mm(fig)
    sidecar = {**sidecar, "width_mm": round(width, 3), "height_mm": round(height, 3)}
    with mpl.rc_context({"svg.hashsalt": "nunatak"}):
        for path in paths:
            if path.suffix == ".json":
                write_json(sidecar, path)
                continue
            with written(path) as part:
                # no tight bounding box: it would change the width
                kind = path.suffix[1:]
                fig.savefig(part, format=kind, dpi=look.dpi if look else "figure", metadata=_METADATA[kind])


def sidecar_of(name, drawn, *, study, source, inputs, products, preset_name):
    """
    Return what stands beside a figure: enough to say what it shows, from what, and to test it without looking.

    Parameters
    ----------
    name : of the figure
    drawn : `layouts.Drawn`: title, caption, CRS and the numbers drawn, with their unit in the key
    study, source : study name and `nunatak_source`
    inputs : mapping of file name to SHA-256
    products : mapping of product to version, and `doi` where the granules state one
    preset_name : key of `PRESETS`
    """
    look = preset(preset_name)
    return {
        "figure": name,
        "title": drawn.title,
        "caption": drawn.caption,
        "study": study,
        "nunatak_source": source,
        "nunatak_version": nunatak.__version__,
        "libraries": {"matplotlib": mpl.__version__, "numpy": np.__version__},
        "inputs": dict(inputs),
        "products": dict(products),
        "crs": drawn.crs,
        "numbers": drawn.numbers,
        "preset": {"name": preset_name, "source": look.source, "checked": look.checked, "dpi": look.dpi},
        **({"not_drawn": drawn.not_drawn} if drawn.not_drawn else {}),
    }


def statistics(values):
    """Compute count, extremes and percentiles of the finite values drawn. An empty drawing has a count of 0."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        return {"count": 0}
    p2, p50, p98 = np.percentile(finite, [2, 50, 98])
    numbers = {"min": finite.min(), "p2": p2, "median": p50, "p98": p98, "max": finite.max(), "mean": finite.mean()}
    # rounded: the last digits differ between processors and would make equal figures unequal
    return {"count": int(finite.size), **{k: float(f"{v:.6g}") for k, v in numbers.items()}}
