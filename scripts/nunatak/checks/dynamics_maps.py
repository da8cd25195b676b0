"""Thickness, gate sections, thinning and flux divergence worked out again from the maps, cell by cell."""

from __future__ import annotations

import json

import numpy as np
import pyproj

from nunatak.checks.check import not_applicable
from nunatak.checks.same import bilinear, same
from nunatak.dynamics.firn import firn_by_year, firn_rate
from nunatak.dynamics.surface import HEIGHTS, at_years, carried, named
from nunatak.elevation.errors import spherical
from nunatak.files.quantities import read_firn, read_quantity
from nunatak.geometry.grid import Grid, map_scale

_CELLS = 4000  # of a map that are worked out again, evenly over it
# a study's rate, its part of the thinning, the key of its error, and the sign of the part
_RATES = (("smb", "smb_part", "smb_error", 1), ("basal_melt", "basal_part", "basal_error", -1))
_WINDOWS = 30  # of the divergence that are summed again, edge by edge


def at_points(dataset, values, x, y, crs):
    """Return values of a Dataset's grid at points of another system, bilinear."""
    if pyproj.CRS.from_user_input(dataset.attrs["crs"]) != pyproj.CRS.from_user_input(crs):
        x, y = pyproj.Transformer.from_crs(crs, dataset.attrs["crs"], always_xy=True).transform(x, y)
    return bilinear(values, dataset["x"].values, dataset["y"].values, np.asarray(x), np.asarray(y))


def some_cells(dataset, known):
    """Return rows, columns, x and y of cells evenly over those of a mask."""
    rows, columns = np.nonzero(known)
    if rows.size:
        some = np.unique(np.linspace(0, rows.size - 1, min(_CELLS, rows.size)).astype(int))
        rows, columns = rows[some], columns[some]
    return rows, columns, dataset["x"].values[columns], dataset["y"].values[rows]


def thickness_again(placed, asked, bed):
    """
    Check thickness, its error and the bed of some cells, from BedMachine's granule or the user's raster read again.
    """
    name = "thickness/from_source"
    if asked["thickness"] == "bedmachine":
        return _from_sheet(name, placed, bed)
    grid = Grid.of(placed)
    own = read_quantity(asked["thickness"], grid, quantity="thickness", variable=asked["thickness_variable"]).values
    columns = {"thickness": (placed["thickness"].values, own)}
    if asked["thickness_sigma"] is not None:
        given = asked["thickness_sigma"], asked["sigma_variable"]
        sigma = read_quantity(given[0], grid, quantity="thickness", variable=given[1]).values
        known = np.isfinite(sigma) & np.isfinite(own)
        columns["thickness_sigma"] = placed["thickness_sigma"].values[known], sigma[known]
    return same(name, columns, "thickness from the study's own raster or number", limit=1e-3)


def _from_sheet(name, placed, bed):
    if bed is None:
        return not_applicable(name, "BedMachine is not on this machine")
    crs = Grid.of(placed).crs
    rows, columns, x, y = some_cells(placed, placed["thickness"].values > 0)
    sheet = bed(x, y, crs)
    expected = {}
    for key in ("thickness", "thickness_sigma", "bed", "surface"):
        at = at_points(sheet, sheet[key].values, x, y, crs)
        seen = np.isfinite(at)
        expected[key] = placed[key].values[rows, columns][seen], at[seen]
    px, py = x, y
    if pyproj.CRS.from_user_input(sheet.attrs["crs"]) != pyproj.CRS.from_user_input(crs):
        px, py = pyproj.Transformer.from_crs(crs, sheet.attrs["crs"], always_xy=True).transform(x, y)
    nearest = [
        np.abs(sheet[axis].values[:, None] - place[None]).argmin(axis=0) for axis, place in (("y", py), ("x", px))
    ]
    for key in ("source", "mask"):
        expected[key] = placed[key].values[rows, columns].astype(float), sheet[key].values[tuple(nearest)].astype(float)
    expected["reference_year"] = [float(placed.attrs["reference_year"])], [float(sheet.attrs["reference_year"])]
    text = f"thickness, bed, surface and codes of {x.size:,} cells from BedMachine read again"
    return same(name, expected, text, limit=1e-3, scales={"reference_year": 1.0, "bed": 1e3})


