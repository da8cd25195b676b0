"""The velocity cube on disk: Zarr, dims (time, y, x), int16, a chunk for each layer, read lazily."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
import zarr
from numcodecs import Blosc
from zarr.codecs import BloscCodec

from nunatak.files.rasters import georeference
from nunatak.parameters.velocity import CubeForm
from nunatak.products.itslive.fields import FILL, LAYOUT
from nunatak.products.itslive.ground import GROUND
from nunatak.products.itslive.index import UNITS
from nunatak.products.itslive.layers import CODEC, encode, link, strip_rows
from nunatak.runtime import NunatakError

# what every layer keeps of its pair, beside the time; name in the cube: description
LAYER_COLUMNS = {
    "granule_id": "name of the granule",
    "acquisition_date_img1": "time of the earlier image, UTC",
    "acquisition_date_img2": "time of the later image, UTC",
    "date_dt": "time between the images",
    "id_img1": "earlier image",
    "id_img2": "later image",
    "platform": "platform of the earlier image",
    "group": "sensor group",
    "path_row_img1": "path and row, tile or relative orbit of the earlier image",
    "path_row_img2": "path and row, tile or relative orbit of the later image",
    "geometry": "same or cross: whether both images have one frame",
    "layout": "file layout of the granule: v1, v2 or v2a",
    "epsg": "EPSG number of the granule",
    "treatment": "copied, replicated, averaged or rotated",
    "roi_valid_percentage": "valid cells of the whole granule, as it states",
    "valid_cells": "cells of the region with a velocity",
    "vx_error": "error of vx, one per pair",
    "vy_error": "error of vy, one per pair",
    "error_source": "error, or stable_rmse where the granule (version 1) has no error",
    "vx_stable_shift": "correction the product applied to vx",
    "vy_stable_shift": "correction the product applied to vy",
    "units_in_granule": "map or ground: what the velocities of the granule are measured on; the layers are over ground",
    "map_scale": "k in the middle of a granule in map units, by which its errors are divided; 1 of one in ground units",
    "stable_shift_flag": "0 no correction, 1 from stable surfaces, 2 from the slowest quarter",
}
_TIME_UNITS = "nanoseconds since 1970-01-01"
_SERIES_TILE = 32  # cells; a point series then inflates 1024 cells instead of the whole map


class CubeWriter:
    """
    Writes the layers of a cube in order.

    Parameters
    ----------
    path : folder to make; use `runtime.written`
    grid : Grid
    roi : (ny, nx) bool, the region on the grid
    variables : names of `itslive.LAYOUT`
    capacity : most layers that may come; the axis is cut to those that came
    chunks : "map" (a strip of rows of one layer, the whole layer up to 4 MB) or "series" (`series_length` layers of
        32 x 32 cells)
    zarr_format : 3 or 2
    attributes : text and numbers for the root
    """

    def __init__(
        self,
        path,
        grid,
        roi,
        variables,
        capacity,
        *,
        chunks=CubeForm.chunks,
        series_length=1024,
        zarr_format=CubeForm.zarr_format,
        attributes=None,
    ):
        if chunks not in ("map", "series"):
            raise NunatakError(f"velocity: cube chunks {chunks!r}; choose map or series")
        self._path, self._format, self._as_map = Path(path), zarr_format, chunks == "map"
        self._variables = tuple(variables)
        self._group = zarr.open_group(str(path), mode="w", zarr_format=zarr_format)
        self._shape = chunk_shape(grid, chunks, series_length)
        self._place(grid, roi, attributes or {})
        self._arrays = {name: self._layer_array(name, capacity, grid.shape) for name in variables}
        self._rows: list[pd.DataFrame] = []
        self._pending: dict[str, list[np.ndarray]] = {name: [] for name in variables}
        self._written = 0

    def append(self, rows, layers):
        """Add layers: rows (DataFrame, one per layer) and {variable: (n, ny, nx) array}."""
        self._rows.append(rows)
        if not self._as_map:
            for name in self._variables:
                self._pending[name].append(layers[name])
            self._flush(whole_chunks=True)
            return
        for i in range(len(rows)):
            for name in self._variables:
                for strip, data in enumerate(encode(layers[name][i], self._shape[1], self._fill(name))):
                    if data is not None:
                        self._chunk(name, self._written + i, strip).write_bytes(data)
        self._written += len(rows)

    def take(self, rows, source, slots):
        """
        Add layers that lie elsewhere in chunks of their own, as they are where the chunks are the same.

        Parameters
        ----------
        rows : DataFrame, one row per layer
        source : cube_layers.LayerFolder or CubeLayers
        slots : the layers' numbers there, ascending
        """
        if not (self._as_map and source.rows == self._shape[1]):
            step = max(1, self._shape[0])
            for first in range(0, len(slots), step):
                some = slots[first : first + step]
                layers = {name: source.read(name, some) for name in self._variables}
                self.append(rows.iloc[first : first + step], layers)
            return
        self._rows.append(rows)
        strips = range(-(-self._arrays[self._variables[0]].shape[1] // self._shape[1]))
        for name in self._variables:
            for i, slot in enumerate(slots):
                for strip in strips:
                    chunk = self._chunk(name, self._written + i, strip)
                    link(source.chunk(name, slot, strip), chunk)
                    if self._fill(name) is None and not chunk.exists():  # the source leaves out chunks full of zeros
                        chunk.write_bytes(encode(np.zeros(self._shape[1:], LAYOUT[name][0]), self._shape[1], None)[0])
        self._written += len(rows)

    def _fill(self, name):
        """Return the value of chunks that are left out, or None where all are written."""
        return LAYOUT[name][2] if self._arrays[name].fill_value is not None else None

    def _chunk(self, name, layer, strip):
        return self._path / name / self._arrays[name].metadata.encode_chunk_key((layer, strip, 0))

    def close(self, attributes=None):
        """Write what is left, cut the time axis, and write every layer's own metadata and last root attributes."""
        self._group.attrs.update(attributes or {})
        self._flush(whole_chunks=False)
        for array in self._arrays.values():
            array.resize((self._written, *array.shape[1:]))
        none = pd.DataFrame(columns=["mid_date", *LAYER_COLUMNS])
        rows = pd.concat(self._rows, ignore_index=True) if self._rows else none
        self._put(
            "time",
            _nanoseconds(rows["mid_date"]),
            ("time",),
            {
                "units": _TIME_UNITS,
                "calendar": "proleptic_gregorian",
                "standard_name": "time",
                "long_name": "middle between the two images (not unique)",
            },
        )
        for name, description in LAYER_COLUMNS.items():
            self._put(name, *_layer_column(name, rows[name], description))
        with warnings.catch_warnings():
            # format 3 does not specify consolidated metadata yet; xarray reads it and opens a cube much faster with it
            warnings.simplefilter("ignore", category=UserWarning)
            zarr.consolidate_metadata(self._group.store)

    def _flush(self, whole_chunks):
        waiting = sum(len(part) for part in self._pending[self._variables[0]])
        take = waiting - waiting % self._shape[0] if whole_chunks else waiting
        if not take:
            return
        for name in self._variables:
            parts = self._pending[name]
            block = parts[0] if len(parts) == 1 else np.concatenate(parts)
            self._arrays[name][self._written : self._written + take] = block[:take]
            self._pending[name] = [block[take:].copy()] if take < waiting else []
        self._written += take

    def _layer_array(self, name, capacity, shape):
        dtype, unit, fill, description = LAYOUT[name]
        attributes: dict = {"units": unit, "long_name": description, "grid_mapping": "spatial_ref"}
        if name in ("vx", "vy"):
            attributes["ancillary_variables"] = f"{name}_error"
        if name != "interp_mask":
            attributes["_FillValue"] = fill
        return self._create(name, (capacity, *shape), self._shape, dtype, fill, ("time", "y", "x"), attributes)

    def _create(self, name, shape, chunks, dtype, fill, dims, attributes):
        options: dict = {}
        if self._format == 3:
            codec = BloscCodec(cname=CODEC["cname"], clevel=CODEC["clevel"], shuffle="shuffle")
            # a file for each chunk and no folders: a cube of many layers has many chunks
            keys = {"name": "default", "separator": "."}
            options = {"dimension_names": dims, "compressors": codec, "chunk_key_encoding": keys}
        else:
            options = {"compressors": Blosc(**CODEC)}
            attributes = {**attributes, "_ARRAY_DIMENSIONS": list(dims)}
            # xarray takes the fill of format 2 for missing, and zeros are values where no _FillValue says otherwise
            fill = fill if "_FillValue" in attributes else None
            options["config"] = {"write_empty_chunks": fill is None}
        if dtype is str:
            options.pop("compressors")
        return self._group.create_array(
            name,
            shape=shape,
            chunks=tuple(max(1, min(c, max(s, 1))) for c, s in zip(chunks, shape, strict=True)),
            dtype=dtype,
            fill_value=fill,
            attributes=attributes,
            **options,
        )

    def _put(self, name, values, dims, attributes):
        values = np.asarray(values)
        text = values.dtype.kind in "OUT"
        dtype, fill = (str, "") if text else (values.dtype, 0)
        array = self._create(name, values.shape, values.shape, dtype, fill, dims, attributes)
        if values.size:
            array[...] = values.astype(str) if text else values

    def _place(self, grid, roi, attributes):
        held = xr.Dataset(
            {
                "roi": (
                    ("y", "x"),
                    np.asarray(roi).astype("u1"),
                    {
                        "long_name": "cells of the region",
                        "flag_values": [0, 1],
                        "flag_meanings": "outside inside",
                    },
                )
            }
        )
        held = georeference(held, grid)
        for name, variable in held.variables.items():
            self._put(name, variable.values, variable.dims, {k: _json(v) for k, v in variable.attrs.items()})
        layer_names = " ".join([*LAYER_COLUMNS, "spatial_ref"])
        self._group.attrs.update(
            {
                "Conventions": "CF-1.11",
                "crs": grid.crs,
                "coordinates": layer_names,
                "velocity_convention": "metres per year over ground, along the axes of the grid, "
                "not scaled with the map",
                **GROUND,
                **{k: _json(v) for k, v in attributes.items()},
            }
        )


