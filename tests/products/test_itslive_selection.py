"""Which pairs enter: by the keys users know, with reasons, and coverage before anything is fetched."""

import numpy as np
import pandas as pd
import pytest

from nunatak.parameters.velocity import PairSelection
from nunatak.products.itslive.names import coverage, left_out_pairs, pairs_from_names, select_names
from nunatak.products.itslive.selection import cap_per_year, reject, remarks, season_year, selection_from
from nunatak.runtime import NunatakError
from nunatak.study.products import ItsLive


def name(date1, date2, *, platform="LC08", frames=("001113", "001113"), percent=50):
    images = [
        f"{platform}_L1TP_{f}_{d.replace('-', '')}_20200101_02_T1" for f, d in zip(frames, (date1, date2), strict=True)
    ]
    return f"{images[0]}_X_{images[1]}_G0120V02_P{percent:03d}.nc"


def table(*names):
    return pd.DataFrame({"file_name": list(names)})


def test_each_key_rejects_with_its_own_reason():
    """Separation, valid share, month, platform, geometry: the reason names the key and the value."""
    pairs = pairs_from_names(
        table(
            name("2018-11-10", "2018-11-26"),
            name("2018-12-01", "2018-12-05"),
            name("2018-01-01", "2018-11-01"),
            name("2018-06-01", "2018-07-01"),
            name("2018-12-01", "2018-12-17", percent=3),
            name("2018-12-01", "2018-12-17", platform="LE07"),
            name("2018-12-01", "2018-12-08", frames=("001113", "232113")),
        )
    )
    selection = PairSelection(
        percent_valid_pixels=30,
        min_separation=6,
        max_separation=120,
        months=("November", "dec", "Jan"),
        platforms=("L89",),
        geometry="same",
    )
    why = reject(pairs, selection).tolist()
    assert why[0] == ""
    for text, expected in zip(
        why[1:],
        (
            "min_separation: 4 < 6 days",
            "max_separation: 304 > 120 days",
            "months: mid-date in June",
            "percent_valid_pixels: 3 < 30 %",
            "platforms: LE07",
            "geometry: cross",
        ),
        strict=True,
    ):
        assert text == expected


def test_a_season_across_the_new_year_is_one_year():
    """November to January belongs to the year it ends in; a summer in the north to its own."""
    dates = np.array(["2018-11-15", "2018-12-31", "2019-01-31", "2019-10-31"], dtype="datetime64[D]")
    assert season_year(dates, 11).tolist() == [2019, 2019, 2019, 2019]
    assert season_year(dates).tolist() == [2018, 2018, 2019, 2019]


def full_year():
    names = [name(f"2018-{m:02d}-01", f"2018-{m:02d}-17", percent=10 * m) for m in range(1, 10)]
    pairs = pairs_from_names(table(*names))
    pairs["order"] = range(len(pairs))
    return pairs


@pytest.mark.parametrize(("policy", "kept"), [("first", [0, 1, 2]), ("best", [6, 7, 8]), ("spread", [0, 4, 8])])
def test_policies_of_a_full_year(policy, kept):
    """Nine pairs of one frame, the later the better, three wanted: the first, the best, or spread over the year."""
    pairs = full_year()
    late = cap_per_year(pairs, PairSelection(max_per_year=3, policy=policy))
    assert sorted(set(pairs.index) - set(late.index)) == kept
    assert set(late) == {f"max_per_year: 2018 keeps 3 of 9 ({policy})"}


def test_spread_goes_round_the_frames():
    """Two frames, two wanted: one of each, although the best two are of one frame."""
    pairs = pairs_from_names(
        table(
            name("2018-01-01", "2018-01-17", percent=90),
            name("2018-05-01", "2018-05-17", percent=80),
            name("2018-01-05", "2018-01-21", percent=20, frames=("232113", "232113")),
        )
    )
    late = cap_per_year(pairs, PairSelection(max_per_year=2))
    assert late.index.tolist() == [1]


def test_names_alone_give_coverage_by_year():
    """Before anything is fetched: every year of the span, what there is, what the selection keeps."""
    names = [name("1999-01-01", "1999-01-17")] + [name("2001-01-01", f"2001-01-{d}", percent=d) for d in (17, 25, 31)]
    counts = coverage(table(*names), PairSelection(max_per_year=2, percent_valid_pixels=20))
    assert counts["year"].tolist() == [1999, 2000, 2001]
    assert counts["available"].tolist() == [1, 0, 3] and counts["selected"].tolist() == [1, 0, 2]
    why = select_names(table(*names), PairSelection(max_per_year=1, policy="best"))
    assert (why == "").tolist() == [True, False, False, True]
    assert coverage(table()).empty
    whole = coverage(table(*names), years=(1998, 2002))
    assert whole["year"].tolist() == [1998, 1999, 2000, 2001, 2002] and whole["available"].tolist() == [0, 1, 0, 3, 0]
    assert select_names(table(), PairSelection()).empty


