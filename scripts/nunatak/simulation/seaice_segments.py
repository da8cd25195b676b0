"""What one beam sees of the sea ice on one pass: segments over floes and leads, between gaps of cloud."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from nunatak.simulation import orbit, seaice_passes
from nunatak.times import decimal_year, delta_time_to_utc

if TYPE_CHECKING:
    from nunatak.simulation.worlds import World

NOISE = {True: 0.02, False: 0.03}  # m, error of a segment's height, by whether the beam is strong
WEAK_LENGTH = 3.0  # weak beams gather a quarter of the photons; their segments are longer by about that
ICE, CLOUD, SPECULAR_LEAD, DARK_LEAD = 1, 0, 3, 7  # height_segment_type
EDGE = 25_000.0  # m; edges of the cells of all standard grids
_PATCH = 400.0  # m, mean length of a stretch of one floe or lead
_CLEAR, _CLOUDY = 120e3, 15e3  # m, mean lengths of clear and cloudy stretches
_CLOUD_SHARE = 0.01  # of segments that are there although the surface was not seen


@dataclass(frozen=True)
class IceSegments:
    """Columns of one beam, along the track. Lengths and heights are in metres."""

    x_atc: np.ndarray
    delta_time: np.ndarray
    longitude: np.ndarray
    latitude: np.ndarray
    length: np.ndarray
    kind: np.ndarray
    freeboard: np.ndarray
    height: np.ndarray
    sigma: np.ndarray
    concentration: np.ndarray


def observe(world: World, ice_pass: seaice_passes.IcePass, beam: str) -> IceSegments:
    """
    Simulate the segments of one beam on one pass over sea, outside clouds.

    Parameters
    ----------
    world : World, the simulated world
    ice_pass : Pass, one pass over sea ice
    beam : str, gt1l .. gt3r
    """
    rng = world.rng("sea_ice", ice_pass.rgt, ice_pass.cycle, beam)
    parts = [_leg(world, ice_pass, rng, beam, *leg) for leg in _legs(world, ice_pass, beam)]
    return IceSegments(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(IceSegments)))


def _legs(world, ice_pass, beam):
    """Return (x0, x1, strong) of each stretch of a pass with one orientation. In transition the old one still holds."""
    flags, since = seaice_passes.orientation(world, ice_pass)
    legs = []
    for run in ice_pass.runs:
        x = np.linspace(run.first - 1, run.last - 1, 200) * orbit.SEGMENT_LENGTH
        when = orbit.delta_time_at(ice_pass.rgt, ice_pass.cycle, x)
        edges = np.interp([since[-1]] if len(flags) > 1 else [], when, x)
        for a, b in zip([x[0], *edges], [*edges, x[-1]], strict=True):
            flag = flags[0] if b < x[-1] or (len(flags) > 1 and when[-1] < since[-1]) else flags[-1]
            legs.append((a, b, orbit.is_strong(beam, flag)))
    return [leg for leg in legs if leg[1] > leg[0]]


def _leg(world, ice_pass, rng, beam, x0, x1, strong):
    truth = world.truth
    mean = world.settings["segment_length"] * (1.0 if strong else WEAK_LENGTH)
    length = mean * rng.gamma(4.0, 0.25, int(1.2 * (x1 - x0) / mean) + 100)
    x_atc = x0 + np.cumsum(length) - 0.5 * length
    seen = (x_atc < x1) & ~_cloudy(world, ice_pass, x_atc)
    x_atc, length = x_atc[seen], length[seen]
    y_atc = orbit.beam_offset(beam) + orbit.pointing_offset(ice_pass.rgt, ice_pass.cycle, x_atc)
    lon, lat, _ = orbit.ground_point(ice_pass.rgt, x_atc, y_atc)
    sea = truth.sea(lon, lat)
    x_atc, length, lon, lat = x_atc[sea], length[sea], lon[sea], lat[sea]
    x, y = truth.plane(lon, lat)
    x, lon, lat = _onto_edge(truth, x, y, lon, lat)
    delta_time = orbit.delta_time_at(ice_pass.rgt, ice_pass.cycle, x_atc)
    kind, freeboard = _surface(truth, rng, x_atc, x, y, decimal_year(delta_time_to_utc(delta_time)))
    shared = world.rng("sea_surface", ice_pass.rgt, ice_pass.cycle).normal(0, truth.reference_sigma)
    noise = rng.normal(0, NOISE[strong], x_atc.size)
    height = truth.sea_surface(x, y) + freeboard + noise
    return IceSegments(
        x_atc,
        delta_time,
        lon,
        lat,
        length,
        kind,
        freeboard + noise - shared,
        height,
        np.full(x_atc.size, NOISE[strong]),
        truth.concentration(x, y),
    )


def _surface(truth, rng, x_atc, x, y, t):
    """Type and freeboard of what lies below each segment: leads at the water line, ice thick by patch and segment."""
    ends = np.cumsum(rng.exponential(_PATCH, int(1.5 * np.ptp(x_atc) / _PATCH) + 50)) if x_atc.size else np.empty(0)
    patch = np.searchsorted(ends, x_atc - x_atc[0]) if x_atc.size else np.empty(0, "int64")
    n = int(patch.max(initial=0)) + 1
    lead = rng.random(n)[patch] < truth.lead_share(x, y)
    by_patch = _gamma(rng, truth.patch_spread, n)[patch]
    by_segment = _gamma(rng, truth.segment_spread, x_atc.size)
    freeboard = np.where(lead, 0.0, truth.ice_freeboard(x, y, t) * by_patch * by_segment)
    dark = rng.random(n)[patch] < 0.3
    kind = np.where(lead, np.where(dark, DARK_LEAD, SPECULAR_LEAD), ICE)
    return np.where(rng.random(x_atc.size) < _CLOUD_SHARE, CLOUD, kind).astype("i1"), freeboard


def _gamma(rng, spread, n):
    """Draw n values of mean 1 and standard deviation `spread`, all positive."""
    return rng.gamma(spread**-2, spread**2, n)


def _cloudy(world, ice_pass, x_atc):
    """Return whether cloud hides the surface, with the same stretches for all beams of a pass."""
    rng = world.rng("sea_ice_cloud", ice_pass.rgt, ice_pass.cycle)
    first = (ice_pass.runs[0].first - 1) * orbit.SEGMENT_LENGTH
    reach = (ice_pass.runs[-1].last - 1) * orbit.SEGMENT_LENGTH - first
    n = int(2 * reach / (_CLEAR + _CLOUDY)) + 20
    stretches = np.stack([rng.exponential(_CLEAR, n), rng.exponential(_CLOUDY, n)], axis=1)
    return np.searchsorted(np.cumsum(stretches.ravel()), x_atc - first) % 2 == 1


def _onto_edge(truth, x, y, lon, lat):
    """Move the one segment nearest to a vertical cell edge exactly onto it (a shift of a few metres)."""
    if not x.size:
        return x, lon, lat
    edge = np.round(x / EDGE) * EDGE
    nearest = int(np.argmin(np.abs(x - edge)))
    x, lon, lat = x.copy(), lon.copy(), lat.copy()
    x[nearest] = edge[nearest]
    there = truth.place(edge[nearest], y[nearest])
    # PROJ's inverse is good to 1e-5 m; a second step by what the first one missed leaves rounding
    missed = truth.plane(*there)
    lon[nearest], lat[nearest] = truth.place(2 * edge[nearest] - missed[0], 2 * y[nearest] - missed[1])
    return x, lon, lat
