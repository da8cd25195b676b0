"""Gaussian errors with a known correlation in space and time."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.fft import irfft2, next_fast_len, rfft2


def spherical(distance: np.ndarray, reach: float) -> Any:
    """
    Compute the spherical correlation 1 - 1.5 d/R + 0.5 (d/R)^3, zero beyond the range R = `reach`.

    Parameters
    ----------
    distance : array, m
    reach : float, the range R, m
    """
    d = np.minimum(np.asarray(distance, dtype=float) / reach, 1.0)
    return 1 - 1.5 * d + 0.5 * d**3


class CorrelatedField:
    """
    Gaussian fields of unit variance with spherical correlation on a regular grid, exact by circulant embedding.

    Parameters
    ----------
    shape : rows and columns
    spacing : between grid points, m
    reach : distance at which the correlation is zero, m
    """

    def __init__(self, shape, spacing, reach):
        # the grid is laid on a torus wide enough that no two of its points are neighbours through the seam
        self.shape = tuple(shape)
        pad = int(np.ceil(2 * reach / spacing))
        self._torus = tuple(next_fast_len(max(n + pad // 2 + 1, pad + 1)) for n in self.shape)
        rows, columns = (np.minimum(np.arange(n), n - np.arange(n)) * spacing for n in self._torus)
        correlation = spherical(np.hypot(rows[:, None], columns), reach)
        power = rfft2(correlation).real
        # compact support on a torus twice its size: what is below zero is rounding
        self._amplitude = np.sqrt(np.maximum(power, 0.0))

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """
        Draw one field, (rows, columns).

        Parameters
        ----------
        rng : numpy.random.Generator
        """
        white = rng.standard_normal(self._torus)
        field = irfft2(rfft2(white) * self._amplitude, s=self._torus)
        return field[: self.shape[0], : self.shape[1]]


def persistent_series(field: CorrelatedField, rng: np.random.Generator, n: int, persistence: float) -> np.ndarray:
    """
    Draw n successive fields, each correlated with the one before: corr(i, j) = persistence^|i - j|.

    Parameters
    ----------
    field : Field, what draws one field
    rng : numpy.random.Generator
    n : int, the number of fields
    persistence : float, correlation from one step to the next

    Returns
    -------
    (n, rows, columns) array of unit variance at every epoch
    """
    series = np.empty((n, *field.shape))
    series[0] = field.draw(rng)
    for i in range(1, n):
        series[i] = persistence * series[i - 1] + np.sqrt(1 - persistence**2) * field.draw(rng)
    return series


def difference_sigma(lag: int | np.ndarray, persistence: float) -> Any:
    """
    Compute the standard deviation of the difference of two epochs of such a series, `lag` steps apart.

    Parameters
    ----------
    lag : int, quarters
    persistence : float, correlation from one step to the next
    """
    return np.sqrt(2 * (1 - persistence ** np.abs(lag)))
