"""Which segments of sea ice are kept, by their type, by flags and by limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from nunatak.granules import variables as names_of
from nunatak.parameters.freeboard import STANDARD_TYPES


@dataclass(frozen=True)
class SegmentFilter:
    """
    The conditions by which segments are kept.

    A beam without a variable that is filtered by fails, because nothing would be filtered.
    """

    types: tuple[int, ...] | None = STANDARD_TYPES
    """values of height_segment_type that are kept; None keeps all"""
    flags: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """variable: values that are kept, such as {"height_segment_quality": (1,)}"""
    limits: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    """variable: (lowest, highest) kept, None for no limit, as {"ice_conc_amsr2": (50, None)}; unknown values stay"""

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the names of all variables the filter looks at."""
        types = ("height_segment_type",) if self.types is not None else ()
        return (*types, *self.flags, *self.limits)

    def named(self, product: str) -> SegmentFilter:
        """
        Return the same filter under the names that `product` has, however they were written.

        Parameters
        ----------
        product : str, the product's name
        """
        name = partial(names_of.canonical, product)
        flags = {name(variable): kept for variable, kept in self.flags.items()}
        limits = {name(variable): kept for variable, kept in self.limits.items()}
        return replace(self, flags=flags, limits=limits)

    def apply(self, columns: Mapping[str, np.ndarray], keep: np.ndarray) -> list[str]:
        """
        Drop from `keep` what does not pass, and say what was dropped.

        Parameters
        ----------
        columns : dict of (n,) arrays, with all variables of the filter
        keep : (n,) bool, the candidates; changed

        Returns
        -------
        list of text, such as "12 dropped by height_segment_type"
        """
        reasons: list[str] = []
        flags = {"height_segment_type": self.types} if self.types is not None else {}
        for name, allowed in (flags | dict(self.flags)).items():
            _drop(keep, ~np.isin(columns[name], allowed), name, reasons)
        for name, (low, high) in self.limits.items():
            with np.errstate(invalid="ignore"):
                below = columns[name] < (-np.inf if low is None else low)
                above = columns[name] > (np.inf if high is None else high)
            _drop(keep, below | above, name, reasons)
        return reasons


def _drop(keep, bad, name, reasons):
    dropped = int(np.count_nonzero(keep & bad))
    keep &= ~bad
    if dropped:
        reasons.append(f"{dropped} dropped by {name}")
