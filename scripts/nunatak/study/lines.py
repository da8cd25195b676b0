"""Lines of a study file: transects, flowlines and gates, with the rasters they need."""

from __future__ import annotations

from pydantic import ValidationInfo, field_validator, model_validator

from nunatak.constants import THICKNESS
from nunatak.files import user_rasters
from nunatak.parameters import velocity
from nunatak.study.base import Line, Model, Point, key
from nunatak.study.simulated_world import MADE


def check_rasters(info: ValidationInfo, asked, *, layers=True):
    """
    Refuse the rasters of a section that are not there or do not tell which field is meant.

    Parameters
    ----------
    info : of the validator; files are looked at when a study file is read, not where a model is made of keys alone
    asked : {key: (file or number, variable)}
    layers : see `user_rasters.check`
    """
    for name, (given, variable) in asked.items():
        if isinstance(given, str) and given != MADE and info.context:
            try:
                user_rasters.check(given, variable, layers=layers)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error


class Transect(Model):
    """A line over the ice along which heights are sampled."""

    lonlat: Line = key(..., "its points, [longitude, latitude] each", unit="degrees")
    step: float | None = key(
        None,
        "distance from sample to sample; half a cell of the finest grid at most, and where not given",
        unit="m",
        gt=0,
        le=100000,
    )


class Flowline(Model, velocity.Flowline):
    """A line that follows the flow from a point."""

    start: Point


class Gate(Model, velocity.Gate):
    """A line that the ice flows through. Flow to the right of the line as it is drawn is positive."""

    lonlat: Line

    @field_validator("thickness", "thickness_sigma")
    @classmethod
    def _a_thickness(cls, value):
        low, high = THICKNESS
        if isinstance(value, float) and not low < value <= high:
            raise ValueError(f"got {value:g}; write metres of ice, more than {low:g} and at most {high:g}, or a raster")
        return value

    @model_validator(mode="after")
    def _readable(self, info: ValidationInfo):
        asked = {
            "thickness": (self.thickness, self.variable),
            "thickness_sigma": (self.thickness_sigma, self.sigma_variable),
        }
        check_rasters(info, asked, layers=False)
        return self
