"""ATL03: real granules, rows on demand, the ways a file can be wrong, and the index."""

from __future__ import annotations

import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nunatak.products import GranuleError, atl03, atl03_index, atl03_photons, atl08

ARCTIC, WYOMING = "real/ATL03/ATL03_gt1l_arctic_subset.h5", "real/ATL03/atl03_clip_wyoming_gt1r.h5"
GOLDEN = "golden/photons/ATL03_20181019065445_03150111_006_02.h5"
COLUMNS = ("h_ph", "lat_ph", "lon_ph", "delta_time", "dist_ph_along", "signal_conf_ph", "quality_ph", "weight_ph")


@pytest.fixture
def copy(data, tmp_path):
    """A copy of the made-up granule that a test may break."""
    path = tmp_path / GOLDEN.rpartition("/")[2]
    shutil.copyfile(data(GOLDEN), path)
    path.chmod(0o644)
    return path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (GOLDEN, (315, 1, 11, 6, 6)),
        (ARCTIC, (235, 1, 4, 6, 1)),
        (WYOMING, (150, 15, 0, 6, 1)),
    ],
)
def test_a_granule_says_what_it_is(data, name, said):
    """By its name, by the name its metadata remember, or by its content alone."""
    granule = atl03.read_granule(data(name))
    assert (granule.rgt, granule.cycle, granule.region, granule.release, len(granule.beams)) == said


@pytest.mark.parametrize(("name", "beam", "spot", "n"), [(ARCTIC, "gt1l", 6, 2909), (WYOMING, "gt1r", 2, 6809)])
def test_real_photons_are_the_files_own(data, name, beam, spot, n):
    """All rows, any rows, in blocks of any size: what h5py reads."""
    granule = atl03.read_granule(data(name))
    track = atl03.read_track(granule, beam)
    assert track.n_photons == n
    assert set(track.segments["spot"]) == {spot}
    assert_allclose(track.segments["velocity"], 7090, atol=60)
    with h5py.File(granule.path) as file:
        stored = {column: file[f"{beam}/heights/{column}"][:] for column in COLUMNS}
    columns = atl03.read_photons(track, COLUMNS)
    part = atl03.read_photons(track, COLUMNS, slice(1000, 1234))
    blocks = list(atl03.photon_blocks(track, COLUMNS, size=700))
    for column in COLUMNS:
        assert_array_equal(columns[column], stored[column])
        assert_array_equal(part[column], stored[column][1000:1234])
        assert_array_equal(np.concatenate([b.photons[column] for b in blocks]), stored[column])
    whole = next(atl03.photon_blocks(track, COLUMNS))
    assert_array_equal(np.concatenate([b.segment_index() for b in blocks]), whole.segment_index())
    assert_array_equal(np.bincount(whole.segment_index()), track.segments["segment_ph_cnt"])


def test_a_stretch_begins_and_ends_with_photons(data):
    """Empty segments at its ends are left out; those between stay, and what is not inside is marked."""
    track = atl03.read_track(atl03.read_granule(data(GOLDEN)), "gt1l")
    ids = track.segments["segment_id"]
    stretch = track.stretch((ids >= 450053) & (ids < 450100) & (ids != 450080))
    s = stretch.segments
    assert s["segment_id"][0] == 450065  # 450053 .. 450064 hold no photons
    assert s["inside"].sum() == len(s["inside"]) - 1
    assert (stretch.id_before, stretch.id_after) == (450052, 450100)
    assert stretch.rows.start == track.segments["segment_ph_cnt"][: 450065 - 450000].sum()
    assert track.stretch(np.zeros(len(ids), dtype=bool)).n_photons == 0


def break_file(path, change):
    """Apply a change to a copy."""
    with h5py.File(path, "r+") as file:
        change(file)


def test_one_photon_too_many_in_the_last_count_is_clipped(data, copy):
    """As subsets of NSIDC had it from 2023 to 2025: the beam is read, photon for photon, and says so."""
    beam = "gt2l"
    whole = atl03.read_track(atl03.read_granule(data(GOLDEN)), beam)
    last = int(np.flatnonzero(whole.segments["segment_ph_cnt"])[-1])

    def one_more(file):
        file[f"{beam}/geolocation/segment_ph_cnt"][last] += 1

    break_file(copy, one_more)
    track = atl03.read_track(atl03.read_granule(copy), beam)
    assert_array_equal(track.segments["segment_ph_cnt"], whole.segments["segment_ph_cnt"])
    assert track.note == "segment_ph_cnt counts one photon more than there are; the last count is clipped"
    break_file(copy, one_more)
    with pytest.raises(GranuleError, match=r"gt2l: segment_ph_cnt adds up to"):
        atl03.read_track(atl03.read_granule(copy), beam)


