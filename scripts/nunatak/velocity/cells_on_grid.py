"""Hold the values of a region's cells, which are put on their grid when they are read."""

from __future__ import annotations

import numpy as np


class CellsOnGrid(np.lib.mixins.NDArrayOperatorsMixin):
    """
    An array on a grid that holds the values of a region's cells alone.

    NumPy and xarray treat it as the whole array. A composite has a dozen fields of all its years, which as whole arrays
    would need several times the memory of the region's cells.

    Parameters
    ----------
    values : (n_cell,) or (n_cell, K) array
    mask : (ny, nx) bool, the cells, n_cell of them
    fill : value of all others
    """

    def __init__(self, values, mask, fill):
        self.values, self.mask, self.fill = values, mask, fill
        self.shape, self.dtype = (*values.shape[1:], *mask.shape), values.dtype
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape))
        self.nbytes = self.size * self.dtype.itemsize

    def __array__(self, dtype=None, copy=None):
        whole = np.full(self.shape, self.fill, self.dtype)
        whole[..., self.mask] = np.moveaxis(self.values, 0, -1)
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def __getitem__(self, key):
        return np.asarray(self)[key]

    def astype(self, dtype: str, **options) -> np.ndarray:
        """Return the whole array as another type."""
        return np.asarray(self).astype(dtype, **options)

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return getattr(ufunc, method)(*(_whole(value) for value in inputs), **options)

    def __array_function__(self, function, types, inputs, options):
        return function(*(_whole(value) for value in inputs), **options)


def _whole(value):
    """Return the whole array of a `CellsOnGrid`, also within a list of arrays."""
    if isinstance(value, (list, tuple)):
        return type(value)(_whole(part) for part in value)
    return np.asarray(value) if isinstance(value, CellsOnGrid) else value
