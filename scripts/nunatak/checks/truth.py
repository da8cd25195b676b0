"""Results from simulated granules against the truth they were made from."""

from __future__ import annotations

from nunatak.checks.check import at_most, not_applicable

TRUTH_LIMIT = 1.0  # percent of the true volume change
# The granules carry noise; a volume that is right lies within so many of its standard errors (99.7 % of the time).
_SIGMAS = 3.0


def volume_against_truth(region, volume_km3, sigma_km3, truth_km3, span=""):
    """
    Check that the volume change of a region is within `TRUTH_LIMIT` of the true one, or within its own error if larger.

    Parameters
    ----------
    region : name
    volume_km3, truth_km3 : change over the same epochs on the same ground
    sigma_km3 : standard error of the volume, correlated over a range
    span : the epochs, in words
    """
    name = f"volume_against_truth/{region}"
    if truth_km3 == 0:
        return not_applicable(name, "the true volume does not change")
    limit = max(TRUTH_LIMIT, 100 * _SIGMAS * sigma_km3 / abs(truth_km3))
    why = f"{TRUTH_LIMIT:g} %" if limit == TRUTH_LIMIT else f"{_SIGMAS:g} standard errors"
    text = (
        f"volume change {volume_km3:.4g} km³ against {truth_km3:.4g} km³ of the truth{', ' + span if span else ''}; "
        f"the limit is {why}"
    )
    return at_most(name, 100 * (volume_km3 / truth_km3 - 1), limit, "%", text)


def glacier(name, size, place=None):
    """Return the truth of a simulated world of land ice; parameters as of `simulation.world`."""
    from nunatak.simulation import world

    return world(name, size, place).truth
