"""Granule names read and written; the tables that list granules."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nunatak import granules
from nunatak.constants import N_RGT
from nunatak.files.tables import read_table, write_table
from nunatak.granules import GranuleNameError, bucket, chunk_of, parse
from nunatak.granules import images as images_of

two_digits = st.integers(1, 99).map("{:02d}".format)
release = st.builds("{:03d}_{:02d}".format, st.integers(1, 999), st.integers(1, 99))
times = st.datetimes(min_value=pd.Timestamp(2018, 10, 13), max_value=pd.Timestamp(2040, 1, 1))
stamps = times.map("{:%Y%m%d%H%M%S}".format)
rgts = st.integers(1, N_RGT).map("{:04d}".format)
regions = st.integers(1, 14).map("{:02d}".format)
cycles = st.tuples(st.integers(1, 99), st.integers(1, 99)).map(sorted).map(lambda pair: "{:02d}{:02d}".format(*pair))

names = st.one_of(
    st.builds(
        "{}_{}_{}{}{}_{}.h5".format,
        st.sampled_from(["ATL03", "ATL06", "ATL08"]),
        stamps,
        rgts,
        two_digits,
        regions,
        release,
    ),
    st.builds(
        "{}-{}_{}_{}{}01_{}.h5".format,
        st.sampled_from(["ATL07", "ATL10", "ATL20", "ATL21"]),
        st.sampled_from(["01", "02"]),
        stamps,
        rgts,
        two_digits,
        release,
    ),
    st.builds("ATL11_{}{}_{}_{}.h5".format, rgts, regions, cycles, release),
    st.builds(
        "ATL15_{}_{}_{}_{}.nc".format,
        st.sampled_from(["A1", "A4", "AA", "AK", "CN", "CS", "GL", "IS", "RA", "SV"]),
        cycles,
        st.sampled_from(["01km", "10km", "20km", "40km"]),
        release,
    ),
    st.builds("ATL14_{}_{}_100m_{}.nc".format, st.sampled_from(["A2", "SV"]), cycles, release),
)
days = st.dates(min_value=pd.Timestamp(1984, 1, 1).date(), max_value=pd.Timestamp(2040, 1, 1).date())
landsat = st.builds("{}_L1TP_135039_{:%Y%m%d}_20400918_02_T1".format, st.sampled_from(["LT05", "LE07", "LC08"]), days)
sentinel2 = st.builds(
    "{}_MSIL1C_{:%Y%m%dT%H%M%S}_N0205_R090_T46RGV_20400723T042211".format, st.sampled_from(["S2A", "S2B"]), times
)
sentinel1 = st.builds(
    "{}_IW_SLC__1SSV_{:%Y%m%dT%H%M%S}_20400101T000000_{:06d}_0031C6_DA4C".format,
    st.sampled_from(["S1A", "S1B", "S1C"]),
    times,
    st.integers(1, 99999),
)
images = st.one_of(landsat, sentinel1, sentinel2)
pairs = st.builds(
    "{}_X_{}_G{}_P{:03d}.nc".format, images, images, st.sampled_from(["0240V01", "0120V02"]), st.integers(0, 100)
)


@given(st.one_of(names, pairs))
def test_a_name_survives_reading_and_writing(name):
    """What is read from a name writes the same name."""
    assert parse(name).file_name == name
    assert parse(name).name == name


@given(st.one_of(names, pairs), st.sampled_from(["", "processed_", "90442_", "90442_processed_"]), st.booleans())
def test_what_services_put_around_a_name_comes_off(name, prefix, subsetted):
    """Staging numbers, the subsetter's prefix and suffix, folders and links leave the granule the same."""
    stem, extension = name.rsplit(".", 1)
    staged = prefix + stem + ("_subsetted." if subsetted else ".") + extension
    assert parse(staged) == parse(name)
    assert parse(f"https://archive.example/2019/{staged}?A-userid=none") == parse(name)


@given(pairs)
def test_the_earlier_image_comes_first(name):
    """Whatever the order in the name, img1 is the earlier image and the mid-date lies halfway."""
    pair = parse(name)
    assert pair.acquisition_date_img1 <= pair.acquisition_date_img2
    assert pair.acquisition_date_img1 <= pair.mid_date <= pair.acquisition_date_img2
    half = np.timedelta64(round(pair.date_dt * 86400), "s") // 2
    assert abs(pair.mid_date - pair.acquisition_date_img1 - half) <= np.timedelta64(1, "s")


