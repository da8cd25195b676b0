"""The facade: areas, tracks, statuses, callbacks, and what is refused."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from nunatak import api
from nunatak.files.streams import ParquetStream
from nunatak.photons import ParameterError, photons_from_arrays, surface_percentiles
from nunatak.products import GranuleError
from nunatak.runtime import NunatakError

GOLDEN = "golden/photons/ATL03_20181019065445_03150111_006_02.h5"
REQUEST = {"srt": 3, "cnf": 1, "ats": 20.0, "cnt": 10, "len": 40.0, "res": 20.0, "maxi": 6}
BOX = [(-65.957, -80.77), (-65.95, -80.77), (-65.95, -80.755), (-65.957, -80.755)]


@pytest.fixture
def copy(data, tmp_path):
    """A copy of the granule that a test may break."""
    path = tmp_path / GOLDEN.rpartition("/")[2]
    shutil.copyfile(data(GOLDEN), path)
    path.chmod(0o644)
    return path


def status(table):
    """beam -> (status, reason)."""
    return {s["beam"]: (s["status"], s["reason"]) for s in table.attrs["status"]}


def test_a_polygon_cuts_by_segments(data):
    """Only segments whose reference photon lies inside; the same from a polygon and from a region."""
    table = api.atl06sr(data(GOLDEN), {**REQUEST, "poly": [{"lon": x, "lat": y} for x, y in BOX]})
    assert 300 < len(table) < 600
    assert table["latitude"].between(-80.7702, -80.7548).all()
    by_region = api.atl06sr(data(GOLDEN), REQUEST, region={"bbox": [-65.957, -80.77, -65.95, -80.755]})
    pd.testing.assert_frame_equal(table, by_region)


def test_a_polygon_that_touches_nothing_is_empty_and_says_so(data):
    """All columns, no rows, a reason for every beam."""
    table = api.atl06sr(data(GOLDEN), {**REQUEST, "poly": [(0, 0), (1, 0), (1, 1)]})
    assert len(table) == 0 and "h_mean" in table
    assert set(status(table).values()) == {("outside", "no segment with photons in the area (and spots) asked for")}


@pytest.mark.parametrize(
    ("more", "beams"),
    [
        ({"track": 1}, {"gt1l", "gt1r"}),
        ({"beams": ["gt2r"]}, {"gt2r"}),
        ({"spots": [1, 3]}, {"gt3r", "gt2r"}),
        ({"beams": [10, 60]}, {"gt1l", "gt3r"}),
    ],
)
def test_tracks_beams_and_spots(data, more, beams):
    """Forward orientation: spot 1 is gt3r."""
    assert set(api.atl06sr(data(GOLDEN), {**REQUEST, **more})["beam"]) == beams


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"rgt": 316}, "rgt is 315"),
        ({"cycle": 2}, "cycle is 1"),
        ({"region": 3}, "region is 11"),
        ({"granule": {"rgt": 1}}, "rgt is 315"),
        ({"granule": {"version": "007"}}, "release is 6"),
        ({"t0": "2019-01-01"}, "outside t0"),
        ({"t1": "2018-01-01"}, "outside t0"),
        ({"cnf": 4, "quality_ph": 7}, "none of"),
        ({"cnt": 5000}, "no extent is valid"),
    ],
)
def test_what_is_not_there_is_empty_with_a_reason(data, more, reason):
    """Another granule, another time, a selection that nothing passes."""
    table = api.atl06sr(data(GOLDEN), {**REQUEST, **more})
    expected = "outside" if reason.startswith("outside") else "empty"
    assert len(table) == 0
    assert all(s == expected and reason in why for s, why in status(table).values())
    assert len(api.atl06sr(data(GOLDEN), {**REQUEST, "rgt": 315, "cycle": 1, "region": 11})) == 838


def test_one_broken_beam_is_failed_the_others_stay(copy, caplog):
    """A flag that cannot be fails its beam, with a warning and a status; the rest of the granule is there."""
    with h5py.File(copy, "r+") as file:
        file["gt2l/heights/signal_conf_ph"][7, 3] = 9
        del file["gt3l"]
    with caplog.at_level(logging.WARNING, logger="nunatak"):
        table = api.atl06sr(copy, REQUEST)
    found = status(table)
    assert found["gt2l"][0] == "failed" and "signal_conf_ph is 9 at photon 7" in found["gt2l"][1]
    assert found["gt3l"] == ("empty", "the granule has no photons of this beam")
    assert set(table["beam"]) == {"gt1l", "gt1r", "gt2r", "gt3r"}
    assert "gt2l failed" in caplog.text
    with h5py.File(copy, "r+") as file:
        for beam in ("gt1l", "gt1r", "gt2r", "gt3r"):
            file[f"{beam}/heights/signal_conf_ph"][7, 3] = 9
    with pytest.raises(GranuleError, match="signal_conf_ph is 9"):
        api.atl06sr(copy, REQUEST)


def test_without_background_the_fit_still_runs(data, copy):
    """Zero rates: every photon counts as signal, which moves few windows, few photons and hardly a height."""
    plain = api.atl06sr(data(GOLDEN), REQUEST)
    with h5py.File(copy, "r+") as file:
        for beam in ("gt1l", "gt1r", "gt2l", "gt2r", "gt3l", "gt3r"):
            file[f"{beam}/bckgrd_atlas/bckgrd_rate"][:] = 0
    table = api.atl06sr(copy, REQUEST)
    assert len(table) == 838 and np.isfinite(table["h_mean"]).all()
    off = np.abs(table["h_mean"] - plain["h_mean"])
    other = table["w_surface_window_final"] != plain["w_surface_window_final"]
    assert 0.05 < other.mean() < 0.2 and (off == 0).mean() > 0.9 and off.quantile(0.99) < 0.2 and off.max() < 1.1


def test_classes_need_atl08(data):
    """Asked for without the granule: said so."""
    with pytest.raises(ParameterError, match="give the ATL08 granule too"):
        api.atl06sr(data(GOLDEN), {**REQUEST, "atl08_class": 1})
    with pytest.raises(NunatakError, match="1 granules for 2 of ATL03"):
        api.atl06sr([data(GOLDEN)] * 2, REQUEST, [data(GOLDEN)])


def test_ancillary_fields_come_along(data):
    """A constant stays itself through the fit; the geolocation's time becomes the extent's."""
    fields = {
        "atl03_geo_fields": ["solar_elevation", "segment_dist_x"],
        "atl03_bckgrd_fields": "bckgrd_rate",
        "atl03_ph_fields": ["dist_ph_across"],
    }
    table = api.atl06sr(data(GOLDEN), {**REQUEST, **fields})
    np.testing.assert_allclose(table["solar_elevation"], 12.5, rtol=1e-9)
    np.testing.assert_allclose(table["dist_ph_across"], table["y_atc"], atol=1e-6)
    assert (table["segment_dist_x"] - table["x_atc"] + 10).abs().median() < 3
    assert table["bckgrd_rate"].between(0, 4e6).mean() > 0.95


def test_percentile_surfaces(data):
    """Ground only: its 98th percentile lies above its median, and both near the fitted height."""
    atl08_path = data(GOLDEN.replace("ATL03", "ATL08"))
    surfaces = api.atl06sr(data(GOLDEN), {"srt": 3, "cnf": 0, "als": {}}, atl08_path)
    assert (surfaces["top_of_surface"] > surfaces["median_ground"]).mean() > 0.99
    heights = api.atl06sr(data(GOLDEN), {**REQUEST, "cnf": 0, "atl08_class": 1}, atl08_path)
    assert abs(surfaces["median_ground"].median() - heights["h_mean"].median()) < 1.0
    assert len(surfaces) > 700


def test_percentile_surfaces_are_percentiles():
    """Two extents by hand: one of ground, one where the top of canopy counts; positions are means."""
    x = np.r_[np.linspace(0, 19, 20), np.linspace(20, 39, 20)]
    h = np.r_[np.arange(20.0), np.arange(20.0) + 100]
    cloud = photons_from_arrays(x, h)
    classed = np.r_[np.ones(20), np.ones(10), np.full(10, 3)].astype("u1")
    cloud = replace(cloud, photons={**cloud.photons, "atl08_class": classed})
    table = surface_percentiles(cloud, {"cnf": 0, "cnt": 5, "len": 20.0, "res": 20.0, "als": {}})
    np.testing.assert_allclose(table["top_of_surface"], [np.quantile(h[:20], 0.98), np.quantile(h[30:], 0.98)])
    np.testing.assert_allclose(table["median_ground"], [9.5, 104.5])
    np.testing.assert_allclose(table["x_atc"], [9.5, 29.5])
    assert (table["pflags"] == 0).all()
    few = surface_percentiles(cloud, {"cnf": 0, "cnt": 15, "len": 20.0, "res": 20.0, "als": {}})
    assert few["pflags"].tolist() == [0, 2] and np.isnan(few["median_ground"][1])


def test_a_callback_gets_everything_and_nothing_is_returned(data, tmp_path):
    """A stream to Parquet holds the rows of both calls; the name appears only when all is written."""
    paths = [data(GOLDEN), data(GOLDEN)]
    target = tmp_path / "a.parquet"
    with ParquetStream(target) as sink:
        assert api.atl06sr(paths, REQUEST, callback=sink) is None
        assert not target.exists()
    assert target.exists() and sink.rows == 2 * 838
    table = pd.read_parquet(target)
    whole = api.atl06sr(paths, REQUEST)
    assert len(table) == len(whole) == 1676 and len(whole.attrs["status"]) == 12
    np.testing.assert_array_equal(table["h_mean"], whole["h_mean"])
    np.testing.assert_array_equal(table["beam"], whole["beam"].astype(str))
    np.testing.assert_array_equal(table["time"], whole["time"])
    assert table["granule_id"][0] == "ATL03_20181019065445_03150111_006_02"
    assert pq.read_schema(target).field("h_mean").metadata[b"units"] == b"m"
    seen = []
    api.atl06sr(paths, REQUEST, callback=lambda *call: seen.append((call[0], len(call[1]), *call[2:])))
    assert seen == [(paths[0].name, 838, 1, 2), (paths[1].name, 838, 2, 2)]


def test_a_stream_that_fails_leaves_nothing(tmp_path):
    """An error inside, other columns, or no table at all: no file, no temporary file."""
    table = pd.DataFrame({"h_mean": [1.0]})
    with pytest.raises(NunatakError, match="other columns"), ParquetStream(tmp_path / "b.parquet") as sink:
        sink("a.h5", table, 1, 2)
        sink("b.h5", table.assign(x=1), 2, 2)
    with pytest.raises(NunatakError, match="nothing was written"), ParquetStream(tmp_path / "c.parquet"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_heights_above_the_geoid(data):
    """EGM08 takes the granule's geoid off; the frame of another release is refused."""
    path = data("real/ATL03/atl03_clip_wyoming_gt1r.h5")
    above, below = (api.atl06sr(path, {"cnf": 3, "cnt": 5, "datum": d}) for d in ("unspecified", "EGM08"))
    with h5py.File(path) as file:
        geoid = file["gt1r/geophys_corr/geoid"][:].mean()
    np.testing.assert_allclose(above["h_mean"] - below["h_mean"], geoid, atol=0.05)
    assert len(api.atl06sr(path, {"cnf": 3, "cnt": 5, "datum": "ITRF2014"})) == len(above)
    with pytest.raises(ParameterError, match="is in ITRF2014, not ITRF2020"):
        api.atl06sr(path, {"datum": "ITRF2020"})


