"""Rates around centres against a slow fit in NumPy, on heights whose distances meet every limit."""

import numpy as np
import pandas as pd
import pytest

from nunatak.elevation import surface_rates
from nunatak.parameters.tracks import SurfaceFit
from nunatak.times import decimal_year


def slow_rate(x, y, table, options):
    """Return what is found around a centre, by least squares of the heights that lie within three spreads."""
    dx, dy = table["x"].to_numpy() - x, table["y"].to_numpy() - y
    near = np.flatnonzero(dx**2 + dy**2 <= options.radius**2)
    if near.size < options.min_heights:
        return None
    t, h, sigma = (table[name].to_numpy()[near] for name in ("year", "h_li", "h_li_sigma"))
    dx, dy, mean = dx[near], dy[near], t.mean()
    terms = [np.ones(near.size), t - mean, dx, dy]
    if options.curved and near.size >= 2 * options.min_heights:
        terms += [dx**2, dx * dy, dy**2]
    matrix, kept = np.stack(terms, 1), np.ones(near.size, dtype=bool)
    for attempt in range(options.iterations):
        scaled = matrix[kept] / sigma[kept, None]
        fit = np.linalg.lstsq(scaled, h[kept] / sigma[kept], rcond=None)[0]
        residual = h - matrix @ fit
        spread = 1.4826 * np.median(np.abs(residual[kept]))
        again = np.abs(residual) <= max(3 * spread, 1e-9)
        if (again == kept).all() or again.sum() < options.min_heights or attempt == options.iterations - 1:
            break
        kept = again
    passes = table.iloc[near[kept]].groupby(["rgt", "cycle"]).ngroups
    span, freedom = np.ptp(t[kept]), kept.sum() - matrix.shape[1]
    short = freedom <= 0 or passes < options.min_passes or span < options.min_years
    if short or abs(fit[1]) > options.max_rate:
        return None
    scale = max(1.0, np.sum((residual / sigma)[kept] ** 2) / freedom)
    errors = np.sqrt(np.diag(np.linalg.inv(scaled.T @ scaled)) * scale)
    systematic = 0.03 / (span * np.sqrt(passes / 12))
    numbers = [fit[1], errors[1], systematic, fit[0], errors[0], fit[2], fit[3], spread, mean, span]
    return [*numbers, kept.sum(), near.size, passes]


@pytest.mark.parametrize(
    "settings",
    [
        {"min_heights": 12, "min_passes": 5, "min_years": 1.0, "curved": True},
        {"min_heights": 20, "min_passes": 7, "min_years": 3.0, "curved": True, "iterations": 2},
        {"min_heights": 5, "min_passes": 2, "min_years": 0.5, "curved": False, "iterations": 1, "max_rate": 1.7},
        {"min_heights": 12, "min_passes": 4, "min_years": 1.0, "curved": True, "iterations": 6, "max_rate": 2.3},
    ],
)
def test_centres_are_fitted_as_by_the_slow_fit(settings):
    """Heights on whole hundreds of metres: some lie at the radius, some squares hold none, one in twelve is wild."""
    rng = np.random.default_rng(3)
    n = 420
    x, y = 100.0 * rng.integers(-12, 26, n), 100.0 * rng.integers(-7, 19, n)
    years = 2019 + 0.25 * rng.integers(0, 14, n)
    time = np.datetime64("2019-01-01") + np.rint((years - 2019) * 365.25).astype("timedelta64[D]")
    h = 700 + 0.02 * x - 0.03 * y + 1e-6 * x * y - (2 + 0.3 * np.sin(x / 900)) * (years - 2020) + rng.normal(0, 0.1, n)
    h[::12] += rng.choice([-4, 4], h[::12].size)
    columns = {"x": x, "y": y, "time": time.astype("datetime64[ns]"), "h_li": h, "rgt": rng.integers(1, 4, n)}
    table = pd.DataFrame(
        {**columns, "h_li_sigma": rng.uniform(0.05, 0.2, n), "cycle": ((years - 2019) * 4).astype(int)}
    )
    table["year"] = decimal_year(table["time"].to_numpy())
    options = SurfaceFit(spacing=500.0, radius=500.0, **settings)
    found = surface_rates(table, options=options).set_index(["y", "x"])
    corners = np.unique(np.rint(table[["y", "x"]] / 500), axis=0) * 500
    expected = {(j, i): slow_rate(i, j, table, options) for j, i in corners}
    expected = {place: numbers for place, numbers in expected.items() if numbers is not None}
    assert set(found.index) == set(expected) and 4 < len(expected) < len(corners)
    names = ["dhdt", "dhdt_sigma", "dhdt_sigma_systematic", "h", "h_sigma", "slope_x", "slope_y", "residual_nmad"]
    names += ["year", "years", "n_used", "n_found", "n_passes"]
    for place, numbers in expected.items():
        np.testing.assert_allclose(found.loc[place, names].to_numpy(float), numbers, rtol=1e-6, atol=1e-9)
