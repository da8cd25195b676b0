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
    if "n_mosaics" in annual.attrs:
        used, held = pairs.loc[(pairs["fate"] == "used") & (pairs["year"] > 0), "year"].nunique(), "n_mosaics"
    else:
        used, held = int((pairs["fate"] == "used").sum()), "n_pairs"
    what = "years of mosaics" if held == "n_mosaics" else "pairs"
    text = f"{used} {what} are said to be used, {annual.attrs[held]} are in the composite"
    found = [at_most("velocity_pairs", abs(used - int(annual.attrs[held])), 0, "", text)]
    without = pairs[(pairs["fate"] != "used") & (pairs["why"].fillna("") == "")]
    text = f"{what} left out without a reason"
    found.append(at_most("velocity_fates", len(without), 0, "", text))
    worst = [np.abs(v - np.hypot(vx, vy))[np.isfinite(v)] for v, vx, vy in by_year(annual, "v", "vx", "vy")]
    worst = [values.max() for values in worst if values.size]
    if not worst:
        return [*found, not_applicable("velocity_components", "no cell has an annual velocity")]
    text = "largest difference between the speed and that of its components: speeds are never averaged"
    return [*found, at_most("velocity_components", max(worst), 0.01, "m/yr", text)]
