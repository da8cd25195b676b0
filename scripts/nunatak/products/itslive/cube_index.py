"""The layers of a datacube as rows of the index of image pairs, by the cube's own metadata: no velocity is read."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nunatak import granules
from nunatak.products import datacube_layers
from nunatak.products.itslive.cube_arrays import in_words
from nunatak.products.itslive.datacube import Datacube
from nunatak.products.itslive.ground import scale_of_pair
from nunatak.products.itslive.index import READING, index_table
from nunatak.products.itslive.names import pairs_from_names

_OF_NAMES = ("path_row_img1", "path_row_img2", "geometry", "image_key", "processed", "version")
_TO_GROUND = ("vx_error", "vy_error", "vx_stable_shift", "vy_stable_shift")


def index_layers(path, *, spans=None, identity=""):
    """
    Return a row for each layer of a datacube, as `index.index_pairs` has for each granule.

    Parameters
    ----------
    path : folder or address of the Zarr store
    spans : list of (first, last) datetime64, last excluded: layers with their middle in one of them; None takes all
    identity : what tells the version of the cube, such as the checksum of its metadata

    Returns
    -------
    DataFrame with the columns of `index.COLUMNS` and `layer`, the number in the cube, sorted by (mid_date,
        granule_id, layer). `path` is that of the cube; `x0, y0, dx, dy, ny, nx` are those of its grid; errors and
        shifts are over ground. `attrs["layers"]` counts the cube's layers, `attrs["elsewhen"]` those of other times

    Raises
    ------
    GranuleError : it cannot be read as a datacube
    """
    with in_words(path):
        cube = Datacube(path)
        chosen = np.flatnonzero(_inside(cube.middle, spans))
        rows = _rows(cube, chosen) if chosen.size else pd.DataFrame()
    grid = cube.grid
    place = {
        **{"x0": grid.left + grid.dx / 2, "y0": grid.top - grid.dy / 2, "dx": grid.dx, "dy": grid.dy},
        **{"ny": grid.ny, "nx": grid.nx, "epsg": int(cube.crs.removeprefix("EPSG:"))},
    }
    k = scale_of_pair(place)
    common = {**place, "path": str(path), "status": "present", "layout": "cube", "reader": "datacube"}
    common |= {"reading": READING, "error_source": "error"}
    found = []
    for row in rows.to_dict("records"):
        scale = k if row["units_in_granule"] == "map" else 1.0
        over_ground = {name: row[name] / scale for name in _TO_GROUND if name in row}
        over_ground |= {name: 0.0 for name in _TO_GROUND[2:] if not np.isfinite(over_ground.get(name, np.nan))}
        found.append({**row, **over_ground, **common, "map_scale": scale, "identity": f"{identity}:{row['layer']}"})
    table = index_table(found)
    numbers = {row["identity"]: row["layer"] for row in found}
    table["layer"] = table["identity"].map(numbers).astype("int64")
    table.attrs |= {"layers": int(cube.middle.size), "elsewhen": int(cube.middle.size - chosen.size)}
    return table


def _inside(middle, spans):
    if spans is None:
        return np.ones(middle.size, dtype=bool)
    return np.logical_or.reduce([(middle >= first) & (middle < last) for first, last in spans])


def _rows(cube, chosen):
    """Return what the arrays by layer and the granules' names tell of chosen layers."""
    named = datacube_layers.names(cube.store, chosen)
    times = [time[chosen] for time in cube.times]
    rows = pd.DataFrame(datacube_layers.layers(cube.store, chosen, named, times))
    rows["layer"], rows["mid_date"] = chosen, cube.middle[chosen]
    rows["date_dt"] = (times[1] - times[0]) / np.timedelta64(1, "D")
    rows["file_name"] = rows["granule_id"] + ".nc"
    rows["units_in_granule"] = cube.units(chosen, named)
    if "roi_valid_percentage" not in rows:
        rows["roi_valid_percentage"] = np.nan
    return rows.join(_told_by_names(rows))


def _told_by_names(rows):
    """
    Return the columns that names tell.

    A name that is no granule's tells nothing, which a column says.
    """
    told = rows["file_name"].map(_is_granule)
    some = pairs_from_names(rows[told])[list(_OF_NAMES)]
    # names tell the day, the cube the second: neighbours of one pass are one pair's images only where both agree
    blank = {"path_row_img1": "", "path_row_img2": "", "geometry": "unknown", "processed": "", "version": 0}
    out = some.reindex(rows.index)
    for name, value in blank.items():
        out[name] = out[name].where(told, value)
    out["image_key"] = out["image_key"].where(told, rows["id_img1"] + "/" + rows["id_img2"])
    return out.assign(version=out["version"].astype("int64"))


def _is_granule(name):
    try:
        return granules.parse(name).product == "itslive"
    except granules.GranuleNameError:
        return False
