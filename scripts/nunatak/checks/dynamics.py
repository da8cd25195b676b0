"""Flux, dynamic thinning and budgets held against one another and against the maps they were made from."""

from __future__ import annotations

import json

import numpy as np
import pyproj
import shapely

from nunatak.checks import dynamics_maps
from nunatak.checks.check import at_most, not_applicable
from nunatak.checks.same import same
from nunatak.constants import BUOYANCY, ICE_DENSITY
from nunatak.dynamics.surface import at_years
from nunatak.dynamics.terms import floating_of
from nunatak.geometry.grid import Grid, map_scale

_KG_PER_GT = 1e12
_FLOWS = ("discharge_out", "discharge_in", "sides")
_GAUSS_SHARE = 0.03  # of the discharge by which the flux out of a box and the divergence in it may differ
_BOX_SHARE = 0.005  # by which sums over whole cells and over the shares of cells in a box may differ
_SAMPLES = 400  # cells of a box's width, at most, in sums over its area


def checks(results, settings, record=None, bed=None):
    """
    Check what joins elevation and velocity, apart from what is compared with a truth.

    Parameters
    ----------
    results : Opened
    settings : mapping of the study's keys, with their defaults
    record : Dataset of `surface.yearly_change` that the thickness follows, None where the study has none
    bed : function of x, y and their CRS that reads BedMachine around them again, None where it is not here
    """
    asked = settings.get("dynamics")
    if not asked or "thickness" not in results:
        return []
    found = [dynamics_maps.thickness_again(results["thickness"], asked, bed)]
    if "gate_sections" in results:
        tables = results["discharge"], results["gate_sections"]
        found += [sums_of_sections(*tables, asked), gates_in_place(tables[0], results, settings)]
        found.append(dynamics_maps.sections_again(*tables, results["annual"], results["thickness"], record))
    if "dynamics" in results:
        mapped = results["dynamics"]
        found += [parts_close(mapped, results["thickness"]), dynamics_maps.thinning_again(mapped, record, asked)]
        found += dynamics_maps.divergence_again(mapped, results["annual"], results["thickness"], record, asked)
    if "budget" in results:
        table = results["budget"]
        found += [budget_closes(table), flows_of_gates(table, results["discharge"], asked["boxes"])]
        found += [check for name in asked["boxes"] for check in over_box(name, results, record, asked)]
    return found


def sums_of_sections(table, sections, asked):
    """Check discharge, its errors, shares and width of every gate and year from its segments."""
    per_unit = asked["depth_factor"] * asked["density"] / _KG_PER_GT
    columns = {
        "discharge of segments": (
            sections["discharge"],
            per_unit * sections["v_across"] * sections["thickness"] * sections["width"],
        )
    }
    keys = ["gate", "year"]
    parts = sections.assign(
        sigma_thickness=per_unit * sections["width"] * sections["v_across"].abs() * sections["thickness_sigma"],
        sigma_velocity=per_unit * sections["width"] * sections["v_across_error"].fillna(0) * sections["thickness"],
        seen=sections["discharge"].abs() * sections["observed"],
        known=sections["discharge"].abs() * sections["measured"],
        size=sections["discharge"].abs(),
    )
    sums = parts.groupby(keys)[["discharge", "sigma_thickness", "sigma_velocity", "width", "seen", "known", "size"]]
    both = table.merge(sums.sum().reset_index(), on=keys, how="outer", suffixes=("", "_summed"))
    for name in ("discharge", "sigma_thickness", "sigma_velocity", "width"):
        columns[name] = both[name], both[f"{name}_summed"]
    columns["observed_share"] = both["observed_share"], both["seen"] / both["size"]
    columns["thickness_share"] = both["thickness_share"], both["known"] / both["size"]
    by_factor = both["discharge"].abs() * asked["depth_factor_sigma"] / asked["depth_factor"]
    squares = both["sigma_thickness"] ** 2 + both["sigma_velocity"] ** 2 + by_factor**2
    columns["discharge_sigma"] = both["discharge_sigma"], np.sqrt(squares)
    columns["sigma_factor"] = both["sigma_factor"], by_factor
    return same("discharge/from_sections", columns, "discharge of gates from their segments")


def gates_in_place(table, results, settings):
    """Check that drawn gates lie where the study draws them, others across their flowline at the distance asked for."""
    crs = results["annual"].attrs["crs"]
    to_map = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    columns, cell = {}, Grid.of(results["annual"]).dx
    for name, rows in table.groupby("gate"):
        vertices = np.array(json.loads(rows["vertices"].iloc[0]))
        if name in settings["gates"]:
            asked = np.column_stack(to_map.transform(*np.asarray(settings["gates"][name]["lonlat"], float).T))
            columns[f"vertices of {name}"] = vertices.ravel(), asked.ravel()
        elif name in settings["dynamics"]["derive"] and "flowline" in results:
            asked = settings["dynamics"]["derive"][name]
            lines = results["flowline"]
            line = lines[(lines["flowline"] == asked["flowline"]) & (lines["year"] == 0)].sort_values("distance")
            at = line["distance"].iloc[-1] - asked["distance"]
            place = [np.interp(at, line["distance"], line[axis]) for axis in ("x", "y")]
            off = shapely.LineString(vertices).distance(shapely.Point(place))
            columns[f"place of {name}"] = np.array([off]), np.zeros(1)
        middle = to_map.transform(rows["longitude"].to_numpy(), rows["latitude"].to_numpy())
        columns[f"longitude and latitude of {name}"] = (
            np.ravel(middle),
            np.repeat(vertices.mean(axis=0), len(rows)),
        )
    scales = dict.fromkeys(columns, 1e3) | {key: 1e2 * cell for key in columns if key.startswith("place")}
    return same("discharge/places", columns, "gates at their places, in km", limit=1e-2, scales=scales)


