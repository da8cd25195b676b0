"""Whether a path is a file that can be opened as HDF5, asked without waiting for ever."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import h5py

from nunatak.products import GranuleError

ANSWER_SECONDS = 60  # for the first bytes of a file; a network folder that is gone never answers
_START = 256  # bytes that tell a web page from HDF5


def check_file(path: Path | str) -> None:
    """
    Refuse a path that is no HDF5 file, and one whose disk does not answer.

    Pipes and devices are told before they are opened, because opening one may wait for ever.

    Parameters
    ----------
    path : Path

    Raises
    ------
    GranuleError : absent, a folder, a pipe or device, empty, a web page, not HDF5, or without an answer
    """
    said: list = []

    def look():
        try:
            said.append(_first_bytes(path))
        except Exception as error:  # noqa: BLE001  raised below, where it is heard
            said.append(error)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(ANSWER_SECONDS)
    if not said:
        raise GranuleError(f"{path}: its disk gave no answer within {ANSWER_SECONDS} s; mount it again")
    if isinstance(said[0], Exception):
        raise said[0]
    _check_bytes(path, *said[0])


def _first_bytes(path):
    """Return the first bytes of a regular file and whether HDF5 knows it."""
    try:
        kind = os.stat(path).st_mode
    except FileNotFoundError:
        raise GranuleError(f"{path}: does not exist; fetch it again") from None
    if stat.S_ISDIR(kind):
        raise GranuleError(f"{path}: is a folder where a granule is expected; name the file inside it")
    if not stat.S_ISREG(kind):
        raise GranuleError(f"{path}: is a pipe or a device, not a file; remove it and fetch it again")
    with open(path, "rb") as stream:
        start = stream.read(_START)
    return start, bool(start) and h5py.is_hdf5(path)


def _check_bytes(path, start, known):
    if not start:
        raise GranuleError(f"{path}: holds no bytes (0); remove it and fetch it again")
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"{")):
        shown = " ".join(start.decode("utf-8", "replace").split())[:60]
        raise GranuleError(
            f"{path}: is a web page or a service's message, not HDF5 (it begins {shown!r}); "
            "check the login, remove it and fetch it again"
        )
    if not known:
        raise GranuleError(f"{path}: is not an HDF5 file (it begins {start[:8]!r}); remove it and fetch it again")