def test_a_mask_of_cells(data):
    """A mask that covers the polygon's box gives the segments of its cells."""
    area = {"type": "Polygon", "coordinates": [[*BOX, BOX[0]]]}
    table = api.atl06sr(data(GOLDEN), {**REQUEST, "region_mask": {"geojson": area, "cellsize": 0.001}})
    assert 300 < len(table) < 600
    assert table["latitude"].between(-80.772, -80.753).all()


@pytest.mark.parametrize("profile", ["legacy", "xseries", "anchored"])
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("real/ATL03/ATL03_gt1l_arctic_subset.h5", 10.0, 13.0),
        ("real/ATL03/atl03_clip_wyoming_gt1r.h5", 2300.0, 2600.0),
    ],
)
def test_real_granules_give_heights(data, name, profile, low, high):
    """Both real ATL03 files; the Arctic one has a gap of 400 km between two pieces of ice."""
    table = api.atl06sr(data(name), {"profile": profile, "cnf": 3, "cnt": 5})
    assert len(table) >= 3
    good = table[table["pflags"] == 0]
    assert good["h_mean"].between(low, high).all()
    assert (good["h_sigma"] < 1).all()
    assert status(table)[table["beam"][0]][0] == "present"
    spans = table["x_atc"].diff().dropna()
    assert (spans > 0).all() and (spans > 1000).sum() == ("arctic" in name)
