"""Where and when the granules of a table lie, in words, for whoever asked elsewhere or for another time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely


def whereabouts(table):
    """
    Say in which box the granules of a table lie, and from when to when.

    Parameters
    ----------
    table : granule table with geometry (WKT, degrees), time_start, time_end (UTC), any of them missing

    Returns
    -------
    such as "longitude 22.10 to 26.50, latitude 79.20 to 80.10, 2019-01-02 to 2020-12-30"; "places and times unknown"
    where no granule tells
    """
    said = []
    shapes = shapely.from_wkt(table["geometry"].dropna().to_numpy(dtype=object)) if "geometry" in table else ()
    if len(shapes):
        west, south, east, north = shapely.total_bounds(shapes)
        said.append(f"longitude {west:.2f} to {east:.2f}, latitude {south:.2f} to {north:.2f}")
    times = pd.concat([table[name] for name in ("time_start", "time_end") if name in table])
    times = times.dropna().to_numpy("datetime64[D]")
    if times.size:
        said.append(f"{np.min(times)} to {np.max(times)}")
    return ", ".join(said) or "places and times unknown"
