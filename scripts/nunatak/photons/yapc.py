"""
Compute photon weights from the density of neighbours in a window (YAPC, "yet another photon classifier").

Scores are computed from all photons, before any selection. Version 3 is SlideRule's (`Atl03Reader::yapcV3`). Versions 1
and 2 are one algorithm there, with two errors that `compat` keeps (see `_by_segment`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.parameters.sliderule import FitParameters, YapcParameters
from nunatak.parameters.values import ParameterError

if TYPE_CHECKING:
    from nunatak.products.atl03 import BeamPhotons

_MARGIN = 1.0  # m beyond the window still searched, as photons are only roughly sorted
_MAX_KNN = 25
_MAX_HEIGHT_SPREAD = 15000.0  # m, larger spreads are not scored


def yapc(photons: BeamPhotons, parameters: FitParameters | Mapping[str, Any] | None = None) -> np.ndarray:
    """
    Return the weight of each photon.

    Parameters
    ----------
    photons : BeamPhotons with h_ph and dist_ph_along (versions 1 to 3) or weight_ph (version 0). A `yapc_score` that is
        already there is returned
    parameters : FitParameters or a mapping with the reference's names (yapc: version, knn, min_knn, win_h, win_x).
        Default: the defaults of FitParameters

    Returns
    -------
    (n,) scores, 0 (isolated) to 255 (dense), uint8. Version 0 returns weight_ph as in the file (release 007: uint16)

    Raises
    ------
    ParameterError : version 0 and a granule without weight_ph
    """
    p = FitParameters.of(parameters)
    settings = p.yapc or YapcParameters()
    columns = photons.photons
    if "yapc_score" in columns:
        return columns["yapc_score"]
    if settings.version == 0:
        if "weight_ph" not in columns:
            raise ParameterError(
                f"yapc.version: 0 takes weight_ph, which {photons.track.granule.name} lacks (as before 006); use 3"
            )
        return columns["weight_ph"]
    segments, segment = photons.track.segments, photons.segment_index()
    h, along = columns["h_ph"], columns["dist_ph_along"]
    if not len(photons):
        return np.zeros(0, "u1")
    begin = np.searchsorted(segment, np.arange(segment[0], segment[-1] + 2)).astype("i8")
    if settings.version == 3:
        x = segments["segment_dist_x"][segment] + along
        return _by_distance(x, h, begin, settings.min_knn, settings.win_x / 2, settings.win_h / 2)
    offset = np.zeros(len(begin) - 1) if p.compat else segments["segment_dist_x"][segment[0] : segment[-1] + 1]
    return _by_segment(offset, along, h, begin, p.count, settings.knn, settings.win_x / 2, settings.win_h / 2, p.compat)


def halo(settings: YapcParameters | None) -> int:
    """
    Return the number of segments before and after a block on which its scores depend.

    Parameters
    ----------
    settings : YapcParameters, or None without scores
    """
    if settings is None or settings.version == 0:
        return 0
    return 1 if settings.version < 3 else math.ceil((settings.win_x / 2 + _MARGIN) / 10.0) + 1


def by_distance_reference(
    x: np.ndarray, h: np.ndarray, begin: np.ndarray, min_knn: int, half_x: float, half_h: float
) -> np.ndarray:
    """
    Compute the scores of version 3 from every pair of photons, as the reference implementation of `_by_distance`.

    Parameters
    ----------
    x : (n,) m along the track, in ascending order
    h : (n,) m
    begin : (n_segment + 1,) first photon of each segment, and n
    min_knn : smallest number of neighbours
    half_x, half_h : m, half of the window's length and height

    Returns
    -------
    (n,) uint8
    """
    score = np.zeros(len(x), "u1")
    for b, e in pairwise(begin):
        weight, most = np.zeros(e - b), min_knn
        for i in range(b, e):
            near = np.abs(np.float32(h[i]) - h)[(np.abs(x - x[i]) <= half_x) & (np.arange(len(x)) != i)]
            near = np.sort(near[near <= half_h].astype("f8"))
            knn = int(max(math.sqrt(len(near)), min_knn))
            most = max(most, knn)
            weight[i - b] = (half_h - near[:knn]).sum()
        score[b:e] = np.minimum(weight / (half_h * most) * 255, 255).astype("u1")
    return score


@kernel
def _by_distance(x, h, begin, min_knn, half_x, half_h):
    """Compute the scores of version 3, as `by_distance_reference`."""
    n = x.shape[0]
    score = np.zeros(n, dtype=np.uint8)
    weight = np.zeros(n)
    near = np.empty(256)
    for s in range(begin.shape[0] - 1):
        most = min_knn
        for i in range(begin[s], begin[s + 1]):
            m = 0
            for direction in (-1, 1):
                j = i + direction
                while 0 <= j < n:
                    d = (x[j] - x[i]) * direction
                    a = abs(h[i] - h[j])
                    if d <= half_x and a <= half_h:
                        if m == near.shape[0]:
                            larger = np.empty(2 * m)
                            larger[:m] = near
                            near = larger
                        near[m] = a
                        m += 1
                    if d >= half_x + 1.0:
                        break
                    j += direction
            knn = int(max(math.sqrt(m), min_knn))
            most = max(most, knn)
            near[:m].sort()
            total = 0.0
            for k in range(min(knn, m)):
                total += half_h - near[k]
            weight[i] = total
        for i in range(begin[s], begin[s + 1]):
            score[i] = np.uint8(min(weight[i] / (half_h * most) * 255, 255.0))
    return score


@kernel
def _by_segment(offset, along, h, begin, count, given_knn, half_x, given_half_h, compat):
    """
    Compute the scores of versions 1 and 2 from the knn nearest in height among the photons of three segments.

    With compat, two errors of the reference are repeated: distances inside segments are compared between neighbouring
    segments as if they had one origin (offset 0), and the automatic window takes its heights from the first photons of
    the slice instead of the segment's own.
    """
    score = np.zeros(h.shape[0], dtype=np.uint8)
    nearest = np.empty(_MAX_KNN)
    n_segments = begin.shape[0] - 1
    for s in range(n_segments):
        b, e = begin[s], begin[s + 1]
        n = e - b
        knn = given_knn if given_knn > 0 else int(max(1.0, (math.sqrt(n) + 0.5) / 2))
        knn = min(knn, _MAX_KNN)
        if n <= knn or n < count:
            continue
        half_h = _half_window(h, along, 0 if compat else b, n, knn, given_half_h)
        if half_h <= 0:
            continue
        low, high = begin[max(s - 1, 0)], begin[min(s + 2, n_segments)]
        for i in range(b, e):
            m = 0
            t = max(s - 1, 0)
            for j in range(low, high):
                while j >= begin[t + 1]:
                    t += 1
                if j == i or abs((offset[t] - offset[s]) + (along[j] - along[i])) > half_x:
                    continue
                proximity = half_h - abs(h[j] - h[i])
                if m < knn:
                    nearest[m] = proximity
                    m += 1
                else:
                    least = np.argmin(nearest[:knn])
                    if proximity > nearest[least]:
                        nearest[least] = proximity
            total = 0.0
            for k in range(m):
                total += max(nearest[k], 0.0)
            score[i] = np.uint8(total / knn / half_h * 255)
    return score


@kernel
def _half_window(h, along, first, n, knn, given):
    """Return half the height of the window, or 0 if the photons do not allow a score."""
    low, high, near, far = h[first], h[first], along[first], along[first]
    for i in range(first, first + n):
        low, high = min(low, h[i]), max(high, h[i])
        near, far = min(near, along[i]), max(far, along[i])
    spread = high - low
    if not (spread > 0.0 and spread <= _MAX_HEIGHT_SPREAD and far > near):
        return 0.0
    if given > 0:
        return given
    filled = np.zeros(int(spread) + 1, dtype=np.bool_)
    for i in range(first, first + n):
        filled[int(h[i] - low)] = True
    return filled.sum() / n * knn / 2
