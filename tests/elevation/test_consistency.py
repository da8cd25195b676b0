"""Agreement of products: planes without residual, planted offsets, one beam and two, stated errors, real Iceland."""

import numpy as np
import pandas as pd
import pyproj
import pytest
from numpy.testing import assert_allclose
from tests.builders.studies import grid, height_change, surface

from nunatak.elevation import (
    against_grid,
    points_against_surface,
    rate_map,
    residuals_by_slope,
    segments_against_points,
)
from nunatak.elevation.rate_map import residuals_to_other_tracks
from nunatak.geometry.grid import Grid
from nunatak.times import from_decimal_year

N, E = 111_680.0, 19_950.0  # m per degree at 79.7 N, about


def pair_of(slope_north=-0.02, slope_east=0.01, *, offset=0.0, sigma=0.02, seed=0, n=400):
    """Reference points on a plane along a meridian and the two beams 45 m to either side."""
    rng = np.random.default_rng(seed)
    ids = 1000 + 3 * np.arange(n)
    latitude = 79.7 + 60.0 * np.arange(n) / N
    h = 500 + slope_north * (latitude - 79.7) * N
    points = pd.DataFrame(
        {
            "rgt": 548,
            "pair": "pt2",
            "cycle": 3,
            "ref_pt": ids,
            "latitude": latitude,
            "longitude": 25.0,
            "y_atc": 0.0,
            "time": np.datetime64("2019-05-04", "ns"),
            "h_corr": h + sigma / 2 * rng.standard_normal(n),
            "h_corr_sigma": sigma / 2,
            "n_slope": slope_north,
            "e_slope": slope_east,
        }
    )
    beams = []
    for beam, y in (("gt2l", 45.0), ("gt2r", -45.0)):  # northward flight: left is west
        beams.append(
            pd.DataFrame(
                {
                    "rgt": 548,
                    "cycle": 3,
                    "beam": beam,
                    "segment_id": ids,
                    "latitude": latitude,
                    "longitude": 25.0 - y / E,
                    "y_atc": y,
                    "h_li": h - slope_east * y + offset + sigma * rng.standard_normal(n),
                    "h_li_sigma": sigma,
                }
            )
        )
    return pd.concat(beams, ignore_index=True), points


@pytest.mark.parametrize("beams", [["gt2l", "gt2r"], ["gt2l"], ["gt2r"]])
def test_beams_are_moved_to_the_point(beams):
    """A slope of 1 % across the track is 0.45 m at a beam: nothing of it is left, whichever beams there are."""
    segments, points = pair_of(offset=0.3)
    found = segments_against_points(segments[segments.beam.isin(beams)], points)
    assert len(found) == 400 and (found.beams == len(beams)).all()
    assert_allclose(found.residual.median(), 0.3, atol=0.005)
    z = (found.residual - 0.3) / found.sigma
    assert 0.9 < z.std() < 1.1


def test_passes_flown_beside_the_points_are_not_compared():
    """Cycle 1 lies 1671 m beside: one beam or two, the plane would be drawn out to the point from far away."""
    segments, points = pair_of()
    beside = segments.assign(y_atc=segments.y_atc + 1671.0)
    assert not len(segments_against_points(beside, points))
    assert not len(segments_against_points(beside[beside.beam == "gt2l"], points))
    assert len(segments_against_points(segments.assign(y_atc=segments.y_atc + 60.0), points)) == len(points)


def test_nothing_in_common():
    segments, points = pair_of()
    for other in (points.assign(cycle=4), points.assign(pair="pt1"), points.assign(rgt=1), points.iloc[:0]):
        assert not len(segments_against_points(segments, other))


def heights_on(h, year=2019.6, n=50):
    place = grid()
    rng = np.random.default_rng(0)
    x, y = rng.uniform(place.left, place.left + 20e3, n), rng.uniform(place.top - 20e3, place.top, n)
    return pd.DataFrame(
        {
            "rgt": 548,
            "pair": "pt2",
            "cycle": 3,
            "ref_pt": np.arange(n),
            "x": x,
            "y": y,
            "time": from_decimal_year(year),
            "h_corr": h,
            "h_corr_sigma": 0.1,
            "n_slope": 0.01,
            "e_slope": 0.0,
        }
    )


