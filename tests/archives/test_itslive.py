"""Image pairs through the real STAC client and public storage: whole answers, no login, no failure taken for none."""

from __future__ import annotations

import numpy as np
import pytest

from nunatak.archives import EmptyAnswer, ServiceFailed
from nunatak.archives.archive import Filters
from nunatak.archives.itslive import image_pairs
from nunatak.geometry import region
from nunatak.runtime import file_sha256
from nunatak.study.period import Period

TRUNK = region.load({"bbox": [-102, -75.4, -100, -74.8]}, name="trunk")
YEARS = Period.model_validate(["2018-01-01", "2019-12-31"])


def test_all_pages_arrive_with_the_times_of_the_images(standin, archive, pairs):
    found = archive.search("itslive", TRUNK, YEARS)
    assert set(found["file_name"]) <= set(pairs) and len(found) > 40
    assert (found["time_end"] - found["time_start"]).eq(np.timedelta64(32, "D")).all()
    assert len(standin.requests("stac*", "/search")) == 3
    assert set(found["epsg"]) == {3031}


def test_the_service_is_asked_what_the_study_asks(standin, archive, pairs):
    found = archive.search("itslive", TRUNK, YEARS, Filters(percent_valid_pixels=30, max_separation=120))
    assert found["file_name"].str[-6:-3].astype(int).min() == 30
    assert image_pairs.conditions(Filters()) is None


def test_months_of_several_years(standin, archive, pairs):
    period = Period.model_validate({"years": [2018, 2019], "months": ["June"]})
    found = archive.search("itslive", TRUNK, period)
    middle = found["time_start"] + (found["time_end"] - found["time_start"]) / 2
    assert len(found) and set(middle.dt.month) == {6} and set(middle.dt.year) == {2018, 2019}


def test_files_come_without_a_login(standin, archive, pairs, monkeypatch, tmp_path):
    """A ~/.netrc that fits every host is not sent to public storage."""
    (tmp_path / "netrc").write_text("default login me password canary\n")
    found = archive.search("itslive", TRUNK, YEARS).head(3)
    ledger = archive.fetch(found)
    assert set(ledger["status"]) == {"present"}
    assert set(ledger["sha256"]) == {file_sha256(pairs[found["file_name"][0]])}
    assert not standin.requests("urs*")


def test_a_pair_that_was_processed_again_is_gone(standin, archive, pairs):
    found = archive.search("itslive", TRUNK, YEARS).head(1)
    standin.fault("s3_404")
    ledger = archive.fetch(found)
    assert list(ledger["status"]) == ["failed"] and "gone from the archive" in ledger["reason"][0]


def test_storage_that_slows_down_is_waited_for(standin, archive, pairs):
    found = archive.search("itslive", TRUNK, YEARS).head(1)
    standin.fault("s3_503", times=2)
    assert list(archive.fetch(found)["status"]) == ["present"]


@pytest.mark.parametrize("fault", ["stac_503", "stac_html"])
def test_a_failing_catalogue_is_no_empty_answer(standin, archive, pairs, fault):
    standin.fault(fault)
    with pytest.raises(ServiceFailed, match=r"stac\.itslive\.cloud: did not answer as it should"):
        archive.search("itslive", TRUNK, YEARS)


def test_an_empty_answer_says_so(standin, archive, pairs):
    with pytest.raises(EmptyAnswer, match="has no image pair in svalbard"):
        archive.search("itslive", region.load({"bbox": [10, 79, 30, 81]}, name="svalbard"), YEARS)


def test_a_page_that_is_lost_is_noticed(standin, archive, pairs):
    standin.fault("stac_lost_items")
    with pytest.raises(ServiceFailed, match=r"states 45 image pairs but sends \d+"):
        archive.search("itslive", None, None)
