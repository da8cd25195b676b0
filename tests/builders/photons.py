"""A granule of ATL03 of some megabytes, in chunks like a real one's: photons over a slope, and noise."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from tests.builders.tiny_granules import LAT, LON, START, name_of

from nunatak import times

CHUNK = 10000  # rows, as in a real granule
NAME = name_of(627, 5, 3, product="ATL03")
_METRES = 20.04  # of a segment


def atl03(folder, *, n=8000, per_segment=30, beams=("gt1l", "gt1r"), name=NAME):
    """Write a granule with n segments per beam going north from Steenstrup, its tables in pages as a cloud's are."""
    path = Path(folder) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(11)
    with h5py.File(path, "w", fs_strategy="page", fs_page_size=1 << 16) as file:
        file.attrs["short_name"] = "ATL03"
        file["orbit_info/sc_orient"], file["orbit_info/rgt"] = np.array([1], "i1"), np.array([627], "i2")
        file["orbit_info/cycle_number"] = np.array([5], "i1")
        for number, beam in enumerate(beams):
            _beam(file.create_group(beam), rng, n, per_segment, LON + 0.01 * number)
    return path


def _beam(group, rng, n, per_segment, longitude):
    counts = rng.poisson(per_segment, n)
    total, row = counts.sum(), np.arange(n)
    along = np.concatenate([np.sort(rng.uniform(0, _METRES, count)) for count in counts])
    x = np.repeat(_METRES * row, counts) + along
    first = times.utc_to_delta_time(START)
    confidence = np.tile(rng.integers(0, 5, (total, 1)), (1, 5)).astype("i1")
    noise = np.where(confidence[:, 0] > 2, rng.normal(0, 0.15, total), rng.uniform(-30, 30, total))
    photons = {
        "delta_time": first + np.round(x / 7000, 4),
        "lat_ph": LAT + x / 111e3,
        "lon_ph": longitude + 1e-6 * rng.normal(size=total),
        "h_ph": (300 + 0.02 * x + noise).astype("f4"),
        "dist_ph_along": along.astype("f4"),
        "dist_ph_across": (3200 + rng.normal(0, 2, total)).astype("f4"),
        "signal_conf_ph": confidence,
        "quality_ph": np.zeros(total, "i1"),
        "weight_ph": rng.integers(0, 255, total, "u1"),
    }
    segments = {
        "segment_id": (370000 + row).astype("i4"),
        "segment_dist_x": 7.4e6 + _METRES * row,
        "segment_ph_cnt": counts.astype("i4"),
        "segment_length": np.full(n, _METRES),
        "reference_photon_lat": LAT + _METRES * row / 111e3,
        "reference_photon_lon": np.full(n, longitude),
        "delta_time": first + _METRES * row / 7000,
        "velocity_sc": np.tile(np.array([120, 6900, 900], "f4"), (n, 1)),
        "podppd_flag": np.zeros(n, "i1"),
        "solar_elevation": np.full(n, 5.0, "f4"),
    }
    clock = np.arange(first - 1, segments["delta_time"][-1] + 1, 0.02)
    background = {"delta_time": clock, "bckgrd_rate": rng.uniform(1e5, 1e6, len(clock)).astype("f4")}
    for name, columns in (("heights", photons), ("geolocation", segments), ("bckgrd_atlas", background)):
        for column, values in columns.items():
            chunks = (min(CHUNK, len(values)), *values.shape[1:])
            group.create_dataset(f"{name}/{column}", data=values, chunks=chunks, compression="gzip")