def test_surface_moved_in_time():
    """-1 m/yr from 500 m at 2020.0: 500.4 m at 2019.6, though no epoch lies there."""
    found = points_against_surface(heights_on(500.4), surface(500.0), height_change(-1.0))
    assert len(found) == 50
    assert_allclose(found.residual, 0.0, atol=0.01)
    assert_allclose(found.sigma, np.sqrt(0.1**2 + 0.5**2 + 0.1**2))


def test_times_outside_the_epochs_are_left_out():
    assert not len(points_against_surface(heights_on(500.0, 2018.0), surface(500.0), height_change(-1.0)))
    assert not len(points_against_surface(heights_on(500.0, 2025.0), surface(500.0), height_change(-1.0)))


def test_classes_of_slope():
    table = pd.DataFrame({"slope": [0.005, 0.005, 0.03, 0.5], "residual": [0.1, 0.3, -1.0, 9.0], "sigma": 0.1})
    found = residuals_by_slope(table)
    assert found.n.tolist() == [2, 1, 1, 4] and found.slope_low.tolist() == [0.0, 0.02, 0.2, 0.0]
    assert_allclose(found["median"], [0.2, -1.0, 9.0, 0.2])
    steep = residuals_by_slope(table.assign(slope=[0.005, 0.02, 5.0, np.nan]), edges=(0.0, 0.02, 1.0))
    assert steep.n.tolist() == [1, 1, 4], "an edge belongs to the steeper class, beyond the last is none"
    assert_allclose(found.nmad.iloc[0], 1.4826 * 0.1)


def rates_of_tracks(rate=lambda x, y: -1.0 + 1e-4 * (x - 1.03e6)):
    """Ten tracks 2 km apart over 20 km."""
    rng = np.random.default_rng(4)
    x = np.repeat(1.0305e6 + 2000.0 * np.arange(10), 200)
    y = np.tile(-419e3 + 95.0 * np.arange(200), 10)
    return pd.DataFrame(
        {
            "rgt": np.repeat(np.arange(10) + 1, 200),
            "x": x,
            "y": y,
            "dhdt_sigma": 0.05,
            "dhdt": rate(x, y) + 0.05 * rng.standard_normal(x.size),
        }
    )


def located(table):
    to_lonlat = pyproj.Transformer.from_crs("EPSG:3413", "EPSG:4326", always_xy=True)
    longitude, latitude = to_lonlat.transform(table.x.to_numpy(), table.y.to_numpy())
    return table.assign(longitude=longitude, latitude=latitude)


def test_map_of_points_and_its_error():
    """A gradient of 0.1 m/yr per km comes back on both maps, within the kernel's error."""
    table = located(rates_of_tracks())
    place = Grid("EPSG:3413", 1.030e6, -400e3, 1000.0, 1000.0, 19, 19)
    found = rate_map(table, place)
    x, _ = np.meshgrid(place.x, place.y)
    truth = -1.0 + 1e-4 * (x - 1.03e6)
    inner = (slice(4, 15), slice(4, 15))
    z = (found.dhdt.values - truth)[inner] / found.dhdt_sigma.values[inner]
    assert np.mean(np.abs(z) < 3) > 0.99
    seen = found["count"].values > 0
    assert_allclose(found.dhdt_median.values[seen], truth[seen], atol=0.15)
    assert np.isnan(found.dhdt_median.values[~seen]).all()
    difference = against_grid(table, place.x, place.y, truth)
    assert abs(np.nanmedian(difference)) < 0.01


def test_bad_track_shows_against_the_others():
    table = rates_of_tracks()
    table.loc[table.rgt == 4, "dhdt"] += 1.0
    residual = residuals_to_other_tracks(table)
    medians = pd.Series(residual).groupby(table.rgt).median()
    assert medians.abs().idxmax() == 4 and medians[4] > 0.8


def test_points_without_rates_make_an_empty_map():
    table = located(rates_of_tracks()).assign(dhdt=np.nan)
    found = rate_map(table, Grid("EPSG:3413", 1.03e6, -400e3, 1000.0, 1000.0, 5, 5))
    assert found.dhdt.isnull().all() and found.dhdt_median.isnull().all() and not found["count"].any()
    assert residuals_to_other_tracks(table.iloc[:0]).size == 0
