"""What a SlideRule 5.5.0 server computes from a made-up granule pair, and what we compute from it."""

from __future__ import annotations

import json
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nunatak import api
from nunatak.photons import granule_heights
from nunatak.products import atl03

NAME = "ATL03_20181019065445_03150111_006_02.h5"
# float32 columns of the reference, by the size of what they hold
LOOSE = {"dh_fit_dx": 1e-7, "h_sigma": 1e-6, "rms_misfit": 1e-6, "w_surface_window_final": 1e-5, "y_atc": 3e-4}


@pytest.fixture(scope="module")
def golden(data):
    """The folder, the granule and its ATL08."""
    folder = data("golden/photons")
    return folder, folder / NAME, folder / NAME.replace("ATL03", "ATL08")


def request(folder, name, **more):
    """The parameters as they were sent, and the answer in our order."""
    parameters = json.loads((folder / f"{name}.parms.json").read_text())
    answer = pd.read_csv(folder / f"{name}.csv")
    order = ["beam", "x_atc"] if "beam" in answer else ["gt", "segment_id", "x_atc", "time"]
    return {**parameters, **more}, answer.sort_values(order).reset_index(drop=True)


@pytest.mark.parametrize("compat", [False, True])
@pytest.mark.parametrize("name", ["l_rec", "l_atl08"])
def test_legacy_answers_are_those_of_the_server(golden, name, compat):
    """Same rows, flags, counts, segments; heights to a nanometre, times to the server's rounding."""
    folder, atl03_path, atl08_path = golden
    parameters, answer = request(folder, name, profile="legacy", compat=compat)
    table = api.atl06sr(atl03_path, parameters, atl08_path if "atl08" in name else None)
    assert len(table) == len(answer)
    for column in ("rgt", "cycle", "region", "spot", "gt", "segment_id", "pflags", "n_fit_photons", "extent_id"):
        assert_array_equal(table[column].to_numpy("u8"), answer[column].to_numpy("u8"), err_msg=column)
    assert_allclose(table["h_mean"], answer["h_mean"], atol=1e-8, rtol=0)
    assert_allclose(table["latitude"], answer["latitude"], atol=1e-9, rtol=0)
    assert_allclose(table["longitude"], answer["longitude"], atol=1e-9, rtol=0)
    assert_allclose(table["x_atc"], answer["x_atc"], atol=0.5, rtol=0)  # theirs is float32 at 9e6 m
    for column, tolerance in LOOSE.items():
        assert_allclose(table[column], answer[column], atol=tolerance, rtol=0, err_msg=column)
    # theirs adds float64 nanoseconds since 1970, 256 ns apart, over tens of photons
    assert np.abs(table["time"].to_numpy("i8") - answer["time"].to_numpy()).max() < 5000


def test_xseries_with_its_defect_is_that_of_the_server(golden):
    """The background of an extent of 1 m (compat) gives the server's rows; the right length gives others."""
    folder, atl03_path, _ = golden
    parameters, answer = request(folder, "x_rec", compat=True)
    table = api.atl06sr(atl03_path, parameters)
    assert len(table) == len(answer) == 867
    assert_array_equal(table["beam"].astype(str), answer["beam"])
    for column in ("pflags", "n_fit_photons", "segment_id_beg", "photon_start"):
        assert_array_equal(table[column], answer[column], err_msg=column)
    assert_allclose(table["h_mean"], answer["h_mean"], atol=6e-5, rtol=0)  # theirs is float32
    assert_allclose(table["x_atc"], answer["x_atc"], atol=1e-4, rtol=0)
    assert_allclose(table["latitude"], answer["latitude"], atol=1e-9, rtol=0)
    for column, tolerance in LOOSE.items():
        assert_allclose(table[column], answer[column], atol=tolerance, rtol=0, err_msg=column)
    right = api.atl06sr(atl03_path, {**parameters, "compat": False})
    both = right.merge(table, on=["gt", "x_atc"])
    changed = (both["h_mean_x"] - both["h_mean_y"]).abs() > 1e-4
    assert 0.01 < changed.mean() < 0.15


