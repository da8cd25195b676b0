"""Declare what journals ask of figures: sizes, fonts and resolutions, each with its source."""

from __future__ import annotations

from dataclasses import dataclass

from nunatak.runtime import NunatakError


@dataclass(frozen=True)
class Preset:
    """
    What a journal asks of a figure.

    Attributes
    ----------
    column_mm, page_mm : width of a figure over one column and over the page
    height_mm : largest height
    font_pt, small_pt : axis labels and titles; tick labels, legends, notes
    panel : how panel letters are written, "a" in the place of the letter
    panel_pt : size of panel letters, bold
    dpi : of rasters, at final size
    source : where the numbers are from
    checked : whether the widths were read in the journal's own words; else they are only commonly quoted
    """

    column_mm: float
    page_mm: float
    height_mm: float
    font_pt: float
    small_pt: float
    panel: str
    panel_pt: float
    dpi: int
    source: str
    checked: bool

    @property
    def narrow(self) -> bool:
        """Return whether there is room for one panel side by side, as in a part of a composed figure."""
        return self.page_mm < NARROW_MM

    def tall(self, usual: float) -> float:
        """Return the height of a panel in millimetres: what is usual, in a part of a composed figure at most 38."""
        return min(usual, 38.0) if self.narrow else usual


NARROW_MM = 110
PRESETS = {
    "copernicus": Preset(
        83,
        177,
        230,
        8,
        7,
        "(a)",
        8,
        450,
        "publications.copernicus.org, manuscript preparation: colour-vision check asked for; widths 8.3 / 17.7 cm "
        "commonly quoted",
        False,
    ),
    "agu": Preset(
        95,
        190,
        230,
        8,
        7,
        "(a)",
        8,
        450,
        "publications.agu.org/author-resource-center/graphics: 300-600 dpi at final size; widths 95 / 190 mm commonly "
        "quoted",
        False,
    ),
    "nature": Preset(
        89,
        183,
        170,
        7,
        6,
        "a",
        8,
        450,
        "research-figure-guide.nature.com: 89 / 183 mm, at most 170 mm high, text 5-7 pt, panel letters 8 pt bold, "
        "fonts embedded as TrueType",
        True,
    ),
    "elsevier": Preset(
        90,
        190,
        240,
        8,
        7,
        "(a)",
        8,
        500,
        "elsevier.com, artwork sizing: 90 / 190 mm and 7 pt text commonly quoted; combination artwork 500 dpi",
        False,
    ),
    "screen": Preset(110, 200, 260, 9, 8, "(a)", 9, 150, "this project: reports read on a screen", True),
}


def preset(name):
    """Return the preset of that name, or raise one line that lists the names there are."""
    if name not in PRESETS:
        raise NunatakError(f"figures: preset: {name!r} is unknown; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]
