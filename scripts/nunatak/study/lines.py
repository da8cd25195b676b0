"""Lines of a study file: transects, flowlines and gates, with the rasters they need."""

from __future__ import annotations

import numpy as np
from pydantic import ValidationInfo, field_validator, model_validator

from nunatak.constants import ICE_DENSITY, THICKNESS
from nunatak.files import user_rasters
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
        None,
        "ice thickness, a raster (GeoTIFF, NetCDF, netcdf:FILE:VARIABLE) or a number; without it the gate gives "
        "the area of ice per year only",
        unit="m",
    )
    variable: str | int | None = key(None, "variable of the thickness file, or number of its band")
    thickness_sigma: str | float | None = key(
        None, "its standard error, a raster or one number; 10 % where not given", unit="m"
    )
    sigma_variable: str | int | None = key(None, "variable of the file of the error, or number of its band")
    density: float = key(ICE_DENSITY, "density of the ice", unit="kg m-3", gt=0, le=1000)
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


def check_places(study):
    """
    Refuse points, flowlines, gates and transects that lie wholly outside the area their data are read in.

    Parameters
    ----------
    study : StudyFile

    Raises
    ------
    ValueError : the first such place, as it was written, and what longitudes and latitudes the area has
    """
    points = {f"points.{name}": [lonlat] for name, lonlat in study.points.items()}
    points |= {f"flowlines.{name}.start": [line.start] for name, line in study.flowlines.items()}
    points |= {f"gates.{name}": gate.lonlat for name, gate in study.gates.items()}
    across = {f"transects.{name}": line.lonlat for name, line in study.transects.items()}
    for places, key_of, area in ((points, "region", study.region), (across, *_altimetry(study))):
        for name, lonlat in places.items():
            if not _touches(area, lonlat):
                west, south, east, north = area.bounds
                given = ", ".join(f"[{lon:g}, {lat:g}]" for lon, lat in lonlat)
                raise ValueError(
                    f"{name}: {given} lies outside {key_of}, which has longitudes {west:g} to {east:g} and latitudes "
                    f"{south:g} to {north:g}; choose a place inside, as [longitude, latitude], or widen {key_of}"
                )


def _altimetry(study):
    return ("altimetry_region", study.altimetry_region) if study.altimetry_region else ("region", study.region)


def _touches(area, lonlat):
    """Whether a point, or any of 200 points along a line, lies in a region."""
    corners = np.array(lonlat, dtype=float)
    lon, lat = np.degrees(np.unwrap(np.radians(corners[:, 0]))), corners[:, 1]
    place = np.linspace(0, len(lon) - 1, 200 if len(lon) > 1 else 1)
    along = np.interp(place, np.arange(len(lon)), lon)
    return bool(area.contains((along + 180) % 360 - 180, np.interp(place, np.arange(len(lat)), lat)).any())
