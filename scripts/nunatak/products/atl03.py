"""
ATL03 photons: six beams of photons, cut along the track into segments of 20 m.

Segment coordinates are read first; of the photons only the rows and the datasets that are asked for, in blocks. The
layout was read off granules of releases 003 and 006, that of 007 (`weight_ph` as uint16) off the readers of others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from nunatak import granules
from nunatak.constants import BEAMS, GT_CODES
from nunatak.files import remote
from nunatak.products import GranuleError, atl03_photons, atl03_segments, hdf5
from nunatak.products.ahead import ask_ahead
from nunatak.products.atl03_layout import COLUMNS
from nunatak.products.beam_columns import BeamColumns
from nunatak.products.beams import check_groups
from nunatak.products.spots import spots
from nunatak.runtime import NunatakError

KNOWN_RELEASES = ("003", "004", "005", "006", "007")

BLOCK_PHOTONS = 1 << 19  # photons in memory at a time, for each beam that is being worked on

ALL_FLAGS = 6  # release from which every granule has them and podppd_flag; without, a subset dropped them
_OPTIONAL_ROWS = ("podppd_flag", "solar_elevation")
# columns that are read of every beam, whatever is asked of its photons
_WHOLE = (
    *(f"geolocation/{name}" for name in (*atl03_segments.ROWS, *_OPTIONAL_ROWS)),
    "bckgrd_atlas/delta_time",
    "bckgrd_atlas/bckgrd_rate",
)


@dataclass(frozen=True)
class Granule:
    """What an ATL03 granule says of itself."""

    path: Path | remote.Address | None
    """None for photons that do not come from a file"""
    name: str
    rgt: int
    cycle: int
    region: int
    """1..14, the stretch of the orbit; 0 where neither name nor content tells"""
    release: int
    """6 for release 006; 0 where neither name nor content tells"""
    beams: tuple
    """ground tracks that have photons groups, in the order gt1l .. gt3r"""
    start: np.datetime64 | None = None
    """time in the name; None where it tells none"""


@dataclass(frozen=True)
class Track:
    """The 20 m segments of one beam, and what belongs to the beam as a whole."""

    granule: Granule
    beam: str
    segments: dict = field(repr=False)
    """
    (n,) arrays: segment_id, segment_dist_x (m), segment_ph_cnt, length (m), delta_time, reference_photon_lat,
    reference_photon_lon, velocity (m/s), spot, inside (bool: photons of others are rejected), photon (index in the
    file of the segment's first photon), podppd_flag and solar_elevation where the file has them, what was asked for;
    of a file stated (photons as the file counts them, where a photon is missing one more than segment_ph_cnt)
    """
    background_time: np.ndarray = field(repr=False)
    background_rate: np.ndarray = field(repr=False)
    """(m,) delta_time and counts / second"""
    background: dict = field(repr=False, default_factory=dict)
    """further (m,) arrays of `bckgrd_atlas`"""
    id_before: float = -np.inf
    """segment_id of the last segment with photons before this stretch"""
    id_after: float = np.inf
    """segment_id of the first segment with photons after this stretch"""
    note: str = ""
    left_out: dict = field(repr=False, default_factory=dict)
    """photons that cannot be, counted by what is wrong with them while the photons are read"""

    @property
    def n_photons(self) -> int:
        """Return the number of photons of the stretch."""
        return int(self.segments["segment_ph_cnt"].sum())

    @property
    def rows(self) -> slice:
        """Return the photons' rows in the file."""
        if not len(self.segments["photon"]):
            return slice(0, 0)
        first = int(self.segments["photon"][0])
        return slice(first, first + self.n_photons)

    @property
    def gt(self) -> int:
        """Return the track's number, 10 (gt1l) .. 60 (gt3r)."""
        return GT_CODES[self.beam]

    def stretch(self, inside: np.ndarray) -> Track:
        """
        Cut the track to the part from the first to the last segment that is inside and has photons.

        Segments between them that are not inside stay and are marked. A segment without photons neither begins nor ends
        a stretch, because its coordinates may be fill.

        Parameters
        ----------
        inside : (n_segment,) bool array
        """
        counts = self.segments["segment_ph_cnt"]
        kept = np.flatnonzero(inside & (counts > 0))
        filled = np.flatnonzero(counts > 0)
        first, last = (int(kept[0]), int(kept[-1])) if kept.size else (0, -1)
        segments = {name: values[first : last + 1] for name, values in self.segments.items()}
        segments["inside"] = np.asarray(inside[first : last + 1], dtype=bool) | (segments["segment_ph_cnt"] == 0)
        ids = self.segments["segment_id"]
        before, after = filled[filled < first], filled[filled > last]
        return replace(
            self,
            segments=segments,
            id_before=float(ids[before[-1]]) if before.size else self.id_before,
            id_after=float(ids[after[0]]) if after.size else self.id_after,
        )


@dataclass(frozen=True)
class BeamPhotons:
    """Photons of a track, all or a block of them, in the order of the file."""

    track: Track
    photons: dict = field(repr=False)
    """(n,) arrays under the names of the `heights` group; signal_conf_ph is (n, 5)"""
    first: int = 0
    """number of the first of them, counted from the start of the track's stretch"""

    def __len__(self):
        return len(self.photons["h_ph"])

    def segment_index(self) -> np.ndarray:
        """Return the row in `track.segments` of each photon, (n,)."""
        counts = self.track.segments["segment_ph_cnt"]
        ends = np.cumsum(counts)
        low, high = self.first, self.first + len(self)
        s0, s1 = np.searchsorted(ends, (low, high - 1), side="right") if high > low else (0, -1)
        begins = np.maximum(ends[s0 : s1 + 1] - counts[s0 : s1 + 1], low)
        return np.repeat(np.arange(s0, s1 + 1, dtype="i4"), np.minimum(ends[s0 : s1 + 1], high) - begins)


def read_granule(path: Path | str) -> Granule:
    """
    Read what a granule says of itself, by its name and by its content, which must agree.

    Parameters
    ----------
    path : str or Path, the granule

    Raises
    ------
    GranuleError : broken, not ATL03, or named as another track or cycle
    """
    path = remote.location(path)
    with hdf5.open_granule(path) as file:
        hdf5.check_product(file, "ATL03")
        rgt, cycle = hdf5.orbit(file)
        region = hdf5.whole(file, "ancillary_data/start_region")
        release, start = hdf5.attribute(file, "identifier_product_doi", "")[-3:], None
        name = _name(file, path)
        if name is not None:
            if name.product.upper() != "ATL03":
                raise GranuleError(f"{path}: the name is that of an {name.product.upper()} granule, not of ATL03")
            hdf5.check_orbit(file, name.rgt, name.cycle)
            rgt, cycle, region, release = name.rgt, name.cycle, name.region_number, name.version
            start = name.time_start
        check_groups(file, BEAMS, ("heights",))
        check_groups(file, BEAMS, ("geolocation",))
        beams = tuple(b for b in hdf5.beams_present(file) if "heights" in file[b] and "geolocation" in file[b])
        if not beams and not any(b in file for b in (*BEAMS, "METADATA", "ancillary_data", "orbit_info")):
            held = ", ".join(sorted(file)) or "nothing"
            raise GranuleError(f"{path}: no beam gt1l .. gt3r, and not the layout of ATL03 (it holds: {held})")
    release = int(release) if release and str(release).isdigit() else 0
    return Granule(path, path.name, int(rgt or 0), int(cycle or 0), int(region or 0), release, beams, start)


def _name(file, path):
    """Parse the granule's name: its own, else the one in its metadata. Returns None without either."""
    stated = ""
    if "METADATA/DatasetIdentification" in file:
        stated = hdf5.attribute(file["METADATA/DatasetIdentification"], "fileName", "")
    for candidate in (path.name, stated):
        try:
            return granules.parse(candidate)
        except NunatakError:
            continue
    return None


def read_track(granule: Granule, beam: str, *, fields: tuple[str, ...] = ()) -> Track:
    """
    Read the segments of one beam.

    Parameters
    ----------
    granule : Granule
    beam : str, gt1l .. gt3r
    fields : further datasets: at the rate of segments below `geolocation` or as "geophys_corr/geoid", or of the
        background as "bckgrd_atlas/bckgrd_counts"

    Returns
    -------
    Track : with `inside` true everywhere

    Raises
    ------
    GranuleError : a dataset is missing, or the counts of photons do not fit the photons
    """
    with hdf5.open_granule(granule.path) as file:
        group = file[beam]
        for name in ("bckgrd_atlas", "heights/h_ph"):
            if name not in group:
                raise hdf5.missing(group, name)
        further = [name if "/" in name else f"geolocation/{name}" for name in fields]
        ask_ahead(granule.path, group, dict.fromkeys((*_WHOLE, *further)))
        segments, said = atl03_segments.read(file, beam, COLUMNS["geolocation"], granule.start)
        n = len(segments["segment_id"])
        segments["spot"], note = spots(file, beam, segments["delta_time"])
        present = [name for name in _OPTIONAL_ROWS if hdf5.has(group, f"geolocation/{name}")]
        for name in dict.fromkeys((*present, *fields)):
            if name.startswith("bckgrd_atlas/") or name in segments:
                continue
            segments[name] = hdf5.read(group, name if "/" in name else f"geolocation/{name}")
            if len(segments[name]) != n:
                raise GranuleError(
                    f"{granule.path}: {beam}: {name} has {len(segments[name])} rows, there are {n} segments; "
                    "only datasets at the rate of segments can be carried along here"
                )
        asked = [name.rpartition("/")[2] for name in fields if name.startswith("bckgrd_atlas/")]
        background = _background(group["bckgrd_atlas"], asked)
    time, rate = background.pop("bckgrd_atlas/delta_time"), background["bckgrd_atlas/bckgrd_rate"]
    known = np.isfinite(time) & np.isfinite(rate)
    background = {name: values[known] for name, values in background.items()}
    note = "; ".join(filter(None, (note, *said)))
    return Track(granule, beam, segments, time[known], rate[known].astype("f8"), background, note=note)


def _background(group, names):
    own = BeamColumns(group, COLUMNS["bckgrd_atlas"], like="delta_time", needed=("delta_time", "bckgrd_rate"))
    return {f"bckgrd_atlas/{name}": own.read(name) for name in ("delta_time", "bckgrd_rate", *names)}


def read_photons(track: Track, names: tuple[str, ...], rows: slice | None = None) -> dict[str, np.ndarray]:
    """
    Read columns of the photons of a track.

    Parameters
    ----------
    track : Track
    names : names in the `heights` group
    rows : slice of rows of the file, default those of the track

    Returns
    -------
    dict of (n,) arrays ((n, 5) for signal_conf_ph); heights and positions with NaN for fills. Without quality_ph and
        weight_ph where the granule has none

    Raises
    ------
    GranuleError : the granule lacks one of them, or is damaged
    """
    return atl03_photons.read(track, names, track.rows if rows is None else rows)[0]


def photon_blocks(track: Track, names: tuple[str, ...], *, size: int = BLOCK_PHOTONS) -> Iterator[BeamPhotons]:
    """
    Read the photons of a track in blocks of at most `size` rows, as BeamPhotons, in the order of the file.

    Parameters
    ----------
    track : Track, one beam's segments
    names : sequence of str, columns of the photons
    size : int, the largest number of rows of a block
    """
    rows = track.rows
    for start in range(rows.start, rows.stop, size):
        block = slice(start, min(start + size, rows.stop))
        columns, left_out = atl03_photons.read(track, names, block)
        for what, n in left_out.items():
            track.left_out[what] = track.left_out.get(what, 0) + n
        yield BeamPhotons(track, columns, start - rows.start)
