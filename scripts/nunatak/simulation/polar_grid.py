"""What the files of ATL14 and ATL15 have in common, with the traps of the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyproj

from nunatak.constants import DAYS_PER_YEAR
from nunatak.simulation import hdf
from nunatak.times import from_decimal_year

if TYPE_CHECKING:
    import h5py

VERSION, REVISION = "005", "01"

# Quadrants of Antarctica by the signs of x and y; all of them hold the axes x = 0 and y = 0.
_QUADRANTS = {"A1": (1, 1), "A2": (-1, 1), "A3": (-1, -1), "A4": (1, -1)}


def quadrant(code: str, x: np.ndarray, y: np.ndarray) -> tuple[slice, ...]:
    """
    Return slices (rows, columns) of the nodes or cells of ascending x and y that belong to a region code.

    Parameters
    ----------
    code : str, the region code of the product
    x : array, m on the map of the truth
    y : array, m on the map of the truth, of the shape of `x`
    """
    if code not in _QUADRANTS:
        return slice(0, y.size), slice(0, x.size)
    sx, sy = _QUADRANTS[code]
    return _span(sy * y >= 0), _span(sx * x >= 0)


def _span(keep):
    where = np.flatnonzero(keep)
    return slice(int(where[0]), int(where[-1]) + 1) if where.size else slice(0, 0)


def put_projection(group: h5py.Group, crs: str, x: np.ndarray, y: np.ndarray, cell: float) -> None:
    """
    Write the scalar variable Polar_Stereographic.

    As the real ones it gives the Earth's axes in kilometres and a GeoTransform from cell centres and for descending y:
    only x, y and the EPSG code or WKT place the grid.

    Parameters
    ----------
    group : h5py.Group, open for writing
    crs : CRS, a projected coordinate system
    x : array, m on the map of the truth
    y : array, m on the map of the truth, of the shape of `x`
    cell : float, the side of a cell, m
    """
    system = pyproj.CRS.from_user_input(crs)
    north = system.to_epsg() == 3413
    wkt = system.to_wkt("WKT1_GDAL")
    projection = group.create_dataset("Polar_Stereographic", data=np.int8(0))
    hdf.put_attributes(
        projection,
        {
            "standard_name": "Polar_Stereographic",
            "grid_mapping_name": "polar_stereographic",
            "straight_vertical_longitude_from_pole": -45.0 if north else 0.0,
            "latitude_of_projection_origin": 90.0 if north else -90.0,
            "standard_parallel": 70.0 if north else -71.0,
            "scale_factor_at_projection_origin": 1.0,
            "false_easting": 0.0,
            "false_northing": 0.0,
            "semi_major_axis": 6378.137,
            "semi_minor_axis": 6356.752,
            "inverse_flattening": 298.257223563,
            "spatial_epsg": str(system.to_epsg()),
            "spatial_ref": wkt,
            "crs_wkt": wkt,
            "GeoTransform": np.array([x.min(), cell, 0.0, y.max(), 0.0, -cell]),
        },
    )


def put_axes(group: h5py.Group, x: np.ndarray, y: np.ndarray) -> tuple[h5py.Dataset, ...]:
    """
    Write x and y as dimension scales, y ascending.

    Parameters
    ----------
    group : h5py.Group, open for writing
    x : array, m on the map of the truth
    y : array, m on the map of the truth, of the shape of `x`
    """
    scales = {}
    for name, values in (("y", y), ("x", x)):
        scales[name] = hdf.put(
            group,
            name,
            values.astype("f8"),
            scale=True,
            units="meters",
            standard_name=f"projection_{name}_coordinate",
            long_name=f"polar stereographic {name}",
            grid_mapping="Polar_Stereographic",
        )
    return scales["y"], scales["x"]


def put_time(group: h5py.Group, years: np.ndarray) -> h5py.Dataset:
    """
    Time as a dimension scale: (decimal year - 2018) x 365.25 days since 2018-01-01.

    Parameters
    ----------
    group : h5py.Group, open for writing
    years : (n,) array, decimal years
    """
    days = (np.asarray(years) - 2018.0) * DAYS_PER_YEAR
    return hdf.put(
        group,
        "time",
        days,
        scale=True,
        units="days since 2018-01-01",
        calendar="standard",
        standard_name="time",
        long_name="quarterly h(t) time",
    )


def put_root(
    file: h5py.File,
    *,
    short_name: str,
    file_name: str,
    extent: tuple[float, ...],
    years: np.ndarray | tuple[float, ...],
) -> None:
    """Write root attributes, METADATA, orbit_info and quality_assessment."""
    began, ended = (f"{from_decimal_year(year).astype('datetime64[s]')}.000000Z" for year in (years[0], years[-1]))
    hdf.put_attributes(
        file,
        {
            "GDAL_AREA_OR_POINT": "Area",
            "Conventions": "CF-1.7",
            "short_name": short_name,
            "shortName": short_name,
            "level": "L3B",
            "processing_level": "L3B",
            "title": "SET_BY_META",
            "summary": "SET_BY_META",
            "description": f"Simulated {short_name}: not observed, made by Nunatak from a known truth.",
            "date_type": "UTC",
            "fileName": file_name,
            "geospatial_lat_min": extent[1],
            "geospatial_lat_max": extent[3],
            "geospatial_lon_min": extent[0],
            "geospatial_lon_max": extent[2],
            "granule_type": short_name,
            "identifier_product_type": short_name,
            "identifier_product_format_version": VERSION,
            "reference_frame": "ITRF2020",
            "time_coverage_start": began,
            "time_coverage_end": ended,
            "time_type": "CCSDS UTC-A",
            "vertical_datum": "WGS84",
            "nunatak_source": hdf.SOURCE,
        },
    )
    hdf.put_metadata(
        file, short_name=short_name, version=VERSION, file_name=file_name, extent=extent, began=began, ended=ended
    )
    orbit = file.create_group("orbit_info")
    west, south, east, north = extent
    vertex = hdf.put(
        orbit, "bounding_polygon_dim1", np.arange(1, 6, dtype="i4"), scale=True, long_name="Polygon vertex count"
    )
    for name, values in (("lat", (south, north, north, south, south)), ("lon", (west, west, east, east, west))):
        polygon = hdf.put(
            orbit,
            f"bounding_polygon_{name}1",
            np.array(values, dtype="f4"),
            units=f"degrees {'North' if name == 'lat' else 'East'}",
        )
        hdf.attach(polygon, [vertex])
    quality = file.create_group("quality_assessment")
    # netCDF-4's form of a dimension without a variable
    nameless = quality.create_dataset("phony_dim_1", data=np.zeros(1, dtype=">f4"))
    nameless.make_scale(f"This is a netCDF dimension but not a netCDF variable.{1:10d}")
    for name in ("qa_granule_fail_reason", "qa_granule_pass_fail"):
        hdf.attach(hdf.put(quality, name, np.zeros(1, dtype="i4"), units="1", source="Operations"), [nameless])


def put_grid(
    group: h5py.Group,
    name: str,
    values: np.ndarray,
    scales: tuple[h5py.Dataset, ...],
    *,
    units: str,
    fill: float = hdf.FILLS["f4"],
    **attributes,
) -> h5py.Dataset:
    """
    Write a float32 grid with NaN as fill, one chunk per layer, linked to its axes and projection.

    Parameters
    ----------
    group : h5py.Group, open for writing
    name : str, the name below the group
    values : array, the values to write
    scales : tuple of h5py.Dataset, the dimension scales of time, y and x
    units : str, the unit
    fill : float, the fill value
    """
    values = np.asarray(values, dtype="f4")
    chunks = (1, *values.shape[1:]) if values.ndim == 3 else tuple(min(n, 500) for n in values.shape)
    dataset = hdf.put(
        group,
        name,
        values,
        fill=fill,
        chunks=chunks,
        gzip=2,
        shuffle=True,
        units=units,
        grid_mapping="Polar_Stereographic",
        **attributes,
    )
    hdf.attach(dataset, scales)
    return dataset


def lonlat_extent(crs: str, bounds: tuple[float, ...]) -> tuple[float, ...]:
    """
    Return west, south, east, north of a projected box, degrees.

    Parameters
    ----------
    crs : CRS, a projected coordinate system
    bounds : (left, bottom, right, top), m
    """
    to_lonlat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    left, bottom, right, top = bounds
    return tuple(float(v) for v in to_lonlat.transform_bounds(left, bottom, right, top, densify_pts=51))
