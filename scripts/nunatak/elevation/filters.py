"""Which ATL06 segments to keep."""

from __future__ import annotations

import numpy as np


def standard(segments):
    """
    The product's own quality flag is 0 (best) and there is a height.

    Conservative: it loses fast, crevassed ice (`atl06_quality_summary`, ATL06 ATBD section 4.3).

    Parameters
    ----------
    segments : DataFrame with h_li and atl06_quality_summary

    Returns
    -------
    (n,) bool array
    """
    return (segments["atl06_quality_summary"].to_numpy() == 0) & np.isfinite(segments["h_li"].to_numpy())


PRESETS = {"standard": standard}
