"""What a Zarr store says of itself, out of its documents alone: which version it is, and what arrays it has."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from nunatak.files import remote
from nunatak.products import GranuleError

# what a store says of itself in one piece, else of the arrays that grow when layers are added
_WHOLE = (".zmetadata", "zarr.json")
_PARTS = (".zattrs", "mid_date/.zarray", "vx/.zarray", "mid_date/zarr.json", "vx/zarr.json")


def metadata_checksum(path):
    """
    Return the SHA-256 of what a Zarr store says of itself, which changes when layers are added or written again.

    Parameters
    ----------
    path : folder or address

    Raises
    ------
    GranuleError : there is no store
    remote.NotReadable : the address does not answer
    """
    digest = hashlib.sha256()
    for content in _documents(path).values():
        digest.update(content)
    return digest.hexdigest()


def described(path):
    """
    Return the arrays and the attributes of a store whose metadata are consolidated.

    Parameters
    ----------
    path : folder or address

    Returns
    -------
    arrays : {name: (shape, dtype as text, attributes)}; none of a store whose metadata are not consolidated
    attributes : those of the store

    Raises
    ------
    GranuleError : there is no store, or its metadata cannot be read
    """
    documents = _documents(path)
    try:
        if ".zmetadata" in documents:
            said = json.loads(documents[".zmetadata"])["metadata"]
            names = sorted(key.rpartition("/")[0] for key in said if key.endswith("/.zarray"))
            fields = {name: (said[f"{name}/.zarray"], said.get(f"{name}/.zattrs", {})) for name in names}
            held = {name: (tuple(array["shape"]), str(array["dtype"]), more) for name, (array, more) in fields.items()}
            return held, said.get(".zattrs", {})
        root = json.loads(documents.get("zarr.json", b"{}"))
        within = ((root.get("consolidated_metadata") or {}).get("metadata") or {}).items()
        arrays = {name: one for name, one in sorted(within) if one.get("node_type") == "array"}
        held = {n: (tuple(a["shape"]), str(a["data_type"]), a.get("attributes", {})) for n, a in arrays.items()}
        return held, root.get("attributes", {})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GranuleError(f"{path}: its metadata cannot be read ({error}); fetch the cube again") from error


def _documents(path):
    """Return the documents that a store has, by name: the consolidated one alone where there is one of format 2."""
    found = {}
    for name in (*_WHOLE, *_PARTS):
        content = _document(path, name)
        if content is not None:
            found[name] = content
        if name == ".zmetadata" and found:
            return found
    if not found:
        raise GranuleError(f"{path}: no Zarr store there (neither {' nor '.join(_WHOLE)}); check the path or the URL")
    return found


def _document(path, name):
    if remote.is_address(path):
        session = getattr(path, "session", None) or remote.public_session()
        return remote.read_object(f"{str(path).rstrip('/')}/{name}", session)
    file = Path(path) / name
    return file.read_bytes() if file.is_file() else None
