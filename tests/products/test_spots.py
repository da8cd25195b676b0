"""Spots of the laser: which beams are strong, as orientation and beam say, and what is said where they do not."""

import h5py
import numpy as np
import pytest
from tests.builders.studies import write_atl06

from nunatak.products import hdf5, spots


def spots_of(path, beam, seconds):
    with hdf5.open_granule(path) as file:
        start = file[f"{beam}/land_ice_segments/delta_time"][0]
        return spots.spots(file, beam, start + np.asarray(seconds))


@pytest.mark.parametrize(("orient", "gt1l", "gt3r"), [(0, 1, 6), (1, 6, 1)])
def test_strong_is_left_backward_and_right_forward(tmp_path, orient, gt1l, gt3r):
    path = write_atl06(tmp_path / "a.h5", turns=((0.0, orient),))
    assert spots_of(path, "gt1l", [0.0])[0] == gt1l
    assert spots_of(path, "gt3r", [0.0])[0] == gt3r
    assert spots.is_strong(spots_of(path, "gt1l", [0.0])[0]) == (orient == 0)


def test_spot_follows_a_turn_inside_the_granule(tmp_path):
    """Backward, then turning, then forward: gt2l is spot 3, unknown, spot 4."""
    path = write_atl06(tmp_path / "a.h5", turns=((0.0, 0), (10.0, 2), (20.0, 1)))
    spot, note = spots_of(path, "gt2l", [0.0, 12.0, 30.0])
    np.testing.assert_array_equal(spot, [3, 0, 4])
    assert note == ""


def test_orientations_count_from_their_times_whatever_their_order(tmp_path):
    """
    The same two turns are written down latest first.

    Before the first time, the first orientation holds.
    """
    path = write_atl06(tmp_path / "a.h5", turns=((20.0, 1), (10.0, 2), (0.0, 0)))
    np.testing.assert_array_equal(spots_of(path, "gt2l", [-5.0, 0.0, 12.0, 30.0])[0], [3, 3, 0, 4])


@pytest.mark.parametrize("text_arrays", [False, True])
def test_beam_attribute_stands_in_for_a_missing_orientation(tmp_path, text_arrays):
    path = write_atl06(tmp_path / "a.h5", orbit=False, text_arrays=text_arrays)
    np.testing.assert_array_equal(spots_of(path, "gt1l", [0.0])[0], [6])


def test_contradicting_beam_attribute_is_noted(tmp_path):
    path = write_atl06(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        file["gt1l"].attrs["atlas_spot_number"] = np.bytes_("1")
    spot, note = spots_of(path, "gt1l", [0.0])
    assert spot == 6
    assert note == "atlas_spot_number 1 contradicts sc_orient (spot 6); sc_orient is followed"


def with_orientations(path, values):
    with h5py.File(path, "a") as file:
        del file["orbit_info/sc_orient"]
        file["orbit_info/sc_orient"] = values
    return path


@pytest.mark.parametrize("values", [np.array([7], "i1"), [b"7"]])
def test_what_is_no_orientation_is_told_and_the_beam_asked(tmp_path, values):
    path = with_orientations(write_atl06(tmp_path / "a.h5"), values)
    spot, note = spots_of(path, "gt1l", [0.0, 1.0])
    assert spot.tolist() == [6, 6]
    assert note == "sc_orient holds 7, not 0, 1 or 2; atlas_spot_number 6 is followed there"
    with h5py.File(path, "a") as file:
        del file["gt1l"].attrs["atlas_spot_number"]
    spot, note = spots_of(path, "gt1l", [0.0, 1.0])
    assert spot.tolist() == [0, 0] and note.endswith("strong and weak are not known there")


def test_an_odd_orientation_counts_from_its_time_alone(tmp_path):
    """Forward, then 9, then backward: gt2l is spot 4, by its attribute 4, and 3."""
    path = write_atl06(tmp_path / "a.h5", turns=((0.0, 1), (10.0, 2), (20.0, 0)))
    spot, note = spots_of(with_orientations(path, np.array([1, 9, 0])), "gt2l", [0.0, 12.0, 30.0])
    assert spot.tolist() == [4, 4, 3] and note.startswith("sc_orient holds 9,")