def test_yapc_scores_are_those_of_the_server(golden):
    """Version 3, every photon; and the extents each photon falls into."""
    folder, atl03_path, _ = golden
    parameters = json.loads((folder / "y_v3.parms.json").read_text())
    answer = pd.read_parquet(folder / "y_v3.parquet")
    table = api.atl03s(atl03_path, {**parameters, "profile": "legacy"})
    assert len(table) == len(answer) == 49350
    for beam in atl03.BEAMS:
        ours, theirs = table[table["beam"] == beam], answer[answer["gt"] == beam]
        assert_array_equal(ours["yapc_score"], theirs["yapc_score"])
        assert_array_equal(ours["segment_id"], theirs["extent_segment_id"])
        assert_array_equal(ours["x_atc"].astype("f4"), theirs["x_atc"])
        assert_array_equal(ours["atl03_cnf"], theirs["atl03_cnf"])


@pytest.mark.parametrize("profile", ["legacy", "xseries", "anchored"])
@pytest.mark.parametrize("more", [{}, {"yapc": {"version": 3, "score": 60}}, {"dist_in_seg": True, "len": 2, "res": 1}])
def test_blocks_and_threads_change_nothing(golden, profile, more):
    """A track in blocks of 777 photons on three threads gives the bytes of one in one piece on one."""
    _, atl03_path, _ = golden
    if profile == "xseries" and "dist_in_seg" in more:
        more = {"len": 50.0, "res": 30.0}
    parameters = {"srt": 3, "cnf": 0, "ats": 5.0, "profile": profile, **more}
    granule = atl03.read_granule(atl03_path)
    whole, _ = granule_heights(granule, parameters, threads=1)
    parts, _ = granule_heights(granule, parameters, threads=3, block=777)
    assert len(whole) > 400
    pd.testing.assert_frame_equal(whole, parts, check_exact=True)


def test_photon_start_counts_from_the_first_photon_of_the_area(golden):
    """A polygon that leaves out the beginning of a beam shifts `photon_start` of the x-series by its photons."""
    folder, atl03_path, _ = golden
    parameters, _ = request(folder, "x_rec", compat=True)
    track = atl03.read_track(atl03.read_granule(atl03_path), "gt1l")
    lon, lat = track.segments["reference_photon_lon"], track.segments["reference_photon_lat"]
    counts = track.segments["segment_ph_cnt"]
    first = int(np.flatnonzero(counts)[40])
    edge = lat[first] + 2e-5  # the track goes south
    west, east = np.nanmin(lon) - 0.02, np.nanmax(lon) + 0.02  # narrow: an edge is straight in the polar plane
    poly = [{"lon": x, "lat": y} for x, y in ((west, edge), (east, edge), (east, -82.0), (west, -82.0))]
    table = api.atl06sr(atl03_path, {**parameters, "poly": [*poly, poly[0]], "beams": ["gt1l"]})
    before = int(counts[:first].sum())
    columns = atl03.read_photons(track, ("signal_conf_ph", "quality_ph"))
    selected = (columns["signal_conf_ph"][:, 3] >= 1) & (columns["quality_ph"] == 0)
    assert before > 0
    assert table["photon_start"].iloc[0] == np.flatnonzero(selected[before:])[0]
    assert table["segment_id_beg"].iloc[0] == track.segments["segment_id"][first]
    whole = api.atl06sr(atl03_path, {**parameters, "beams": ["gt1l"]})
    ahead = whole.loc[whole["segment_id_beg"] == table["segment_id_beg"].iloc[-1], "photon_start"]
    assert (ahead.astype("i8") - before - int(table["photon_start"].iloc[-1])).abs().min() < counts.max()


@pytest.mark.parametrize(
    ("dataset", "profile", "off"),
    [("heights/quality_ph", "legacy", {}), ("geolocation/podppd_flag", "xseries", {"podppd": 0})],
)
def test_a_beam_without_a_flag_that_is_filtered_by_fails(golden, tmp_path, dataset, profile, off):
    """Release 006 has both flags, so a subset dropped it: the beam fails and names it, and no photon passes unseen."""
    _, atl03_path, _ = golden
    path = tmp_path / NAME
    shutil.copyfile(atl03_path, path)
    path.chmod(0o644)
    with h5py.File(path, "a") as file:
        del file["gt2l"][dataset]
    table, statuses = granule_heights(atl03.read_granule(path), {"profile": profile})
    status = {s.beam: s for s in statuses}
    assert [beam for beam, s in status.items() if s.status == "failed"] == ["gt2l"]
    assert dataset.rpartition("/")[2] in status["gt2l"].reason and "fetch the whole granule" in status["gt2l"].reason
    assert set(table["beam"]) == set(atl03.BEAMS) - {"gt2l"}
    if off:
        _, statuses = granule_heights(atl03.read_granule(path), {"profile": profile, **off})
        assert {s.status for s in statuses} == {"present"}
