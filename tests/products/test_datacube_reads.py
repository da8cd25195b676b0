"""Chosen layers of a datacube, read by chunks, are those that indexing gives, whatever is read at a time."""

import numpy as np
import pytest
import xarray as xr

from nunatak.products import datacube_layers
from nunatak.products.datacube_layers import names, take

CHUNKS = (4, 3, 5)


def stored(shape, chunks):
    """A variable of whole numbers with the chunks of a store, and the list of the blocks that are read of it."""
    asked = []

    class Variable:
        dtype, encoding = np.dtype("i2"), {"chunks": chunks}
        values = np.arange(np.prod(shape), dtype="i2").reshape(shape)

        def __getitem__(self, key):
            asked.append(key)
            return xr.DataArray(self.values[key])

    variable = Variable()
    variable.shape = shape
    return variable, asked


@pytest.mark.parametrize("block", [1, 2 * 60, 2 * 180, 2 * 720, 10**6])
@pytest.mark.parametrize("order", [[0], [11, 3, 4, 21, 20, 12], [*range(22)], [5, 17, 2], [21, 0]])
def test_layers_are_those_of_plain_indexing(order, block, monkeypatch):
    """In any order, of any window, and none of a chunk's layers is read where none of them is wanted."""
    monkeypatch.setattr(datacube_layers, "_BLOCK", block)
    variable, asked = stored((22, 10, 13), CHUNKS)
    for rows, columns in ((slice(0, 10), slice(0, 13)), (slice(2, 8), slice(5, 10)), (slice(4, 5), slice(12, 13))):
        asked.clear()
        np.testing.assert_array_equal(take(variable, order, rows, columns), variable.values[order][:, rows, columns])
        wanted = {layer // 4 for layer in order}
        touched = {layer // 4 for key in asked for layer in range(key[0].start, key[0].stop)}
        assert touched == wanted
        for layers, down, across in asked:
            assert down.start // 3 == (down.stop - 1) // 3  # one chunk high
            cells = (layers.stop - layers.start) * 3 * 5 * -(-(across.stop - across.start) // 5)
            assert cells <= block // 2 or across.stop - across.start <= 5
    flat, asked = stored((22,), (4,))
    np.testing.assert_array_equal(take(flat, order), flat.values[order])


def test_blocks_are_as_large_as_they_may_be():
    """A hundred layers in chunks of ten: read at once, or in three runs of 40, 40 and 20 where 40 fit."""
    variable, asked = stored((100,), (10,))
    take(variable, np.arange(100))
    assert [key[0] for key in asked] == [slice(0, 100)]
    assert [*datacube_layers._runs(np.arange(100), 10, 40)] == [(0, 40), (40, 80), (80, 100)]
    assert [*datacube_layers._runs(np.array([0, 9, 10, 30, 31, 49, 50]), 10, 1000)] == [(0, 3), (3, 7)]


def test_names_are_those_of_addresses_or_numbers(monkeypatch):
    monkeypatch.setattr(datacube_layers, "_BLOCK", 1)
    addresses = np.array([f"https://host/velocity/pair_{k}.nc" for k in range(9)], dtype=object)
    store = xr.Dataset({"granule_url": ("mid_date", addresses)})
    store["granule_url"].encoding["chunks"] = (2,)
    assert names(store, np.array([1, 2, 7])).tolist() == ["pair_1", "pair_2", "pair_7"]
    assert names(store.drop_vars("granule_url"), np.array([1, 12])).tolist() == ["layer0000001", "layer0000012"]
