"""Rows of the figures of image pairs and velocities."""

from __future__ import annotations

from nunatak.results.figures.row import Figure


def _has_several_years(study):
    """Whether there are years to compare."""
    return len(study.period.years) > 1


def _fits_a_cycle(study):
    """Whether a seasonal cycle is fitted with the annual velocities."""
    return study.annual_velocity.method == "lsq" and study.annual_velocity.seasonal


ROWS = (
    Figure(
        name="granules_per_year",
        topic="velocity",
        inputs=("image_pairs",),
        draw="figures.study_velocity:granules_per_year",
        shows="image pairs found and used, by year (itslive)",
        caption="Image pairs by year: used in the cube, left out by the selection, and the rest.",
    ),
    Figure(
        name="pairs_summary",
        topic="velocity",
        inputs=("image_pairs",),
        draw="figures.study_velocity:pairs_summary",
        shows="what became of the pairs, by satellite",
        caption="What the pairs of the cube are like: sensors, separation, valid share, error, projection.",
    ),
    Figure(
        name="pair_timeline",
        topic="velocity",
        inputs=("image_pairs",),
        draw="figures.study_velocity:pair_timeline",
        shows="dates and separations of the pairs",
        caption="Every pair of the cube from its first to its second image, at the height of its separation.",
    ),
    Figure(
        name="pair",
        topic="velocity",
        inputs=("image_pair",),
        draw="figures.study_velocity:pair",
        shows="one image pair as its granule has it",
        caption=(
            "One image pair as its granule has it: speed, size of the search template, where values were interpolated."
        ),
    ),
    Figure(
        name="speed_map",
        topic="velocity",
        inputs=("annual", "flowline"),
        draw="figures.study_velocity:speed_map",
        shows="map of the mean speed and its error",
        caption="Mean speed on a logarithmic scale, from mean components, with the study's flowlines.",
    ),
    Figure(
        name="speed_histogram",
        topic="velocity",
        inputs=("speeds",),
        draw="figures.study_velocity:histogram",
        shows="distribution of speeds of single pairs and of annual means",
        caption="Speeds of all cells of the region: of single pairs with their outliers, and of the annual composites.",
    ),
    Figure(
        name="speed_annual",
        topic="velocity",
        inputs=("annual",),
        draw="figures.study_velocity:annual",
        shows="maps of the speed of each year",
        caption="Annual speed, one map for every year with data, on one logarithmic scale.",
        when=_has_several_years,
    ),
    Figure(
        name="speed_change",
        topic="velocity",
        inputs=("annual",),
        draw="figures.study_velocity:change",
        shows="map of the trend of the speed",
        caption=(
            "Annual speed of the last well-observed year less that of the first; red is faster, hatched cells are "
            "below two standard errors."
        ),
        when=_has_several_years,
    ),
    Figure(
        name="speed_series",
        topic="velocity",
        inputs=("velocity_series",),
        draw="figures.study_velocity:series",
        shows="speed at the study's points through time",
        caption="Speed at the study's points: single pairs with their errors, and the annual and seasonal model.",
    ),
    Figure(
        name="flowline_speed",
        topic="velocity",
        inputs=("flowline",),
        draw="figures.study_velocity:flowline",
        shows="speed along the flowlines, year by year",
        caption="Speed along a flowline, every year in its colour, and the time the ice takes.",
    ),
    Figure(
        name="seasonal_amplitude_phase",
        topic="velocity",
        inputs=("annual",),
        draw="figures.study_velocity:seasonal",
        shows="maps of the size and the time of the seasonal cycle",
        caption="Amplitude of the seasonal cycle of the speed and the day of its maximum.",
        when=_fits_a_cycle,
    ),
    Figure(
        name="strain",
        topic="velocity",
        inputs=("strain", "annual"),
        draw="figures.study_velocity:strain",
        shows="maps of the strain rates of the mean velocity",
        caption="Strain rates of the mean velocity along the flow, across it and in shear; blue is extension.",
    ),
)