def remove_photons(file, beam, rows):
    """Take photons out of a beam and leave the counts as they are."""
    group = file[f"{beam}/heights"]
    for name in list(group):
        values, attributes = np.delete(group[name][:], rows, axis=0), dict(group[name].attrs)
        del group[name]
        group.create_dataset(name, data=values).attrs.update(attributes)


@pytest.mark.parametrize("place", [-1, -2, 40, 0])
def test_a_missing_photon_is_clipped_from_the_count_that_has_it(data, copy, place):
    """
    The last photon of any segment is missing: the other photons stay in their segments and keep their class.

    The classes of ATL08 are those of the whole granule, so that one is of the photon that is missing.
    """
    beam, partner = "gt2l", data(GOLDEN.replace("ATL03", "ATL08"))
    whole = atl03.read_track(atl03.read_granule(data(GOLDEN)), beam)
    counts, ids = whole.segments["segment_ph_cnt"], whole.segments["segment_id"]
    segment = int(np.flatnonzero(counts)[place])
    missing = int(whole.segments["photon"][segment] + counts[segment] - 1)
    classes = atl08.read_classes(partner, beam)
    further = {"segment_id": ids[segment], "index": counts[segment], "classed": 1}
    classes = replace(classes, **{name: np.append(getattr(classes, name), value) for name, value in further.items()})
    break_file(copy, lambda file: remove_photons(file, beam, missing))
    track = atl03.read_track(atl03.read_granule(copy), beam, fields=("segment_ph_cnt",))
    assert_array_equal(np.flatnonzero(track.segments["segment_ph_cnt"] - counts), [segment])
    assert track.note.endswith("the last count is clipped" if place == -1 else f"segment {ids[segment]} is clipped")
    (kept,) = atl03.photon_blocks(track, ("h_ph",))
    (all_photons,) = atl03.photon_blocks(whole, ("h_ph",))
    assert_array_equal(kept.photons["h_ph"], np.delete(all_photons.photons["h_ph"], missing))
    assert_array_equal(kept.segment_index(), np.delete(all_photons.segment_index(), missing))
    assert_array_equal(atl08.classify(track, classes), np.delete(atl08.classify(whole, classes), missing))
    classes.index[-1] += 1
    with pytest.raises(GranuleError, match="ATL08 lists photon"):
        atl08.classify(track, classes)


def test_a_missing_photon_that_cannot_be_placed_refuses_the_beam(copy):
    """Two segments without enough photons to tell which of them lost one: both are named."""
    beam = "gt2l"

    def thinned(file):
        counts = file[f"{beam}/geolocation/segment_ph_cnt"][:]
        few = counts.copy()
        few[40:42] = 2
        number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        gone = number >= np.repeat(few, counts)
        gone[np.flatnonzero(~gone & (np.repeat(np.arange(counts.size), counts) == 40))[-1]] = True
        file[f"{beam}/geolocation/segment_ph_cnt"][:] = few
        remove_photons(file, beam, np.flatnonzero(gone))

    break_file(copy, thinned)
    with pytest.raises(GranuleError, match=r"gt2l: .* one too many in one of the segments \d+ to \d+; remove it"):
        atl03.read_track(atl03.read_granule(copy), beam)


@pytest.mark.parametrize("group", ["heights", "geolocation"])
def test_beams_without_photons_groups_are_refused(copy, group):
    """A subset of other groups is not empty but to be fetched whole; one beam without them is empty."""

    def drop(file, beams):
        for beam in beams:
            del file[beam][group]

    break_file(copy, lambda file: drop(file, ["gt1l"]))
    assert atl03.read_granule(copy).beams == atl03.BEAMS[1:]
    break_file(copy, lambda file: drop(file, atl03.BEAMS[1:]))
    with pytest.raises(GranuleError, match=rf"none of its beams \(gt1l, .*\) holds {group} .*fetch the whole granule"):
        atl03.read_granule(copy)


