"""Thickness, discharge, divergence, thinning and budgets of a simulated glacier against its truth."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pyproj

from nunatak.checks import truth
from nunatak.checks.check import at_least, at_most, not_applicable, within
from nunatak.checks.dynamics import outline_of
from nunatak.checks.dynamics_maps import some_cells
from nunatak.constants import MAD_TO_SIGMA
from nunatak.geometry.grid import Grid

_KG_PER_GT = 1e12
_MONTHS = 12  # of a year, whose mean the truth's flux is
_PIECES = 400  # of a gate at which the truth is asked
_QUADRATURE = 200.0  # m, cells of the truth's volume
_SIGMAS, _SHARE = 2.0, 0.85  # of values, whose errors are alike over kilometres: a study holds few that are independent
_SPREAD = (0.15, 1.4)  # of differences over stated errors, by the median
_OBSERVED = 0.9  # of a gate's discharge that must be observed: what is interpolated is no measurement
_SCALE = 0.03  # share by which discharge may differ from the truth
_BUDGET_SHARE = 0.03  # of the discharge that a budget may leave over
_WINDOW = 7  # points of either side of a window at which the truth's divergence is asked


def checks(results, world, settings):
    """
    Check what joins elevation and velocity against the truth of the simulated glacier.

    Parameters
    ----------
    results : Opened
    world : mapping of what `simulation.world` takes
    settings : mapping of the study's keys, with their defaults

    Returns
    -------
    list of Check
    """
    asked = settings.get("dynamics")
    if not asked or "thickness" not in results:
        return []
    glacier = truth.glacier(**world)
    found = thickness_against_truth(results["thickness"], glacier)
    if asked["depth_factor"] != 1:
        return [
            *found,
            not_applicable("discharge_against_truth", "the simulated ice has a depth factor of 1"),
        ]
    if "discharge" in results:
        since = float(results["thickness"].attrs["reference_year"]) if "thickness" in results else None
        found += discharge_against_truth(results["discharge"], results["annual"], asked, glacier, since=since)
    if "dynamics" in results:
        found += maps_against_truth(results["dynamics"], glacier)
    if "budget" in results:
        for name, rows in results["budget"].groupby("box"):
            found += budget_against_truth(name, rows, results["discharge"], asked, results["annual"], glacier)
    return found


def thickness_against_truth(placed, glacier):
    """Check the thickness of some cells in the year that it is said to be of."""
    _, _, x, y = cells = some_cells(placed, placed["thickness"].values > 0)
    true = glacier.thickness(*_on_truth(glacier, Grid.of(placed).crs, x, y), float(placed.attrs["reference_year"]))
    value, sigma = (placed[name].values[cells[:2]] for name in ("thickness", "thickness_sigma"))
    return _by_errors("thickness_against_truth", value, true, sigma, "thicknesses")


def discharge_against_truth(table, annual, asked, glacier, *, since=None):
    """
    Check the discharge of every gate in every year in which it was observed, against the mean of the truth's months.

    Years before the thickness's own are left out: no record of height tells what was thicker or thinner then.

    Parameters
    ----------
    since : decimal year of the thickness. Default: all years are checked
    """
    crs = Grid.of(annual).crs
    rows = table[table["observed_share"] >= _OBSERVED]
    rows = rows if since is None else rows[rows["year"] >= np.floor(since)]
    if not len(rows):
        return [not_applicable("discharge_against_truth", "no gate is observed well enough in any year")]
    years = dict(zip(annual["year"].values.astype(int), annual["year_start"].values, strict=True))
    flux = [true_flux(glacier, json.loads(row.vertices), crs, years[row.year]) for row in rows.itertuples()]
    true = np.array(flux) * asked["density"] / _KG_PER_GT
    z = (rows["discharge"] - true) / rows["discharge_sigma"]
    factor = float((rows["discharge"] * true).sum() / (true**2).sum())
    worst = f"discharge of {len(rows)} gates and years, the one that is farthest from the truth"
    text = f"discharge over the truth's, of {len(rows)} gates and years"
    return [
        at_most("discharge_against_truth", np.abs(z).max(), 3.0, "standard errors", worst),
        within("discharge_against_truth/scale", factor, 1 - _SCALE, 1 + _SCALE, "", text),
    ]


def true_flux(glacier, vertices, crs, start):
    """Return the truth's flux through a line in the year that begins at a decimal year, m3/yr."""
    vertices = np.asarray(vertices, float)
    share = (np.arange(_PIECES) + 0.5) / _PIECES
    total = 0.0
    for a, b in pairwise(vertices):
        ends = np.array(_on_truth(glacier, crs, *np.array([a, b]).T)).T
        x, y = (ends[0, c] + share * (ends[1, c] - ends[0, c]) for c in (0, 1))
        dx, dy = ends[1] - ends[0]
        k = glacier.scale(x, y)
        for month in range(_MONTHS):
            qx, qy = glacier.flux(x, y, start + (month + 0.5) / _MONTHS)
            total += float(np.mean((qx * dy - qy * dx) / k)) / _MONTHS
    return total


