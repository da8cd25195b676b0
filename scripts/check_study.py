"""Hold a study's results against what must be true of them, and against the truth where granules are simulated."""

from pathlib import Path

import pyproj
import xarray as xr

import nunatak.checks.elevation
import nunatak.checks.freeboard
import nunatak.checks.photons
import nunatak.checks.releases
import nunatak.checks.study
import nunatak.checks.tracks
import nunatak.checks.truth
import nunatak.checks.velocity
import nunatak.checks.velocity_truth
from nunatak.files.rasters import has_projection
from nunatak.files.tables import read_csv, read_table
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import read_outlines
from nunatak.results import reading
from nunatak.runtime import job, log

checks = nunatak.checks


def main(inputs, out, *, world):
    """
    Write checks.json; a check that fails does not fail this job, the study's conclusion judges it.

    Parameters
    ----------
    inputs : mapping of regions and the results there are (change, region_change, surface, repeat_pairs,
        repeat_counts, heights_compared, heights_at_points, freeboard, heights, rates, crossovers, agreement, and the
        rasters change_raster, freeboard_maps, velocity_maps) to a path
    world : mapping of what `simulation.world` takes, None for real granules
    """
    layers = {}
    if "change" in inputs:
        layers = {n: reading.read_height_change(inputs["change"], n) for n in reading.resolutions(inputs["change"])}
    pairs = read_table(inputs["repeat_pairs"]) if "repeat_pairs" in inputs else None
    found = [*grid_checks(layers, inputs.get("surface")), *table_checks(inputs, layers, world)]
    if pairs is not None:
        found += checks.elevation.repeat_pairs(
            pairs, read_csv(inputs["repeat_counts"]) if "repeat_counts" in inputs else None
        )
    heights = read_table(inputs["heights_compared"]) if "heights_compared" in inputs else None
    if heights is not None:
        found += checks.photons.beside_atl06(heights) + (checks.photons.against_truth(heights, world) if world else [])
        found.append(checks.releases.of_places("atl06sr_less_atl06/one_release", heights, len(heights)))
    if "heights_at_points" in inputs:
        at_points = read_table(inputs["heights_at_points"])
        found += checks.photons.beside_atl11(at_points)
        found.append(checks.releases.of_places("atl06sr_less_atl11/one_release", at_points, len(at_points)))
    bins = reading.read_freeboard(inputs["freeboard"]) if "freeboard" in inputs else {}
    found += freeboard_checks(bins, world)
    rates = read_table(inputs["rates"]) if "rates" in inputs else None
    heights_seen = read_table(inputs["heights"]) if "heights" in inputs else None
    found += track_checks(inputs, rates, heights_seen, world)
    annual = reading.read_map(inputs["annual"]) if "annual" in inputs else None
    if annual is not None:
        found += checks.velocity.composite_checks(annual, read_table(inputs["image_pairs"]))
        found += checks.velocity_truth.against_truth(annual, world) if world else []
    grids = {
        "change_raster": next((change for change, _ in layers.values()), None),
        "freeboard_maps": next(iter(bins.values()), None),
        "velocity_maps": annual,
    }
    found += raster_checks(inputs, grids)
    tables = {"repeat_pairs": pairs, "heights": heights_seen, "fitted_heights": heights, "rates": rates}
    found += checks.study.values_found(count_values(inputs, layers, tables, bins, annual))
    for check in found:
        log.info("%s %s: %s", "passed" if check.passed else "FAILED", check.name, check.text)
    stated = [change.attrs for change, _ in layers.values()]
    stated += [dataset.attrs for dataset in bins.values()] + ([annual.attrs] if annual is not None else [])
    stated += [table.attrs["attributes"] for table in (pairs, heights, rates, heights_seen) if table is not None]
    if "photon_segments" in inputs:  # what a study of photons alone has
        stated.append(read_table(inputs["photon_segments"]).attrs["attributes"])
    if "surface" in inputs:
        with xr.open_dataset(inputs["surface"], engine="h5netcdf") as file:
            stated.append(dict(file.attrs))
    checks.write_checks(found, out, source=next((about["nunatak_source"] for about in stated), "unknown"))


def count_values(inputs, layers, tables, bins, annual):
    """Finite values of each result that says whether a study found anything."""
    counts = {name: len(table) for name, table in tables.items() if table is not None}
    counts |= {f"change/{name}": int(change["delta_h"].notnull().sum()) for name, (change, _) in layers.items()}
    for name, group in bins.items():
        values = group["count"].where(group["count"] > 0) if "count" in group else _a_map(group)
        counts[f"freeboard/{name}"] = int(values.notnull().sum())
    if annual is not None:
        counts["annual"] = int(annual["v"].notnull().sum())
    if "surface" in inputs:
        with xr.open_dataset(inputs["surface"], engine="h5netcdf") as file:
            counts["surface"] = int(file["h"].notnull().sum())
    return counts


