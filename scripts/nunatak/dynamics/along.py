"""Surface, thickness, thinning, speed and strain along a flowline, year by year."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyproj
import xarray as xr

from nunatak.dynamics.flux import years_of
from nunatak.dynamics.surface import HEIGHTS, carried, named, rate_between, shared_years
from nunatak.dynamics.thickness import thickness_in_time
from nunatak.geometry.grid import Grid, map_scale
from nunatak.velocity.sampling import Field

UNITS = {
    "distance": "m",
    "x": "m",
    "y": "m",
    "v": "m/yr",
    "v_error": "m/yr",
    "v_change": "m/yr",
    "v_change_error": "m/yr",
    "strain": "1/yr",
    "strain_sigma": "1/yr",
    "surface": "m",
    "thickness": "m",
    "thickness_sigma": "m",
    "dh": "m",
    "dh_sigma": "m",
    "dhdt": "m/yr",
    "dhdt_sigma": "m/yr",
}
_ENOUGH = 0.5  # of the points of the best-seen year: the first year that is seen so well is compared with


def along_flowline(annual, path, thickness, change=None, *, half_length=None):
    """
    Return what the ice of a flowline is like in every year.

    Parameters
    ----------
    annual : Dataset of a composite: `vx`, `vy`, `v_error` on (year, y, x), m/yr, `year_start`, `year_end`
    path : DataFrame of the line from its upper to its lower end: `distance` (true m), `x`, `y` (map of `annual`)
    thickness : Dataset on the cells of `annual` with `thickness`, `thickness_sigma` and where known `surface` (m);
        attribute `reference_year`, and `surface_year` where the surface is of another date
    change : Dataset of `surface.yearly_change`, on any grid; None: height change is not known
    half_length : true m to either side over which strain is taken. Default: the median thickness on the line

    Returns
    -------
    DataFrame of `year` and the columns of `UNITS`, one row for every year and point; attributes `half_length` (m),
        `v_since` (the year that v_change is counted from) and `dh_since` (decimal year)

    Notes
    -----
    `dh` is the change of the surface since the middle of the first year that the height change holds whole, at the
    middle of each year, and `dhdt` its rate over the year. Both are missing in a year that is not held whole. Thickness
    and surface are those of the thickness product, moved by the height change and staying where it ends. Strain is
    d|v|/ds, that of the speed along the line, which is the strain rate along the flow; the errors at both ends are
    independent. NaN where velocity or height is not known.
    """
    years, middle = years_of(annual)
    points = _points(annual, path)
    speed, error = _speeds(annual, points["x"], points["y"])
    ice = _ice(thickness, points)
    if half_length is None:
        known = ice["thickness"].values[np.isfinite(ice["thickness"].values)]
        half_length = float(np.median(known)) if known.size else 2 * points["cell"]
    half_length = max(half_length, points["cell"])
    strain, strain_sigma = _strain(annual, points, half_length)
    first = first_year_seen(speed)
    fields = {
        "v": speed,
        "v_error": error,
        "v_change": speed - speed[first],
        "v_change_error": np.where(np.arange(years.size)[:, None] == first, 0.0, np.hypot(error, error[first])),
        "strain": strain,
        "strain_sigma": strain_sigma,
        **_heights(ice, change, points, annual, middle),
    }
    fields["v_change_error"][~np.isfinite(fields["v_change"])] = np.nan
    n = points["x"].size
    table = pd.DataFrame({name: np.ravel(values) for name, values in fields.items()})
    for name in ("distance", "y", "x"):
        table.insert(0, name, np.tile(points[name], years.size))
    table.insert(0, "year", np.repeat(years, n))
    table.attrs |= {"half_length": half_length, "v_since": int(years[first])}
    if change is not None and np.isfinite(fields["dh"]).any():
        table.attrs["dh_since"] = float(middle[_whole_years(annual, change)][0])
    return table[["year", *UNITS]]


def thinned(path, spacing):
    """
    Return one point of a flowline for each stretch of a length: the first in it, from the upper end on.

    Parameters
    ----------
    path : DataFrame with `distance`, m, ascending
    spacing : length of a stretch, m
    """
    step = np.floor((path["distance"] - path["distance"].iloc[0]) / spacing + 1e-9)
    return path[~step.duplicated()].reset_index(drop=True)


def first_year_seen(values):
    """
    Return the index of the first year that is seen at half of the points of the best-seen year, or more.

    Parameters
    ----------
    values : (n_year, n_point), NaN where not seen
    """
    seen = np.isfinite(values).sum(axis=1)
    return int(np.argmax(seen >= max(_ENOUGH * seen.max(), 1))) if seen.any() else 0


def _points(annual, path):
    x, y, distance = (path[name].to_numpy(float) for name in ("x", "y", "distance"))
    grid = Grid.of(annual)
    return {"x": x, "y": y, "distance": distance, "cell": grid.dx / float(np.median(map_scale(grid.crs, x, y)))}


def _speeds(annual, x, y):
    """Return speed and its error, (n_year, n_point)."""
    values = [Field(annual.isel(year=k), ("vx", "vy", "v_error"))(x, y) for k in range(annual.sizes["year"])]
    vx, vy, error = np.moveaxis(np.array(values), 1, 0)
    speed = np.hypot(vx, vy)
    return speed, np.where(np.isfinite(speed), error, np.nan)


def _strain(annual, points, half_length):
    """Return d|v|/ds over half a length to either side, (n_year, n_point), NaN near the ends of the line."""
    along = points["distance"]
    ends = []
    for side in (-1, 1):
        at = along + side * half_length
        inside = (at >= along[0]) & (at <= along[-1])
        x, y = (np.interp(at, along, points[name]) for name in ("x", "y"))
        ends.append([np.where(inside, values, np.nan) for values in _speeds(annual, x, y)])
    (v0, e0), (v1, e1) = ends
    return (v1 - v0) / (2 * half_length), np.hypot(e0, e1) / (2 * half_length)


def _ice(thickness, points):
    """
    Return thickness, its error and where known the surface at points as a line of cells.

    Places without ice are missing.
    """
    names = [name for name in ("thickness", "thickness_sigma", "surface") if name in thickness]
    here = dict(zip(names, Field(thickness, names)(points["x"], points["y"]), strict=True))
    here["thickness"] = np.where(here["thickness"] > 0, here["thickness"], np.nan)
    return _as_line(here).assign_attrs(thickness.attrs)


def _heights(ice, change, points, annual, middle):
    """Return surface, thickness, height change and its rate with errors, (n_year, n_point) each."""
    missing = np.full((middle.size, points["x"].size), np.nan)
    where = points["x"], points["y"], annual.attrs["crs"]
    moving = None if change is None else on_points(change, *where)
    shifted = None if change is None else on_points(carried(change), *where)
    reference = ice.attrs["reference_year"]
    moved = thickness_in_time(ice, shifted, middle, reference_year=reference)
    rise = thickness_in_time(ice, shifted, middle, reference_year=ice.attrs.get("surface_year", reference))
    out = {
        "surface": ice["surface"].values + rise["thickness_change"].values[:, 0] if "surface" in ice else missing,
        "thickness": moved["thickness"].values[:, 0],
        "thickness_sigma": moved["thickness_sigma"].values[:, 0],
    }
    out |= {name: missing.copy() for name in ("dh", "dh_sigma", "dhdt", "dhdt_sigma")}
    if moving is not None:
        _fill_change(out, moving, annual, middle)
    return out


def _whole_years(annual, change):
    """Return the indices of the years that a height change holds whole."""
    return np.flatnonzero(shared_years(change, annual["year_start"].values, annual["year_end"].values))


def _fill_change(out, moving, annual, middle):
    """Write the height change and its rate of the years that the record holds whole into arrays of NaN."""
    whole = _whole_years(annual, moving)
    ends = moving["year"].values[[0, -1]]
    for k in whole:
        span = np.clip([annual["year_start"].values[k], annual["year_end"].values[k]], *ends)
        rate = rate_between(moving, *span)
        out["dhdt"][k], out["dhdt_sigma"][k] = rate["dhdt"].values[0], rate["dhdt_sigma"].values[0]
        if k == whole[0]:
            known = np.isfinite(out["dhdt"][k])
            out["dh"][k], out["dh_sigma"][k] = np.where(known, 0.0, np.nan), np.where(known, 0.0, np.nan)
            continue
        since = rate_between(moving, middle[whole[0]], middle[k])
        years = middle[k] - middle[whole[0]]
        out["dh"][k] = since["dhdt"].values[0] * years
        out["dh_sigma"][k] = since["dhdt_sigma"].values[0] * years


def on_points(change, x, y, crs):
    """
    Return a height change at points as one line of cells.

    Parameters
    ----------
    change : Dataset of `surface.yearly_change`
    x, y : (n,) m in `crs`
    crs : of x and y

    Returns
    -------
    Dataset on (year, y, x) with a single y; x numbers the points
    """
    if pyproj.CRS.from_user_input(change.attrs["crs"]) != pyproj.CRS.from_user_input(crs):
        x, y = pyproj.Transformer.from_crs(crs, change.attrs["crs"], always_xy=True).transform(x, y)
    fields = {}
    for name in named(change, HEIGHTS):
        values = change[name].transpose("year", "y", "x").values
        layers = xr.Dataset({str(k): (("y", "x"), layer) for k, layer in enumerate(values)}, change[["y", "x"]].coords)
        fields[name] = Field(layers, tuple(layers))(x, y)[:, None]
    return _as_line(fields, change["year"].values).assign_attrs(change.attrs)


def _as_line(fields, years=None):
    """Return values at points, (n,) or (n_year, 1, n), as a Dataset whose cells lie in one row."""
    n = next(iter(fields.values())).shape[-1]
    coordinates = {"y": [0.0], "x": np.arange(n, dtype=float)}
    if years is None:
        return xr.Dataset({name: (("y", "x"), values[None]) for name, values in fields.items()}, coordinates)
    return xr.Dataset(
        {name: (("year", "y", "x"), values) for name, values in fields.items()}, {"year": years, **coordinates}
    )
