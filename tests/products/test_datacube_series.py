"""Series of single cells of a datacube: the values of its chunks, each chunk read once."""

import numpy as np
from tests.builders.datacubes import write_datacube

from nunatak.products.itslive.datacube import Datacube
from nunatak.products.itslive.zarr_store import FolderStore


def test_series_are_those_of_the_cells_and_read_each_chunk_once(tmp_path, monkeypatch):
    """Nine cells in four of the nine columns of chunks, two of them the same, in any order, layers in reverse."""
    values, _ = write_datacube(tmp_path / "cube.zarr")
    cube = Datacube(tmp_path / "cube.zarr")
    layers, on_map = np.arange(40)[::-1], np.zeros(40, dtype=bool)
    cells = np.array([(7, 8), (0, 0), (2, 1), (0, 5), (1, 3), (2, 2), (0, 0), (4, 4), (5, 3)])
    asked, get = [], FolderStore.get

    async def noted(self, key, *given, **more):
        asked.append(key)
        return await get(self, key, *given, **more)

    monkeypatch.setattr(FolderStore, "get", noted)
    series = cube.series("vx", layers, *cells.T, on_map)
    np.testing.assert_array_equal(series, values["vx"][layers][:, cells[:, 0], cells[:, 1]])
    chunks = [key for key in asked if key.startswith("vx/")]
    expected = {f"vx/{n}.{i // 3}.{j // 3}" for n in range(4) for i, j in cells}
    assert sorted(chunks) == sorted(expected)


def test_series_of_layers_on_the_map_are_over_ground(tmp_path):
    """At 1 km from the pole the map of EPSG:3031 is 0.97277 of the ground's length."""
    values, _ = write_datacube(tmp_path / "cube.zarr")
    cube, layers = Datacube(tmp_path / "cube.zarr"), np.arange(40)
    series = cube.series("vy", layers, [3, 3], [4, 7], np.arange(40) % 2 == 0)
    own = values["vy"][:, 3, [4, 7]].astype(float)
    expected = np.where((np.arange(40) % 2 == 0)[:, None], np.rint(own / 0.97277), own)
    np.testing.assert_array_equal(series, expected)
    assert cube.series("vx", layers, [], [], np.zeros(40, dtype=bool)).shape == (40, 0)
