"""
Write how QGIS shows a raster: a `.qml` of the same name beside it, which QGIS applies when it opens the raster.

Colours are those of the figures: red is lowering, blue is rising, amounts and speeds go from dark to light.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from nunatak.runtime import written

Scale = Literal["change", "amount", "speed"]
# ColorBrewer's RdBu with a white middle, and Crameri's batlow, at equal steps
CHANGE = [
    "#67001f",
    "#b2182b",
    "#d6604d",
    "#f4a582",
    "#fddbc7",
    "#ffffff",
    "#d1e5f0",
    "#92c5de",
    "#4393c3",
    "#2166ac",
    "#053061",
]
ORDERED = ["#011959", "#114360", "#226061", "#4d734d", "#828231", "#c09036", "#f29d6d", "#fdb4b6", "#faccfa"]
_PAGE = """<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.28" styleCategories="AllStyleCategories">
  <pipe>
    <rasterrenderer type="singlebandpseudocolor" band="1" opacity="1"
      classificationMin="{low:g}" classificationMax="{high:g}">
      <rastershader>
        <colorrampshader colorRampType="INTERPOLATED" clip="0" minimumValue="{low:g}" maximumValue="{high:g}">
{items}
        </colorrampshader>
      </rastershader>
    </rasterrenderer>
  </pipe>
</qgis>
"""


def stops(values: Any, scale: Scale) -> list[tuple[float, str]]:
    """
    Return the values and colours between which QGIS interpolates.

    Parameters
    ----------
    values : array of what is shown; NaN is no data
    scale : change (symmetric about zero), amount (linear) or speed (logarithmic, at least 1 m/yr)

    Returns
    -------
    list of (value, colour), ascending, from the 2nd to the 98th percentile; a raster without a value gets 0 to 1
    """
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    low, high = np.percentile(finite, [2, 98]) if finite.size else (0.0, 1.0)
    colours = CHANGE if scale == "change" else ORDERED
    if scale == "change":
        high = max(abs(low), abs(high)) or 1.0
        low = -high
    elif scale == "speed":
        low = max(low, 1.0)
        high = max(high, 2 * low)
    elif not high > low:
        high = low + max(abs(low), 1.0)
    space = np.geomspace if scale == "speed" else np.linspace
    # of so many digits that neighbours stay apart in the file
    return [
        (float(f"{value:.6g}"), colour) for value, colour in zip(space(low, high, len(colours)), colours, strict=True)
    ]


def write_style(values: Any, raster: str | Path, scale: Scale) -> None:
    """
    Write the style of a raster beside it, as <name>.qml.

    Parameters
    ----------
    values : array of its first band
    raster : path of the GeoTIFF
    scale : as of `stops`
    """
    steps = stops(values, scale)
    form = '          <item value="{0:.6g}" label="{0:.3g}" color="{1}" alpha="255"/>'
    items = "\n".join(form.format(*step) for step in steps)
    with written(Path(raster).with_suffix(".qml")) as part:
        Path(part).write_text(_PAGE.format(low=steps[0][0], high=steps[-1][0], items=items), "utf-8")
