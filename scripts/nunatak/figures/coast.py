"""Land on polar maps, without the network: a file of the user's, or a coarse outline of Antarctica of our own."""

from __future__ import annotations

from nunatak.geometry import region

OWN = region.SHIPPED / "antarctic_coast.geojson"
OWN_NOTE = "coarse outline of Antarctica and its ice shelves, drawn by hand for orientation, good to some 50 km"


def land_on(crs, south, path=None):
    """
    Land in a map's coordinates and, in words, where it is from; (None, "") where none is at hand.

    Parameters
    ----------
    crs : of the map
    south : whether the map is of the southern hemisphere
    path : a vector file (GeoJSON, Shapefile, GeoPackage) with polygons of land, or None

    Raises
    ------
    RegionError : a file that cannot be read
    """
    if path is not None:
        return region.load({"polygon": str(path)}).projected(crs), str(path).rpartition("/")[-1]
    if not south:
        return None, ""
    return region.load({"polygon": str(OWN)}).projected(crs), OWN_NOTE