def parts_close(mapped, placed):
    """Check that the parts of the thinning add up, and that the residual is what mass conservation leaves over."""
    value = {name: mapped[name].values.astype("f8") for name in mapped.data_vars if mapped[name].dims == ("y", "x")}
    for name in ("firn_part", "basal_part"):
        for key in (name, f"{name}_sigma"):
            value[key] = np.nan_to_num(value[key])
    factor = np.where(floating_of(placed), BUOYANCY, 1.0)
    air_free = factor * (value["thinning"] - value["firn_part"])
    left = air_free - value["smb_part"] - value["basal_part"] + value["flux_divergence"]
    by_height = factor * np.hypot(value["thinning_sigma"], value["firn_part_sigma"])
    others = sum(value[f"{name}_sigma"] ** 2 for name in ("smb_part", "basal_part", "flux_divergence"))
    surface = np.hypot(value["smb_part_sigma"], value["firn_part_sigma"])
    grounded = factor == 1
    columns = {
        "surface_part": (value["surface_part"], value["smb_part"] + value["firn_part"]),
        "surface_part_sigma": (value["surface_part_sigma"], surface),
        "dynamic_part": (value["dynamic_part"][grounded], (value["thinning"] - value["surface_part"])[grounded]),
        "dynamic_part_sigma": (
            value["dynamic_part_sigma"][grounded],
            np.hypot(value["thinning_sigma"], surface)[grounded],
        ),
        "residual": (value["residual"], left),
        "residual_sigma": (value["residual_sigma"], np.sqrt(by_height**2 + others)),
    }
    if not np.isfinite(value["residual"]).any():
        return not_applicable("dynamics/closes", "the study has no surface mass balance")
    return same("dynamics/closes", columns, "parts of the thinning from one another", limit=1e-3)


def budget_closes(table):
    """Check that the residual of every budget is what its terms leave over, with their errors in quadrature."""
    known = table[[name for name in table if name.endswith("_sigma")]].fillna(0.0)
    gain = table["smb"] - table["basal"].fillna(0.0) + table["discharge_in"] - table["discharge_out"] - table["sides"]
    squares = sum(known[f"{name}_sigma"] ** 2 for name in (*_FLOWS, "smb", "storage", "basal"))
    whole = table["residual"].notna()
    columns = {
        "residual": (table["residual"], table["storage"] - gain),
        "residual_sigma": (table["residual_sigma"][whole], np.sqrt(squares)[whole]),
    }
    for name, rows in table.groupby("box"):
        years, together = rows[rows["year"] != 0], rows[rows["year"] == 0]
        for flow in _FLOWS:
            columns[f"mean {flow} of {name}"] = together[flow], [years[flow].mean(skipna=False)] * len(together)
    return same("budget/closes", columns, "budgets from their terms", limit=1e-3)


def flows_of_gates(table, discharge, boxes):
    """Check that what flows into and out of a box is the discharge of its gates."""
    columns = {}
    for name, rows in table[table["year"] != 0].groupby("box"):
        for flow, key in (("discharge_out", "outflow"), ("discharge_in", "inflow")):
            gates = discharge[discharge["gate"].isin(boxes[name][key])].groupby("year")
            sums = gates[["discharge", "discharge_sigma"]].sum().reindex(rows["year"])
            whole = gates.size().reindex(rows["year"]).to_numpy() == len(boxes[name][key])
            for column, end in (("discharge", ""), ("discharge_sigma", "_sigma")):
                expected = np.where(whole, sums[column], np.nan) if boxes[name][key] else np.zeros(len(rows))
                columns[f"{flow}{end} of {name}"] = rows[f"{flow}{end}"], expected
    return same("budget/discharge", columns, "flow into and out of boxes from their gates", limit=1e-3)


