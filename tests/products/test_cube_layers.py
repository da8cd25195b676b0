"""Layers that a cube takes over from another place: the same values, and chunks of zeros where zero is no fill."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr
from numcodecs import Blosc

from nunatak.geometry.grid import Grid
from nunatak.products.itslive import layers
from nunatak.products.itslive.layers import LayerFolder
from nunatak.products.itslive.store import LAYER_COLUMNS, CubeLayers, CubeWriter

GRID = Grid("EPSG:3031", 0.0, 0.0, 120.0, 120.0, 7, 5)
NAMES = ("vx", "vy", "interp_mask")
FILL = -32767


@pytest.fixture
def short_strips(monkeypatch):
    """Chunks hold three rows: a layer has three of them."""
    monkeypatch.setattr(layers, "_STRIP", 3 * 2 * GRID.nx)


def values():
    """Four layers, with chunks of nothing but fill, zeros that are velocities, and a mask of zeros but for one."""
    rng = np.random.default_rng(3)
    vx = rng.integers(-500, 500, (4, 7, 5)).astype("i2")
    vx[1, :3], vx[2, 3:6], vx[3] = FILL, 0, FILL
    mask = np.zeros((4, 7, 5), "u1")
    mask[2, 6, 4] = 1
    return {"vx": vx, "vy": np.where(vx == FILL, FILL, -vx).astype("i2"), "interp_mask": mask}


def table(n):
    """Return rows of layers with a value of the right kind in every column."""
    time = pd.date_range("2020-01-01", periods=n, freq="16D")
    numbers = dict.fromkeys(LAYER_COLUMNS, 1.0) | {"stable_shift_flag": 1, "epsg": 3031, "valid_cells": 35}
    texts = ("granule_id", "id_img1", "id_img2", "platform", "group", "path_row_img1", "path_row_img2", "geometry")
    texts = dict.fromkeys((*texts, "layout", "treatment", "error_source", "units_in_granule"), "a")
    times = {"mid_date": time, "acquisition_date_img1": time, "acquisition_date_img2": time}
    return pd.DataFrame({**numbers, **texts, **times}, index=range(n))


def written(path, zarr_format, fill, chunks="map"):
    """Write a cube with what `fill` does to its writer."""
    writer = CubeWriter(path, GRID, np.ones(GRID.shape), NAMES, 9, zarr_format=zarr_format, chunks=chunks)
    fill(writer)
    writer.close()
    return path


def assert_cube(path, expected, zarr_format):
    """Hold arrays, what xarray makes of them, and the chunks of the mask against the layers."""
    group = zarr.open_group(str(path), mode="r")
    for name in NAMES:
        np.testing.assert_array_equal(group[name][...], expected[name], err_msg=name)
    with xr.open_zarr(path, consolidated=True, chunks=None) as cube:
        np.testing.assert_array_equal(np.nan_to_num(cube["interp_mask"].values, nan=-1), expected["interp_mask"])
        np.testing.assert_array_equal(cube["vx"].fillna(FILL), expected["vx"])
    if zarr_format == 2:  # where an absent chunk of the mask would be missing, each is there
        chunks = sorted((path / "interp_mask").glob("[0-9]*"))
        assert len(chunks) == 3 * len(expected["vx"])
        sizes = {len(Blosc().decode(chunk.read_bytes())) for chunk in chunks}
        assert sizes == {3 * GRID.nx}


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("kept", ["folder", "cube"])
@pytest.mark.usefixtures("short_strips")
def test_layers_taken_from_elsewhere_are_those_that_lie_there(tmp_path, kept, zarr_format):
    """From a folder of layers, where chunks of fill and of zeros are no files, and from an earlier cube."""
    expected = values()
    if kept == "folder":
        source = LayerFolder(tmp_path / "layers", GRID, NAMES)
        for slot in range(4):
            source.write(slot, {name: layer[slot] for name, layer in expected.items()})
        assert (
            len([path for path in (tmp_path / "layers").rglob("*") if "interp_mask" in str(path) and path.is_file()])
            == 1
        )
    else:
        append = lambda writer: writer.append(table(4), expected)  # noqa: E731
        source = CubeLayers(written(tmp_path / "earlier.zarr", zarr_format, append))
        assert_cube(tmp_path / "earlier.zarr", expected, zarr_format)
    path = written(tmp_path / "cube.zarr", zarr_format, lambda writer: writer.take(table(4), source, [0, 1, 2, 3]))
    assert_cube(path, expected, zarr_format)
    some = {name: layer[[1, 3]] for name, layer in expected.items()}
    path = written(tmp_path / "some.zarr", zarr_format, lambda writer: writer.take(table(2), source, [1, 3]))
    assert_cube(path, some, zarr_format)
    series = written(tmp_path / "series.zarr", 3, lambda writer: writer.take(table(4), source, [0, 1, 2, 3]), "series")
    np.testing.assert_array_equal(zarr.open_group(str(series), mode="r")["vx"][...], expected["vx"])