def test_a_newer_processing_goes_before_a_full_year_is_cut_down():
    """As in a cube: the older of two processings does not take the place of another pair, nor step in for the newer."""
    old, other = name("2018-01-01", "2018-01-17", percent=90), name("2018-03-01", "2018-03-17", percent=5)
    new = old.replace("20200101", "20230101").replace("P090", "P080")
    found = table(old, new, other)
    why = select_names(found, PairSelection(max_per_year=2))
    assert why[0] == f"duplicate: of {new.removesuffix('.nc')}" and (why[1:] == "").all()
    why = select_names(found, PairSelection(percent_valid_pixels=85))
    assert why[0].startswith("duplicate") and why[1] == "percent_valid_pixels: 80 < 85 %"
    rows = left_out_pairs(found.assign(why=why))
    assert rows["fate"].tolist() == ["duplicate", "filter", "filter"]
    assert rows["mid_date"].iloc[2] == np.datetime64("2018-03-09")


def test_what_only_reading_tells_keeps_a_year_whole_until_it_is_read():
    """With a share of the region asked for, `max_per_year` waits for the cube."""
    names = [name(f"2018-{m:02d}-01", f"2018-{m:02d}-17") for m in range(1, 10)]
    assert (select_names(table(*names), PairSelection(max_per_year=2)) == "").sum() == 2
    assert (select_names(table(*names), PairSelection(max_per_year=2, percent_valid_in_region=10)) == "").all()


def test_a_projection_the_catalogue_tells_acts_before_fetching():
    """Most pairs are in one projection; one of another, one of which it is not known."""
    names = [name(f"2018-{m:02d}-01", f"2018-{m:02d}-17") for m in range(1, 6)]
    found = table(*names).assign(epsg=pd.array([3031, 3031, 32714, None, 3031], dtype="Int64"))
    why = select_names(found, PairSelection(projections="majority")).tolist()
    assert why == ["", "", "crs: EPSG:32714, most pairs have EPSG:3031", "", ""]
    assert (select_names(found, PairSelection(projections="all")) == "").all()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"policy": "random"}, "policy: 'random' is none of spread, best, first"),
        ({"geometry": "parallel"}, "geometry: 'parallel' is none of"),
        ({"projections": "some"}, "projections: 'some' is none of"),
        ({"months": ["Brumaire"]}, "months: 'Brumaire' is no month"),
        ({"min_separation": 200, "max_separation": 100}, "exceeds max_separation 100"),
        ({"max_per_year": 0}, "max_per_year: 0 is out of range; write a number from 1"),
    ],
)
def test_impossible_selections_are_refused(keys, message):
    """In one line with the key and the value."""
    with pytest.raises(NunatakError, match=message):
        selection_from(keys)


def test_a_study_s_words_become_a_selection():
    """Lists, single words and `all`."""
    made = selection_from({"platforms": "all", "months": ["June"], "variables": "vx", "max_per_year": None})
    assert made == PairSelection(months=("June",), variables=("vx",))
    study = {"platforms": ("all",), "geometry": "any", "months": (11, 12)}
    assert selection_from(study) == PairSelection(geometry="any", months=(11, 12))


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("LC8", "did you mean LC08"),
        ("s1a", "did you mean S1A"),
        ("L8", "did you mean L"),
        ("landsat", "known are LM04"),
        ("", "known are LM04"),
    ],
)
def test_a_word_that_is_no_platform_is_refused(word, hint):
    """It would keep nothing, and nobody would know why; in a selection and in a study file."""
    with pytest.raises(NunatakError, match=f"platforms: {word!r} is not a platform; {hint}"):
        selection_from({"platforms": (word,)})
    with pytest.raises(ValueError, match=f"{word!r} is not a platform; {hint}"):
        ItsLive(platforms=[word])


def test_a_platform_that_no_pair_has_is_told_with_those_there_are():
    """S1D is a platform; the pairs are of others."""
    pairs = pairs_from_names(table(name("2018-01-01", "2018-01-17"), name("2019-01-01", "2019-01-17")))
    selection = PairSelection(platforms=("LC08", "S1D"))
    kept = (reject(pairs, selection) == "").to_numpy()
    assert kept.all()
    assert remarks(pairs, kept, selection) == ["platforms: S1D is of none of 2 pairs; they are of LC08"]
    assert remarks(pairs, kept, PairSelection()) == []


RADAR = "S1C_IW_SLC__1SDV_20260110T224512_20260110T224537_005900_000001_ABCD"


def test_a_frame_that_no_name_tells_is_left_to_the_file_and_then_told():
    """`same` keeps it with a remark, `cross` drops it once the files were asked."""
    second = "S1X_IW_SLC__1SDV_20260122T224512_20260122T224537_006075_000001_ABCD"
    found = table(f"{RADAR}_X_{second}_G0120V02_P050.nc", name("2026-01-01", "2026-01-17"))
    pairs = pairs_from_names(found)
    assert pairs["geometry"].tolist() == ["unknown", "same"]
    for geometry, at_last in (("same", ["", ""]), ("cross", ["geometry: unknown", "geometry: same"])):
        selection = PairSelection(geometry=geometry)
        assert select_names(found, selection)[0] == ""
        assert reject(pairs, selection).tolist() == at_last
    told = remarks(pairs, np.array([True, True]), PairSelection(geometry="same"))
    assert told == ["geometry: same: 1 of 2 pairs kept do not tell their frames"]
