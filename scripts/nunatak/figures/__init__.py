"""Figures: drawing functions that take an Axes, layouts that make a figure, presets, and the one way to save."""

from nunatak.figures.drawing import draw
from nunatak.figures.layouts import Drawn, NothingToDraw, empty
from nunatak.figures.map_layouts import extent, height_change
from nunatak.figures.presets import PRESETS, Preset, preset
from nunatak.figures.profile_layouts import change_by_elevation, height_change_series, repeat_pair, transect
from nunatak.figures.style import save, sidecar_of, use
from nunatak.figures.subject import Subject

__all__ = [
    "PRESETS",
    "Drawn",
    "NothingToDraw",
    "Preset",
    "Subject",
    "change_by_elevation",
    "draw",
    "empty",
    "extent",
    "height_change",
    "height_change_series",
    "preset",
    "repeat_pair",
    "save",
    "sidecar_of",
    "transect",
    "use",
]
