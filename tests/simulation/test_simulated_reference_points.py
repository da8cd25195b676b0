"""Simulated ATL11: the layout of a real granule, and rates, crossovers and agreement that give the truth back."""

import h5py
import numpy as np
import pandas as pd
import pyproj
import pytest

from nunatak.elevation import rates, reference_crossovers, segments_against_points
from nunatak.products import atl06, atl11, atl11_crossings
from nunatak.simulation import atl06 as simulated_atl06
from nunatak.simulation import atl11 as simulated_atl11
from nunatak.simulation import orbit, world
from nunatak.simulation.atl11_points import true_heights
from nunatak.times import delta_time_to_utc, utc_to_delta_time

REAL = "real/ATL11/processed_ATL11_135803_0311_004_01.h5"
KEYS = ["rgt", "pair", "ref_pt"]


@pytest.fixture(scope="module")
def place():
    return world("austfonna", "tiny")


@pytest.fixture(scope="module")
def paths(place, tmp_path_factory):
    return simulated_atl11.write(place, tmp_path_factory.mktemp("atl11"))


@pytest.fixture(scope="module")
def heights(place, paths):
    table = pd.concat([atl11.read_heights(path)[0] for path in paths], ignore_index=True)
    to_map = pyproj.Transformer.from_crs("EPSG:4326", place.crs, always_xy=True)
    table["x"], table["y"] = to_map.transform(table.longitude.to_numpy(), table.latitude.to_numpy())
    return table


def tree(group):
    found = {}
    group.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    return found


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def test_layout_is_that_of_a_real_granule(data, paths):
    """Datasets, types, dimensions, units and fills of a pair are those of release 004; no other but polynomials."""
    with h5py.File(data(REAL)) as real, h5py.File(paths[0]) as ours:
        theirs, mine = tree(real["pt1"]), tree(ours["pt1"])
        assert set(theirs) - set(mine) == {"ref_surf/poly_coeffs", "ref_surf/poly_coeffs_sigma"}
        assert set(mine) <= set(theirs)
        for name, item in mine.items():
            assert (item.dtype, item.ndim) == (theirs[name].dtype, theirs[name].ndim), name
            assert text(item.attrs.get("units")) == text(theirs[name].attrs.get("units")), name
            assert ("_FillValue" in item.attrs) == ("_FillValue" in theirs[name].attrs), name
        assert set(ours["pt1"].attrs) <= set(real["pt1"].attrs)
        assert set(ours["orbit_info"]) <= set(real["orbit_info"])


def test_rates_give_the_truth_back(place, heights):
    """99 % of the rates lie within three errors of the line through the truth at the same times."""
    good = heights[heights.quality_summary == 0]
    true = np.empty(len(good))
    for cycle, rows in good.groupby("cycle").indices.items():
        part = good.iloc[rows]
        when = np.full((len(part), 1), utc_to_delta_time(part.time.iloc[0].to_datetime64()))
        true[rows] = true_heights(place, part.x.to_numpy(), part.y.to_numpy(), when)[:, 0]
        assert cycle in range(3, 13)
    found = rates(good, KEYS)
    expected = rates(good.assign(h_corr=true), KEYS)
    # the scale of the misfit belongs to seasons the line does not fit: the plain error is the harder test
    sigma = found.dhdt_sigma / np.sqrt(np.maximum(found.chi2_reduced, 1))
    z = (found.dhdt - expected.dhdt) / np.hypot(sigma, found.dhdt_sigma_systematic)
    assert len(z) > 3000 and np.mean(np.abs(z[np.isfinite(z)]) < 3) >= 0.99
    assert found.dhdt.min() < -2, "the basin sinks"


def test_crossings_within_ten_days_differ_by_their_errors(place, heights, paths):
    """The stated errors are those made: z of the close crossings is of order one."""
    crossings = pd.concat([atl11_crossings.read_crossings(path)[0] for path in paths], ignore_index=True)
    good = crossings[crossings.atl06_quality_summary == 0]
    found = reference_crossovers(heights[heights.quality_summary == 0], good)
    near = found[found.dt_days < 10]
    assert len(near) > 30 and 0.5 < near.z.std() < 1.6
    assert set(found.rgt_1) | set(found.rgt_2) == {526, 548}


def test_atl06_of_the_same_pass_agrees(place, heights, tmp_path):
    """One truth, one bias, one sky: filtered segments and points differ by their errors, and by centimetres at most."""
    segments = pd.concat([atl06.read_segments(path)[0] for path in simulated_atl06.write(place, tmp_path, cycles=[3])])
    best = segments[(segments.atl06_quality_summary == 0) & segments.h_li.notna()]
    found = segments_against_points(best, heights[heights.quality_summary == 0])
    assert len(found) > 1500 and abs(found.residual.median()) < 0.005
    assert 0.9 < (found.residual / found.sigma).std() < 1.2


def test_the_gap_of_april_2022_leaves_a_cycle_empty():
    """RGT 343 was to pass on 14 April 2022, cycle 15."""
    place = world("austfonna", "full")
    when = orbit.node_delta_time(343, 15)
    assert orbit.in_data_gap(delta_time_to_utc(when)) and 343 in place.settings["atl11_tracks"]


def test_a_beam_is_missing_from_one_pass_and_a_cycle_has_its_sides_swapped(tmp_path):
    """RGT 548: gt3r is absent in cycle 11, and strong is left in cycle 3, right in cycle 7."""
    place = world("austfonna", "full")
    run = orbit.passes(place.track_bbox, rgts=[548])[-1]
    tables = {}
    for cycle in (3, 7, 11):
        path = simulated_atl06.write_granule(place, tmp_path, run, cycle)
        tables[cycle], statuses = atl06.read_segments(path)
        assert [s.status == "missing" for s in statuses] == [False] * 5 + [cycle == 11]
    strong = {cycle: set(table[table.spot % 2 == 1].beam) for cycle, table in tables.items()}
    assert strong[3] == {"gt1l", "gt2l", "gt3l"} and strong[7] == {"gt1r", "gt2r", "gt3r"}
