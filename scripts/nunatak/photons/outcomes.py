"""The outcome of a granule of photons, from the outcomes of its beams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nunatak.constants import BEAMS
from nunatak.products.status import EMPTY, FAILED, OUTSIDE, PRESENT

if TYPE_CHECKING:
    import pandas as pd

    from nunatak.products.status import TrackStatus

# status of a beam in a ledger of photons. A beam outside the area is called empty there, as it has no height
_IN_LEDGER = {PRESENT: "ok", OUTSIDE: "empty", EMPTY: "empty", FAILED: "failed"}


def granule_outcome(table: pd.DataFrame, statuses: Sequence[TrackStatus]) -> dict[str, Any]:
    """
    Return the row of a granule in the ledger, from its table of heights and the statuses of its beams.

    Parameters
    ----------
    table : DataFrame, the rows kept of the granule
    statuses : list of products.status.TrackStatus

    Returns
    -------
    dict : `status` (failed when any beam failed, else present with rows, outside when no beam has photons in the
        area, else empty), `reason` naming the beams that are not ok, `n_points`, `n_photons`, `n_selected`, and under
        each beam's name ok, empty, failed or "not asked for"
    """
    if any(s.status == FAILED for s in statuses):
        status = "failed"
    elif len(table):
        status = "present"
    elif any(s.n_found for s in statuses) or not any(s.status == OUTSIDE for s in statuses):
        status = "empty"
    else:
        status = "outside"
    own = {s.beam: _IN_LEDGER[s.status] for s in statuses}
    return {
        "status": status,
        "reason": beams_in_words(statuses) or ("" if len(table) else "no row in region and period"),
        "n_points": len(table),
        "n_photons": sum(s.n_found for s in statuses),
        "n_selected": sum(s.n_selected for s in statuses),
        **{beam: own.get(beam, "not asked for") for beam in BEAMS},
    }


def beams_in_words(statuses: Sequence[TrackStatus]) -> str:
    """
    Describe the beams that are empty, failed or have a remark, with one clause for each reason.

    Parameters
    ----------
    statuses : list of products.status.TrackStatus

    Returns
    -------
    str : empty when every beam is present without a remark

    >>> from nunatak.products.status import TrackStatus
    >>> beams_in_words([TrackStatus("gt1l", "present"), TrackStatus("gt1r", "empty", "no photons in this beam")])
    'gt1r empty: no photons in this beam'
    """
    reasons: dict[tuple, list[str]] = {}
    for s in statuses:
        if s.status != PRESENT or s.reason:
            reasons.setdefault((_IN_LEDGER[s.status], s.reason), []).append(s.beam)
    return "; ".join(f"{', '.join(beams)} {word}: {reason}" for (word, reason), beams in reasons.items())
