"""Thinning of a glacier, split into what the surface and what the flow do, and what mass conservation leaves over."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nunatak.constants import BUOYANCY


def split_thinning(surface, divergence, *, smb=None, firn=None, basal=None, floating=None):
    """
    Return the surface part and the dynamic part of the height change, and the residual of mass conservation.

    Parameters
    ----------
    surface : Dataset with `dhdt`, `dhdt_sigma` on (y, x), m/yr: change of the surface
    divergence : Dataset of `divergence.flux_divergence` on the same cells
    smb, firn, basal : Datasets with `rate` and `rate_sigma` on the same cells: surface mass balance (m/yr of ice),
        change of firn air content (m/yr), basal melt (m/yr of ice, positive where ice is lost). None: not known
    floating : (ny, nx) bool, where the ice floats. Default: nowhere

    Returns
    -------
    Dataset on (y, x), m/yr: `thinning` (the change of the surface, negative where it lowers), `smb_part`, `firn_part`,
        `basal_part` (negative where ice melts), `surface_part`, `dynamic_part`, `residual`, each with `_sigma`. Parts
        that nothing is known of are missing, and so is the dynamic part of floating ice

    Notes
    -----
    dH/dt = smb - melt - div q, and of grounded ice dh/dt = dH/dt + d(firn air)/dt. `surface_part` = smb + firn;
    `dynamic_part` = dh/dt - surface_part, of which -div q is an independent estimate; residual = dH/dt - smb + melt +
    div q. Floating ice: dH/dt = 9.26 (dh/dt - firn), by buoyancy, and its surface lowers by a part of that alone.
    Without firn or melt the residual holds them.
    """
    shape = surface["dhdt"].shape
    known = {"smb": smb, "firn": firn, "basal": basal}
    rates, sigmas = (
        {name: np.zeros(shape) if given is None else np.asarray(given[key]) for name, given in known.items()}
        for key in ("rate", "rate_sigma")
    )
    if smb is None:
        rates["smb"] = sigmas["smb"] = np.full(shape, np.nan)
    floats = np.zeros(shape, dtype=bool) if floating is None else np.asarray(floating, bool)
    factor = np.where(floats, BUOYANCY, 1.0)
    dhdt, dhdt_sigma = surface["dhdt"].values, surface["dhdt_sigma"].values
    part, part_sigma = rates["smb"] + rates["firn"], np.hypot(sigmas["smb"], sigmas["firn"])
    residual = factor * (dhdt - rates["firn"]) - rates["smb"] + rates["basal"] + divergence["flux_divergence"].values
    by_height = factor * np.hypot(dhdt_sigma, sigmas["firn"])
    others = (sigmas["smb"], sigmas["basal"], divergence["flux_divergence_sigma"].values)
    residual_sigma = np.sqrt(by_height**2 + sum(sigma**2 for sigma in others))
    values = {
        "thinning": (dhdt, dhdt_sigma, "change of the surface"),
        **{
            f"{name}_part": _part(known[name], rates[name] * sign, sigmas[name], words)
            for name, sign, words in (
                ("smb", 1, "change by surface mass balance"),
                ("firn", 1, "change by the air in the firn"),
                ("basal", -1, "change by basal melt"),
            )
        },
        "surface_part": (part, part_sigma, "change by surface mass balance and firn"),
        "dynamic_part": (
            np.where(floats, np.nan, dhdt - part),
            np.where(floats, np.nan, np.hypot(dhdt_sigma, part_sigma)),
            "change by the flow: the change less the surface part",
        ),
        "residual": (residual, residual_sigma, "what mass conservation leaves over"),
    }
    fields = {}
    for name, (value, sigma, words) in values.items():
        fields[name] = (("y", "x"), value, {"units": "m/yr", "long_name": words})
        fields[f"{name}_sigma"] = (("y", "x"), sigma, {"units": "m/yr", "long_name": f"standard error: {words}"})
    about = {"crs": divergence.attrs["crs"], "sign": divergence.attrs["sign"]}
    return xr.Dataset(fields, {"y": surface["y"], "x": surface["x"]}, about)


def _part(known, rate, sigma, words):
    """Return a part with its error and words, missing where nothing is known of it."""
    if known is None:
        rate = sigma = np.full(rate.shape, np.nan)
    return rate, sigma, words
