"""
Simulated ITS_LIVE datacubes: the same measurements as the image pairs, laid out by place as the archive's own cubes.

Every second cube is Zarr 2 and the others Zarr 3 with shards. Layers come in the order they were added and not in that
of time, chunks without data were never written, and a pair that was processed twice is there twice.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pyproj
import shapely
import zarr
from zarr.codecs import BloscCodec

from nunatak.constants import FILL_VELOCITY
from nunatak.geometry.grid import Grid
from nunatak.runtime import written
from nunatak.simulation import hdf
from nunatak.simulation.itslive import covers, file_name
from nunatak.simulation.itslive_pairs import schedule
from nunatak.simulation.itslive_values import EDGE, Truth, footprint, measure

CELL = 120.0
SIZE = {"full": 100e3, "tiny": 12e3}  # m, side of a cube
_MOST = 20000  # layers of a chunk
_TILE, _SHARD = 10, 50  # cells of a chunk and of a shard along one side
_NAMES = 84  # addresses of a chunk
_FIELDS = ("vx", "vy", "v", "v_error")
_LEFT_OUT = {"stray", "empty"}  # what the archive lists beside a cube and does not put in


def write(world, folder):
    """
    Write the datacubes of a world.

    Returns
    -------
    list of Path, sorted by name
    """
    pairs = [(pair, footprint(world, pair)) for pair in schedule(world)]
    pairs = [(pair, grid) for pair, grid in pairs if pair.layout != "v1" and not pair.quirks & _LEFT_OUT]
    truths = {key: Truth(world, grid) for key, grid in covers(pairs).items()}
    layers = [(pair, grid, measure(world, pair, grid, truths[grid.crs, grid.dx])) for pair, grid in pairs]
    # a satellite's pairs are added together
    layers.sort(key=lambda layer: (layer[0].platform[:1], str(layer[0].time2), layer[0].key))
    paths = []
    for number, grid in enumerate(tiles(pairs, SIZE[world.size])):
        inside = [(pair, m, part) for pair, own, m in layers if (part := _over(m, own, grid)) is not None]
        if inside:
            path = Path(folder) / _name(grid)
            with written(path) as temporary:
                write_cube(temporary, grid, inside, zarr_format=2 + number % 2)
            paths.append(path)
    return sorted(paths)


def tiles(pairs, size):
    """
    Return the Grids of the cubes that footprints touch, in every projection of them.

    Parameters
    ----------
    pairs : list of (Pair, Grid of its footprint)
    size : m, side of a cube; its grid is snapped outward, so that neighbours share a row or column of cells
    """
    found = {}
    for _, grid in pairs:
        left, bottom, right, top = grid.bounds
        for i in range(int(left // size), int(right // size) + 1):
            for j in range(int(bottom // size), int(top // size) + 1):
                bounds = i * size, j * size, (i + 1) * size, (j + 1) * size
                found[grid.crs, i, j] = Grid.from_bounds(grid.crs, bounds, CELL, lattice=EDGE)
    return [found[key] for key in sorted(found)]


def _name(grid):
    left, bottom, right, top = grid.bounds
    x, y = round((left + right) / 2), round((bottom + top) / 2)
    return f"ITS_LIVE_vel_{grid.crs.replace(':', '')}_G{CELL:04.0f}_X{x}_Y{y}.zarr"


def _over(measured, own, grid):
    """
    Return {field: (ny, nx) array} of a layer on a cube's grid.

    The result is None where it has no value there.
    """
    if own.crs != grid.crs or own.dx != grid.dx:
        return None
    row, column = round((own.top - grid.top) / own.dy), round((grid.left - own.left) / own.dx)
    spans = zip((row, column), grid.shape, own.shape, strict=True)
    inside = [(max(first, 0), min(first + n, m)) for first, n, m in spans]
    if any(first >= last for first, last in inside):
        return None
    (r0, r1), (c0, c1) = inside
    out = {name: np.full(grid.shape, FILL_VELOCITY, "i2") for name in _FIELDS}
    seen = measured.vx[r0:r1, c0:c1] != FILL_VELOCITY
    if not seen.any():
        return None
    error = np.where(measured.vx == FILL_VELOCITY, FILL_VELOCITY, round(measured.error[0])).astype("i2")
    for name, values in zip(_FIELDS, (measured.vx, measured.vy, measured.v, error), strict=True):
        out[name][r0 - row : r1 - row, c0 - column : c1 - column] = values[r0:r1, c0:c1]
    return out


def write_cube(path, grid, layers, *, zarr_format=2, shards=True):
    """
    Write one datacube.

    Parameters
    ----------
    path : folder to make
    grid : Grid
    layers : list of (Pair, Measured, {field: (ny, nx) array}) in the order they are in the cube
    zarr_format : 2, as the archive has it today, or 3
    shards : of format 3: chunks in shards of 50 x 50 cells
    """
    group = zarr.open_group(str(path), mode="w", zarr_format=zarr_format)
    n, make = len(layers), _Maker(group, zarr_format)
    chunk = (min(n, _MOST), min(_TILE, grid.ny), min(_TILE, grid.nx))
    shard = (chunk[0], min(_SHARD, -(-grid.ny // _TILE) * _TILE), min(_SHARD, -(-grid.nx // _TILE) * _TILE))
    for name in _FIELDS:
        attributes = {"units": "meter/year", "grid_mapping": "mapping", "missing_value": float(FILL_VELOCITY)}
        array = make.array(
            name, (n, *grid.shape), "i2", chunk, ("mid_date", "y", "x"), attributes, shards=shard if shards else None
        )
        array[...] = np.stack([fields[name] for _, _, fields in layers])
    make.put("x", grid.x, ("x",), {"units": "m", "standard_name": "projection_x_coordinate"})
    make.put("y", grid.y, ("y",), {"units": "m", "standard_name": "projection_y_coordinate"})
    for name, (values, attributes) in _by_layer(layers).items():
        length = _NAMES if name == "granule_url" else 200000
        make.put(name, values, ("mid_date",), attributes, chunk=length)
    mapping = {"spatial_epsg": int(grid.crs.removeprefix("EPSG:")), "grid_mapping_name": "mapping"}
    make.put("mapping", np.zeros((), "i1"), (), mapping)
    group.attrs.update(
        {
            "projection": grid.crs.removeprefix("EPSG:"),
            "title": "ITS_LIVE datacube of image pair velocities",
            "date_updated": str(max(pair.time2 for pair, _, _ in layers).astype("datetime64[D]")),
            "geo_polygon": json.dumps(_outline(grid)),
            "nunatak_source": hdf.SOURCE,
            "source": "Simulated by Nunatak from a truth known in closed form; not observed",
        }
    )
    with warnings.catch_warnings():
        # format 3 does not specify consolidated metadata yet; readers take it all the same
        warnings.simplefilter("ignore", category=UserWarning)
        zarr.consolidate_metadata(group.store)


def _outline(grid):
    """Return longitudes and latitudes around a cube, as the archive's cubes state them."""
    left, bottom, right, top = grid.bounds
    ring = shapely.segmentize(shapely.box(left, bottom, right, top), (right - left) / 4).exterior.coords
    to_globe = pyproj.Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    return [list(to_globe.transform(x, y)) for x, y in ring]