def test_every_real_file_has_a_readable_name(data):
    """All real granules that kept their names parse to the product of the folder they lie in."""
    clips = {"ATL03_gt1l_arctic_subset.h5", "atl03_clip_wyoming_gt1r.h5", "atl08_clip_wyoming_gt1r.h5"}
    read = 0
    for folder in ("ATL03", "ATL06", "ATL07", "ATL08", "ATL11", "ITS_LIVE"):
        for path in sorted(data(f"real/{folder}").iterdir()):
            if path.name in clips:
                with pytest.raises(GranuleNameError, match="not the name of a granule"):
                    parse(path.name)
                continue
            granule = parse(path)
            assert granule.product == folder.lower().replace("_", "")
            assert granule.file_name == path.name.removeprefix("processed_")
            read += 1
    assert read == 29


def test_every_recorded_catalogue_name_is_read(data):
    """3 691 names as the catalogue gave them, one with its hash: each is a track of region 11 or a neighbour."""
    listed = data("recorded/cmr/atl03_v007_88S_names.txt").read_text().split()
    parsed = [parse(name) for name in listed]
    assert len(parsed) == 3691
    assert [g.name for g in parsed] == [name.removesuffix("_dpyQXxz6") for name in listed]
    assert {g.version for g in parsed} == {"007"}
    assert {g.region_number for g in parsed} <= {10, 11, 12}


def test_every_layer_of_the_real_cube_is_read(data):
    """The cube's own platform and dates agree with the names of its 12 401 granules."""
    import zarr

    cube = zarr.open(data("real/ITS_LIVE_cube") / "ITS_LIVE_vel_EPSG32646_G0120_X750000_Y3350000_crop_1986-2020.zarr")
    some = slice(None, None, 20)
    urls, satellites, spans = cube["granule_url"][:][some], cube["satellite_img1"][:][some], cube["date_dt"][:][some]
    for url, satellite, date_dt in zip(urls, satellites, spans, strict=True):
        pair = parse(str(url))
        assert pair.file_name == str(url).rsplit("/", 1)[-1]
        assert pair.platform_img1.removeprefix("S").endswith(str(satellite).strip())
        assert abs(pair.date_dt - float(date_dt)) < 1.0


def test_a_version_1_pair_in_the_other_order():
    """The real version 1 pair lists 18 November before 4 November."""
    name = "LE07_L1GT_001113_20121118_20161127_01_T2_X_LE07_L1GT_232113_20121104_20161127_01_T2_G0240V01_P059.nc"
    pair = parse(name)
    assert pair.swapped
    assert (str(pair.acquisition_date_img1)[:10], str(pair.mid_date)[:10]) == ("2012-11-04", "2012-11-11")
    assert (pair.date_dt, pair.frame_img1, pair.frame_img2) == (14.0, "232113", "001113")
    assert (pair.grid_spacing, pair.percent_valid, pair.file_name) == (240, 59, name)


def test_a_sentinel_1_pair_with_its_empty_token():
    """The double underscore of an SLC name is part of it; the relative orbit follows from the absolute one."""
    pair = parse(
        "S1A_IW_SLC__1SSV_20141010T114050_20141010T114115_002767_0031C6_DA4C_X_"
        "S1A_IW_SLC__1SSV_20141022T114046_20141022T114115_002942_003578_A850_G0120V02_P097.nc"
    )
    assert (pair.platform_img1, pair.frame_img1, pair.frame_img2) == ("S1A", "R070", "R070")
    assert pair.img1.startswith("S1A_IW_SLC__1SSV_20141010")
    assert round(pair.date_dt) == 12


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ATL06_20190504033705_13880304_007_01.h5", "track 1388; there are tracks 1 to 1387"),
        ("ATL06_20190504033705_00000304_007_01.h5", "track 0; there are tracks 1 to 1387"),
        ("ATL06_20190504033705_05480315_007_01.h5", "region number 15; there are regions 1 to 14"),
        ("ATL06_20191304033705_05480304_007_01.h5", "20191304033705 is not a date"),
        ("ATL11_054803_0903_006_12.h5", "ends with cycle 3 before its first 9"),
        ("ATL15_XX_0325_01km_004_05.nc", "not the name of a granule"),
        ("LC08_L1TP_135039_X_LC08_L1TP_135039_G0120V02_P012.nc", "no acquisition date"),
        ("holiday.h5", "not the name of a granule"),
        ("", "not the name of a granule"),
    ],
)
def test_a_wrong_name_is_refused(name, reason):
    """Each refusal says what is wrong with the name."""
    with pytest.raises(GranuleNameError, match=reason):
        parse(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20121118", "2012-11-18"),
        ("19841206T12:52:19.377", "1984-12-06T12:52:19.377"),
        ("20190215T205541T00:00:00", "2019-02-15T20:55:41"),
        (b"2019-02-15 20:55:41", "2019-02-15T20:55:41"),
    ],
)
def test_dates_of_images_in_every_form(text, expected):
    """All forms met in files, the malformed one included."""
    assert granules.image_date(text) == np.datetime64(expected)


