"""
ITS_LIVE image pairs: what a granule is, in one row, and where its chunks lie in the file.

Three layouts share names and folders; only the file tells them apart: version 1 (240 m, one chunk per variable),
version 2 in row strips (120 m), version 2 aligned to a 512-cell lattice (120 m, with a time axis of one). Read off real
granules of the first two and off the writer of the third (ASFHyP3/hyp3-autorift, crop.py).
"""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np

from nunatak import granules
from nunatak.products import GranuleError, hdf5
from nunatak.products.axes import metres_of, projected_code
from nunatak.products.columns import Column
from nunatak.products.itslive.fields import FILL, LAYOUT, check_field, chunk_table, number, physical
from nunatak.products.itslive.ground import (
    FIELDS,
    GROUND,
    scale_field,
    scale_of_pair,
    to_ground,
    units_of,
    window_grid,
)
from nunatak.products.itslive.scenes import platform_of, processing_date, stated_frame, stated_name

_AXIS = Column("", ndim=1)
_UNEVEN = 1e-4  # of a step: float32 holds coordinates of 10^6 m to 0.06 m
_DAYS_OFF = np.timedelta64(2, "D")  # of a date in the file from the day in the name
_FIRST_LANDSAT, _LAST = np.datetime64("1972-01-01"), np.datetime64("2100-01-01")
# what the numbers of a pair can be
_POSSIBLE = {
    "x0": (-2e7, 2e7),
    "y0": (-2e7, 2e7),
    "dx": (1, 5000),
    "dy": (1, 5000),
    "date_dt": (0, 7305),
    "roi_valid_percentage": (0, 100),
    "vx_error": (0, 32767),
    "vy_error": (0, 32767),
    "vx_stable_shift": (-32767, 32767),
    "vy_stable_shift": (-32767, 32767),
    "stable_shift_flag": (0, 2),
}
# attributes that tell how values are stored, not what they are
_STORED = ("DIMENSION_LIST", "_FillValue", "missing_value", "scale_factor", "add_offset")


def read_pair(path):
    """
    Read one image pair as a row of the index: geometry, dates, errors, and the place of every chunk.

    Parameters
    ----------
    path : an ITS_LIVE granule (NetCDF-4) of any of the three layouts

    Returns
    -------
    dict with `file_name, layout (v1, v2, v2a), epsg, x0, y0 (centre of the first cell, m), dx, dy (positive, m), ny,
    nx, id_img1, id_img2, acquisition_date_img1/2 (earlier first, whatever the file says), swapped, mid_date,
    date_dt (days), platform, group, path_row_img1/2, geometry (same, cross or unknown), roi_valid_percentage,
    vx_error, vy_error (m/yr), error_source, vx_stable_shift, vy_stable_shift (m/yr; NaN in some files becomes 0),
    stable_shift_flag, units_in_granule (map or ground), map_scale (k in the middle of a pair in map units, 1 of one in
    ground units; errors and shifts are divided by it: they are over ground here), version, image_key, processed, reader
    (direct or the reason for h5py), chunks (JSON)`

    Raises
    ------
    GranuleError : not an image pair, no usable grid, dates that cannot be read

    Notes
    -----
    The geometry comes from `x`, `y` and `spatial_epsg` alone: GeoTransform is that of a corner in version 1 and of a
    cell centre in version 2, and semi_major_axis is in kilometres in version 1.
    """
    path = Path(path)
    with hdf5.open_granule(path) as file:
        for name in ("x", "y", "vx", "vy", "img_pair_info"):
            if not isinstance(file.get(name), h5py.Dataset):
                raise hdf5.missing(file, name)
        for name in LAYOUT:
            if name in file and not isinstance(file[name], h5py.Dataset):
                raise GranuleError(f"{path}: {name}: is no dataset; fetch it again")
        row = {"file_name": path.name, "size_bytes": path.stat().st_size, **_geometry(file)}
        row |= _acquisition(file, path) | _errors(file)
        _on_ground(row, file)
        _check_possible(row, path)
        fields = {name: file[name] for name in LAYOUT if isinstance(file.get(name), h5py.Dataset)}
        turned = {name: check_field(field, name, row["ny"], row["nx"]) for name, field in fields.items()}
        chunks = {name: chunk_table(field, name, turned=turned[name]) for name, field in fields.items()}
        reasons = sorted({table["why"] for table in chunks.values() if "why" in table})
        row["reader"] = f"h5py: {'; '.join(reasons)}" if reasons else "direct"
        row["chunks"] = json.dumps(chunks, separators=(",", ":"))
        return row


