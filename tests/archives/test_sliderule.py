"""What a SlideRule service says on the way: alerts that are failures and those that are none."""

from __future__ import annotations

import geopandas
import pytest
import shapely
import sliderule.icesat2

from nunatak.archives import LoginRefused, ServiceFailed
from nunatak.archives import sliderule as service
from nunatak.geometry import region

HERE = region.load({"bbox": [-35, 66, -34, 67]}, name="here")


@pytest.fixture
def answers(monkeypatch):
    """A function that lets the client say these alerts and return this many heights of a ground track."""

    def answer(*alerts, n=1, gt=10, error=None):
        def atl06p(asked, *, callbacks, resources, keep_id):
            answer.asked = asked
            for code, text in alerts:
                callbacks["exceptrec"]({"code": code, "text": text}, None)
            if error:
                raise error
            return geopandas.GeoDataFrame(
                {"gt": [gt] * n, "h_mean": [1.0] * n}, geometry=[shapely.Point(-34.5, 66.5)] * n
            )

        monkeypatch.setattr(sliderule.icesat2, "atl06p", atl06p)

    return answer


def test_a_granule_with_nothing_in_the_area_is_no_failure(answers):
    """
    The alert of such a granule has a code below zero, as failures have.

    Alerts above zero are remarks.
    """
    answers((-4, "nothing in the area"), (1, "took its time"), n=0)
    found, said = service.heights({}, "ATL03.h5", HERE)
    assert found.empty and said == ["nothing in the area", "took its time"]


@pytest.mark.parametrize("code", [-1, -5])
def test_an_alert_of_a_failure_fails(answers, code):
    answers((code, "could not read"), (-4, "nothing in the area"))
    with pytest.raises(ServiceFailed, match=r"ATL03\.h5: the service reported: could not read; ask again later"):
        service.heights({}, "ATL03.h5", HERE)


def test_heights_have_the_names_of_this_library(answers):
    answers(n=2, gt=60)
    found, _ = service.heights({"len": 40.0, "profile": "legacy"}, "ATL03.h5", HERE)
    assert found[["longitude", "latitude", "beam"]].to_numpy().tolist() == [[-34.5, 66.5, "gt3r"]] * 2
    assert answers.asked["len"] == 40.0 and "profile" not in answers.asked and len(answers.asked["poly"]) == 5
    answers(gt=70)
    with pytest.raises(ServiceFailed, match="the service named a ground track 70, which does not exist"):
        service.heights({}, "ATL03.h5", HERE)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("<403> forbidden", LoginRefused), ("access token expired", LoginRefused), ("<500>", ServiceFailed)],
)
def test_refused_logins_and_failures_are_told_apart(answers, text, kind):
    answers(error=RuntimeError(text))
    with pytest.raises(kind, match=r"ATL03\.h5: .*engine: local"):
        service.heights({}, "ATL03.h5", HERE)
