"""Glacier velocity from image pairs: the cube, composites, inversion and what follows from a velocity field."""

from nunatak.parameters.velocity import PairSelection
from nunatak.products.itslive.names import coverage, select_names
from nunatak.products.itslive.selection import selection_from
from nunatak.velocity.annual_fields import mean_field, speed_error, years_by_status
from nunatak.velocity.composites import composite, composites_by_sensor, magnitude_mean, options_of
from nunatak.velocity.filters import Filters
from nunatak.velocity.flowlines import flowline
from nunatak.velocity.gates import GateFlux, NoVelocity, flux_gate
from nunatak.velocity.inversion import invert
from nunatak.velocity.sampling import Field, located
from nunatak.velocity.series import model_series, point_series
from nunatak.velocity.strain import strain_rates

__all__ = [
    "Field",
    "Filters",
    "GateFlux",
    "NoVelocity",
    "PairSelection",
    "composite",
    "composites_by_sensor",
    "coverage",
    "flowline",
    "flux_gate",
    "invert",
    "located",
    "magnitude_mean",
    "mean_field",
    "model_series",
    "options_of",
    "point_series",
    "select_names",
    "selection_from",
    "speed_error",
    "strain_rates",
    "years_by_status",
]
