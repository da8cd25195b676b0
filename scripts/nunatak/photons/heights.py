"""Heights of the surface from photons: selection, extents and fit of one beam, as a table like ATL06's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from nunatak.constants import BEAMS
from nunatak.parameters.sliderule import FitParameters
from nunatak.photons import fitting, gathering, walks
from nunatak.photons.selection import select
from nunatak.products.atl03 import BeamPhotons
from nunatak.times import delta_time_to_utc

# column: (dtype, unit), in the order of the table
COLUMNS = {
    "beam": ("category", ""),
    "segment_id": ("u4", "1"),
    "n_fit_photons": ("i4", "counts"),
    "pflags": ("u2", "1"),
    "rgt": ("u2", "1"),
    "cycle": ("u2", "1"),
    "region": ("u1", "1"),
    "spot": ("u1", "1"),
    "gt": ("u1", "1"),
    "x_atc": ("f8", "m"),
    "y_atc": ("f8", "m"),
    "time": ("datetime64[ns]", "UTC"),
    "latitude": ("f8", "degrees_north"),
    "longitude": ("f8", "degrees_east"),
    "h_mean": ("f8", "m"),
    "dh_fit_dx": ("f8", "1"),
    "dh_fit_dy": ("f8", "1"),
    "w_surface_window_final": ("f8", "m"),
    "rms_misfit": ("f8", "m"),
    "h_sigma": ("f8", "m"),
    "extent_id": ("u8", "1"),
    "segment_id_beg": ("u4", "1"),
    "photon_start": ("u4", "1"),
    "delta_time": ("f8", "seconds since 2018-01-01"),
}
CLASSIC = {"latitude": "lat", "longitude": "lon", "x_atc": "distance"}
COMPACT = ("delta_time", "lat", "lon", "h_mean")
_PHOTON_COLUMNS = ("h_ph", "lat_ph", "lon_ph", "delta_time", "dist_ph_along", "dist_ph_across", "signal_conf_ph")


def needed(parameters):
    """Datasets of the `heights` group that a fit with these parameters reads."""
    names = [*_PHOTON_COLUMNS, "quality_ph"]
    if parameters.yapc is not None and parameters.yapc.version == 0:
        names.append("weight_ph")
    names += [f.partition("/")[2] for f in parameters.fields if f.startswith("heights/")]
    return tuple(dict.fromkeys(names))


def fit_heights(photons, parameters=None):
    """
    Fit a line to the selected photons of each extent (ATL06-SR).

    Parameters
    ----------
    photons : BeamPhotons, or several (beams of a granule, or consecutive blocks of one beam in their order)
    parameters : FitParameters, or a mapping with the reference's names (`len`, `res`, `cnf`, ...) plus profile, compat

    Returns
    -------
    DataFrame : the columns of `COLUMNS`: heights in m above the WGS84 ellipsoid (above the geoid with datum EGM08) at
        the extent's centre, `time` UTC, `x_atc` of the centre; NaN where a line is undetermined (one x only). `pflags`:
        0 good, 1 spread too short, 2 too few photons, 4 maximum of iterations, 8 out of bounds. `dh_fit_dy` from the
        two beams of a pair, NaN without the other. Ancillary fields follow under their own names. `attrs` hold units
        and the parameters.

    Raises
    ------
    ParameterError : unknown key or value out of range
    PhotonError : flags that ATL03 does not define

    Notes
    -----
    SlideRule's algorithm (`Atl06Dispatch`, `SurfaceFitter`) after the ATL06 ATBD, sections 5.4 to 5.9; without ATL06's
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


def fit_track(blocks, parameters):
    """
    Fit the extents of one beam whose photons come in blocks.

    Returns
    -------
    table : DataFrame with the standard columns and `delta_time`, dh_fit_dy still NaN
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


def extent_blocks(blocks, parameters) -> Iterator[tuple]:
    """
    Go along a beam: (photons, their segments, their selection, the extents complete in them, photons newly selected).

    Photons that the next extent needs are carried over to the next block, so blocks may be of any size.
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
    """Each item with whether it is the last."""
    before = None
    for block in blocks:
        if before is not None:
            yield before, False
        before = block
    if before is not None:
        yield before, True


def _fit_block(photons, segment, selected, extents, p):
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


def reach_of(p):
    """Return the `gathering.Reach` of the parameters' walk."""
    modes = {"legacy": gathering.WITHIN_METRES, "xseries": gathering.XSERIES, "anchored": gathering.ANCHORED}
    mode = gathering.WITHIN_SEGMENTS if p.by_segment and p.profile == "legacy" else modes[p.profile]
    return gathering.Reach(mode, float(p.length), bool(p.compat))


