"""Rows of the figures of image pairs and velocities."""

from __future__ import annotations

from nunatak.results.figures.row import Figure
from nunatak.results.table import has_pairs


def _has_several_years(study):
    """Return whether there are years to compare."""
    return len(study.period.years) > 1


def _fits_a_cycle(study):
    """Return whether a seasonal cycle is fitted with the annual velocities."""
    return has_pairs(study) and study.annual_velocity.method == "lsq" and study.annual_velocity.seasonal


ROWS = (
    Figure(
        name="granules_per_year",
        topic="velocity",
        inputs=("image_pairs",),
        draw="figures.study_velocity:granules_per_year",
        shows="image pairs or mosaics found and used, by year (itslive)",
    ),
    Figure(
        name="pairs_summary",
        topic="velocity",
        inputs=("image_pairs",),
        draw="figures.study_velocity:pairs_summary",
        shows="what became of the pairs, by satellite",
        when=has_pairs,
    ),
    Figure(
        name="pair_timeline",
        topic="velocity",
        inputs=("image_pairs",),
        draw="figures.study_velocity:pair_timeline",
        shows="dates and separations of the pairs",
        when=has_pairs,
    ),
    Figure(
        name="pair",
        topic="velocity",
        inputs=("image_pair",),
        draw="figures.study_velocity:pair",
        shows="one image pair, or annual mosaic, as its granule has it",
    ),
    Figure(
        name="speed_map",
        topic="velocity",
        inputs=("annual", "flowline"),
        draw="figures.study_velocity:speed_map",
        shows="map of the mean speed and its error",
    ),
    Figure(
        name="speed_histogram",
        topic="velocity",
        inputs=("speeds",),
        draw="figures.study_velocity:histogram",
        shows="distribution of speeds of single pairs and of annual means",
    ),
    Figure(
        name="speed_annual",
        topic="velocity",
        inputs=("annual",),
        draw="figures.study_velocity:annual",
        shows="maps of the speed of each year",
        when=_has_several_years,
    ),
    Figure(
        name="speed_change",
        topic="velocity",
        inputs=("annual",),
        draw="figures.study_velocity:change",
        shows="map of the trend of the speed",
        when=_has_several_years,
    ),
    Figure(
        name="source_agreement",
        topic="velocity",
        inputs=("source_difference", "source_agreement"),
        draw="figures.study_velocity:source_agreement",
        shows="mean speed against that of ITS_LIVE's mosaics, map and scatter",
    ),
    Figure(
        name="speed_series",
        topic="velocity",
        inputs=("velocity_series",),
        draw="figures.study_velocity:series",
        shows="speed at the study's points through time",
    ),
    Figure(
        name="flowline_speed",
        topic="velocity",
        inputs=("flowline",),
        draw="figures.study_velocity:flowline",
        shows="speed along the flowlines, year by year",
    ),
    Figure(
        name="seasonal_amplitude_phase",
        topic="velocity",
        inputs=("annual",),
        draw="figures.study_velocity:seasonal",
        shows="maps of the size and the time of the seasonal cycle",
        when=_fits_a_cycle,
    ),
    Figure(
        name="strain",
        topic="velocity",
        inputs=("strain", "annual"),
        draw="figures.study_velocity:strain",
        shows="maps of the strain rates of the mean velocity",
    ),
)
