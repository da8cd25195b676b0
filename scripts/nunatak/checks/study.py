"""The checks of a whole study, from its results in memory."""

from __future__ import annotations

import numpy as np
import shapely

from nunatak.checks import elevation, truth
from nunatak.checks.check import at_least, at_most, not_applicable
from nunatak.geometry.outlines import height_areas
from nunatak.times import from_decimal_year

_EPOCHS = 12  # of a long record that are held against the truth, the last among them
FOUND = "results/found"  # the check that a study holds any value


def values_found(counts):
    """
    Check that the results of a study hold a value.

    Parameters
    ----------
    counts : mapping of result to the number of finite values in it

    Returns
    -------
    list of one Check, none for a study whose products make no result
    """
    if not counts:
        return []
    said = ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in counts.items())
    return [at_least(FOUND, sum(counts.values()), 1, "", f"values in the results: {said}")]


def layer_checks(layers):
    """
    Check the grids of height change.

    Parameters
    ----------
    layers : mapping of resolution ("1km") to (change, rates), finest first
    """
    checks = []
    for number, (name, (change, rates)) in enumerate(layers.items()):
        checks.append(elevation.monotonic_time(name, change.time.values))
        checks.append(elevation.finite_share(name, change.delta_h.values, change.ice_area.values))
        if number == 0:
            checks.append(elevation.datum_epoch(change))
            checks.append(elevation.lag_closure(rates))
            checks.append(elevation.lag_against_epochs(change, rates))
    return checks


def raster_projection(kept):
    """
    Check that every raster, read back, has the projection of the grid that it was written from.

    Parameters
    ----------
    kept : mapping of the name of each raster to whether it has
    """
    lost = [name for name, has in kept.items() if not has]
    said = f": {', '.join(lost)}" if lost else ""
    text = f"rasters of {len(kept)} that, read back from disk, lie elsewhere than the grid they were written from{said}"
    return at_most("raster_projection", len(lost), 0, "", text)


def region_checks(table):
    """Check region_change.csv: every region's volume is the same from every resolution that resolves it."""
    checks = []
    changes = table[table["volume_change"].notna()].sort_values("time")
    for name, rows in changes.groupby("region", sort=False):
        volumes = {r: part["volume_change"].to_numpy() for r, part in rows.groupby("resolution")}
        area = rows[rows["resolution"] == rows["resolution"].min()]["ice_area"].median() * 1e6
        checks.append(elevation.volume_closure(name, volumes, area_m2=area))
    return checks


def truth_checks(table, outlines, world, grid, floating=None):
    """
    Check every region's volume change at every epoch against the truth the granules were made from.

    Parameters
    ----------
    table : region_change.csv
    outlines : mapping of key to Region, as `outlines.read_outlines` returns it
    world : mapping of what `simulation.world` takes
    grid : Grid of the finest cells: truth outside of it is in no granule
    floating : name of the region that is left out of all others. Default: none is
    """
    glacier = truth.glacier(**world)
    seen = shapely.box(*grid.bounds)
    areas = height_areas(outlines, glacier.crs, floating)
    checks = []
    finest = table[table["resolution"] == table["resolution"].min()].sort_values("time")
    for name, rows in finest.groupby("region", sort=False):
        if rows["n_cells"].iloc[-1] < elevation.RESOLVED_CELLS:
            reason = f"{rows['n_cells'].iloc[-1]} cells of {grid.dx / 1000:g} km do not resolve the region"
            checks.append(not_applicable(f"volume_against_truth/{name}", reason))
            continue
        if name not in areas:
            checks.append(at_most(f"volume_against_truth/{name}", np.inf, 0.0, "m", "the region has no outline"))
            continue
        rows = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, min(_EPOCHS, len(rows))).astype(int))]
        area = shapely.intersection(areas[name], seen)
        ends = rows["decimal_year"].to_numpy()
        true = glacier.region_volume_change(area, ends - rows["years"].to_numpy(), ends)[0] / 1e9
        span = " to ".join(str(np.datetime64(from_decimal_year(t), "D")) for t in ends[[0, -1]])
        size = float(rows["ice_area"].median())
        checks.append(truth.volume_against_truth(name, rows["volume_change"], true, size, span))
    return checks


def grid_truth(layers, world):
    """Check the finest grid of height change against the truth the granules were made from."""
    change, rates = next(iter(layers.values()))
    return truth.grid_against_truth(change, rates, truth.glacier(**world))