def _a_map(group):
    """The first variable of a Dataset that lies on the grid."""
    return next(values for values in group.data_vars.values() if {"y", "x"} <= set(values.dims))


def grid_checks(layers, surface):
    """Checks of the grids a study has."""
    systems = {f"height_change.nc/{name}": change.attrs["crs"] for name, (change, _) in layers.items()}
    if surface:
        with xr.open_dataset(surface, engine="h5netcdf") as file:
            systems["surface.nc"] = file.attrs["crs"]
    found = [checks.elevation.one_crs(systems)] if systems else []
    return found + (checks.study.layer_checks(layers) if layers else [])


def raster_checks(inputs, grids):
    """Hold the projection of every raster, read back, against that of the grid it was written from."""
    kept = {}
    for name, grid in grids.items():
        if name in inputs and grid is not None:
            path, proj = Path(inputs[name]), pyproj.CRS.from_user_input(grid.attrs["crs"])
            files = sorted(path.glob("*.tif")) if path.is_dir() else [path]
            kept |= {f"{path.name}/{file.name}": has_projection(file, proj) for file in files}
    return [checks.study.raster_projection(kept)] if kept else []


def freeboard_checks(bins, world):
    """Checks of gridded sea ice, and against the truth."""
    if not bins:
        return []
    product = next(iter(bins.values())).attrs["product"]
    bins = {name: dataset for name, dataset in bins.items() if "time_bnds" in dataset}
    longest = list(bins)[-1]
    known = checks.freeboard.against_truth(longest, bins[longest], world) if world and product == "atl10" else []
    return [*checks.freeboard.grid_checks(bins, product=product), *known]


def track_checks(inputs, rates, heights, world):
    """Checks of heights along tracks: found, rates, crossovers, agreement of products, and against the truth."""
    found = checks.tracks.heights_found(heights) if heights is not None else []
    if rates is not None:
        found += [checks.tracks.rates_found(rates), checks.tracks.rates_flagged(rates, simulated=bool(world))]
    if "track_report" in inputs:
        found.append(checks.tracks.passes_in_line(read_csv(inputs["track_report"])))
    crossed = read_table(inputs["crossovers"]) if "crossovers" in inputs else None
    for product, rows in crossed.groupby("product") if crossed is not None else ():
        found.append(checks.tracks.crossover_spread(product, rows, simulated=bool(world)))
        found.append(checks.tracks.crossover_common(product, rows, simulated=bool(world)))
        found.append(checks.releases.of_crossovers(product, rows))
    biases = read_csv(inputs["pass_biases"]) if "pass_biases" in inputs else None
    found += [checks.releases.of_biases(*part) for part in biases.groupby("product")] if biases is not None else []
    if "agreement" in inputs:
        agreement = read_csv(inputs["agreement"])
        found.append(checks.tracks.agreement(agreement))
        both = agreement[agreement["compared"] == "ATL06 less ATL11, filtered"]
        found.append(
            checks.releases.of_places(
                "atl06_against_atl11/one_release", agreement, int(both["n"].max()) if len(both) else 0
            )
        )
    if world and rates is not None:
        found.append(checks.tracks.rates_against_truth(rates, *on_truth(rates, world)))
    if "surface_rates" in inputs:
        around = read_table(inputs["surface_rates"])
        found += [checks.tracks.surface_rates_found(around), checks.releases.of_centres(around)]
        found += [checks.tracks.surface_rates_against_truth(around, *on_truth(around, world))] if world else []
    return found


def on_truth(rates, world):
    """The simulated glacier, and x and y of rates on its map."""
    glacier = checks.truth.glacier(**world)
    to_map = pyproj.Transformer.from_crs("EPSG:4326", glacier.crs, always_xy=True)
    return glacier, *to_map.transform(rates["longitude"].to_numpy(), rates["latitude"].to_numpy())


def table_checks(inputs, layers, world):
    """Checks of the regions' volumes, and against the truth."""
    if not layers:
        return []
    table = read_csv(inputs["region_change"], parse_dates=["time", "since"])
    found = checks.study.region_checks(table)
    if world:
        finest = Grid.of(next(iter(layers.values()))[0])
        found += checks.study.truth_checks(table, read_outlines(inputs["regions"]), world, finest)
    return found


if __name__ == "__main__":
    with job(snakemake):
        main(dict(snakemake.input.items()), snakemake.output.checks, world=snakemake.params.world)
