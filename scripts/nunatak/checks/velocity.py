"""What must be true of a study's velocities."""

from __future__ import annotations

import numpy as np

from nunatak.checks.check import at_least, at_most, not_applicable

FASTEST = 20000.0  # m/yr; no glacier is faster, a composite that is has kept outliers
PLAUSIBLE_SHARE = 0.99


def composite_checks(annual, pairs):
    """
    Checks of annual.nc.

    Parameters
    ----------
    annual : Dataset of `velocity.composite`
    pairs : table of every pair with its fate
    """
    used = int((pairs["fate"] == "used").sum())
    found = [
        at_most(
            "velocity_pairs",
            used - int(annual.attrs["n_pairs"]),
            0,
            "",
            f"{used} pairs are said to be used, {annual.attrs['n_pairs']} are in the composite",
        )
    ]
    without = pairs[(pairs["fate"] != "used") & (pairs["why"].fillna("") == "")]
    text = "pairs left out without a reason"
    found.append(at_most("velocity_fates", len(without), 0, "", text))
    v, difference = annual["v"].values, annual["v"].values - np.hypot(annual["vx"].values, annual["vy"].values)
    seen = np.isfinite(v)
    if not seen.any():
        return [*found, not_applicable("velocity_components", "no cell has an annual velocity")]
    text = "largest difference between the speed and that of its components: speeds are never averaged"
    found.append(at_most("velocity_components", np.abs(difference[seen]).max(), 0.01, "m/yr", text))
    text = f"share of annual speeds below {FASTEST:g} m/yr"
    found.append(at_least("velocity_range", (v[seen] <= FASTEST).mean(), PLAUSIBLE_SHARE, "", text))
    inside = annual["roi"].values.astype(bool) if "roi" in annual else np.ones(v.shape[1:], bool)
    outside = int((seen & ~inside).sum())
    return [*found, at_most("velocity_region", outside, 0, "", "annual velocities in cells outside the region")]