def maps_against_truth(mapped, glacier):
    """Check the divergence, the mean of a window, and thinning of some cells, each over the years of the map."""
    rows, columns, x, y = some_cells(mapped, np.isfinite(mapped["flux_divergence"].values))
    if not x.size:
        return [not_applicable("divergence_against_truth", "no cell has a divergence")]
    px, py = _on_truth(glacier, Grid.of(mapped).crs, x, y)
    side = mapped["smoothing_length"].values[rows, columns] * glacier.scale(px, py)
    offset = (np.arange(_WINDOW) + 0.5) / _WINDOW - 0.5
    since, until = float(mapped.attrs["since"]), float(mapped.attrs["until"])
    factors = [(term.factor.integral(until) - term.factor.integral(since)) / (until - since) for term in glacier.flow]
    divergence = 0.0
    for u in offset:
        for v in offset:
            qx, qy = px + u * side, py + v * side
            k2 = np.square(glacier.scale(qx, qy))
            parts = zip(glacier.flow, factors, strict=True)
            divergence = divergence + sum(f * k2 * t.field.divergence(qx, qy) for t, f in parts) / _WINDOW**2
    value, sigma = (mapped[n].values[rows, columns] for n in ("flux_divergence", "flux_divergence_sigma"))
    found = _by_errors("divergence_against_truth", value, divergence, sigma, "divergences of windows")
    change = (glacier.surface_change(px, py, until) - glacier.surface_change(px, py, since)) / (until - since)
    value, sigma = (mapped[n].values[rows, columns] for n in ("thinning", "thinning_sigma"))
    seen = np.isfinite(value)
    return found + _by_errors("thinning_against_truth", value[seen], change[seen], sigma[seen], "rates of thinning")


def budget_against_truth(name, rows, discharge, asked, annual, glacier):
    """Check that the budget of all years closes, and that its storage and mass balance are the truth's."""
    key, row = f"budget_against_truth/{name}", rows[rows["year"] == 0]
    if not len(row) or not np.isfinite(row["residual"].iloc[0]):
        return [not_applicable(key, "a term of it is not known")]
    row = row.iloc[0]
    text = f"residual of {row['since']:.2f} to {row['until']:.2f}, {row['residual']:.3g} Gt/yr"
    limit = _BUDGET_SHARE * abs(row["discharge_out"])
    found = [
        at_most(f"{key}/residual", row["residual"], row["residual_sigma"], "Gt/yr", f"{text}, by its standard error"),
        at_most(f"{key}/share", row["residual"], limit, "Gt/yr", f"{text}, by {100 * _BUDGET_SHARE:g} % of discharge"),
    ]
    if asked["boxes"][name]["region"] is not None:
        return found
    area = outline_of(asked["boxes"][name], discharge)
    crs = Grid.of(annual).crs
    if pyproj.CRS.from_user_input(crs) != pyproj.CRS.from_user_input(glacier.crs):
        return found
    volume, ice = glacier.region_volume_change(area, row["since"], row["until"], cell=_QUADRATURE)
    stored = float(volume) / (row["until"] - row["since"]) * asked["density"] / _KG_PER_GT
    words = f"storage of {row['storage']:.4g} Gt/yr over the truth's, {stored:.4g} Gt/yr"
    found.append(within(f"{key}/storage", row["storage"] / stored, 0.95, 1.05, "", words))
    true_area = f"area of {row['area']:.5g} km² over the truth's"
    return [*found, within(f"{key}/area", row["area"] * 1e6 / ice, 0.97, 1.03, "", true_area)]


def _on_truth(glacier, crs, x, y):
    """Project places of another system to the truth's map."""
    if pyproj.CRS.from_user_input(crs) == pyproj.CRS.from_user_input(glacier.crs):
        return np.asarray(x, float), np.asarray(y, float)
    return pyproj.Transformer.from_crs(crs, glacier.crs, always_xy=True).transform(x, y)


def _by_errors(name, value, true, sigma, words):
    """
    Check that enough values lie within two of their errors of the truth.

    The errors may be neither too small nor far too wide.
    """
    z = (np.asarray(value, float) - true) / sigma
    z = z[np.isfinite(z)]
    if not z.size:
        return [not_applicable(name, f"there are no {words} with an error")]
    share = f"share of {z.size:,} {words} within {_SIGMAS:g} standard errors of the truth"
    spread = f"1.4826 median |difference from the truth / error| of {z.size:,} {words}"
    return [
        at_least(name, (np.abs(z) <= _SIGMAS).mean(), _SHARE, "", share),
        within(f"{name}/spread", MAD_TO_SIGMA * np.median(np.abs(z)), *_SPREAD, "", spread),
    ]
