"""
ATL08: the classes of ATL03's photons (ground, canopy, noise) and the 100 m land segments.

A photon is named by its ATL03 segment and its number inside it, counted from 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from nunatak import granules
from nunatak.constants import BEAMS
from nunatak.files import remote
from nunatak.products import GranuleError, hdf5
from nunatak.products.ahead import ask_ahead
from nunatak.products.beam_columns import BeamColumns
from nunatak.products.beams import check_groups
from nunatak.products.columns import HEIGHT, SEGMENT_ID, TIME, Column
from nunatak.products.stored import MOST_ROWS
from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    from pathlib import Path

    from nunatak.products.atl03 import Granule, Track

KNOWN_RELEASES = ("003", "004", "005", "006", "007")
UNCLASSIFIED = 4  # photons that ATL08 does not list
_LATE = 0.1  # s from a segment to its photons at most: the other beam of the pair passes the same ids 0.35 s apart

LAYOUT = {
    "signal_photons": {
        "ph_segment_id": "1",
        "classed_pc_indx": "counts",
        "classed_pc_flag": "1",
        "ph_h": "m",
        "delta_time": "seconds since 2018-01-01",
        "d_flag": "1",
    },
    "land_segments": {
        "segment_id_beg": "1",
        "segment_id_end": "1",
        "latitude": "degrees_north",
        "longitude": "degrees_east",
        "delta_time": "seconds since 2018-01-01",
        "terrain/h_te_median": "m",
        "terrain/n_te_photons": "counts",
    },
}

# what each column can hold, where it is narrower than any number
COLUMNS = {
    "ph_segment_id": SEGMENT_ID,
    "classed_pc_indx": Column("i4", 1, 1e6, 1),
    "classed_pc_flag": Column("i1", 0, 3, 1),
    "delta_time": TIME._replace(ndim=1),
    "segment_id_beg": SEGMENT_ID,
    "h_te_median": HEIGHT._replace(ndim=1, all_zero=True),
    "h_te_mean": HEIGHT._replace(ndim=1, all_zero=True),
}


@dataclass(frozen=True)
class PhotonClasses:
    """The classified photons of one beam."""

    beam: str
    segment_id: np.ndarray = field(repr=False)
    index: np.ndarray = field(repr=False)
    """number of the photon inside its ATL03 segment, from 1"""
    classed: np.ndarray = field(repr=False)
    """0 noise, 1 ground, 2 canopy, 3 top of canopy"""
    delta_time: np.ndarray | None = field(repr=False, default=None)
    land: dict = field(repr=False, default_factory=dict)
    """columns of `land_segments` that were asked for, with `segment_id_beg`"""


def read_classes(path: Path | str, beam: str, *, fields: tuple[str, ...] = ()) -> PhotonClasses | None:
    """
    Read the classified photons of one beam. Returns None where the file has no such beam or no photons in it.

    Parameters
    ----------
    path : path of the granule
    beam : str, gt1l .. gt3r
    fields : datasets of `land_segments` to come along (`h_te_median`, or by its path `terrain/h_te_median`)
    """
    with hdf5.open_granule(path) as file:
        if beam not in file or "signal_photons" not in file[beam]:
            return None
        group = file[beam]
        names = ("ph_segment_id", "classed_pc_indx", "classed_pc_flag")
        ask_ahead(path, group, [f"signal_photons/{name}" for name in (*names, "delta_time")])
        own = BeamColumns(group["signal_photons"], COLUMNS, like="ph_segment_id", needed=names, most=MOST_ROWS)
        columns = [own.read(name) for name in names]
        time = own.read("delta_time") if hdf5.has(own.group, "delta_time") else None
        _refuse_beyond(own)
        land = {}
        if fields:
            own = BeamColumns(group["land_segments"], COLUMNS, like="segment_id_beg", needed=("segment_id_beg",))
            land["segment_id_beg"] = own.read("segment_id_beg").astype("i8")
            own.ascending("segment_id_beg", land["segment_id_beg"])
            for name in fields:
                land[name] = own.read(name.rpartition("/")[2], _land_path(group, name), as_float=True)
            _refuse_beyond(own)
    return PhotonClasses(beam, columns[0].astype("i8"), columns[1].astype("i8"), columns[2], time, land)


def _refuse_beyond(own):
    """Refuse classes with a value that cannot be: there is no row of a table to leave out and to count."""
    if own.beyond:
        raise GranuleError(f"{own.group.file.filename}: {own.group.name[1:]}: {own.reasons()[0]}; fetch it again")


def _land_path(group, name):
    for path in (name, f"terrain/{name}", f"canopy/{name}"):
        if hdf5.has(group, f"land_segments/{path}"):
            return path
    return name


def read_land_segments(
    path: Path | str, beam: str, names: tuple[str, ...] = ("segment_id_beg", "segment_id_end", "terrain/h_te_median")
) -> dict[str, np.ndarray]:
    """
    Read columns of `land_segments` as a dict of arrays, fills as NaN, empty where the beam has none.

    Parameters
    ----------
    path : str or Path, the granule
    beam : str, gt1l .. gt3r
    names : sequence of str, names of variables
    """
    with hdf5.open_granule(path) as file:
        if beam not in file or "land_segments" not in file[beam]:
            return {}
        return {name.rpartition("/")[2]: hdf5.read(file[beam], f"land_segments/{name}") for name in names}


def classify(track: Track, classes: PhotonClasses) -> np.ndarray:
    """
    Return the class of every photon of an ATL03 track (or of its stretch), 4 where ATL08 does not list it.

    Photon = first photon of the segment + classed_pc_indx - 1; rows of segments outside the stretch are left out, and
    so is the class of a photon that the file counts and does not hold.

    Parameters
    ----------
    track : atl03.Track
    classes : PhotonClasses, or None (nothing is classified)

    Returns
    -------
    (n_photons,) uint8

    Raises
    ------
    GranuleError : ATL08 counts photons that this ATL03 segment does not have, or most of its photons are of another
        time: it belongs to another granule or beam
    """
    out = np.full(track.n_photons, UNCLASSIFIED, dtype="u1")
    if classes is None or not out.size:
        return out
    row, found = _rows_of(track.segments["segment_id"], classes.segment_id)
    counts = track.segments["segment_ph_cnt"]
    beyond = found & ((classes.index > track.segments.get("stated", counts)[row]) | (classes.index < 1))
    if beyond.any():
        i = int(np.flatnonzero(beyond)[0])
        raise GranuleError(
            f"{track.granule.path}: {track.beam}: ATL08 lists photon {classes.index[i]} of segment "
            f"{classes.segment_id[i]}, which has {counts[row[i]]} photons; give the ATL08 granule of the same name"
        )
    _check_times(track, classes, row, found)
    first = np.cumsum(counts) - counts
    found &= classes.index <= counts[row]
    out[first[row[found]] + classes.index[found] - 1] = classes.classed[found]
    return out


def _check_times(track, classes, row, found):
    """Refuse classes of which most are of photons of another time than their segment's: those of another beam."""
    if classes.delta_time is None:
        return
    apart = np.abs(classes.delta_time[found] - track.segments["delta_time"][row[found]])
    apart = apart[np.isfinite(apart)]
    if apart.size and np.median(apart) > _LATE:
        raise GranuleError(
            f"{track.granule.path}: {track.beam}: ATL08 lists photons {np.median(apart):.3g} s from the segments they "
            "are said to lie in; give the ATL08 granule of the same name"
        )