def _geometry(file):
    """Read layout, EPSG and lattice of a granule."""
    name = file.filename
    x, y = (_ends(file, axis) for axis in "xy")
    if y["step"] > 0 or x["step"] < 0:
        raise GranuleError(f"{name}: x must ascend and y descend (steps {x['step']:g}, {y['step']:g}); fetch it again")
    layout = "v2a" if file["vx"].ndim == 3 else "v2" if "mapping" in file else "v1"
    return {
        "layout": layout,
        "epsg": _epsg(file),
        "x0": x["first"],
        "y0": y["first"],
        "dx": x["step"],
        "dy": -y["step"],
        "ny": y["n"],
        "nx": x["n"],
    }


def _ends(file, name):
    values = hdf5.read(file, name, column=_AXIS).astype("f8")
    n = values.size
    if n < 2:
        raise GranuleError(f"{file.filename}: {name}: {n} coordinates where two or more are meant; fetch it again")
    step = float(values[-1] - values[0]) / (n - 1)
    if not np.isfinite(step) or step == 0 or not (np.abs(np.diff(values) / step - 1) <= _UNEVEN).all():
        raise GranuleError(f"{file.filename}: {name}: the coordinates are not evenly spaced; fetch it again")
    metres = metres_of(hdf5.units(file[name]), step, f"{file.filename}: {name}")
    return {"first": float(values[0]) * metres, "step": step * metres, "n": n}


def _epsg(file):
    for name in ("mapping", "Polar_Stereographic", "UTM_Projection"):
        if name in file and "spatial_epsg" in file[name].attrs:
            code = number(file[name], "spatial_epsg")
            known = projected_code(code)
            if known is not None:
                return known
            if np.isfinite(code):
                raise GranuleError(
                    f"{file.filename}: {name}: spatial_epsg {code:g} is no projected coordinate system; fetch it again"
                )
    raise GranuleError(f"{file.filename}: no spatial_epsg in its grid mapping; fetch it again")


def _check_possible(row, path):
    """
    Refuse a pair that has an impossible number.

    A number that is not known is NaN and passes.
    """
    for name, (low, high) in _POSSIBLE.items():
        value = row[name]
        if not np.isnan(value) and not low <= value <= high:
            raise GranuleError(f"{path}: {name} is {value:g}, beyond {low:g} .. {high:g}; fetch it again")
    for name in ("acquisition_date_img1", "acquisition_date_img2"):
        if not _FIRST_LANDSAT <= row[name] <= _LAST:
            raise GranuleError(f"{path}: {name} is {row[name]}, when no satellite took images; fetch it again")


def _acquisition(file, path):
    """Read images and dates, the earlier image first. Version 1 lists the later one first in some files."""
    info = file["img_pair_info"].attrs
    named = _named(file, path)
    images = sorted((_image(info, named, i, path) for i in (1, 2)), key=lambda image: image["date"])
    first, second = images
    span = float((second["date"] - first["date"]) / np.timedelta64(1, "D"))
    if not span > 0:
        raise GranuleError(f"{path}: both images were taken on {first['date']}; a pair needs two dates: fetch it again")
    for image in images:
        if abs(image["date"] - image["named_date"]) > _DAYS_OFF:
            raise GranuleError(
                f"{path}: acquisition_date_img{image['number']} is {image['date']}, the name says "
                f"{image['named_date']}; rename it or fetch it again"
            )
    stated_dt = number(file["img_pair_info"], "date_dt")
    frames = first["frame"], second["frame"]
    return {
        "version": int(named.version) if named else 0,
        "id_img1": first["id"],
        "id_img2": second["id"],
        "acquisition_date_img1": first["date"],
        "acquisition_date_img2": second["date"],
        "swapped": first["number"] == 2,
        "mid_date": first["date"] + (second["date"] - first["date"]) // 2,
        "date_dt": stated_dt if abs(stated_dt - span) < 1 else span,
        "platform": first["platform"],
        "group": granules.group_of(first["platform"], second["platform"]),
        "path_row_img1": frames[0],
        "path_row_img2": frames[1],
        "geometry": granules.same_frame(*frames),
        "roi_valid_percentage": number(file["img_pair_info"], "roi_valid_percentage"),
        "image_key": "/".join(f"{i['platform']} {i['named_date']!s} {i['frame']}" for i in images),
        "processed": "/".join(processing_date(i["id"]) for i in images),
    }


def _named(file, path):
    """Parse the pair's name, or for a renamed file what its own attributes make of it."""
    for name in (lambda: path.name, lambda: stated_name(file)):
        try:
            return granules.parse(name())
        except granules.GranuleNameError:
            continue
    return None


