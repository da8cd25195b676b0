"""The other sections of a study file: lines and points, sea-ice grid, composite, mass, figures."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Annotated, Any, Literal, get_args

import pyproj
from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema, field_validator, model_validator

from nunatak.constants import GLACIER_DENSITY, GLACIER_DENSITY_SIGMA
from nunatak.parameters.freeboard import Bin, GriddedValues
from nunatak.parameters.statistics import STATISTICS, WEIGHTINGS, statistic
from nunatak.parameters.velocity import AnnualFit, Inversion
from nunatak.study.base import Listed, Model, Month, Word, key
from nunatak.study.lines import check_rasters

Weighting = Literal[tuple(WEIGHTINGS)]  # type: ignore[valid-type]
GridPreset = Literal[
    "ease2_north",
    "ease2_south",
    "nsidc_north",
    "nsidc_south",
    "nsidc_north_hughes",
    "nsidc_south_hughes",
    "ross_sea_tutorial",
]
Preset = Literal["copernicus", "agu", "nature", "elsevier"]
Format = Literal["pdf", "png", "svg"]


def known_crs(value):
    """Return the name of a coordinate system, if pyproj knows it and its coordinates are metres."""
    try:
        crs = pyproj.CRS.from_user_input(value)
    except pyproj.exceptions.CRSError as error:
        raise ValueError(f"unknown coordinate system {value!r}; write one such as EPSG:3413") from error
    if not crs.is_projected or crs.is_compound:
        raise ValueError(
            f"{value!r} ({crs.name}) {_other_kind(crs)}; write a projected one, such as EPSG:3413 (north), EPSG:3031 "
            "(south) or a UTM zone"
        )
    if any(axis.unit_conversion_factor != 1.0 for axis in crs.axis_info[:2]):
        units = crs.axis_info[0].unit_name
        raise ValueError(f"{value!r} ({crs.name}) has coordinates in {units}; write one in metres, such as EPSG:3413")
    return f"EPSG:{value}" if isinstance(value, int) else value


def _other_kind(crs):
    """Describe what a coordinate system that is not projected measures."""
    if crs.is_compound:
        return "has heights beside its map"
    if crs.is_geographic:
        return "has coordinates in degrees where maps and distances are in metres"
    if crs.is_geocentric:
        return "has coordinates from the centre of the Earth and no map"
    return "has heights and no map" if crs.is_vertical else "lies nowhere on the Earth"


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
    layer: str | list[str] | None = key(
        None, "which layer of the file (a folder of KML), or a list to join; needed where several hold outlines"
    )
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


class Composite(Model, AnnualFit):
    """How image pairs become annual velocities."""

    year_start: Month

    @field_validator("error_limit")
    @classmethod
    def _not_negative(cls, value):
        if value is not None and (min(value) < 0 or max(value) == 0):
            raise ValueError(f"{list(value)} leaves no velocity; write two numbers of 0 or more, such as [100, 0.1]")
        return value

    @field_validator("v0_years")
    @classmethod
    def _in_order(cls, value):
        if value is not None and value[0] > value[1]:
            raise ValueError(f"{value[0]} is after {value[1]}; write the earlier year first")
        return value


class Invert(Model, Inversion):
    """A regular series of velocities by inversion of the pairs, in every cell."""


def _length(value):
    """Parse a cell size with its unit."""
    if not isinstance(value, str) or not re.fullmatch(r"\d+(\.\d+)?(km|m)", value) or float(value.rstrip("km")) == 0:
        raise ValueError(f"got {value!r}; write the size with its unit, such as 12.5km or 6250m")
    return value


def _statistic(value):
    if statistic(value) is None:
        near = get_close_matches(str(value), STATISTICS, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"write some of {', '.join(STATISTICS)}, or p01 .. p99"
        raise ValueError(f"no statistic {value!r}; {hint}")
    return value


Length = Annotated[str, BeforeValidator(_length), WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?(km|m)$"})]
Statistic = Annotated[str, BeforeValidator(_statistic), WithJsonSchema({"type": "string"})]


class FreeboardGrid(Model):
    """The grid freeboard is gathered on: a preset, or a coordinate system and a cell, cut to bounds or the region."""

    preset: GridPreset | None = key(None, "a standard grid; EASE-Grid 2.0 of the region's hemisphere where not given")
    crs: Crs | None = key(None, "coordinate system of a grid of one's own, instead of a preset")
    cell: Length | None = key(
        None, "cell size such as 6.25km or 6250m; 12.5km, or a preset's coarsest, where not given"
    )
    bounds: tuple[float, float, float, float] | None = key(
        None, "left, bottom, right, top; snapped outward to whole cells", unit="m of the grid"
    )
    outline: str | None = key(None, "a GeoJSON file whose bounds are used likewise; the region where neither is given")

    @model_validator(mode="after")
    def _one_way(self):
        if self.preset and self.crs:
            raise ValueError("preset and crs exclude each other; leave out one of them")
        if self.crs and not self.cell:
            raise ValueError("a grid of one's own needs a cell; add one such as cell: 10km")
        if self.bounds and self.outline:
            raise ValueError("bounds and outline exclude each other; leave out one of them")
        if self.bounds and not (self.bounds[0] < self.bounds[2] and self.bounds[1] < self.bounds[3]):
            raise ValueError(f"bounds: {list(self.bounds)} enclose nothing; write left, bottom, right, top")
        return self


class Freeboard(Model, GriddedValues):
    """Sea-ice freeboard (ATL10), or height (ATL07), on a grid, by time."""

    grid: FreeboardGrid = key(FreeboardGrid(), "the grid")
    statistics: Listed[Statistic]
    weighting: Weighting  # type: ignore[valid-type]
    atl20: Listed[str] = key(
        (), "ATL20 files of one's own whose months are compared with ours; needs the grid of ATL20 and bins: [month]"
    )

    @field_validator("bins")
    @classmethod
    def _shortest_first(cls, value):
        return tuple(name for name in get_args(Bin) if name in value)

    @property
    def histogram_width(self) -> float:
        """Return the width of the histogram's levels in metres, 0 where no histogram is kept."""
        needed = any(row is not None and row.histogram for row in map(statistic, self.statistics))
        return self.level_width or (0.01 if needed else 0.0)

    def stated(self) -> dict[str, Any]:
        """Return every key and the width of the histogram, which enter the stamp of what is gridded."""
        return self.model_dump(mode="json") | {"histogram_width": self.histogram_width}


