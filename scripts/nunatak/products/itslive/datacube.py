"""One datacube of ITS_LIVE: its dates and its grid read and checked, its values read by layer and window."""

from __future__ import annotations

import logging
from functools import cached_property

import numpy as np
import xarray as xr

from nunatak.compute.kernels import kernel
from nunatak.constants import FILL_VELOCITY
from nunatak.geometry.grid import Grid
from nunatak.products import GranuleError, datacube_layers
from nunatak.products.itslive import ground
from nunatak.products.itslive.cube_arrays import in_words, open_arrays
from nunatak.products.itslive.cube_checks import check_dates
from nunatak.products.itslive.cube_grid import check_axis, epsg_of, in_metres
from nunatak.products.itslive.fields import LAYOUT, as_layer, fills_in, unpacked
from nunatak.times import days_to_utc, within

log = logging.getLogger(__name__)
_OF_IMAGES = tuple(f"{key}_img{i}" for key in ("acquisition_date", "mission", "satellite") for i in (1, 2))
_NEEDED = ("x", "y", "mid_date", *_OF_IMAGES)


class Datacube:
    """
    A datacube that is open and of which no velocity is read yet.

    Parameters
    ----------
    path : folder or address of the Zarr store
    variables : names of `itslive.LAYOUT` that it must have

    Attributes
    ----------
    store : Dataset of its arrays along (mid_date, y, x), x and y in metres
    source : the Zarr store; `source.absent` holds the keys of chunks that were asked for and are not there
    times : both acquisition dates of every layer, (n,) datetime64 each
    middle : (n,) datetime64, the true middle between the images
    crs : such as "EPSG:3031"
    grid : Grid of its cells

    Raises
    ------
    GranuleError : no store there, no such variable, coordinates that are no grid's, or dates that cannot be
    """

    def __init__(self, path, variables=("vx", "vy")):
        self.path = path
        store, self.source = open_arrays(path)
        missing = [name for name in (*variables, *_NEEDED) if name not in store.variables]
        if missing:
            raise GranuleError(f"{path}: has no {missing[0]!r}; it is no ITS_LIVE datacube or lacks that variable")
        for axis in ("x", "y"):
            check_axis(path, axis, store[axis].values, ascends=axis == "x")
        self.store = in_metres(store, path)
        self.times = [_times(self.store[f"acquisition_date_img{i}"]) for i in (1, 2)]
        stated = store["date_dt"] if "date_dt" in store.variables else None
        in_days = stated if stated is not None and stated.attrs.get("units", "days") == "days" else None
        first, second = self.times
        check_dates(path, first, second, None if in_days is None else in_days.values)
        self.middle = self.times[0] + (self.times[1] - self.times[0]) // 2
        self.crs = f"EPSG:{epsg_of(self.store, path)}"

    @cached_property
    def grid(self):
        x, y = self.store["x"].values, self.store["y"].values
        dx, dy = (float(v[-1] - v[0]) / (v.size - 1) for v in (x, -y))
        return Grid(self.crs, float(x[0]) - dx / 2, float(y[0]) + dy / 2, dx, dy, y.size, x.size)

    @cached_property
    def _scale(self):
        return ground.scale_field(self.grid)

    def within(self, period):
        """
        Return the numbers of the layers with their middle in a period.

        Parameters
        ----------
        period : (first, last) datetime64, last excluded; None takes all

        Raises
        ------
        GranuleError : there are none
        """
        chosen = np.arange(self.middle.size)
        if period is not None:
            chosen = chosen[within(self.middle, *period)]
        if not chosen.size:
            raise GranuleError(f"{self.path}: no layer in the period {period}; choose another")
        return chosen

    def field(self, name, order, rows, columns, chunks=None):
        """
        Return chosen layers of a variable in a window, in its own units.

        Parameters
        ----------
        name : of `itslive.LAYOUT`
        order : (n,) numbers of layers
        rows, columns : slices
        chunks : a Dask array is made where given; see `cubes.open_datacube`
        """
        variable = self.store[name].transpose("mid_date", "y", "x")
        attributes = variable.attrs
        dtype, _, fill, _ = LAYOUT[name]
        fills = fills_in(attributes) or [fill]
        packed = variable.dtype != dtype or fills != [fill] or {"scale_factor", "add_offset"} & set(attributes)

        def layers(raw):
            values = unpacked(raw, fills, attributes.get("scale_factor"), attributes.get("add_offset"))
            return as_layer(values, name, "datacube")

        if chunks is not None:
            own = variable.encoding["preferred_chunks"]
            variable = variable.chunk({**own, **chunks} if isinstance(chunks, dict) else chunks)
            held = variable[:, rows, columns][order].data
            return held.map_blocks(layers, dtype=dtype) if packed else held
        held = datacube_layers.take(variable, order, rows, columns)
        return layers(held) if packed else held

    def on_ground(self, name, order, rows, columns, on_map):
        """
        Return chosen layers of a variable in a window, velocities over ground.

        Parameters
        ----------
        name, order, rows, columns : as for `field`
        on_map : (n,) bool, the layers in units of the map

        Returns
        -------
        (n, rows, columns) array, dtype and fill of `itslive.LAYOUT`

        Raises
        ------
        GranuleError : a chunk that is damaged, or an address that does not answer
        """
        with in_words(self.path):
            values = self.field(name, order, rows, columns)
        if name in ground.FIELDS and np.any(on_map):
            k = np.ascontiguousarray(self._scale[rows, columns])  # of the whole cube: the same whatever the window
            _to_ground(values, k, np.ascontiguousarray(on_map), FILL_VELOCITY)
        return values

    def series(self, name, order, rows, columns, on_map):
        """
        Return chosen layers of a variable in single cells, each chunk read once however many cells lie in it.

        Parameters
        ----------
        name, order, on_map : as for `on_ground`
        rows, columns : (m,) int, the cells

        Returns
        -------
        (n, m) array, dtype and fill of `itslive.LAYOUT`

        Raises
        ------
        GranuleError : as for `on_ground`
        """
        rows, columns = np.asarray(rows), np.asarray(columns)
        _, tall, wide = self.store[name].transpose("mid_date", "y", "x").encoding["chunks"]
        out = np.empty((len(order), rows.size), LAYOUT[name][0])
        _, chunk = np.unique(np.column_stack([rows // tall, columns // wide]), axis=0, return_inverse=True)
        for number in range(chunk.max(initial=-1) + 1):
            cells = np.flatnonzero(chunk.ravel() == number)
            i, j = rows[cells], columns[cells]
            window = slice(i.min(), i.max() + 1), slice(j.min(), j.max() + 1)
            values = self.on_ground(name, order, *window, on_map)
            out[:, cells] = values[:, i - i.min(), j - j.min()]
        return out

    def units(self, order, named):
        """
        Return the units of chosen layers, `map` or `ground`: as the cube states them, else by the granules' versions.

        Parameters
        ----------
        order : (n,) numbers of layers
        named : (n,) names of their granules; None reads them where nothing else tells
        """
        store, path = self.store, self.path
        stated = {name: store[name].attrs for name in ground.FIELDS if name in store.variables}
        stated = {name: some for name, some in stated.items() if "map_scale_corrected" in some}
        if stated:
            units = {ground.units_of(some, where=f"{path}: {name}") for name, some in stated.items()}
            if len(units) > 1:
                raise GranuleError(
                    f"{path}: map_scale_corrected differs between {', '.join(stated)}; take another copy"
                )
            return np.full(len(order), units.pop(), dtype=object)
        version = ground.version_of_cube([path, *(store.attrs.get(key) for key in ("url", "s3"))])
        if named is None and version is None and "granule_url" in store.variables:
            place = np.argsort(order, kind="stable")
            named = np.empty(len(order), dtype=object)
            named[place] = datacube_layers.names(store, np.asarray(order)[place])
        told = [ground.version_in(f"{name}.nc") for name in named] if named is not None else [None] * len(order)
        versions = [own or version for own in told]
        if None in versions:
            log.warning(
                "%s: nothing tells the version of %d layers; read as version 2, in map units",
                path,
                versions.count(None),
            )
        return np.array([ground.units_of({}, own) for own in versions], dtype=object)


def _times(variable):
    """Return acquisition dates: days since 1970 in ITS_LIVE's own cubes, other units where a cube was saved again."""
    units = variable.attrs.get("units", "days since 1970-01-01")
    if units.startswith("days since 1970-01-01"):
        return days_to_utc(variable.values, since="1970-01-01")
    return xr.decode_cf(variable.to_dataset(name="date"))["date"].values.astype("datetime64[ns]")


@kernel
def _to_ground(values, k, on_map, fill):
    """
    Divide layers on the map by k, in place.

    `ground.to_ground` is its definition.
    """
    for n in range(values.shape[0]):
        if not on_map[n]:
            continue
        for i in range(values.shape[1]):
            for j in range(values.shape[2]):
                value = values[n, i, j]
                if value != fill:
                    over = np.rint(value / k[i, j])
                    values[n, i, j] = np.int16(over) if abs(over) <= 32767 else np.int16(fill)
