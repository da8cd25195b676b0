"""Simulated ATL06 granules: the layout of real ones, and errors that are what they say."""

import h5py
import numpy as np
import pyproj
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from nunatak import granules
from nunatak.products.atl06 import read_segments
from nunatak.simulation import atl06, atl06_segments, orbit, world

REAL = "real/ATL06/processed_ATL06_20190420093051_03380303_005_01.h5"


@pytest.fixture(scope="module")
def place():
    return world("austfonna", "tiny")


@pytest.fixture(scope="module")
def paths(place, tmp_path_factory):
    return atl06.write(place, tmp_path_factory.mktemp("atl06"))


@pytest.fixture(scope="module")
def beams(place):
    (run,) = orbit.passes(place.track_bbox, rgts=[548])
    return {
        (cycle, beam): atl06_segments.observe(place, run, cycle, beam) for cycle in (3, 7) for beam in ("gt1l", "gt2r")
    }


def tree(group):
    """path -> dataset, below a group."""
    found = {}
    group.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    return found


def text(value):
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize("group", ["gt1l", "orbit_info", "ancillary_data"])
def test_layout_is_that_of_a_real_granule(data, paths, group):
    """Same datasets, types, fills, units, chunks and compression as release 005."""
    with h5py.File(data(REAL)) as real, h5py.File(paths[0]) as ours:
        expected, found = tree(real[group]), tree(ours[group])
        assert set(found) == set(expected)
        for name, theirs in expected.items():
            mine = found[name]
            assert mine.dtype == theirs.dtype, name
            assert mine.ndim == theirs.ndim, name
            assert text(mine.attrs.get("units")) == text(theirs.attrs.get("units")) or name == "control", name
            fill, real_fill = mine.attrs.get("_FillValue"), theirs.attrs.get("_FillValue")
            assert (fill is None) == (real_fill is None), name
            if fill is not None:
                assert np.array_equal(np.ravel(fill), np.ravel(real_fill)), name
            assert text(mine.attrs.get("flag_meanings")) == text(theirs.attrs.get("flag_meanings")), name
            if name.startswith(("land_ice_segments", "segment_quality")):
                assert mine.chunks == theirs.chunks == (10000,) and mine.compression == theirs.compression == "gzip", (
                    name
                )
                for key in ("contentType", "long_name", "coordinates"):
                    assert mine.attrs[key] == theirs.attrs[key], (name, key)


def test_groups_and_beam_attributes_are_those_of_a_real_granule(data, paths):
    """Top level, METADATA, the attributes of a beam; all text is bytes."""
    with h5py.File(data(REAL)) as real, h5py.File(paths[0]) as ours:
        assert set(ours) == set(real) | {f"gt{n}{s}" for n in "123" for s in "lr"}
        assert set(ours["gt1l"].attrs) == set(real["gt1l"].attrs)
        assert set(ours["METADATA"]) <= set(real["METADATA"]) and len(ours["METADATA"]) >= 8
        assert {"short_name", "identifier_product_doi", "time_coverage_start", "granule_type"} <= set(ours.attrs)
        assert all(isinstance(v, bytes | np.generic) for v in ours.attrs.values())
        assert ours.attrs["nunatak_source"] == b"SIMULATED"
        for beam in ("gt1l", "gt1r"):
            spot = int(ours[beam].attrs["atlas_spot_number"])
            orientation = int(ours["orbit_info/sc_orient"][0])
            assert spot == orbit.spot(beam, orientation)
            assert ours[beam].attrs["atlas_beam_type"] == (b"strong" if spot % 2 else b"weak")


def test_the_name_tells_what_is_inside(paths):
    """RGT, cycle, region and time of the name are those of the content."""
    for path in paths:
        name = granules.parse(path.name)
        with h5py.File(path) as file:
            assert file["orbit_info/rgt"][0] == name.rgt == 548
            assert file["orbit_info/cycle_number"][0] == name.cycle
            assert file["ancillary_data/start_region"][0] == name.region_number
            assert text(file["ancillary_data/data_start_utc"][0])[:19] == str(name.time_start)
    assert [granules.parse(p.name).cycle for p in paths] == [3, 7]


def test_xarray_opens_the_groups(paths):
    """Dimension scales are in order: one dimension, delta_time."""
    for group in ("gt1l/land_ice_segments", "gt1l/segment_quality", "gt3r/residual_histogram", "orbit_info"):
        with xr.open_dataset(paths[0], group=group, engine="h5netcdf") as dataset:
            assert not any(str(d).startswith("phony") for d in dataset.dims)
    with xr.open_dataset(paths[0], group="gt1l/land_ice_segments", engine="h5netcdf") as dataset:
        assert dataset.h_li.dims == ("delta_time",)


