"""Simulated ITS_LIVE granules in their three layouts, with what real files have done to readers before."""

from __future__ import annotations

import h5py
import numpy as np
import pyproj

from nunatak.products.itslive.fields import FILL
from nunatak.simulation import hdf

_CHUNK = 512  # cells of the aligned layout
_PAD_CHIP = 32769  # what versions before 0.28.0 wrote into the chip size of pad cells


def write_granule(file, pair, measured):
    """Write one pair into an open h5py.File in the layout it is to have."""
    hdf.put_attributes(
        file,
        {
            "Conventions": "CF-1.6" if pair.layout == "v1" else "CF-1.8",
            "title": "autoRIFT surface velocities",
            "scene_pair_type": "radar" if pair.platform.startswith("S1") else "optical",
            "motion_detection_method": "feature",
            "motion_coordinates": "map",
            "nunatak_source": hdf.SOURCE,
            "source": "Simulated by Nunatak from a truth known in closed form; not observed",
        },
    )
    {"v1": _write_v1, "v2": _write_strips, "v2a": _write_aligned}[pair.layout](file, pair, measured)
    for name in file:
        if file[name].ndim >= 2:
            hdf.attach(file[name], [file[axis] for axis in ("time", "y", "x")[-file[name].ndim :]])


def _axes(file, grid):
    for name, values in (("x", grid.x), ("y", grid.y)):
        hdf.put(file, name, values, scale=True, units="m", standard_name=f"projection_{name}_coordinate")


def _write_v1(file, pair, m):
    """
    Write a file of version 1: 240 m, one chunk per variable, gzip 1 without shuffle, missing_value but no _FillValue.
    """
    _axes(file, m.grid)
    options = {"chunks": m.grid.shape, "compression": "gzip", "compression_opts": 1}
    mapping = "UTM_Projection" if pair.epsg // 100 in (326, 327) else "Polar_Stereographic"
    for i, (name, values) in enumerate((("vx", m.vx), ("vy", m.vy), ("v", m.v))):
        dataset = file.create_dataset(name, data=values, fillvalue=0, **options)
        hdf.put_attributes(dataset, {"units": "m/y", "grid_mapping": mapping, "missing_value": np.array([float(FILL)])})
        if name != "v":
            known = np.isfinite(m.stable_shift[i])
            hdf.put_attributes(
                dataset,
                {
                    "stable_count": np.array([31403.0 if known else 0.0]),
                    "stable_shift": np.array([m.stable_shift[i]]),
                    "stable_rmse": np.array([m.error[i]], "f4"),
                    "map_scale_corrected": np.array([1], "i1"),
                },
            )
    for name in ("chip_size_width", "chip_size_height"):
        dataset = file.create_dataset(name, m.grid.shape, "u2", fillvalue=65535, **options)
        if name == "chip_size_width":
            dataset[...] = m.chip_size
        hdf.put_attributes(dataset, {"units": "m", "grid_mapping": mapping, "missing_value": np.array([0.0])})
    dataset = file.create_dataset("interp_mask", data=m.interpolated, fillvalue=255, **options)
    hdf.put_attributes(dataset, {"units": "binary", "grid_mapping": mapping})
    _pair_info_v1(file, pair, m)
    left, top, d = m.grid.left, m.grid.top, m.grid.dx
    crs = file.create_dataset(mapping, data=np.bytes_(b""), dtype="S1")
    hdf.put_attributes(
        crs,
        {
            "spatial_epsg": np.array([float(pair.epsg)]),
            "semi_major_axis": np.array([6378.137]),  # km, as in the real files
            "spatial_ref": pyproj.CRS.from_epsg(pair.epsg).to_wkt("WKT1_GDAL"),
            "GeoTransform": f"{left} {d} 0 {top} 0 {-d}",  # of the corner
        },
    )


def _pair_info_v1(file, pair, m):
    info = file.create_dataset("img_pair_info", data=np.bytes_(b""), dtype="S1")
    images = [(pair.id_img1, pair.time1), (pair.id_img2, pair.time2)]
    if "swapped" in pair.quirks:
        images.reverse()
    for n, (image_id, time) in enumerate(images, start=1):
        hdf.put_attributes(
            info,
            {
                f"mission_img{n}": "L",
                f"sensor_img{n}": "E",
                f"satellite_img{n}": np.array([float(image_id[3])]),
                f"path_img{n}": np.array([float(image_id.split("_")[2][:3])]),
                f"row_img{n}": np.array([float(image_id.split("_")[2][3:])]),
                f"aquisition_date_img{n}": _day(time),
            },
        )
    middle = pair.time1 + (pair.time2 - pair.time1) // 2
    hdf.put_attributes(
        info,
        {
            "date_dt": np.array([round(pair.dt_days)]),
            "date_center": _day(middle),
            "roi_valid_percentage": np.array([float(m.percent_valid)]),
            "autoRIFT_software_version": np.array([1.0]),
        },
    )


