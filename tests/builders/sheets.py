"""Small files in the layouts of ITS_LIVE's height record and of BedMachine, from arrays."""

import h5py
import numpy as np

ANT_X0, ANT_Y0, STEP = -2798407.5, 2798407.5, 1920.0
FILL = -32767.0


def put(file, name, values, *, fill=None, dims=(), **attributes):
    """A dataset with its attributes, NaN as fill, and dimension scales."""
    values = np.asarray(values)
    if fill is not None:
        values = np.where(np.isnan(values), fill, values).astype(values.dtype)
        attributes["_FillValue"] = values.dtype.type(fill)
    made = file.create_dataset(name, data=values)
    made.attrs.update(attributes)
    for number, dim in enumerate(dims):
        made.dims[number].attach_scale(file[dim])
    return made


def axes(file, x, y, days, units):
    """x, y and time as dimension scales."""
    for name, values in (("x", x), ("y", y), ("time", days)):
        put(file, name, np.asarray(values, "f8")).make_scale(name)
    file["time"].attrs["units"] = units


def write_greenland(path, dh, rms, *, mask, firn=None, days=None, x=None, y=None):
    """The bucket's file of Greenland: y ascends, EPSG code as a root attribute, days since the first month."""
    steps, rows, columns = dh.shape
    x = -645127.5 + STEP * np.arange(columns) if x is None else x
    y = -3371272.5 + STEP * np.arange(rows) if y is None else y
    with h5py.File(path, "w") as file:
        file.attrs.update(epsg_number="3413", version="1.1", title="made for a test")
        days = 30.4375 * np.arange(steps) if days is None else days
        axes(file, x, y, days, "days since 1992-01-15 00:00:00")
        for name, values in {"dh": dh, "rms": rms, **(firn or {})}.items():
            put(file, name, values.astype("f4"), fill=FILL, dims=("time", "y", "x"))
        put(file, "mask", mask.astype("u1"), dims=("y", "x"))
    return path


def write_antarctica(path, dh, rmse, quality, *, nsidc=False, days=None, x=None, y=None, packed=None):
    """Grounded Antarctica in the bucket's spelling, or in NSIDC's, whose values may be packed."""
    steps, rows, columns = dh.shape
    x = ANT_X0 + STEP * np.arange(columns) if x is None else x
    y = ANT_Y0 - STEP * np.arange(rows) if y is None else y
    names = ("height_change", "height_change_rmse") if nsidc else ("dh", "rmse")
    with h5py.File(path, "w") as file:
        file.attrs["version"] = "1.0"
        days = 12890.5 + 30.4375 * np.arange(steps) if days is None else days
        axes(file, x, y, days, "days since 1950-01-01")
        put(file, "mapping", np.int8(0), spatial_epsg="3031.0", grid_mapping_name="polar_stereographic")
        for name, values in zip(names, (dh, rmse), strict=True):
            if packed:
                stored = np.where(np.isnan(values), FILL, np.round(values / packed)).astype("i2")
                put(file, name, stored, dims=("time", "y", "x"), _FillValue=np.int16(FILL), scale_factor=packed)
            else:
                put(file, name, values.astype("f4"), fill=FILL, dims=("time", "y", "x"))
        put(file, "quality_flag", quality.astype("u1"), dims=("time", "y", "x"))
        put(file, "glacier_basin" if nsidc else "basin", np.ones((rows, columns), "u1"), dims=("y", "x"))
    return path


def write_bedmachine(path, layers, *, x, y, north, version=None):
    """BedMachine: heights above the geoid, whole numbers for axes, geoid and codes, -9999 for missing."""
    with h5py.File(path, "w") as file:
        parallel = 70.0 if north else -71.0
        put(file, "mapping", b"", grid_mapping_name="polar_stereographic", standard_parallel=parallel)
        for name, values in (("x", x), ("y", y)):
            put(file, name, np.asarray(values, "i4"), units="meter").make_scale(name)
        if version:
            file.attrs["version"] = version
        for name, values in layers.items():
            whole = {"mask": "i1", "source": "i1", "geoid": "i2"}.get(name)
            if whole:
                put(file, name, np.asarray(values, whole), dims=("y", "x"), grid_mapping="mapping")
            else:
                put(file, name, np.asarray(values, "f4"), fill=-9999.0, dims=("y", "x"), grid_mapping="mapping")
    return path
