"""Rows of the figures of height change and of the surface."""

from __future__ import annotations

from nunatak.results.figures.row import Figure
from nunatak.results.table import has

_HEIGHT_CHANGE = (
    "Height change on the product's own cells, over the first quarter and over the whole period. Red is lowering, "
    "blue is thickening, grey is no data; hatched cells are interpolated or below two standard errors. Change at the "
    "calving front is not in the product."
)

ROWS = (
    Figure(
        name="extent",
        topic="elevation",
        inputs=("regions", "change"),
        draw="figures.study_elevation:extent",
        shows="where the study lies: region, further regions, granules",
        caption=(
            "Where the study lies: region, ice and granules on a map in true kilometres, and the place about the pole."
        ),
    ),
    Figure(
        name="height_change_region",
        topic="elevation",
        inputs=("change",),
        draw="figures.study_elevation:in_region",
        shows="map of the height change in the region (atl15)",
        caption=_HEIGHT_CHANGE,
    ),
    Figure(
        name="height_change_series",
        topic="elevation",
        inputs=("region_change",),
        draw="figures.study_elevation:series",
        shows="mean height change of each region through time, with errors (atl15)",
        caption=(
            "Volume change and mean height change of every region since the first epoch, with bands of one standard "
            "error. Grey marks days on which the instrument took no data."
        ),
    ),
    Figure(
        name="height_change_focus",
        topic="elevation",
        inputs=("change",),
        draw="figures.study_elevation:in_focus",
        shows="map of the height change in the focus (atl15)",
        caption=_HEIGHT_CHANGE,
        when=lambda study: study.focus is not None,
    ),
    Figure(
        name="change_by_elevation",
        topic="elevation",
        inputs=("change_by_elevation",),
        draw="figures.study_elevation:bands",
        shows="height change by bands of elevation (atl15, atl14)",
        caption="Mean height change of each band of elevation, and the ice area it holds.",
        when=has("atl14"),
    ),
    Figure(
        name="transect",
        topic="elevation",
        inputs=("transects", "change", "rates"),
        draw="figures.study_elevation:transect",
        shows="heights and their change along a transect (atl15)",
        caption=(
            "A transect from A to A′: its place, the surface along it at every epoch, and the change since the first "
            "epoch. The band is one standard error of the last epoch."
        ),
        each="transects",
    ),
    Figure(
        name="surface",
        topic="elevation",
        inputs=("surface",),
        draw="figures.study_elevation:surface",
        shows="map of the surface (atl14 without atl15)",
        caption="The surface in the region, on the cells of ATL14. Grey is no data.",
        when=lambda study: "atl15" not in study.products,
    ),
)
