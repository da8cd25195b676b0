"""Rows of the figures of elevation and velocity together."""

from __future__ import annotations

from nunatak.results.figures.row import Figure

ROWS = (
    Figure(
        name="gate_section",
        topic="dynamics",
        inputs=("gate_sections", "discharge"),
        draw="figures.study_dynamics:gate_section",
        shows="speed and thickness across each gate",
    ),
    Figure(
        name="gates_series",
        topic="dynamics",
        inputs=("discharge",),
        draw="figures.study_dynamics:gates_series",
        shows="ice discharge through each gate, year by year",
    ),
    Figure(
        name="flux_divergence",
        topic="dynamics",
        inputs=("dynamics", "discharge"),
        draw="figures.study_dynamics:flux_divergence",
        shows="maps of the flux divergence and its error",
    ),
    Figure(
        name="dynamic_thinning",
        topic="dynamics",
        inputs=("dynamics", "discharge"),
        draw="figures.study_dynamics:dynamic_thinning",
        shows="maps of the height change, its surface and dynamic part, and what mass conservation leaves over",
    ),
    Figure(
        name="budget",
        topic="dynamics",
        inputs=("budget",),
        draw="figures.study_dynamics:budget",
        shows="mass budget of each box: terms with errors, and the residual year by year",
    ),
    Figure(
        name="flowline_together",
        topic="dynamics",
        inputs=("flowline_years",),
        draw="figures.study_dynamics:flowline_together",
        shows="surface, bed, height change, speed and strain along the flowlines, year by year",
    ),
    Figure(
        name="speed_vs_thinning",
        topic="dynamics",
        inputs=("basin_years", "lags"),
        draw="figures.study_dynamics:speed_vs_thinning",
        shows="speed and height change of each region by year, and the lag between them",
    ),
    Figure(
        name="record_series",
        topic="elevation",
        inputs=("record_series", "record_change"),
        draw="figures.study_dynamics:record_series",
        shows="height change of each region since 1985 or 1992 by source, and its rate by period",
    ),
)
