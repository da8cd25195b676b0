"""A cloud of photons from plain arrays, for studies and tests without a granule."""

from __future__ import annotations

import numpy as np

from nunatak.constants import SEGMENT_LENGTH
from nunatak.products.atl03 import BeamPhotons, Granule, Track

_VELOCITY = 7000.0  # m/s, of the spacecraft, rounded


def photons_from_arrays(
    x_atc,
    h_ph,
    *,
    latitude=None,
    longitude=None,
    delta_time=None,
    y_atc=None,
    confidence=4,
    quality=0,
    background_rate=0.0,
    beam="gt1r",
    rgt=1,
    cycle=1,
    region=1,
    spot=1,
):
    """
    Photons of one beam from their positions along the track, in segments of 20 m counted from x_atc = 0.

    Parameters
    ----------
    x_atc, h_ph : (n,) arrays, m; sorted by segment here
    latitude, longitude : (n,) degrees, default 0 and along the equator's scale
    delta_time : (n,) s since 2018-01-01, default x_atc / 7000 m/s
    y_atc : (n,) m, default 0
    confidence, quality : (n,) or one value for all
    background_rate : photons per second, constant
    beam, rgt, cycle, region, spot : identity

    Returns
    -------
    BeamPhotons
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
