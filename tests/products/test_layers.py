"""Layers of a cube in a folder: what is written comes back, chunks of nothing but fill take no room."""

from __future__ import annotations

import numpy as np
import pytest
from numcodecs import Blosc

from nunatak.geometry.grid import Grid
from nunatak.products.itslive import layers
from nunatak.products.itslive.layers import LayerFolder, encode

FILL = -32767
GRID = Grid("EPSG:3031", 0.0, 0.0, 120.0, 120.0, 7, 5)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder whose chunks hold three rows: two whole ones of a layer, and one with a single row."""
    monkeypatch.setattr(layers, "_STRIP", 3 * 2 * GRID.nx)
    made = LayerFolder(tmp_path, GRID, ("vx", "vy"))
    assert made.rows == 3
    return made


def test_layers_come_back_from_their_slots(folder):
    """In any order, with rows of fill between, and missing where a slot was not written."""
    first, second = np.arange(35, dtype="i2").reshape(7, 5), np.full((7, 5), FILL, "i2")
    first[3:6] = FILL  # the second chunk
    second[6, 4] = 9  # the last cell of the last chunk
    opposite = np.where(first == FILL, FILL, -first).astype("i2")
    folder.write(4, {"vx": first, "vy": opposite})
    folder.write(2, {"vx": second, "vy": second})
    back = folder.read("vx", [2, 3, 4])
    np.testing.assert_array_equal(back, [second, np.full((7, 5), FILL), first])
    np.testing.assert_array_equal(folder.read("vy", [4])[0], opposite)
    kept = sorted(path.relative_to(folder.folder).as_posix() for path in folder.folder.rglob("*.*"))
    assert kept == sorted([*(f"{name}/4.{k}" for name in ("vx", "vy") for k in (0, 2)), "vx/2.2", "vy/2.2"])


def test_chunks_at_the_edge_are_filled_up():
    """Seven rows in chunks of three: the last holds one row and two of fill, of 0 where a variable has no fill."""
    values = np.ones((7, 5), "i2")
    for fill, filled in ((FILL, FILL), (None, 0)):
        *_, last = (np.frombuffer(Blosc().decode(chunk), "i2").reshape(-1, 5) for chunk in encode(values, 3, fill))
        np.testing.assert_array_equal(last, [[1] * 5, [filled] * 5, [filled] * 5])
    nothing = np.zeros((7, 5), "i2")
    assert encode(nothing, 3, 0) == [None] * 3 and None not in encode(nothing, 3, None)
