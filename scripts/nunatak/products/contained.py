"""
HDF5 files that give only what they hold themselves.

HDF5 can point elsewhere: a link may name another file, a dataset may take its bytes from a file beside it or be put
together from other files. A granule that does so could hand over any file of the machine, and its checksum would not
speak of the values read. The granules of every product use hard links and their own storage alone.
"""

from __future__ import annotations

import h5py
from h5py import h5d, h5l

from nunatak.products import GranuleError

_REMEDY = "the product's own granules have none; fetch the original granule"
_LINKS = {h5l.TYPE_SOFT: "a soft link", h5l.TYPE_EXTERNAL: "a link to another file"}


class _Contained(h5py.Group):
    """Refuse, in a file or group, what is not stored in the file itself, before anything of it is opened."""

    def __getitem__(self, name):
        check_links(self, name)
        return self._checked(name, super().__getitem__(name))

    def __contains__(self, name):
        check_links(self, name)
        return super().__contains__(name)

    def get(self, name, default=None, **kwargs):
        check_links(self, name)
        return self._checked(name, super().get(name, default, **kwargs))

    @property
    def file(self) -> h5py.File:
        """Return the file of this object, with the same care."""
        return File(self.id)

    def _checked(self, name, node):
        if isinstance(node, h5py.Dataset):
            check_storage(self, name, node.id)
        elif isinstance(node, h5py.Group):
            return Group(node.id)
        return node


class Group(_Contained):
    """An h5py.Group that gives only what its own file holds."""


class File(_Contained, h5py.File):
    """An h5py.File that gives only what it holds itself."""


def open_dataset(group: h5py.Group, name: str) -> h5py.h5d.DatasetID:
    """
    Open a dataset of a group through HDF5's low-level interface, once it is known to be the file's own.

    Parameters
    ----------
    group : h5py.Group
    name : str, "dataset" or "subgroup/dataset"

    Returns
    -------
    h5py.h5d.DatasetID

    Raises
    ------
    KeyError : there is no such dataset
    GranuleError : it is a link, or its values lie elsewhere
    """
    check_links(group, name)
    dataset = h5d.open(group.id, name.encode())
    check_storage(group, name, dataset)
    return dataset


def check_links(group: h5py.File, name: str) -> None:
    """
    Refuse a path with a link that is not a hard one.

    A path that does not exist passes.

    Parameters
    ----------
    group : h5py.Group
    name : str or bytes, "dataset" or "subgroup/dataset"; a reference is inside the file anyway and passes

    Raises
    ------
    GranuleError : a soft link, a link to another file, or one of a kind that a user defined
    """
    if not isinstance(name, str | bytes):
        return
    path = name.encode() if isinstance(name, str) else name
    links, end = group.id.links, 0
    while end >= 0:
        end = path.find(b"/", end + 1)
        part = path if end < 0 else path[:end]
        try:
            kind = links.get_info(part).type
        except (KeyError, ValueError, RuntimeError):  # absent, or no link: "." and "/"
            continue
        if kind != h5l.TYPE_HARD:
            what = _LINKS.get(kind, "a link of a kind of its own")
            raise GranuleError(f"{group.file.filename}: {_where(group, part)}: is {what}; {_REMEDY}")


def check_storage(group: h5py.Group, name: str, dataset: h5py.h5d.DatasetID) -> None:
    """
    Refuse a dataset whose values lie in other files or are put together from other datasets.

    Parameters
    ----------
    group : h5py.Group
    name : str or bytes, the dataset's path in the group, for the error
    dataset : h5py.h5d.DatasetID

    Raises
    ------
    GranuleError : external storage, or a virtual dataset
    """
    made = dataset.get_create_plist()
    virtual = made.get_layout() == h5d.VIRTUAL
    if virtual or made.get_external_count():
        what = "is put together from other datasets (virtual)" if virtual else "has its values in another file"
        raise GranuleError(f"{group.file.filename}: {_where(group, name)}: {what}; {_REMEDY}")


def _where(group, name):
    name = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
    return f"{group.name}/{name}".strip("/")
