"""Results from simulated granules against the truth they were made from."""

from __future__ import annotations

from nunatak.checks.check import at_most, not_applicable

TRUTH_LIMIT = 1.0  # percent of the true volume change


def volume_against_truth(region, volume_km3, truth_km3, span=""):
    """
    The volume change of a region is within 1 % of the one on the truth.

    Parameters
    ----------
    region : name
    volume_km3, truth_km3 : change over the same epochs
    span : the epochs, in words
    """
    name = f"volume_against_truth/{region}"
    if truth_km3 == 0:
        return not_applicable(name, "the true volume does not change")
    text = f"volume change {volume_km3:.4g} km3 against {truth_km3:.4g} km3 of the truth{', ' + span if span else ''}"
    return at_most(name, 100 * (volume_km3 / truth_km3 - 1), TRUTH_LIMIT, "%", text)


def glacier(name, size):
    """The truth of a simulated world of land ice."""
    from nunatak.simulation import world

    return world(name, size).truth