class Mass(Model):
    """How volume becomes mass, if it may."""

    kind: Literal["glacier", "ice_sheet"] = key(..., "glacier: one density; ice_sheet: only with firn and GIA rasters")
    density: float = key(GLACIER_DENSITY, "volume to mass of a glacier (Huss 2013)", unit="kg m-3", gt=0, le=1000)
    density_sigma: float = key(GLACIER_DENSITY_SIGMA, "its standard error", unit="kg m-3", ge=0, le=500)
    firn: str | None = key(None, "raster of the change of firn air content (ice sheets)", unit="m")
    gia: str | None = key(None, "raster of glacial isostatic adjustment (ice sheets)", unit="m/yr")
    floating: str | None = key(
        None, "one of `regions` whose ice floats: its mass is by buoyancy, and all other sums are without it"
    )

    @model_validator(mode="after")
    def _both_rasters(self):
        if (self.firn is None) != (self.gia is None):
            raise ValueError("firn and gia go together; give both rasters, or neither and get volume only")
        return self

    @model_validator(mode="after")
    def _readable(self, info: ValidationInfo):
        check_rasters(info, {"firn": (self.firn, None), "gia": (self.gia, None)})
        return self

    @property
    def allowed(self) -> bool:
        """Return whether a mass may be given at all."""
        return self.kind == "glacier" or self.firn is not None


class Figures(Model):
    """How figures look, and which."""

    preset: Preset = key("copernicus", "widths and fonts of a publisher")
    formats: Listed[Format] = key(("pdf", "png"), "file formats", min_length=1)
    names: Listed[str] | None = key(None, "only these figures; all that the products allow where not given")
    compose: dict[Word, Listed[Listed[str]]] = key(
        {}, "figures composed of others, rows of names: {story: [[extent, height_change_focus], [surface, surface]]}"
    )
    tiles: str | None = key(
        None,
        "raster that make tiles_<study> cuts, as velocity/maps/v0.tif; mean speed or height change where not given",
    )
    coastline: str | None = key(
        None, "a vector file with land for polar maps and the extent; land of Natural Earth where not given"
    )

    @field_validator("compose")
    @classmethod
    def _whole(cls, value):
        for name, rows in value.items():
            if not rows or not all(rows):
                raise ValueError(f"{name} has an empty row; write a figure's name in each")
            if any(part.startswith("composed_") for row in rows for part in row):
                raise ValueError(f"{name} holds a composed figure; name the figures themselves")
            if len(set(names := [part for row in rows for part in dict.fromkeys(row)])) < len(names):
                raise ValueError(f"{name} names a figure in two rows; a panel spans columns of one row alone")
        return value

    @property
    def composed(self) -> tuple[str, ...]:
        """Return the names of all figures that composed ones are made of."""
        return tuple(name for rows in self.compose.values() for row in rows for name in row)
