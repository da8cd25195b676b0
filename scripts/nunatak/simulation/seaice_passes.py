"""Which passes see the sea ice of a world, when, and which way the observatory flies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from nunatak.simulation import orbit
from nunatak.times import delta_time_to_utc, from_decimal_year, utc_to_delta_time

if TYPE_CHECKING:
    from nunatak.simulation.worlds import World

_TURN = 4.0  # s that the observatory is in transition


@dataclass(frozen=True)
class IcePass:
    """One revolution over the sea ice: its runs in the world's box, and its times."""

    rgt: int
    cycle: int
    runs: tuple
    start: float
    """s since 2018-01-01, at the beginning of the first run"""
    end: float


def passes(world: World, *, months: Any = None) -> list[IcePass]:
    """
    Choose every n-th pair of passes over the world's box in its period, in order of time.

    Pairs, because northward and southward passes take turns.

    Parameters
    ----------
    world : World with `settings["stride"]`
    months : "2019-09" and the like; those of `settings["months"]` unless given, else all of the period
    """
    months = months or world.settings.get("months")
    stride = world.settings.get("stride", 1)
    found = _passes(world.track_bbox, world.period, world.cycles)
    chosen = [p for number, p in enumerate(found) if number // 2 % stride == 0]
    return [p for p in chosen if months is None or month_of(p) in months]


@lru_cache(maxsize=8)
def _passes(bbox, period, cycles):
    first, last = (_seconds(from_decimal_year(year)) for year in period)
    by_rgt: dict[int, list] = {}
    for run in orbit.passes(bbox):
        by_rgt.setdefault(run.rgt, []).append(run)
    found = []
    for rgt, runs in by_rgt.items():
        ends = (np.array([[run.first, run.last] for run in runs]) - 1) * orbit.SEGMENT_LENGTH
        for cycle in range(cycles[0], cycles[1] + 1):
            when = orbit.delta_time_at(rgt, cycle, ends)
            if first <= when.min() < last:
                found.append(IcePass(rgt, cycle, tuple(runs), float(when.min()), float(when.max())))
    return sorted(found, key=lambda p: p.start)


def month_of(ice_pass: IcePass) -> str:
    """
    Return the month a pass begins in, such as "2019-09".

    Parameters
    ----------
    ice_pass : Pass, one pass over sea ice
    """
    return str(delta_time_to_utc(ice_pass.start).astype("datetime64[M]"))


def orientation(world: World, ice_pass: IcePass) -> tuple[list[int], list[float]]:
    """
    Return sc_orient and sc_orient_time of a pass: one value, or three where the observatory turns on the way.

    The turn of the mission's calendar that falls into the period is moved into the middle of the pass nearest to it.

    Parameters
    ----------
    world : World, the simulated world
    ice_pass : Pass, one pass over sea ice

    Returns
    -------
    (flags, times) : lists; 0 backward, 1 forward, 2 transition; s since 2018-01-01
    """
    turning = _turning_pass(world)
    began = delta_time_to_utc(ice_pass.start)
    if turning is None:
        return [int(orbit.sc_orient(began))], [_seconds(orbit.last_yaw_flip(began))]
    before = int(orbit.sc_orient(from_decimal_year(world.period[0])))
    middle = 0.5 * (turning.start + turning.end)
    if ice_pass.start == turning.start:
        return [before, 2, 1 - before], [_seconds(orbit.last_yaw_flip(began)), middle, middle + _TURN]
    if ice_pass.start < turning.start:
        return [before], [_seconds(orbit.last_yaw_flip(from_decimal_year(world.period[0])))]
    return [1 - before], [middle + _TURN]


def _turning_pass(world):
    """Return the pass during which the observatory turns, or None without a turn in the period."""
    first, last = (from_decimal_year(year) for year in world.period)
    flip = orbit.last_yaw_flip(last)
    if flip <= first:
        return None
    flip = _seconds(flip)
    return min(passes(world), key=lambda p: abs(0.5 * (p.start + p.end) - flip), default=None)


def _seconds(time):
    return float(np.asarray(utc_to_delta_time(time)))