def test_reader_gets_the_truth_back(place, paths, beams):
    """Heights of the best segments, less the bias of the pass, differ from the truth by the stated sigma."""
    table, statuses = read_segments(paths[0])
    assert [s.status for s in statuses] == ["present"] * 6
    seen = beams[3, "gt1l"]
    part = table[table.beam == "gt1l"].set_index("segment_id")
    assert_allclose(part.h_li.to_numpy(), seen.h_li.astype("f4"))
    assert np.array_equal(part.index, seen.track.segment_id)
    assert part.h_li.isna().any()
    assert set(part.h_li.isna() & (part.atl06_quality_summary == 0)) == {False}


def test_sigma_is_honest(beams):
    """z of the unflagged segments is standard normal about the bias; spikes of tens of metres are all flagged."""
    for seen in beams.values():
        good = seen.flag == 0
        error = (seen.h_li - seen.h_true)[good]
        bias = np.median(error)
        assert abs(bias) < 4 * atl06_segments.TRACK_BIAS
        z = (error - bias) / seen.h_li_sigma[good]
        assert 0.64 < np.mean(np.abs(z) < 1) < 0.73 and np.abs(z).max() < 6
        bad = (seen.h_li - seen.h_true)[~good]
        assert np.nanmax(np.abs(bad)) > 50
        assert 0.03 < np.mean(~good) < 0.15


def test_beams_of_a_pass_share_bias_and_clouds(beams):
    """Segments that one beam lost to cloud are lost to the other, and their bias is the same."""
    a, b = beams[3, "gt1l"], beams[3, "gt2r"]
    bias = [np.median((s.h_li - s.h_true)[s.flag == 0]) for s in (a, b)]
    assert_allclose(bias[0], bias[1], atol=3e-3)
    runs = [np.diff(s.track.segment_id) for s in beams.values()]
    assert any(r.max() > 20 for r in runs), "no cloud gap at all"
    assert all(np.all(r >= 1) for r in runs)


def test_slopes_are_those_of_the_truth(place, beams):
    """dh_fit_dx along the flight and dh_fit_dy to its left, from points 20 m away on the ground."""
    seen = beams[3, "gt1l"]
    project = pyproj.Transformer.from_crs("EPSG:4326", place.crs, always_xy=True).transform
    track = seen.track
    t = 2019.3398

    def height(dx, dy):
        lon, lat, _ = orbit.ground_point(548, track.x_atc + dx, track.y_atc + dy)
        return place.truth.surface(*project(lon, lat), t)

    along = (height(20, 0) - height(-20, 0)) / 40
    left = (height(0, 20) - height(0, -20)) / 40
    assert_allclose(np.median(np.abs(seen.dh_fit_dx - along)), 0.6745 * 0.002, rtol=0.06)
    assert_allclose(np.median(np.abs(seen.dh_fit_dy - left)), 0.6745 * 0.004, rtol=0.06)
    # the signs are the right ones: slopes are larger than their errors
    assert np.median(np.abs(seen.dh_fit_dx + along)) > 2 * np.median(np.abs(seen.dh_fit_dx - along))
    assert abs(left.mean()) > 10 * 0.004 / np.sqrt(left.size)
    assert_allclose(seen.dh_fit_dy.mean(), left.mean(), atol=4 * 0.004 / np.sqrt(left.size))


def test_a_repeat_sees_the_lowering(place, paths):
    """Segments common to two cycles differ by the change of the truth between them."""
    first, second = (read_segments(p)[0] for p in paths)
    keys = ["beam", "segment_id"]
    both = first[first.atl06_quality_summary == 0].merge(
        second[second.atl06_quality_summary == 0], on=keys, suffixes=("", "_2")
    )
    x, y = pyproj.Transformer.from_crs("EPSG:4326", place.crs, always_xy=True).transform(
        both.longitude.to_numpy(), both.latitude.to_numpy()
    )
    expected = place.truth.surface_change(x, y, 2020.334, since=2019.340)
    assert len(both) > 3000
    assert_allclose(np.median(both.h_li_2 - both.h_li - expected), 0.0, atol=0.12)


def test_a_pass_over_the_sea_leaves_no_granule(place, tmp_path):
    """Nothing but water: no file, as in the real archive."""
    run = orbit.Pass(548, 3, 430_000, 430_400)  # 77 N, open sea in this world
    truth = place.truth
    track = orbit.reference_track(548, segment_id=run.segment_id)
    x, y = pyproj.Transformer.from_crs("EPSG:4326", place.crs, always_xy=True).transform(
        track.longitude, track.latitude
    )
    sea = ~truth.ice(x, y) & (truth.bed(x, y) < truth.geoid)
    first = np.flatnonzero(np.convolve(sea, np.ones(60), "valid") == 60)[0]
    run = orbit.Pass(548, 3, int(run.first + first), int(run.first + first + 50))
    assert atl06.write_granule(place, tmp_path, run, 3) is None
    assert list(tmp_path.iterdir()) == []