class _Maker:
    """Makes the arrays of a store of either format."""

    def __init__(self, group, zarr_format):
        self._group, self._format = group, zarr_format

    def array(self, name, shape, dtype, chunk, dims, attributes, *, shards=None):
        """
        Return a new array.

        Chunks that hold nothing but its fill are not written.
        """
        fill = FILL_VELOCITY if name in _FIELDS else None
        if self._format == 3:
            more = {"dimension_names": dims, "compressors": BloscCodec(cname="zlib", clevel=2, shuffle="shuffle")}
            more |= {"shards": shards, "fill_value": 0 if fill is None else fill}
        else:
            attributes = {**attributes, "_ARRAY_DIMENSIONS": list(dims)}
            more = {
                "compressors": {"id": "blosc", "cname": "zlib", "clevel": 2, "shuffle": 1, "blocksize": 0},
                "fill_value": fill,
            }
        chunk = tuple(max(1, min(c, s)) for c, s in zip(chunk, shape, strict=True))
        if dtype is str:
            del more["compressors"], more["fill_value"]
        options = {"shape": shape, "chunks": chunk, "dtype": dtype, "attributes": attributes}
        return self._group.create_array(name, **options, **more)

    def put(self, name, values, dims, attributes, *, chunk=200000):
        """
        Write an array of coordinates or of what is said by layer.

        Text as the format keeps it.
        """
        text = values.dtype.kind == "U"
        dtype = str if text and self._format == 3 else values.dtype
        array = self.array(name, values.shape, dtype, (chunk,) * values.ndim, dims, attributes)
        array[...] = values


def _by_layer(layers):
    """Return {name: (values, attributes)} of the metadata of layers."""
    pairs, measured = [pair for pair, _, _ in layers], [m for _, m, _ in layers]
    days = [np.array([_days(getattr(pair, f"time{i}")) for pair in pairs]) for i in (1, 2)]
    since = {"units": "days since 1970-01-01"}
    middle = (days[0] + days[1]) / 2
    out = {
        "mid_date": (middle + (days[0] % 1000) * 1e-9, since),  # the store's middle carries other things, too
        "date_center": (middle, since),
        "date_dt": (np.array([pair.dt_days for pair in pairs], "f4"), {"units": "days"}),
        "roi_valid_percentage": (np.array([m.percent_valid for m in measured], "f4"), {}),
        "stable_shift_flag": (np.array([m.flag for m in measured], "u1"), {}),
    }
    for i, axis in enumerate(("vx", "vy")):
        out[f"{axis}_error"] = np.array([m.error[i] for m in measured], "f4"), {"units": "meter/year"}
        out[f"{axis}_stable_shift"] = np.array([m.stable_shift[i] for m in measured], "f4"), {"units": "meter/year"}
    for i in (1, 2):
        ids = [getattr(pair, f"id_img{i}") for pair in pairs]
        satellites = [image[3] + "." if image.startswith("L") else image[1:3] for image in ids]
        out[f"acquisition_date_img{i}"] = days[i - 1], since
        out[f"mission_img{i}"] = np.array([image[0] for image in ids], "U1"), {}
        out[f"satellite_img{i}"] = np.array(satellites, "U2"), {}
    names = [file_name(pair, m.percent_valid) for pair, m, _ in layers]
    out["granule_url"] = np.array([f"https://simulated.invalid/{name}" for name in names], "U1024"), {}
    return out


def _days(time):
    return float((time - np.datetime64("1970-01-01")) / np.timedelta64(1, "s")) / 86400.0
