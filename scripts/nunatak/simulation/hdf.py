"""Writing HDF5 the way the products are written: attributes as bytes, dimension scales, gzip, no time stamps."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nunatak.constants import FILL_F4, FILL_F8, FILL_I1, FILL_I4

FILLS: dict[str, Any] = {"f4": FILL_F4, "f8": FILL_F8, "i4": FILL_I4, "i1": FILL_I1}
SOURCE = "SIMULATED"

# Products keep four decimals, as a power of two (netCDF's least_significant_digit = 4).
_QUANTUM = 2.0**-14


def put_attributes(target: h5py.Dataset | h5py.Group, attributes: Mapping[str, Any]) -> None:
    """
    Put new attributes on a file, group or dataset: text as fixed-length bytes, numbers as they are.

    Parameters
    ----------
    target : h5py.File, h5py.Group or h5py.Dataset
    attributes : mapping of name to text or number
    """
    for name, value in attributes.items():
        value = np.asarray(value.encode("utf-8") if isinstance(value, str) else value)
        # the low-level call: a granule has thousands of attributes, and h5py's own way takes four times as long
        space = h5py.h5s.create_simple(value.shape) if value.ndim else h5py.h5s.create(h5py.h5s.SCALAR)
        h5py.h5a.create(target.id, name.encode("utf-8"), h5py.h5t.py_create(value.dtype), space).write(value)


def put(
    group: h5py.Group,
    name: str,
    values: np.ndarray,
    *,
    fill: float | None = None,
    chunks: tuple[int, ...] | None = None,
    scale: bool = False,
    gzip: int = 2,
    shuffle: bool = False,
    **attributes,
) -> h5py.Dataset:
    """
    Write one dataset.

    Parameters
    ----------
    values : array; NaN of float arrays is written as `fill` where there is one
    fill : fill value, kept in the attribute `_FillValue` and as HDF5's own
    chunks : chunk shape; contiguous and not compressed when not given
    scale : make it a dimension scale of its own name
    """
    values = np.asarray(values)
    if fill is not None:
        fill = values.dtype.type(fill)
        if values.dtype.kind == "f":
            values = np.where(np.isnan(values), fill, values)
    options = {}
    if chunks is not None:
        options = {"chunks": chunks, "compression": "gzip", "compression_opts": gzip, "shuffle": shuffle}
        if values.ndim == 1:
            options["maxshape"] = (None,)
    dataset = group.create_dataset(name, data=values, fillvalue=fill, **options)
    if scale:
        dataset.make_scale(name)
    if fill is not None:
        attributes = {"_FillValue": np.array([fill]), **attributes}
    put_attributes(dataset, attributes)
    return dataset


def attach(dataset: h5py.Dataset, scales: Sequence[h5py.Dataset]) -> None:
    """
    Link the dimension scales to a dataset's dimensions, in order.

    Parameters
    ----------
    dataset : h5py.Dataset
    scales : sequence of h5py.Dataset, one dimension scale for each dimension
    """
    for i, scale in enumerate(scales):
        dataset.dims[i].attach_scale(scale)


def quantised(values: np.ndarray) -> np.ndarray:
    """
    Round float32 values to 2^-14 (four decimals). NaN stays.

    Parameters
    ----------
    values : float array
    """
    return (np.round(np.asarray(values, dtype=float) / _QUANTUM) * _QUANTUM).astype("f4")


def put_metadata(
    file: h5py.File, *, short_name: str, version: str, file_name: str, extent: tuple[float, ...], began: str, ended: str
) -> None:
    """
    Write the METADATA group: ISO groups that hold attributes only.

    Parameters
    ----------
    extent : west, south, east, north, degrees
    began, ended : ISO 8601 text of the first and last observation
    """
    identity = str(uuid.uuid5(uuid.NAMESPACE_URL, file_name))
    west, south, east, north = extent
    groups: dict[str, dict[str, Any]] = {
        "AcquisitionInformation/lidar": {"identifier": "ATLAS", "pulse_rate": "10000 pps", "wavelength": "532 nm"},
        "AcquisitionInformation/platform": {"identifier": "ICESat-2", "type": "Spacecraft"},
        "DataQuality": {"scope": "NOT_SET"},
        "DatasetIdentification": {
            "VersionID": version,
            "fileName": file_name,
            "shortName": short_name,
            "uuid": identity,
            "characterSet": "utf8",
            "language": "eng",
            "abstract": "Simulated, not observed: made by Nunatak.",
        },
        "Extent": {
            "westBoundLongitude": west,
            "southBoundLatitude": south,
            "eastBoundLongitude": east,
            "northBoundLatitude": north,
            "rangeBeginningDateTime": began,
            "rangeEndingDateTime": ended,
        },
        "Lineage": {},
        "ProcessStep/PGE": {"processDescription": "Simulated by Nunatak from a truth known in closed form"},
        "ProductSpecificationDocument": {"ShortName": f"{short_name}_SDP"},
        "QADatasetIdentification": {"fileName": f"{file_name.rsplit('.', 1)[0]}.qa"},
        "SeriesIdentification": {"VersionID": version, "shortName": short_name, "format": "HDF", "formatVersion": "5"},
    }
    root = file.create_group("METADATA")
    put_attributes(root, {"Description": "ISO19115 Structured Metadata Represented within HDF5"})
    for path, attributes in groups.items():
        put_attributes(root.create_group(path), attributes)


def create(path: Path | str) -> h5py.File:
    """
    Create an HDF5 file of the default library version, opened for writing.

    Parameters
    ----------
    path : Path, the file
    """
    return h5py.File(path, "w")
