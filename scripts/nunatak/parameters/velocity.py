"""Choices of glacier velocity: which image pairs, what cube, and how pairs become velocities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from nunatak.constants import ICE_DENSITY
from nunatak.parameters.choices import AtLeast, Range, Unit

# the fields of an image pair that fit on a grid, `products.itslive.fields.LAYOUT`; a test holds the two together
Variable = Literal["vx", "vy", "v", "v_error", "vr", "va", "chip_size_width", "chip_size_height", "interp_mask"]


@dataclass(frozen=True)
class PairSelection:
    """Which image pairs enter."""

    percent_valid_pixels: Annotated[float, Range(0, 100), Unit("%"), "least share of valid cells"] = 1
    min_separation: Annotated[float, Range(0, 3650), Unit("days"), "least time between the images"] = 1
    max_separation: Annotated[float, Range(above=0, most=3650), Unit("days"), "most time between the images"] = 546
    months: Annotated[tuple[int | str, ...] | None, "only pairs with mid-dates in these months"] = None
    max_per_year: Annotated[int | None, Range(1), "most pairs of a year; all where not given"] = None
    policy: Annotated[
        Literal["spread", "best", "first"], "which of a year's pairs: even in time, most valid cells, or the first"
    ] = "spread"
    platforms: Annotated[
        tuple[str, ...], "all, or satellites such as LC08, S1A, S2B, or groups L45, L7, L89, S1, S2, NISAR"
    ] = ("all",)
    geometry: Annotated[
        Literal["same", "cross", "any"],
        "pairs of one frame (or that tell none), of different ones (before June 2013 of lower quality), or any",
    ] = "same"
    projections: Annotated[
        Literal["majority", "all"],
        "majority: only the projection most pairs have; all: the others are rotated into it, as vectors",
    ] = "all"
    percent_valid_in_region: Annotated[
        float,
        Range(0, 100),
        Unit("%"),
        "least share of the region's own cells with a velocity; every pair is read to tell",
    ] = 0
    variables: Annotated[tuple[Variable, ...], AtLeast(1), "what the cube holds; vx and vy always"] = (
        "vx",
        "vy",
        "v",
        "v_error",
    )


@dataclass(frozen=True)
class VelocitySource:
    """Which of ITS_LIVE's products velocities are made from."""

    source: Annotated[
        Literal["pairs", "datacubes", "mosaics"],
        "pairs: granules of image pairs, fetched whole; datacubes: the same pairs, read by slice out of ITS_LIVE's "
        "Zarr stores; mosaics: ITS_LIVE's own annual velocities, a window of each",
    ] = "pairs"
    cells: Annotated[
        Literal["region", "points"],
        "cells of datacubes that are read: the region's, or those around the study's points and along its gates alone",
    ] = "region"
    keep_cube: Annotated[
        bool, "keep a copy of the layers of datacubes as velocity/cube.zarr, as pairs have; else values are streamed"
    ] = False


@dataclass(frozen=True)
class CubeForm:
    """How a cube of image pairs is made and kept."""

    ice: Annotated[
        str | None,
        "outline of the ice, one of `regions` or `region`: values whose search chip reaches beyond it are left out",
    ] = None
    margin: Annotated[
        float | Literal["chip"],
        Range(0, 20000),
        Unit("m"),
        "how far inside `ice` values begin: half of their search chip, or a distance",
    ] = "chip"
    crs: Annotated[str | None, "coordinate system of the cube; the one most pairs have where not given"] = None
    cell: Annotated[
        float | None,
        Range(above=0, most=10000),
        Unit("m"),
        "cell size of the cube, along with crs; the one most pairs have where not given",
    ] = None
    chunks: Annotated[Literal["map", "series"], "which way the cube is read fast: whole maps, or series of a cell"] = (
        "map"
    )
    zarr_format: Annotated[Literal[2, 3], "format of the cube; 2 for older readers and GDAL"] = 3


