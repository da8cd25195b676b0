"""Rows of the figures of heights along tracks."""

from __future__ import annotations

from nunatak.results.figures.row import Figure
from nunatak.results.table import has

ROWS = (
    Figure(
        name="heights",
        topic="elevation",
        inputs=("heights", "change"),
        draw="figures.study_tracks:heights",
        shows="map of heights along tracks (atl06, atl11 or atl06sr)",
    ),
    Figure(
        name="repeat_pair",
        topic="elevation",
        inputs=("repeat_pairs",),
        draw="figures.study_elevation:repeat_pair",
        shows="height differences along the repeat pair with most segments (atl06)",
    ),
    Figure(
        name="tracks",
        topic="elevation",
        inputs=("tracks", "change", "track", "rates"),
        draw="figures.study_tracks:tracks",
        shows="map of the tracks that cross the focus (atl11)",
        when=has("atl11"),
    ),
    Figure(
        name="atl11_track",
        topic="elevation",
        inputs=("track", "change"),
        draw="figures.study_tracks:atl11_track",
        shows="map of the reference points of one track, with their change (atl11)",
        when=has("atl11"),
    ),
    Figure(
        name="atl11_profile",
        topic="elevation",
        inputs=("track",),
        draw="figures.study_tracks:atl11_profile",
        shows="heights along one track, cycle by cycle (atl11)",
        when=has("atl11"),
    ),
    Figure(
        name="atl06_track",
        topic="elevation",
        inputs=("track", "change"),
        draw="figures.study_tracks:atl06_track",
        shows="map of the segments along one track (atl06)",
        when=has("atl06"),
    ),
    Figure(
        name="atl06_profile",
        topic="elevation",
        inputs=("track",),
        draw="figures.study_tracks:atl06_profile",
        shows="heights along one beam, cycle by cycle (atl06 without atl11)",
        when=lambda study: "atl06" in study.products and "atl11" not in study.products,
    ),
    Figure(
        name="atl06_vs_atl11_unfiltered",
        topic="elevation",
        inputs=("track",),
        draw="figures.study_tracks:against",
        shows="segments beside corrected heights, nothing left out (atl06, atl11)",
        when=has("atl06", "atl11"),
    ),
    Figure(
        name="atl06_vs_atl11",
        topic="elevation",
        inputs=("track",),
        draw="figures.study_tracks:against",
        shows="segments that pass the quality filters beside corrected heights (atl06, atl11)",
        when=has("atl06", "atl11"),
    ),
    Figure(
        name="dhdt_points",
        topic="elevation",
        inputs=("rates", "change"),
        draw="figures.study_tracks:dhdt_points",
        shows="map of rates at reference points (atl11)",
    ),
    Figure(
        name="dhdt_centres",
        topic="elevation",
        inputs=("surface_rates", "change"),
        draw="figures.study_tracks:dhdt_centres",
        shows="map of rates around regular centres (atl06 with surface_rates)",
    ),
    Figure(
        name="dhdt_map_vs_atl15",
        topic="elevation",
        inputs=("rates_map", "change", "rates"),
        draw="figures.study_tracks:dhdt_map",
        shows="rates of reference points beside those of the grid (atl11, atl15)",
        when=has("atl15"),
    ),
    Figure(
        name="crossovers",
        topic="elevation",
        inputs=("crossovers", "change"),
        draw="figures.study_tracks:crossovers",
        shows="height differences where tracks cross (atl06 or atl11)",
    ),
)