def _rows_of(ids, wanted):
    """Return the row of each wanted id among sorted ids, and whether it is there."""
    row = np.clip(np.searchsorted(ids, wanted), 0, max(len(ids) - 1, 0))
    return row, (ids[row] == wanted) if len(ids) else np.zeros(len(wanted), dtype=bool)


def land_rows(track: Track, classes: PhotonClasses) -> np.ndarray:
    """
    Return the row of `land_segments` of each ATL03 segment, (n_segment,).

    It is the last that begins at or before the segment, -1 without one.

    Parameters
    ----------
    track : Track, one beam's segments
    classes : the classified photons of the beam (ATL08)
    """
    return np.searchsorted(classes.land["segment_id_beg"], track.segments["segment_id"], side="right") - 1


def check_same_granule(granule: Granule, path: Path | str) -> None:
    """
    Refuse an ATL08 granule that was not made from this ATL03 granule, by name and by content.

    The revision may differ (release 007 pairs ATL03 revision 02 with ATL08 revision 01), the release may not.

    Parameters
    ----------
    granule : the granule to compare with
    path : str or Path, the ATL08 granule

    Raises
    ------
    GranuleError : other product, track, cycle, region, time or release; no beam of a subset holds classes
    """
    path = remote.location(path)
    _check_names(granule, path)
    with hdf5.open_granule(path) as file:
        hdf5.check_product(file, "ATL08")
        hdf5.check_orbit(file, granule.rgt or None, granule.cycle or None)
        check_groups(file, BEAMS, ("signal_photons",))


def _check_names(granule, path):
    try:
        ours, theirs = granules.parse(granule.name), granules.parse(path.name)
    except NunatakError:
        return  # a file with a name of its own: its content is all there is to go by
    if theirs.product.upper() != "ATL08":
        raise GranuleError(f"{path}: an {theirs.product.upper()} granule where ATL08 is expected")
    for name in ("time_start", "rgt", "cycle", "region_number", "version"):
        a, b = getattr(ours, name), getattr(theirs, name)
        if a != b:
            raise GranuleError(
                f"{path}: not the ATL08 of {granule.name}: {name} is {b}, there {a}; "
                f"give {granule.name.replace('ATL03', 'ATL08')}"
            )
