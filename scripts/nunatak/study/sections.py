"""The other sections of a study file: lines and points, sea-ice grid, composite, mass, figures."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import pyproj
from pydantic import BeforeValidator, field_validator, model_validator

from nunatak.study.base import Line, Listed, Model, Point, key

Statistic = Literal["count", "mean", "std", "median", "stderr"]
Bin = Literal["day", "week", "month", "season", "year", "period"]
Preset = Literal["copernicus", "agu", "nature"]
Format = Literal["pdf", "png", "svg"]

# What `figures: {names: [..]}` can choose from, by topic; transect_<name> stands for every transect.
FIGURES = {
    "elevation": (
        "extent", "height_change_region", "height_change_focus", "height_change_series",
        "change_by_elevation", "transect", "repeat_pair",
    ),
}  # fmt: skip


def known_crs(value):
    """The name of a coordinate system, if pyproj knows it."""
    try:
        pyproj.CRS.from_user_input(value)
    except pyproj.exceptions.CRSError as error:
        raise ValueError(f"unknown coordinate system {value!r}; write one such as EPSG:3413") from error
    return f"EPSG:{value}" if isinstance(value, int) else value


Crs = Annotated[str, BeforeValidator(known_crs)]


class RegionSpec(Model):
    """An outline: one of name, bbox, lonlat, polygon."""

    name: str | None = key(None, "a region of the gazetteer (`make regions` lists them)")
    bbox: tuple[float, float, float, float] | None = key(
        None, "west, south, east, north", unit="degrees, or those of crs"
    )
    lonlat: tuple[tuple[float, float], ...] | None = key(
        None,
        "corners as [longitude, latitude] pairs, as {lon, lat} mappings, or in one flat list",
        unit="degrees, or those of crs",
    )
    polygon: str | None = key(None, "a GeoJSON, Shapefile, GeoPackage or KML file")
    layer: str | None = key(None, "which layer of the file")
    attribute: dict[str, str | list[str]] | None = key(None, "take only features with this value of an attribute")
    tolerance: float | None = key(None, "simplify the outline to within this distance", unit="m", gt=0)
    crs: str | None = key(None, "coordinate system of bbox, lonlat or file; longitude and latitude where not given")
    crosses_antimeridian: bool = key(False, "it is meant to cross longitude 180")


class Focus(Model):
    """The part of the region that maps zoom in on."""

    crs: Crs = key(..., "coordinate system of the limits, such as EPSG:3413")
    xlim: tuple[float, float] = key(..., "left and right", unit="m")
    ylim: tuple[float, float] = key(..., "bottom and top", unit="m")

    @field_validator("xlim", "ylim")
    @classmethod
    def _ascending(cls, value):
        if value[0] >= value[1]:
            raise ValueError(f"{value[0]:g} is not below {value[1]:g}; write the smaller limit first")
        return value


class Transect(Model):
    """A line over the ice along which heights are sampled."""

    lonlat: Line = key(..., "its points, [longitude, latitude] each", unit="degrees")
    step: float = key(500.0, "distance from sample to sample", unit="m", gt=0, le=100000)


class Flowline(Model):
    """A line that follows the flow from a point."""

    start: Point = key(..., "longitude and latitude it goes through", unit="degrees")
    step: float = key(120.0, "distance from sample to sample", unit="m", gt=0, le=100000)


class Gate(Model):
    """A line that the ice flows through."""

    lonlat: Line = key(..., "its points, [longitude, latitude] each", unit="degrees")
    step: float = key(120.0, "distance from sample to sample", unit="m", gt=0, le=100000)


class Composite(Model):
    """How image pairs become annual velocities."""

    method: Literal["lsq", "mean", "median"] = key("lsq", "least squares on displacements, weighted mean, or median")
    seasonal: bool = key(True, "fit a seasonal cycle with the annual means (lsq)")


class FreeboardGrid(Model):
    """The grid freeboard is gathered on."""

    preset: Literal["ease2_north", "ease2_south", "nsidc_north", "nsidc_south"] = key("ease2_south", "a standard grid")
    cell: str = key("12.5km", "cell size with its unit, such as 12.5km or 6250m")

    @field_validator("cell")
    @classmethod
    def _with_unit(cls, value):
        if not re.fullmatch(r"\d+(\.\d+)?(km|m)", value) or float(value.rstrip("km")) == 0:
            raise ValueError(f"got {value!r}; write the size with its unit, such as 12.5km or 6250m")
        return value

    @property
    def cell_size(self) -> float:
        """Cell size in metres."""
        return float(self.cell[:-2]) * 1000 if self.cell.endswith("km") else float(self.cell[:-1])


class Freeboard(Model):
    """Sea-ice freeboard on a grid, by time."""

    grid: FreeboardGrid = key(FreeboardGrid(), "the grid")
    bins: Listed[Bin] = key(("day", "month"), "lengths of the time bins", min_length=1)
    statistics: Listed[Statistic] = key(("count", "mean", "std"), "what to keep of each cell and bin", min_length=1)


class Mass(Model):
    """How volume becomes mass, if it may."""

    kind: Literal["glacier", "ice_sheet"] = key(..., "glacier: one density; ice_sheet: only with firn and GIA rasters")
    density: float = key(850.0, "volume to mass of a glacier (Huss 2013)", unit="kg m-3", gt=0, le=1000)
    density_sigma: float = key(60.0, "its standard error", unit="kg m-3", ge=0, le=500)
    firn: str | None = key(None, "raster of the change of firn air content (ice sheets)", unit="m")
    gia: str | None = key(None, "raster of glacial isostatic adjustment (ice sheets)", unit="m/yr")

    @model_validator(mode="after")
    def _both_rasters(self):
        if (self.firn is None) != (self.gia is None):
            raise ValueError("firn and gia go together; give both rasters, or neither and get volume only")
        return self

    @property
    def allowed(self) -> bool:
        """Whether a mass may be given at all."""
        return self.kind == "glacier" or self.firn is not None


class Figures(Model):
    """How figures look, and which."""

    preset: Preset = key("copernicus", "widths and fonts of a publisher")
    formats: Listed[Format] = key(("pdf", "png"), "file formats", min_length=1)
    names: Listed[str] | None = key(None, "only these figures; all that the products allow where not given")
