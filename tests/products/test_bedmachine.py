"""BedMachine: heights above the ellipsoid, firn's air added to Antarctica's surface, codes by version."""

import numpy as np
import pytest
from tests.builders.sheets import write_bedmachine

from nunatak.products import GranuleError
from nunatak.products.bedmachine import read_bedmachine

GREENLAND = "BedMachineGreenland-v6.nc"
ANTARCTICA = "NSIDC-0756_BedMachineAntarctica_19700101-20191001_V04.1.nc"
SHAPE = (4, 5)


def _layers(**more):
    """A sheet 900 m thick on a bed 100 m above a geoid of 30 m, ocean in the first column."""
    mask = np.full(SHAPE, 2)
    mask[:, 0] = 0
    ice = mask == 2
    return {
        "thickness": np.where(ice, 900.0, 0.0),
        "bed": np.where(ice, 100.0, -500.0),
        "surface": np.where(ice, 1000.0, 0.0),
        "errbed": np.where(ice, 45.0, 20.0),
        "geoid": np.full(SHAPE, 30),
        "mask": mask,
        "source": np.where(ice, 2, 10),
        **more,
    }


def _write(folder, name, layers, **more):
    north = "Antarctica" not in name
    step = 150 if north else 500
    y = 10000 - step * np.arange(SHAPE[0])
    return write_bedmachine(folder / name, layers, x=step * np.arange(SHAPE[1]), y=y, north=north, **more)


@pytest.mark.parametrize("version", ["5", "6"])
def test_greenland(tmp_path, version):
    data = read_bedmachine(_write(tmp_path, f"BedMachineGreenland-v{version}.nc", _layers(source=np.full(SHAPE, 12))))
    ice = data.mask == 2
    assert float(data.surface.where(ice).min()) == 1030 and float(data.bed.where(ice).max()) == 130
    assert float(data.bed[0, 0]) == -470 and float(data.thickness[0, 0]) == 0 == float(data.thickness_sigma[0, 0])
    np.testing.assert_allclose((data.surface - data.bed - data.thickness).where(ice, 0), 0)
    assert "firn" not in data and data.attrs["thickness_is"] == "with the air in the firn"
    assert (data.attrs["crs"], data.attrs["resolution"], data.attrs["version"]) == ("EPSG:3413", 150, version)
    assert data.attrs["reference_year"] == 2007 and "4: land outside of Greenland" in data.attrs["mask_meanings"]
    assert (np.diff(data.y) < 0).all()


@pytest.mark.parametrize("name", [ANTARCTICA, "BedMachineAntarctica-v3.nc"])
def test_antarctica_has_its_firn_back(tmp_path, name):
    """Surface and thickness of the file are ice equivalent: the real surface is higher by the firn's air."""
    layers = _layers(firn=np.full(SHAPE, 17.0))
    layers["mask"][1, 1] = 4
    data = read_bedmachine(_write(tmp_path, name, layers))
    ice = np.isin(data.mask, (2, 4))
    assert set(np.unique(data.surface.values[ice])) == {1047.0} and set(np.unique(data.thickness.values[ice])) == {
        900.0
    }
    np.testing.assert_allclose((data.surface - data.firn - data.bed - data.thickness).values[ice], 0)
    assert float(data.surface[0, 0]) == 30 and float(data.firn[0, 0]) == 0
    assert data.attrs["thickness_is"].startswith("ice equivalent") and data.attrs["reference_year"] == 2015
    assert "4: Lake Vostok" in data.attrs["mask_meanings"] and "5: flow perturbation" in data.attrs["source_meanings"]


def test_window(tmp_path):
    path = _write(tmp_path, GREENLAND, _layers(thickness=np.arange(20.0).reshape(SHAPE)))
    part = read_bedmachine(path, bounds=(200, 9600, 460, 9800), crs="EPSG:3413")
    np.testing.assert_array_equal(part.x, [150, 300, 450])
    np.testing.assert_array_equal(part.y, [9850, 9700, 9550])
    np.testing.assert_array_equal(part.thickness, np.arange(20.0).reshape(SHAPE)[1:4, 1:4])


def test_missing_and_negative_thickness(tmp_path):
    """A fill stays missing on the ice, a negative thickness becomes missing and is counted."""
    thickness = _layers()["thickness"]
    thickness[1, 1], thickness[2, 2] = np.nan, -3
    data = read_bedmachine(_write(tmp_path, GREENLAND, _layers(thickness=thickness)))
    assert np.isnan(data.thickness[1, 1]) and np.isnan(data.thickness[2, 2])
    assert data.attrs["cells_negative"] == 1 and int(np.isnan(data.thickness).sum()) == 2


@pytest.mark.parametrize(
    ("name", "layers", "arguments", "message"),
    [
        (GREENLAND, {}, {"bounds": (0, 0, 1, 1), "crs": "EPSG:3031"}, r"is of Greenland \(EPSG:3413\)"),
        (GREENLAND, {}, {"bounds": (-9e5, 0, -8e5, 1)}, "does not touch the bounds"),
        ("BedMachineGreenland-v7.nc", {}, {}, "is version 7; of BedMachine Greenland the masks of versions 5, 6 are"),
        ("bed.nc", {}, {}, "says no version"),
        (GREENLAND, {"mask": np.full(SHAPE, 5)}, {}, r"mask: holds 5 in 20 cells, which its version does not have"),
        (ANTARCTICA, {"firn": np.zeros(SHAPE), "source": np.full(SHAPE, 9)}, {}, "source: holds 9 in 20 cells"),
        (ANTARCTICA, {}, {}, "has no 'firn'"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, name, layers, arguments, message):
    path = _write(tmp_path, name, _layers(**layers))
    with pytest.raises(GranuleError, match=message) as told:
        read_bedmachine(path, **arguments)
    assert "\n" not in str(told.value) and name in str(told.value)


def test_version_by_attribute(tmp_path):
    path = _write(tmp_path, "bed_of_the_fjord.nc", _layers(), version="28-Oct-2025 (v6.1)")
    assert read_bedmachine(path).attrs["version"] == "6"