@dataclass(frozen=True)
class Flowline:
    """A line that follows the flow from a point."""

    start: Annotated[tuple[float, float], Unit("degrees"), "longitude and latitude it goes through"]
    step: Annotated[float, Range(above=0, most=0.5), Unit("cells"), "length of a step"] = 0.5
    min_speed: Annotated[float, Range(0, 20000), Unit("m/yr"), "it ends where the ice is slower"] = 10.0
    max_length: Annotated[float, Range(above=0, most=5000000), Unit("m"), "longest way up and down"] = 500000.0


@dataclass(frozen=True)
class Gate:
    """
    A line that the ice flows through.

    Flow to the right of the line as it is drawn is positive.
    """

    lonlat: Annotated[tuple[tuple[float, float], ...], Unit("degrees"), "its points, [longitude, latitude] each"]
    step: Annotated[float, Range(above=0, most=100000), Unit("m"), "length of the pieces that are added up"] = 60.0
    thickness: Annotated[
        str | float | None,
        Unit("m"),
        "ice thickness, a raster (GeoTIFF, NetCDF, netcdf:FILE:VARIABLE) or a number; without it the gate gives "
        "the area of ice per year only",
    ] = None
    variable: Annotated[str | int | None, "variable of the thickness file, or number of its band"] = None
    thickness_sigma: Annotated[
        str | float | None, Unit("m"), "its standard error, a raster or one number; 10 % where not given"
    ] = None
    sigma_variable: Annotated[str | int | None, "variable of the file of the error, or number of its band"] = None
    density: Annotated[float, Range(above=0, most=1000), Unit("kg m-3"), "density of the ice"] = ICE_DENSITY
    density_sigma: Annotated[float, Range(0, 500), Unit("kg m-3"), "its standard error"] = 0.0


@dataclass(frozen=True)
class AnnualFit:
    """How image pairs become annual velocities."""

    method: Annotated[Literal["lsq", "mean", "median"], "least squares on displacements, weighted mean, or median"] = (
        "lsq"
    )
    seasonal: Annotated[bool, "fit a seasonal cycle with the annual means (lsq)"] = True
    trend_inside: Annotated[bool, "let the velocity follow the trend inside each year (lsq); ITS_LIVE: false"] = True
    year_start: Annotated[
        int, "month a year begins with; a year that does not begin in January is named after its end"
    ] = 1
    minimum_pairs: Annotated[int, Range(1, 10000), "fewest pairs of a cell, after the filters (lsq)"] = 30
    error_limit: Annotated[
        tuple[float, float] | None,
        "[a, b]: no annual velocity where its error is above a m/yr + b times the mean speed; null: any",
    ] = (100.0, 0.1)  # ITS_LIVE's itslive_flowline.m
    v0_years: Annotated[
        tuple[int, int] | None,
        "first and last year of the mean speed and of its trend; of the study and of all pairs where not given",
    ] = None
    image_sigma: Annotated[
        float,
        Range(0, 1000),
        Unit("m"),
        "position error of one image, shared by its pairs (lsq); 0 takes pairs as independent",
    ] = 0.0
    strain_length: Annotated[
        float | None,
        Range(above=0, most=100000),
        Unit("m"),
        "strain rates are differences over this length to either side; 4 cells where not given",
    ] = None


@dataclass(frozen=True)
class Inversion:
    """How image pairs become a regular series of velocities, in every cell."""

    step_days: Annotated[float, Range(above=0, most=3650), Unit("days"), "length of an interval"] = 30.0
    smoothness: Annotated[
        float | None,
        Range(above=0, most=10000),
        Unit("m/yr"),
        "standard deviation of the change between intervals; chosen from the pairs where not given",
    ] = None
    robust: Annotated[bool, "weigh outliers down"] = True
    image_sigma: Annotated[float, Range(0, 1000), Unit("m"), "position error of one image, shared by its pairs"] = 0.0
    minimum: Annotated[int, Range(1, 10000), "fewest pairs of a cell"] = 5
