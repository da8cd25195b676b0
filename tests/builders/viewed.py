"""A folder of results for the viewer, with values that are known and holes in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from nunatak.files.rasters import georeference, write_netcdf
from nunatak.files.tables import write_table
from nunatak.geometry import outlines, region
from nunatak.geometry.grid import Grid
from nunatak.results.reading import write_height_change

GRID = Grid("EPSG:3413", 1_040_000.0, -380_000.0, 1000.0, 1000.0, 30, 40)
ABOUT = {"nunatak_source": "SIMULATED", "study": "seen"}


def stack(shape, seed, *, holes=0.2, mean=0.0):
    """Random float32 values with holes."""
    rng = np.random.default_rng(seed)
    values = (mean + rng.normal(size=shape)).astype("float32")
    return np.where(rng.random(shape) < holes, np.float32(np.nan), values)


def change(times, seed=1, *, grid=GRID, **options):
    """Height change with its error at these times."""
    values = stack((len(times), *grid.shape), seed, **options)
    sigma = np.abs(stack(values.shape, seed + 1, holes=0))
    fields = {"delta_h": (("time", "y", "x"), values, {"units": "m"}), "delta_h_sigma": (("time", "y", "x"), sigma)}
    dataset = xr.Dataset(fields, {"time": np.array(times, dtype="datetime64[ns]"), "y": grid.y, "x": grid.x})
    return georeference(dataset, grid).assign_attrs(crs=grid.crs)


def annual(years, seed=5):
    """Annual speeds with their errors, on `GRID`."""
    values = np.abs(stack((len(years), *GRID.shape), seed, mean=300.0))
    fields = {"v": (("year", "y", "x"), values, {"units": "m/yr"}), "v_error": (("year", "y", "x"), values / 10)}
    dataset = xr.Dataset(fields, {"year": np.array(years), "y": GRID.y, "x": GRID.x})
    return georeference(dataset, GRID).assign_attrs(crs=GRID.crs)


def granules(names, start="2019-01-01", end="2020-12-31"):
    """A granule table with what the viewer reads of it."""
    spans = {"time_start": pd.Timestamp(start), "time_end": pd.Timestamp(end)}
    return pd.DataFrame({"granule_id": names, **spans})


def pairs(years):
    """A table with one used image pair in each year, and one that was not used."""
    used = [(f"pair_{year}", f"{year}-07-01 00:30", "used") for year in years]
    table = pd.DataFrame(
        [*used, ("pair_left", "2019-07-01 00:30", "filter")], columns=["granule_id", "mid_date", "fate"]
    )
    return table.assign(mid_date=pd.to_datetime(table["mid_date"]))


def write(folder, *, height_change=None, speeds=None):
    """
    Write results below a folder.

    Returns
    -------
    mapping of the names of results, of `granules` and of `regions`, to a path or a list of paths
    """
    for name in ("atl15", "velocity"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    inputs = {"regions": str(folder / "regions.geojson"), "granules": []}
    outlines.write_outlines({"region": region.load({"bbox": [22, 79, 26, 80]})}, inputs["regions"])
    if height_change is not None:
        inputs["change"] = str(folder / "atl15/height_change.nc")
        write_height_change({"1km": (height_change, {})}, inputs["change"], ABOUT)
        inputs["granules"] = [str(folder / "atl15/granules.parquet")]
        write_table(granules(["ATL15_SV_one", "ATL15_SV_two"]), inputs["granules"][0], attributes=ABOUT)
    if speeds is not None:
        inputs |= {"annual": str(folder / "velocity/annual.nc"), "image_pairs": str(folder / "velocity/pairs.parquet")}
        write_netcdf(speeds, inputs["annual"], ABOUT)
        write_table(pairs(speeds["year"].values), inputs["image_pairs"], attributes=ABOUT)
    return inputs
