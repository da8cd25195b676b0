"""
What the columns of a product can hold: their type, number of dimensions, and the values that can be.

Each product states it beside its layout, where it is narrower than what unit and name tell (`column_of`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_NUMBERS = "fiu"
_ERRORS = ("sigma", "error_est", "_unc", "rms")  # in the names of what cannot be negative
_WORST = 1e5  # of an error, in any unit: errors of position on steep ground reach thousands of metres
# in the names of what has no unit and is stored as integers
_WHOLE = ("fla", "flg", "conf", "source", "status", "summary", "type", "id", "count", "deg_", "n_", "quality", "index")
_COUNTED = ("1", "counts", "count", "percent")  # units of what is stored as integers or floats


class Column(NamedTuple):
    """What one column of a product holds."""

    dtype: str = ""
    """as the layout writes it, such as f4; floats of more bytes and integers of any size pass; empty for any number"""
    low: float = -np.inf
    """the smallest value that can be, in the column's unit"""
    high: float = np.inf
    """the largest"""
    ndim: int | None = None
    """number of dimensions, None for any but none"""
    all_zero: bool = True
    """whether a beam of nothing but 0 can be"""

    @property
    def kinds(self) -> str:
        """Return the kinds of numpy types that pass."""
        return {"": _NUMBERS, "f": "f"}.get(self.dtype[:1], "iu")

    @property
    def width(self) -> int:
        """Return the bytes that a float has at least: positions and times of 4 bytes are off by metres and seconds."""
        return int(self.dtype[1:]) if self.dtype[:1] == "f" else 4

    @property
    def bounded(self) -> bool:
        """Return whether there are values that cannot be."""
        return bool(np.isfinite(self.low) or np.isfinite(self.high))


ANY = Column()
FLAG = Column("i1")
# 1 September 2018, before the first measurement, to the end of 2039
TIME = Column("f8", 2.1e7, 6.95e8)
POSITION = {"latitude": Column("f8", -90, 90, 1), "longitude": Column("f8", -180, 360, 1), "delta_time": TIME}
HEIGHT = Column("f4", -500, 9000, all_zero=False)  # m above the ellipsoid: the lowest land and the highest mountain
SEGMENT_ID = Column("i4", 1, 2e6, 1)  # 20 m segments of an orbit of 40,000 km
CYCLE = Column("i1", 1, 99, 1)


def column_of(name: str, unit: str) -> Column:
    """
    Return what unit and name tell of a column: quantities are floats, errors are not negative.

    Parameters
    ----------
    name : str, the dataset's name
    unit : str, the unit

    >>> column_of("h_li_sigma", "m").low, column_of("dem_flag", "1").kinds
    (0.0, 'fiu')
    """
    error = any(word in name for word in _ERRORS)
    low, high = (0.0, _WORST) if error else (-np.inf, np.inf)
    counted = unit in _COUNTED and (unit != "1" or any(word in name for word in _WHOLE))
    return Column("" if counted else "f4", low, high, all_zero=not error)
