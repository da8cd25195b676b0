"""
Trend of every cell of a quarterly height-change record: ours against np.polyfit cell by cell.

25 epochs x 1500 x 420 cells, about Svalbard at 1 km; half the cells without ice, 1 % gaps in the others. Polyfit runs
on a strip of the cells, its cost is scaled to all of them; with an error it is np.polyfit(cov=True) and the lag-1
autocorrelation of the residuals for N_eff.

    python benchmarks/elevation_trend.py
"""

from __future__ import annotations

import numpy as np
from measure import measure, report

from nunatak.elevation.trend import effective_number, fit_trend

SHAPE = (25, 1500, 420)
STRIP = 20  # rows that polyfit does
YEARS = 2019.0 + 0.25 * np.arange(SHAPE[0])
_record = None


def record():
    """The made-up record (float32, m), made once per process."""
    global _record
    if _record is None:
        rng = np.random.default_rng(1)
        values = rng.normal(0, 0.3, SHAPE) + rng.normal(-0.5, 0.5, SHAPE[1:]) * (YEARS - 2020)[:, None, None]
        values[rng.random(SHAPE) < 0.01] = np.nan
        values[:, rng.random(SHAPE[1:]) < 0.5] = np.nan
        _record = values.astype("f4")
    return _record


def ours(sigma):
    """Slopes of the strip, after fitting all cells."""
    fit = fit_trend(YEARS, record(), annual=False, sigma=sigma)
    return [None if np.isnan(v) else v for v in fit["dhdt"][:STRIP].ravel()]


def polyfit(sigma):
    """Slopes of the strip, cell by cell."""
    values = record()[:, :STRIP].reshape(SHAPE[0], -1).astype("f8")
    slopes = []
    for h in values.T:
        seen = np.isfinite(h)
        if seen.sum() < 8:
            slopes.append(None)
            continue
        if not sigma:
            slopes.append(np.polyfit(YEARS[seen], h[seen], 1)[0])
            continue
        coefficients, covariance = np.polyfit(YEARS[seen], h[seen], 1, cov=True)
        residual = h[seen] - np.polyval(coefficients, YEARS[seen])
        r = (residual[1:] * residual[:-1]).sum() / (residual**2).sum()
        n = seen.sum()
        slopes.append(coefficients[0])
        np.sqrt(covariance[0, 0] * n / effective_number(n, r))
    return slopes


def main():
    """Measure, compare, report."""
    found = {}
    for name, repeat in (("ours", 7), ("polyfit", 2)):
        for sigma in (0, 1):
            found[name, sigma] = measure(__file__, name, {"sigma": sigma}, repeat=repeat)
    scale = SHAPE[1] / STRIP
    difference = max(
        abs(a - b)
        for sigma in (0, 1)
        for a, b in zip(found["ours", sigma].answer, found["polyfit", sigma].answer, strict=True)
        if a is not None and b is not None
    )
    assert [v is None for v in found["ours", 0].answer] == [v is None for v in found["polyfit", 0].answer]
    seconds = {key: m.cpu_seconds * (scale if key[0] == "polyfit" else 1) for key, m in found.items()}
    pixels = SHAPE[1] * SHAPE[2]
    rows = {
        f"{name}{', with sigma' if sigma else ''}": {
            "CPU s": seconds[name, sigma],
            "us per cell": seconds[name, sigma] / pixels * 1e6,
        }
        for name, sigma in found
    }
    result = {
        "cpu_ratio_polyfit": seconds["polyfit", 0] / seconds["ours", 0],
        "cpu_ratio_polyfit_with_sigma": seconds["polyfit", 1] / seconds["ours", 1],
        "max_abs_difference": difference,
        "seconds_with_sigma": seconds["ours", 1],
    }
    report(f"trend of {SHAPE[0]} epochs x {SHAPE[1]} x {SHAPE[2]} cells, polyfit on {STRIP} rows", rows, result)


if __name__ == "__main__":
    main()
