"""A study file by questions and from words on the command line."""

from __future__ import annotations

import pytest

from nunatak import study
from nunatak.explorer import wizard
from nunatak.explorer.wizard import period_of, region_of
from nunatak.study.base import StudyError

GIVEN = {"name": "asked", "region": "23 79.5 26 80", "period": "2019 2020", "products": "atl15, ATL14", "archive": None}


@pytest.fixture
def nothing_left(flow):
    yield
    (flow / "config/studies/asked.yaml").unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("svalbard", {"name": "svalbard"}),
        ("[10, 79, 30, 81]", {"bbox": [10, 79, 30, 81]}),
        ("170 -78 -170 -70.5", {"bbox": [170, -78, -170, -70.5], "crosses_antimeridian": True}),
        ("my/basin.geojson", {"polygon": "my/basin.geojson"}),
    ],
)
def test_a_region_in_words(text, spec):
    assert region_of(text) == spec


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2019", ["2019-01-01", "2019-12-31"]),
        ("2019-2-1 .. 2020", ["2019-2-1", "2020-12-31"]),
        ("2019 to 2022", ["2019-01-01", "2022-12-31"]),
        ("2019-01-01,2022-06-30", ["2019-01-01", "2022-06-30"]),
    ],
)
def test_a_period_in_words(text, days):
    assert period_of(text) == days


def test_words_alone_write_a_study_that_is_read(flow, nothing_left):
    path = wizard.write(GIVEN, flow)
    made = study.load(path)
    assert (made.title, made.archive, sorted(made.products)) == ("Asked", "earthdata", ["atl14", "atl15"])
    assert str(made.period) == "2019-01-01 to 2020-12-31"
    assert "# what to read" in path.read_text()


def test_what_is_missing_or_wrong_is_asked_until_it_is_right(flow, nothing_left):
    """A name with a slash, a region that is nowhere, a day that is none: each is asked for again."""
    replies = {
        "name": ["a/b", "asked"],
        "title": [""],
        "region": ["atlantis.geojson", "svalbard"],
        "period": ["2019-13-01 2020", "2019"],
        "products": ["alt15", ""],
        "archive": [""],
    }

    def ask(question):
        [word] = [word for word, text, _ in wizard.QUESTIONS if question.startswith(text)]
        return replies[word].pop(0)

    path = wizard.write(dict.fromkeys(replies), flow, ask=ask)
    assert not any(replies.values())
    assert study.load(path).region.name == "svalbard"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"region": None}, "REGION: not given"),
        ({"region": "atlantis"}, "REGION: .*atlantis"),
        ({"products": "alt15"}, "PRODUCTS: alt15: no such product; did you mean atl15"),
        ({"period": "2020 2019"}, "PERIOD: .*earlier date first"),
        ({"period": "1 2 3"}, "PERIOD: .*first and the last day"),
        ({"archive": "nsidc"}, "ARCHIVE: "),
        ({"name": "a b"}, "NAME: .*cannot be the name"),
    ],
)
def test_where_nobody_can_be_asked_a_mistake_is_one_line(flow, changes, said):
    with pytest.raises(StudyError, match=said) as told:
        wizard.write({**GIVEN, **changes}, flow)
    assert "\n" not in str(told.value)
    assert not (flow / "config/studies/asked.yaml").exists()


def test_a_file_is_replaced_only_when_somebody_says_so(flow, nothing_left):
    path = wizard.write(GIVEN, flow)
    first = path.read_text()
    other = {**GIVEN, "title": "Another"}
    with pytest.raises(StudyError, match="is there and stays"):
        wizard.write(other, flow)
    with pytest.raises(StudyError, match="is there and stays"):
        wizard.write({**other, "archive": "earthdata"}, flow, ask=lambda question: "")
    assert path.read_text() == first
    wizard.write({**other, "archive": "earthdata"}, flow, ask=lambda question: "yes")
    assert "Another" in path.read_text()