def short_of_a_segment(file):
    """Counts that add up to other than the photons."""
    file["gt1l/geolocation/segment_ph_cnt"][3] += 2


def other_product(file):
    """A short_name of another product."""
    file.attrs["short_name"] = "ATL06"


def other_track(file):
    """A track other than the name's."""
    file["orbit_info/rgt"][0] = 12


def drop(name):
    """Without one dataset."""
    return lambda file: file.__delitem__(name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (short_of_a_segment, "segment_ph_cnt adds up to 3496, heights hold 3494"),
        (other_product, "short_name says ATL06"),
        (other_track, "rgt: the name says 315, the file 12"),
        (drop("gt1l/geolocation/segment_dist_x"), "has no 'segment_dist_x'"),
        (drop("gt1l/bckgrd_atlas"), "bckgrd_atlas"),
        (drop("gt1l/heights/h_ph"), "h_ph"),
        (drop("gt1l/heights/lat_ph"), "has no 'lat_ph'"),
    ],
)
def test_broken_granules_are_refused_in_words(copy, change, message):
    """File, group, field and what to do."""
    break_file(copy, change)
    with pytest.raises(GranuleError, match=message):
        atl03.read_photons(atl03.read_track(atl03.read_granule(copy), "gt1l"), COLUMNS)


def test_a_damaged_chunk_is_named(copy):
    """Bytes changed inside a chunk deflated like the product's: the dataset and the file are named."""
    with h5py.File(copy, "r+") as file:
        h_ph = file["gt1l/heights/h_ph"][:]
        del file["gt1l/heights/h_ph"]
        dataset = file.create_dataset("gt1l/heights/h_ph", data=h_ph, chunks=(1000,), compression="gzip")
        info = dataset.id.get_chunk_info(2)
    track = atl03.read_track(atl03.read_granule(copy), "gt1l")
    assert_array_equal(atl03.read_photons(track, ("h_ph",))["h_ph"], h_ph)
    with open(copy, "r+b") as stream:
        stream.seek(info.byte_offset + info.size // 2)
        stream.write(bytes(range(64)))
    with pytest.raises(GranuleError, match=r"gt1l/heights/h_ph: damaged chunk"):
        atl03.read_photons(track, ("h_ph",))
    assert len(atl03.read_photons(track, ("h_ph",), slice(0, 2000))["h_ph"]) == 2000


def test_a_truncated_granule_is_refused(copy):
    """Cut in half it is not readable, and said so."""
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])
    with pytest.raises(GranuleError, match="fetch it again"):
        atl03.read_granule(copy)


def test_release_003_has_no_quality_and_fills_become_nan(copy):
    """quality_ph and weight_ph may be absent; a fill in h_ph is NaN."""

    def change(file):
        del file["gt1l/heights/quality_ph"], file["gt1l/heights/weight_ph"]
        file["gt1l/heights/h_ph"][5] = 3.4028235e38

    break_file(copy, change)
    columns = atl03.read_photons(atl03.read_track(atl03.read_granule(copy), "gt1l"), COLUMNS)
    assert not {"quality_ph", "weight_ph"} & set(columns)
    assert np.flatnonzero(np.isnan(columns["h_ph"])).tolist() == [5]


def test_photons_of_another_time_are_left_out_and_counted(copy):
    def change(file):
        times = file["gt1l/heights/delta_time"]
        times[2], times[3], times[4] = -1.0, times[3] + 1.5, times[4] - 0.5

    before = atl03.read_photons(atl03.read_track(atl03.read_granule(copy), "gt1l"), COLUMNS)["h_ph"]
    break_file(copy, change)
    track = atl03.read_track(atl03.read_granule(copy), "gt1l")
    (block,) = atl03.photon_blocks(track, COLUMNS)
    assert np.flatnonzero(np.isnan(block.photons["h_ph"]) & ~np.isnan(before)).tolist() == [2, 3]
    assert track.left_out == {"photons more than 1 s from their segments": 2}
    with h5py.File(copy, "a") as file:
        file["gt1l/heights/delta_time"][:] += 86400
    with pytest.raises(GranuleError, match=r"3494 of 3494 are photons more than 1 s from their segments"):
        list(atl03.photon_blocks(track, COLUMNS))


