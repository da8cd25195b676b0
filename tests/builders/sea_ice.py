"""Small sea-ice granules for tests, in either ATL10 layout or as ATL07: every number chosen by the test."""

import h5py
import numpy as np

FILL = np.float32(3.4028235e38)
NAME = "ATL10-02_20190916120000_12340401_007_01.h5"
NEW = {"": "freeboard_segment", "heights": "freeboard_segment/heights"}
OLD = {"": "freeboard_beam_segment/beam_freeboard", "heights": "freeboard_beam_segment/height_segments"}
ATL07 = {"": "sea_ice_segments", "heights": "sea_ice_segments/heights", "stats": "sea_ice_segments/stats"}
_IN_HEIGHTS = ("height_segment_length_seg", "height_segment_type", "height_segment_ssh_flag", "height_segment_height")
START = 53870400.0  # delta_time of 2019-09-16T12:00:00


def segments(n=5, **columns):
    """Columns of one beam: n segments along 180 E from 75 S northward, 20 m long, one per 0.01 s."""
    defaults = {
        "delta_time": START + 0.01 * np.arange(n),
        "latitude": -75.0 + 0.001 * np.arange(n),
        "longitude": np.full(n, 180.0),
        "seg_dist_x": 2.3e7 + 20.0 * np.arange(n),
        "height_segment_length_seg": np.full(n, 20.0, "f4"),
        "height_segment_type": np.ones(n, "i1"),
    }
    return defaults | {name: np.asarray(values) for name, values in columns.items()}


def write_granule(path, beams, *, orientation=((0, 0.0),), product="ATL10", layout=None, value="beam_fb_height"):
    """
    Write beams = {"gt1l": segments(...)}; `orientation` is pairs of (sc_orient, sc_orient_time), none for ().

    Each beam gets a freeboard (or `value`) of 0.3 unless its columns hold one.
    """
    groups = layout or (NEW if product == "ATL10" else ATL07)
    with h5py.File(path, "w") as file:
        file.attrs["short_name"] = np.bytes_(product)
        file["ancillary_data/atlas_sdp_gps_epoch"] = [1198800018.0]
        if orientation:
            file["orbit_info/sc_orient"] = np.array([flag for flag, _ in orientation], "i1")
            file["orbit_info/sc_orient_time"] = np.array([time for _, time in orientation])
        for beam, columns in beams.items():
            columns = {value: np.full(len(columns["latitude"]), 0.3, "f4")} | columns
            for name, values in columns.items():
                group = (
                    groups["heights"]
                    if name in _IN_HEIGHTS
                    else groups.get("stats", groups["heights"])
                    if name.startswith("ice_conc")
                    else groups[""]
                )
                file[f"{beam}/{group}/{name}"] = values
    return path
