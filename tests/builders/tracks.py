"""Small along-track granules and tables with plain answers."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from nunatak.constants import FILL_F4, FILL_F8, FILL_I1, FILL_I4
from nunatak.times import cycle_start, from_decimal_year, utc_to_delta_time

CYCLES = (3, 4, 6)
# of track 548 in these cycles
SECONDS = utc_to_delta_time(cycle_start(np.array(CYCLES) + 547 / 1387))
N_POINTS = 20
_FILLS = {"f4": FILL_F4, "f8": FILL_F8, "i4": FILL_I4, "i1": FILL_I1}


def write_atl11(path, *, pairs=("pt1", "pt2", "pt3"), drop=(), attributes=True, ancillary=True, rgt=548, **change):
    """
    An ATL11 granule of 20 points 60 m apart and cycles 3, 4 and 6 a year apart, sinking 1 m/yr; every fifth height of
    cycle 4 is a fill. `change` replaces datasets of a pair by name; `drop` leaves some out.
    """
    with h5py.File(path, "w") as file:
        if attributes:
            file.attrs["short_name"] = np.bytes_("ATL11")
        if ancillary:
            file["ancillary_data/release"] = np.array([b"006"])
            file["orbit_info/rgt"] = np.full(3, rgt, "i2")
        for pair in pairs:
            group = file.create_group(pair)
            if attributes:
                group.attrs["ReferenceGroundTrack"] = float(rgt)
            for name, values in {**_pair(), **change}.items():
                if name not in drop:
                    _put(group, name, values, attributes)
    return Path(path)


def _pair():
    k, n, shape = np.arange(N_POINTS), N_POINTS, (N_POINTS, len(CYCLES))
    h = np.tile(500.0 - np.arange(3.0), (n, 1)).astype("f4")
    h[::5, 1] = FILL_F4
    seconds = np.tile(SECONDS, (n, 1))
    crossing = {
        "ref_pt": np.array([1003, 1003, 1030], "i4"),
        "rgt": np.full(3, 45, "i4"),
        "cycle_number": np.array([1, 3, 3], "i1"),
        "h_corr": np.array([501, 500.1, FILL_F4], "f4"),
        "h_corr_sigma": np.full(3, 0.05, "f4"),
        "h_corr_sigma_systematic": np.full(3, 0.03, "f4"),
        "delta_time": utc_to_delta_time(cycle_start(np.array([1, 3, 3]) + 44 / 1387)),
        "latitude": 79.7 + 0.00054 * np.array([1.0, 1, 10]),
        "longitude": np.full(3, 25.0),
        "spot_crossing": np.array([1, 1, 2], "i1"),
    }
    return {
        "ref_pt": (1000 + 3 * k).astype("i4"),
        "cycle_number": np.array(CYCLES, "i1"),
        "latitude": 79.7 + 0.00054 * k,
        "longitude": np.full(n, 25.0),
        "h_corr": h,
        "h_corr_sigma": np.full(shape, 0.02, "f4"),
        "h_corr_sigma_systematic": np.full(shape, 0.03, "f4"),
        "delta_time": seconds,
        "quality_summary": np.tile(np.array([0, 0, 1], "i1"), (n, 1)),
        "ref_surf/e_slope": np.zeros(n, "f4"),
        "ref_surf/n_slope": np.full(n, -0.3, "f4"),
        "ref_surf/x_atc": 20000.0 + 60.0 * k,
        "ref_surf/y_atc": np.zeros(n),
        "ref_surf/misfit_RMS": np.full(n, 0.1, "f4"),
        "cycle_stats/tide_ocean": np.full(shape, FILL_F4, "f4"),
        **{f"crossing_track_data/{name}": values for name, values in crossing.items()},
    }


def _put(group, name, values, attributes):
    values = np.asarray(values)
    dataset = group.create_dataset(name, data=values)
    if attributes:
        dataset.attrs["_FillValue"] = _FILLS[values.dtype.str[1:]]


def heights(year, h, sigma=0.1, *, point=0, **columns):
    """Heights of one point at decimal years, as ATL11 rows."""
    n = len(year)
    return pd.DataFrame(
        {
            "rgt": 548,
            "pair": "pt2",
            "ref_pt": point,
            "cycle": np.arange(n) + 3,
            "time": from_decimal_year(year),
            "h_corr": np.broadcast_to(np.asarray(h, "f8"), n),
            "h_corr_sigma": np.broadcast_to(sigma, n),
            **columns,
        }
    )


def pass_of(rgt, cycle, start, heading, h, *, n=200, sigma=0.05, beam="gt1l", time="2020-01-01", step=20.0, **columns):
    """A straight pass of `n` segments over a plane map at `start` (m) and `heading` (degrees from the x axis)."""
    along = step * np.arange(n)
    x = start[0] + along * np.cos(np.deg2rad(heading))
    y = start[1] + along * np.sin(np.deg2rad(heading))
    values = h(x, y) if callable(h) else np.broadcast_to(np.asarray(h, "f8"), n)
    return pd.DataFrame(
        {
            "rgt": rgt,
            "cycle": cycle,
            "beam": beam,
            "segment_id": 1000 + np.arange(n),
            "x": x,
            "y": y,
            "latitude": 80 + y / 111e3,
            "longitude": 20 + x / 20e3,
            "time": np.datetime64(time, "ns"),
            "h_li": values,
            "h_li_sigma": sigma,
            **columns,
        }
    )
