"""Points of longitude and latitude, placed in a coordinate system."""

from __future__ import annotations

import pyproj


def placed(points, crs):
    """
    Return points with `x` and `y` (m) in a coordinate system added.

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
