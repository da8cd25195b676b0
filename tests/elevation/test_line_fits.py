"""Lines through heights of points against a slow fit in NumPy, at every limit of outliers, heights and years."""

import numpy as np
import pytest

from nunatak.elevation.line_fits import FIELDS, Heights, Needs, fit_points


def left_out(t, h, sigma, residual, terms, kept):
    """Return the heights that count: those not alone beyond five errors, unless too many are, or half the years go."""
    if t.size < 5:
        return kept
    error = np.hypot(sigma, 0.03)
    ratio = np.abs(residual) / error
    spread = 1.4826 * np.median(ratio[kept]) * (1 + 4 / max(kept.sum() - terms, 1))
    off = ratio > 5 * max(spread, 1.0)
    side = np.where(off, np.sign(residual), 0)
    beside = np.zeros(t.size, dtype=bool)
    beside[1:] |= side[1:] == side[:-1]
    beside[:-1] |= side[:-1] == side[1:]
    alone = (side != 0) & ~beside
    if alone.sum() > t.size / 4 or np.ptp(t[~alone]) < np.ptp(t) / 2:
        return np.ones(t.size, dtype=bool)
    return ~alone


def slow_fit(t, h, sigma, systematic, needs):
    """Fit one point in the words of the definition, with numpy's least squares."""
    out = dict.fromkeys(FIELDS, np.nan)
    out |= {"n_cycles": t.size, "n_left_out": 0, "first_year": t[0], "last_year": t[-1]}
    if t.size < max(needs.min_cycles, 2) or np.ptp(t) < needs.min_years or np.ptp(t) == 0:
        return out
    pairs = [(h[k] - h[j]) / (t[k] - t[j]) for j in range(t.size) for k in range(j + 1, t.size) if t[k] > t[j]]
    robust = np.median(pairs)
    rest = h - robust * t
    kept = left_out(t, h, sigma, rest - np.median(rest), 2, np.ones(t.size, dtype=bool))
    for _ in range(4):
        mean = np.average(t[kept], weights=sigma[kept] ** -2.0)
        terms = 4 if needs.min_annual and kept.sum() >= needs.min_annual else 2
        matrix = np.stack([np.ones(t.size), t - mean, np.sin(2 * np.pi * t), np.cos(2 * np.pi * t)], 1)
        scaled = matrix[kept] / sigma[kept, None]
        if terms == 4 and np.linalg.matrix_rank(scaled, tol=1e-4) < 4:
            terms = 2
        scaled, matrix = scaled[:, :terms], matrix[:, :terms]
        if np.linalg.matrix_rank(scaled) < terms:
            terms = 0
            break
        fit = np.linalg.lstsq(scaled, (h - h[0])[kept] / sigma[kept], rcond=None)[0]
        residual = h - h[0] - matrix @ fit
        chi2 = np.sum((residual / sigma)[kept] ** 2)
        n, span, shared = kept.sum(), np.ptp(t[kept]), np.mean(systematic[kept] ** 2)
        counted, first, last = kept, t[kept].min(), t[kept].max()
        kept = left_out(t, h, sigma, residual, terms, kept)
        if (kept == counted).all():
            break
    n, first, last = kept.sum(), t[kept].min(), t[kept].max()
    span, shared = last - first, np.mean(systematic[kept] ** 2)
    out |= {"n_cycles": n, "n_left_out": t.size - n, "first_year": first, "last_year": last}
    if terms == 0 or n < needs.min_cycles or span < needs.min_years or span == 0:
        return out
    errors = np.sqrt(np.diag(np.linalg.inv(scaled.T @ scaled)) * max(1.0, chi2 / max(n - terms, 1)))
    out |= {"dhdt": fit[1], "dhdt_sigma": errors[1], "dhdt_theil_sen": robust, "h": fit[0] + h[0], "h_sigma": errors[0]}
    out |= {"dhdt_sigma_systematic": np.sqrt(shared) / (span * np.sqrt(n / 12))}
    out |= {"chi2_reduced": chi2 / max(n - terms, 1), "year": mean}
    if terms == 4:
        out |= {"amplitude": np.hypot(fit[2], fit[3])}
        out |= {"day_of_maximum": np.arctan2(fit[2], fit[3]) / (2 * np.pi) % 1 * 365.25}
    return out


@pytest.mark.parametrize("needs", [Needs(4, 1.0, 0), Needs(6, 2.0, 10), Needs(2, 0.0, 6)])
def test_points_are_fitted_as_by_the_slow_fit(needs):
    """Times of whole quarters meet the needs exactly, and blunders stand alone and side by side."""
    rng = np.random.default_rng(5)
    points = []
    for i in range(150):
        n = int(rng.choice([1, 2, 3, 4, 5, 6, 9, 10, 12, 20]))
        step = rng.choice([0.25, 0.5, 1.0])
        t = np.sort(2019 + step * rng.integers(0, max(3, int(2.5 * n)), n)) + (i % 3) * 0.01 * np.arange(n)
        h = 1500 - 0.7 * (t - 2019) + 0.3 * np.cos(2 * np.pi * t) * (i % 2) + rng.normal(0, 0.05, n)
        if n > 4:
            bad = rng.integers(0, n - 1)
            h[bad : bad + rng.integers(0, 3)] += rng.choice([-8.0, 0.6, 8.0])
        points.append((t, h, rng.uniform(0.02, 0.1, n), rng.uniform(0, 0.2, n)))
    start = np.concatenate([[0], np.cumsum([len(p[0]) for p in points])])
    columns = [np.concatenate(column) for column in zip(*points, strict=True)]
    kept, out = np.ones(start[-1], dtype=bool), np.full((len(points), len(FIELDS)), np.nan)
    fit_points(start, Heights(*columns, kept), needs, out)
    fitted = 0
    for i, point in enumerate(points):
        expected = slow_fit(*point, needs)
        fitted += np.isfinite(expected["dhdt"])
        np.testing.assert_allclose(out[i], list(expected.values()), rtol=1e-6, atol=1e-9, err_msg=str((i, point)))
        assert kept[start[i] : start[i + 1]].sum() == expected["n_cycles"]
    assert 50 < fitted < 150 and np.nansum(out[:, FIELDS.index("n_left_out")]) > 10
