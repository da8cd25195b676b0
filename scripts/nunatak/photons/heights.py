"""Fit heights of the surface to the photons of one beam: selection, extents and lines, as a table like ATL06's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nunatak.parameters.sliderule import FitParameters
from nunatak.photons import fitting, gathering, walks
from nunatak.photons.height_table import beam_column, empty_table, extent_ids, finished
from nunatak.photons.selection import select
from nunatak.products.atl03 import BeamPhotons
from nunatak.times import delta_time_to_utc

if TYPE_CHECKING:
    from nunatak.products.atl03 import Track

_PHOTON_COLUMNS = ("h_ph", "lat_ph", "lon_ph", "delta_time", "dist_ph_along", "dist_ph_across", "signal_conf_ph")


def needed(parameters: FitParameters) -> tuple[str, ...]:
    """
    Return the datasets of the `heights` group that a fit with these parameters reads.

    Parameters
    ----------
    parameters : FitParameters
    """
    names = [*_PHOTON_COLUMNS, "quality_ph"]
    if parameters.yapc is not None and parameters.yapc.version == 0:
        names.append("weight_ph")
    names += [f.partition("/")[2] for f in parameters.fields if f.startswith("heights/")]
    return tuple(dict.fromkeys(names))


def fit_heights(
    photons: BeamPhotons | Iterable[BeamPhotons], parameters: FitParameters | Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """
    Fit a line to the selected photons of each extent (ATL06-SR).

    Parameters
    ----------
    photons : BeamPhotons, or several: beams of a granule, or consecutive blocks of one beam in their order
    parameters : FitParameters, or a mapping with the reference's names (`len`, `res`, `cnf`, ...), `profile` and
        `compat`. Default: the defaults of FitParameters

    Returns
    -------
    DataFrame : the columns of `COLUMNS`: heights in m above the WGS84 ellipsoid (above the geoid with datum EGM08) at
        the extent's centre, `time` UTC, `x_atc` of the centre. Values are NaN when all photons have the same x.
        `pflags`: 0 good, 1 spread too short, 2 too few photons, 4 maximum of iterations, 8 out of bounds. `dh_fit_dy`
        is computed from the two beams of a pair and NaN without the other. Ancillary fields follow under their own
        names. `attrs` hold units and the parameters.

    Raises
    ------
    ParameterError : a key is unknown or a value out of range
    PhotonError : photons have flags that ATL03 does not define

    Notes
    -----
    SlideRule's algorithm (`Atl06Dispatch`, `SurfaceFitter`) after the ATL06 ATBD, sections 5.4 to 5.9, without ATL06's
    corrections for first-photon bias and pulse truncation.
    """
    p = FitParameters.of(parameters)
    blocks = [photons] if isinstance(photons, BeamPhotons) else photons
    beams: list[list[BeamPhotons]] = []
    for block in blocks:
        if beams and block.first > 0 and block.track.beam == beams[-1][0].track.beam:
            beams[-1].append(block)
        else:
            beams.append([block])
    return finished([fit_track(beam, p)[0] for beam in beams], p)


def fit_track(blocks: Iterable[BeamPhotons], parameters: FitParameters) -> tuple[pd.DataFrame, int]:
    """
    Fit the extents of one beam whose photons come in blocks.

    Parameters
    ----------
    blocks : BeamPhotons, consecutive blocks of one beam
    parameters : FitParameters

    Returns
    -------
    table : DataFrame with the standard columns and `delta_time`. dh_fit_dy is NaN
    n_selected : photons that passed the selection
    """
    parts, n_selected = [], 0
    for photons, segment, selected, extents, fresh in extent_blocks(blocks, parameters):
        n_selected += fresh
        if len(extents):
            parts.append(_fit_block(photons, segment, selected, extents, parameters))
    if not parts:
        return empty_table(parameters), n_selected
    table = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    if parameters.profile == "xseries" and not parameters.pass_invalid:
        table = table[table["pflags"] == 0].reset_index(drop=True)
    return table, n_selected


def extent_blocks(blocks: Iterable[BeamPhotons], parameters: FitParameters) -> Iterator[tuple]:
    """
    Yield the extents of a beam block by block.

    Photons that the next extent needs are carried over to the next block, so blocks may be of any size.

    Parameters
    ----------
    blocks : BeamPhotons, consecutive blocks of one beam
    parameters : FitParameters

    Yields
    ------
    tuple : photons of the block and those carried over, their segments, their selection, the extents complete in them,
        number of photons newly selected
    """
    state, rest = walks.first_state(), None
    for block, final in _with_last(blocks):
        fresh = select(block, parameters)
        segment = block.segment_index()
        n_fresh = int(np.count_nonzero(fresh))
        if rest is not None:
            carried, carried_segment, carried_selected = rest
            columns = {k: np.concatenate([carried.photons[k], v]) for k, v in block.photons.items()}
            block = replace(block, photons=columns, first=carried.first)
            segment = np.concatenate([carried_segment, segment])
            fresh = np.concatenate([carried_selected, fresh])
        extents = walks.walk(block, segment, fresh, parameters, state, final=final)
        yield block, segment, fresh, extents, n_fresh
        cut = slice(max(int(state["cursor"][0]) - block.first, 0), None)
        columns = {k: v[cut] for k, v in block.photons.items()}
        rest = replace(block, photons=columns, first=block.first + cut.start), segment[cut], fresh[cut]


def _with_last(blocks):
    """Yield each item and whether it is the last."""
    before = None
    for block in blocks:
        if before is not None:
            yield before, False
        before = block
    if before is not None:
        yield before, True


def _fit_block(photons, segment, selected, extents, p):
    """Return the table of the fitted extents of a block."""
    n, columns = len(extents), photons.photons
    extra = ancillary(photons, segment, p)
    values = np.array(list(extra.values())) if extra else np.empty((0, len(photons)))
    out = fitting.FitResult(np.empty((n, 9)), np.empty(n, "i4"), np.empty(n, "u2"), np.empty((len(extra), n)))
    fitting.fit_extents(
        extents,
        _density(photons.track, extents, p),
        reach_of(p),
        walks.block_of(photons, segment, selected),
        fitting.PhotonValues(
            heights(photons, segment, p),
            columns["lat_ph"],
            columns["lon_ph"],
            columns["delta_time"],
            columns["dist_ph_across"],
            values,
        ),
        fitting.FitSettings(
            int(p.count),
            float(p.spread),
            int(p.max_iterations),
            float(p.min_window),
            float(p.max_dispersion),
            p.profile == "legacy",
        ),
        out,
    )
    if p.profile == "xseries":
        out.pflags[:] |= extents["flags"]
    return _table(photons, extents, out, dict(zip(extra, out.extra, strict=True)), p)


def reach_of(p: FitParameters) -> gathering.Reach:
    """
    Return the rule by which photons of an extent count in the walk of the parameters.

    Parameters
    ----------
    p : FitParameters
    """
    modes = {"legacy": gathering.WITHIN_METRES, "xseries": gathering.XSERIES, "anchored": gathering.ANCHORED}
    mode = gathering.WITHIN_SEGMENTS if p.by_segment and p.profile == "legacy" else modes[p.profile]
    return gathering.Reach(mode, float(p.length), bool(p.compat))


def heights(photons: BeamPhotons, segment: np.ndarray, p: FitParameters) -> np.ndarray:
    """
    Return the heights of the photons, above the ellipsoid or, with datum EGM08, above the granule's geoid.

    Parameters
    ----------
    photons : BeamPhotons
    segment : (n,) row of each photon's segment
    p : FitParameters

    Returns
    -------
    (n,) m
    """
    h = photons.photons["h_ph"]
    return h - photons.track.segments["geophys_corr/geoid"][segment] if p.datum == "EGM08" else h


def ancillary(photons: BeamPhotons, segment: np.ndarray, p: FitParameters) -> dict[str, np.ndarray]:
    """
    Return the ancillary quantities of each photon by the name of their column.

    Parameters
    ----------
    photons : BeamPhotons
    segment : (n,) row of each photon's segment
    p : FitParameters, of which `fields` and `atl08_fields` count
    """
    quantities = {}
    for path in p.fields:
        group, _, name = path.partition("/")
        if group == "heights":
            values = photons.photons[name]
        elif group == "bckgrd_atlas":
            time = photons.track.background_time
            row = np.searchsorted(time, photons.photons["delta_time"], side="right") - 1
            values = photons.track.background[path][np.clip(row, 0, None)]
        else:
            values = photons.track.segments[path if group == "geophys_corr" else name][segment]
        quantities[name] = np.asarray(values, dtype="f8")
    for name in p.atl08_fields:
        quantities[name] = photons.track.segments[f"atl08/{name}"][segment].astype("f8")
    return quantities


def background_rates(track: Track, extents: np.ndarray, p: FitParameters) -> np.ndarray:
    """
    Return the background rate at the first segment of each extent.

    Parameters
    ----------
    track : atl03.Track
    extents : (n,) records of `walks.EXTENT`
    p : FitParameters. The x-series takes the last record at or before the segment, other profiles interpolate

    Returns
    -------
    (n,) photons per second, 0 when the granule has no record of it
    """
    time, rates = track.background_time, track.background_rate
    if not len(time):
        return np.zeros(len(extents))
    at = track.segments["delta_time"][extents["segment"]]
    if p.profile == "xseries":  # the last record at or before the segment
        return rates[np.clip(np.searchsorted(time, at, side="right") - 1, 0, None)]
    return np.interp(at, time, rates)


def _density(track, extents, p):
    """Return the background photons per metre of height in each extent."""
    # The reference's x-series reads its length as a boolean, that is 1 m.
    length = 1.0 if p.compat and p.profile == "xseries" else p.length_m
    velocity = track.segments["velocity"][extents["segment"]].astype("f8")
    return fitting.background_density(length, background_rates(track, extents, p), velocity)


def _table(photons, extents, fit, extra, p):
    """Return the table of the fitted extents."""
    track = photons.track
    granule, n, result = track.granule, len(extents), fit.values
    spot = track.segments["spot"][extents["segment"]].astype("u1")
    gt = np.full(n, track.gt, "u1")
    if p.compat and p.profile == "legacy":
        gt[spot == 0] = 0
    data = {
        "beam": beam_column(track.beam, n),
        "segment_id": extents["segment_id"].astype("u4"),
        "n_fit_photons": fit.n_fit,
        "pflags": fit.pflags,
        "rgt": np.full(n, granule.rgt, "u2"),
        "cycle": np.full(n, granule.cycle, "u2"),
        "region": np.full(n, granule.region, "u1"),
        "spot": spot,
        "gt": gt,
        "x_atc": extents["centre"],
        "y_atc": result[:, fitting.Y_ATC],
        "time": delta_time_to_utc(result[:, fitting.DELTA_TIME]),
        "latitude": result[:, fitting.LATITUDE],
        "longitude": result[:, fitting.LONGITUDE],
        "h_mean": result[:, fitting.H_MEAN],
        "dh_fit_dx": result[:, fitting.SLOPE],
        "dh_fit_dy": np.full(n, np.nan),
        "w_surface_window_final": result[:, fitting.WINDOW],
        "rms_misfit": result[:, fitting.RMS],
        "h_sigma": result[:, fitting.H_SIGMA],
        "extent_id": extent_ids(track, extents["number"]) | np.uint64(2),
        "segment_id_beg": track.segments["segment_id"][extents["segment"]].astype("u4"),
        "photon_start": (photons.first + extents["begin"]).astype("u4"),
        "delta_time": result[:, fitting.DELTA_TIME],
    }
    return pd.DataFrame({**data, **extra}, copy=False)
