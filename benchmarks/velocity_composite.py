"""
Annual composites: 2,000 pairs of which a cell sees 45 %, 20 years and a seasonal cycle, cell by cell.

Ours against numpy's lstsq on the same weighted rows, which is what ITS_LIVE's production code calls inside its own
loops (itslive_composite.py, 1.05 ms per cell and component there, of which lstsq is 0.4).

    python benchmarks/velocity_composite.py
"""

from __future__ import annotations

import numpy as np
from measure import measure, report

from nunatak.velocity.annual_cells import fit_cells
from nunatak.velocity.annual_fit import fit_reference
from nunatak.velocity.design import Design, overlaps, seasonal_terms, year_edges
from nunatak.velocity.filters import NO_FILTERS, Filters

N, CELLS, STRIP = 2000, 400, 40
FILL = -32767
_made: dict = {}


def made():
    """The pairs' Design and (CELLS, N) int16 components, made once per process."""
    if not _made:
        rng = np.random.default_rng(1)
        start = rng.uniform(2000, 2019.6, N)
        end = np.minimum(start + rng.choice([16, 32, 64, 112, 368], N) / 365.25, 2019.99)
        order = np.argsort(start + end)
        start, end = start[order], end[order]
        years, edges = year_edges(None, start, end)
        first, overlap, lever = overlaps(start, end, edges)
        sigma = np.stack([rng.uniform(5, 100, N)] * 2)
        pairs = Design(
            years=years,
            edges=edges,
            dt=end - start,
            mid=(start + end) / 2,
            first=first,
            overlap=overlap,
            lever=lever,
            seasonal=seasonal_terms(start, end),
            sigma=sigma,
            shift=np.zeros((2, N)),
            keep=np.ones(N, bool),
            group=rng.integers(0, 3, N),
            group_names=("L7", "L89", "S2"),
            images=rng.integers(0, N, (2, N)),
        )
        truth = 800 + 20 * (pairs.mid - 2010) + 100 * np.cos(2 * np.pi * pairs.mid)
        components = []
        missing = rng.random((CELLS, N)) > 0.45
        for factor in (0.6, -0.8):
            v = factor * truth + sigma[0] * rng.standard_normal((CELLS, N))
            v[rng.random((CELLS, N)) < 0.02] += 4000
            components.append(np.where(missing, FILL, np.rint(v)).astype("i2"))
        _made.update(pairs=pairs, vx=components[0], vy=components[1])
    return _made


def fit(trend_inside=False):
    """The fit alone; annual means of the strip."""
    m = made()
    out = fit_cells(m["vx"], m["vy"], m["pairs"], NO_FILTERS, trend_inside=trend_inside)
    return np.nan_to_num(out["annual"][:STRIP, 0], nan=-9e9).tolist()


def fit_with_filters():
    """All filters, and the trend inside the years."""
    m = made()
    fit_cells(m["vx"], m["vy"], m["pairs"], Filters())


def lstsq():
    """numpy.linalg.lstsq, one component of the strip."""
    m = made()
    rows = [np.where(v == FILL, np.nan, v.astype(float)) for v in m["vx"][:STRIP]]
    found = [fit_reference(v, m["pairs"])["annual"] for v in rows]
    return np.nan_to_num(np.array(found), nan=-9e9).tolist()


def main():
    """Run both ways, compare, print the table and the JSON line."""
    ours, whole, filtered, peer = (
        measure(__file__, name, arguments)
        for name, arguments in (("fit", {}), ("fit", {"trend_inside": True}), ("fit_with_filters", {}), ("lstsq", {}))
    )
    each = {"ours": ours, "trend": whole, "filters": filtered}
    ms = {name: 1e3 * found.cpu_seconds / (2 * CELLS) for name, found in each.items()}
    ms_peer = 1e3 * peer.cpu_seconds / STRIP
    difference = float(np.abs(np.array(ours.answer) - np.array(peer.answer)).max())
    assert difference < 1e-6, f"fits differ by {difference} m/yr"
    rows = {
        "ours, fit": {"ms": ms["ours"], "ratio": ms_peer / ms["ours"]},
        "ours, fit with the trend inside the years": {"ms": ms["trend"], "ratio": ms_peer / ms["trend"]},
        "ours, fit with all filters": {"ms": ms["filters"], "ratio": ms_peer / ms["filters"]},
        "numpy lstsq": {"ms": ms_peer, "ratio": 1.0},
    }
    result = {
        "ms_per_pixel_component_fit": ms["ours"],
        "ms_per_pixel_component": ms["filters"],
        "max_abs_difference": difference,
        "ratio_lstsq": ms_peer / ms["ours"],
    }
    report(f"{N} pairs, 45 % seen, 22 unknowns, per cell and component", rows, result)


if __name__ == "__main__":
    main()
