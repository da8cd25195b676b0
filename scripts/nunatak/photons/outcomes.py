"""What became of a granule, from what became of its beams."""

from __future__ import annotations

from nunatak.constants import BEAMS
from nunatak.photons.granule import EMPTY, FAILED, OK

_OUTSIDE = ("no segment with photons in the area", "the granule lies outside")


def granule_outcome(statuses, n_rows):
    """
    One row of a ledger from the statuses of a granule's beams.

    Parameters
    ----------
    statuses : list of BeamStatus
    n_rows : rows of the granule that were kept

    Returns
    -------
    mapping : `status` (failed when any beam failed, else present with rows, outside when no beam has photons in the
        area, else empty), `reason` naming the beams that are not ok, `n_points`, `n_photons`, `n_selected`, and under
        each beam's name its own status; a beam that was not asked for is "not asked for"
    """
    if any(s.status == FAILED for s in statuses):
        status = "failed"
    elif n_rows:
        status = "present"
    elif any(s.n_photons for s in statuses) or not any(s.reason.startswith(_OUTSIDE) for s in statuses):
        status = "empty"
    else:
        status = "outside"
    reason = beams_in_words(statuses) or ("" if n_rows else "no row in region and period")
    own = {s.beam: s.status for s in statuses}
    return {
        "status": status,
        "reason": reason,
        "n_points": n_rows,
        "n_photons": sum(s.n_photons for s in statuses),
        "n_selected": sum(s.n_selected for s in statuses),
        **{beam: own.get(beam, "not asked for") for beam in BEAMS},
    }


def beams_in_words(statuses):
    """
    The beams that are empty or failed, those with the same reason together.

    >>> from nunatak.photons.granule import BeamStatus
    >>> beams_in_words([BeamStatus("gt1l", "ok"), BeamStatus("gt1r", "empty", "no photons in this beam")])
    'gt1r empty: no photons in this beam'
    """
    said: dict[tuple, list[str]] = {}
    for s in statuses:
        if s.status in (EMPTY, FAILED) or (s.status == OK and s.reason):
            said.setdefault((s.status, s.reason), []).append(s.beam)
    return "; ".join(f"{', '.join(beams)} {status}: {reason}" for (status, reason), beams in said.items())
