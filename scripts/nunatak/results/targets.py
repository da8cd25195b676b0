"""
Which files a study makes: its results by name, what each figure is drawn from, which notebooks it gets.

A room that adds a result, a figure or a notebook adds a line here; the rules ask this table and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from nunatak.granules.products import products_with
from nunatak.study import Study
from nunatak.study.products import Products
from nunatak.study.sections import FIGURES as SHOWN


class Result(NamedTuple):
    """A file below a study's folder of results, and whether the study makes it."""

    path: str
    made: Callable[[Study], bool]


def _has(*products):
    """Whether a study asks for all of these products."""
    return lambda study: all(product in study.products for product in products)


def _has_any(*products):
    """Whether a study asks for any of these products."""
    return lambda study: any(product in study.products for product in products)


def _compares(study):
    """Whether a study has another product to hold ATL11 against."""
    return _has("atl11", "atl06")(study) or _has("atl11", "atl14", "atl15")(study)


def _fits(study):
    """Whether a study fits lines to photons and keeps all columns."""
    asked = study.products.atl06sr
    return asked is not None and not asked.compact and asked.als is None


def _is_local(study):
    """Whether the photons of the fitted heights are here."""
    return study.products.atl06sr.engine == "local"


# products of heights along tracks over land ice
HEIGHTS = products_with(land_ice=True)

RESULTS = {
    "regions": Result("regions.geojson", lambda study: True),
    "change": Result("atl15/height_change.nc", _has("atl15")),
    "region_change": Result("atl15/region_change.csv", _has("atl15")),
    "change_by_elevation": Result("atl15/change_by_elevation.csv", _has("atl15")),
    "transects": Result("elevation/transects.nc", lambda study: "atl15" in study.products and bool(study.transects)),
    "surface": Result("atl14/surface.nc", _has("atl14")),
    "heights": Result("elevation/heights.parquet", _has_any(*HEIGHTS)),
    "tracks": Result("elevation/tracks.csv", _has_any("atl06", "atl11")),
    "track": Result("elevation/track.parquet", _has_any("atl06", "atl11")),
    "rates": Result("atl11/rates.parquet", _has("atl11")),
    "rates_map": Result("atl11/rates_map.nc", _has("atl11")),
    "track_report": Result("atl11/track_report.csv", _has("atl11")),
    "crossovers": Result("elevation/crossovers.parquet", _has_any("atl06", "atl11")),
    "agreement": Result("elevation/agreement.csv", _compares),
    "filters": Result("elevation/filters.csv", _compares),
    "repeat_pairs": Result(
        "elevation/repeat_pairs.parquet", lambda study: "atl06" in study.products and len(study.chunks("atl06")) > 1
    ),
    "repeat_counts": Result(
        "elevation/repeat_counts.csv", lambda study: "atl06" in study.products and len(study.chunks("atl06")) > 1
    ),
    "heights_compared": Result("atl06sr/comparison_atl06.parquet", lambda study: _fits(study) and _has("atl06")(study)),
    "heights_at_points": Result(
        "atl06sr/comparison_atl11.parquet", lambda study: _fits(study) and _has("atl11")(study)
    ),
    "photon_cloud": Result("atl06sr/cloud.parquet", lambda study: _fits(study) and _is_local(study)),
    "photon_segments": Result("atl06sr/cloud_segments.parquet", lambda study: _fits(study) and _is_local(study)),
    "freeboard": Result("freeboard/grid.nc", lambda study: study.sea_ice is not None),
    "freeboard_series": Result("freeboard/series.csv", lambda study: study.sea_ice is not None),
    # without a histogram it has a header alone, and no figure is drawn from it
    "freeboard_distribution": Result("freeboard/distribution.csv", lambda study: study.sea_ice is not None),
    "image_pairs": Result("velocity/pairs.parquet", _has("itslive")),
    "image_pair": Result("velocity/pair.nc", _has("itslive")),
    "annual": Result("velocity/annual.nc", _has("itslive")),
    "strain": Result("velocity/strain.nc", _has("itslive")),
    "speeds": Result("velocity/speeds.csv", _has("itslive")),
    "velocity_series": Result("velocity/series.parquet", lambda study: _has("itslive")(study) and bool(study.points)),
    "flowline": Result("velocity/flowline.parquet", lambda study: _has("itslive")(study) and bool(study.flowlines)),
    "gates": Result("velocity/gates.csv", lambda study: _has("itslive")(study) and bool(study.gates)),
    "inverted": Result("velocity/inverted.nc", lambda study: _has("itslive")(study) and study.invert is not None),
}

