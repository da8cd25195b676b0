"""What the pairs of a cube have in common, against integrals taken step by step and errors written out."""

import numpy as np
from tests.builders.velocity import cube_of

from nunatak.velocity.design import design, overlaps

START = np.array([2000.1, 2000.9, 2001.0, 2001.25, 2000.5])
END = np.array([2000.3, 2001.2, 2002.0, 2001.75, 2003.5])
STEPS = 200_000


def integral(function, start, end):
    """Integral of a function of decimal years over a span, by midpoints."""
    edges = np.linspace(start, end, STEPS + 1)
    return function((edges[1:] + edges[:-1]) / 2).sum() * (end - start) / STEPS


def test_terms_of_the_displacement_are_integrals_over_the_span():
    """Shares of the years, levers about their middles, and the cycle, of spans inside a year and across several."""
    values = np.zeros((5, 1, 1))
    made = design(cube_of(values, values, START, END))
    start, end = made.mid - made.dt / 2, made.mid + made.dt / 2
    np.testing.assert_allclose([start, end], [START, END], atol=1e-6)
    np.testing.assert_array_equal(made.years, [2000, 2001, 2002, 2003])
    for i in range(5):
        for j in range(made.overlap.shape[1]):
            terms = share_and_lever(2000 + made.first[i] + j if made.first[i] + j < 4 else None, start[i], end[i])
            np.testing.assert_allclose([made.overlap[i, j], made.lever[i, j]], terms, atol=3e-5)
        waves = [integral(lambda t, f=f: f(2 * np.pi * t), start[i], end[i]) for f in (np.sin, np.cos)]
        np.testing.assert_allclose(made.seasonal[i], waves, atol=1e-8)


def test_overlaps_are_as_wide_as_the_longest_span():
    """Spans within one interval, across an edge, and from edge to edge, of five intervals."""
    first, overlap, lever = overlaps(np.array([0.2, 1.5, 3.0]), np.array([0.6, 2.5, 4.0]), np.arange(6.0))
    np.testing.assert_array_equal(first, [0, 1, 3])
    np.testing.assert_allclose(overlap, [[0.4, 0], [0.5, 0.5], [1, 0]])
    np.testing.assert_allclose(lever, [[-0.04, 0], [0.125, -0.125], [0, 0]], atol=1e-15)


def share_and_lever(year, start, end):
    """Years of a span that lie in a year, and the integral over them of the time from the year's middle."""
    if year is None:
        return 0.0, 0.0
    inside = lambda t: (t >= year) & (t < year + 1)  # noqa: E731
    return integral(inside, start, end), integral(lambda t: inside(t) * (t - year - 0.5), start, end)


def test_errors_are_the_stated_ones_and_that_of_the_co_registration():
    """
    The error is the stated 30 m/yr plus 100, 5 or 20 m/yr by the flag.

    Where nothing, or something negative, is stated, 300 m/yr take the place of the stated error.
    """
    values = np.zeros((5, 1, 1))
    cube = cube_of(values, values, START, END)
    stated = ("time", np.array([30.0, 30.0, 30.0, np.nan, -1.0]))
    cube = cube.assign_coords(vx_error=stated, vy_error=stated, stable_shift_flag=("time", [0, 1, 2, 1, 2]))
    np.testing.assert_array_equal(design(cube).sigma, [[130.0, 35.0, 50.0, 305.0, 320.0]] * 2)
