"""The divergence of single windows, summed edge by edge in plain Python, with the errors of every edge."""

import numpy as np
import pytest
import xarray as xr

from nunatak.dynamics import flux_divergence
from nunatak.geometry.grid import map_scale

CRS = "EPSG:3031"
FACTOR, FACTOR_SIGMA = 0.95, 0.02


def rough_fields(dx, dy, n=13):
    """Velocity and thickness without any order, on cells of dx by dy map metres, rows from the top."""
    rng = np.random.default_rng(17)
    axes = {"y": -300e3 - dy * np.arange(n), "x": -1.6e6 + dx * np.arange(n)}
    names = {"vx": (-900, 900), "vy": (-900, 900), "vx_error": (5, 30), "vy_error": (5, 30)}
    velocity = {name: (("y", "x"), rng.uniform(*limits, (n, n))) for name, limits in names.items()}
    depths = {"thickness": rng.uniform(795, 805, (n, n)), "thickness_sigma": rng.uniform(10, 60, (n, n))}
    depths = {name: (("y", "x"), values) for name, values in depths.items()}
    return xr.Dataset(velocity, axes, {"crs": CRS}), xr.Dataset(depths, axes)


def edges_of(velocity, thickness, k, row, column, half, dx, dy):
    """
    Return what each edge of a window's outline lets out, what its errors do, where it is, and whether it faces x.

    The flux is in m3/yr, places are in map metres from the window's middle.
    """
    fields = {
        **{name: velocity[name].values for name in velocity},
        **{name: thickness[name].values for name in thickness},
    }
    edges = []
    for step in range(-half, half + 1):
        for sign in (1, -1):
            beside = half + 1 if sign == 1 else -half - 1
            inner = half if sign == 1 else -half
            for faces_x in (True, False):
                a = (row + step, column + inner) if faces_x else (row + inner, column + step)
                b = (row + step, column + beside) if faces_x else (row + beside, column + step)
                mean = {name: (values[a] + values[b]) / 2 for name, values in fields.items()}
                scale = (k[a] + k[b]) / 2
                # rows run southward: what leaves through the next row has a negative vy
                speed = mean["vx"] if faces_x else -mean["vy"]
                error = mean["vx_error"] if faces_x else mean["vy_error"]
                width = FACTOR * (dy if faces_x else dx) / scale
                out = sign * width * mean["thickness"] * speed
                place = (sign * (half + 0.5), step) if faces_x else (step, sign * (half + 0.5))
                by_v = sign * width * mean["thickness"] * error
                by_h = sign * width * speed * mean["thickness_sigma"]
                edges.append((out, by_v, by_h, place, faces_x))
    return edges


def correlation(distance, reach):
    ratio = min(distance / reach, 1.0)
    return 1 - 1.5 * ratio + 0.5 * ratio**3


@pytest.mark.parametrize(("dx", "dy", "smoothing"), [(240.0, 240.0, 0.9), (240.0, 240.0, 1.5), (200.0, 288.0, 0.9)])
def test_windows_are_sums_over_their_edges(dx, dy, smoothing):
    """Windows of three and of five cells a side, where every edge is a piece of its own."""
    velocity, thickness = rough_fields(dx, dy)
    reach = {"velocity_range": 700.0, "thickness_range": 1500.0}
    options = {"factor": FACTOR, "factor_sigma": FACTOR_SIGMA, "smoothing": smoothing}
    made = flux_divergence(velocity, thickness, **options, **reach)
    k = map_scale(CRS, *np.meshgrid(velocity["x"], velocity["y"]))
    half, cell = (2 if smoothing > 1 else 1), np.sqrt(dx * dy)
    for row, column in ((5, 5), (4, 8), (half + 1, half + 1), (11 - half, 11 - half)):
        edges = edges_of(velocity, thickness, k, row, column, half, dx, dy)
        within = slice(row - half, row + half + 1), slice(column - half, column + half + 1)
        area = np.sum(dx * dy / k[within] ** 2)
        net = sum(edge[0] for edge in edges)
        value = made.isel(y=row, x=column)
        assert float(value["flux_divergence"]) == pytest.approx(net / area, rel=1e-9)
        assert float(value["smoothing_length"]) == pytest.approx(np.sqrt(area), rel=1e-9)
        length = cell / k[row, column]
        # of a piece with itself: the mean over all its pairs of places
        places = (np.arange(400) + 0.5) / 400 * length
        gaps = np.abs(places[:, None] - places)
        variance = (net * FACTOR_SIGMA / FACTOR) ** 2
        for name, part in (("velocity_range", 1), ("thickness_range", 2)):
            ratio = np.minimum(gaps / reach[name], 1)
            own = np.mean(1 - 1.5 * ratio + 0.5 * ratio**3)
            for i, one in enumerate(edges):
                for j, other in enumerate(edges):
                    apart = name == "velocity_range" and one[4] != other[4]
                    distance = np.hypot(*(np.subtract(one[3], other[3]) * length))
                    rho = own if i == j else 0.0 if apart else correlation(distance, reach[name])
                    variance += one[part] * other[part] * rho
        assert float(value["flux_divergence_sigma"]) == pytest.approx(np.sqrt(variance) / area, rel=2e-3)
    outside = made["flux_divergence"].values.copy()
    outside[half + 1 : -half - 1, half + 1 : -half - 1] = np.nan
    assert np.isnan(outside).all() and np.isfinite(made["flux_divergence"].values).sum() == (13 - 2 * half - 2) ** 2
