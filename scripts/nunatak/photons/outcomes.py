"""The outcome of a granule of photons, from the outcomes of its beams."""

from __future__ import annotations

from nunatak.constants import BEAMS
from nunatak.products.status import EMPTY, FAILED, OUTSIDE, PRESENT

# the word of a beam in a ledger of photons, which calls everything without a height empty
_IN_LEDGER = {PRESENT: "ok", OUTSIDE: "empty", EMPTY: "empty", FAILED: "failed"}


def granule_outcome(table, statuses):
    """
    Return one row of a ledger from the rows kept of a granule and the statuses of its beams.

    Parameters
    ----------
    table : DataFrame
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


def beams_in_words(statuses):
    """
    Return the beams that are empty or failed or have a remark, those with the same reason together.

    >>> from nunatak.products.status import TrackStatus
    >>> beams_in_words([TrackStatus("gt1l", "present"), TrackStatus("gt1r", "empty", "no photons in this beam")])
    'gt1r empty: no photons in this beam'
    """
    reasons: dict[tuple, list[str]] = {}
    for s in statuses:
        if s.status != PRESENT or s.reason:
            reasons.setdefault((_IN_LEDGER[s.status], s.reason), []).append(s.beam)
    return "; ".join(f"{', '.join(beams)} {word}: {reason}" for (word, reason), beams in reasons.items())
