"""Cut a raster into map tiles, in the polar sets of NASA GIBS and in Web Mercator."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nunatak.runtime import NunatakError

_HALF = 4194304.0  # m from the pole to the edge of the polar sets, whose tiles of 512 pixels begin at 8192 m
_FINER = 1.15  # cells may be this much finer than the pixels of the finest zoom: 120 m lie beside 128 m
POLAR = {"EPSG3413": 3413, "EPSG3031": 3031}
MERCATOR = "WebMercatorQuad"
_MOST = 20_000  # tiles of one set


def tile_matrix_set(name: str) -> Any:
    """
    Return a tile matrix set by its name.

    Parameters
    ----------
    name : EPSG3413 or EPSG3031 (those of NASA GIBS), or WebMercatorQuad

    Returns
    -------
    morecantile.TileMatrixSet
    """
    import morecantile
    from pyproj import CRS

    if name == MERCATOR:
        return morecantile.tms.get(MERCATOR)
    return morecantile.TileMatrixSet.custom(
        [-_HALF, -_HALF, _HALF, _HALF],
        CRS.from_epsg(POLAR[name]),
        tile_width=512,
        tile_height=512,
        matrix_scale=[2, 2],
        minzoom=0,
        maxzoom=8,
        id=name,
    )


def sets_for(latitude: float) -> tuple[str, ...]:
    """
    Return the names of the sets that a place is shown in: that of its pole, and Web Mercator where that reaches.

    Parameters
    ----------
    latitude : degrees, of the place
    """
    polar = ("EPSG3413",) if latitude >= 39 else ("EPSG3031",) if latitude <= -39 else ()
    return (*polar, *((MERCATOR,) if abs(latitude) < 85 else ()))


def zooms_for(tms: Any, cell: float) -> range:
    """
    Return the zooms of a set, from the whole world to the first whose pixels are no coarser than a cell.

    Parameters
    ----------
    tms : of `tile_matrix_set`
    cell : size of a cell in units of the set's own map
    """
    fine = (z for z in range(tms.minzoom, tms.maxzoom + 1) if tms.matrix(z).cellSize <= cell * _FINER)
    return range(tms.minzoom, next(fine, tms.maxzoom) + 1)


def tiles_over(tms: Any, bounds: tuple[float, float, float, float], zoom: int) -> Iterator[Any]:
    """
    Yield the tiles of a zoom that a box touches, by numbers of the map alone.

    Parameters
    ----------
    tms : of `tile_matrix_set`
    bounds : left, bottom, right, top in the set's own map
    zoom : number of the zoom
    """
    import morecantile

    matrix = tms.matrix(zoom)
    left, top = matrix.pointOfOrigin
    width, height = matrix.tileWidth * matrix.cellSize, matrix.tileHeight * matrix.cellSize
    columns = [math.floor((x - left) / width) for x in (bounds[0], np.nextafter(bounds[2], -np.inf))]
    rows = [math.floor((top - y) / height) for y in (bounds[3], np.nextafter(bounds[1], np.inf))]
    for row in range(max(rows[0], 0), min(rows[1], matrix.matrixHeight - 1) + 1):
        for column in range(max(columns[0], 0), min(columns[1], matrix.matrixWidth - 1) + 1):
            yield morecantile.Tile(column, row, zoom)


def cut(
    path: Any, name: str, colours: Callable[[np.ndarray], np.ndarray], *, band: int = 1
) -> Iterator[tuple[int, int, int, bytes]]:
    """
    Yield the tiles of a raster that hold a known cell, as PNG.

    Parameters
    ----------
    path : GeoTIFF
    name : of the set
    colours : function of an array of values, NaN where nothing is known, that returns (.., 4) uint8
    band : of the raster. Default: 1

    Yields
    ------
    zoom, column, row, PNG

    Raises
    ------
    NunatakError : the raster would make too many tiles
    """
    from rio_tiler.io import Reader

    tms = tile_matrix_set(name)
    with Reader(str(path)) as source:
        box = _box(source.dataset, tms)
        zooms = zooms_for(tms, _cell(source.dataset, tms, box))
        n = sum(1 for zoom in zooms for _ in tiles_over(tms, box, zoom))
        if n > _MOST:
            raise NunatakError(f"{path}: makes {n} tiles in {name}, more than {_MOST}; choose a smaller region")
        for zoom in zooms:
            size = tms.matrix(zoom).tileWidth
            for tile in tiles_over(tms, box, zoom):
                values = _values(source, tms, tile, size, band, finest=zoom == zooms[-1])
                if np.isfinite(values).any():
                    yield zoom, tile.x, tile.y, png(colours(values))


def _values(source, tms, tile, size, band, *, finest):
    """Return the values of a tile, NaN where nothing is known."""
    image = source.part(
        tuple(tms.xy_bounds(tile)),
        bounds_crs=tms.rasterio_crs,
        dst_crs=tms.rasterio_crs,
        indexes=band,
        width=size,
        height=size,
        resampling_method="nearest" if finest else "average",
        reproject_method="nearest" if finest else "average",
    )
    return np.where(image.mask > 0, image.data[0].astype("f8"), np.nan)


def _box(dataset, tms):
    """Return the bounds of a raster in a set's own map."""
    from rasterio.warp import transform_bounds

    left, bottom, right, top = transform_bounds(dataset.crs, tms.rasterio_crs, *dataset.bounds, densify_pts=41)
    if left > right:  # across the date line: the whole round
        left, right = tms.xy_bbox[0], tms.xy_bbox[2]
    return left, bottom, right, top


def _cell(dataset, tms, box):
    """Return the size of a cell in a set's own map."""
    across = math.hypot(dataset.bounds.right - dataset.bounds.left, dataset.bounds.top - dataset.bounds.bottom)
    return math.hypot(box[2] - box[0], box[3] - box[1]) / across * abs(dataset.transform.a)


def png(colours: np.ndarray) -> bytes:
    """
    Return an image as PNG.

    Parameters
    ----------
    colours : (ny, nx, 4) uint8
    """
    from rio_tiler.utils import render

    return render(np.moveaxis(colours[..., :3], -1, 0), mask=colours[..., 3], img_format="PNG")
