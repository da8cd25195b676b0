"""Build the photons of one beam from plain arrays, for studies and tests without a granule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nunatak.constants import SEGMENT_LENGTH
from nunatak.products.atl03 import BeamPhotons, Granule, Track

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_VELOCITY = 7000.0  # m/s, of the spacecraft, rounded


def photons_from_arrays(
    x_atc: ArrayLike,
    h_ph: ArrayLike,
    *,
    latitude: ArrayLike | None = None,
    longitude: ArrayLike | None = None,
    delta_time: ArrayLike | None = None,
    y_atc: ArrayLike | None = None,
    confidence: ArrayLike = 4,
    quality: ArrayLike = 0,
    background_rate: float = 0.0,
    beam: str = "gt1r",
    rgt: int = 1,
    cycle: int = 1,
    region: int = 1,
    spot: int = 1,
) -> BeamPhotons:
    """
    Build the photons of one beam, cut into segments of 20 m that are counted from x_atc = 0.

    Parameters
    ----------
    x_atc, h_ph : (n,) arrays, m, in any order
    latitude : (n,) degrees. Default: 0
    longitude : (n,) degrees. Default: x_atc / 111 km
    delta_time : (n,) s since 2018-01-01. Default: x_atc / 7000 m/s
    y_atc : (n,) m. Default: 0
    confidence : (n,) signal confidence, or one value for all. Default: 4
    quality : (n,) quality_ph, or one value for all. Default: 0
    background_rate : photons per second, constant. Default: 0
    beam : gt1l .. gt3r. Default: gt1r
    rgt, cycle, region, spot : whole numbers. Default: 1

    Returns
    -------
    BeamPhotons, sorted by segment
    """
    x = np.asarray(x_atc, dtype="f8")
    h = np.asarray(h_ph, dtype="f4")
    order = np.argsort(x, kind="stable")
    ids = np.floor(x / SEGMENT_LENGTH).astype("i8")
    low, high = (ids.min(), ids.max()) if len(x) else (0, -1)
    segment_id = np.arange(low, high + 1)
    counts = np.bincount(ids - low, minlength=len(segment_id)) if len(x) else np.zeros(0, "i8")
    dist = segment_id * SEGMENT_LENGTH
    filled = {
        "lat_ph": np.zeros(len(x)) if latitude is None else latitude,
        "lon_ph": x / 111e3 if longitude is None else longitude,
        "delta_time": x / _VELOCITY if delta_time is None else delta_time,
        "dist_ph_across": np.zeros(len(x), "f4") if y_atc is None else y_atc,
        "dist_ph_along": x - ids * SEGMENT_LENGTH,
        "quality_ph": np.broadcast_to(np.asarray(quality, dtype="i1"), len(x)),
        "h_ph": h,
    }
    kinds = {"dist_ph_along": "f4", "dist_ph_across": "f4", "h_ph": "f4", "quality_ph": "i1"}
    photons = {name: np.asarray(v, dtype=kinds.get(name, "f8"))[order] for name, v in filled.items()}
    conf = np.broadcast_to(np.asarray(confidence, dtype="i1"), len(x))[order]
    photons["signal_conf_ph"] = np.repeat(conf[:, None], 5, axis=1)
    n = len(segment_id)
    segments = {
        "segment_id": segment_id,
        "segment_dist_x": dist,
        "segment_ph_cnt": counts.astype("i8"),
        "photon": np.cumsum(counts) - counts,
        "length": np.full(n, SEGMENT_LENGTH),
        "delta_time": dist / _VELOCITY,
        "reference_photon_lat": np.zeros(n),
        "reference_photon_lon": dist / 111e3,
        "velocity": np.full(n, _VELOCITY, "f4"),
        "spot": np.full(n, spot, "i1"),
        "inside": np.ones(n, dtype=bool),
    }
    granule = Granule(None, "arrays", rgt, cycle, region, 0, (beam,))
    track = Track(granule, beam, segments, np.array([0.0]), np.array([float(background_rate)]))
    return BeamPhotons(track, photons)
