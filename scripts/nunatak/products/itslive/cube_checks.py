"""What the dates of a datacube must be before its layers are chosen by them."""

from __future__ import annotations

import numpy as np

from nunatak.products import GranuleError

_FIRST = np.datetime64("1982-01-01")  # before the first images of the archive
_DAY = np.timedelta64(1, "D")


def check_dates(path, first, second, stated):
    """
    Refuse acquisition dates that cannot be.

    Parameters
    ----------
    path : the cube, for the error
    first, second : (n,) datetime64, dates of both images of each layer
    stated : (n,) array, days between them as the cube states them, or None

    Raises
    ------
    GranuleError : dates before 1982 or after today, an order that is the wrong way round, or a difference of more than
        a day from the stated one
    """
    for number, dates in ((1, first), (2, second)):
        bad = ~((dates >= _FIRST) & (dates <= np.datetime64("now") + _DAY))
        _refuse(path, bad, f"acquisition_date_img{number} is not between 1982 and today", dates)
    span = (second - first) / _DAY
    _refuse(path, ~(span >= 0), "acquisition_date_img2 is before acquisition_date_img1", second)
    if stated is not None:
        days = np.asarray(stated, dtype="f8")
        _refuse(path, ~(np.abs(days - span) <= 1), "date_dt is not the days between the images", days)


def _refuse(path, bad, what, values):
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise GranuleError(
            f"{path}: {what} in {np.count_nonzero(bad)} of {bad.size} layers (the first is layer {at}: {values[at]}); "
            "fetch it again"
        )