def test_a_text_without_a_date_is_refused():
    """An attribute that is no date is not guessed at."""
    with pytest.raises(GranuleNameError, match="not an acquisition date"):
        granules.image_date("unknown")
    with pytest.raises(granules.GranuleNameError, match="20151399: not an acquisition date"):
        granules.image_date("20151399")


@given(names, st.integers(2, 12))
def test_shares_of_a_bucket_depend_on_the_granule_alone(name, splits):
    """A granule keeps its share whatever its prefix, and the share is one of those the study names."""
    chunk = chunk_of(parse(name), splits)
    bucket = granules.bucket(parse(name))
    assert chunk == chunk_of(parse("processed_" + name), splits)
    assert chunk in {f"{bucket}-{share}of{splits}" for share in range(1, splits + 1)}


def test_shares_are_even(data):
    """3 691 real names fall into eight shares of about the same size."""
    listed = data("recorded/cmr/atl03_v007_88S_names.txt").read_text().split()
    share = pd.Series([granules.split_name("all", parse(n).granule_id, 8) for n in listed]).value_counts()
    assert len(share) == 8
    assert share.between(3691 / 8 * 0.8, 3691 / 8 * 1.2).all()  # six standard deviations of a fair draw


def test_a_sea_ice_granule_that_begins_before_midnight_is_not_lost():
    """It counts to the study's first month when its month is not among the chunks, and to its own when it is."""
    late = parse("ATL10-02_20190831234500_09790401_006_02.h5")
    early = parse("ATL10-02_20190831120000_09790401_006_02.h5")
    assert chunk_of(late, chunks=["2019-09"]) == "2019-09"
    assert chunk_of(late, chunks=["2019-08", "2019-09"]) == "2019-08"
    assert chunk_of(early, chunks=["2019-09"]) is None


@pytest.mark.parametrize(
    "name", ["ATL06QL_20190504033705_05480304_007_01.h5", "ATL07QL-02_20190831234500_09790401_006_02.h5"]
)
def test_a_quick_look_is_known_by_its_name(name):
    """It is its product's, marked as a quick look, and its name is written again."""
    quick, final = parse(name), parse(name.replace("QL", ""))
    assert quick.quick_look and not final.quick_look
    assert (quick.product, quick.rgt, quick.time_start) == (final.product, final.rgt, final.time_start)
    assert quick.file_name == name and final.file_name == name.replace("QL", "")


