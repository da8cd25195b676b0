"""What the simulated granules along a track share: their names, orbit_info, and the attributes of beams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nunatak.simulation import hdf, orbit
from nunatak.times import delta_time_to_utc

if TYPE_CHECKING:
    import h5py


def granule_name(
    product: str, rgt: int, cycle: int, region_number: int, began: float, version: str, revision: str
) -> str:
    """
    Return the name of a track granule that begins at `began` (s since 2018-01-01).

    Parameters
    ----------
    product : str, the product's name
    rgt : int, the reference ground track
    cycle : int, the cycle
    region_number : int, the granule region 1 to 14
    began : float, start of the granule, s since 2018-01-01
    version : str, the product's version
    revision : str, the product's revision
    """
    stamp = str(delta_time_to_utc(began).astype("datetime64[s]")).translate(str.maketrans("", "", "-T:"))
    return f"{product}_{stamp}_{rgt:04d}{cycle:02d}{region_number:02d}_{version}_{revision}.h5"


def put_orbit_info(file: h5py.File, rgt: int, cycle: int, began: float) -> None:
    """
    Write the group orbit_info: node, orbit number and orientation of the observatory.

    Parameters
    ----------
    file : h5py.File, open for writing
    rgt : int, the reference ground track
    cycle : int, the cycle
    began : float, start of the granule, s since 2018-01-01
    """
    group = file.create_group("orbit_info")
    hdf.put_attributes(group, {"Description": "Contains data that are common among all beams for the granule."})
    turned = (orbit.last_yaw_flip(delta_time_to_utc(began)) - delta_time_to_utc(0.0)) / np.timedelta64(1, "s")
    orientation = int(orbit.sc_orient(delta_time_to_utc(began)))
    crossing = hdf.put(
        group,
        "crossing_time",
        np.array([orbit.node_delta_time(rgt, cycle)]),
        chunks=(16,),
        scale=True,
        units="seconds since 2018-01-01",
        long_name="Ascending Node Crossing Time",
    )
    since = hdf.put(
        group,
        "sc_orient_time",
        np.array([turned]),
        chunks=(16,),
        scale=True,
        units="seconds since 2018-01-01",
        long_name="Time of Last Spacecraft Orientation Change",
    )
    for name, value, dtype, units in (
        ("cycle_number", cycle, "i1", "counts"),
        ("lan", orbit.node_longitude(rgt), "f8", "degrees_east"),
        ("orbit_number", orbit.revolution_number(rgt, cycle), "u2", "1"),
        ("rgt", rgt, "i2", "counts"),
    ):
        hdf.attach(hdf.put(group, name, np.array([value], dtype=dtype), chunks=(16,), units=units), [crossing])
    oriented = hdf.put(
        group,
        "sc_orient",
        np.array([orientation], dtype="i1"),
        chunks=(16,),
        units="1",
        flag_values=np.array([0, 1, 2], dtype="i1"),
        flag_meanings="backward forward transition",
    )
    hdf.attach(oriented, [since])


def beam_attributes(beam: str, orientation: int) -> dict[str, str]:
    """
    Return the attributes of a beam's group: spot, strength and orientation.

    Parameters
    ----------
    beam : str, gt1l .. gt3r
    orientation : int, 0 backward, 1 forward
    """
    spot = orbit.spot(beam, orientation)
    return {
        "Description": "Contains subgroups organized by Ground Track",
        "atlas_beam_type": "strong" if spot % 2 else "weak",
        "atlas_pce": f"pce{(spot + 1) // 2}",
        "atlas_spot_number": str(spot),
        "atmosphere_profile": f"profile_{(spot + 1) // 2}",
        "groundtrack_id": beam,
        "sc_orientation": "Forward" if orientation == 1 else "Backward",
    }