def _image(info, named, n, path):
    """Return one image of a pair, with the file's own date where it can be read, else that of the image's name."""
    order = (2, 1) if named and named.swapped else (1, 2)
    place = order[n - 1]
    date = named_date = getattr(named, f"acquisition_date_img{place}", None)
    stated = [hdf5.text(info[k]) for k in (f"acquisition_date_img{n}", f"aquisition_date_img{n}") if k in info]
    try:
        date = granules.image_date(stated[0] if stated else "")
    except granules.GranuleNameError as error:
        if date is None:
            raise GranuleError(f"{path}: acquisition_date_img{n}: {error}; fetch it again") from error
    mission, satellite = (hdf5.text(info.get(f"{key}_img{n}", "")) for key in ("mission", "satellite"))
    platform = getattr(named, f"platform_img{place}", None) or platform_of(mission, satellite)
    frame = getattr(named, f"frame_img{place}", None) or stated_frame(info, n, platform, date)
    return {
        "number": n,
        "date": np.asarray(date).astype("datetime64[ns]")[()],
        "named_date": named_date or date,
        "id": getattr(named, f"img{place}", None) or f"{mission}{satellite}_{date}",
        "platform": platform,
        "frame": frame or "",
    }


def _errors(file):
    """Read error, stable shift and its flag, under the names of today, of older files and of version 1."""
    row: dict = {"error_source": "none"}
    for name in ("vx", "vy"):
        dataset = file[name]
        for key, source in (("error", "error"), (f"{name}_error", "error"), ("stable_rmse", "stable_rmse")):
            if key in dataset.attrs:
                row[f"{name}_error"], row["error_source"] = number(dataset, key), source
                break
        else:
            row[f"{name}_error"] = np.nan
        shift = number(dataset, "stable_shift")
        row[f"{name}_stable_shift"] = shift if np.isfinite(shift) and shift != FILL else 0.0
    vx = file["vx"]
    stated = next((key for key in ("stable_shift_flag", "flag_stable_shift") if key in vx.attrs), None)
    # version 1 has no flag; a count of stable pixels tells that the shift was taken from stable surfaces
    flag = number(vx, stated) if stated else float(number(vx, "stable_count") > 0)
    row["stable_shift_flag"] = int(flag) if flag in (0, 1, 2) else 0  # unknown: the largest of the three errors
    return row


def _on_ground(row, file):
    """
    Divide the errors and shifts of a pair in map units by k.

    The units of the file and k are put into the row.
    """
    version = row["version"] or (1 if row["layout"] == "v1" else 2)
    row["units_in_granule"] = units_of(file["vx"].attrs, version, where=f"{file.filename}: vx")
    row["map_scale"] = scale_of_pair(row) if row["units_in_granule"] == "map" else 1.0
    for name in ("vx_error", "vy_error", "vx_stable_shift", "vy_stable_shift"):
        row[name] /= row["map_scale"]


def open_pair(path):
    """
    Open one granule as an xarray.Dataset: (y, x) variables with NaN for missing, all attributes kept.

    For looking at a single pair; a stack of them is the cube's business.

    Returns
    -------
    Dataset with x, y in metres, velocities over ground, `crs` and the row of `read_pair` among the attributes
    """
    import xarray as xr

    row = read_pair(path)
    fields = {}
    with hdf5.open_granule(path) as file:
        for name in (n for n in LAYOUT if isinstance(file.get(n), h5py.Dataset)):
            values = physical(file[name], name).astype("f4")
            if row["units_in_granule"] == "map" and name in FIELDS:
                values = to_ground(values, scale_field(window_grid(row, (0, row["ny"]), (0, row["nx"]))))
            attributes = {k: _plain(v) for k, v in file[name].attrs.items() if k not in _STORED}
            fields[name] = (("y", "x"), values, {**attributes, "units": LAYOUT[name][1]})
    x = row["x0"] + np.arange(row["nx"]) * row["dx"]
    y = row["y0"] - np.arange(row["ny"]) * row["dy"]
    plain = {k: str(v) if isinstance(v, np.datetime64) else v for k, v in row.items() if k != "chunks"}
    about = {**plain, "crs": f"EPSG:{row['epsg']}", **GROUND}
    dataset = xr.Dataset(fields, {"x": x, "y": y}, about)
    # pad cells of files made before hyp3-autorift 0.28.0 hold a chip size of 32769 and an interp_mask of 1
    for name in ("chip_size_width", "chip_size_height", "interp_mask"):
        if name in dataset:
            dataset[name] = dataset[name].where(np.isfinite(dataset["vx"])).assign_attrs(dataset[name].attrs)
    return dataset


def _plain(value):
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.flat[0]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
