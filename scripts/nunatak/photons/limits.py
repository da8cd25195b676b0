"""Limit the work of a call, and stop it when it is no longer wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nunatak.constants import SEGMENT_LENGTH
from nunatak.parameters.values import ParameterError
from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    from nunatak.parameters.sliderule import FitParameters
    from nunatak.products.atl03 import Track


class Stopped(NunatakError):
    """The work was stopped because its result is no longer wanted."""


@dataclass(frozen=True)
class Limits:
    """Limits of the work of a call."""

    extents: int = 10_000_000
    """largest number of extents of a beam, estimated from its length and `res`"""
    stopped: Callable[[], bool] | None = None
    """called between blocks of photons. The work stops when it returns True"""

    def check(self) -> None:
        """
        Stop the work if it is no longer wanted.

        Raises
        ------
        Stopped : `stopped` returned True
        """
        if self.stopped is not None and self.stopped():
            raise Stopped("the work was stopped")

    def check_extents(self, track: Track, parameters: FitParameters) -> None:
        """
        Refuse a beam that would be cut into more extents than allowed.

        Parameters
        ----------
        track : atl03.Track
        parameters : FitParameters

        Raises
        ------
        ParameterError : names `res`, the number of extents and the largest number allowed
        """
        along = track.segments["segment_dist_x"]
        step = parameters.step * (SEGMENT_LENGTH if parameters.by_segment else 1.0)
        number = float(np.nanmax(along) - np.nanmin(along)) / step
        if not number <= self.extents:
            raise ParameterError(
                f"res: {parameters.step:g} makes {number:.1e} extents of {track.beam}, more than {self.extents:.0e}; "
                "raise res or give a smaller area"
            )
