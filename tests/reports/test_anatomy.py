"""The anatomy of a granule, as the file itself states it."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from tests.reports.conftest import granule_file

from nunatak.products import GranuleError
from nunatak.reports import anatomy


@pytest.fixture
def granule(tmp_path):
    path = tmp_path / "ATL15_SV_0325_01km_005_01.nc"
    granule_file(path)
    return path


def test_twins_are_shown_once_and_named(granule):
    found = anatomy.dissect(granule)
    assert found.twins == {"dhdt_lag1": ("dhdt_lag4",)}
    assert "dhdt_lag4/dhdt" not in {part.path for part in found.parts}


def test_a_dataset_has_shape_type_unit_and_fill(granule):
    (part,) = [p for p in anatomy.dissect(granule).parts if p.path == "dhdt_lag1/dhdt"]
    assert (part.shape, part.dtype, part.units, part.fill) == ((2, 3), "f4", "meters years^-1", "3.4028235e+38")


def test_groups_of_attributes_only_are_one_row(granule):
    metadata = [p for p in anatomy.dissect(granule).parts if p.path.startswith("METADATA")]
    assert [(p.path, p.name) for p in metadata] == [("METADATA", "attributes only")]


def test_the_doi_is_what_the_granule_states(granule):
    assert anatomy.stated(granule) == {"doi": "10.5067/ATLAS/ATL15.005"}


def test_the_table_escapes_what_files_say(granule):
    html = anatomy.as_html(anatomy.dissect(granule))
    assert "quarterly &lt;h(t)&gt; time" in html


def test_names_of_groups_and_datasets_are_escaped(tmp_path):
    """Groups, their twins, datasets, units and fills are words of whoever wrote the file."""
    mark = "<img src=x onerror=alert(1)>"
    with h5py.File(tmp_path / "marked.h5", "w") as file:
        for group in (mark, f"{mark}2"):
            data = file.create_dataset(f"{group}/data{mark}", data=np.zeros(2))
            data.attrs["units"], data.attrs["_FillValue"] = mark, mark
            file[group].attrs["Description"] = mark
    html = anatomy.as_html(anatomy.dissect(tmp_path / "marked.h5"))
    assert "<img" not in html
    # group, twin, dataset, unit, fill
    assert html.count("&lt;img src=x onerror=alert(1)&gt;") == 5


def test_a_long_table_says_how_much_is_left_out(granule):
    found = anatomy.dissect(granule)
    assert f"… and {len(found.parts) - 2} more" in anatomy.as_html(found, limit=2)


def test_a_broken_granule_has_no_anatomy_and_no_doi(tmp_path):
    (tmp_path / "x.h5").write_bytes(b"")
    with pytest.raises(GranuleError, match="holds no bytes"):
        anatomy.dissect(tmp_path / "x.h5")
    assert anatomy.stated(tmp_path / "x.h5") == {}


def test_a_real_granule(data):
    """Six beams built alike, 40 m segments with heights in metres and float32 fills."""
    found = anatomy.dissect(data("real/ATL06/processed_ATL06_20191106230008_06270503_006_01.h5"))
    assert found.twins["gt1l"] == ("gt1r", "gt2l", "gt2r", "gt3l", "gt3r")
    (h_li,) = [p for p in found.parts if p.path == "gt1l/land_ice_segments/h_li"]
    assert (h_li.units, h_li.fill, h_li.dtype) == ("meters", "3.4028235e+38", "f4")
    assert found.identity["identifier_product_doi"] == "10.5067/ATLAS/ATL06.006"
