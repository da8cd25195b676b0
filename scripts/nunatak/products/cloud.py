"""
Granules that stay in the cloud: the datasets asked for, read with h5coro, as an HDF5 file in memory.

h5coro is optional (`pip install h5coro`). It does not raise for a dataset it cannot read but returns nothing; such a
dataset is simply absent from the file, so the product's reader records the beam as missing or failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np

from nunatak.products import GranuleError
from nunatak.runtime import NunatakError


@contextmanager
def open_granule(
    resource: Any, datasets: Mapping[str, Any] | list[str], credentials: Any = None, *, fetch: Callable | None = None
) -> Iterator[Any]:
    """
    Open an h5py.File in memory with those of `datasets` that the granule holds.

    Parameters
    ----------
    resource : "https://...", a `remote.Address` with its login, or a path
    datasets : paths of datasets, such as "gt1l/freeboard_segment/latitude"
    credentials : what h5coro's driver takes, a bearer token; that of the address where it has a login
    fetch : function of (resource, datasets, credentials) that returns {path: array or None}; h5coro unless given

    Raises
    ------
    NunatakError : h5coro is not installed, or the granule lies in S3, which it asks without TLS
    GranuleError : nothing could be read
    """
    if credentials is None and hasattr(getattr(resource, "session", None), "credentials"):
        credentials = resource.session.credentials()
    columns = (fetch or read_with_h5coro)(str(resource), list(datasets), credentials)
    held = {name: np.asarray(values) for name, values in columns.items() if values is not None}
    if not held:
        raise GranuleError(
            f"{resource}: h5coro read none of {len(datasets)} datasets; try reader: h5py, or look at the login"
        )
    with h5py.File(str(resource), "w", driver="core", backing_store=False) as file:
        for name, values in held.items():
            file.create_dataset(name, data=values)
        yield file


def read_with_h5coro(resource: Any, datasets: list[str], credentials: Any = None) -> dict[str, Any]:
    """
    Read {path: array or None} of datasets through h5coro's S3, web or file driver.

    Parameters
    ----------
    resource : str, path or address of the granule
    datasets : sequence of str, paths below the root
    credentials : mapping, credentials of the storage, or None
    """
    try:
        from h5coro.h5coro import H5Coro
    except ImportError as error:
        raise NunatakError("reader: h5coro is not installed; pip install h5coro, or write reader: h5py") from error
    driver, name = _driver(resource)
    try:
        granule = H5Coro(name, driver, credentials=credentials or {})
    except Exception as error:  # h5coro's own FatalError, and whatever its drivers raise
        raise GranuleError(f"{resource}: h5coro could not open it ({' '.join(str(error).split())})") from error
    with granule:
        promise = granule.readDatasets(datasets, block=True, enableAttributes=False)
        return {dataset: promise[dataset] for dataset in datasets}


def _driver(resource):
    if resource.startswith("s3://"):  # its driver sends the keys' token over plain HTTP
        raise NunatakError(f"{resource}: h5coro asks S3 without TLS; write reader: h5py, which reads in place, too")
    if resource.startswith(("https://", "http://")):
        from h5coro.webdriver import HTTPDriver

        return HTTPDriver, resource
    from h5coro.filedriver import FileDriver

    return FileDriver, resource
