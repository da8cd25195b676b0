"""Top of the surface and median ground of extents, from the photons that `extents` lists, by NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.photons.test_photon_walks import cloud

from nunatak.photons import extents, surface_percentiles


@pytest.fixture(scope="module")
def forest():
    """Photons across the antimeridian of all classes, a third of them unselected."""
    rng = np.random.default_rng(8)
    photons = cloud(rng, n_segments=40, per_segment=12, empty=(7, 8), missing=(20, 21, 22))
    n = len(photons)
    columns = dict(photons.photons)
    columns["atl08_class"] = rng.choice([0, 1, 2, 3, 4], n, p=[0.1, 0.45, 0.2, 0.15, 0.1]).astype("u1")
    columns["lon_ph"] = (179.998 + 1e-5 * np.arange(n) + 180) % 360 - 180
    columns["lat_ph"] = 60 + 1e-5 * np.arange(n)
    columns["dist_ph_across"] = rng.normal(30, 5, n).astype("f4")
    columns["signal_conf_ph"] = np.repeat(rng.choice([0, 3, 4], n).astype("i1")[:, None], 5, axis=1)
    return replace(photons, photons=columns)


@pytest.mark.parametrize("count", [1, 4, 7])
@pytest.mark.parametrize(("top", "middle"), [(0.98, 0.5), (0.6, 0.25)])
def test_surfaces_are_percentiles_of_the_photons_of_each_extent(forest, count, top, middle):
    """Top of canopy first, else canopy, else ground, where a class has enough photons."""
    als = {"max_top_of_surface_percentile": top, "median_ground_percentile": middle}
    parameters = {"srt": 3, "cnf": 2, "len": 50.0, "res": 30.0, "cnt": count, "als": als, "pass_invalid": True}
    table = surface_percentiles(forest, parameters)
    listed = extents(forest, {**parameters, "profile": "xseries", "ats": 0.0, "als": None, "atl08_class": [1, 2, 3]})
    groups = [rows for _, rows in listed.groupby("extent_id", sort=False)]
    assert len(table) == len(groups) > 15
    kinds = set()
    for (_, row), photons in zip(table.iterrows(), groups, strict=True):
        h, classed = photons["height"].to_numpy("f8"), photons["atl08_class"].to_numpy()
        ordered = [h[classed == 3], h[(classed == 2) | (classed == 3)], h[classed == 1]]
        enough = [k for k, values in enumerate(ordered) if values.size >= count]
        kinds.add(enough[0] if enough else -1)
        expected = np.quantile(ordered[enough[0]], top) if enough else np.nan
        assert_allclose(row["top_of_surface"], expected, rtol=1e-6)
        ground = np.quantile(ordered[2], middle) if ordered[2].size >= count else np.nan
        assert_allclose(row["median_ground"], ground, rtol=1e-6)
        few = len(photons) < count or np.isnan([expected, ground]).any()
        assert bool(row["pflags"] & 2) == few
        turned = photons["longitude"].to_numpy() % 360
        places = [(photons["segment_dist"] + photons["x_atc"]).mean(), photons["y_atc"].mean()]
        assert_allclose([row["x_atc"], row["y_atc"]], places, rtol=1e-7)
        assert_allclose(row["latitude"], photons["latitude"].mean(), atol=1e-9)
        assert_allclose(row["longitude"] % 360, turned.mean(), atol=1e-9)
        when = photons["time"].astype("i8")
        assert abs(row["time"].value - when.mean()) < 1000
    assert len(kinds) >= (1 if count == 1 else 2)
    assert_array_equal(table["rgt"], 1)
    assert (table["longitude"] < 0).any() and (table["longitude"] > 0).any()