def over_box(name, results, record, asked):
    """
    Check storage and mass balance of a box summed again over its area, and its divergence against the flux out of it.
    """
    rows = results["budget"][results["budget"]["box"] == name]
    box = asked["boxes"][name]
    keys = f"budget/area/{name}", f"budget/gauss/{name}"
    if box["region"] is not None or not len(rows):
        reason = "its outline is a region's" if len(rows) else "no year has all records"
        return [not_applicable(key, reason) for key in keys]
    inside, mapped = Inside(results, outline_of(box, results["discharge"])), results["dynamics"]
    volume = [inside.volume_rate(record, row.since, row.until) for row in rows.itertuples()]
    air = np.array([inside.total(inside.factor(_air_of(mapped, row.year))) for row in rows.itertuples()])
    to_mass = asked["density"] / _KG_PER_GT
    columns = {
        "area": (rows["area"], np.full(len(rows), inside.area.sum() / 1e6)),
        "volume": (rows["storage"] + rows["firn"].fillna(0.0), np.array(volume) * to_mass),
        "firn": (rows["firn"].fillna(0.0), air * to_mass),
    }
    for term, part, sign in (("smb", "smb_part", 1), ("basal", "basal_part", -1)):
        expected = sign * inside.total(mapped[part].values) * ICE_DENSITY / _KG_PER_GT
        known = rows[term].notna()
        columns[term] = rows[term][known], np.full(known.sum(), expected)
    text = f"area, volume change, firn and mass balance of {name} summed over the cells in it"
    scales = {"firn": float(rows["storage"].abs().max())}
    return [
        same(keys[0], columns, text, limit=_BOX_SHARE, scales=scales),
        gauss(keys[1], rows, inside, mapped, asked),
    ]


def _air_of(mapped, year):
    """Return the change of the firn's air of a year of a budget on the map, m/yr."""
    if year == 0:
        return mapped["firn_part"].values
    known = "firn_yearly" in mapped and year in mapped["year"].values
    return mapped["firn_yearly"].sel(year=year).values if known else np.full(mapped["thinning"].shape, np.nan)


def gauss(key, rows, inside, mapped, asked):
    """Check that the flux out of a box in all years is the divergence of the flux in it."""
    row = rows[rows["year"] == 0]
    seen = inside.share(mapped["flux_divergence"].values)
    if not len(row) or not np.isfinite(row["residual"].iloc[0]) or seen < 0.5:
        return not_applicable(key, f"a flux is missing, or the divergence in {100 * (1 - seen):.0f} % of the box")
    row = row.iloc[0]
    out = row["discharge_out"] - row["discharge_in"] + row["sides"]
    divergence = inside.total(mapped["flux_divergence"].values) / seen * asked["density"] / _KG_PER_GT
    text = (
        f"flux out of the box, {out:.4g} Gt/yr, less the divergence in it, {divergence:.4g} Gt/yr; windows at its rim "
        f"reach beyond it, and the limit is {100 * _GAUSS_SHARE:g} % of the discharge"
    )
    return at_most(key, out - divergence, _GAUSS_SHARE * abs(row["discharge_out"]), "Gt/yr", text)


def outline_of(box, discharge):
    """Return the outline of a box between two gates, from their vertices."""
    lines = discharge.drop_duplicates("gate").set_index("gate")["vertices"]
    out, into = (np.array(json.loads(lines[box[key][0]])) for key in ("outflow", "inflow"))
    return shapely.Polygon([*out, *into[::-1]])


class Inside:
    """Points evenly over the ice of an outline, each with the ground that it stands for."""

    def __init__(self, results, outline):
        grid = Grid.of(results["annual"])
        left, bottom, right, top = outline.bounds
        step = max((right - left) / _SAMPLES, (top - bottom) / _SAMPLES, grid.dx / 4)
        x, y = (np.arange(a + step / 2, b, step) for a, b in ((left, right), (bottom, top)))
        px, py = (part.ravel() for part in np.meshgrid(x, y))
        shapely.prepare(outline)
        kept = shapely.contains_xy(outline, px, py)
        self.x, self.y, self.grid = px[kept], py[kept], grid
        self.rows = np.floor((grid.top - self.y) / grid.dy).astype(int)
        self.columns = np.floor((self.x - grid.left) / grid.dx).astype(int)
        self.floating = floating_of(results["thickness"])
        ice = results["thickness"]["thickness"].values[self.rows, self.columns] > 0
        self.area = np.where(ice, step**2 / map_scale(grid.crs, self.x, self.y) ** 2, 0.0)

    def _of(self, values):
        return values[self.rows, self.columns].astype("f8")

    def share(self, values):
        """Return the share of the ice whose cell has a value."""
        return float(self.area[np.isfinite(self._of(values))].sum() / self.area.sum())

    def total(self, values):
        """
        Sum over the ice, by its area.

        Cells without a value count nothing.
        """
        return float(np.nansum(self._of(values) * self.area))

    def factor(self, values):
        """Return values on the map, multiplied by the buoyancy factor where ice floats."""
        return values * np.where(self.floating, BUOYANCY, 1.0)

    def volume_rate(self, record, since, until):
        """Compute the change of volume between two decimal years by a record of height change, m3/yr."""
        dh = at_years(record[["dh"]], [since, until])["dh"].values
        rate = dynamics_maps.at_points(record, (dh[1] - dh[0]) / (until - since), self.x, self.y, self.grid.crs)
        rate = rate * np.where(self._of(self.floating), BUOYANCY, 1.0)
        seen = np.isfinite(rate)
        return float((rate * self.area)[seen].sum() * self.area.sum() / self.area[seen].sum()) if seen.any() else np.nan
