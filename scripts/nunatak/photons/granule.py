"""Process the beams of a granule in parallel, each in blocks of photons and with a status."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nunatak.granules import datums
from nunatak.parameters.sliderule import FitParameters
from nunatak.parameters.values import ParameterError
from nunatak.photons import height_table, heights, surfaces
from nunatak.photons.area import in_area
from nunatak.photons.extents import extents_of, finished_extents
from nunatak.photons.limits import Limits
from nunatak.photons.selection import confidence, select
from nunatak.photons.yapc import halo, yapc
from nunatak.products import GranuleError, atl03, atl08
from nunatak.products.atl03 import BLOCK_PHOTONS, BeamPhotons
from nunatak.products.guarded import guarded, in_words
from nunatak.products.status import EMPTY, FAILED, OUTSIDE, PRESENT, TrackStatus
from nunatak.times import utc_to_delta_time

if TYPE_CHECKING:
    from nunatak.geometry.region import Region

log = logging.getLogger("nunatak")
NO_LIMITS = Limits()
# column of a stretch's photons: (dtype, unit)
STRETCH_COLUMNS = {
    "x_atc": ("f8", "m"),
    "height": ("f8", "m"),
    "latitude": ("f8", "degrees_north"),
    "longitude": ("f8", "degrees_east"),
    "atl03_cnf": ("i1", "1"),
    "quality_ph": ("i1", "1"),
    "selected": ("bool", "1"),
}


def granule_heights(
    granule: atl03.Granule,
    parameters: FitParameters | Mapping[str, Any] | None = None,
    *,
    classes: Callable[[str], Any] | None = None,
    region: Region | None = None,
    threads: int | None = None,
    block: int = BLOCK_PHOTONS,
    limits: Limits = NO_LIMITS,
) -> tuple[pd.DataFrame, list[TrackStatus]]:
    """
    Fit the heights of a granule, or its percentile surfaces when the parameters hold `als`.

    See `fit_heights` and `surface_percentiles`.

    Parameters
    ----------
    granule : atl03.Granule
    parameters : FitParameters or a mapping with the reference's names. Default: the defaults of FitParameters
    classes : function that returns the atl08.PhotonClasses of a beam's name. Needed when the parameters ask for classes
    region : Region. Only the 20 m segments whose reference photon lies in it are used. Default: everywhere
    threads : number of beams processed at a time, which also bounds the memory. Default: the number of processors
    block : photons in a block. Default: 524,288
    limits : Limits of the work. Default: 10 million extents for each beam

    Returns
    -------
    table : DataFrame
    statuses : list of TrackStatus, one for each beam of the parameters

    Raises
    ------
    GranuleError : every beam failed
    ParameterError : a key is unknown, a value is out of range, or classes are asked for without ATL08
    Stopped : the work is no longer wanted
    """
    p = FitParameters.of(parameters)
    work, end = (
        (heights.fit_track, height_table.finished)
        if p.als is None
        else (surfaces.surfaces_of, surfaces.finished_surfaces)
    )
    return _each_beam(work, end, granule, p, classes, region, threads, block, limits)


def granule_extents(
    granule: atl03.Granule,
    parameters: FitParameters | Mapping[str, Any] | None = None,
    *,
    classes: Callable[[str], Any] | None = None,
    region: Region | None = None,
    threads: int | None = None,
    block: int = BLOCK_PHOTONS,
    limits: Limits = NO_LIMITS,
) -> tuple[pd.DataFrame, list[TrackStatus]]:
    """
    Return the photons of the extents of a granule, one row each, and the statuses of its beams.

    Parameters
    ----------
    granule, parameters, classes, region, threads, block, limits : as in `granule_heights`

    Returns
    -------
    table : DataFrame, see `extents`
    statuses : list of TrackStatus
    """
    p = FitParameters.of(parameters)
    return _each_beam(extents_of, finished_extents, granule, p, classes, region, threads, block, limits)


def no_heights(parameters: FitParameters | Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Return the table of a granule without heights, with all columns and no rows."""
    p = FitParameters.of(parameters)
    return (surfaces.finished_surfaces if p.als is not None else height_table.finished)([], p)