def test_a_granule_table_has_one_shape_whoever_answers(tmp_path):
    """Columns and types are the same for one row, many and none, before and after a file; further columns stay."""
    rows = [
        {"file_name": "ATL06_20190504033705_05480304_007_01.h5", "size_bytes": 12, "orbit": 7, "source": "EARTHDATA"},
        {"file_name": "ATL06_20190202033705_05480204_007_01.h5"},
    ]
    table = granules.granule_table(rows)
    assert list(table["cycle"]) == [2, 3]
    assert table["granule_id"].tolist() == [row["file_name"][:-3] for row in reversed(rows)]
    assert table.columns[-1] == "orbit"
    empty = granules.granule_table([])
    assert (empty.dtypes == table.dtypes.drop("orbit")).all()
    write_table(table, tmp_path / "granules.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "granules.parquet"), table, check_like=False)
    pd.testing.assert_frame_equal(granules.granule_table(table), table)


def test_a_row_keeps_what_it_knows_better_than_its_name():
    """The catalogue's start of a granule is not overwritten by the second in its name."""
    start = np.datetime64("2019-05-04T03:37:05.125")
    table = granules.granule_table([{"file_name": "ATL06_20190504033705_05480304_007_01.h5", "time_start": start}])
    assert table["time_start"][0] == pd.Timestamp(start)


def test_a_ledger_counts_every_granule():
    """Rows come in the order of their ids; a status of one's own is refused."""
    ledger = granules.ledger(
        [{"granule_id": "b", "status": "failed", "reason": "404"}, {"granule_id": "a", "status": "empty"}]
    )
    assert ledger["granule_id"].tolist() == ["a", "b"]
    assert list(granules.ledger([]).columns) == ["granule_id", "path", "status", "reason", "size_bytes", "sha256"]
    with pytest.raises(ValueError, match="status lost; a granule is present, empty, outside, failed"):
        granules.ledger([{"granule_id": "a", "status": "lost"}])


@pytest.mark.parametrize(
    ("image", "date", "frame"),
    [
        ("S1A_IW_SLC__1SSV_20141010T114050_20141010T114115_002767_0031C6_DA4C", None, "R070"),
        ("S1B_IW_SLC__1SDV_20210110T224512_20210110T224537_025000_02F9AA_ABCD", None, "R124"),
        ("S1C_IW_SLC__1SDV_20250110T224512_20250110T224537_001000_000001_ABCD", "2025-01-10", "R129"),
        ("S1C_IW_SLC__1SDV_20260801T224512_20260801T224537_009000_000001_ABCD", "2026-08-01", "R152"),
        ("S1D_IW_SLC__1SDV_20260110T224512_20260110T224537_003000_000001_ABCD", None, "R159"),
        ("S1X_IW_SLC__1SDV_20260110T224512_20260110T224537_003000_000001_ABCD", None, None),
        ("S1_105606_IW1_20220814T013131_VV_8F4A-BURST", None, "105606_IW1"),
        ("S1_064-000000s1n00-136231s2n02-000000s3n00_IW_20200604", None, "R064"),
        (
            "NISAR_L1_PR_RSLC_001_030_A_019_2000_SHNA_A_20261012T060910_20261012T060926_D00402_N_F_J_001",
            None,
            "030A019",
        ),
        ("S2B_MSIL1C_20200903T151809_N0209_R068_T22WEB_20200903T170934", None, "T22WEB"),
        ("S2B_22WEB_20200903_0_L1C", None, "T22WEB"),
        ("S2A_7VEG_20200903_0_L1C", None, "T07VEG"),
    ],
)
def test_an_image_tells_its_frame(image, date, frame):
    """Relative orbits of all four Sentinel-1 by hand: (absolute - first) mod 175 + 1; one tile in both namings."""
    assert images_of.frame_of(image, date and np.datetime64(date)) == frame


@pytest.mark.parametrize("first", ["S1_105606_IW1_20220814T013131_VV_8F4A-BURST", "S1D_IW_SLC__1SDV_20260110T224512_X"])
def test_a_pair_ordered_from_hyp3_has_all_of_a_pair_s_name(first):
    """Its name ends in _IL_ASF_OD; it is kept, and the rest is read as ever."""
    second = first.replace("20220814", "20220826").replace("20260110", "20260122")
    name = f"{first}_X_{second}_G0120V02_P080_IL_ASF_OD.nc"
    pair = parse(name)
    assert (pair.name, pair.file_name, pair.percent_valid, pair.date_dt) == (name, name, 80, 12)
    assert bucket(pair) in ("2022", "2026") and pair.platform_img1 == first.split("_")[0]


def test_nisar_is_a_sensor_group_and_mixed_pairs_are_told():
    assert images_of.group_of("NISAR") == "NISAR" and images_of.group_of("S1", "S1C") == "S1"
    assert images_of.group_of("LC08", "S2A") == "mixed"


def test_a_granule_of_a_product_that_is_not_read_is_said_to_be_that():
    """In a folder of the user's own, too."""
    said = "ATL12_20190330212241_00250301_001_01.h5: ATL12 (ocean surface height) is a product of ICESat-2"
    with pytest.raises(GranuleNameError, match=re.escape(said)):
        parse("ATL12_20190330212241_00250301_001_01.h5")
