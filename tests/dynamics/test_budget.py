"""Budgets, thickness in time, dynamic thinning and lags, each against written-out values."""

import numpy as np
import pytest
import xarray as xr

from nunatak.dynamics import (
    UNKNOWN,
    Term,
    area_term,
    close_budget,
    lag_correlation,
    sea_level,
    split_thinning,
    thickness_in_time,
)
from nunatak.runtime import NunatakError

AXES = {"y": [200.0, 100.0], "x": [0.0, 100.0, 200.0]}


def layers(**values):
    """Fields on two rows and three columns."""
    return xr.Dataset({n: (("y", "x"), np.broadcast_to(v, (2, 3)).astype(float)) for n, v in values.items()}, AXES)


def test_what_flows_out_and_is_stored_is_what_came_in():
    terms = {
        "discharge_out": Term(10.0, 1.0),
        "discharge_in": Term(4.0, 0.5),
        "sides": Term(0.5, 0.1),
        "smb": Term(3.0, 0.6),
        "basal": Term(0.5, 0.2),
        "storage": Term(-4.0, 0.4, 0.8),
    }
    budget = close_budget(**terms)
    assert budget.residual.value == pytest.approx(-4 - (3 - 0.5 + 4 - 10 - 0.5))
    assert budget.residual.sigma == pytest.approx(np.sqrt(1 + 0.25 + 0.01 + 0.36 + 0.04 + 0.16))
    assert budget.residual.share == 0.8 and budget.closes
    assert close_budget(**terms | {"storage": Term(9.0, 0.1)}).closes is False
    assert close_budget(**terms | {"basal": UNKNOWN}).residual.value == pytest.approx(-1.0 - 0.0 + 0.5)
    unknown = close_budget(**terms | {"smb": UNKNOWN})
    assert not unknown.residual.known and unknown.closes is None


def test_a_rate_over_an_area_is_a_mass_on_true_area():
    rate = xr.DataArray(np.full((2, 3), -2.0), AXES, ("y", "x"), attrs={"crs": "EPSG:32714"})
    rate = rate.assign_coords(x=rate["x"] + 500e3, y=rate["y"] + 1.7e6)
    rate[0, 0] = np.nan
    coverage = np.array([[1.0, 1.0, 0.5], [1.0, 1.0, 0.5]])
    term = area_term(rate, np.full((2, 3), 0.1), coverage, density=917, correlation_range=1e6)
    assert term.value == pytest.approx(-2 * 5e4 / 0.9996**2 * 917 / 1e12, rel=1e-5)
    assert term.share == pytest.approx(0.8, rel=1e-6)
    assert term.sigma == pytest.approx(abs(term.value) / 20, rel=1e-3), "fully correlated: the mean's own error"
    gap = np.array([[0.1, 0.3, 0.1], [0.1, np.nan, 0.1]])
    largest = area_term(rate, gap, coverage, density=917, correlation_range=1e6)
    weights = np.array([0.3, 0.05, 0.1, 0.3, 0.05]) / 4  # a cell without an error has the largest of the others
    assert largest.sigma == pytest.approx(abs(term.value) / 2 * weights.sum(), rel=1e-3)
    bare = area_term(rate, np.full((2, 3), np.nan), coverage, density=917, correlation_range=1e6)
    assert bare.known and np.isnan(bare.sigma)
    assert area_term(rate, 0 * coverage, 0 * coverage, density=917, correlation_range=1e4) is UNKNOWN
    assert sea_level(-723.6) == pytest.approx(2.0)


def test_thickness_follows_the_surface_from_its_reference_year():
    thickness = layers(thickness=500.0, thickness_sigma=30.0)
    change = layers(dh=0.0, dh_sigma=4.0).expand_dims(year=[2010.0, 2015.0, 2020.0]).copy(deep=True)
    change["dh"] = change["dh"] + xr.DataArray([10.0, 0.0, -20.0], {"year": change["year"]})
    change["dh"][:, 0, 0] = np.nan
    out = thickness_in_time(thickness, change, [2010, 2015, 2017.5, 2024], reference_year=2015)
    np.testing.assert_allclose(out["thickness"].values[:, 1, 1], [510, 500, 490, 480])
    np.testing.assert_allclose(out["thickness_sigma"].values[:2, 1, 1], [np.sqrt(900 + 32), 30.0])
    np.testing.assert_allclose(out["thickness"].values[:, 0, 0], 500, err_msg="unknown change: as the map says")
    rock = thickness_in_time(layers(thickness=0.0, thickness_sigma=0.0), change, [2010], reference_year=2015)
    assert (rock["thickness"] == 0).all() and (rock["thickness_sigma"] == 0).all(), "rising rock is no ice"
    thin = thickness_in_time(layers(thickness=5.0, thickness_sigma=1.0), change, [2020], reference_year=2015)
    assert float(thin["thickness"][0, 1, 1]) == 0.0
    assert (thickness_in_time(thickness, None, [2000], reference_year=2015)["thickness_change"] == 0).all()
    with pytest.raises(NunatakError, match="other cells"):
        thickness_in_time(thickness, change.assign_coords(x=change["x"] + 1), [2015], reference_year=2015)


