"""
The table of results: every file a study can make, below its folder, when it makes it, and how it is read.

Conditions take a `study.Study`, whose room lies above this one and asks this table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from nunatak.granules.products import products_with

Study = Any  # a `study.Study`


class Result(NamedTuple):
    """A file of a study's results."""

    path: str
    """below the study's folder"""
    made: Callable[[Study], bool]
    """whether a study makes it"""
    read: str = ""
    """module:function that reads it, below `nunatak`, such as files.tables:read_csv"""


def has(*products) -> Callable:
    """Return the condition that a study asks for all of these products."""
    return lambda study: all(product in study.products for product in products)


def has_any(*products) -> Callable:
    """Return the condition that a study asks for any of these products."""
    return lambda study: any(product in study.products for product in products)


def _compares(study):
    """Return whether a study has another product to compare ATL11 with."""
    return has("atl11", "atl06")(study) or has("atl11", "atl14", "atl15")(study)


def _fits(study):
    """Return whether a study fits lines to photons and keeps all columns."""
    asked = study.products.atl06sr
    return asked is not None and not asked.compact and asked.als is None


def has_dynamics(study: Any) -> bool:
    """
    Return whether a study joins velocity with a thickness.

    Parameters
    ----------
    study : Study, the study as it was loaded
    """
    return study.dynamics is not None


def has_thinning(study: Any) -> bool:
    """
    Return whether a study joins velocity and thickness with height change, too.

    Parameters
    ----------
    study : Study, the study as it was loaded
    """
    return has_dynamics(study) and has_any("atl15", "itslive_elevation")(study)


def is_local(study: Any) -> bool:
    """
    Return whether the photons of the fitted heights are here.

    Parameters
    ----------
    study : Study, the study as it was loaded
    """
    return study.products.atl06sr.engine == "local"


def has_features(study: Any) -> bool:
    """
    Return whether a study samples many features in a result that it makes.

    Parameters
    ----------
    study : Study, the study as it was loaded
    """
    return study.features is not None and (has_any("itslive", "atl15", "atl11")(study) or study.sea_ice is not None)


# products of heights along tracks over land ice
HEIGHTS = products_with(land_ice=True)


def has_pairs(study):
    """Whether a study's velocities come from single image pairs, out of granules or datacubes."""
    return "itslive" in study.products and study.products.itslive.source != "mosaics"


