"""What must be true of gridded sea ice, and of its means against the truth where granules are simulated."""

from __future__ import annotations

import numpy as np
from scipy.special import fdtri

from nunatak.checks.check import at_least, at_most, not_applicable, within
from nunatak.checks.elevation import monotonic_time, one_crs
from nunatak.times import decimal_year

# Freeboard outside is no sea ice: the lower end leaves room for noise over leads, the upper for ridged ice.
PLAUSIBLE = (-0.2, 3.0)
PLAUSIBLE_SHARE = 0.99
# Cells that are compared with the truth: enough passes for their scatter to be an error, enough segments for a mean.
TRUTH_PASSES, TRUTH_SEGMENTS = 3, 50
# Squared errors over squared standard errors; 1 but for the scatter of the few passes and the truth at cell centres.
TRUTH_RATIO = 2.0
_SIGMAS = 3.0


def grid_checks(bins, *, product="atl10"):
    """
    Check the groups of grid.nc.

    Parameters
    ----------
    bins : mapping of time bin to Dataset (time, y, x), as `results.read_freeboard` returns it
    product : atl10 or atl07; the plausible range is that of freeboard
    """
    checks = [one_crs({f"grid.nc/{name}": dataset.attrs["crs"] for name, dataset in bins.items()})]
    for name, dataset in bins.items():
        checks.append(monotonic_time(name, dataset["time"].values))
        checks.append(counts_kept(name, dataset))
    name, longest = list(bins.items())[-1]
    return checks + ([plausible(name, longest)] if product == "atl10" else [])


def counts_kept(name, dataset):
    """
    Check that every segment read is in a cell, outside the grid or without a valid value: none is lost or doubled.
    """
    name = f"freeboard_counts/{name}"
    if "count" not in dataset:
        return not_applicable(name, "the study keeps no count")
    read, outside, invalid = (int(dataset.attrs[f"segments_{key}"]) for key in ("read", "outside", "invalid"))
    cells = int(dataset["count"].sum())
    text = f"{read} segments read less {cells} in cells, {outside} outside and {invalid} without a valid value"
    return at_most(name, read - cells - outside - invalid, 0, "", text)


def plausible(name, dataset):
    """Check that means are freeboards of sea ice."""
    name = f"freeboard_range/{name}"
    if "mean" not in dataset or not np.isfinite(dataset["mean"].values).any():
        return not_applicable(name, "there are no means")
    mean = dataset["mean"].values
    mean = mean[np.isfinite(mean)]
    share = ((mean >= PLAUSIBLE[0]) & (mean <= PLAUSIBLE[1])).mean()
    text = f"share of cells whose mean lies between {PLAUSIBLE[0]:g} and {PLAUSIBLE[1]:g} m"
    return at_least(name, share, PLAUSIBLE_SHARE, "", text)


def against_truth(name, dataset, world):
    """
    Check the cells' means against the truth at their centres, in the middle of each time bin.

    Parameters
    ----------
    name, dataset : a time bin of grid.nc
    world : mapping of what `simulation.world` takes
    """
    offset, spread = f"freeboard_against_truth/{name}/mean", f"freeboard_against_truth/{name}/cells"
    if not {"mean", "count", "n_pass", "stderr"} <= set(dataset):
        reason = "it needs count, n_pass, mean and stderr among the statistics"
        return [not_applicable(offset, reason), not_applicable(spread, reason)]
    ice, difference = _less_truth(dataset, world)
    known = np.isfinite(difference) & (dataset["count"].values >= TRUTH_SEGMENTS)
    if not known.any():
        reason = f"no cell holds {TRUTH_SEGMENTS} segments"
        return [not_applicable(offset, reason), not_applicable(spread, reason)]
    passes = int(dataset.attrs["granules"])
    limit = _SIGMAS * ice.reference_sigma / np.sqrt(passes)
    text = (
        f"mean over {known.sum()} cells of freeboard less the truth; the limit is {_SIGMAS:g} errors of one pass's "
        f"sea surface over the root of {passes} passes"
    )
    found = [at_most(offset, difference[known].mean(), limit, "m", text)]
    several = known & (dataset["n_pass"].values >= TRUTH_PASSES)
    if several.sum() < 10:
        return [*found, not_applicable(spread, f"fewer than ten cells were seen by {TRUTH_PASSES} passes")]
    ratio = (difference[several] ** 2).mean() / (dataset["stderr"].values[several] ** 2).mean()
    text = (
        f"mean squared error over mean squared standard error of {several.sum()} cells of {TRUTH_PASSES} or more passes"
    )
    most = ratio_limit(passes)
    return [*found, within(spread, ratio, 1 / most, most, "", text)]


def ratio_limit(passes):
    """
    Return the largest ratio of squared errors to squared standard errors that so many passes explain.

    Cells along a pass share the error of its sea surface, so that passes count and not cells: of two sums of that many
    independent squares, the ratio that is exceeded once in 740 times (three standard deviations), at least TRUTH_RATIO.

    >>> round(ratio_limit(20), 1), ratio_limit(200)
    (4.1, 2.0)
    """
    return max(TRUTH_RATIO, float(fdtri(passes, passes, 1 - 1 / 740)))


def _less_truth(dataset, name_and_size):
    """Return the truth object, and the means less the truth (time, y, x) at the middle of what a bin could see."""
    from nunatak.simulation import world

    known = world(**name_and_size, sea_ice=True)
    ice = known.truth
    x, y = np.meshgrid(dataset["x"].values, dataset["y"].values)
    edges = np.clip(decimal_year(dataset["time_bnds"].values), *known.period)
    truth = np.stack([ice.freeboard(x, y, t) for t in edges.mean(axis=1)])
    return ice, dataset["mean"].values - truth
