"""Temporal inversion: against dense matrices, against the truth, with outliers and gaps."""

import numpy as np
import pytest
from tests.builders.velocity import FILL, cube_of, mean_over, noisy_cube

from nunatak.runtime import NunatakError
from nunatak.times import decimal_year
from nunatak.velocity import invert
from nunatak.velocity.composition import series_of
from nunatak.velocity.design import design
from nunatak.velocity.inverse_cells import invert_cells, invert_reference
from nunatak.velocity.inversion import _steps


def test_inversion_equals_dense_matrices():
    """Values to 1e-6 m/yr; errors but for the factor sqrt(chi2), which one number explains."""
    cube, _ = noisy_cube(np.random.default_rng(1), n=150, shape=(1, 2), last=2004.0, amplitude=50.0)
    pairs = design(cube)
    steps = _steps(pairs, 30.0, None, None)
    vx, vy = (series_of(cube[name].values, np.ones((1, 2), bool)) for name in ("vx", "vy"))
    out = invert_cells(vx, vy, pairs, steps, smoothness=25.0, robust=False)
    for cell in range(2):
        velocity = np.where(vx[cell] == FILL, np.nan, vx[cell].astype(float))
        values, errors = invert_reference(velocity, pairs, steps, smoothness=25.0)
        seen = np.isfinite(out["velocity"][cell, 0])
        np.testing.assert_allclose(out["velocity"][cell, 0][seen], values[seen], atol=1e-6)
        ratio = out["error"][cell, 0][seen] / errors[seen]
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-7)
        assert ratio[0] > 1 - 1e-9


def test_the_motion_is_recovered_within_its_errors():
    """Trend, cycle and outliers: 92 % of the steps within 2 sigma; the smoothness is found from the pairs."""
    motion = {"trend": 15.0, "amplitude": 80.0, "phase": 60.0}
    cube, _ = noisy_cube(np.random.default_rng(2), n=400, shape=(3, 4), last=2006.0, outliers=0.02, **motion)
    series = invert(cube)
    span = [decimal_year(series[name].values) for name in ("time_start", "time_end")]
    truth = mean_over(*span, **motion)[:, None, None]
    z = (series["v"].values - truth) / series["v_error"].values
    assert np.nanmean(np.abs(z) < 2) >= 0.92 and 10 <= series.attrs["smoothness"] <= 100
    assert np.nanstd(series["v"].values - truth) < 20  # a single pair has 20, and 2 % of them are wild


def test_gaps_are_bridged_with_larger_errors_and_ends_stay_empty():
    """Two years without a pair; a period longer than the data."""
    cube, (start, end) = noisy_cube(np.random.default_rng(3), n=400, shape=(1, 1), last=2008.0)
    some = cube.isel(time=np.nonzero((end < 2003) | (start > 2005))[0])
    series = invert(some, smoothness=30.0, start="1999-01-01", end="2009-01-01")
    t = decimal_year(series["time"].values)
    value, error = series["v"].squeeze().values, series["v_error"].squeeze().values
    middle, busy = (t > 2003.7) & (t < 2004.3), (t > 2001) & (t < 2002)
    assert np.isfinite(value[middle]).all() and error[middle].min() > 2 * np.median(error[busy])
    assert np.isnan(value[t < 1999.8]).all() and np.isnan(value[t > 2008.2]).all()
    assert (series["pairs"].squeeze().values[middle] == 0).all()


def test_images_shared_by_all_pairs_do_not_average_out():
    """One first image for every pair: a larger error than with images of their own."""
    n = 60
    start, end = np.full(n, 2001.0), 2001.0 + np.linspace(0.08, 1.0, n)
    v = 300 + 20 * np.random.default_rng(4).standard_normal((n, 1, 1))
    shared = cube_of(v, v, start, end, images=[np.zeros(n, int), np.arange(1, n + 1)])
    alone = cube_of(v, v, start, end)
    errors = [float(invert(c, smoothness=1.0, image_sigma=2.0)["vx_error"].mean()) for c in (shared, alone)]
    assert errors[0] > 1.3 * errors[1]


def test_bad_input_is_refused():
    """A step that is not positive, a period that ends before it begins."""
    cube, _ = noisy_cube(np.random.default_rng(0), n=20, shape=(1, 1))
    with pytest.raises(NunatakError, match="step of 0 days"):
        invert(cube, step_days=0)
    with pytest.raises(NunatakError, match="period of the inversion is empty"):
        invert(cube, start="2005-01-01", end="2004-01-01")
