"""What a run does with a granule, stage by stage: it is indexed in its folder, checked when fetched, and read."""

from __future__ import annotations

import logging
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

import fit_photons
import map_height_change
from nunatak import gridding, photons
from nunatak.archives import verify
from nunatak.archives.local import content
from nunatak.cubes.blocks import read_blocks
from nunatak.cubes.plans import plan_pairs
from nunatak.geometry.region import load
from nunatak.granules import ledger
from nunatak.parameters.velocity import PairSelection
from nunatak.products import atl06, atl07, atl10, atl11, atl11_crossings, atl14, polar_grid
from nunatak.products.itslive import cubes
from nunatak.products.segment_filter import SegmentFilter
from nunatak.reading import points
from nunatak.reading.granules import each_granule
from nunatak.runtime import NunatakError
from nunatak.study.period import Period
from nunatak.study.products import Atl06, Atl11

ALL_TIME = Period.model_validate(["2018-10-01", "2030-01-01"])
# datasets that the readers below look at, by product
LOOKED_AT = {
    "atl03": """segment_id segment_dist_x segment_ph_cnt segment_length delta_time reference_photon_lat
    reference_photon_lon velocity_sc h_ph lat_ph lon_ph dist_ph_along dist_ph_across signal_conf_ph quality_ph
    bckgrd_rate""",
    "atl06": """latitude longitude delta_time segment_id h_li h_li_sigma atl06_quality_summary x_atc dh_fit_dy
    n_fit_photons""",
    "atl07": """latitude longitude delta_time height_segment_height seg_dist_x height_segment_type
    height_segment_length_seg""",
    "atl08": "ph_segment_id classed_pc_indx classed_pc_flag delta_time segment_id_beg h_te_median",
    "atl10": """latitude longitude delta_time beam_fb_height beam_fb_unc seg_dist_x height_segment_type
    height_segment_length_seg""",
    "atl11": "latitude longitude delta_time h_corr ref_pt cycle_number h_corr_sigma quality_summary rgt",
    "atl14": "x y h h_sigma ice_area",
    "atl15": "x y time delta_h delta_h_sigma ice_area dhdt dhdt_sigma",
    "itslive": "x y vx vy v v_error",
}


