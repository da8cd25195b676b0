"""
Rates of reference points, the along-track consistency filter and crossovers: ours against the peers' way.

Rates: np.polyfit point by point, as notebooks do it. Consistency: a loop over segments. Crossovers: complex cross
products of every segment with every other, in blocks, as in pointCollection's x_point_vectorized, on a part of the
lines; ours on 1e5 x 1e5 segments. Answers must agree.

    python benchmarks/along_track.py
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from measure import measure, report

from nunatak.elevation import RateOptions, filters, rates
from nunatak.elevation.intersections import intersections, intersections_reference
from nunatak.times import decimal_year, from_decimal_year

POINTS, CYCLES, PEER_POINTS = 100_000, 20, 4_000
SEGMENTS, PEER_SEGMENTS = 2_000_000, 100_000
LINES, LENGTH, PEER_LINES = 100, 1000, 2


def heights(n):
    """ATL11-like rows: n points in 20 cycles."""
    rng = np.random.default_rng(1)
    year = 2019.2 + 0.249 * np.arange(CYCLES)
    sigma = rng.uniform(0.02, 0.1, (n, CYCLES))
    h = 800 - 2 * (year - 2019) + sigma * rng.standard_normal(sigma.shape)
    return pd.DataFrame(
        {
            "ref_pt": np.repeat(np.arange(n), CYCLES),
            "time": np.tile(from_decimal_year(year), n),
            "h_corr": h.ravel(),
            "h_corr_sigma": sigma.ravel(),
        }
    )


def our_rates(n):
    return float(rates(heights(n), ["ref_pt"], options=RateOptions(annual=False))["dhdt"].iloc[:PEER_POINTS].sum())


def polyfit_rates(n):
    table = heights(n)
    year = decimal_year(table["time"].to_numpy()).reshape(n, CYCLES)
    h, sigma = (table[name].to_numpy().reshape(n, CYCLES) for name in ("h_corr", "h_corr_sigma"))
    return float(sum(np.polyfit(t - 2021, v, 1, w=1 / s)[0] for t, v, s in zip(year, h, sigma, strict=True)))


def made_rows(n):
    """What making the rows costs, to be taken off both."""
    return len(heights(n))


def segments(n):
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "rgt": 548,
            "cycle": 3,
            "beam": "gt1l",
            "segment_id": np.arange(n),
            "h_li": rng.normal(0, 0.7, n),
            "dh_fit_dx": rng.normal(0, 0.01, n),
            "atl06_quality_summary": 0,
        }
    )


def our_filter(n):
    return int(filters.keep(segments(n), "strict")[:PEER_SEGMENTS].sum())


def loop_filter(n):
    table = segments(n + 1)
    kept = filters.agree_reference(table["segment_id"], table["h_li"], table["dh_fit_dx"])
    return int(kept[:n].sum())


def made_segments(n):
    return len(segments(n))


def lines(n):
    """n lines one way and n another that they cross, a thousand segments of 20 m each."""
    s = 20.0 * np.arange(LENGTH)
    parts = [
        (0.9 * s + 7 * k, sign * 0.43 * s + 190.0 * k + (0.0 if sign > 0 else 8600.0))
        for sign in (1, -1)
        for k in range(n)
    ]
    x, y = (np.concatenate([part[axis] for part in parts]) for axis in (0, 1))
    link = np.ones(x.size - 1, dtype=bool)
    link[LENGTH - 1 :: LENGTH] = False
    return x, y, link, np.repeat(np.arange(2 * n), LENGTH)


def our_crossovers(n):
    return len(intersections(*lines(n))[0])


def all_pairs(n):
    return len(intersections_reference(*lines(n))[0])


def main():
    """Measure, compare, report."""
    base_rows = measure(__file__, "made_rows", {"n": POINTS}, repeat=2).cpu_seconds
    mine = measure(__file__, "our_rates", {"n": POINTS}, repeat=2)
    theirs = measure(__file__, "polyfit_rates", {"n": PEER_POINTS}, repeat=1)
    np.testing.assert_allclose(
        measure(__file__, "our_rates", {"n": PEER_POINTS}, repeat=1).answer, theirs.answer, rtol=1e-9
    )
    trend = mine.cpu_seconds - base_rows
    base_segments = measure(__file__, "made_segments", {"n": SEGMENTS}, repeat=2).cpu_seconds
    kept = measure(__file__, "our_filter", {"n": SEGMENTS}, repeat=2)
    loop = measure(__file__, "loop_filter", {"n": PEER_SEGMENTS}, repeat=1)
    small = measure(__file__, "our_filter", {"n": PEER_SEGMENTS + 1}, repeat=1)
    assert small.answer == loop.answer, (small.answer, loop.answer)
    strict = kept.cpu_seconds - base_segments
    found = measure(__file__, "our_crossovers", {"n": LINES}, repeat=2)
    few = measure(__file__, "our_crossovers", {"n": PEER_LINES}, repeat=2)
    every = measure(__file__, "all_pairs", {"n": PEER_LINES}, repeat=1)
    assert few.answer == every.answer > 0, (few.answer, every.answer)
    rows = {
        f"rates of {POINTS:,} points, {CYCLES} cycles": {"CPU s": trend, "heights/s": POINTS * CYCLES / trend},
        f"np.polyfit, {PEER_POINTS:,} points": {
            "CPU s": theirs.cpu_seconds,
            "heights/s": PEER_POINTS * CYCLES / theirs.cpu_seconds,
        },
        f"strict filter, {SEGMENTS:,} segments": {"CPU s": strict, "heights/s": SEGMENTS / strict},
        f"loop, {PEER_SEGMENTS:,} segments": {
            "CPU s": loop.cpu_seconds,
            "heights/s": PEER_SEGMENTS / loop.cpu_seconds,
        },
        "crossovers, 1e5 x 1e5 segments": {"CPU s": found.cpu_seconds, "heights/s": float("nan")},
        f"all pairs, {PEER_LINES * LENGTH:,} x {PEER_LINES * LENGTH:,}": {
            "CPU s": every.cpu_seconds,
            "heights/s": float("nan"),
        },
    }
    result = {
        "heights_per_cpu_second_rates": POINTS * CYCLES / trend,
        "segments_per_cpu_second_strict": SEGMENTS / strict,
        "crossover_seconds_1e5": found.cpu_seconds,
        "cpu_ratio_polyfit": (theirs.cpu_seconds / PEER_POINTS) / (trend / POINTS),
        "cpu_ratio_all_pairs": every.cpu_seconds / few.cpu_seconds,
    }
    report("Along the tracks: rates, consistency, crossovers", rows, result)


if __name__ == "__main__":
    main()
