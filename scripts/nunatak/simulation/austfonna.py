"""Svalbard with an Austfonna whose south-eastern basin is draining after a surge."""

from __future__ import annotations

import numpy as np

from nunatak.simulation.fields import Constant, Dome, Ramp, Seasonal, Stream
from nunatak.simulation.glacier import BalanceTerm, FlowTerm, Glacier
from nunatak.simulation.itslive_pairs import Site
from nunatak.simulation.shapes import Cap, Caps
from nunatak.simulation.worlds import World

_SEED = 20180101
_CENTRE = (1042709.0, -389853.0)  # 24.5 E, 79.75 N in EPSG:3413

# Made-up caps: only the place and the size of the first one are those of the real Austfonna.
_CAPS = Caps(
    caps=(
        Cap(
            *_CENTRE,
            58e3,
            740.0,
            60.0,
            480.0,
            120.0,
            ((2, 0.10, 0.6), (3, 0.05, 2.1), (7, 0.03, 0.4), (12, 0.015, 1.0)),
        ),
        Cap(1063.0e3, -513.0e3, 24e3, 560.0, 60.0, 330.0, 120.0, ((2, 0.12, 2.0), (5, 0.06, 0.3))),
        Cap(985.0e3, -520.0e3, 21e3, 610.0, 60.0, 300.0, 120.0, ((3, 0.10, 1.2), (6, 0.05, 2.2))),
        Cap(1012.0e3, -615.0e3, 33e3, 900.0, 60.0, 380.0, 120.0, ((2, 0.15, 0.2), (5, 0.08, 1.7))),
        Cap(912.0e3, -560.0e3, 17e3, 700.0, 60.0, 260.0, 120.0, ((3, 0.12, 0.9),)),
        Cap(931.0e3, -330.0e3, 15e3, 420.0, 60.0, 240.0, 120.0, ((2, 0.10, 1.4), (4, 0.06, 0.5))),
    )
)

# The surging basin runs down to the south-east margin; at 24.5 E the map's south-east lies 25 degrees above its x axis.
_SITE = (1.0657e6, -3.979e5)  # of the image pairs, in the middle of the basin
_BASIN = {"x0": 1.0555e6, "y0": -4.02e5, "direction": 22.0}


def build(size: str) -> World:
    """
    Build the world of the study `austfonna`.

    Size `tiny` has fewer tracks and cycles and a smaller grid.

    Parameters
    ----------
    size : str, `full` or `tiny`
    """
    tiny = size == "tiny"
    bounds = (960e3, -480e3, 1120e3, -320e3) if tiny else (880e3, -680e3, 1160e3, -240e3)
    surface = (1004e3, -428e3, 1090e3, -352e3) if tiny else (880e3, -680e3, 1120e3, -320e3)
    cycles = (3, 12) if tiny else (3, 25)
    tracks = {548: (3, 7)} if tiny else {548: (3, 7, 11, 15), 45: (3, 7), 526: (3, 7)}
    return World(
        name="austfonna",
        size=size,
        seed=_SEED,
        truth=truth(),
        crs="EPSG:3413",
        bbox=(10.0, 79.0, 30.0, 81.0),
        period=(2019.0, 2021.75) if tiny else (2019.0, 2025.0),
        cycles=cycles,
        region_codes=("SV",),
        height_bounds=bounds,
        surface_bounds=surface,
        tracks=tracks,
        track_bbox=(22.0, 79.4, 27.0, 79.9) if tiny else (20.0, 79.0, 28.5, 80.5),
        # one of them (343) was to pass in the gap of April 2022
        settings={
            "atl11_tracks": (526, 548) if tiny else (45, 343, 526, 548),
            "atl03_tracks": {548: (3, 7) if tiny else (3,)},  # photons are many
            "missing_beams": {} if tiny else {(548, 11): ("gt3r",)},
            "site": Site.of(3413, _SITE, (22e3, 18e3), (24.6, 79.5), range(2019, 2024)),
        },
    )


def truth() -> Glacier:
    """Return the glacier: thickening summits, thinning margins, and a basin that lowers by several metres a year."""
    surge = {
        "gather": 0.0,
        "gather_length": 6.5e3,
        "width_up": 12e3,
        "width_down": 8e3,
        "narrow": 12e3,
        "narrow_length": 6e3,
    }
    flow = [FlowTerm(Dome(c.x0, c.y0, 0.15, 0.8 * c.radius), Constant()) for c in _CAPS.caps]
    flow += [
        # the surge: still strong at first, half gone in 2023
        FlowTerm(Stream(**_BASIN, discharge=2.2e9, **surge), Constant()),
        FlowTerm(Stream(**_BASIN, discharge=-1.6e9, **surge), Ramp(2023.0, 1.0)),
        FlowTerm(Stream(**_BASIN, discharge=0.35e9, **surge), Seasonal(0.62)),
        # a quiet outlet to the north-west
        FlowTerm(Stream(1.025e6, -4.05e5, 200.0, 0.06e9, 0.0, 6e3, 12e3, 6e3, 10e3, 6e3), Constant()),
    ]
    balance = (BalanceTerm(_yearly_balance, Constant()), BalanceTerm(_seasonal_balance, Seasonal(0.10)))
    return Glacier("EPSG:3413", _CAPS, tuple(flow), balance, geoid=31.0)


def _yearly_balance(height):
    """
    Compute the mean surface mass balance at a height above the sea, m/yr of ice: -0.9 at the margin, 0.5 at the summit.
    """
    return -0.2 + 0.75 * np.tanh((height - 330.0) / 200.0)


def _seasonal_balance(height):
    """Compute the amplitude of the yearly cycle of the balance, m/yr: about 0.3 m of surface, more where it melts."""
    return 1.7 + 0.6 * np.exp(-height / 300.0)
