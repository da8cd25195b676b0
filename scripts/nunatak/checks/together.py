"""Every check of a study, from its results, what lies behind them, and the truth where granules are simulated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyproj

from nunatak import elevation as heights_of
from nunatak.checks import (
    crossovers_and_repeats,
    drawn,
    dynamics,
    dynamics_lines,
    dynamics_truth,
    elevation,
    flow,
    freeboard,
    gridded,
    originals,
    photons,
    points,
    record,
    regions,
    releases,
    study,
    tracks,
    truth,
    velocity,
    velocity_truth,
)
from nunatak.geometry.grid import Grid
from nunatak.study.parts import typed
from nunatak.study.period import Period


@dataclass
class Sources:
    """
    The data behind the results of a study.

    Where something of it is not on this machine, its checks do not apply.
    """

    height_change: Callable[..., Any] | None = None
    """function of resolution, bounds and lag that reads granules of ATL15 again, see `originals.height_change`"""
    surface: Callable[..., Any] | None = None
    """function of bounds that reads granules of ATL14 again"""
    record: Callable[..., Any] | None = None
    """function of bounds that reads months of ITS_LIVE's height change again"""
    bed: Callable[..., Any] | None = None
    """function of x, y and their CRS that reads BedMachine around points again"""
    cube: Any = None
    """Dataset of image pairs"""
    sums: Any = None
    """Accumulators of sea ice"""
    all_sums: bool = False
    """whether these are of all granules"""
    sea_ice: tuple[str, Any] | None = None
    """(id, table) of one granule of sea ice read again, see `gridded.checks`"""
    sea_ice_ledger: Any = None
    """what came of every granule of sea ice when it was read"""
    projections: Mapping[str, bool] = field(default_factory=dict)
    """name of every raster: whether it lies where the grid lies that it was written from"""
    bands: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """name of a raster or of a folder of them: name of each file without its ending: a function that reads its bands"""
    sidecars: Mapping[str, Any] = field(default_factory=dict)
    """what each figure says of itself"""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the files that figures name"""


@dataclass
class Study:
    """What checks are given: results, what lies behind them, the truth's world and the study's keys."""

    results: Any
    """Opened"""
    sources: Sources
    world: Mapping[str, Any] | None
    settings: Mapping[str, Any]


def find(results, sources, *, world=None, settings=None, among=None):
    """
    Return every check of a study.

    Parameters
    ----------
    results : Opened
    sources : Sources
    world : mapping of what `simulation.world` takes, None for real granules
    settings : mapping of the study's keys, with their defaults
    among : names of results; checks that look at none of them are left out. Default: all checks
    """
    given, found = Study(results, sources, world, settings or {}), []
    for looked_at, checks in _TOPICS:
        if among is None or set(looked_at) & set(among) or not looked_at:
            found += checks(given)
    return found


def count_values(results):
    """Count the finite values of each result that says whether a study found anything."""
    fitted = {
        "repeat_pairs": "repeat_pairs",
        "heights": "heights",
        "heights_compared": "fitted_heights",
        "rates": "rates",
    }
    counts = {name: len(results[key]) for key, name in fitted.items() if key in results}
    counts |= {f"change/{name}": int(layer["delta_h"].notnull().sum()) for name, (layer, _) in results.layers.items()}
    for name, group in results.get("freeboard", {}).items():
        values = group["count"].where(group["count"] > 0) if "count" in group else _a_map(group)
        counts[f"freeboard/{name}"] = int(values.notnull().sum())
    for key, name in (("annual", "v"), ("surface", "h"), ("record", "delta_h")):
        if key in results:
            counts[key] = int(results[key][name].notnull().sum())
    return counts


def _a_map(group):
    """Return the first variable of a Dataset that lies on the grid."""
    return next(values for values in group.data_vars.values() if {"y", "x"} <= set(values.dims))


def _grids(results):
    """Check the grids a study has."""
    layers = results.layers
    systems = {f"height_change.nc/{name}": change.attrs["crs"] for name, (change, _) in layers.items()}
    if "surface" in results:
        systems["surface.nc"] = results["surface"].attrs["crs"]
    return ([elevation.one_crs(systems)] if systems else []) + (study.layer_checks(layers) if layers else [])


def _tables(given):
    """Check the regions' volumes, and against the truth."""
    results = given.results
    if not results.layers:
        return []
    table = results["region_change"]
    found = study.region_checks(table)
    if given.world:
        finest = Grid.of(next(iter(results.layers.values()))[0])
        floating = regions.floating_of(given.settings.get("mass"))
        found += study.truth_checks(table, results["regions"], given.world, finest, floating)
        found += study.grid_truth(results.layers, given.world)
    return found


