"""Granules that point out of themselves are refused before anything of another file is opened."""

import os

import h5py
import numpy as np
import pytest
from tests.builders.studies import write_atl06

from nunatak.products import GranuleError, atl06, hdf5
from nunatak.products.itslive import mosaics

HEIGHTS = "gt1l/land_ice_segments/h_li"


def linked(path, name, link):
    with h5py.File(path, "r+") as file:
        del file[name]
        file[name] = link
    return path


@pytest.fixture
def granule(tmp_path):
    return write_atl06(tmp_path / "ATL06_20190504033705_05480303_006_02.h5")


def external_link(granule):
    other = write_atl06(granule.with_name("other.h5"))
    linked(granule, HEIGHTS, h5py.ExternalLink(str(other), HEIGHTS))


def external_link_to_a_pipe(granule):  # opening it would wait for ever
    os.mkfifo(granule.with_name("pipe"))
    linked(granule, HEIGHTS, h5py.ExternalLink(str(granule.with_name("pipe")), "x"))


def external_group(granule):
    other = write_atl06(granule.with_name("other.h5"))
    linked(granule, "gt1l/land_ice_segments", h5py.ExternalLink(str(other), "gt1l/land_ice_segments"))


def soft_link_to_an_external_one(granule):
    other = write_atl06(granule.with_name("other.h5"))
    with h5py.File(granule, "r+") as file:
        file["aside"] = h5py.ExternalLink(str(other), HEIGHTS)
    linked(granule, HEIGHTS, h5py.SoftLink("/aside"))


def soft_link(granule):
    linked(granule, HEIGHTS, h5py.SoftLink("/gt1l/land_ice_segments/latitude"))


def external_storage(granule):
    secret = granule.with_name("secret")
    secret.write_bytes(b"this is nobody's business" * 1000)
    with h5py.File(granule, "r+") as file:
        size = file[HEIGHTS].shape[0]
        del file[HEIGHTS]
        file.create_dataset(HEIGHTS, (size,), "f4", external=[(str(secret), 0, 4 * size)])


def virtual_dataset(granule):
    other = write_atl06(granule.with_name("other.h5"))
    with h5py.File(granule, "r+") as file:
        size = file[HEIGHTS].shape[0]
        layout = h5py.VirtualLayout((size,), "f4")
        layout[:] = h5py.VirtualSource(str(other), HEIGHTS, (size,))
        del file[HEIGHTS]
        file.create_virtual_dataset(HEIGHTS, layout)


POINTING = {
    external_link: "h_li: is a link to another file",
    external_link_to_a_pipe: "h_li: is a link to another file",
    external_group: "gt1l/land_ice_segments: is a link to another file",
    soft_link_to_an_external_one: "h_li: is a soft link",
    soft_link: "h_li: is a soft link",
    external_storage: "h_li: has its values in another file",
    virtual_dataset: "h_li: is put together from other datasets",
}


@pytest.mark.parametrize("point", POINTING)
def test_what_lies_outside_a_granule_is_never_read(granule, point):
    point(granule)
    with (
        pytest.raises(GranuleError, match=rf"{granule.name}: .*{POINTING[point]}.*fetch the original granule"),
        hdf5.open_granule(granule) as file,
    ):
        hdf5.read(file["gt1l"]["land_ice_segments"], "h_li")


@pytest.mark.parametrize("point", POINTING)
def test_no_way_to_a_dataset_passes_the_guard(granule, point):
    point(granule)
    ways = {
        "item": lambda file: file[HEIGHTS][()],
        "get": lambda file: file.get(HEIGHTS)[()],
        "through a group": lambda file: file["gt1l"]["land_ice_segments"]["h_li"][()],
        "from the group's file": lambda file: file["gt1l"].file[HEIGHTS][()],
        "values": lambda file: [list(g.values()) for g in file["gt1l"].values() if isinstance(g, h5py.Group)],
        "length": lambda file: hdf5.length(file, HEIGHTS),
        "scalar": lambda file: hdf5.scalar(file, HEIGHTS),
    }
    for way, reached in ways.items():
        with pytest.raises(GranuleError, match="the product's own granules have none"), hdf5.open_granule(granule) as f:
            pytest.fail(f"{way}: {reached(f)}")


def test_asking_whether_a_linked_dataset_is_there_does_not_open_it(granule):
    external_link_to_a_pipe(granule)
    with pytest.raises(GranuleError, match="is a link to another file"), hdf5.open_granule(granule) as file:
        assert HEIGHTS in file


def test_a_granule_of_its_own_reads_as_before(granule):
    with h5py.File(granule) as file:
        held = file[HEIGHTS][()]
    with hdf5.open_granule(granule) as file:
        assert np.array_equal(hdf5.read(file, HEIGHTS), np.where(held < 1e38, held, np.nan), equal_nan=True)
        assert "gt1l/absent" not in file and file.get("gt1l/absent") is None and "absent/too" not in file
        assert "/gt1l" in file and file["/gt1l"].name == "/gt1l" and file["gt1l"].parent == file


def test_a_beam_that_points_elsewhere_fails_and_says_so(granule):
    external_link(granule)
    table, statuses = atl06.read_segments(granule)
    told = {status.beam: (status.status, status.reason) for status in statuses}
    assert told["gt1l"][0] == "failed" and "h_li: is a link to another file" in told["gt1l"][1]
    assert "gt1l" not in set(table["beam"]) and told["gt3r"][0] == "present"


def test_a_mosaic_that_points_elsewhere_is_refused(tmp_path):
    with h5py.File(tmp_path / "m.nc", "w") as file:
        file["x"] = file["y"] = np.arange(3.0)
        file["v"] = h5py.ExternalLink("other.nc", "v")
    with pytest.raises(GranuleError, match=r"m\.nc: v: is a link to another file"):
        mosaics.open_mosaic(tmp_path / "m.nc")
