"""A Pine Island Glacier that runs at some 4 km/yr, speeds up by steps and thins."""

from __future__ import annotations

import numpy as np

from nunatak.simulation.fields import Constant, Dome, Ramp, Seasonal, Stream
from nunatak.simulation.glacier import BalanceTerm, FlowTerm, Glacier
from nunatak.simulation.shapes import Sheet
from nunatak.simulation.worlds import World

_SEED = 20180101
_TRUNK = (-1603794.0, -308842.0)  # 100.9 W, 75.05 S in EPSG:3031
_DIRECTION = -123.0  # of the flow on the map, towards the bay
_TO_FRONT = 36e3  # m from the trunk point to the ice front


def build(size: str) -> World:
    """
    Build the world of the study `pine_island`.

    Size `tiny` has fewer tracks and cycles and a smaller grid.

    Parameters
    ----------
    size : str, `full` or `tiny`
    """
    tiny = size == "tiny"
    return World(
        name="pine_island",
        size=size,
        seed=_SEED,
        truth=truth(),
        crs="EPSG:3031",
        bbox=(-108.0, -77.5, -89.0, -73.5),
        period=(2019.0, 2021.75) if tiny else (2019.0, 2025.0),
        cycles=(3, 12) if tiny else (3, 25),
        region_codes=("A3",) if tiny else ("A2", "A3"),
        height_bounds=(-1680e3, -400e3, -1520e3, -240e3) if tiny else (-1840e3, -560e3, -1280e3, 80e3),
        surface_bounds=(-1620e3, -325e3, -1590e3, -295e3) if tiny else (-1680e3, -400e3, -1520e3, -240e3),
        tracks={rgt: (3, 7) for rgt in ((81,) if tiny else (81, 210, 523))},
        track_bbox=(-102.5, -75.5, -99.0, -74.7),
    )


def truth() -> Glacier:
    """Return the glacier: a stream gathered from a wide basin, steady at first, then faster and thinner."""
    fx, fy = np.cos(np.deg2rad(_DIRECTION)), np.sin(np.deg2rad(_DIRECTION))
    coast = (_TRUNK[0] + _TO_FRONT * fx, _TRUNK[1] + _TO_FRONT * fy)
    shape = Sheet(*coast, _DIRECTION, 90.0, 1700.0, 260e3, 850.0, 2300.0, 150e3)
    axis = {"x0": _TRUNK[0], "y0": _TRUNK[1], "direction": _DIRECTION}
    trunk = {"width_up": 240e3, "width_down": 11e3, "narrow": -230e3, "narrow_length": 42e3}
    wide = {"gather": -200e3, "gather_length": 150e3, **trunk}
    near = {
        "gather": -30e3,
        "gather_length": 20e3,
        "width_up": 18e3,
        "width_down": 11e3,
        "narrow": -60e3,
        "narrow_length": 25e3,
    }
    flow = (
        FlowTerm(Dome(-1.25e6, -2.0e4, 0.45, 500e3), Constant()),
        FlowTerm(Stream(**axis, discharge=50e9, **wide), Constant()),
        # two speed-ups that draw on the lower trunk, and a yearly cycle
        FlowTerm(Stream(**axis, discharge=5.0e9, **near), Ramp(2006.0, 2.5)),
        FlowTerm(Stream(**axis, discharge=3.5e9, **near), Ramp(2018.5, 0.8)),
        FlowTerm(Stream(**axis, discharge=0.9e9, **near), Seasonal(0.2)),
        # a slower neighbour to the west
        FlowTerm(
            Stream(coast[0] + 75e3, coast[1] - 75e3, -140.0, 12e9, -60e3, 60e3, 90e3, 25e3, -80e3, 40e3), Constant()
        ),
    )
    balance = (BalanceTerm(_yearly_balance, Constant()), BalanceTerm(_seasonal_balance, Seasonal(0.55)))
    return Glacier("EPSG:3031", shape, flow, balance, geoid=-27.0)


def _yearly_balance(height):
    """
    Compute the mean surface mass balance at a height above the sea, m/yr of ice: about 1 near the coast, less inland.
    """
    return 0.35 + 0.65 * np.exp(-height / 900.0)


def _seasonal_balance(height):
    """Compute the amplitude of the yearly cycle of the balance, m/yr: some 0.1 m of surface."""
    return 0.7 * np.exp(-height / 1500.0)