def heights(photons, segment, p):
    """(n,) h_ph, above the ellipsoid, or above the granule's geoid with datum EGM08."""
    h = photons.photons["h_ph"]
    return h - photons.track.segments["geophys_corr/geoid"][segment] if p.datum == "EGM08" else h


def ancillary(photons, segment, p):
    """Further quantities of each photon, by the name of their column."""
    found = {}
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
        found[name] = np.asarray(values, dtype="f8")
    for name in p.atl08_fields:
        found[name] = photons.track.segments[f"atl08/{name}"][segment].astype("f8")
    return found


def background_rates(track, extents, p):
    """(n,) background photons per second at the extents' first segments; 0 where the granule has no record of it."""
    time, rates = track.background_time, track.background_rate
    if not len(time):
        return np.zeros(len(extents))
    at = track.segments["delta_time"][extents["segment"]]
    if p.profile == "xseries":  # the last record at or before the segment
        return rates[np.clip(np.searchsorted(time, at, side="right") - 1, 0, None)]
    return np.interp(at, time, rates)


def _density(track, extents, p):
    """Background photons per metre of height in each extent."""
    # the x-series reference takes its length for true, that is 1 m
    length = 1.0 if p.compat and p.profile == "xseries" else p.length_m
    velocity = track.segments["velocity"][extents["segment"]].astype("f8")
    return fitting.background_density(length, background_rates(track, extents, p), velocity)


def _table(photons, extents, fit, extra, p):
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


def extent_ids(track, number):
    """The reference's 64-bit key of an extent; opaque, its fields overlap there too (section 5.1 of its own notes)."""
    granule, place = track.granule, BEAMS.index(track.beam)
    head = granule.rgt << 52 | granule.cycle << 36 | granule.region << 32 | (place // 2 + 1) << 30 | place % 2
    return np.uint64(head) | ((number.astype("u8") & np.uint64(0xFFFFFFF)) << np.uint64(2))


def beam_column(beam, n):
    """A beam's name n times, as a category."""
    return pd.Categorical.from_codes(np.full(n, BEAMS.index(beam), dtype="i1"), dtype=pd.CategoricalDtype(list(BEAMS)))


def no_rows(columns, names=()):
    """A table without rows, of columns as in `COLUMNS` and further float columns."""
    beams = pd.CategoricalDtype(list(BEAMS))
    kinds = {name: kind for name, (kind, _) in columns.items()} | dict.fromkeys(names, "f8")
    return pd.DataFrame({n: pd.Series(dtype=beams if kind == "category" else kind) for n, kind in kinds.items()})


def empty_table(p):
    """No rows, all columns."""
    return no_rows(COLUMNS, [*(f.partition("/")[2] for f in p.fields), *p.atl08_fields])


def finished(tables, p):
    """The beams' tables as one, with slopes across the track, in the columns the parameters ask for."""
    full = [t for t in tables if len(t)]
    table = pd.concat(full, ignore_index=True) if full else empty_table(p)
    table["dh_fit_dy"] = slope_across(table)
    if p.profile != "xseries":
        table = table.drop(columns=["segment_id_beg", "photon_start"])
    units = {name: unit for name, (_, unit) in COLUMNS.items() if unit}
    if p.compact or p.columns == "classic":
        table = table.rename(columns=CLASSIC)
        table = table[list(COMPACT)] if p.compact else table.drop(columns="time")
        units = {CLASSIC.get(name, name): unit for name, unit in units.items()}
    else:
        table = table.drop(columns="delta_time")
    table.attrs["units"] = {name: unit for name, unit in units.items() if name in table}
    table.attrs["parameters"] = p.provenance()
    return table


def slope_across(table):
    """
    (n,) slope across the track from the two beams of each pair at the same segment, along +y_atc; NaN for a lone beam.

    Both heights are first moved to the middle of the two extents along their own slopes.
    """
    out = np.full(len(table), np.nan)
    place = table["beam"].cat.codes.to_numpy()
    key = table["segment_id"].to_numpy("i8") * 4 + place // 2
    h, x, y = (table[name].to_numpy() for name in ("h_mean", "x_atc", "y_atc"))
    along = table["dh_fit_dx"].to_numpy()
    left, right = (np.flatnonzero(place % 2 == side) for side in (0, 1))
    _, i, j = np.intersect1d(key[left], key[right], return_indices=True)
    i, j = left[i], right[j]
    middle = (x[i] + x[j]) / 2
    rise = (h[j] + along[j] * (middle - x[j])) - (h[i] + along[i] * (middle - x[i]))
    with np.errstate(divide="ignore", invalid="ignore"):
        out[i] = out[j] = rise / (y[j] - y[i])
    return out