def chunk_shape(grid, chunks, series_length):
    """Return the (time, y, x) cells of one chunk."""
    if chunks == "series":
        return series_length, _SERIES_TILE, _SERIES_TILE
    return 1, strip_rows(grid), grid.nx


class CubeLayers:
    """
    The layers of a cube on disk, to be taken over by another.

    Parameters
    ----------
    path : folder of the cube

    Attributes
    ----------
    rows : rows of one chunk, where a chunk holds a strip of one layer; None in cubes of other chunks
    """

    def __init__(self, path):
        self._path, self._arrays = Path(path), dict(zarr.open_group(str(path), mode="r").arrays())
        chunks, shape = self._arrays["vx"].chunks, self._arrays["vx"].shape
        self.rows = chunks[1] if chunks[0] == 1 and chunks[2] == shape[2] else None

    def chunk(self, name, slot, strip):
        """Return the path of a chunk. The file need not exist."""
        return self._path / name / self._arrays[name].metadata.encode_chunk_key((slot, strip, 0))

    def read(self, name, slots):
        """Read consecutive layers of one variable: (len(slots), ny, nx) array."""
        return self._arrays[name][slots[0] : slots[-1] + 1]


def _layer_column(name, values, description):
    attributes = {"long_name": description}
    if name in UNITS:
        attributes["units"] = UNITS[name]
    if name.startswith("acquisition"):
        attributes |= {"units": _TIME_UNITS, "calendar": "proleptic_gregorian"}
        return _nanoseconds(values), ("time",), attributes
    if name in ("date_dt", "roi_valid_percentage", "map_scale") or name.endswith(("_error", "_stable_shift")):
        values = values.astype("float64")
    elif name in ("epsg", "stable_shift_flag", "valid_cells"):
        values = values.astype("int32")
    return values.to_numpy(), ("time",), attributes