def _write_strips(file, pair, m):
    """Write a file of 120 m in row strips of min(ceil(8192 / ny) * 128, ny) rows, gzip 2 with shuffle."""
    ny, nx = m.grid.shape
    _write_v2(file, pair, m, m.grid, slice(None), (min(-(-8192 // ny) * 128, ny), nx))


def _write_aligned(file, pair, m):
    """Write a file padded to a lattice of 512 cells, with a time axis of one."""
    grid = m.grid
    cell = grid.dx
    column, row = round((grid.left + 7.5) / cell), round((7.5 - grid.top) / cell)
    before = row % _CHUNK, column % _CHUNK
    ny, nx = (-(-(n + b) // _CHUNK) * _CHUNK for n, b in zip(grid.shape, before, strict=True))
    padded = type(grid)(grid.crs, grid.left - before[1] * cell, grid.top + before[0] * cell, cell, cell, ny, nx)
    window = slice(before[0], before[0] + grid.ny), slice(before[1], before[1] + grid.nx)
    middle = (pair.time1 + (pair.time2 - pair.time1) // 2).astype("datetime64[us]").astype("int64")
    hdf.put(file, "time", np.array([middle]), scale=True, units="microseconds since 1970-01-01", microseconds_added=0)
    _write_v2(file, pair, m, padded, window, (1, _CHUNK, _CHUNK))


def _write_v2(file, pair, m, grid, window, chunks):
    _axes(file, grid)
    aligned = len(chunks) == 3
    pad_chip, pad_mask = (_PAD_CHIP, 1) if "pad_bug" in pair.quirks else (0, 0)
    error = np.where(m.vx == FILL, FILL, round(float(np.hypot(*m.error)))).astype("i2")
    fields = {"vx": m.vx, "vy": m.vy, "v": m.v, "v_error": error}
    if pair.platform.startswith("S1"):
        fields |= {"vr": m.vx, "va": m.vy}
    layers = {name: (values, FILL, FILL) for name, values in fields.items()}
    layers |= {name: (m.chip_size, 0, pad_chip) for name in ("chip_size_width", "chip_size_height")}
    layers["interp_mask"] = (m.interpolated, 0, pad_mask)
    for name, (values, fill, pad) in layers.items():
        full = np.full(grid.shape, pad, dtype=values.dtype)
        full[window] = values
        dataset = file.create_dataset(
            name,
            data=full[None] if aligned else full,
            chunks=chunks,
            fillvalue=fill,
            compression="gzip",
            compression_opts=2,
            shuffle=True,
            maxshape=(None, *grid.shape) if aligned else None,
        )
        dataset.attrs["_FillValue"] = np.array([fill], values.dtype)
        unit = "meter/year" if values.dtype == np.dtype("i2") else "m" if values.dtype == np.dtype("u2") else "1"
        hdf.put_attributes(dataset, {"units": unit, "grid_mapping": "mapping"})
    for i, name in enumerate(("vx", "vy")):
        hdf.put_attributes(file[name], _errors(name, m, i, "old_names" in pair.quirks))
    _pair_info_v2(file, pair, m)
    mapping = file.create_dataset("mapping", data=np.bytes_(b""), dtype="S1")
    wkt = pyproj.CRS.from_epsg(pair.epsg).to_wkt("WKT1_GDAL")
    d = grid.dx
    hdf.put_attributes(
        mapping,
        {
            "spatial_epsg": np.array([pair.epsg]),
            "crs_wkt": wkt,
            "spatial_ref": wkt,
            "semi_major_axis": np.array([6378137.0]),
            "inverse_flattening": np.array([298.257223563]),
            "GeoTransform": f"{grid.x[0]} {d} 0.0 {grid.y[0]} 0.0 {-d}",  # of a cell centre
        },
    )


def _errors(name, m, i, old_names):
    error, shift = m.error[i], m.stable_shift[i]
    suffix = "mask" if old_names else "stationary"
    stated = {
        f"{name}_error" if old_names else "error": np.array([error]),
        "flag_stable_shift" if old_names else "stable_shift_flag": np.array([m.flag]),
        "stable_shift": np.array([shift]),
        f"error_{suffix}": np.array([error if m.flag == 1 else np.nan]),
        "error_slow": np.array([error if m.flag == 2 else np.nan]),
        "error_modeled": np.array([error]),
        f"stable_shift_{suffix}": np.array([shift if m.flag == 1 else np.nan]),
        "stable_shift_slow": np.array([shift if m.flag == 2 else np.nan]),
    }
    return stated


def _pair_info_v2(file, pair, m):
    """Write a scalar whose type has changed over the years: one byte, variable-length text, int8."""
    if pair.layout == "v2a":
        info = file.create_dataset("img_pair_info", data=np.int8(-127))
    else:
        info = file.create_dataset("img_pair_info", data="", dtype=h5py.string_dtype())
    for n, (image_id, time) in enumerate(((pair.id_img1, pair.time1), (pair.id_img2, pair.time2)), start=1):
        stated = f"{_day(time)}T{str(time.astype('datetime64[ms]'))[11:]}"
        if "bad_date" in pair.quirks:
            stated = f"{_day(time)}T{str(time.astype('datetime64[s]'))[11:].replace(':', '')}T00:00:00"
        landsat = image_id.startswith("L")
        satellite = image_id[3] if landsat else image_id[1:3]
        hdf.put_attributes(
            info,
            {
                f"id_img{n}": image_id,
                f"acquisition_date_img{n}": stated,
                f"time_standard_img{n}": "UTC",
                f"mission_img{n}": image_id[0],
                f"satellite_img{n}": satellite,
                f"sensor_img{n}": "MSI" if image_id.startswith("S2") else "C",
            },
        )
    middle = pair.time1 + (pair.time2 - pair.time1) // 2
    hdf.put_attributes(
        info,
        {
            "date_center": f"{_day(middle)}T{str(middle.astype('datetime64[us]'))[11:]}",
            "date_dt": np.array([pair.dt_days]),
            "roi_valid_percentage": np.array([float(m.percent_valid)]),
            "standard_name": "image_pair_information",
        },
    )


def _day(time):
    return str(time.astype("datetime64[D]")).replace("-", "")
