"""Select photons by confidence, quality, geolocation, class, weight and area, in the reference's order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.parameters.sliderule import FitParameters
from nunatak.parameters.values import ParameterError
from nunatak.photons.yapc import yapc
from nunatak.products.atl08 import UNCLASSIFIED

if TYPE_CHECKING:
    from nunatak.products.atl03 import BeamPhotons

_LOWEST_CONFIDENCE = -2
_OK, _BAD_CONFIDENCE, _BAD_QUALITY, _BAD_CLASS = 0, 1, 2, 3


class PhotonError(ParameterError):
    """Photons have flags that the product does not define."""


def confidence(photons: BeamPhotons, parameters: FitParameters) -> np.ndarray:
    """
    Return the signal confidence of each photon for the surface type, or the highest of the five.

    Parameters
    ----------
    photons : BeamPhotons with signal_conf_ph
    parameters : FitParameters. A `surface_type` below 0 takes the highest

    Returns
    -------
    (n,) int8
    """
    column = parameters.surface_type
    conf = photons.photons["signal_conf_ph"]
    if conf.ndim == 1:
        return conf
    return conf.max(axis=1) if column < 0 else np.ascontiguousarray(conf[:, column])


def select(
    photons: BeamPhotons,
    parameters: FitParameters | Mapping[str, Any] | None = None,
    *,
    segment: np.ndarray | None = None,
) -> np.ndarray:
    """
    Return which photons pass the selection.

    The tests are made in this order: signal confidence, quality_ph, podppd (not in the legacy walk), ATL08 class, YAPC
    score, area. Photons without a finite height or position never pass.

    Parameters
    ----------
    photons : BeamPhotons. Its `photons` hold signal_conf_ph, h_ph and, as the parameters ask, quality_ph (taken as 0
        when absent, in early releases), atl08_class (taken as 4 when absent), yapc_score or weight_ph
    parameters : FitParameters or a mapping with the reference's names. Default: the defaults of FitParameters
    segment : (n,) row of each photon's segment. Default: computed from the track

    Returns
    -------
    (n,) bool

    Raises
    ------
    PhotonError : a confidence, quality or class has a value that the product does not define
    """
    p = FitParameters.of(parameters)
    columns, segments = photons.photons, photons.track.segments
    n = len(photons)
    segment = photons.segment_index() if segment is None else segment
    conf_allowed = np.isin(np.arange(_LOWEST_CONFIDENCE, 5), p.confidence)
    quality_allowed = np.isin(np.arange(26), p.quality)
    class_allowed = np.isin(np.arange(5), p.classes) if p.classes else np.ones(5, dtype=bool)
    keep_segment = segments["inside"].copy()
    if p.podppd and p.profile != "legacy" and "podppd_flag" in segments:
        keep_segment &= (p.podppd >> np.clip(segments["podppd_flag"], 0, 7).astype("i8")) & 1 == 1
    conf = columns["signal_conf_ph"]
    conf = conf.reshape(n, -1)
    out = np.empty(n, dtype=np.bool_)
    score, least = _weights(photons, p)
    code, at = _select(
        Flags(conf, conf_allowed),
        p.surface_type if conf.shape[1] > 1 else 0,
        Flags(columns.get("quality_ph", np.zeros(0, "i1")), quality_allowed),
        Flags(columns.get("atl08_class", np.full(0, UNCLASSIFIED, "u1")), class_allowed),
        score,
        least,
        columns["h_ph"],
        segment,
        keep_segment,
        out,
    )
    if code != _OK:
        name, value = {
            _BAD_CONFIDENCE: ("signal_conf_ph", conf[at].max()),
            _BAD_QUALITY: ("quality_ph", columns.get("quality_ph", [0])[at] if code == _BAD_QUALITY else 0),
            _BAD_CLASS: ("atl08_class", columns.get("atl08_class", [0])[at] if code == _BAD_CLASS else 0),
        }[code]
        raise PhotonError(
            f"{photons.track.granule.name}: {photons.track.beam}: {name} is {value} at photon "
            f"{photons.first + at}, which ATL03 does not define; fetch the granule again"
        )
    return out


def _weights(photons, p):
    """Return the YAPC scores and the smallest that passes, or an empty array if scores do not count."""
    if p.yapc is None or p.yapc.score == 0:
        return np.zeros(0, "u2"), 0
    # The reference reads the threshold as a boolean.
    return yapc(photons, p).astype("u2"), 1 if p.compat else p.yapc.score


class Flags(NamedTuple):
    """A flag of each photon and which of its values pass, without rows if the granule does not have it."""

    values: np.ndarray
    allowed: np.ndarray


@kernel
def _select(confidences, column, qualities, classes, score, least, h, segment, keep_segment, out):
    """
    Mark the photons that pass, and return the code and the photon of a flag value that the product does not define.
    """
    conf, conf_allowed = confidences.values, confidences.allowed
    quality, quality_allowed = qualities.values, qualities.allowed
    classed, class_allowed = classes.values, classes.allowed
    for i in range(h.shape[0]):
        out[i] = False
        if column >= 0:
            c = conf[i, column]
        else:
            c = conf[i, 0]
            for k in range(1, conf.shape[1]):
                c = max(c, conf[i, k])
        if c < _LOWEST_CONFIDENCE or c > 4:
            return _BAD_CONFIDENCE, i
        if not conf_allowed[c - _LOWEST_CONFIDENCE]:
            continue
        if quality.shape[0] > 0:
            q = quality[i]
            if q < 0 or q > 25:
                return _BAD_QUALITY, i
            if not quality_allowed[q]:
                continue
        elif not quality_allowed[0]:
            continue
        if classed.shape[0] > 0:
            k = classed[i]
            if k < 0 or k > 4:
                return _BAD_CLASS, i
            if not class_allowed[k]:
                continue
        elif not class_allowed[4]:
            continue
        if score.shape[0] > 0 and score[i] < least:
            continue
        out[i] = keep_segment[segment[i]] and np.isfinite(h[i])
    return _OK, 0