def moved(record, x, y, crs, year, reference):
    """Return the change of the surface at points from the year of a thickness to another, 0 where it is not known."""
    if record is None:
        return np.zeros(np.shape(x))
    ends = record["year"].values[[0, -1]]
    at = at_years(record[["dh"]], np.clip([reference, year], *ends))["dh"].values
    there = [at_points(record, layer, x, y, crs) for layer in at]
    return np.nan_to_num(there[1] - there[0])


def beside_the_unknown(record, x, y, crs, year, reference, cell):
    """
    Return which points lie within a cell of where the change of the surface between two years begins to be known.

    There the map tapers from the moved thickness to the one that stays.
    """
    if record is None:
        return np.zeros(np.shape(x), dtype=bool)
    ends = record["year"].values[[0, -1]]
    layers = at_years(record[["dh"]], np.clip([reference, year], *ends))["dh"].values
    change = layers[1] - layers[0]
    steps = [(i * cell, j * cell) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    known = np.array([np.isfinite(at_points(record, change, x + dx, y + dy, crs)) for dx, dy in steps])
    return known.any(axis=0) & ~known.all(axis=0)


def sections_again(table, sections, annual, placed, record):
    """Check velocity across each gate and thickness along it, from the maps and the height change of each year."""
    crs, years, columns = Grid.of(annual).crs, list(annual["year"].values), {}
    x_axis, y_axis = annual["x"].values, annual["y"].values
    reference = float(placed.attrs.get("reference_year", np.nan))
    record = None if record is None else carried(record)
    vertices = table.drop_duplicates("gate").set_index("gate")["vertices"]
    for (gate, year), rows in sections.groupby(["gate", "year"]):
        k = years.index(year) if year in years else None
        if k is None or gate not in vertices:
            columns[f"{gate} in {year}"] = [1.0], [np.nan]
            continue
        x, y = rows["x"].to_numpy(), rows["y"].to_numpy()
        tangent = _tangents(np.array(json.loads(vertices[gate])), x, y)
        vx, vy = (bilinear(annual[name].values[k], x_axis, y_axis, x, y) for name in ("vx", "vy"))
        seen = np.isfinite(vx * vy)
        across = (vx * tangent[1] - vy * tangent[0])[seen]
        columns[f"v_across of {gate} in {year}"] = rows["v_across"].to_numpy()[seen], across
        columns[f"speed of {gate} in {year}"] = rows["speed"].to_numpy()[seen], np.hypot(vx, vy)[seen]
        columns[f"observed of {gate} in {year}"] = rows["observed"].to_numpy(float), seen.astype(float)
        middle = float(annual["year_start"][k] + annual["year_end"][k]) / 2
        thick = bilinear(placed["thickness"].values, x_axis, y_axis, x, y)
        thick = thick + moved(record, x, y, crs, middle, reference)
        tapers = beside_the_unknown(record, x, y, crs, middle, reference, abs(x_axis[1] - x_axis[0]))
        known = np.isfinite(thick) & (thick > 0) & ~tapers
        columns[f"thickness of {gate} in {year}"] = rows["thickness"].to_numpy()[known], thick[known]
    scales = {key: 1e3 for key in columns if key.startswith(("v_across", "speed"))}
    scales |= {key: 1.0 for key in columns if key.startswith("observed")}
    text = "velocity and thickness along gates from the maps and the height change"
    return same("gate_sections/from_maps", columns, text, limit=2e-3, scales=scales)


def _tangents(vertices, x, y):
    """Return the direction of the leg of a line that each point lies on."""
    start, leg = vertices[:-1], np.diff(vertices, axis=0)
    length = np.hypot(*leg.T)
    to = np.stack([x, y], axis=-1)[:, None] - start
    share = np.clip((to * leg).sum(-1) / length**2, 0, 1)
    off = np.hypot(*np.moveaxis(to - share[..., None] * leg, -1, 0))
    nearest = off.argmin(axis=1)
    return (leg / length[:, None])[nearest].T


def thinning_again(mapped, record, asked):
    """Check thinning and mass balance of some cells, from the height change and the study's mass balance."""
    crs = Grid.of(mapped).crs
    rows, columns, x, y = some_cells(mapped, np.isfinite(mapped["thinning"].values))
    span = float(mapped.attrs["since"]), float(mapped.attrs["until"])
    at = at_years(named(record, HEIGHTS), span)
    known = {name: [at_points(record, layer, x, y, crs) for layer in at[name].values] for name in at}
    common = sum(np.diff(known[name], axis=0)[0] ** 2 for name in ("dh_shared", "dh_shape") if name in known)
    error = np.sqrt(known["dh_sigma"][0] ** 2 + known["dh_sigma"][1] ** 2 + common) / (span[1] - span[0])
    rate = (known["dh"][1] - known["dh"][0]) / (span[1] - span[0])
    expected = {
        "thinning": (mapped["thinning"].values[rows, columns], rate),
        "thinning_sigma": (mapped["thinning_sigma"].values[rows, columns], error),
    }
    seen = np.isfinite(rate) & np.isfinite(error)
    expected = {key: (found[seen], own[seen]) for key, (found, own) in expected.items()}
    for quantity, part, key, sign in _RATES:
        if asked[quantity] is not None:
            own = sign * _own_rate(asked, quantity, Grid.of(mapped), span)[rows, columns]
            expected[part] = mapped[part].values[rows, columns], own
            expected[f"{part}_sigma"] = mapped[f"{part}_sigma"].values[rows, columns], asked[key] * np.abs(own)
    if asked["firn"] is not None:
        given = read_firn(asked["firn"], Grid.of(mapped), variable=asked["firn_variable"])
        own = firn_rate(firn_by_year(given, asked["firn_error"]), *span)["rate"].values[rows, columns]
        expected["firn_part"] = mapped["firn_part"].values[rows, columns], own
    text = f"thinning, mass balance and firn of {x.size:,} cells from the height change and the study's own"
    return same("dynamics/from_maps", expected, text, limit=5e-3)


def _own_rate(asked, quantity, grid, span):
    """
    Return the study's mass balance or melt on a grid, m of ice per year.

    A series gives the mean of the years of a span.
    """
    years = round(span[0]), max(round(span[0]), round(span[1]) - 1)
    own = read_quantity(asked[quantity], grid, quantity=quantity, variable=asked[f"{quantity}_variable"], years=years)
    return (own.mean("time") if "time" in own.dims else own).values


def divergence_again(mapped, annual, placed, record, asked):
    """
    Check the divergence of some windows by summing it again edge by edge, with the correlation between all edges.

    Returns
    -------
    list of two Check: of values, and of their errors
    """
    keys = "dynamics/divergence", "dynamics/divergence_sigma"
    rows, columns = np.nonzero(np.isfinite(mapped["flux_divergence"].values))
    if not rows.size:
        return [not_applicable(key, "no cell has a divergence") for key in keys]
    some = np.unique(np.linspace(0, rows.size - 1, min(_WINDOWS, rows.size)).astype(int))
    windows = Windows(mapped, annual, placed, record, asked)
    again = np.array([windows.again(i, j) for i, j in zip(rows[some], columns[some], strict=True)])
    found = [mapped[name].values[rows[some], columns[some]] for name in ("flux_divergence", "flux_divergence_sigma")]
    text = f"{some.size} windows summed again edge by edge"
    # errors are taken as one within a sixth of a side, and shared by cells beside the window
    return [
        same(keys[0], {"flux_divergence": (found[0], again[:, 0])}, f"divergence of {text}", limit=0.02),
        same(keys[1], {"flux_divergence_sigma": (found[1], again[:, 1])}, f"errors of {text}", limit=0.1),
    ]


class Windows:
    """The mean velocity and the thickness that a divergence was made from, and windows of them."""

    def __init__(self, mapped, annual, placed, record, asked):
        self.grid, self.asked = Grid.of(annual), asked
        years = [int(year) for year in str(mapped.attrs["years"]).split()]
        chosen = annual.sel(year=years)
        n = np.isfinite(chosen["vx"].values).sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            total = {name: np.nansum(chosen[name].values.astype("f8"), axis=0) for name in ("vx", "vy")}
            errors = {name: np.nansum(chosen[f"{name}_error"].values.astype("f8") ** 2, axis=0) for name in total}
            self.v = {name: np.where(n > 0, values / n, np.nan) for name, values in total.items()}
            self.v_error = {name: np.where(n > 0, np.sqrt(values) / n, np.nan) for name, values in errors.items()}
        gx, gy = np.meshgrid(annual["x"].values, annual["y"].values)
        middle = (float(mapped.attrs["since"]) + float(mapped.attrs["until"])) / 2
        h = placed["thickness"].values.astype("f8")
        whole = None if record is None else carried(record)
        change = moved(whole, gx, gy, self.grid.crs, middle, float(placed.attrs.get("reference_year", middle)))
        self.h = np.where(h > 0, np.maximum(h + change, 0.0), np.nan)
        self.h_error = placed["thickness_sigma"].values.astype("f8")
        self.k = map_scale(self.grid.crs, gx, gy)

    def again(self, row, column):
        """
        Return the divergence of the window about a cell and its error, m/yr.

        The result is NaN where the thickness is not known.
        """
        cell, asked = (self.grid.dx * self.grid.dy) ** 0.5, self.asked
        if not self.h[row, column] > 0:
            return np.nan, np.nan
        half = max(round((asked["smoothing"] * self.h[row, column] * self.k[row, column] / cell - 1) / 2), 1)
        inside = np.arange(-half, half + 1)
        area = sum(self.grid.dx * self.grid.dy / self.k[row + i, column + j] ** 2 for i in inside for j in inside)
        edges = [(row + i, column + s * half, 0, s, "vx") for i in inside for s in (1, -1)]
        edges += [(row + s * half, column + i, s, 0, "vy") for i in inside for s in (1, -1)]
        net, places, by_v, by_h, of_x = 0.0, [], [], [], []
        for i, j, di, dj, name in edges:
            other = i + di, j + dj
            # rows run to the south
            sign = dj if name == "vx" else -di
            width = (self.grid.dy if name == "vx" else self.grid.dx) / ((self.k[i, j] + self.k[other]) / 2)
            v, h, ev, eh = (
                (part[i, j] + part[other]) / 2 for part in (self.v[name], self.h, self.v_error[name], self.h_error)
            )
            weight = sign * asked["depth_factor"] * width
            net += weight * v * h
            places.append(((i + other[0]) / 2, (j + other[1]) / 2))
            by_v.append(weight * h * ev)
            by_h.append(weight * v * eh)
            of_x.append(name == "vx")
        distance = np.array(places)[:, None] - np.array(places)[None]
        distance = np.hypot(*np.moveaxis(distance, -1, 0)) * cell / self.k[row, column]
        alike = np.equal.outer(of_x, of_x)
        variance = np.dot(by_v, (spherical(distance, asked["velocity_range"]) * alike) @ by_v)
        variance += np.dot(by_h, spherical(distance, asked["thickness_range"]) @ by_h)
        variance += (net * asked["depth_factor_sigma"] / asked["depth_factor"]) ** 2
        return net / area, np.sqrt(max(variance, 0.0)) / area