# results that nothing else is made from, or that only the rule after them reads
FURTHER = {
    "change_raster": Result("atl15/map_change.tif", _has("atl15")),
    "freeboard_maps": Result("freeboard/maps", lambda study: study.sea_ice is not None),
    "cube": Result("velocity/cube.zarr", _has("itslive")),
    "velocity_maps": Result("velocity/maps", _has("itslive")),
    "geopackage": Result("velocity/flow.gpkg", lambda study: _has("itslive")(study) and study.geopackage),
    "velocity_series_csv": Result("velocity/series.csv", lambda study: _has("itslive")(study) and bool(study.points)),
    "flowline_csv": Result("velocity/flowline.csv", lambda study: _has("itslive")(study) and bool(study.flowlines)),
}

# those of them that are rasters for a GIS: a GeoTIFF, or a folder of them
RASTERS = ("change_raster", "freeboard_maps", "velocity_maps")

# what each figure is drawn from, beside the outlines and the granule tables; those a study lacks are left out
FIGURES: dict[str, tuple[str, ...]] = {
    "extent": ("change",),
    "height_change_region": ("change",),
    "height_change_focus": ("change",),
    "height_change_series": ("region_change",),
    "change_by_elevation": ("change_by_elevation",),
    "transect": ("change", "transects", "rates"),  # every transect_<name>
    "surface": ("surface",),
    "heights": ("change", "heights"),
    "repeat_pair": ("repeat_pairs",),
    "tracks": ("change", "tracks", "track", "rates"),
    "atl11_track": ("change", "track"),
    "atl11_profile": ("track",),
    "atl06_track": ("change", "track"),
    "atl06_profile": ("track",),
    "atl06_vs_atl11": ("track",),
    "atl06_vs_atl11_unfiltered": ("track",),
    "dhdt_points": ("change", "rates"),
    "dhdt_map_vs_atl15": ("change", "rates", "rates_map"),
    "crossovers": ("change", "crossovers"),
    "photons_fit": ("photon_cloud", "photon_segments"),
    "atl06sr_vs_atl06": ("heights_compared",),
    "freeboard_mean": ("freeboard",),
    "freeboard_std": ("freeboard",),
    "freeboard_count": ("freeboard",),
    "freeboard_series": ("freeboard_series",),
    "freeboard_distribution": ("freeboard_distribution",),
    "freeboard_anomaly": ("freeboard",),
    "freeboard_difference": ("freeboard",),
    "granules_per_year": ("image_pairs",),
    "pairs_summary": ("image_pairs",),
    "pair_timeline": ("image_pairs",),
    "pair": ("image_pair",),
    "speed_map": ("annual", "flowline"),
    "speed_histogram": ("speeds",),
    "speed_annual": ("annual",),
    "speed_change": ("annual",),
    "speed_series": ("velocity_series",),
    "flowline_speed": ("flowline",),
    "seasonal_amplitude_phase": ("annual",),
    "strain": ("strain", "annual"),
}

# the notebook of each topic, and the results any of which it speaks of
TOPICS = {
    "elevation_change": ("change", "surface", "repeat_pairs"),
    "along_track": ("track",),
    "photons": ("photon_cloud",),
    "freeboard": ("freeboard",),
    "velocity": ("annual",),
}

# products whose rows along the track are kept as points, a file per chunk
POINTS = products_with(kept="points")

