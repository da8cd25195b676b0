"""Thinning of a glacier, split into what the surface and what the flow do, and what mass conservation leaves over."""

from __future__ import annotations

import numpy as np
import xarray as xr


def split_thinning(surface, divergence, *, smb=None, firn=None, basal=None):
    """
    Return the surface part and the dynamic part of the height change, and the residual of mass conservation.

    Parameters
    ----------
    surface : Dataset with `dhdt`, `dhdt_sigma` on (y, x), m/yr: change of the surface
    divergence : Dataset of `divergence.flux_divergence` on the same cells
    smb, firn, basal : Datasets with `rate` and `rate_sigma` on the same cells: surface mass balance (m/yr of ice),
        change of firn air content (m/yr), basal melt (m/yr of ice, positive where ice is lost). None: not known

    Returns
    -------
    Dataset on (y, x), m/yr: `thinning` (the change of the surface, negative where it lowers), `surface_part`,
        `dynamic_part`, `residual`, each with `_sigma`. Parts that nothing is known of are missing

    Notes
    -----
    dh/dt = smb - melt - div q + d(firn air)/dt. `surface_part` = smb + firn; `dynamic_part` = dh/dt - surface_part, of
    which -div q is an independent estimate; residual = dh/dt - firn - smb + melt + div q.
    Without firn or melt the residual holds them.
    """
    zero = {"rate": 0.0, "rate_sigma": 0.0}
    dhdt, dhdt_sigma = surface["dhdt"].values, surface["dhdt_sigma"].values
    firn, basal = firn if firn is not None else zero, basal if basal is not None else zero
    flow, flow_sigma = divergence["flux_divergence"].values, divergence["flux_divergence_sigma"].values
    missing = np.full(dhdt.shape, np.nan)
    if smb is None:
        part = part_sigma = missing
    else:
        part = np.asarray(smb["rate"]) + np.asarray(firn["rate"])
        part_sigma = np.hypot(smb["rate_sigma"], firn["rate_sigma"])
    residual = dhdt - part + np.asarray(basal["rate"]) + flow
    residual_sigma = np.sqrt(dhdt_sigma**2 + part_sigma**2 + np.asarray(basal["rate_sigma"]) ** 2 + flow_sigma**2)
    values = {
        "thinning": (dhdt, "change of the surface"),
        "thinning_sigma": (dhdt_sigma, "error of the change of the surface"),
        "surface_part": (part, "change by surface mass balance and firn"),
        "surface_part_sigma": (part_sigma, "error of the surface part"),
        "dynamic_part": (dhdt - part, "change by the flow: the change less the surface part"),
        "dynamic_part_sigma": (np.hypot(dhdt_sigma, part_sigma), "error of the dynamic part"),
        "residual": (residual, "what mass conservation leaves over"),
        "residual_sigma": (residual_sigma, "error of the residual"),
    }
    return xr.Dataset(
        {
            name: (("y", "x"), np.broadcast_to(value, dhdt.shape).copy(), {"units": "m/yr", "long_name": words})
            for name, (value, words) in values.items()
        },
        {"y": surface["y"], "x": surface["x"]},
        {"crs": divergence.attrs["crs"], "sign": divergence.attrs["sign"]},
    )
