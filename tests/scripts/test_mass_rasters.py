"""Rasters of firn air and uplift are refused where their values cannot be."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
import xarray as xr

import sum_height_change
from nunatak.runtime import NunatakError

N = 20


def tif(path, values):
    """A GeoTIFF on the cells of the height change, without a declared fill."""
    transform = rasterio.transform.from_origin(0, N * 1000, 1000, 1000)
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "height": N, "width": N, "crs": "EPSG:3413"}
    with rasterio.open(path, "w", transform=transform, **profile) as file:
        file.write(values.astype("f4"), 1)
    return str(path)


@pytest.mark.parametrize("wrong", ["firn", "gia"])
def test_an_undeclared_fill_is_refused(tmp_path, wrong):
    """-9999 without a declaration would be a change of kilometres of ice."""
    centres = np.arange(N) * 1000.0 + 500.0
    change = xr.Dataset(
        {"delta_h": (("time", "y", "x"), np.zeros((3, N, N)))},
        {"y": centres[::-1], "x": centres, "decimal_year": ("time", [2020.0, 2021.0, 2022.0])},
        {"crs": "EPSG:3413"},
    )
    filled = np.zeros((N, N))
    filled[:, :3] = -9999.0
    paths = {
        name: tif(tmp_path / f"{name}.tif", filled if name == wrong else np.zeros((N, N))) for name in ("firn", "gia")
    }
    with pytest.raises(NunatakError, match=f"{wrong}.tif.*-9999"):
        sum_height_change.to_mass(change, SimpleNamespace(kind="ice_sheet", **paths))
