"""Rows of the figures of heights along tracks."""

from __future__ import annotations

from nunatak.results.figures.row import Figure
from nunatak.results.table import has

_SEGMENTS_AND_POINTS = "Heights of ATL06 segments and of ATL11 reference points of the same cycle along one track."

ROWS = (
    Figure(
        name="heights",
        topic="elevation",
        inputs=("heights", "change"),
        draw="figures.study_tracks:heights",
        shows="map of heights along tracks (atl06, atl11 or atl06sr)",
        caption="Heights above the ellipsoid along the tracks that were read, on a map in true kilometres.",
    ),
    Figure(
        name="repeat_pair",
        topic="elevation",
        inputs=("repeat_pairs",),
        draw="figures.study_elevation:repeat_pair",
        shows="height differences along the repeat pair with most segments (atl06)",
        caption=(
            "Height differences of two passes over the same ground track, joined segment by segment, along the track "
            "and on a map."
        ),
    ),
    Figure(
        name="tracks",
        topic="elevation",
        inputs=("tracks", "change", "track", "rates"),
        draw="figures.study_tracks:tracks",
        shows="map of the tracks that cross the focus (atl11)",
        caption="Pairs of ground tracks of ATL11 that cross the focus, over the height change of ATL15.",
        when=has("atl11"),
    ),
    Figure(
        name="atl11_track",
        topic="elevation",
        inputs=("track", "change"),
        draw="figures.study_tracks:atl11_track",
        shows="map of the reference points of one track, with their change (atl11)",
        caption=(
            "Reference points of one pair of tracks over the height change of ATL15, in the colours of their own "
            "change."
        ),
        when=has("atl11"),
    ),
    Figure(
        name="atl11_profile",
        topic="elevation",
        inputs=("track",),
        draw="figures.study_tracks:atl11_profile",
        shows="heights along one track, cycle by cycle (atl11)",
        caption="Heights of one pair of tracks along the track, every cycle in its colour, and their change.",
        when=has("atl11"),
    ),
    Figure(
        name="atl06_track",
        topic="elevation",
        inputs=("track", "change"),
        draw="figures.study_tracks:atl06_track",
        shows="map of the segments along one track (atl06)",
        caption=(
            "Segments of one beam over the height change of ATL15: those that pass the study's filter, and those "
            "that do not."
        ),
        when=has("atl06"),
    ),
    Figure(
        name="atl06_profile",
        topic="elevation",
        inputs=("track",),
        draw="figures.study_tracks:atl06_profile",
        shows="heights along one beam, cycle by cycle (atl06 without atl11)",
        caption="Heights of one beam along the track, every cycle in its colour, and their change.",
        when=lambda study: "atl06" in study.products and "atl11" not in study.products,
    ),
    Figure(
        name="atl06_vs_atl11_unfiltered",
        topic="elevation",
        inputs=("track",),
        draw="figures.study_tracks:against",
        shows="segments beside corrected heights, nothing left out (atl06, atl11)",
        caption=_SEGMENTS_AND_POINTS,
        when=has("atl06", "atl11"),
    ),
    Figure(
        name="atl06_vs_atl11",
        topic="elevation",
        inputs=("track",),
        draw="figures.study_tracks:against",
        shows="segments that pass the quality filters beside corrected heights (atl06, atl11)",
        caption=_SEGMENTS_AND_POINTS,
        when=has("atl06", "atl11"),
    ),
    Figure(
        name="dhdt_points",
        topic="elevation",
        inputs=("rates", "change"),
        draw="figures.study_tracks:dhdt_points",
        shows="map of rates at reference points (atl11)",
        caption="Rates of height change at the reference points of ATL11.",
    ),
    Figure(
        name="dhdt_centres",
        topic="elevation",
        inputs=("surface_rates", "change"),
        draw="figures.study_tracks:dhdt_centres",
        shows="map of rates around regular centres (atl06 with surface_rates)",
        caption="Rates of height change of surfaces fitted to ATL06 segments around regular centres.",
    ),
    Figure(
        name="dhdt_map_vs_atl15",
        topic="elevation",
        inputs=("rates_map", "change", "rates"),
        draw="figures.study_tracks:dhdt_map",
        shows="rates of reference points beside those of the grid (atl11, atl15)",
        caption=(
            "Rates of ATL11 gridded onto the cells of ATL15, the rates of ATL15 itself, and how the points differ "
            "from them."
        ),
        when=has("atl15"),
    ),
    Figure(
        name="crossovers",
        topic="elevation",
        inputs=("crossovers", "change"),
        draw="figures.study_tracks:crossovers",
        shows="height differences where tracks cross (atl06 or atl11)",
        caption=(
            "Where ascending and descending tracks cross, and how their heights differ against the time between them."
        ),
    ),
)
