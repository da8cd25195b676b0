"""Lines of a study file: transects, flowlines and gates, with the rasters they need."""

from __future__ import annotations

import numpy as np
from pydantic import ValidationInfo, field_validator, model_validator

from nunatak.constants import THICKNESS
from nunatak.files import user_rasters
from nunatak.parameters import velocity
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


class Flowline(Model, velocity.Flowline):
    """A line that follows the flow from a point."""

    start: Point


class Gate(Model, velocity.Gate):
    """A line that the ice flows through; flow to the right of the line as it is drawn is positive."""

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
