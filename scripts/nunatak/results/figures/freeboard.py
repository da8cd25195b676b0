"""Rows of the figures of gridded sea ice."""

from __future__ import annotations

from nunatak.results.figures.row import Figure


def _keeps(statistic):
    """Whether a study grids a statistic."""
    return lambda study: statistic in study.gridded_freeboard.statistics


def _has_months_of_several_years(study):
    """Whether there are months of several years, with means."""
    settings = study.gridded_freeboard
    return len(study.period.years) > 1 and "month" in settings.bins and "mean" in settings.statistics


_MAPS = (
    "Sea ice on the study's grid, one polar map per time bin. Grey is no data; land is a coarse outline for "
    "orientation."
)

ROWS = (
    Figure(
        name="freeboard_mean",
        topic="freeboard",
        inputs=("freeboard",),
        draw="figures.study_freeboard:maps",
        shows="maps of the mean by time bin (atl10 or atl07)",
        caption=_MAPS,
        when=_keeps("mean"),
    ),
    Figure(
        name="freeboard_std",
        topic="freeboard",
        inputs=("freeboard",),
        draw="figures.study_freeboard:maps",
        shows="maps of the standard deviation by time bin",
        caption=_MAPS,
        when=_keeps("std"),
    ),
    Figure(
        name="freeboard_count",
        topic="freeboard",
        inputs=("freeboard",),
        draw="figures.study_freeboard:maps",
        shows="maps of the number of segments by time bin",
        caption=_MAPS,
        when=_keeps("count"),
    ),
    Figure(
        name="freeboard_series",
        topic="freeboard",
        inputs=("freeboard_series",),
        draw="figures.study_freeboard:series",
        shows="the region's mean through time, with errors, and the area seen",
        caption=(
            "Mean {value} of the region through time, bars and bands of one standard error from the scatter of "
            "passes, and the area seen."
        ),
    ),
    Figure(
        name="freeboard_distribution",
        topic="freeboard",
        inputs=("freeboard_distribution",),
        draw="figures.study_freeboard:distribution",
        shows="how the values are distributed",
        caption="Distribution of {value} over the region, weighted by segment length; dashed lines are medians.",
        when=lambda study: study.gridded_freeboard.histogram_width > 0,
    ),
    Figure(
        name="freeboard_anomaly",
        topic="freeboard",
        inputs=("freeboard",),
        draw="figures.study_freeboard:anomaly",
        shows="months of each year less the mean of all years",
        caption=(
            "The {value} of each month less the mean of that month over the years. Hatched cells are below two "
            "standard errors."
        ),
        when=_has_months_of_several_years,
    ),
    Figure(
        name="freeboard_difference",
        topic="freeboard",
        inputs=("freeboard",),
        draw="figures.study_freeboard:difference",
        shows="ours less the gridded product ATL20",
        caption=_MAPS,
        when=lambda study: bool(study.gridded_freeboard.atl20),
    ),
)