class Reader:
    """
    What a run does with the granules of one product.

    Parameters
    ----------
    product : name in lower case, or "cube"
    seed : seeds.Seed
    """

    def __init__(self, product, seed):
        self.product, self.seed = product, seed
        self.region = load({"bbox": seed.box}) if seed.box else None
        self.name = seed.path.stem
        self.read = getattr(self, product if product not in ("atl07", "atl10") else "sea_ice")

    def stages(self, path):
        """Return {stage: function of a path that returns (status, reason, tables)}."""
        if self.product == "cube":
            return {"read": self.read}
        return {"describe": self.describe, "check": self.check, "read": self.read}

    def describe(self, path):
        found = content.describe(path)
        return "failed" if found.status != "granule" else "present", f"{found.reason} {found.notes}".strip(), {}

    def check(self, path):
        nothing: dict[str, Any] = dict.fromkeys(("size_bytes", "checksum", "checksum_algorithm"))
        outcome = verify.check(SimpleNamespace(granule_id=self.name, product=self.product, **nothing), path)
        return outcome.status, outcome.reason, {}

    def _ledger(self, path, name=None):
        row = {
            "granule_id": name or self.name,
            "path": str(path),
            "status": "present",
            "reason": "",
            "size_bytes": None,
        }
        return ledger([{**row, "sha256": None}])

    def _points(self, path, reader, beams=("all",)):
        table, outcome = points.subset(
            self._ledger(path),
            reader.read,
            reader.nothing,
            region=self.region,
            period=ALL_TIME,
            crs="EPSG:3413",
            beams=beams,
            variables=reader.variables,
            threads=1,
        )
        return outcome["status"][0], outcome["reason"][0] or "", {"rows": _written(table)}

    def atl06(self, path):
        settings = Atl06(variables=["h_li", "n_fit_photons"])
        return self._points(path, atl06.for_points(settings))

    def atl11(self, path):
        status, reason, tables = self._points(path, atl11.for_points(Atl11()))
        try:
            crossings, statuses = atl11_crossings.read_crossings(path, region=self.region, period=ALL_TIME)
            tables["crossings"] = _written(crossings)
            reason += "".join(f"; {s.beam}: {s.reason}" for s in statuses if s.reason)
        except NunatakError as error:
            status, reason = "failed", f"{reason}; {error}"
        return status, reason, tables

    def sea_ice(self, path):
        read, value, errors = {
            "atl07": (atl07.read_segments, "height_segment_height", ("height_segment_surface_error_est",)),
            "atl10": (atl10.read_with_error, "beam_fb_height", atl10.ERRORS),
        }[self.product]
        grid = gridding.make_grid(preset="ease2_south", cell="25km", region=self.region)
        read = partial(read, region=self.region, period=ALL_TIME, beams="all", keep=SegmentFilter())
        seen = []

        def work(table):
            seen.append(table)
            return gridding.sum_segments(
                table, grid, value=value, weight="height_segment_length_seg", errors=errors, level_width=0.01
            )

        (granule,) = each_granule(self._ledger(path), read, work=work, threads=1)
        sums = gridding.merge([granule.table or gridding.no_segments(grid, level_width=0.01)])
        tables = {name: _written(table) for name, table in gridding.to_tables(sums)[0].items()}
        return granule.outcome["status"], granule.outcome["reason"] or "", {"rows": _first(seen), **tables}

    def _photons(self, path, name, parameters, partners):
        read = partial(
            fit_photons.rows_of,
            work=photons.granule_heights,
            parameters=parameters,
            partners=partners,
            region=self.region,
            period=ALL_TIME,
            threads=1,
        )
        (granule,) = each_granule(self._ledger(path, name), read, judge=photons.granule_outcome, threads=1)
        table = photons.no_heights(parameters) if granule.table is None else granule.table
        return granule.outcome["status"], granule.outcome["reason"] or "", {"rows": _written(table)}

    def atl03(self, path):
        wanted = photons.FitParameters.of({"srt": 3, "cnf": 1, "ats": 10, "cnt": 5, "len": 40, "res": 20, "maxi": 6})
        return self._photons(path, None, wanted, {})

    def atl08(self, path):
        wanted = {"srt": 3, "cnf": 0, "ats": 10, "cnt": 5, "len": 40, "res": 20, "maxi": 6}
        wanted |= {"atl08_class": ["atl08_ground"], "atl08_fields": ["h_te_median"]}
        (beside,) = self.seed.beside
        return self._photons(beside, beside.stem, photons.FitParameters.of(wanted), {str(beside): path})

    def atl15(self, path):
        layer, rates = map_height_change.read_layer([str(path)], self.region, ALL_TIME)
        tables = {"layer": layer, **{f"lag {lag}": rate for lag, rate in rates.items()}}
        return "present", "", {name: made.to_dataframe().reset_index() for name, made in tables.items()}

    def atl14(self, path):
        bounds = self.region.projected(polar_grid.crs(str(path))).bounds
        surface = atl14.read_surface([str(path)], bounds=bounds)
        return "present", "", {"surface": surface.to_dataframe().reset_index()}

    def itslive(self, path):
        plan = plan_pairs([*self.seed.beside, path], self.region, selection=PairSelection(), threads=1)
        mine = plan.pairs[plan.pairs["file_name"] == path.name].iloc[0]
        fate, why, tables = mine["fate"], mine["why"], {}
        for rows, layers in read_blocks(plan, threads=1):
            used = rows["file_name"][rows["fate"] == "used"].tolist()
            row = rows[rows["file_name"] == path.name]
            if len(row):
                fate, why = row.iloc[0]["fate"], row.iloc[0]["why"]
            if path.name in used:
                tables["layer"] = pd.DataFrame({k: v[used.index(path.name)].ravel() for k, v in layers.items()})
        told = [
            "epsg",
            "x0",
            "y0",
            "dx",
            "dy",
            "ny",
            "nx",
            "acquisition_date_img1",
            "acquisition_date_img2",
            "mid_date",
        ]
        told += [
            "date_dt",
            "vx_error",
            "vy_error",
            "vx_stable_shift",
            "stable_shift_flag",
            "roi_valid_percentage",
            "group",
        ]
        tables["pair"] = pd.DataFrame([mine[told]]).reset_index(drop=True).infer_objects()
        status = "present" if fate == "used" else "failed" if fate in ("failed", "corrupt") else fate
        return status, why, tables

    def cube(self, path):
        cube = cubes.open_datacube(path, variables=("vx", "vy", "v")).load()
        along = [name for name in cube.coords if cube[name].dims == ("time",) and name != "time"]
        layers = cube[along].to_dataframe().reset_index()
        values = pd.DataFrame({name: cube[name].values.ravel() for name in cube.data_vars if cube[name].ndim == 3})
        axes = pd.DataFrame({"x": [cube.x.values.tolist()], "y": [cube.y.values.tolist()], "crs": [cube.attrs["crs"]]})
        return "present", str(cube.attrs.get("absent_chunks", "")), {"layers": layers, "values": values, "axes": axes}


def _first(tables):
    return tables[0] if tables else pd.DataFrame()


def _written(table):
    """A table, once Arrow has taken it: what cannot be written ends the job after all granules are read."""
    pa.Table.from_pandas(table, preserve_index=False)
    return table


class Warnings(logging.Handler):
    """Keeps what the log is told, for granules that have no reason of their own."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record):
        self.said.append(record.getMessage())


def difference(before, now):
    """
    Return in words what of some tables is not as it was.

    The text is empty where they are the same.
    """
    for name in dict.fromkeys((*before, *now)):
        a, b = before.get(name), now.get(name)
        if a is None or b is None:
            return f"{name} {'is gone' if b is None else 'is new'}"
        if len(a) != len(b):
            return f"{name}: {len(b)} rows, {len(a)} before"
        for column in dict.fromkeys((*a.columns, *b.columns)):
            if column not in a or column not in b:
                return f"{name}: {column} is {'gone' if column in a else 'new'}"
            x, y = a[column].to_numpy(), b[column].to_numpy()
            same = np.array([str(p) == str(q) for p, q in zip(x, y, strict=True)]) if x.dtype == object else _same(x, y)
            if not same.all():
                i = int(np.flatnonzero(~same)[0])
                return f"{name}: {column} {x[i]!s:.24} -> {y[i]!s:.24} ({int((~same).sum())} of {len(x)})"
    return ""


def _same(x, y):
    return (x == y) | (pd.isna(x) & pd.isna(y))
