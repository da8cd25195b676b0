"""Read the beams of a granule one by one: one that cannot be read fails by name, the others are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from h5py import h5o

from nunatak.products import GranuleError
from nunatak.products.guarded import guarded, in_words
from nunatak.products.status import EMPTY, FAILED, OUTSIDE, PRESENT, TrackStatus
from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    import h5py


def read_each(read: Callable, beams: Sequence[str], path: Path | str) -> tuple[list[Any], list[TrackStatus]]:
    """
    Read beam by beam.

    A beam that is damaged or lacks what is needed becomes a status and does not end the granule.

    Parameters
    ----------
    read : function of a beam's name that returns its columns (None without a row) and its TrackStatus
    beams : names
    path : of the granule, left out of the reasons

    Returns
    -------
    parts : list of what `read` returned, of beams with rows
    statuses : list of TrackStatus, one for each beam

    Raises
    ------
    GranuleError : a beam failed and no other could be read
    """
    parts, statuses, failed = [], [], []
    for beam in beams:
        try:
            with guarded(path):
                part, status = read(beam)
        except NunatakError as error:
            failed.append(error)
            part, status = None, TrackStatus(beam, FAILED, in_words(error, path))
        statuses.append(status)
        if part is not None:
            parts.append(part)
    if failed and not any(status.status in (PRESENT, OUTSIDE, EMPTY) for status in statuses):
        raise GranuleError(f"{path}: no beam could be read; the first: {in_words(failed[0], path)}") from failed[0]
    return parts, statuses


def check_groups(file: h5py.File, beams: tuple[str, ...], roots: tuple[str, ...]) -> None:
    """
    Refuse a granule whose beams are all there without the group that makes the product, as some subsets are.

    Refused is also one that holds a beam twice, under two names. A file without any beam is a subset that found no
    data, and passes.

    Parameters
    ----------
    file : open h5py.File
    beams : names of all beams the product has
    roots : names of the group, one for each layout

    Raises
    ------
    GranuleError : names the group and what the beams hold instead, or the two names of a beam
    """
    present = [beam for beam in beams if beam in file]
    places: dict[int, str] = {}
    for beam in present:
        other = places.setdefault(h5o.get_info(file[beam].id).addr, beam)
        if other != beam:
            raise GranuleError(f"{file.filename}: {beam} is {other} under another name; fetch it again")
    if present and not any(root in file[beam] for beam in present for root in roots):
        held = ", ".join(sorted({name for beam in present for name in file[beam]})) or "nothing"
        raise GranuleError(
            f"{file.filename}: none of its beams ({', '.join(present)}) holds {' or '.join(roots)} "
            f"(they hold: {held}); a subset has dropped it: fetch the whole granule"
        )
