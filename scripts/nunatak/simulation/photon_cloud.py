"""
Photons of one beam on one pass: pulses, footprint, background, dead time, afterpulses, flags.

The position a photon is given is that of its pulse's centre, as in the product; its height is that of the ground where
it fell, up to some metres beside. So slopes broaden the return without moving it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.constants import DAYS_PER_YEAR, SPEED_OF_LIGHT
from nunatak.simulation import orbit
from nunatak.simulation.atl06_segments import TRACK_BIAS, clouds, on_map
from nunatak.times import decimal_year

if TYPE_CHECKING:
    from nunatak.simulation.worlds import World

PULSE_SPACING = 0.7  # m on the ground: 10 kHz at 7 km/s
PULSE_SIGMA = 0.102  # m, one standard deviation of the transmitted pulse in height (0.68 ns)
FOOTPRINT_SIGMA = 2.75  # m, of the spot: 11 m across within 1/e2
ROUGHNESS = 0.04  # m, of snow below the size of the footprint
PER_PULSE = {True: 2.4, False: 0.6}  # photons from ice under a clear sky, strong and weak
CHANNELS = {True: 16, False: 4}  # of the detector; a photon blinds one of them
DEAD_TIME = 0.45  # m of range: 3 ns during which a channel sees nothing
WINDOW = 80.0  # m of height that are telemetered
AFTERPULSES = ((0.006, 1.7), (0.003, 4.2))  # share of photons, m below
_NIGHT_RATE, _DAY_RATE = 2e4, 4e6  # Hz, background of ice at night, and with the sun overhead
_THICK = 1.1  # standard deviations of cloud that let nothing through, as in ATL06
_NEAR, _BUFFER = 1.0, 10.0  # m from the surface: signal, and the margin about it
_BACKGROUND_PULSES = 50  # pulses of one record of background


@dataclass(frozen=True)
class Cloud:
    """
    The photons of a beam, and what is known of the ground below.

    Attributes
    ----------
    segment_id, dist_x, counts : (n,) of the 20 m segments; segment k begins at (k - 1) * 20 m
    node : orbit.Track at the n + 1 segment borders
    h_true : (n + 1,) height of the truth at the borders, m
    pass_bias : m, added to every height of the pass, as to its ATL06 heights
    strong : bool
    sun : solar elevation, degrees
    x, h, pulse, channel : (m,) photons: m along the track, m, number of the pulse, number of the channel
    residual : (m,) height above the truth, m
    confidence, quality, weight : (m,) flags and YAPC-like weights
    background_time, background_rate : records of the background, s since 2018-01-01 and Hz
    """

    segment_id: np.ndarray
    dist_x: np.ndarray
    counts: np.ndarray
    node: orbit.Track
    h_true: np.ndarray
    pass_bias: float
    strong: bool
    sun: float
    x: np.ndarray
    h: np.ndarray
    pulse: np.ndarray
    channel: np.ndarray
    residual: np.ndarray
    confidence: np.ndarray
    quality: np.ndarray
    weight: np.ndarray
    background_time: np.ndarray
    background_rate: np.ndarray


def observe(
    world: World, run: orbit.Pass, cycle: int, beam: str, *, stretch: int | None = None, dead_time: bool = True
) -> Cloud:
    """
    Simulate the photons one beam saw of a run of segments.

    Parameters
    ----------
    world : World whose truth is a glacier
    run : orbit.Pass
    cycle, beam : which repeat, which of gt1l .. gt3r
    stretch : segments at most, from the middle of the run; all of it by default
    dead_time : blind a channel after each photon. The first photons of a pulse win, so the mean of the photons lies
        high: by 4 mm over gently sloping ice, in strong and in weak beams (see the tests), more under stronger light

    Returns
    -------
    Cloud
    """
    first, last = _middle(run, stretch)
    rng = world.rng("atl03", run.rgt, cycle, run.region_number, first, last, beam)
    pass_rng = world.rng("pass", run.rgt, cycle, run.region_number, run.first)  # the sky and the bias of ATL06
    bias = float(pass_rng.normal(0, TRACK_BIAS))
    sky = clouds(pass_rng, run.last - run.first + 1)[first - run.first : last - run.first + 1]
    node = orbit.beam_track(run.rgt, cycle, beam, segment_id=np.arange(first, last + 2))
    ground, h_true, across = _ground(world, run.rgt, node)
    strong = bool(orbit.is_strong(beam, int(orbit.sc_orient(node.time[0]))))
    light = np.where(ground[:-1] & (sky < _THICK), np.exp(-0.8 * np.maximum(sky, 0.0)), 0.0)
    light[orbit.in_data_gap(node.time[:-1])] = 0.0
    signal = _signal(rng, node.x_atc, h_true + bias, across, light * PER_PULSE[strong])
    sun = solar_elevation(node.time[0], node.longitude[0], node.latitude[0])
    clock, rate = _background_records(rng, node, sun, strong)
    noise = _noise(rng, node, h_true + bias, clock, rate)
    x, h, pulse = (np.concatenate(pair) for pair in zip(signal, noise, strict=True))
    afterpulse = np.zeros(len(x), dtype=bool)
    for share, below in AFTERPULSES:
        extra = np.flatnonzero(rng.random(len(signal[0])) < share)
        x, pulse = np.append(x, x[extra]), np.append(pulse, pulse[extra])
        h, afterpulse = np.append(h, h[extra] - below), np.append(afterpulse, np.ones(len(extra), dtype=bool))
    channel = rng.integers(0, CHANNELS[strong], len(x)).astype("u1")
    order = np.lexsort((-h, pulse))  # by pulse, the highest, that is the earliest, first
    x, h, pulse, channel, afterpulse = (v[order] for v in (x, h, pulse, channel, afterpulse))
    if dead_time:
        seen = _alive(pulse, channel, h, DEAD_TIME, CHANNELS[strong])
        x, h, pulse, channel, afterpulse = (v[seen] for v in (x, h, pulse, channel, afterpulse))
    h = h.astype("f4")
    residual = h - np.interp(x, node.x_atc, h_true)
    segment = np.clip(((x - node.x_atc[0]) // orbit.SEGMENT_LENGTH).astype("i8"), 0, last - first)
    confidence = _confidence(rng, segment, residual - bias, last - first + 1)
    return Cloud(
        node.segment_id[:-1],
        node.x_atc[:-1],
        np.bincount(segment, minlength=last - first + 1),
        node,
        h_true,
        bias,
        strong,
        sun,
        x,
        h,
        pulse,
        channel,
        residual,
        confidence,
        afterpulse.astype("i1"),
        _weights(segment, h),
        clock,
        rate,
    )


def _middle(run, stretch):
    n = run.last - run.first + 1
    if stretch is None or stretch >= n:
        return run.first, run.last
    first = run.first + (n - stretch) // 2
    return first, first + stretch - 1


def _ground(world, rgt, node):
    """Return whether there is ground or ice at the nodes, its height, and its slope to the left of the track."""
    x, y, (cos, sin) = on_map(world, rgt, node)
    t = decimal_year(node.time)
    slope_x, slope_y = world.truth.slope(x, y, t)
    ground = world.truth.ice(x, y) | (world.truth.bed(x, y) > world.truth.geoid)
    return ground, world.truth.surface(x, y, t), slope_y * cos - slope_x * sin


def _signal(rng, x_node, h_node, across, per_pulse):
    """Draw photons from the surface: place of their pulse and height of where they fell."""
    pulse = np.arange(np.ceil(x_node[0] / PULSE_SPACING), np.floor(x_node[-1] / PULSE_SPACING)).astype("i8")
    segment = ((pulse * PULSE_SPACING - x_node[0]) // orbit.SEGMENT_LENGTH).astype("i8")
    pulse = np.repeat(pulse, rng.poisson(per_pulse[np.clip(segment, 0, len(per_pulse) - 1)]))
    x = pulse * PULSE_SPACING
    along, aside = rng.normal(0, FOOTPRINT_SIGMA, (2, len(x)))
    h = np.interp(x + along, x_node, h_node) + aside * np.interp(x, x_node, across)
    return x, h + rng.normal(0, np.hypot(PULSE_SIGMA, ROUGHNESS), len(x)), pulse


def _background_records(rng, node, sun, strong):
    """Time and rate of the background, each 50 pulses: night, or the sun on ice, wandering by a fifth."""
    pulses = (node.x_atc[-1] - node.x_atc[0]) / PULSE_SPACING
    n = int(pulses / _BACKGROUND_PULSES) + 2
    clock = np.linspace(node.delta_time[0] - 0.005, node.delta_time[-1] + 0.005, n)
    mean = _NIGHT_RATE + _DAY_RATE * max(np.sin(np.radians(sun)), 0.0)
    wander = 1 + 0.2 * np.sin(np.linspace(0, 9, n) + rng.uniform(0, 6)) + rng.normal(0, 0.05, n)
    return clock, (mean * np.maximum(wander, 0.1) * (1.0 if strong else 0.25)).astype("f4")


def _noise(rng, node, h_node, clock, rate):
    """Draw background photons, evenly over the telemetry window around the surface."""
    pulse = np.arange(np.ceil(node.x_atc[0] / PULSE_SPACING), np.floor(node.x_atc[-1] / PULSE_SPACING)).astype("i8")
    at = np.interp(pulse * PULSE_SPACING, node.x_atc, node.delta_time)
    expected = np.interp(at, clock, rate) * 2 * WINDOW / SPEED_OF_LIGHT
    pulse = np.repeat(pulse, rng.poisson(expected))
    x = pulse * PULSE_SPACING
    return x, np.interp(x, node.x_atc, h_node) + rng.uniform(-WINDOW / 2, WINDOW / 2, len(x)), pulse


def alive_reference(pulse: np.ndarray, channel: np.ndarray, h: np.ndarray, dead: float, n_channels: int) -> np.ndarray:
    """
    Compute what the kernel below computes, one channel of one pulse at a time. Slow reference for tests.

    Parameters
    ----------
    pulse : (n,) int array, the pulse of each photon
    channel : (n,) int array, the channel of each photon
    h : (n,) array, heights, m
    dead : float, dead time as a height, m
    n_channels : int, the number of channels
    """
    seen = np.zeros(len(h), dtype=bool)
    for key in set(zip(pulse.tolist(), channel.tolist(), strict=True)):
        last = np.inf
        for i in np.flatnonzero((pulse == key[0]) & (channel == key[1])):
            if last - h[i] >= dead:
                seen[i], last = True, h[i]
    return seen


@kernel
def _alive(pulse, channel, h, dead, n_channels):
    """Find the photons that reach a channel outside its dead time. Photons are sorted by pulse, the highest first."""
    seen = np.zeros(h.shape[0], dtype=np.bool_)
    last = np.full(n_channels, np.inf)
    for i in range(h.shape[0]):
        if i == 0 or pulse[i] != pulse[i - 1]:
            last[:] = np.inf
        c = channel[i]
        if last[c] - h[i] >= dead:
            seen[i] = True
            last[c] = h[i]
    return seen


def _confidence(rng, segment, residual, n):
    """
    Compute signal_conf_ph of land ice: high near the surface where there is enough of it, buffer around it, else noise.
    """
    near = np.abs(residual) < _NEAR
    dense = np.bincount(segment[near], minlength=n)[segment]
    found = dense >= 6
    level = np.select([dense >= 12, dense >= 8], [4, 3], 2)
    level = np.where(rng.random(len(segment)) < 0.03, np.maximum(level - 1, 2), level)
    return np.select([found & near, found & (np.abs(residual) < _BUFFER)], [level, 1], 0).astype("i1")


def _weights(segment, h):
    """
    Compute the share of the densest neighbourhood of the segment, 0 .. 255.

    It counts the photons of the segment within 1.5 m of height.
    """
    key = segment * 1e5 + h
    ordered = np.sort(key)
    near = np.searchsorted(ordered, key + 1.5, "right") - np.searchsorted(ordered, key - 1.5, "left")
    most = np.zeros(segment.max() + 1 if len(segment) else 1)
    np.maximum.at(most, segment, near)
    return (255 * near / np.maximum(most[segment], 15)).astype("u1")


def solar_elevation(time: np.datetime64, longitude: float, latitude: float) -> float:
    """
    Compute the height of the sun above the horizon, degrees, to about a degree (declination and hour angle only).

    Parameters
    ----------
    time : datetime64 array, UTC
    longitude : float or (n,) array, degrees
    latitude : float or (n,) array, degrees

    >>> round(float(solar_elevation(np.datetime64("2019-06-21T12:00"), 0.0, 66.5)))
    47
    """
    day = (time - time.astype("datetime64[Y]")) / np.timedelta64(1, "D")
    declination = np.radians(-23.44 * np.cos(2 * np.pi * (day + 10) / DAYS_PER_YEAR))
    hour = np.radians((day % 1) * 360 - 180 + longitude)
    lat = np.radians(latitude)
    return float(
        np.degrees(np.arcsin(np.sin(lat) * np.sin(declination) + np.cos(lat) * np.cos(declination) * np.cos(hour)))
    )
