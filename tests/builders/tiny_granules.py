"""Granules of a few kilobytes with the groups of real ones, and the ways a file goes wrong."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from nunatak import times
from nunatak.constants import BEAMS

START = np.datetime64("2019-11-06T23:02:00", "ns")
LON, LAT = -34.7, 66.5  # where the tracks begin: Steenstrup Glacier


def name_of(rgt=627, cycle=5, region_number=3, *, version="006", revision="01", product="ATL06", start=START):
    """A granule's name."""
    stamp = str(start.astype("datetime64[s]")).translate(str.maketrans("", "", "-T:"))
    return f"{product}_{stamp}_{rgt:04d}{cycle:02d}{region_number:02d}_{version}_{revision}.h5"


def atl06(folder, name=None, *, n=40, beams=BEAMS, lon=LON, lat=LAT, start=START, stated=None, orbit=(), attributes=()):
    """
    Write an ATL06 granule: n segments per beam going north from (lon, lat), a segment every 20 m and 2.9 ms.

    `stated` goes into METADATA as the file's own name, `orbit` (rgt, cycle) into orbit_info, `attributes` to the root.
    """
    path = Path(folder) / (name or name_of())
    path.parent.mkdir(parents=True, exist_ok=True)
    first = times.utc_to_delta_time(start)
    with h5py.File(path, "w") as file:
        file.attrs["short_name"] = "ATL06"
        file.attrs.update(dict(attributes))
        file["orbit_info/sc_orient"] = np.array([1], "i1")
        if orbit:
            file["orbit_info/rgt"], file["orbit_info/cycle_number"] = (
                np.array([orbit[0]], "i2"),
                np.array([orbit[1]], "i1"),
            )
        about = file.create_group("METADATA/DatasetIdentification")
        if stated:
            about.attrs["fileName"] = stated
        for i, beam in enumerate(beams):
            group = file.create_group(f"{beam}/land_ice_segments")
            group["segment_id"] = np.arange(n, dtype="i4") + 1000
            group["latitude"] = lat + np.arange(n) * 0.00018
            group["longitude"] = np.full(n, lon + 0.01 * i)
            group["delta_time"] = first + np.arange(n) * 0.0029
            group["h_li"], group["h_li_sigma"] = np.full(n, 500.0, "f4"), np.full(n, 0.1, "f4")
            group["atl06_quality_summary"] = np.zeros(n, "i1")
            group["ground_track/x_atc"] = 7.4e6 + 20.0 * np.arange(n)
            group["ground_track/y_atc"] = np.full(n, 3300.0, "f4")
            group["fit_statistics/dh_fit_dy"] = np.full(n, 0.01, "f4")
    return path


def truncated(path):
    """Cut a file in half, as a broken download leaves it."""
    content = Path(path).read_bytes()
    Path(path).write_bytes(content[: len(content) // 2])


def empty(path):
    """A file of no bytes."""
    Path(path).write_bytes(b"")


def web_page(path):
    """What a service saves when the login fails."""
    Path(path).write_text("<!DOCTYPE html>\n<html><body>Earthdata Login</body></html>")


def without_segments(path):
    """A granule whose beams have lost the group that makes the product."""
    with h5py.File(path, "a") as file:
        for beam in BEAMS:
            if beam in file:
                del file[beam]["land_ice_segments"]
                file[beam].create_group("segment_quality")


BROKEN = {
    truncated: "truncated",
    empty: "holds no bytes",
    web_page: "is a web page",
}
