"""Land on maps, without the network: a file of the user's, or that of Natural Earth which the package holds."""

from __future__ import annotations

import pyproj
import shapely
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from nunatak.geometry import land, region

LAND, SHORE = "#e4e0d8", "#7d776c"
_NOTE = "Natural Earth"
_GROUNDED = "its edge in Antarctica is the grounding line, so that ice shelves are no land"


def land_on(crs, box, path=None):
    """
    Return the land in a map's window and, in words, where it is from.

    Parameters
    ----------
    crs : of the map
    box : left, right, bottom, top of the window, m
    path : a vector file (GeoJSON, Shapefile, GeoPackage, KML) with polygons of land. Default: None, Natural Earth

    Returns
    -------
    (shapely geometry in `crs`, words)

    Raises
    ------
    RegionError : a file that cannot be read
    """
    if path is not None:
        return region.load({"polygon": str(path)}).projected(crs), str(path).rpartition("/")[-1]
    middle = (box[0] + box[1]) / 2, (box[2] + box[3]) / 2
    latitude = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True).transform(*middle)[1]
    return land.within(crs, box), f"{_NOTE}; {_GROUNDED}" if latitude < -60 else _NOTE


def draw_land(ax, geometry, **style):
    """
    Fill land with its lakes left open, draw its shore, and return the artists.

    Parameters
    ----------
    geometry : shapely geometry in the map's coordinates
    style : of the patches. Default: pale land, a thin darker shore, below all data
    """
    look = {"facecolor": LAND, "edgecolor": SHORE, "linewidth": 0.4, "zorder": 0.5, "gid": "land"} | style
    drawn = []
    for part in shapely.get_parts(geometry):
        if part.geom_type == "Polygon" and not part.is_empty:
            rings = [Path(shapely.get_coordinates(ring), closed=True) for ring in (part.exterior, *part.interiors)]
            outline = Path.make_compound_path(*rings)
            drawn.append(PathPatch(outline, **look))
            ax.add_patch(drawn[-1])
    return drawn