def _pairs(results):
    """Check repeat pairs."""
    if "repeat_pairs" not in results:
        return []
    return elevation.repeat_pairs(results["repeat_pairs"], results.get("repeat_counts"))


def _photons(results, world):
    """Check fitted heights beside other products, and against the truth."""
    found = photons.checks(results)
    if "heights_compared" in results:
        table = results["heights_compared"]
        found += photons.beside_atl06(table) + (photons.against_truth(table, world) if world else [])
        found.append(releases.of_places("atl06sr_less_atl06/one_release", table, len(table)))
    if "heights_at_points" in results:
        table = results["heights_at_points"]
        found += photons.beside_atl11(table)
        found.append(releases.of_places("atl06sr_less_atl11/one_release", table, len(table)))
    return found


def _sea_ice(results, world):
    """Check gridded sea ice, and against the truth."""
    bins = results.get("freeboard")
    if not bins:
        return []
    product = next(iter(bins.values())).attrs["product"]
    bins = {name: dataset for name, dataset in bins.items() if "time_bnds" in dataset}
    known = []
    if world and product == "atl10":
        for name, dataset in bins.items():
            known += freeboard.against_truth(name, dataset, world)
    return [*freeboard.grid_checks(bins, product=product), *known]


def _tracks(results, world):
    """Check heights along tracks: found, rates, crossovers, agreement of products, and against the truth."""
    found = tracks.heights_found(results["heights"]) if "heights" in results else []
    rates = results.get("rates")
    if rates is not None:
        found += [tracks.rates_found(rates), tracks.rates_flagged(rates, simulated=bool(world))]
    if "track_report" in results:
        found.append(tracks.passes_in_line(results["track_report"]))
    if "crossovers" in results:
        for product, rows in results["crossovers"].groupby("product"):
            found.append(tracks.crossover_spread(product, rows, simulated=bool(world)))
            found.append(tracks.crossover_common(product, rows, simulated=bool(world)))
            found.append(releases.of_crossovers(product, rows))
    if "pass_biases" in results:
        found += [releases.of_biases(*part) for part in results["pass_biases"].groupby("product")]
    if "agreement" in results:
        agreement = results["agreement"]
        found.append(tracks.agreement(agreement))
        both = agreement[agreement["compared"] == "ATL06 less ATL11, filtered"]
        n = int(both["n"].max()) if len(both) else 0
        found.append(releases.of_places("atl06_against_atl11/one_release", agreement, n))
    if world and rates is not None:
        found += tracks.rates_against_truth(rates, *on_truth(rates, world))
    if "surface_rates" in results:
        around = results["surface_rates"]
        found += [tracks.surface_rates_found(around), releases.of_centres(around)]
        found += tracks.surface_rates_against_truth(around, *on_truth(around, world)) if world else []
    return found


def on_truth(rates, world):
    """Return the simulated glacier, and x and y of rates on its map."""
    glacier = truth.glacier(**world)
    to_map = pyproj.Transformer.from_crs("EPSG:4326", glacier.crs, always_xy=True)
    return glacier, *to_map.transform(rates["longitude"].to_numpy(), rates["latitude"].to_numpy())


def _drawn_on(name, results):
    """Return what the bands of rasters must be: name of each file to a function that reads its bands."""
    if name == "change_raster":
        layer, rates = next(iter(results.layers.values()))
        mapped = heights_of.change_between(layer, *layer.decimal_year.values[[0, -1]], rates=rates)
        return {"map_change": lambda: [mapped[key].values for key in ("dh", "dh_sigma", "dhdt", "dhdt_sigma")]}
    grid = (
        results["annual"]
        if name == "velocity_maps"
        else [b for b in results["freeboard"].values() if "time_bnds" in b][-1]
    )
    named = ("v", "v_error", "vx", "vy", "count", "v_mean", "v0") if name == "velocity_maps" else set(grid.data_vars)
    held = [key for key in named if key in grid and {"y", "x"} <= set(grid[key].dims)]
    return {key: (lambda key=key: grid[key].copy(deep=False).values) for key in held}


