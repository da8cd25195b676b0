"""Ask for the chunks of datasets side by side, before HDF5 asks for one after the other."""

from __future__ import annotations

from collections.abc import Iterable

from nunatak.files import remote
from nunatak.products import hdf5


def ask_ahead(path, group, names: Iterable[str], rows: slice | None = None) -> None:
    """
    Request the chunks that hold rows of datasets, when the granule is an address that is kept open.

    Parameters
    ----------
    path : path or address of the granule
    group : open group
    names : datasets in it. Those that it lacks are left to the reader, which says so
    rows : slice along the first axis. Default: all
    """
    if not isinstance(path, remote.Address) or path.file is None:
        return
    ranges: list[tuple[int, int]] = []
    for name in names:
        if hdf5.has(group, name) and group[name].chunks is not None:
            ranges += _chunks(group[name], slice(0, len(group[name])) if rows is None else rows)
    path.file.ask_ahead(ranges)


def _chunks(dataset, rows):
    """Yield (start, bytes) of the chunks of a dataset that hold some rows."""
    height = dataset.chunks[0]
    if dataset.chunks[1:] != dataset.shape[1:]:
        return
    for first in range(rows.start // height * height, min(rows.stop, len(dataset)), height):
        where = dataset.id.get_chunk_info_by_coord((first,) + (0,) * (dataset.ndim - 1))
        if where.byte_offset is not None and where.size:
            yield where.byte_offset, where.size
