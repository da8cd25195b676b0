"""How much work a call may make, and whether it is still wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nunatak.constants import SEGMENT_LENGTH
from nunatak.parameters.values import ParameterError
from nunatak.runtime import NunatakError


class Stopped(NunatakError):
    """Work that was given up because nobody waits for it any more."""


@dataclass(frozen=True)
class Limits:
    """What a call may cost."""

    extents: int = 10_000_000
    """most extents of a beam, by its length and `res`"""
    stopped: Callable[[], bool] | None = None
    """asked between blocks of photons; the work ends where it is true"""

    def check(self):
        """
        End the work where it is stopped.

        Raises
        ------
        Stopped : it is
        """
        if self.stopped is not None and self.stopped():
            raise Stopped("the work was stopped")

    def check_extents(self, track, parameters):
        """
        Refuse a beam that would be cut into more extents than allowed.

        Parameters
        ----------
        track : atl03.Track
        parameters : FitParameters

        Raises
        ------
        ParameterError : names `res`, how many there would be, and how many may be
        """
        along = track.segments["segment_dist_x"]
        step = parameters.step * (SEGMENT_LENGTH if parameters.by_segment else 1.0)
        number = float(np.nanmax(along) - np.nanmin(along)) / step
        if not number <= self.extents:
            raise ParameterError(
                f"res: {parameters.step:g} makes {number:.1e} extents of {track.beam}, more than {self.extents:.0e}; "
                "raise res or give a smaller area"
            )
