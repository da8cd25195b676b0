"""Small land-ice datasets and granules with plain answers, and the traps of the real files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyproj
import xarray as xr

from nunatak.constants import BEAMS, DATUM_YEAR, DAYS_PER_YEAR, FILL_F4
from nunatak.geometry.grid import Grid
from nunatak.times import from_decimal_year, utc_to_delta_time

AUSTFONNA = {"crs": "EPSG:3413", "left": 1_029_500.0, "top": -399_500.0}  # about 79.7 N: a 1 km cell is 1.046 km2
# the least that a study file can say
PLAIN = {
    "title": "A glacier",
    "region": {"bbox": [10, 79, 30, 81]},
    "period": ["2019-01-01", "2023-01-01"],
    "products": {"atl15": {"version": "005", "resolutions": ["1km", "10km"]}},
}


def grid(ny=20, nx=20, cell=1000.0, **where):
    """A grid over Austfonna, its centres on whole kilometres as those of the 1 km product are."""
    where = {**AUSTFONNA, **where}
    return Grid(where["crs"], where["left"], where["top"], cell, cell, ny, nx)


def height_change(rate=-1.0, *, on=None, years=None, sigma=0.1, iced=None, data_count=5.0, area=None):
    """
    ATL15-like Dataset whose surface moves at `rate` (m/yr, number or (ny, nx)) through 0 at 2020.0.

    `iced` (ny, nx) or (time, ny, nx) says where there is ice; `area` is the ice area of a cell, default the true one.
    """
    on = on or grid()
    years = 2019.0 + 0.25 * np.arange(9) if years is None else np.asarray(years, dtype=float)
    shape = (years.size, *on.shape)
    iced = np.broadcast_to(True if iced is None else iced, shape)
    true_area = on.dx * on.dy / on.areal_scale() if area is None else np.full(on.shape, float(area))
    delta_h = np.asarray(rate) * (years[:, None, None] - DATUM_YEAR) * np.ones(shape)
    dims = ("time", "y", "x")
    return xr.Dataset(
        {
            "delta_h": (dims, np.where(iced, delta_h, np.nan)),
            "delta_h_sigma": (dims, np.where(iced, sigma, np.nan)),
            "ice_area": (dims, np.where(iced, true_area, 0.0)),
            "data_count": (dims, np.where(iced, data_count, np.nan)),
        },
        coords={
            "time": ("time", from_decimal_year(years)),
            "decimal_year": ("time", years),
            "y": on.y,
            "x": on.x,
        },
        attrs={"crs": on.crs, "resolution": on.dx, "region_code": "SV"},
    )


def rates(change, lag, *, sigma=0.05):
    """The lagged rates of a height change by their definition, with one dhdt_sigma (m/yr); lag in quarters."""
    start, end = change.isel(time=slice(None, -lag)), change.isel(time=slice(lag, None))
    span = lag / 4
    dhdt = (end.delta_h.values - start.delta_h.values) / span
    both = (start.ice_area.values > 0) & (end.ice_area.values > 0)
    middle = 0.5 * (start.decimal_year.values + end.decimal_year.values)
    dims = ("time", "y", "x")
    return xr.Dataset(
        {
            "dhdt": (dims, np.where(both, dhdt, np.nan)),
            "dhdt_sigma": (dims, np.where(both, sigma, np.nan)),
            "ice_area": (dims, np.where(both, 0.5 * (start.ice_area.values + end.ice_area.values), 0.0)),
        },
        coords={
            "time": ("time", from_decimal_year(middle)),
            "decimal_year": ("time", middle),
            "y": change.y,
            "x": change.x,
        },
        attrs={**change.attrs, "lag_years": span},
    )


def surface(height, *, on=None, sigma=0.5):
    """ATL14-like Dataset with `height`, a number or a function of x and y (m)."""
    on = on or grid(200, 200, 100.0)
    x, y = np.meshgrid(on.x, on.y)
    h = height(x, y) if callable(height) else np.full(on.shape, float(height))
    variables = {"h": h, "h_sigma": np.full(on.shape, sigma), "ice_area": on.dx * on.dy / on.areal_scale()}
    return xr.Dataset(
        {name: (("y", "x"), values) for name, values in variables.items()},
        coords={"y": on.y, "x": on.x},
        attrs={"crs": on.crs, "resolution": on.dx, "region_code": "SV"},
    )


def write_atl15(path, change, *, lags=(1, 4), groups=None, **options):
    """
    Write a Dataset as an ATL15 file with the traps of the real ones; `groups` renames lag groups {lag: name}.

    y ascends, fills are 3.4e38, GeoTransform has cell centres and a descending y, semi_major_axis is in kilometres.
    """
    with h5py.File(path, "w") as file:
        file.attrs["short_name"] = np.bytes_(options.get("short_name", "ATL15"))
        if "source" in options:
            file.attrs["nunatak_source"] = options["source"]
        _write_grid(file.create_group("delta_h"), change, **options)
        for lag in lags:
            name = (groups or {}).get(lag, f"dhdt_lag{lag}")
            _write_grid(file.create_group(name), rates(change, lag), **options)
        tiles = xr.Dataset(
            {"N_data": (("y", "x"), np.arange(4.0).reshape(2, 2)), "RMS_data": (("y", "x"), np.ones((2, 2)))},
            coords={"y": [-380e3, -420e3], "x": [1020e3, 1060e3]},
            attrs=change.attrs,
        )
        _write_grid(file.create_group("tile_stats"), tiles)
    return Path(path)


def write_atl14(path, dataset, **options):
    """Write a Dataset as an ATL14 file."""
    with h5py.File(path, "w") as file:
        file.attrs["short_name"] = np.bytes_("ATL14")
        _write_grid(file, dataset, **options)
    return Path(path)


def _write_grid(group, dataset, *, epsg=True, wkt=True, **_):
    ascending = dataset.sortby("y")
    group["x"], group["y"] = ascending.x.values, ascending.y.values
    if "time" in dataset:
        group["time"] = (dataset.decimal_year.values - 2018.0) * DAYS_PER_YEAR
        group["time"].attrs["units"] = "days since 2018-01-01"
    for name in ascending.data_vars:
        values = ascending[name].values
        if name == "ice_area":
            values = np.where(values > 0, values, np.nan)
        group[name] = np.where(np.isnan(values), FILL_F4, values).astype("f4")
        group[name].attrs["_FillValue"] = FILL_F4
        group[name].attrs["grid_mapping"] = np.bytes_("Polar_Stereographic")
        unit = {"h": "meters", "h_sigma": "meters", "ice_area": "meters^2", "dhdt": "meters years^-1"}
        group[name].attrs["units"] = np.bytes_(unit.get(name, "meters"))
    projection = group.create_dataset("Polar_Stereographic", data=np.int8(0))
    dx = dataset.attrs["resolution"]
    projection.attrs["semi_major_axis"] = 6378.137
    projection.attrs["GeoTransform"] = np.bytes_(f"{ascending.x[0].item()} {dx} 0 {ascending.y[-1].item()} 0 {-dx}")
    crs = pyproj.CRS(dataset.attrs["crs"])
    if epsg:
        projection.attrs["spatial_epsg"] = np.bytes_(str(crs.to_epsg()))
    if wkt:
        projection.attrs["crs_wkt"] = np.bytes_(crs.to_wkt("WKT1_GDAL"))


def segments(n=5, beam="gt1l", *, h=500.0, cycle=3, spot=1, y_atc=0.0, dh_fit_dy=0.0, start="2019-05-04T03:40:00"):
    """A table of ATL06 segments as the reader returns it, one beam of RGT 548."""
    k = np.arange(n)
    return pd.DataFrame(
        {
            "beam": pd.Categorical([beam] * n, categories=list(BEAMS)),
            "spot": np.full(n, spot, "i1"),
            "rgt": np.full(n, 548, "i2"),
            "cycle": np.full(n, cycle, "i2"),
            "segment_id": 1000 + k,
            "time": np.datetime64(start, "ns") + k * np.timedelta64(2_900_000, "ns"),
            "latitude": 79.7 + 0.00018 * k,
            "longitude": np.full(n, 25.0),
            "x_atc": 20.0 * k,
            "y_atc": np.full(n, y_atc, "f4"),
            "h_li": (np.zeros(n) + h).astype("f4"),
            "h_li_sigma": np.full(n, 0.03, "f4"),
            "atl06_quality_summary": np.zeros(n, "i1"),
            "dh_fit_dy": np.full(n, dh_fit_dy, "f4"),
        }
    )


def damage(path, name):
    """Store a dataset of a granule in one compressed chunk and overwrite its bytes, as a bad disk does."""
    with h5py.File(path, "a") as file:
        values, attributes = file[name][()], dict(file[name].attrs)
        del file[name]
        packed = file.create_dataset(name, data=values, compression="gzip", chunks=values.shape)
        packed.attrs.update(attributes)
        where = packed.id.get_chunk_info(0)
    with open(path, "r+b") as stream:
        stream.seek(where.byte_offset)
        stream.write(b"\x00" * where.size)


def write_atl06(path, *, n=50, beams=BEAMS, turns=((0.0, 1),), attributes=True, text_arrays=False, orbit=True, drop=()):
    """
    Write an ATL06 granule of RGT 548, cycle 3: n segments per beam going north from (25 E, 79.7 N), every second fill.

    turns : (seconds after the start, sc_orient) pairs; attributes False leaves out every dataset attribute;
    text_arrays writes beam attributes as arrays of text; drop lists datasets below land_ice_segments to leave out.
    """
    first = float(utc_to_delta_time(np.datetime64("2019-05-04T03:40:00")))
    k = np.arange(n)
    with h5py.File(path, "w") as file:
        file.attrs["short_name"] = np.bytes_("ATL06")
        file.attrs["identifier_product_doi"] = np.bytes_("doi:10.5067/ATLAS/ATL06.006")
        file.create_group("METADATA")
        if orbit:
            file["orbit_info/rgt"], file["orbit_info/cycle_number"] = np.array([548], "i2"), np.array([3], "i1")
            file["orbit_info/sc_orient"] = np.array([turn for _, turn in turns], "i1")
            file["orbit_info/sc_orient_time"] = np.array([first - 1.0 + s for s, _ in turns])
        for place, beam in enumerate(beams):
            group = file.create_group(f"{beam}/land_ice_segments")
            spot = str(6 - BEAMS.index(beam) if turns[0][1] == 1 else 1 + BEAMS.index(beam))
            file[beam].attrs["atlas_spot_number"] = np.array([spot], object) if text_arrays else np.bytes_(spot)
            columns = {
                "segment_id": (1000 + k).astype("i4"),
                "delta_time": first + 0.0029 * k,
                "latitude": 79.7 + 0.00018 * k,
                "longitude": 25.0 + 0.001 * place + 0.0 * k,
                "h_li": np.where(k % 2, FILL_F4, 500.0 + k).astype("f4"),
                "h_li_sigma": np.where(k % 2, FILL_F4, 0.03).astype("f4"),
                "atl06_quality_summary": (k % 2).astype("i1"),
                "ground_track/x_atc": 20.0 * k,
                "ground_track/y_atc": np.full(n, 3200.0, "f4"),
                "fit_statistics/dh_fit_dy": np.full(n, 0.01, "f4"),
                "fit_statistics/n_fit_photons": np.where(k % 2, 2147483647, 100).astype("i4"),
            }
            for name, values in columns.items():
                if name in drop:
                    continue
                group[name] = values
                if attributes and values.dtype == "f4":
                    group[name].attrs["_FillValue"] = FILL_F4
    return Path(path)