def no_extents(parameters: FitParameters | Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Return the table of a granule without extents, with all columns and no rows."""
    return finished_extents([], FitParameters.of(parameters))


def _each_beam(work, end, granule, p, classes, region, threads, block, limits):
    """Process the beams in threads, and return the joined table and the status of every beam."""
    if (p.joins_atl08 or p.atl08_fields) and classes is None:
        raise ParameterError("atl08_class: photons are classed by ATL08; give the ATL08 granule too")
    beams = [b for b in p.beams if b in granule.beams]
    reason = _not_this_granule(granule, p)
    if reason:
        statuses = {b: TrackStatus(b, EMPTY, reason) for b in p.beams}
        return end([], p), list(statuses.values())
    statuses = {b: TrackStatus(b, EMPTY, "the granule has no photons of this beam") for b in p.beams}
    workers = min(threads or os.cpu_count() or 1, max(len(beams), 1))
    tables = {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        jobs = {b: pool.submit(_one_beam, work, granule, b, p, classes, region, block, limits) for b in beams}
        for beam, job in jobs.items():
            tables[beam], statuses[beam] = job.result()
    failed = [s for s in statuses.values() if s.status == FAILED]
    for status in failed:
        log.warning("%s: %s failed: %s", granule.name, status.beam, status.reason)
    if failed and len(failed) == len(beams):
        raise GranuleError(f"{granule.path}: {failed[0].reason}")
    return end([t for t in tables.values() if t is not None], p), list(statuses.values())


def _not_this_granule(granule, p):
    """Return why the parameters exclude the granule as a whole, or an empty text when they do not."""
    for name in ("rgt", "cycle", "region", "release"):
        wanted, here = getattr(p, name), getattr(granule, name)
        if wanted is not None and wanted != here:
            return f"{name} is {here}, not the {wanted} asked for"
    if p.datum in ("ITRF2014", "ITRF2020"):
        own = datums.reference_frame(granule.release)
        if granule.release and p.datum != own:
            raise ParameterError(f"datum: {granule.name} is in {own}, not {p.datum}; heights are not transformed here")
    return ""


def _one_beam(work, granule, beam, p, classes, region, block, limits):
    """
    Return the table and the status of one beam.

    The table is None when the beam gives none. An error of the beam becomes its status.
    """
    limits.check()
    try:
        with guarded(granule.path):
            track = _prepared_track(granule, beam, p, region)
            if isinstance(track, TrackStatus):
                return None, track
            limits.check_extents(track, p)
            labels, track = _labels(track, beam, p, classes)
            table, n_selected = work(_blocks(track, p, labels, block, limits), p)
    except (GranuleError, ParameterError) as error:
        return None, TrackStatus(beam, FAILED, in_words(error, granule.path))
    n = track.n_photons
    reason = "; ".join(filter(None, (track.note, *(f"{n} {what}" for what, n in track.left_out.items()))))
    if not n_selected:
        return table, TrackStatus(beam, EMPTY, f"none of {n} photons passes the selection", n)
    if not len(table):
        return table, TrackStatus(beam, EMPTY, "no extent is valid (ats, cnt)", n, n_selected=n_selected)
    return table, TrackStatus(beam, PRESENT, reason, n, len(table), n_selected)


def _prepared_track(granule, beam, p, region):
    """Return the track of a beam within the area and the period, or the status of a beam that has none."""
    fields = [name.removeprefix("geolocation/") for name in p.fields if not name.startswith("heights/")]
    if p.datum == "EGM08":
        fields.append("geophys_corr/geoid")
    track = atl03.read_track(granule, beam, fields=tuple(dict.fromkeys(fields)))
    if not track.n_photons:
        return TrackStatus(beam, EMPTY, "no photons in this beam")
    if p.podppd and p.profile != "legacy" and "podppd_flag" not in track.segments:
        _refuse_unfiltered(track, "geolocation", "podppd_flag", " or write podppd: 0")
    if _outside_time(track, p):
        return TrackStatus(beam, OUTSIDE, "the granule lies outside t0 .. t1")
    inside = in_area(track, p, region)
    if inside is None:
        return track
    track = track.stretch(inside & track.segments["inside"])
    if not track.n_photons:
        return TrackStatus(beam, OUTSIDE, "no segment with photons in the area (and spots) asked for")
    return track


def _refuse_unfiltered(track, group, name, otherwise=""):
    """Refuse a beam that lacks a quality flag which its release has, as nothing would be filtered by it."""
    if track.granule.release >= atl03.ALL_FLAGS:
        raise GranuleError(
            f"{track.granule.path}: {track.beam}/{group} has no {name!r} to filter by; fetch the whole granule"
            f"{otherwise}"
        )


def _outside_time(track, p):
    """Return whether all segments with photons lie before t0 or after t1."""
    filled = track.segments["segment_ph_cnt"] > 0
    time = track.segments["delta_time"][filled]
    return (p.t0 is not None and np.nanmax(time) < utc_to_delta_time(p.t0)) or (
        p.t1 is not None and np.nanmin(time) > utc_to_delta_time(p.t1)
    )


def _labels(track, beam, p, classes):
    """
    Return the ATL08 classes of the track's photons, and the track with ATL08's fields.

    The classes are (n_photons,), or None when the parameters do not ask for them.
    """
    if not p.joins_atl08:
        return None, track
    own = classes(beam)
    labels = atl08.classify(track, own)
    if p.atl08_fields:
        columns = dict(track.segments)
        row = atl08.land_rows(track, own) if own is not None and len(own.land.get("segment_id_beg", ())) else None
        for name in p.atl08_fields:
            values = np.full(len(columns["segment_id"]), np.nan)
            if row is not None:
                values[row >= 0] = own.land[name][row[row >= 0]]
            columns[f"atl08/{name}"] = values
        track = replace(track, segments=columns)
    return labels, track


def _blocks(track, p, labels, size, limits=NO_LIMITS) -> Iterable[BeamPhotons]:
    """Yield the track's photons in blocks, with classes and scores when the parameters ask for them."""
    settings = p.yapc
    scored = settings is not None and settings.version > 0
    if scored and settings.version < 3 and settings.win_h == 0 and p.compat:
        # The reference's error reads the first photons of the whole stretch, so it must be one block.
        size = max(track.n_photons, 1)
    for photons in atl03.photon_blocks(track, heights.needed(p), size=size):
        limits.check()
        if "quality_ph" not in photons.photons:
            _refuse_unfiltered(track, "heights", "quality_ph")
        extra = {}
        if labels is not None:
            extra["atl08_class"] = labels[photons.first : photons.first + len(photons)]
        if scored:
            extra["yapc_score"] = _scores(photons, p)
        yield replace(photons, photons={**photons.photons, **extra}) if extra else photons


def _scores(photons, p):
    """Return the scores of a block, computed with the photons of whole segments around it."""
    track, low, high = photons.track, photons.first, photons.first + len(photons)
    counts = track.segments["segment_ph_cnt"]
    ends = np.cumsum(counts)
    segment = photons.segment_index()
    s0 = max(int(segment[0]) - halo(p.yapc), 0)
    s1 = min(int(segment[-1]) + halo(p.yapc), len(counts) - 1)
    first, last = int(ends[s0] - counts[s0]), int(ends[s1])
    rows = slice(track.rows.start + first, track.rows.start + last)
    wide = BeamPhotons(track, atl03.read_photons(track, ("h_ph", "dist_ph_along"), rows), first)
    return yapc(wide, p)[low - first : high - first]


def status_records(statuses: Sequence[TrackStatus]) -> list[dict[str, Any]]:
    """Return the statuses as plain data, for a table's attributes."""
    return [asdict(status) for status in statuses]


def stretch_photons(
    granule: atl03.Granule,
    beam: str,
    first: int,
    last: int,
    parameters: FitParameters | Mapping[str, Any] | None = None,
    *,
    classes: Callable[[str], Any] | None = None,
) -> pd.DataFrame:
    """
    Return all photons of a beam between two segment ids, and whether each is selected.

    Parameters
    ----------
    granule : atl03.Granule
    beam : gt1l .. gt3r
    first, last : segment ids, both included. The stretch must fit in memory
    parameters, classes : as in `granule_heights`. Scores of neighbours are computed from this stretch alone

    Returns
    -------
    DataFrame : `x_atc`, `height` (m, as fitted: above the ellipsoid, or the geoid with datum EGM08), `latitude`,
        `longitude`, `atl03_cnf` (for the surface type asked for), `quality_ph`, `selected`

    Raises
    ------
    GranuleError : the beam has no photons in these segments
    """
    p = FitParameters.of(parameters)
    track = _prepared_track(granule, beam, replace(p, poly=(), mask=None, spots=(), t0=None, t1=None), None)
    if isinstance(track, TrackStatus):
        raise GranuleError(f"{granule.path}: {beam}: {track.reason}; choose another beam")
    ids = track.segments["segment_id"]
    track = track.stretch((ids >= first) & (ids <= last))
    if not track.n_photons:
        raise GranuleError(f"{granule.path}: {beam}: no photons in segments {first} to {last}; choose others")
    labels, track = _labels(track, beam, p, classes)
    (photons,) = _blocks(track, p, labels, track.n_photons + 1)
    segment, columns = photons.segment_index(), photons.photons
    values = (
        track.segments["segment_dist_x"][segment] + columns["dist_ph_along"],
        heights.heights(photons, segment, p),
        columns["lat_ph"],
        columns["lon_ph"],
        confidence(photons, p),
        columns["quality_ph"],
        select(photons, p),
    )
    return no_photons().assign(**dict(zip(STRETCH_COLUMNS, values, strict=True)))


def no_photons() -> pd.DataFrame:
    """Return the table of `stretch_photons` without photons."""
    table = pd.DataFrame({name: pd.Series(dtype=kind) for name, (kind, _) in STRETCH_COLUMNS.items()})
    table.attrs["units"] = {name: unit for name, (_, unit) in STRETCH_COLUMNS.items()}
    return table