RESULTS = {
    "regions": Result("regions.geojson", lambda study: True, read="geometry.outlines:read_outlines"),
    "change": Result("atl15/height_change.nc", has("atl15"), read="results.reading:read_height_change"),
    "region_change": Result("atl15/region_change.csv", has("atl15"), read="results.reading:region_change"),
    "change_by_elevation": Result(
        "atl15/change_by_elevation.csv", has("atl15"), read="results.reading:change_by_elevation"
    ),
    "record": Result("elevation/record.nc", has("itslive_elevation"), read="results.reading:read_record"),
    "record_change": Result("elevation/record_change.csv", has("itslive_elevation"), read="files.tables:read_csv"),
    "record_series": Result("elevation/record_series.csv", has("itslive_elevation"), read="results.reading:series"),
    "transects": Result(
        "elevation/transects.nc",
        lambda study: "atl15" in study.products and bool(study.transects),
        read="results.reading:sections",
    ),
    "surface": Result("atl14/surface.nc", has("atl14"), read="results.reading:read_map"),
    "heights": Result("elevation/heights.parquet", has_any(*HEIGHTS), read="files.tables:read_table"),
    "tracks": Result("elevation/tracks.csv", has_any("atl06", "atl11"), read="files.tables:read_csv"),
    "track": Result("elevation/track.parquet", has_any("atl06", "atl11"), read="files.tables:read_table"),
    "rates": Result("atl11/rates.parquet", has("atl11"), read="files.tables:read_table"),
    "rates_map": Result("atl11/rates_map.nc", has("atl11"), read="results.reading:read_map"),
    "track_report": Result("atl11/track_report.csv", has("atl11"), read="files.tables:read_csv"),
    "crossovers": Result("elevation/crossovers.parquet", has_any("atl06", "atl11"), read="files.tables:read_table"),
    "surface_rates": Result(
        "elevation/surface_rates.parquet", lambda study: study.surface_rates is not None, read="files.tables:read_table"
    ),
    "pass_biases": Result(
        "elevation/pass_biases.csv", lambda study: study.pass_biases is not None, read="files.tables:read_csv"
    ),
    "agreement": Result("elevation/agreement.csv", _compares, read="files.tables:read_csv"),
    "filters": Result("elevation/filters.csv", _compares, read="files.tables:read_csv"),
    "repeat_pairs": Result(
        "elevation/repeat_pairs.parquet",
        lambda study: "atl06" in study.products and len(study.chunks("atl06")) > 1,
        read="files.tables:read_table",
    ),
    "repeat_counts": Result(
        "elevation/repeat_counts.csv",
        lambda study: "atl06" in study.products and len(study.chunks("atl06")) > 1,
        read="files.tables:read_csv",
    ),
    "heights_compared": Result(
        "atl06sr/comparison_atl06.parquet",
        lambda study: _fits(study) and has("atl06")(study),
        read="files.tables:read_table",
    ),
    "heights_at_points": Result(
        "atl06sr/comparison_atl11.parquet",
        lambda study: _fits(study) and has("atl11")(study),
        read="files.tables:read_table",
    ),
    "photon_cloud": Result(
        "atl06sr/cloud.parquet", lambda study: _fits(study) and is_local(study), read="files.tables:read_table"
    ),
    "photon_segments": Result(
        "atl06sr/cloud_segments.parquet", lambda study: _fits(study) and is_local(study), read="files.tables:read_table"
    ),
    "freeboard": Result(
        "freeboard/grid.nc", lambda study: study.sea_ice is not None, read="results.reading:read_freeboard"
    ),
    "freeboard_series": Result(
        "freeboard/series.csv", lambda study: study.sea_ice is not None, read="results.reading:freeboard_table"
    ),
    # without a histogram it has a header alone, and no figure is drawn from it
    "freeboard_distribution": Result(
        "freeboard/distribution.csv", lambda study: study.sea_ice is not None, read="results.reading:freeboard_table"
    ),
    "image_pairs": Result("velocity/pairs.parquet", has("itslive"), read="files.tables:read_table"),
    "image_pair": Result("velocity/pair.nc", has("itslive"), read="results.reading:read_map"),
    "annual": Result("velocity/annual.nc", has("itslive"), read="results.reading:read_map"),
    "strain": Result("velocity/strain.nc", has("itslive"), read="results.reading:read_map"),
    "speeds": Result("velocity/speeds.csv", has_pairs, read="files.tables:read_csv"),
    "source_agreement": Result(
        "velocity/agreement.csv", has("itslive", "itslive_mosaic"), read="files.tables:read_csv"
    ),
    "source_difference": Result(
        "velocity/agreement.nc", has("itslive", "itslive_mosaic"), read="results.reading:read_map"
    ),
    "velocity_series": Result(
        "velocity/series.parquet",
        lambda study: has("itslive")(study) and bool(study.points),
        read="files.tables:read_table",
    ),
    "flowline": Result(
        "velocity/flowline.parquet",
        lambda study: has("itslive")(study) and bool(study.flowlines),
        read="files.tables:read_table",
    ),
    "gates": Result(
        "velocity/gates.csv", lambda study: has("itslive")(study) and bool(study.gates), read="files.tables:read_csv"
    ),
    "inverted": Result(
        "velocity/inverted.nc",
        lambda study: has("itslive")(study) and study.invert is not None,
        read="results.reading:read_map",
    ),
    "thickness": Result("dynamics/thickness.nc", has_dynamics, "results.reading:read_map"),
    "discharge": Result("dynamics/gates.csv", has_dynamics, "files.tables:read_csv"),
    "gate_sections": Result("dynamics/gate_sections.parquet", has_dynamics, "files.tables:read_table"),
    "dynamics": Result("dynamics/dynamics.nc", has_thinning, "results.reading:read_map"),
    "budget": Result(
        "dynamics/budget.csv", lambda study: has_thinning(study) and bool(study.dynamics.boxes), "files.tables:read_csv"
    ),
    "flowline_years": Result(
        "dynamics/flowline_years.parquet",
        lambda study: has_dynamics(study) and bool(study.flowlines),
        "files.tables:read_table",
    ),
    "basin_years": Result("dynamics/basin_years.csv", has_thinning, "files.tables:read_csv"),
    "lags": Result("dynamics/lags.csv", has_thinning, "files.tables:read_csv"),
    "features": Result("features/features.csv", has_features, "files.tables:read_csv"),
    "feature_series": Result("features/series.parquet", has_features, "files.tables:read_table"),
    "feature_rates": Result("features/rates.csv", has_features, "files.tables:read_csv"),
}

# results that nothing else is made from, or that only the rule after them reads
FURTHER = {
    "change_raster": Result("atl15/map_change.tif", has("atl15")),
    "freeboard_maps": Result("freeboard/maps", lambda study: study.sea_ice is not None),
    "layers": Result(
        "velocity/layers", lambda study: "itslive" in study.products and study.products.itslive.source == "datacubes"
    ),
    "cube": Result("velocity/cube.zarr", lambda study: "itslive" in study.products and study.products.itslive.has_cube),
    "velocity_maps": Result("velocity/maps", has("itslive")),
    "geopackage": Result("velocity/flow.gpkg", lambda study: has("itslive")(study) and study.geopackage),
    "velocity_series_csv": Result("velocity/series.csv", lambda study: has("itslive")(study) and bool(study.points)),
    "flowline_csv": Result("velocity/flowline.csv", lambda study: has("itslive")(study) and bool(study.flowlines)),
}

# those of them that are rasters for a GIS: a GeoTIFF, or a folder of them
RASTERS = ("change_raster", "freeboard_maps", "velocity_maps")
