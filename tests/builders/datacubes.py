"""Small datacubes as ITS_LIVE stores them."""

import numpy as np
import xarray as xr


def write_datacube(path, n=40, zarr_format=2):
    """
    Write a datacube of 8 x 9 cells, its layers nearly in order of time, in small chunks as the archive's big ones.

    Returns the velocities as stored, by name, and the place of each layer in order of time.
    """
    rng = np.random.default_rng(5)
    order = np.arange(n)
    order[12:18] = order[12:18][::-1]
    start = 15000.0 + 10 * order
    values = {name: rng.integers(-100, 100, (n, 8, 9)).astype("i2") for name in ("vx", "vy")}
    layer = {
        "acquisition_date_img1": start,
        "acquisition_date_img2": start + 16,
        "date_dt": np.full(n, 16.0, "f4"),
        "vx_error": order.astype("f4"),
        "mission_img1": np.full(n, "L"),
        "mission_img2": np.full(n, "L"),
        "satellite_img1": np.full(n, "8."),
        "satellite_img2": np.full(n, "8."),
        "granule_url": np.array([f"https://a.b/granule{i:03d}.nc" for i in order]),
    }
    store = xr.Dataset(
        {
            name: (("mid_date", "y", "x"), v, {"missing_value": -32767, "map_scale_corrected": 1})
            for name, v in values.items()
        },
        {"mid_date": start + 8.0001, "y": 1000.0 - 120 * np.arange(8), "x": 120.0 * np.arange(9)},
        {"projection": "3031"},
    ).assign({name: ("mid_date", v) for name, v in layer.items()})
    chunks = {name: {"chunks": (10, 3, 3)} for name in values} | {"granule_url": {"chunks": (4,)}}
    store.to_zarr(path, zarr_format=zarr_format, encoding=chunks)
    return values, order
