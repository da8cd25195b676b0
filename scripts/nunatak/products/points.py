"""The form in which products along tracks say how their granules are read for a study's points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class PointReader(NamedTuple):
    """How the granules of one product are read for a study."""

    read: Callable[..., Any]
    """takes a path, `region`, `period`, `beams` and `variables`, and returns a table and the status of each beam"""
    nothing: Any
    """that table without a row"""
    variables: tuple[str, ...]
    """the variables that the study asks for, or that its filter and corrections look at"""
