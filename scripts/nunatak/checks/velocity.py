"""What must be true of a study's velocities."""

from __future__ import annotations

import numpy as np

from nunatak.checks.check import at_most, not_applicable
from nunatak.checks.years import by_year


def composite_checks(annual, pairs):
    """
    Check annual.nc.

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
    worst = [np.abs(v - np.hypot(vx, vy))[np.isfinite(v)] for v, vx, vy in by_year(annual, "v", "vx", "vy")]
    worst = [values.max() for values in worst if values.size]
    if not worst:
        return [*found, not_applicable("velocity_components", "no cell has an annual velocity")]
    text = "largest difference between the speed and that of its components: speeds are never averaged"
    return [*found, at_most("velocity_components", max(worst), 0.01, "m/yr", text)]
