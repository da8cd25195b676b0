"""ATL11 reference points as arrays: what each cycle saw of them, and what crossing tracks did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import shapely

from nunatak.constants import BEAMS
from nunatak.simulation import orbit
from nunatak.simulation.atl06_segments import THICK, TRACK_BIAS, on_map, pass_conditions
from nunatak.times import decimal_year, delta_time_to_utc

if TYPE_CHECKING:
    from nunatak.simulation.worlds import World

SKIP = 3  # segments from one reference point to the next
SIGMA = 0.012  # m, error of a height over flat ice, where some ten segments make one
_SIGMA_SLOPE = 0.1  # m of error per unit of slope
_SIGMA_CROSSING = 2.0  # a crossing track has but one beam: its heights are so much worse
_LOST, _DOUBT, _SPIKE_SHARE = 0.02, 0.03, 0.02  # shares of heights
_SPIKE = 8.0  # m, of heights that the quality summary warns of
_ALONG = 60.0  # m along the track within which a reference point takes part in a crossing
_COARSE = 50  # segments between the vertices of a crossing track


@dataclass(frozen=True)
class Points:
    """
    The reference points of one beam pair on one run.

    Attributes
    ----------
    pair : 0, 1, 2 from left to right
    track : `orbit.Track` of the points; their `segment_id` is ref_pt
    x, y : on the world's map, m
    at_slope, xt_slope : of the surface along and to the left of the track
    cycles : (n_cycle,) numbers
    delta_time, h, sigma : (n, n_cycle) s since 2018-01-01, m, m; NaN where the point was not seen
    flag : (n, n_cycle) quality_summary, 0 best
    """

    pair: int
    track: orbit.Track
    x: np.ndarray
    y: np.ndarray
    at_slope: np.ndarray
    xt_slope: np.ndarray
    cycles: np.ndarray
    delta_time: np.ndarray
    h: np.ndarray
    sigma: np.ndarray
    flag: np.ndarray

    @property
    def slope(self) -> np.ndarray:
        """Return the steepest slope."""
        return np.hypot(self.at_slope, self.xt_slope)


def observe(world: World, run: orbit.Pass, pair: int) -> Points:
    """
    Simulate what the cycles of a world saw of the reference points of one pair.

    Clouds and the bias of a pass are those of its ATL06 segments; one height in fifty is lost, one in fifty metres
    off and flagged, and some good ones are flagged too. All other errors are Gaussian with the stated sigma.

    Parameters
    ----------
    world : World, the simulated world
    run : orbit.Pass, a run of segments of one reference track
    pair : Pair, an image pair
    """
    rng = world.rng("atl11", run.rgt, run.region_number, run.first, pair)
    ids = run.segment_id[run.segment_id % SKIP == 0]
    offset = (1 - pair) * orbit.PAIR_SPACING
    track = orbit.point_track(run.rgt, ids, np.full(ids.size, offset))
    x, y, along = on_map(world, run.rgt, track)
    on = world.truth.ice(x, y) | (world.truth.bed(x, y) > world.truth.geoid)
    track, x, y, along = orbit.take(track, on), x[on], y[on], [part[on] for part in along]
    slope_x, slope_y = world.truth.slope(x, y, 2020.0)
    at = slope_x * along[0] + slope_y * along[1]
    xt = slope_y * along[0] - slope_x * along[1]
    cycles = np.arange(world.cycles[0], world.cycles[1] + 1)
    delta_time = np.column_stack([orbit.delta_time_at(run.rgt, cycle, track.x_atc) for cycle in cycles])
    conditions = [pass_conditions(world, run, cycle) for cycle in cycles]
    cloud = np.column_stack([cloud[track.segment_id - run.first] for _, cloud in conditions])
    sigma = np.broadcast_to((SIGMA + _SIGMA_SLOPE * np.hypot(at, xt))[:, None], delta_time.shape)
    h = true_heights(world, x, y, delta_time) + np.array([bias for bias, _ in conditions])
    h += sigma * rng.standard_normal(h.shape)
    draw = rng.random(h.shape)
    spike = (draw >= _LOST) & (draw < _LOST + _SPIKE_SHARE)
    h += np.where(spike, _SPIKE * rng.standard_normal(h.shape), 0.0)
    flag = (spike | (draw > 1 - _DOUBT)).astype("i1")
    seen = (cloud < THICK) & (draw >= _LOST) & ~orbit.in_data_gap(delta_time_to_utc(delta_time))
    h, sigma, delta_time = (np.where(seen, values, np.nan) for values in (h, sigma, delta_time))
    return Points(pair, track, x, y, at, xt, cycles, delta_time, h, sigma, flag)


def true_heights(world: World, x: np.ndarray, y: np.ndarray, delta_time: np.ndarray) -> np.ndarray:
    """
    Compute the (n, n_cycle) true heights, m.

    Patterns are evaluated once for each point, time factors once for each cycle.

    Parameters
    ----------
    world : World, the simulated world
    x : array, m on the map of the truth
    y : array, m on the map of the truth, of the shape of `x`
    delta_time : (n, n_cycle) array, s since 2018-01-01
    """
    truth = world.truth
    year = decimal_year(delta_time_to_utc(delta_time.mean(axis=0))) if x.size else np.zeros(delta_time.shape[1])
    factors = truth.change_factors(year) - truth.change_factors(2020.0)[:, None]
    return truth.surface(x, y, 2020.0)[:, None] + np.tensordot(truth.change_patterns(x, y), factors, axes=(0, 0))


def crossings(world: World, run: orbit.Pass, points: Points, rgts: tuple[int, ...]) -> dict[str, np.ndarray]:
    """
    Simulate heights of crossing tracks at the reference points near each crossing.

    Parameters
    ----------
    run : orbit.Pass of the reference track
    points : Points of one of its pairs
    rgts : tracks that may cross

    Returns
    -------
    dict of (n,) arrays by the names of crossing_track_data, in the order of ref_pt
    """
    rng = world.rng("atl11", "crossings", run.rgt, run.region_number, run.first, points.pair)
    line = shapely.LineString(np.column_stack([points.x, points.y])) if points.x.size > 1 else None
    parts = []
    for rgt in rgts if line is not None else ():
        for other in orbit.passes(world.track_bbox, rgts=[rgt]) if rgt != run.rgt else ():
            for beam in BEAMS:
                parts += _crossing(world, rng, points, line, other, beam)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else _nothing()
    order = np.lexsort((columns["cycle_number"], columns["rgt"], columns["ref_pt"]))
    return {name: values[order] for name, values in columns.items()}


def _crossing(world, rng, points, line, other, beam):
    """Return the rows of one beam of another track, for every cycle that saw the place."""
    ids = np.append(np.arange(other.first, other.last, _COARSE), other.last).astype("i4")
    x_atc = (ids - 1) * orbit.SEGMENT_LENGTH
    lon, lat, _ = orbit.ground_point(other.rgt, x_atc, np.full(ids.size, orbit.beam_offset(beam)))
    project = pyproj.Transformer.from_crs("EPSG:4326", world.crs, always_xy=True).transform
    path = shapely.LineString(np.column_stack(project(lon, lat)))
    hit = shapely.intersection(line, path)
    found = []
    for point in (p for p in shapely.get_parts(hit) if p.geom_type == "Point"):
        distance = np.hypot(points.x - point.x, points.y - point.y)
        near = np.flatnonzero(distance <= _ALONG)
        if not near.size:
            continue
        share = shapely.line_locate_point(path, point, normalized=True)
        segment = min(int(other.first + share * (other.last - other.first)), other.last)
        for cycle in range(1, world.cycles[1] + 1):
            found.append(_crossing_rows(world, rng, points, near, other, beam, segment, cycle))
    return [rows for rows in found if rows is not None]


def _crossing_rows(world, rng, points, near, other, beam, segment, cycle):
    bias, cloud = pass_conditions(world, other, cycle)
    when = orbit.delta_time_at(other.rgt, cycle, (segment - 1) * orbit.SEGMENT_LENGTH)
    time = delta_time_to_utc(when)
    noise, doubt = rng.standard_normal(near.size), rng.random(near.size)
    if cloud[segment - other.first] >= THICK or orbit.in_data_gap(time):
        return None
    n = near.size
    sigma = _SIGMA_CROSSING * (SIGMA + _SIGMA_SLOPE * points.slope[near])
    h = true_heights(world, points.x[near], points.y[near], np.full((n, 1), when))[:, 0]
    spot = orbit.spot(beam, int(orbit.sc_orient(time)))
    return {
        "ref_pt": points.track.segment_id[near],
        "latitude": points.track.latitude[near],
        "longitude": points.track.longitude[near],
        "rgt": np.full(n, other.rgt),
        "cycle_number": np.full(n, cycle),
        "delta_time": np.full(n, when),
        "h_corr": h + bias + sigma * noise,
        "h_corr_sigma": sigma,
        "h_corr_sigma_systematic": np.full(n, TRACK_BIAS),
        "along_track_rss": np.full(n, 0.1),
        "atl06_quality_summary": (doubt < _DOUBT).astype("i1"),
        "spot_crossing": np.full(n, spot),
        "tide_ocean": np.full(n, np.nan),
        "dac": np.zeros(n),
    }


def _nothing():
    names = (
        "ref_pt latitude longitude rgt cycle_number delta_time h_corr h_corr_sigma h_corr_sigma_systematic "
        "along_track_rss atl06_quality_summary spot_crossing tide_ocean dac"
    )
    return {name: np.empty(0) for name in names.split()}