def _nanoseconds(times):
    return times.to_numpy().astype("datetime64[ns]").astype("int64")


def _json(value):
    if isinstance(value, np.generic):
        return value.item()
    return value.tolist() if isinstance(value, np.ndarray) else value


def open_cube(path, *, chunks=None):
    """
    Open a cube as an xarray.Dataset, read when its values are asked for.

    Parameters
    ----------
    path : folder of the cube
    chunks : as in xarray.open_zarr; None reads without Dask, {} takes the cube's own chunks

    Returns
    -------
    Dataset with int16 (time, y, x) variables, fill -32767 in `attrs["_FillValue"]`, and every layer's metadata as
    coordinates of `time`; `time` is the middle between the images, sorted, and not unique

    Raises
    ------
    NunatakError : no cube there
    """
    try:
        cube = xr.open_zarr(path, chunks=chunks, mask_and_scale=False, consolidated=None)
    except (FileNotFoundError, KeyError, ValueError, zarr.errors.GroupNotFoundError) as error:
        raise NunatakError(f"{path}: not a velocity cube ({' '.join(str(error).split())}); build it again") from error
    if "roi" not in cube or "vx" not in cube:
        raise NunatakError(f"{path}: has no vx and roi; not a cube of this workflow: open it with open_datacube")
    for name in LAYER_COLUMNS:
        if name in cube and cube[name].dtype.kind == "T":  # what Zarr 3 gives for text; few libraries know it yet
            cube[name] = cube[name].astype(object)
    return cube.set_coords([name for name in (*LAYER_COLUMNS, "roi") if name in cube])


def masked(values, fill=FILL):
    """Return float32 with NaN for the fill."""
    values = np.asarray(values)
    return np.where(values == fill, np.float32(np.nan), values.astype("f4"))