def _originals(given):
    """Check windows of the gridded products, read again."""
    settings, results = given.settings, given.results
    period = typed(Period, settings["period"]) if "period" in settings else None
    found = originals.height_change(results.layers, given.sources.height_change, period)
    return found + ([originals.surface(results["surface"], given.sources.surface)] if "surface" in results else [])


def _record(given):
    """Check the long record, and against the truth."""
    glacier = truth.glacier(**given.world) if given.world else None
    return record.checks(given.results, given.settings, read=given.sources.record, glacier=glacier)


def _velocity(given):
    """Check annual velocities and what is made of them."""
    results = given.results
    if "annual" not in results:
        return []
    found = velocity.composite_checks(results["annual"], results.get("image_pairs"))
    found += flow.checks(results, given.settings, given.sources.cube)
    return found + (velocity_truth.against_truth(results["annual"], given.world) if given.world else [])


def _together(given):
    """Check elevation and velocity along flowlines, of regions by year and of lags."""
    return dynamics_lines.checks(given.results, dynamics_lines.record_of(given.results))


def _dynamics(given):
    """Check what joins elevation and velocity, and against the truth."""
    record = dynamics_lines.record_of(given.results)
    found = dynamics.checks(given.results, given.settings, record, given.sources.bed)
    return found + (dynamics_truth.checks(given.results, given.world, given.settings) if given.world else [])


def _rasters(given):
    """Check the rasters for a GIS."""
    sources = given.sources
    found = [study.raster_projection(sources.projections)] if sources.projections else []
    return found + [
        originals.maps(name, bands, _drawn_on(name, given.results)) for name, bands in sources.bands.items()
    ]


# what each topic's checks look at, and the checks; those that look at all results come last
_TOPICS: tuple[tuple[tuple[str, ...], Callable[[Study], list]], ...] = (
    (("change", "surface"), lambda given: _grids(given.results)),
    (
        ("change", "region_change", "regions"),
        _tables,
    ),
    (
        ("change", "surface", "regions", "region_change", "change_by_elevation", "transects"),
        lambda given: regions.checks(given.results, given.settings),
    ),
    (("change", "surface"), _originals),
    (("record", "record_change"), _record),
    (("repeat_pairs", "repeat_counts"), lambda given: _pairs(given.results)),
    (
        ("heights_compared", "heights_at_points", "photon_segments", "photon_cloud"),
        lambda given: _photons(given.results, given.world),
    ),
    (("freeboard",), lambda given: _sea_ice(given.results, given.world)),
    (
        ("freeboard", "freeboard_series", "freeboard_distribution", "regions"),
        lambda given: gridded.checks(given.results, given.settings, given.sources),
    ),
    (
        ("heights", "rates", "track_report", "crossovers", "pass_biases", "agreement", "surface_rates"),
        lambda given: _tracks(given.results, given.world),
    ),
    (
        ("change", "rates", "rates_map", "track_report", "heights", "track", "tracks"),
        lambda given: points.checks(given.results, given.settings),
    ),
    (
        (
            *("change", "surface", "crossovers", "pass_biases", "repeat_pairs", "repeat_counts"),
            *("surface_rates", "filters", "agreement"),
        ),
        lambda given: crossovers_and_repeats.checks(given.results, given.settings),
    ),
    (
        (
            *("annual", "image_pairs", "image_pair", "strain", "speeds", "velocity_series"),
            *("flowline", "gates", "inverted", "regions", "source_agreement", "source_difference"),
        ),
        _velocity,
    ),
    (
        ("thickness", "discharge", "gate_sections", "dynamics", "budget"),
        _dynamics,
    ),
    (("flowline_years", "basin_years", "lags"), _together),
    ((), _rasters),
    ((), lambda given: drawn.checks(given.results, given.sources.sidecars, given.sources.hashes)),
    ((), lambda given: study.values_found(count_values(given.results))),
)
