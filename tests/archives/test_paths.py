"""Names come from outside: whatever a catalogue or a list says, nothing is written beyond a product's own folder."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nunatak.archives.nasa.records import base_name
from nunatak.archives.transfer import download
from nunatak.granules import GranuleNameError

FOLDER = Path("/archive/earthdata")
# names of any letters, and those that mean something to a path, an address or a shell
NAMES = st.text(max_size=40) | st.lists(
    st.sampled_from(
        ["..", ".", "/", "\\", "%2F", "%2e%2e", "%00", "\0", "~", "a.h5", " ", "\n", "?", "#", ":", "ATL06"]
    ),
    max_size=8,
).map("".join)


def inside(path, folder):
    """Whether a path lies directly in a folder once every .. in it is followed."""
    resolved = Path(path).resolve()
    return resolved.parent == folder and resolved.name not in ("", ".", "..")


@given(NAMES)
def test_the_name_at_the_end_of_a_link_stays_in_its_folder(text):
    try:
        name = base_name(f"https://host/data/{text}")
    except GranuleNameError:
        return
    assert inside(FOLDER / "atl06" / name, FOLDER / "atl06")


@given(NAMES, NAMES)
def test_a_granule_lies_in_the_folder_of_its_product(file_name, product):
    job = download._Job(FOLDER, back_off=None, successor=None)
    try:
        path = job.path(SimpleNamespace(file_name=file_name, product=product))
    except GranuleNameError:
        return
    assert inside(path, FOLDER / product) and FOLDER in path.resolve().parents
    assert inside(path.with_name(f".{path.name}.part"), FOLDER / product)


@pytest.mark.parametrize("product", ["", ".", "..", "atl06/../../..", "/etc", "\0"])
def test_a_product_that_is_no_folder_is_refused(product):
    job = download._Job(FOLDER, back_off=None, successor=None)
    with pytest.raises(GranuleNameError, match="leave its folder"):
        job.path(SimpleNamespace(file_name="a.h5", product=product))