def test_photons_read_one_by_one_are_those_of_the_whole(copy):
    """A block of one photon, at the ends of segments and chunks, and of one that cannot be, which refuses its block."""

    def change(file):
        file["gt1l/heights/delta_time"][3] += 1.5

    break_file(copy, change)
    track = atl03.read_track(atl03.read_granule(copy), "gt1l")
    (whole,) = atl03.photon_blocks(track, COLUMNS)
    ends = np.cumsum(track.segments["segment_ph_cnt"])[:30:3]
    for i in {0, 1, 2, 4, 999, 1000, track.n_photons - 1, *(ends - 1), *ends} - {3}:
        columns, left_out = atl03_photons.read(track, COLUMNS, slice(i, i + 1))
        assert not left_out
        for name in COLUMNS:
            assert_array_equal(columns[name], whole.photons[name][i : i + 1])
    with pytest.raises(GranuleError, match="1 of 1 are photons more than 1 s from their segments"):
        atl03_photons.read(track, COLUMNS, slice(3, 4))
    assert np.isnan(atl03_photons.read(track, COLUMNS, slice(2, 4))[0]["h_ph"]).tolist() == [False, True]


def test_speeds_that_no_orbit_has_are_missing_and_counted(copy):
    def change(file):
        file["gt1l/geolocation/velocity_sc"][3] = [0.0, 70.0, 0.0]
        file["gt1l/geolocation/velocity_sc"][5] = [7e6, 0.0, 0.0]

    assert not np.isnan(atl03.read_track(atl03.read_granule(copy), "gt1l").segments["velocity"]).any()
    break_file(copy, change)
    track = atl03.read_track(atl03.read_granule(copy), "gt1l")
    assert np.flatnonzero(np.isnan(track.segments["velocity"])).tolist() == [3, 5]
    assert "1 velocity_sc beyond -9000 .. 9000" in track.note
    assert "1 velocity_sc of a speed beyond 5000 .. 9000 m/s" in track.note


def test_release_007_weights_keep_their_width(copy):
    """weight_ph is uint16 there."""

    def change(file):
        n = len(file["gt1l/heights/weight_ph"])
        del file["gt1l/heights/weight_ph"]
        file["gt1l/heights/weight_ph"] = np.full(n, 40000, "u2")

    break_file(copy, change)
    columns = atl03.read_photons(atl03.read_track(atl03.read_granule(copy), "gt1l"), ("weight_ph",))
    assert columns["weight_ph"].max() == 40000


def test_index_has_true_bounds_and_a_line_per_beam(data, tmp_path):
    """Bounds are those of all segments; the file reads back; broken files are listed, not lost."""
    bad = tmp_path / "ATL03_20181019065445_03150111_006_01.h5"
    bad.write_bytes(b"\x89HDF\r\n\x1a\n")
    table, failed = atl03_index.index([data(GOLDEN), data(ARCTIC), bad])
    assert len(table) == 7 and len(failed) == 1 and failed[0][0] == bad
    arctic = table[table["beam"] == "gt1l"].iloc[1]
    with h5py.File(data(ARCTIC)) as file:
        lon, lat = (file[f"gt1l/geolocation/reference_photon_{c}"][:] for c in ("lon", "lat"))
    assert_allclose(
        (arctic.west, arctic.south, arctic.east, arctic.north), (lon.min(), lat.min(), lon.max(), lat.max())
    )
    assert (arctic.n_photons, arctic.rgt, arctic.cycle, arctic.spot) == (2909, 235, 1, 6)
    assert str(arctic.time_start)[:19] == "2018-10-14T00:26:50".replace("T", " ")
    atl03_index.write_index(table, tmp_path / "index.parquet")
    back = atl03_index.read_index(tmp_path / "index.parquet")
    assert (back["geometry"] == table["geometry"]).all()
    assert list(back.columns) == list(atl03_index.COLUMNS)


def test_index_lines_are_cut_at_the_antimeridian():
    """A track from 179 to -179: two pieces, west > east."""
    lon = np.linspace(179, 181, 500)
    lon = (lon + 180) % 360 - 180
    west, east = atl03_index._west_east(lon)
    assert (round(west), round(east)) == (179, -179)
    line = atl03_index._line(lon, np.linspace(70, 71, 500))
    assert len(line.geoms) == 2
    assert line.bounds[0] >= -180 and line.bounds[2] <= 180
    assert_allclose(line.length, np.hypot(2, 1), rtol=1e-3)
