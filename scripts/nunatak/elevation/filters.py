"""Select ATL06 segments by presets of tests, count what each test removed, and test agreement with the neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from nunatak.compute.kernels import kernel
from nunatak.products.atl06_filters import NEEDS, TESTS, tests_of
from nunatak.products.spots import is_strong
from nunatak.runtime import NunatakError

SPACING = 20.0  # m between the centres of successive segments
TOLERANCE = 2.0  # m, of the along-track consistency (SmithB/ATL11, ATL06_filters.py)
# The limits of SmithB/ATL11:ATL11/ATL06_filters.py, used where the product's own flag is too strict.
_SPREAD, _SIGMA, _SNR = 1.0, 1.0, 0.02  # m, m, probability that noise alone causes the signal
_DENSITY_STRONG, _DENSITY_WEAK = 4.0, 1.0  # photons per metre of the surface window


def keep(segments: pd.DataFrame, preset: str | Sequence[str] = "standard") -> np.ndarray:
    """
    Return which segments pass a preset.

    Parameters
    ----------
    segments : DataFrame as `products.atl06.read_segments` returns it, with the variables of the preset
    preset : none (any height), standard (the product's flag is 0, which is conservative and loses fast, crevassed ice),
        strict (standard, and within 2 m of the neighbours), rough (for crevassed ice: spread, error and significance of
        the fit instead of the flag, and within 2 m of the neighbours), or a sequence of tests, names of `NEEDS`.
        Default: standard

    Returns
    -------
    (n,) bool array

    Raises
    ------
    NunatakError : the preset or a test is unknown, or a variable it needs is absent
    """
    return _run(segments, preset)[0]


def removed(segments: pd.DataFrame, preset: str | Sequence[str] = "standard") -> pd.DataFrame:
    """
    Return how many segments each test of a preset removed.

    Parameters
    ----------
    segments, preset : as in `keep`

    Returns
    -------
    DataFrame, one row per test in order: test, n_before, n_removed, n_after
    """
    return _run(segments, preset)[1]


def _run(segments, preset):
    """Apply the tests of a preset, and return the mask and the counts."""
    mask, rows = np.ones(len(segments), dtype=bool), []
    for test in tests_of(preset):
        absent = [name for name in NEEDS[test] if name not in segments]
        if absent:
            raise NunatakError(
                f"filter {preset}: test {test} needs {', '.join(absent)}; read ATL06 with it among the variables"
            )
        before = int(mask.sum())
        mask = mask & _PASSES[test](segments, mask)
        after = int(mask.sum())
        rows.append({"test": test, "n_before": before, "n_removed": before - after, "n_after": after})
    return mask, pd.DataFrame(rows, columns=["test", "n_before", "n_removed", "n_after"])


def consistent(segments: pd.DataFrame, among: np.ndarray | None = None, *, tolerance: float = TOLERANCE) -> np.ndarray:
    """
    Return which segments agree with their neighbours along the track.

    From segment i the fitted slope leads to the height expected 20 m on and 20 m back:

        |h_li + 20 m dh_fit_dx - h_li(next)| < tolerance and |h_li - 20 m dh_fit_dx - h_li(previous)| < tolerance

    Parameters
    ----------
    segments : DataFrame with rgt, cycle, beam, segment_id, h_li, dh_fit_dx, in any order
    among : (n,) bool array, the segments that take part. A neighbour that failed another test is not used. Default: all
    tolerance : m. Default: 2

    Returns
    -------
    (n,) bool array. At the end of a run the single neighbour decides. A segment without a neighbour or without a slope
        is not kept
    """
    among = np.ones(len(segments), dtype=bool) if among is None else np.asarray(among)
    chosen = np.flatnonzero(among & np.isfinite(segments["h_li"].to_numpy("f8")))
    part = segments.iloc[chosen]
    run = part.groupby(["rgt", "cycle", "beam"], observed=True, sort=False).ngroup().to_numpy()
    ids = part["segment_id"].to_numpy("i8")
    order = np.lexsort((ids, run))
    passed = np.zeros(chosen.size, dtype=bool)
    _agree(
        run[order],
        ids[order],
        part["h_li"].to_numpy("f8")[order],
        part["dh_fit_dx"].to_numpy("f8")[order],
        float(tolerance),
        order,
        passed,
    )
    mask = np.zeros(len(segments), dtype=bool)
    mask[chosen] = passed
    return mask


def agree_reference(
    segment_id: np.ndarray, h_li: np.ndarray, dh_fit_dx: np.ndarray, tolerance: float = TOLERANCE
) -> np.ndarray:
    """
    Find segments of one beam and pass that agree with their neighbours. Slow reference of `consistent`.

    Parameters
    ----------
    segment_id : (n,) integers
    h_li : (n,) m
    dh_fit_dx : (n,) slope along the track
    tolerance : m. Default: 2

    Returns
    -------
    (n,) bool
    """
    height = dict(zip(segment_id, h_li, strict=True))
    passed = []
    for i, h, slope in zip(segment_id, h_li, dh_fit_dx, strict=True):
        steps = [abs(h + side * SPACING * slope - height[i + side]) for side in (1, -1) if i + side in height]
        passed.append(bool(steps) and all(step < tolerance for step in steps))
    return np.array(passed)


@kernel
def _agree(run, ids, h, slope, tolerance, order, passed):
    """Mark the segments that agree with their neighbours."""
    n = ids.size
    for i in range(n):
        neighbours, good = 0, True
        if i + 1 < n and run[i + 1] == run[i] and ids[i + 1] == ids[i] + 1:
            neighbours += 1
            good = abs(h[i] + 20.0 * slope[i] - h[i + 1]) < tolerance
        if i > 0 and run[i - 1] == run[i] and ids[i - 1] == ids[i] - 1:
            neighbours += 1
            good = good and abs(h[i] - 20.0 * slope[i] - h[i - 1]) < tolerance
        passed[order[i]] = good and neighbours > 0


def _below(name, limit):
    """Return a test that a variable is below a limit."""

    def test(segments, mask):
        with np.errstate(invalid="ignore"):  # NaN is not below anything
            return segments[name].to_numpy("f8") < limit

    return test


def _density(segments, mask):
    """Return which segments have enough photons per metre of their window."""
    with np.errstate(invalid="ignore", divide="ignore"):
        density = segments["n_fit_photons"].to_numpy("f8") / segments["w_surface_window_final"].to_numpy("f8")
    return density > np.where(is_strong(segments["spot"].to_numpy()), _DENSITY_STRONG, _DENSITY_WEAK)


_PASSES: dict[str, Callable] = {
    "height": lambda segments, mask: np.isfinite(segments["h_li"].to_numpy()),
    "quality": lambda segments, mask: segments["atl06_quality_summary"].to_numpy() == 0,
    "spread": _below("h_robust_sprd", _SPREAD),
    "sigma": _below("h_li_sigma", _SIGMA),
    "snr": _below("snr_significance", _SNR),
    "source": lambda segments, mask: segments["signal_selection_source"].to_numpy() <= 1,
    "density": _density,
    "consistency": consistent,
}

# by name, each a function of the segments
PRESETS: dict[str, Callable] = {name: lambda segments, name=name: keep(segments, name) for name in TESTS}
