"""Simulated ATL03 and ATL08: physics of the photons, the form of the product, fitted heights against the truth."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nunatak import api
from nunatak.products import atl03 as reader
from nunatak.products import atl08 as classes_reader
from nunatak.simulation import atl03, atl08, photon_cloud, world

REAL = "real/ATL03/ATL03_gt1l_arctic_subset.h5"


@pytest.fixture(scope="module")
def small():
    """The tiny Austfonna with passes of 250 segments (5 km), one cycle."""
    return replace(world("austfonna", "tiny"), settings={"atl03_segments": 250})


@pytest.fixture(scope="module")
def granules(small, tmp_path_factory):
    """The pair of granules of one pass."""
    folder = tmp_path_factory.mktemp("photons")
    (path,) = atl03.write(small, folder, cycles=[3])
    (partner,) = atl08.write(small, folder, cycles=[3])
    return path, partner


def clouds_of(small, **options):
    """beam -> Cloud of the pass."""
    ((run, cycle),) = [pair for pair in atl03.passes(small) if pair[1] == 3]
    return {
        b: photon_cloud.observe(small, run, cycle, b, stretch=250, **options) for b in ("gt1l", "gt1r", "gt2l", "gt2r")
    }


def test_dead_time_kernel_is_its_definition():
    """One channel of one pulse at a time."""
    rng = np.random.default_rng(0)
    pulse = np.sort(rng.integers(0, 60, 500))
    h = rng.normal(0, 0.4, 500)
    order = np.lexsort((-h, pulse))
    pulse, h, channel = pulse[order], h[order], rng.integers(0, 4, 500).astype("u1")
    seen = photon_cloud._alive(pulse, channel, h, 0.45, 4)
    assert_array_equal(seen, photon_cloud.alive_reference(pulse, channel, h, 0.45, 4))
    assert 0.3 < seen.mean() < 0.9


def test_dead_time_raises_the_mean_of_the_return(small):
    """The later half of a pulse is lost more often: a bias of millimetres that the switch takes away."""
    offsets = {}
    for dead_time in (False, True):
        cloud = clouds_of(small, dead_time=dead_time)["gt2l"]
        near = np.abs(cloud.residual - cloud.pass_bias) < 0.6
        offsets[dead_time] = (cloud.residual[near] - cloud.pass_bias).mean()
    assert abs(offsets[False]) < 0.002
    assert 0.002 < offsets[True] - offsets[False] < 0.008


def test_strong_beams_see_four_times_the_light(small):
    """Signal photons of a strong and its weak beam; background follows the sun and the beam too."""
    pair = clouds_of(small)
    strong, weak = sorted((pair["gt1l"], pair["gt1r"]), key=lambda c: not c.strong)
    assert strong.strong and not weak.strong
    signal = [(np.abs(c.residual) < 1).sum() for c in (strong, weak)]
    assert 3.0 < signal[0] / signal[1] < 5.0
    assert 3.5 < strong.background_rate.mean() / weak.background_rate.mean() < 4.5
    expected = strong.background_rate.mean() * 2 * photon_cloud.WINDOW / 299792458.0 * 250 * 20 / 0.7
    far = (np.abs(strong.residual) > 10).sum() * photon_cloud.WINDOW / (photon_cloud.WINDOW - 20)
    assert_allclose(far, expected, rtol=0.05)


def test_flags_follow_what_the_photons_are(small):
    """Confidence is high at the surface and low away from it, afterpulses lie below it and are flagged."""
    cloud = clouds_of(small)["gt2l"]
    assert (np.abs(cloud.residual[cloud.confidence == 4]) < 1.2).all()
    assert (np.abs(cloud.residual[cloud.confidence == 1]) < 10.2).all()
    assert (cloud.confidence == 4).mean() > 0.4
    after = cloud.quality == 1
    assert 0.002 < after.mean() < 0.02
    assert (cloud.residual[after] < -0.5).mean() > 0.7  # a few follow background photons
    near, far = np.abs(cloud.residual) < 0.5, np.abs(cloud.residual) > 5
    assert np.median(cloud.weight[near]) > 3 * np.median(cloud.weight[far])


def test_sun_over_a_place():
    """Noon at the solstice on the Arctic circle, midnight sun, polar night."""
    at = photon_cloud.solar_elevation
    assert_allclose(at(np.datetime64("2019-06-21T12:00"), 0.0, 66.5), 47, atol=1)
    assert at(np.datetime64("2019-06-21T00:00"), 0.0, 79.7) > 10
    assert at(np.datetime64("2019-12-21T12:00"), 0.0, 79.7) < -10


def test_the_form_is_that_of_real_granules(granules, data):
    """Every dataset of a real beam (but for the signal finder's log), with its type, unit and fill."""
    path, _ = granules
    with h5py.File(data(REAL)) as real, h5py.File(path) as ours:
        assert ours.attrs["nunatak_source"] == b"SIMULATED"
        for group in ("bckgrd_atlas", "geolocation", "geophys_corr", "heights"):
            assert set(ours["gt1l"][group]) >= set(real["gt1l"][group])
            for name, dataset in real["gt1l"][group].items():
                mine = ours["gt1l"][group][name]
                assert mine.dtype == dataset.dtype, name
                assert mine.shape[1:] == dataset.shape[1:], name
                assert mine.attrs["units"] == dataset.attrs["units"], name
                fills = [d.attrs.get("_FillValue") for d in (mine, dataset)]
                assert (fills[0] is None) == (fills[1] is None) and np.all(fills[0] == fills[1]), name
        assert {"ancillary_data", "orbit_info", "METADATA"} <= set(ours)


def test_our_reader_reads_what_the_simulator_saw(small, granules):
    """Identity, photons and their segments come back."""
    granule = reader.read_granule(granules[0])
    assert (granule.rgt, granule.cycle, granule.region, granule.release) == (548, 3, 3, 6)
    cloud = clouds_of(small)["gt1l"]
    track = reader.read_track(granule, "gt1l")
    columns = reader.read_photons(track, ("h_ph", "dist_ph_along", "quality_ph"))
    assert_array_equal(columns["h_ph"], cloud.h)
    assert_array_equal(track.segments["segment_ph_cnt"], cloud.counts)
    segment = np.repeat(np.arange(250), cloud.counts)
    assert_allclose(track.segments["segment_dist_x"][segment] + columns["dist_ph_along"], cloud.x, atol=1e-5)


def test_the_same_granule_twice(small, granules, tmp_path):
    """The same bytes: nothing depends on the time of day or the order of work."""
    (again,) = atl03.write(small, tmp_path, cycles=[3], rgts=[548])
    assert again.name == granules[0].name
    assert again.read_bytes() == granules[0].read_bytes()


@pytest.mark.parametrize("more", [{"preset": "atl06_like"}, {"srt": 3, "cnf": 0, "atl08_class": 1}])
def test_fitted_heights_are_the_truth(small, granules, more):
    """Less the bias of the pass: a centimetre in the median, calibrated errors; and h_te_median from the join."""
    path, partner = granules
    table = api.atl06sr(path, {**more, "profile": "anchored"}, partner)
    z = []
    for beam, cloud in clouds_of(small).items():
        good = table[(table["beam"] == beam) & (table["pflags"] == 0)]
        error = good["h_mean"] - np.interp(good["x_atc"], cloud.node.x_atc, cloud.h_true) - cloud.pass_bias
        assert len(good) > 150
        assert abs(error.median()) < 0.01
        z.append((error - error.median()) / good["h_sigma"])
    z = np.concatenate(z)
    assert 0.8 < 1.4826 * np.median(np.abs(z - np.median(z))) < 1.4


def test_land_segments_are_the_medians_of_their_ground_photons(granules):
    """The simulated ATL08 obeys the law of the real one."""
    path, partner = granules
    granule = reader.read_granule(path)
    track = reader.read_track(granule, "gt2l")
    classed = classes_reader.classify(track, classes_reader.read_classes(partner, "gt2l"))
    photons = next(reader.photon_blocks(track, ("h_ph",)))
    segment_id = track.segments["segment_id"][photons.segment_index()]
    land = classes_reader.read_land_segments(partner, "gt2l")
    assert len(land["segment_id_beg"]) > 30
    for first, last, median in zip(*land.values(), strict=True):
        here = (classed == 1) & (segment_id >= first) & (segment_id <= last)
        assert np.median(photons.photons["h_ph"][here]) == pytest.approx(median, abs=1e-4)
