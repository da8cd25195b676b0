"""The robust dispersion of residuals: written out for few, and the kernel against its definition for any number."""

from __future__ import annotations

import numpy as np
import pytest

from nunatak.photons.percentiles import dispersion, dispersion_reference


def of_kernel(r, z0, z1, n_background):
    """The kernel's answer for residuals in no order."""
    shuffled = np.random.default_rng(1).permutation(r)
    return dispersion(shuffled, r.size, z0, z1, float(n_background), np.empty(r.size + 1), np.empty(r.size + 1))


@pytest.mark.parametrize(
    ("n", "low", "high"),
    [(10, 1, 8), (6, 0, 5), (14, 2, 11), (8, 1, 6), (9, 1, 7)],  # ranks whose counts reach 1/4 and 3/4 of n
)
def test_ranks_of_the_quartiles_without_background(n, low, high):
    """
    The first rank i has i + 1.5 >= n / 4, the last one i - 0.5 <= 3 n / 4.

    Both are met exactly where n is 6, 10 or 14.
    """
    r = np.arange(n) ** 2.0
    expected = (r[high] - r[low]) / 1.349
    assert of_kernel(r, 0.0, r[-1], 0) == pytest.approx(expected)
    assert dispersion_reference(r, 0.0, r[-1], 0) == (pytest.approx(expected), False)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.6])
def test_kernel_equals_its_definition(share):
    """From two residuals to many, with ties, with and without background in a window of 10 m."""
    rng = np.random.default_rng(2)
    for n in (*range(2, 40), 100, 500):
        r = np.sort(np.round(rng.normal(0, 1, n).clip(-5, 5), 2))
        expected, outside = dispersion_reference(r, -5.0, 5.0, share * n)
        assert of_kernel(r, -5.0, 5.0, share * n) == pytest.approx(-1.0 if outside else expected), n
