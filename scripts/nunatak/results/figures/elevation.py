"""Rows of the figures of height change and of the surface."""

from __future__ import annotations

from nunatak.results.figures.row import Figure
from nunatak.results.table import has

ROWS = (
    Figure(
        name="extent",
        topic="elevation",
        inputs=("regions", "change"),
        draw="figures.study_elevation:extent",
        shows="where the study lies: region, further regions, granules",
    ),
    Figure(
        name="height_change_region",
        topic="elevation",
        inputs=("change",),
        draw="figures.study_elevation:in_region",
        shows="map of the height change in the region (atl15)",
    ),
    Figure(
        name="height_change_series",
        topic="elevation",
        inputs=("region_change",),
        draw="figures.study_elevation:series",
        shows="mean height change of each region through time, with errors (atl15)",
    ),
    Figure(
        name="height_change_focus",
        topic="elevation",
        inputs=("change",),
        draw="figures.study_elevation:in_focus",
        shows="map of the height change in the focus (atl15)",
        when=lambda study: study.focus is not None,
    ),
    Figure(
        name="change_by_elevation",
        topic="elevation",
        inputs=("change_by_elevation",),
        draw="figures.study_elevation:bands",
        shows="height change by bands of elevation (atl15, atl14)",
        when=has("atl14"),
    ),
    Figure(
        name="transect",
        topic="elevation",
        inputs=("transects", "change", "rates"),
        draw="figures.study_elevation:transect",
        shows="heights and their change along a transect (atl15)",
        each="transects",
    ),
    Figure(
        name="surface",
        topic="elevation",
        inputs=("surface",),
        draw="figures.study_elevation:surface",
        shows="map of the surface (atl14 without atl15)",
        when=lambda study: "atl15" not in study.products,
    ),
)
