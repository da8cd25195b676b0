"""ATL06 segments as arrays: the truth under each segment, what clouds leave of it, and the errors of the fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
from scipy.ndimage import gaussian_filter1d

from nunatak.simulation import orbit
from nunatak.times import decimal_year

if TYPE_CHECKING:
    from nunatak.simulation.worlds import World

# m, standard deviation of the bias of one pass, the same for its six beams: the radial orbit error that ATL15 assumes
# (SmithB/ATL1415:ATL1415/read_ATL11.py)
TRACK_BIAS = 0.03
SIGMA_STRONG, SIGMA_WEAK = 0.02, 0.035  # m, error of a flat segment
_SIGMA_SLOPE = 0.4  # m of error per unit of slope
_SIGMA_DX = 0.002  # error of the along-track slope
_SIGMA_DY = 0.004  # error of the across-track slope
_CLOUD_SEGMENTS = 60  # segments (1.2 km) over which cloud cover is alike
THICK, _THIN = 1.1, 0.6  # standard deviations of cloud beyond which nothing, or little light, comes through
_LOST_STRONG, _LOST_WEAK = 0.01, 0.05  # share of segments without enough light, under a clear sky
_FILL_SHARE, _SPIKE_SHARE, _DOUBT_SHARE = 0.015, 0.03, 0.03
_SPIKE = 60.0  # m, typical height of a cloud or a noise burst taken for the surface


@dataclass(frozen=True)
class Segments:
    """
    The segments one beam saw on one pass.

    Attributes
    ----------
    track : `orbit.Track` of the segments that were seen
    h_true : height of the truth at each, m
    h_li, h_li_sigma : estimate and its stated error, m; NaN where the fit failed
    dh_fit_dx, dh_fit_dy : slope along and to the left of the track, m/m
    flag : atl06_quality_summary, 0 best
    cloud : optical thickness of the cloud in standard deviations, larger is cloudier
    strong : bool, of the whole beam
    """

    track: orbit.Track
    h_true: np.ndarray
    h_li: np.ndarray
    h_li_sigma: np.ndarray
    dh_fit_dx: np.ndarray
    dh_fit_dy: np.ndarray
    flag: np.ndarray
    cloud: np.ndarray
    strong: bool


def observe(world: World, run: orbit.Pass, cycle: int, beam: str) -> Segments:
    """
    Simulate what one beam saw of a run of segments.

    The sea, thick cloud and data gaps leave no segment. One in a hundred heights is a fill, some are spikes of tens
    of metres, and some of the good ones are flagged too; no spike goes unflagged. All other errors are Gaussian with
    the stated h_li_sigma, on top of a bias of some centimetres for the pass; those of neighbours are half the same.

    Parameters
    ----------
    world : World whose truth is a glacier
    run : orbit.Pass
    cycle, beam : which repeat, which of gt1l .. gt3r

    Returns
    -------
    Segments, possibly of length zero
    """
    rng = world.rng("atl06", run.rgt, cycle, run.region_number, run.first, beam)
    bias, cloud = pass_conditions(world, run, cycle)
    track = orbit.beam_track(run.rgt, cycle, beam, segment_id=run.segment_id)
    x, y, along = on_map(world, run.rgt, track)
    level = world.truth.ice(x, y)
    ground = world.truth.bed(x, y) > world.truth.geoid
    strong = orbit.is_strong(beam, int(orbit.sc_orient(track.time[0])))
    lost = rng.random(x.size) < (_LOST_STRONG if strong else _LOST_WEAK)
    keep = (level | ground) & (cloud < THICK) & ~lost & ~orbit.in_data_gap(track.time)
    track, x, y, cloud = orbit.take(track, keep), x[keep], y[keep], cloud[keep]
    t = decimal_year(track.time)
    h_true = world.truth.surface(x, y, t)
    slope_x, slope_y = world.truth.slope(x, y, t)
    cos, sin = along[0][keep], along[1][keep]
    dx, dy = slope_x * cos + slope_y * sin, slope_y * cos - slope_x * sin
    base = SIGMA_STRONG if strong else SIGMA_WEAK
    sigma = (base + _SIGMA_SLOPE * np.hypot(dx, dy)) * np.where(cloud > _THIN, 2.0, 1.0)
    h_li = h_true + bias + sigma * _shared_noise(rng, run.last - run.first + 1)[keep]
    h_li, sigma, flag = _spoil(rng, h_li, sigma)
    return Segments(
        track,
        h_true,
        h_li,
        sigma,
        dx + _SIGMA_DX * rng.standard_normal(x.size),
        dy + _SIGMA_DY * rng.standard_normal(x.size),
        flag,
        cloud,
        strong,
    )


def pass_conditions(world: World, run: orbit.Pass, cycle: int) -> tuple[float, np.ndarray]:
    """
    Draw what all beams of a pass share: its bias (m) and the cloud over each segment (standard deviations).

    Parameters
    ----------
    world : World, the simulated world
    run : orbit.Pass, a run of segments of one reference track
    cycle : int, the cycle
    """
    rng = world.rng("pass", run.rgt, cycle, run.region_number, run.first)
    bias = rng.normal(0, TRACK_BIAS)
    return bias, clouds(rng, run.last - run.first + 1)


def _shared_noise(rng, n):
    """
    Draw noise of unit variance for n consecutive segments.

    Segments are 40 m long, every 20 m, so each shares half its light with the next.
    """
    halves = rng.standard_normal(n + 1)
    return (halves[1:] + halves[:-1]) / np.sqrt(2.0)


def clouds(rng: np.random.Generator, n: int) -> np.ndarray:
    """
    Draw cloud along a pass, with unit variance and smooth over some kilometres, the same for all beams.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int, how many
    """
    pad = 4 * _CLOUD_SEGMENTS
    smooth = gaussian_filter1d(rng.standard_normal(n + 2 * pad), _CLOUD_SEGMENTS)[pad:-pad]
    # a Gaussian filter of width s leaves the variance 1 / (2 s sqrt(pi))
    return smooth * np.sqrt(2 * _CLOUD_SEGMENTS * np.sqrt(np.pi))


def _spoil(rng, h_li, sigma):
    """Add failed fits, spikes and needless flags."""
    draw = rng.random(h_li.size)
    spike = draw < _SPIKE_SHARE
    failed = (draw >= _SPIKE_SHARE) & (draw < _SPIKE_SHARE + _FILL_SHARE)
    doubted = (draw >= _SPIKE_SHARE + _FILL_SHARE) & (draw < _SPIKE_SHARE + _FILL_SHARE + _DOUBT_SHARE)
    height = _SPIKE * rng.standard_normal(h_li.size)
    h_li = np.where(failed, np.nan, h_li + np.where(spike, height, 0.0))
    sigma = np.where(failed, np.nan, np.where(spike, 1.5 + 10 * sigma, sigma))
    return h_li, sigma, (spike | failed | doubted).astype("i1")


def on_map(world: World, rgt: int, track: orbit.Track) -> Any:
    """
    Map coordinates of a track's points, and the direction of flight on the map (cosine, sine).

    Parameters
    ----------
    world : World, the simulated world
    rgt : int, the reference ground track
    track : Track, points of a ground track
    """
    project = pyproj.Transformer.from_crs("EPSG:4326", world.crs, always_xy=True).transform
    x, y = (np.asarray(v) for v in project(track.longitude, track.latitude))
    lon, lat, _ = orbit.ground_point(rgt, track.x_atc + 100.0, track.y_atc)
    x1, y1 = (np.asarray(v) for v in project(lon, lat))
    length = np.hypot(x1 - x, y1 - y)
    return x, y, ((x1 - x) / length, (y1 - y) / length)
