"""Maps of the flux divergence, and of height change split into what the surface and what the flow do."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import Normalize

from nunatak.figures import colour, style
from nunatak.figures.velocity_layouts import Panel, panels

_PALE = "smaller than two standard errors"


def flux_divergence(look, *, title, mapped, lines=()):
    """
    Draw the flux divergence and its error side by side.

    Parameters
    ----------
    mapped : Dataset of dynamics.nc
    lines : (x, y) of the gates, m
    """
    value, sigma = (_field(mapped, name) for name in ("flux_divergence", "flux_divergence_sigma"))
    doubtful = (abs(value) < 2 * sigma).assign_attrs(crs=value.attrs["crs"])
    # red is where more ice leaves than comes in: that thins it
    cmap = colour.change_map().reversed().with_extremes(bad=colour.MISSING)
    finite = sigma.values[np.isfinite(sigma.values)]
    high = colour.nice(np.percentile(finite, 98)) if finite.size and finite.max() > 0 else 1.0
    shown = [
        Panel(value, cmap, colour.change_norm(value), "flux divergence (m/yr of ice)", "divergence", doubtful),
        Panel(sigma, colour.sequential_map(), Normalize(0, high), "standard error (m/yr of ice)", "its error"),
    ]
    length = np.nanmedian(mapped["smoothing_length"].values)
    return panels(
        look,
        title=title,
        shown=shown,
        one_bar=False,
        lines=lines,
        lines_text="gate",
        doubtful_text=_PALE,
        caption=f"Divergence of the ice flux {_span(mapped)}, differentiated over windows with sides of {length:.0f} m "
        "(median): red where more ice leaves than comes in, so that the flow alone thins it; and its standard error.",
    )


def dynamic_thinning(look, *, title, mapped, lines=()):
    """
    Draw the change of the surface, its surface and dynamic part, and the residual, on one scale.

    Parameters
    ----------
    mapped : Dataset of dynamics.nc
    lines : (x, y) of the gates, m
    """
    firn = "firn_part" in mapped and np.isfinite(mapped["firn_part"].values).any()
    words = {"thinning": "height change"}
    words |= {"smb_part": "surface balance", "firn_part": "firn"} if firn else {"surface_part": "surface part"}
    words |= {"dynamic_part": "dynamic part", "residual": "residual"}
    known = {name: text for name, text in words.items() if np.isfinite(mapped[name].values).any()}
    fields = {name: _field(mapped, name) for name in known}
    norm = colour.change_norm(np.concatenate([field.values.ravel() for field in fields.values()]))
    shown = []
    for name, field in fields.items():
        doubtful = (abs(field) < 2 * mapped[f"{name}_sigma"]).assign_attrs(crs=field.attrs["crs"])
        shown.append(Panel(field, colour.change_map(), norm, "rate (m/yr of ice)", known[name], doubtful))
    parts = (
        f"the part that surface mass balance {'and the air in the firn explain' if firn else 'explains'}; the rest, "
        "which the flow does; and what mass conservation leaves over: 0 where every term is right."
        if "dynamic_part" in known
        else "without a surface mass balance nothing can be said of its parts."
    )
    return panels(
        look,
        title=title,
        shown=shown,
        columns=3 if len(shown) > 4 and style.PART.get() is None else len(shown),  # a part has room for one row
        graticule=len(shown) == 1,
        lines=lines,
        lines_text="gate",
        doubtful_text=_PALE,
        caption=f"Change of the surface {_span(mapped)}, red where it lowers; {parts}",
    )


def _field(mapped, name):
    return mapped[name].assign_attrs(crs=mapped.attrs["crs"])


def _span(mapped):
    """Return the time the maps are of, in words."""
    return f"from {float(mapped.attrs['since']):.1f} to {float(mapped.attrs['until']):.1f}"
