"""Lines of a study file: transects, flowlines and gates, with the rasters they need."""

from __future__ import annotations

from pydantic import ValidationInfo, field_validator, model_validator

from nunatak import user_rasters
from nunatak.constants import THICKNESS
from nunatak.study.base import Line, Model, Point, key


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
        if isinstance(given, str) and info.context:
            try:
                user_rasters.check(given, variable, layers=layers)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error


class Transect(Model):
    """A line over the ice along which heights are sampled."""

    lonlat: Line = key(..., "its points, [longitude, latitude] each", unit="degrees")
    step: float = key(500.0, "distance from sample to sample", unit="m", gt=0, le=100000)


class Flowline(Model):
    """A line that follows the flow from a point."""

    start: Point = key(..., "longitude and latitude it goes through", unit="degrees")
    step: float = key(0.5, "length of a step", unit="cells", gt=0, le=0.5)
    min_speed: float = key(10.0, "it ends where the ice is slower", unit="m/yr", ge=0, le=20000)
    max_length: float = key(500000.0, "longest way up and down", unit="m", gt=0, le=5000000)


class Gate(Model):
    """A line that the ice flows through; flow to the right of the line as it is drawn is positive."""

    lonlat: Line = key(..., "its points, [longitude, latitude] each", unit="degrees")
    step: float = key(60.0, "length of the pieces that are added up", unit="m", gt=0, le=100000)
    thickness: str | float | None = key(
        None, "ice thickness, a raster (GeoTIFF, NetCDF, netcdf:FILE:VARIABLE) or a number; without it the gate gives "
        "the area of ice per year only", unit="m",
    )  # fmt: skip
    variable: str | int | None = key(None, "variable of the thickness file, or number of its band")
    thickness_sigma: str | float | None = key(
        None, "its standard error, a raster or one number; 10 % where not given", unit="m"
    )
    sigma_variable: str | int | None = key(None, "variable of the file of the error, or number of its band")
    density: float = key(917.0, "density of the ice", unit="kg m-3", gt=0, le=1000)
    density_sigma: float = key(0.0, "its standard error", unit="kg m-3", ge=0, le=500)

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