def test_thinning_is_what_the_surface_and_the_flow_do():
    surface = layers(dhdt=-3.0, dhdt_sigma=0.3)
    divergence = layers(flux_divergence=3.5, flux_divergence_sigma=0.4).assign_attrs(crs="EPSG:3031", sign="-")
    smb, firn = layers(rate=0.6, rate_sigma=0.09), layers(rate=-0.2, rate_sigma=0.04)
    out = split_thinning(surface, divergence, smb=smb, firn=firn)
    values = {name: float(out[name][0, 0]) for name in out}
    assert values["surface_part"] == pytest.approx(0.4)
    assert values["dynamic_part"] == pytest.approx(-3.4)
    assert values["residual"] == pytest.approx(-3.0 + 0.2 - 0.6 + 3.5)
    assert values["residual_sigma"] == pytest.approx(np.sqrt(0.09 + 0.0081 + 0.0016 + 0.16))
    melting = split_thinning(surface, divergence, smb=smb, basal=layers(rate=1.0, rate_sigma=0.0))
    assert float(melting["residual"][0, 0]) == pytest.approx(-3.0 - 0.6 + 3.5 + 1.0)
    assert float(melting["basal_part"][0, 0]) == -1.0 and melting["firn_part"].isnull().all()
    assert values["firn_part"] == pytest.approx(-0.2) and values["smb_part"] == pytest.approx(0.6)
    floating = split_thinning(surface, divergence, smb=smb, firn=firn, floating=np.eye(2, 3, dtype=bool))
    assert float(floating["residual"][0, 0]) == pytest.approx((-3.0 + 0.2) * 1028 / 111 - 0.6 + 3.5)
    assert np.isnan(floating["dynamic_part"][0, 0]) and float(floating["residual"][0, 1]) == values["residual"]
    alone = split_thinning(surface, divergence)
    assert alone["dynamic_part"].isnull().all() and alone["residual"].isnull().all()


def test_a_series_that_follows_two_years_later_is_found_there():
    rng = np.random.default_rng(11)
    speed = rng.normal(size=40)
    thinning = np.concatenate([rng.normal(size=2), -speed[:-2]]) + 0.1 * rng.normal(size=40)
    table = lag_correlation(speed, thinning, max_lag=4).set_index("lag")
    assert table["correlation"].idxmin() == 2
    assert table.loc[2, "correlation"] < -0.95 and table.loc[2, "p"] < 1e-6
    assert table.loc[2, "n"] == 38 and table.loc[-1, "p"] > 0.01


def test_slow_series_count_as_few_values():
    """Two independent random walks: the p-value is small more often than it should be, unless n is made effective."""
    rng = np.random.default_rng(5)
    small = naive = 0
    for _ in range(200):
        a, b = np.cumsum(rng.normal(size=(2, 30)), axis=1)
        row = lag_correlation(a, b, max_lag=0).iloc[0]
        r, n = row["correlation"], 30
        small += row["p"] < 0.05
        naive += abs(r) * np.sqrt((n - 2) / (1 - r**2)) > 2.048
        assert row["n_effective"] < 30
    assert naive > 80
    assert small < naive / 3


def test_few_or_constant_values_have_no_correlation():
    table = lag_correlation([1.0, 2.0, np.nan, 4.0], [1.0, 1.0, 1.0, 1.0], max_lag=1)
    assert table["correlation"].isna().all() and list(table["n"]) == [2, 3, 2]
    with pytest.raises(NunatakError, match="one length"):
        lag_correlation([1.0, 2.0], [1.0])
