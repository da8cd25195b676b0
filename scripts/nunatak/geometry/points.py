"""Project points of longitude and latitude to a coordinate system."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyproj

if TYPE_CHECKING:
    import pandas as pd


def placed(points: pd.DataFrame, crs: str) -> pd.DataFrame:
    """
    Add `x` and `y` (m) in a coordinate system to a table of points.

    Parameters
    ----------
    points : DataFrame with `longitude`, `latitude` or `lon`, `lat`, and units in its attributes
    crs : such as "EPSG:3413"
    """
    lon, lat = ("longitude", "latitude") if "longitude" in points else ("lon", "lat")
    to_crs = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    x, y = to_crs.transform(points[lon].to_numpy(), points[lat].to_numpy())
    table = points.assign(x=x, y=y)
    table.attrs = {**points.attrs, "units": {**points.attrs["units"], "x": "m", "y": "m"}}
    return table
