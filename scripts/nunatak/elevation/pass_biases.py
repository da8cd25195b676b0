"""Estimate the error that each pass shares, by adjusting the network of crossovers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from nunatak.compute.robust import huber_weights
from nunatak.elevation.crossovers import two_releases
from nunatak.parameters.tracks import PassAdjustment

_HUBER = 3.0  # standard errors of a difference beyond which it loses weight


def pass_biases(table: pd.DataFrame, *, options: PassAdjustment | None = None) -> pd.DataFrame:
    """
    Estimate the error that each pass shares from its crossovers with all others, by adjusting the network.

    Parameters
    ----------
    table : crossovers
    options : PassAdjustment. Only crossovers within `max_days` count, during which the surface is taken as constant.
        `prior` holds the mean of each connected part of the network, which crossovers do not determine, at zero. In
        `iterations` rounds differences beyond three standard errors lose weight (Huber). Default: those of a study

    Returns
    -------
    DataFrame by pass: rgt, cycle, bias (m, by which its heights are too high), bias_sigma (m), n_crossovers, part
        (number of the connected part). Biases of different parts have different zeros. If crossovers have the release
        of both passes, also n_other_release, the number of crossovers with a pass of another release
    """
    options = options or PassAdjustment()
    prior, iterations = options.prior, options.iterations
    near = table[(table["dt_days"] < options.max_days) & np.isfinite(table["dh"])]
    ends = pd.concat([near[[f"rgt_{k}", f"cycle_{k}"]].set_axis(["rgt", "cycle"], axis=1) for k in "12"])
    passes = ends.drop_duplicates().sort_values(["rgt", "cycle"]).reset_index(drop=True)
    number = pd.MultiIndex.from_frame(passes)
    one, two = (number.get_indexer(pd.MultiIndex.from_frame(near[[f"rgt_{k}", f"cycle_{k}"]])) for k in "12")
    sigma = np.hypot(near["h_sigma_1"].to_numpy(), near["h_sigma_2"].to_numpy())
    dh, n = near["dh"].to_numpy(), len(passes)
    part = connected_components(coo_array((np.ones(one.size), (one, two)), shape=(n, n)), directed=False)[1]
    bias, error = np.zeros(n), np.full(n, prior)
    for k in range(part.max(initial=-1) + 1):
        members = np.flatnonzero(part == k)
        of_part = np.flatnonzero(part[one] == k)
        place = np.searchsorted(members, np.column_stack([one[of_part], two[of_part]]))
        bias[members], error[members] = _adjust(place, dh[of_part], sigma[of_part], members.size, prior, iterations)
    count = np.bincount(one, minlength=n) + np.bincount(two, minlength=n)
    found = passes.assign(bias=bias, bias_sigma=error, n_crossovers=count, part=part)
    if "release_1" in near:
        mixed = two_releases(near)
        found["n_other_release"] = np.bincount(one[mixed], minlength=n) + np.bincount(two[mixed], minlength=n)
    found.attrs["units"] = {"bias": "m", "bias_sigma": "m"}
    return found


def _adjust(place, dh, sigma, n, prior, iterations):
    """Return the biases b of n passes from dh = b_2 - b_1 + error, and their standard errors."""
    weight = sigma**-2.0
    for _ in range(iterations):
        normal = np.diag(np.full(n, prior**-2.0))
        right = np.zeros(n)
        for side, sign in ((0, -1.0), (1, 1.0)):
            np.add.at(normal, (place[:, side], place[:, side]), weight)
            np.add.at(right, place[:, side], sign * weight * dh)
        np.add.at(normal, (place[:, 0], place[:, 1]), -weight)
        np.add.at(normal, (place[:, 1], place[:, 0]), -weight)
        covariance = np.linalg.inv(normal)
        bias = covariance @ right
        residual = (dh - bias[place[:, 1]] + bias[place[:, 0]]) / sigma
        weight = sigma**-2.0 * huber_weights(residual, _HUBER)
    return bias, np.sqrt(np.diag(covariance))
