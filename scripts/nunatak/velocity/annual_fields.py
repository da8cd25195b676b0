"""From the numbers of many cells to the variables of `annual.nc`: speeds, trend, seasonal cycle, their errors."""

from __future__ import annotations

import numpy as np
import xarray as xr

_MAX_SPEED, _MAX_AMPLITUDE = 20000.0, 10000.0  # m/yr, as ITS_LIVE's composites
_DAYS = 365.25
_COUNTS = ("count", "images", "count0", "sensor_excluded")


def annual_fields(cells, pairs, v0_years, reference_year):
    """(n_cell, ...) results under their names in the file, the components first."""
    vx, vy = np.moveaxis(cells["annual"], 1, 0)
    formal = np.moveaxis(cells["sigma"], 1, 0)
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
    if "cycle" in cells:
        out |= _cycle_fields(cells["cycle"], factor[..., 0], out)
    if "excluded" in cells:
        out |= {"sensor_excluded": (cells["excluded"], "static")}
    seen, used = cells["totals"].T
    with np.errstate(invalid="ignore", divide="ignore"):
        taken = np.where(seen > 0, 100.0 * (1 - used / seen), np.nan)
    return out | {"count0": (used, "static"), "outlier_percent": (taken, "static")}


def _speeds(out):
    """v and its errors from the components; speeds no glacier has become NaN."""
    vx, vy = out["vx"][0], out["vy"][0]
    v = np.hypot(vx, vy)
    v[v > _MAX_SPEED] = np.nan
    speeds = {"v": (v, "annual")}
    for name in ("error", "error_formal"):
        speeds[f"v_{name}"] = (speed_error(vx, vy, out[f"vx_{name}"][0], out[f"vy_{name}"][0]), "annual")
    return speeds


def speed_error(vx, vy, vx_error, vy_error):
    """Error of hypot(vx, vy), m/yr; at rest the larger of the two."""
    v = np.hypot(vx, vy)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.hypot(vx_error * vx, vy_error * vy) / v
    return np.where(v > 0, error, np.fmax(vx_error, vy_error))


def _trend_fields(vx, vy, error, pairs, v0_years, reference_year):
    first, last = v0_years or (int(pairs.years[0]), int(pairs.years[-1]))
    reference = (first + last) // 2 if reference_year is None else reference_year
    inside = (pairs.years >= first) & (pairs.years <= last)
    middle = (pairs.edges[:-1] + pairs.edges[1:])[inside] / 2 - reference
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


def line_through(time, values, sigma):
    """
    Weighted straight line through yearly values, at time 0.

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
    """Amplitude (m/yr) and day of the maximum, of the components and along the mean flow, with their errors."""
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
    amplitude = np.hypot(a, b)
    amplitude[amplitude > _MAX_AMPLITUDE] = np.nan
    phase = _DAYS * ((0.25 - np.arctan2(b, a) / (2 * np.pi)) % 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        amplitude_error = np.sqrt(a**2 * var_a + b**2 * var_b + 2 * a * b * cov_ab) / amplitude
        angle_error = np.sqrt(b**2 * var_a + a**2 * var_b - 2 * a * b * cov_ab) / amplitude**2
    phase_error = np.fmin(angle_error, np.pi) * _DAYS / (2 * np.pi)
    phase_error[~np.isfinite(angle_error)] = np.nan
    return {
        f"{name}_amp": (amplitude, "static"), f"{name}_amp_error": (amplitude_error, "static"),
        f"{name}_phase": (np.where(np.isfinite(amplitude), phase, np.nan), "static"),
        f"{name}_phase_error": (phase_error, "static"),
    }  # fmt: skip


def annual_dataset(fields, mask, cube, pairs, method, filters):
    shape = mask.shape
    variables = {}
    for name, (values, kind) in fields.items():
        whole = name in _COUNTS
        size = (*values.shape[1:], *shape)
        full = np.zeros(size, "i4") if whole else np.full(size, np.nan, "f4")
        full[..., mask] = np.moveaxis(values, 0, -1)
        dims = ("year", "y", "x") if kind == "annual" else ("y", "x")
        variables[name] = (dims, full, _attributes(name))
    for name in fields:
        if f"{name}_error" in fields:
            variables[name][2]["ancillary_variables"] = f"{name}_error"
    out = xr.Dataset(variables, {"year": pairs.years, "y": cube["y"], "x": cube["x"]})
    out["year"].attrs = {"long_name": "year", "comment": "a season year is named after its end"}
    out = out.assign_coords(year_start=("year", pairs.edges[:-1]), year_end=("year", pairs.edges[1:]))
    if "roi" in cube:
        out["roi"] = (("y", "x"), np.asarray(cube["roi"].values).astype("u1"), {"long_name": "cells of the region"})
    out.attrs = {
        "crs": cube.attrs.get("crs", ""), "method": method, "filters": str(filters), "n_pairs": int(pairs.dt.size),
        "velocity_convention": "metres per year over ground, along the axes of the grid; components averaged",
    }  # fmt: skip
    return out


def _attributes(name):
    base = name.removesuffix("_formal").removesuffix("_error")
    words = {
        "vx": "velocity along x", "vy": "velocity along y", "v": "speed", "count": "image pairs that touch the year",
        "images": "distinct images among them", "count0": "image pairs used",
        "outlier_percent": "pairs the filters took",
        "sensor_excluded": "sensor groups left out",
    }  # fmt: skip
    stem = base.lstrip("d").removesuffix("_dt").removesuffix("_amp").removesuffix("_phase").removesuffix("0")
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
    elif base.endswith("0"):
        text = f"{text} at the reference year"
    if name.endswith("_formal"):
        text = f"formal error of the {text}"
    elif name.endswith("_error"):
        text = f"error of the {text}"
    return {"long_name": text, "units": unit}


def mean_field(annual):
    """
    The mean velocity of a composite as a field of its own: what flowlines, gates and strain rates take.

    Parameters
    ----------
    annual : Dataset of `composite`

    Returns
    -------
    Dataset (y, x) of `vx, vy, v` at the reference year with `_error`, m/yr, and the attribute `crs`
    """
    names = {f"{stem}0{suffix}": f"{stem}{suffix}" for stem in ("vx", "vy", "v") for suffix in ("", "_error")}
    return annual[list(names)].rename(names)
