"""What must be true of a study's velocities, and of their annual means against the truth where pairs are simulated."""

from __future__ import annotations

import numpy as np

from nunatak.checks.check import at_least, at_most, not_applicable

FASTEST = 20000.0  # m/yr; no glacier is faster, a composite that is has kept outliers
PLAUSIBLE_SHARE = 0.99
TRUTH_SHARE = 0.92
_SIGMAS = 2.0
_CELLS = 4000  # of the region that are held against the truth, evenly over it
_STEPS = 13  # times of a year the truth is averaged over


def composite_checks(annual, pairs):
    """
    Checks of annual.nc.

    Parameters
    ----------
    annual : Dataset of `velocity.composite`
    pairs : table of every pair with its fate
    """
    used = int((pairs["fate"] == "used").sum())
    found = [at_most(
        "velocity_pairs", used - int(annual.attrs["n_pairs"]), 0, "",
        f"{used} pairs are said to be used, {annual.attrs['n_pairs']} are in the composite",
    )]  # fmt: skip
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


def against_truth(annual, world):
    """
    Annual means against those of the truth: how many lie within two of their standard errors.

    Parameters
    ----------
    annual : Dataset of `velocity.composite`
    world : mapping of name and size of the simulated world
    """
    from nunatak.simulation import world as known

    name = "velocity_against_truth"
    if annual.attrs["method"] != "lsq":
        return not_applicable(name, "a mean of pairs follows their dates; only least squares gives means of years")
    truth = known(**world).truth
    rows, columns = np.nonzero(np.isfinite(annual["v"].values).any(axis=0))
    if not rows.size:
        return not_applicable(name, "no cell has an annual velocity")
    some = np.unique(np.linspace(0, rows.size - 1, min(_CELLS, rows.size)).astype(int))
    rows, columns = rows[some], columns[some]
    x, y = annual["x"].values[columns], annual["y"].values[rows]
    within = total = 0
    for k, (first, last) in enumerate(zip(annual["year_start"].values, annual["year_end"].values, strict=True)):
        v, error = (annual[key][k].values[rows, columns] for key in ("v", "v_error"))
        good = np.isfinite(v) & np.isfinite(error)
        if good.any():
            middle = first + (np.arange(_STEPS) + 0.5) / _STEPS * (last - first)
            mean = np.mean([truth.velocity(x[good], y[good], t) for t in middle], axis=0)
            within += int((np.abs(v[good] - np.hypot(*mean)) <= _SIGMAS * error[good]).sum())
            total += int(good.sum())
    if not total:
        return not_applicable(name, "no annual velocity has an error")
    text = f"share of {total:,} annual speeds within {_SIGMAS:g} standard errors of the truth's mean of the year"
    return at_least(name, within / total, TRUTH_SHARE, "", text)
