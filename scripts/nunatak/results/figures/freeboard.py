"""Rows of the figures of gridded sea ice."""

from __future__ import annotations

from nunatak.results.figures.row import Figure


def _keeps(statistic):
    """Return the condition that a study grids a statistic."""
    return lambda study: statistic in study.gridded_freeboard.statistics


def _has_months_of_several_years(study):
    """Return whether there are months of several years, with means."""
    settings = study.gridded_freeboard
    return len(study.period.years) > 1 and "month" in settings.bins and "mean" in settings.statistics


ROWS = (
    Figure(
        name="freeboard_mean",
        topic="freeboard",
        inputs=("freeboard",),
        draw="figures.study_freeboard:maps",
        shows="maps of the mean by time bin (atl10 or atl07)",
        when=_keeps("mean"),
    ),
    Figure(
        name="freeboard_std",
        topic="freeboard",
        inputs=("freeboard",),
        draw="figures.study_freeboard:maps",
        shows="maps of the standard deviation by time bin",
        when=_keeps("std"),
    ),
    Figure(
        name="freeboard_count",
        topic="freeboard",
        inputs=("freeboard",),
        draw="figures.study_freeboard:maps",
        shows="maps of the number of segments by time bin",
        when=_keeps("count"),
    ),
    Figure(
        name="freeboard_series",
        topic="freeboard",
        inputs=("freeboard_series",),
        draw="figures.study_freeboard:series",
        shows="the region's mean through time, with errors, and the area seen",
    ),
    Figure(
        name="freeboard_distribution",
        topic="freeboard",
        inputs=("freeboard_distribution",),
        draw="figures.study_freeboard:distribution",
        shows="how the values are distributed",
        when=lambda study: study.gridded_freeboard.histogram_width > 0,
    ),
    Figure(
        name="freeboard_anomaly",
        topic="freeboard",
        inputs=("freeboard",),
        draw="figures.study_freeboard:anomaly",
        shows="months of each year less the mean of all years",
        when=_has_months_of_several_years,
    ),
    Figure(
        name="freeboard_difference",
        topic="freeboard",
        inputs=("freeboard",),
        draw="figures.study_freeboard:difference",
        shows="ours less the gridded product ATL20",
        when=lambda study: bool(study.gridded_freeboard.atl20),
    ),
)
