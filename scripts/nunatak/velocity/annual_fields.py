"""
Convert the results of many cells to the variables of `annual.nc`: speeds, trend, seasonal cycle, and their errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from nunatak.constants import DAYS_PER_YEAR
from nunatak.products.itslive.ground import GROUND
from nunatak.velocity.cells_on_grid import CellsOnGrid

if TYPE_CHECKING:
    pass

_MAX_SPEED, _MAX_AMPLITUDE = 20000.0, 10000.0  # m/yr, as ITS_LIVE's composites
_COUNTS = ("count", "images", "count0", "mean_years", "sensor_excluded")
# state of a year of a cell: known, or why it has no velocity
STATUS = ("known", "no_pairs", "too_few_pairs", "only_touched", "not_separable", "error_too_large", "too_fast")
_CHANCE = 5.991  # chi-squared of two degrees of freedom that noise alone exceeds in 5 % of cases


def annual_fields(cells, pairs, v0_years, reference_year, error_limit, mean_years):
    """Return (n_cell, ...) results under their names in the file, the components first, as the file keeps them."""
    # Years covered only by the ends of pairs centred in other years are dropped: a few days would stand for the year,
    # and their errors would grow tenfold.
    vx, vy = np.where(cells["observed"], np.moveaxis(cells["annual"], 1, 0), np.nan)
    formal = np.where(cells["observed"], np.moveaxis(cells["sigma"], 1, 0), np.nan)
    if "cycle" in cells:
        chi2 = np.moveaxis(cells["cycle"][..., 5], 1, 0)[..., None]
    else:
        chi2 = np.moveaxis(cells["chi2"], 1, 0) if "chi2" in cells else np.ones_like(formal)
    factor = np.sqrt(np.fmax(chi2, 1.0))
    error = formal * factor
    out = {"vx": (vx, "annual"), "vy": (vy, "annual")}
    for name, values in (("error", error), ("error_formal", formal)):
        out |= {f"vx_{name}": (values[0], "annual"), f"vy_{name}": (values[1], "annual")}
    out |= _speeds(out)
    out |= {"count": (cells["pairs"], "annual"), "images": (cells["images"], "annual")}
    out |= _trend_fields(vx, vy, error, pairs, v0_years, reference_year)
    out |= {"status": (_status(out, cells, error_limit), "annual")}
    for name in ("vx", "vy", "v"):
        out[name] = (np.where(out["status"][0] == 0, out[name][0], np.nan), "annual")
    out |= _mean_fields(out, (pairs.years >= mean_years[0]) & (pairs.years <= mean_years[1]))
    if "cycle" in cells:
        out |= _cycle_fields(cells["cycle"], factor[..., 0], out)
    if "excluded" in cells:
        out |= {"sensor_excluded": (cells["excluded"], "static")}
    seen, used = cells["totals"].T
    with np.errstate(invalid="ignore", divide="ignore"):
        taken = np.where(seen > 0, 100.0 * (1 - used / seen), np.nan)
    out |= {"count0": (used, "static"), "outlier_percent": (taken, "static")}
    return {name: (values.astype(_kept_as(name)), kind) for name, (values, kind) in out.items()}


def joined(parts: Iterator, n_cell: int) -> dict[str, tuple[np.ndarray, str]]:
    """Join the fields of blocks of cells, each written to its place at once to save memory."""
    out: dict = {}
    for places, part in parts:
        for name, (values, kind) in part.items():
            if name not in out:
                out[name] = np.empty((n_cell, *values.shape[1:]), values.dtype), kind
            out[name][0][places] = values
    return out


def _kept_as(name):
    """Return the type of a field in the file."""
    return "u1" if name == "status" else "i4" if name in _COUNTS else "f4"


def _speeds(out):
    """Return v and its errors from the components."""
    vx, vy = out["vx"][0], out["vy"][0]
    speeds = {"v": (np.hypot(vx, vy), "annual")}
    for name in ("error", "error_formal"):
        speeds[f"v_{name}"] = (speed_error(vx, vy, out[f"vx_{name}"][0], out[f"vy_{name}"][0]), "annual")
    return speeds


def _status(out, cells, error_limit):
    """
    Return why a year of a cell has no velocity, as its number in STATUS, (n_cell, K) uint8.

    An error is too large above error_limit[0] + error_limit[1] times the cell's mean speed. With the year's own speed
    as measure, the largest outliers would pass.
    """
    v, error, v0 = out["v"][0], out["v_error"][0], out["v0"][0][:, None]
    seen, used = cells["totals"].T[..., None]
    few = np.broadcast_to((seen > 0) & (used == 0), v.shape)
    limit = np.inf if error_limit is None else error_limit[0] + error_limit[1] * np.where(np.isfinite(v0), v0, v)
    conditions = (few, cells["pairs"] == 0, ~cells["observed"], ~np.isfinite(v), error > limit, v > _MAX_SPEED)
    names = ("too_few_pairs", "no_pairs", "only_touched", "not_separable", "error_too_large", "too_fast")
    return np.select(conditions, [STATUS.index(name) for name in names], 0).astype("u1")


def speed_error(vx: np.ndarray, vy: np.ndarray, vx_error: np.ndarray, vy_error: np.ndarray) -> np.ndarray:
    """Return the error of hypot(vx, vy), m/yr, at rest the larger of the two."""
    v = np.hypot(vx, vy)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.hypot(vx_error * vx, vy_error * vy) / v
    return np.where(v > 0, error, np.fmax(vx_error, vy_error))


def _trend_fields(vx, vy, error, pairs, v0_years, reference_year):
    """Return the line through the annual means at the reference year, and its slope."""
    inside = (pairs.years >= v0_years[0]) & (pairs.years <= v0_years[1])
    middle = (pairs.edges[:-1] + pairs.edges[1:])[inside] / 2 - reference_year
    out: dict = {}
    lines = [line_through(middle, v[:, inside], e[:, inside]) for v, e in zip((vx, vy), error, strict=True)]
    for name, (mean, mean_error, slope, slope_error) in zip(("vx", "vy"), lines, strict=True):
        out |= {f"{name}0": (mean, "static"), f"{name}0_error": (mean_error, "static")}
        out |= {f"d{name}_dt": (slope, "static"), f"d{name}_dt_error": (slope_error, "static")}
    (x0, x0e, dx, dxe), (y0, y0e, dy, dye) = lines
    v0 = np.hypot(x0, y0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ux, uy = x0 / v0, y0 / v0
    out |= {"v0": (v0, "static"), "v0_error": (speed_error(x0, y0, x0e, y0e), "static")}
    out |= {"dv_dt": (dx * ux + dy * uy, "static"), "dv_dt_error": (np.hypot(dxe * ux, dye * uy), "static")}
    return out


def _mean_fields(out, inside):
    """Return the mean of the years that have a velocity: of the components, and the speed of that mean."""
    known = np.isfinite(out["vx"][0][:, inside])
    n = known.sum(-1)
    means: dict = {"mean_years": (n, "static")}
    with np.errstate(invalid="ignore", divide="ignore"):
        for name in ("vx", "vy"):
            values, errors = (np.where(known, out[key][0][:, inside], 0.0) for key in (name, f"{name}_error"))
            means[f"{name}_mean"] = (values.sum(-1) / np.where(n > 0, n, np.nan), "static")
            means[f"{name}_mean_error"] = (np.sqrt((errors**2).sum(-1)) / np.where(n > 0, n, np.nan), "static")
    parts = [means[key][0] for key in ("vx_mean", "vy_mean", "vx_mean_error", "vy_mean_error")]
    means["v_mean"] = (np.hypot(*parts[:2]), "static")
    return means | {"v_mean_error": (np.where(n > 0, speed_error(*parts), np.nan), "static")}


def line_through(time: np.ndarray, values: np.ndarray, sigma: np.ndarray) -> tuple[np.ndarray, ...]:
    """
    Fit a weighted straight line through yearly values, and return its value at time 0.

    Parameters
    ----------
    time : (K,) years from the reference
    values, sigma : (n, K), NaN where missing

    Returns
    -------
    mean, mean_error : (n,) value at time 0; the weighted mean where all data lie on one side of it
    slope, slope_error : (n,) per year, NaN there
        Both errors grow with sqrt(reduced chi2) where the years scatter more than their errors say.
    """
    w = np.where(np.isfinite(values) & (sigma > 0), sigma, np.nan) ** -2.0
    w = np.where(np.isfinite(w), w, 0.0)
    v = np.where(w > 0, values, 0.0)
    total, n = w.sum(-1), (w > 0).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = (w * time).sum(-1) / total
        t = time - centre[:, None]
        square = (w * t * t).sum(-1)
        slope = (w * t * v).sum(-1) / square
        mean = (w * v).sum(-1) / total
        residual = np.where(w > 0, v - mean[:, None] - slope[:, None] * t, 0.0)
        factor = np.sqrt(np.fmax((w * residual**2).sum(-1) / (n - 2), 1.0))
        both = ((w > 0) & (time < 0)).any(-1) & ((w > 0) & (time > 0)).any(-1) & (n >= 3)
        slope_error = np.where(both, factor / np.sqrt(square), np.nan)
        at_zero = np.where(both, mean - slope * centre, mean)
        scatter = np.where(w > 0, v - mean[:, None], 0.0)
        spread = np.sqrt(np.fmax((w * scatter**2).sum(-1) / (n - 1), 1.0))
        error = np.where(both, factor * np.sqrt(1 / total + centre**2 / square), spread / np.sqrt(total))
    none = n == 0
    return np.where(none, np.nan, at_zero), np.where(none, np.nan, error), np.where(both, slope, np.nan), slope_error


def _cycle_fields(cycle, factor, out):
    """Return amplitude (m/yr) and day of the maximum, of the components and along the mean flow, with errors."""
    fields: dict = {}
    for c, name in enumerate(("vx", "vy")):
        a, b, va, vb, cab = np.moveaxis(cycle[:, c, :5], 1, 0)
        scale = factor[c] ** 2
        fields |= _wave(name, a, b, va * scale, vb * scale, cab * scale)
    x0, y0 = out["vx0"][0], out["vy0"][0]
    with np.errstate(invalid="ignore", divide="ignore"):
        ux, uy = x0 / np.hypot(x0, y0), y0 / np.hypot(x0, y0)
    along = cycle[:, 0, :5] * ux[:, None] + cycle[:, 1, :5] * uy[:, None]
    variances = sum(cycle[:, c, 2:5] * (factor[c] ** 2 * u**2)[:, None] for c, u in enumerate((ux, uy)))
    fields |= _wave("v", along[:, 0], along[:, 1], *np.moveaxis(variances, 1, 0))
    return fields


def _wave(name, a, b, var_a, var_b, cov_ab):
    """
    Return amplitude and phase of a sin + b cos with their errors.

    An amplitude is never negative, and that of noise is 1.25 times its error. If both coefficients together do not
    differ from 0 at 95 % (chi-squared, two degrees of freedom), two errors of the amplitude reach down to 0 and the
    phase is any day of the year.
    """
    amplitude = np.hypot(a, b)
    amplitude[amplitude > _MAX_AMPLITUDE] = np.nan
    phase = DAYS_PER_YEAR * ((0.25 - np.arctan2(b, a) / (2 * np.pi)) % 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        amplitude_error = np.sqrt(a**2 * var_a + b**2 * var_b + 2 * a * b * cov_ab) / amplitude
        by_chance, angle_error = _angle_error(a, b, var_a, var_b, cov_ab)
    amplitude_error = np.where(by_chance, np.fmax(amplitude_error, amplitude / 2), amplitude_error)
    return {
        f"{name}_amp": (amplitude, "static"),
        f"{name}_amp_error": (amplitude_error, "static"),
        f"{name}_phase": (np.where(np.isfinite(amplitude), phase, np.nan), "static"),
        f"{name}_phase_error": (angle_error * DAYS_PER_YEAR / (2 * np.pi), "static"),
    }


def _angle_error(a, b, var_a, var_b, cov_ab):
    """
    Return whether (a, b) is 0 within chance, and half the angle from it to the end of the ellipse of two errors.

    Seen from the origin, the ellipse reaches to its tangents, which are computed where it is a circle. Summer pairs
    alone determine one of the coefficients far better than the other, and then no linear rule holds.
    """
    l11 = np.sqrt(var_a)
    l21 = cov_ab / l11
    l22 = np.sqrt(var_b - l21**2)
    y1, y2 = a / l11, (b - l21 * a / l11) / l22
    square = y1**2 + y2**2
    by_chance = square < _CHANCE
    sine = 2.0 / np.sqrt(np.fmax(square, _CHANCE))
    cosine = np.sqrt(1 - sine**2)
    widest = np.zeros_like(a)
    for sign in (-1.0, 1.0):
        z1, z2 = cosine * y1 - sign * sine * y2, sign * sine * y1 + cosine * y2
        ta, tb = l11 * z1, l21 * z1 + l22 * z2
        widest = np.fmax(widest, np.arctan2(np.abs(a * tb - b * ta), a * ta + b * tb))
    anywhere = np.pi / np.sqrt(3)  # standard deviation of an angle that can be any
    error = np.where(by_chance, anywhere, widest / 2)
    return by_chance, np.where(np.isfinite(square), error, np.nan)


def annual_dataset(fields, mask, cube, pairs, attributes, *, compact=False):
    """
    Return the fields on the grid, taken out of `fields` one by one to free them.

    Parameters
    ----------
    attributes : join those of the Dataset
    compact : fields by year are `CellsOnGrid`
    """
    names = list(fields)
    variables: dict[str, tuple] = {}
    for name in names:
        values, kind = fields.pop(name)
        fill = STATUS.index("no_pairs") if name == "status" else 0 if name in _COUNTS else np.nan
        cells = CellsOnGrid(values, mask, fill)
        if kind == "annual":
            variables[name] = (("year", "y", "x"), cells if compact else np.asarray(cells), _attributes(name))
        else:
            variables[name] = (("y", "x"), np.asarray(cells), _attributes(name))
    for name in names:
        if f"{name}_error" in names:
            variables[name][2]["ancillary_variables"] = f"{name}_error"
    out = xr.Dataset(variables, {"year": pairs.years, "y": cube["y"], "x": cube["x"]})
    out["year"].attrs = {"long_name": "year", "comment": "a season year is named after its end"}
    out = out.assign_coords(year_start=("year", pairs.edges[:-1]), year_end=("year", pairs.edges[1:]))
    if "roi" in cube:
        out["roi"] = (("y", "x"), np.asarray(cube["roi"].values).astype("u1"), {"long_name": "cells of the region"})
    out.attrs = {
        "crs": cube.attrs.get("crs", ""),
        "n_pairs": int(pairs.dt.size),
        **attributes,
        "velocity_convention": "metres per year over ground, along the axes of the grid; components averaged",
        **GROUND,
    }
    return out


def _attributes(name):
    """Return name and unit of a variable."""
    if name == "status":
        flags = {"flag_values": np.arange(len(STATUS), dtype="u1"), "flag_meanings": " ".join(STATUS)}
        return {"long_name": "why a year has no velocity", **flags}
    base = name.removesuffix("_formal").removesuffix("_error")
    words = {
        "vx": "velocity along x",
        "vy": "velocity along y",
        "v": "speed",
        "count": "image pairs that touch the year",
        "images": "distinct images among them",
        "count0": "image pairs used",
        "outlier_percent": "pairs the filters took",
        "mean_years": "years of the mean velocity",
        "sensor_excluded": "sensor groups left out",
    }
    stem = re.sub(r"^d|(_dt|_amp|_phase|_mean|0)$", "", base)
    text = words.get(base) or words.get(stem, base)
    unit = "m/yr"
    if base in _COUNTS:
        return {"long_name": text, "units": "1"}
    if base == "outlier_percent":
        return {"long_name": text, "units": "%"}
    if base.endswith("_dt"):
        text, unit = f"rate of change of the {text}", "m/yr/yr"
    elif base.endswith("_phase"):
        text, unit = f"day of the year of the greatest {text}", "days"
    elif base.endswith("_amp"):
        text = f"seasonal amplitude of the {text}"
    elif base.endswith("_mean"):
        text = f"{text}, mean of the annual velocities"
    elif base.endswith("0"):
        text = f"{text} by the line through the annual velocities at the reference year"
    if name.endswith("_formal"):
        text = f"formal error of the {text}"
    elif name.endswith("_error"):
        text = f"error of the {text}"
    return {"long_name": text, "units": unit}


def years_by_status(annual: xr.Dataset) -> dict[str, int]:
    """
    Return how many years of the region's cells have a velocity, and how many have none for each reason: {word: count}.
    """
    status = annual["status"].values
    inside = annual["roi"].values.astype(bool) if "roi" in annual else np.ones(status.shape[1:], dtype=bool)
    counts = np.bincount(status[:, inside].ravel(), minlength=len(STATUS))
    return {word.replace("_", " "): int(n) for word, n in zip(STATUS, counts, strict=True)}


def mean_field(annual: xr.Dataset) -> xr.Dataset:
    """
    Return the mean velocity of a composite as a field, for flowlines, gates and strain rates.

    Parameters
    ----------
    annual : Dataset of `composite`

    Returns
    -------
    Dataset (y, x) of `vx, vy, v` with `_error`, m/yr, means of the annual velocities of the attributes
        `mean_first_year` to `mean_last_year`, and the attribute `crs`
    """
    names = {f"{stem}_mean{suffix}": f"{stem}{suffix}" for stem in ("vx", "vy", "v") for suffix in ("", "_error")}
    return annual[list(names)].rename(names)
