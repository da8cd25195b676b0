"""Heights that are differenced are of one release, or a check fails and names both."""

import pandas as pd
import pytest

from nunatak.checks import releases
from nunatak.granules import datums


def table(rows=3, **attributes):
    found = pd.DataFrame({"dh": [0.1] * rows})
    found.attrs = {"attributes": attributes}
    return found


@pytest.mark.parametrize(
    ("said", "passed", "value"),
    [
        ({"release_passes_atl06": "2", "version_atl06": "newest", "release": "006, 007"}, False, 2),
        ({"release_passes_atl06": "0", "version_atl06": "newest", "release": "007"}, True, 0),
        ({"release_passes_atl06": "2", "version_atl06": "any", "release": "006, 007"}, True, None),
        ({}, True, None),
    ],
)
def test_crossovers_of_two_releases_fail_unless_they_are_meant(said, passed, value):
    check = releases.of_crossovers("atl06", table(**said))
    assert (check.passed, check.value) == (passed, value)
    assert ("006, 007; name one release, atl06: {version: ...}" in check.text) is not passed


@pytest.mark.parametrize(
    ("one", "other", "versions", "passed", "value"),
    [
        ("006", "007", (None, None), False, 3),
        ("006, 007", "007", (None, None), False, 3),
        ("007", "007", (None, None), True, 0),
        ("006", "007", (None, "any"), True, None),
        ("", "007", (None, None), True, None),
    ],
)
def test_products_of_two_releases_fail_unless_they_are_meant(one, other, versions, passed, value):
    said = datums.compared({"atl06sr": {"release": one}, "atl06": {"release": other}}, versions)
    check = releases.of_places("both", table(**said), 3)
    assert (check.passed, check.value) == (passed, value)
    assert (f"ATL06 {other}, ATL06SR {one}" in check.text) is not passed
    assert not releases.of_places("both", table(**said), 0).applies
