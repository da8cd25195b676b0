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
    ("columns", "version", "passed", "value"),
    [
        (lambda mixed: {}, "newest", True, None),
        (lambda mixed: mixed, "newest", False, 2),
        (lambda mixed: {name: values[:1] * 3 for name, values in mixed.items()}, "newest", True, 0),
        (lambda mixed: mixed, "any", True, None),
    ],
)
@pytest.mark.parametrize(
    ("judge", "mixed"),
    [
        (releases.of_crossovers, {"release_1": ["007", "006", "006"], "release_2": ["007", "007", "007"]}),
        (releases.of_biases, {"n_other_release": [0, 2, 2]}),
        (lambda product, rows: releases.of_centres(rows), {"n_releases": [1, 2, 2]}),
    ],
)
def test_results_of_two_releases_fail_unless_they_are_meant(judge, mixed, columns, version, passed, value):
    rows = table(version_atl06=version, release="006, 007").assign(**columns(mixed))
    check = judge("atl06", rows)
    assert (not check.failed, check.value) == (passed, value)
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
    assert (not check.failed, check.value) == (passed, value)
    assert (f"ATL06 {other}, ATL06SR {one}" in check.text) is not passed
    assert not releases.of_places("both", table(**said), 0).applies