# products whose rows are summed onto a grid, granule by granule, and not kept
SUMMED = products_with(kept="sums")


def is_read(study: Study, product: str) -> bool:
    """Whether a product's granules are read chunk by chunk, so that a ledger says what reading found."""
    extents = product == "atl03" and study.products.atl03 is not None and study.products.atl03.extents
    return product in (*POINTS, *SUMMED, "atl06sr") or extents


def results(study: Study) -> dict[str, str]:
    """The results a study makes: name to path below its folder."""
    return {name: result.path for name, result in RESULTS.items() if result.made(study)}


def rasters(study: Study) -> dict[str, str]:
    """The rasters for a GIS that a study makes: name to path below its folder."""
    return {name: FURTHER[name].path for name in RASTERS if FURTHER[name].made(study)}


def of_chunks(study: Study, product: str) -> tuple[str, ...]:
    """The folders below a product's in which a study keeps one table for every chunk."""
    tables: tuple[str, ...] = ()
    if product in POINTS:
        tables = ("points",)
    elif product in SUMMED:
        tables = ("sums", "levels", "tallies")
    elif product == "atl06sr":
        tables = ("segments",)
    elif is_read(study, product):
        tables = ("extents",)
    fetched = ("ledger",) if product != "atl06sr" or _is_local(study) else ()
    return (*fetched, *(("read",) if is_read(study, product) else ()), *tables)


def everything(study: Study, formats=()) -> list[str]:
    """
    Every table, grid, cube, figure and executed notebook of a study: paths below its folder, sorted.

    `formats` are those of its figures that are drawn for other studies' sake.
    """
    paths = [result.path for result in (*RESULTS.values(), *FURTHER.values()) if result.made(study)]
    for product in study.products:
        paths += [f"{product}/{name}" for name in ("granules.parquet", "left_out.parquet", "counts.csv")]
        for kind in of_chunks(study, product):
            paths += [f"{product}/{kind}/{chunk}.parquet" for chunk in study.chunks(product)]
    formats = sorted({"png", "json", *study.figures.formats, *formats})
    paths += [f"figures/{name}.{suffix}" for name in study.figure_names for suffix in formats]
    paths += [f"{topic}.{suffix}" for topic in topics(study) for suffix in ("html", "ipynb")]
    return sorted([*paths, "checks.json"])


def possible() -> dict[str, list[str]]:
    """What some study makes and another does not: `files` below its folder, `products` and `topics` by name."""
    files = [result.path for result in (*RESULTS.values(), *FURTHER.values())]
    return {"files": files, "products": list(Products.model_fields), "topics": list(TOPICS)}


def drawn_from(study: Study, figure: str) -> dict[str, str]:
    """The results a figure of a study is drawn from, by name."""
    kind = next((kind for kind in FIGURES if figure == kind or figure.startswith(f"{kind}_")), figure)
    kind = figure if figure in FIGURES else kind
    made = results(study)
    return {name: made[name] for name in ("regions", *FIGURES[kind]) if name in made}


def figure_listing(study: Study) -> list[str]:
    """
    List the figures by name with what each shows, as lines of text: those a study draws, then all others.

    Names are what `figures: {names: [..]}` takes.
    """
    shown = {name: words for group in SHOWN.values() for name, words in group.items()}
    lines = ["drawn:"]
    for name in study.figure_names:
        kind = name if name in shown else "transect"
        lines.append(f"  {name:28s} {shown.pop(kind) if kind != 'transect' else shown[kind].partition(': ')[2]}")
    if any(name.startswith("transect_") for name in study.figure_names):
        shown.pop("transect")
    return [*lines, "others, where products and keys of the study allow them:",
            *(f"  {name:28s} {words}" for name, words in shown.items())]


def topics(study: Study) -> list[str]:
    """The notebooks a study gets."""
    made = results(study)
    return [topic for topic, names in TOPICS.items() if any(name in made for name in names)]
