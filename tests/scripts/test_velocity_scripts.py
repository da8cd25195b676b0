"""The scripts of velocity on a small simulated stack: what a rule would call, without the workflow around it."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pyproj
import pytest
import rasterio
import xarray as xr

import build_cube
import composite_velocity
import follow_flow
import invert_velocity
import map_velocity
import pack_flow
import plan_cube
import stack_pairs
from nunatak import api, study, velocity
from nunatak.checks import velocity_truth
from nunatak.figures import study_velocity
from nunatak.files.rasters import write_netcdf
from nunatak.files.tables import read_csv, read_table, write_table
from nunatak.geometry.outlines import write_outlines
from nunatak.geometry.region import load
from nunatak.granules import granule_table, ledger
from nunatak.parameters.choices import read_choices
from nunatak.parameters.velocity import AnnualFit, CubeForm, Flowline, Gate, Inversion, PairSelection
from nunatak.products.itslive import index
from nunatak.products.itslive.store import open_cube
from nunatak.reports import velocity as velocity_words
from nunatak.runtime import NunatakError, file_sha256
from nunatak.simulation import itslive, worlds

AREA = {"bbox": [-101.0, -75.07, -100.75, -75.02]}
POINT = (-100.9, -75.05)


YEARS = range(2016, 2021)
FLOW = ("series", "flowline", "series_csv", "flowline_csv", "gates")


@pytest.fixture(scope="module")
def granules(tmp_path_factory):
    """Simulated image pairs, by name."""
    folder = tmp_path_factory.mktemp("granules")
    return sorted(itslive.write(worlds.world("pine_island", "tiny"), folder))


class Chain:
    """From ledgers to the cube in a folder, as the rules call it; shares and years that are as before are kept."""

    def __init__(self, folder):
        self.folder, self.stacked = folder, []
        write_outlines({"region": load(AREA)}, folder / "regions.geojson")
        self.leave_out([])

    def leave_out(self, names):
        rows = granule_table([{"file_name": name} for name in names]) if names else granule_table([]).iloc[:0]
        write_table(rows.assign(why=["months: mid-date in June"] * len(names)), self.folder / "left_out.parquet")

    def build(self, ledger, **settings):
        settings = settings_of("products.itslive", **{"max_separation": 120, "geometry": "any", **settings})
        regions, plan = self.folder / "regions.geojson", self.folder / "plan"
        write_table(ledger, self.folder / "ledger.parquet", attributes={"nunatak_source": "SIMULATED"})
        before = {path.name: path.read_bytes() for path in plan.glob("*")}
        plan_cube.main(
            [self.folder / "ledger.parquet"],
            regions,
            plan,
            selection=read_choices(PairSelection, settings),
            form=read_choices(CubeForm, settings),
            study="pine_island",
            years=list(YEARS),
            index=self.folder / "index.parquet",
        )
        shares = [plan / f"{year}.parquet" for year in YEARS]
        self.stacked = [share.stem for share in shares if before.get(share.name) != share.read_bytes()]
        for year in self.stacked:
            stack_pairs.main(plan / f"{year}.parquet", regions, self.folder / "years" / year)
        out = {name: self.folder / name for name in ("cube", "pairs", "pair")}
        years, left_out = [self.folder / "years" / str(year) for year in YEARS], self.folder / "left_out.parquet"
        build_cube.main(
            plan,
            years,
            left_out,
            [self.folder / "ledger.parquet"],
            regions,
            out,
            form=read_choices(CubeForm, settings),
            settings=settings,
            study="pine_island",
        )


@pytest.fixture(scope="module")
def work(granules, tmp_path_factory):
    """A folder with outlines and a cube of all granules but one, which is gone by the ledger."""
    chain = Chain(tmp_path_factory.mktemp("scripts"))
    chain.build(ledger_of(granules, failed=granules[:1]), min_separation=6)
    return chain.folder


def ledger_of(paths, failed=()):
    rows = [
        {
            "granule_id": path.name.removesuffix(".nc"),
            "path": str(path),
            "reason": "cut short" * (path in failed),
            "sha256": file_sha256(path),
            "status": "failed" if path in failed else "present",
        }
        for path in paths
    ]
    return ledger(rows)


def settings_of(key, **changes):
    """A part of a study, with its defaults, as a rule's parameters give it."""
    given = {"title": "x", "region": AREA, "period": ["2012-01-01", "2024-12-31"], "products": {"itslive": {}}}
    if key == "products.itslive":
        given["products"] = {"itslive": changes}
        return study.StudyFile.model_validate(given).model_dump(mode="json")["products"]["itslive"]
    given[key] = changes
    return study.StudyFile.model_validate(given).model_dump(mode="json")[key]


def fit_of(**changes):
    """The choices of annual velocities, as the script reads them."""
    return read_choices(AnnualFit, settings_of("composite", **changes))


def gate_of(lonlat, **changes):
    """A gate, as the script reads it."""
    return read_choices(Gate, settings_of("gates", g={"lonlat": lonlat, **changes})["g"])


def test_a_new_pair_reads_its_own_year_and_the_cube_is_that_of_one_go(granules, tmp_path, monkeypatch):
    """The plan opens the new granule alone, its year is stacked, the other years' chunks are taken: the same bytes."""
    opened = []
    read_pair = index.read_pair
    monkeypatch.setattr(index, "read_pair", lambda path: opened.append(str(path)) or read_pair(path))
    late = next(path for path in granules if path.name.startswith("LC08") and "_2018" in path.name)
    every = ledger_of(granules)
    first, once = Chain(tmp_path / "first"), Chain(tmp_path / "once")
    first.build(every[every["path"] != str(late)])
    assert len(opened) == len(granules) - 1 and len(first.stacked) == len(YEARS)
    del opened[:]
    first.build(every)
    year = str(read_table(first.folder / "pairs").set_index("path").loc[str(late), "mid_date"].year)
    assert opened == [str(late)] and first.stacked == [year]
    once.build(every)
    assert file_sha256(first.folder / "cube") == file_sha256(once.folder / "cube")
    taken = {path.stat().st_ino for path in (first.folder / "years").rglob("vx/*")}
    assert {path.stat().st_ino for path in (first.folder / "cube/vx").glob("c.*")} <= taken


def test_a_file_that_changed_is_not_taken_for_the_one_indexed(granules, tmp_path, monkeypatch):
    """Same name and size, other bytes: by its checksum, and without one by its time."""
    path = tmp_path / granules[0].name
    path.write_bytes(granules[0].read_bytes())
    by_sum, by_time = (index.index_pairs([path], checksums=sums) for sums in ({str(path): "a"}, None))
    opened = []
    monkeypatch.setattr(index, "read_pair", lambda path: opened.append(path) or {})
    index.index_pairs([path], known=by_sum, checksums={str(path): "a"})
    index.index_pairs([path], known=by_time)
    assert opened == []
    index.index_pairs([path], known=by_sum, checksums={str(path): "b"})
    os.utime(path, ns=(0, 1))
    index.index_pairs([path], known=by_time)
    assert len(opened) == 2


def test_pairs_left_out_by_name_are_told_with_the_others(granules, tmp_path):
    """What was found goes in, what was found comes out, each with its fate; without a layer there is one line."""
    chain = Chain(tmp_path)
    chain.leave_out([path.name for path in granules[5:]])
    chain.build(ledger_of(granules[:5]))
    told = read_table(tmp_path / "pairs")
    assert sorted(told["granule_id"]) == sorted(path.name.removesuffix(".nc") for path in granules)
    left = told[told["status"] == "not read"]
    assert len(left) == len(granules) - 5 and set(left["why"]) == {"months: mid-date in June"}
    assert left["mid_date"].notna().all() and told["mid_date"].is_monotonic_increasing
    with pytest.raises(
        NunatakError, match=r"no layer: of 48 image pairs none is used: 43 months, 3 percent_valid_pixels, 1 duplicate"
    ):
        chain.build(ledger_of(granules[:5]), percent_valid_pixels=100)


def made_annual(cube, folder, **options):
    """
    Make the annual velocities of a cube and what follows from them in a folder.

    Their files by name.
    """
    out = {name: folder / name for name in ("annual", "strain", "maps", "speeds")}
    fit = fit_of(minimum_pairs=8)
    composite_velocity.main(cube, {name: out[name] for name in ("annual", "speeds")}, fit=fit, study="x", **options)
    map_velocity.main(out["annual"], {name: out[name] for name in ("strain", "maps")}, fit=fit, study="x")
    return out


@pytest.fixture(scope="module")
def annual(work):
    made_annual(work / "cube", work)
    return xr.load_dataset(work / "annual", engine="h5netcdf")


def test_what_the_fetch_lost_is_told(work):
    """A granule the ledger calls failed is not read, and keeps its reason; the pair to look at is a used one."""
    pairs, fetched = read_table(work / "pairs"), read_table(work / "ledger.parquet")
    assert sorted(pairs["granule_id"]) == sorted(fetched["granule_id"])
    lost = pairs[pairs["fate"] == "failed"]
    assert lost["granule_id"].tolist() == fetched.loc[fetched["status"] == "failed", "granule_id"].tolist()
    assert lost["why"].tolist() == ["failed: cut short"]
    with xr.open_dataset(work / "pair", engine="h5netcdf") as pair:
        best = pairs.set_index("granule_id").loc[pair.attrs["granule_id"]]
        assert best["valid_cells"] == pairs.loc[pairs["fate"] == "used", "valid_cells"].max()
        assert pair.attrs["crs"] == f"EPSG:{best['epsg']}" and pair.attrs["nunatak_source"] == "SIMULATED"


def test_distribution_counts_every_value_of_the_region_once(work, annual):
    cube, speeds = open_cube(work / "cube"), read_csv(work / "speeds")
    roi = cube["roi"].values.astype(bool)
    vx, vy = (cube[name].values[:, roi].astype(float) for name in ("vx", "vy"))
    assert speeds["pairs"].sum() == ((vx != -32767) & (vy != -32767)).sum()
    assert speeds["annual"].sum() == np.isfinite(annual["v"].values).sum()
    assert annual.attrs["filters"].count("after_minimum=8") == 1


@pytest.mark.parametrize("chunks", ["map", "series"])
def test_the_distribution_inflates_every_chunk_once(granules, tmp_path, chunks):
    """Blocks lie along the chunks, 16 layers at a time where a chunk has one, and together they are the cube."""
    api.build_cube(granules[:20], AREA, tmp_path / "cube", chunks=chunks)
    stack = open_cube(tmp_path / "cube")
    held, seen = stack["vx"].encoding["chunks"], np.zeros(stack["vx"].shape, dtype=int)
    for block in composite_velocity.tiles(stack):
        seen[block] += 1
        assert all(part.start % size == 0 for part, size in zip(block, held, strict=True))
        assert all(part.stop - part.start == size for part, size in zip(block[1:], held[1:], strict=True))
    assert (seen == 1).all()


def test_annual_velocities_on_dask_have_the_same_bytes(work, annual, tmp_path):
    out = made_annual(work / "cube", tmp_path, scheduler="threads")
    for name, path in out.items():
        assert file_sha256(path) == file_sha256(work / name), name


def test_the_mean_speed_is_the_mean_of_the_years_its_words_name(work, tmp_path):
    """`v_mean` of a study of 2016 to 2018 is the mean of its annual velocities there, and the map says these years."""
    out = made_annual(work / "cube", tmp_path, years=[2016, 2018])
    annual = xr.load_dataset(out["annual"], engine="h5netcdf")
    assert {2016, 2017, 2018, 2019} <= set(annual["year"].values)
    inside = annual.sel(year=slice(2016, 2018))
    vx, vy = (inside[name].mean("year", skipna=True).values for name in ("vx", "vy"))
    np.testing.assert_allclose(annual["v_mean"], np.hypot(vx, vy), rtol=1e-5)
    np.testing.assert_array_equal(annual["mean_years"], np.isfinite(inside["v"]).sum("year"))
    assert study_velocity.mean_period(annual) == "of 2016 to 2018"
    assert np.nanmax(np.abs(annual["v_mean"] - annual["v0"])) > 5  # the trend at one date is another number
    field = velocity.mean_field(annual)
    np.testing.assert_array_equal(field["v"], annual["v_mean"])
    with rasterio.open(out["maps"] / "v_mean.tif") as raster:
        assert raster.descriptions == ("speed, mean of the annual velocities",)
    with rasterio.open(out["maps"] / "v0.tif") as raster:
        assert "by the line through the annual velocities" in raster.descriptions[0]


def test_the_file_can_be_held_against_the_truth(annual):
    """Means, trend, amplitude and phase out of annual.nc, as the study's checks read it."""
    found = velocity_truth.against_truth(annual, {"name": "pine_island", "size": "tiny"})
    assert [(c.name, c.held) for c in found if c.applies] == [(c.name, True) for c in found]


def test_points_lines_and_gates_that_nobody_asked_for_are_tables_without_rows(work, annual):
    out = {name: work / f"none_{name}" for name in FLOW}
    follow_flow.main(work / "cube", work / "annual", out, points={}, flowlines={}, gates={}, study="x")
    assert [len(read_table(out[name])) for name in ("series", "flowline")] == [0, 0]
    assert len(read_csv(out["gates"])) == 0


def test_places_say_where_on_the_earth_they_are(work, annual, tmp_path):
    """Longitude, latitude, EPSG and direction from true north; GeoParquet that geopandas reads, CSV with units."""
    import geopandas

    out = {name: tmp_path / name for name in FLOW}
    lines = {"main": read_choices(Flowline, settings_of("flowlines", main={"start": POINT})["main"])}
    gates = {"g": gate_of([[-100.85, -75.03], [-100.95, -75.06]])}
    follow_flow.main(work / "cube", work / "annual", out, points={"p": POINT}, flowlines=lines, gates=gates, study="x")
    for name in ("series", "flowline"):
        table, frame = read_table(out[name]), geopandas.read_parquet(out[name])
        assert frame.crs == "OGC:CRS84" and len(frame) == len(table) and set(table["epsg"]) == {3031}
        np.testing.assert_allclose(frame.geometry.x, table["longitude"])
        back = frame.to_crs(3031)
        np.testing.assert_allclose(back.geometry.x, table["x"], atol=0.01)
        assert table.attrs["attributes"]["crs"] == "EPSG:3031"
        text = read_csv(out[f"{name}_csv"])
        np.testing.assert_allclose(text["v"], table["v"])
        assert text.attrs["units"]["longitude"] == "degrees_east" and text.attrs["units"]["v"] == "m/yr"
    series = read_table(out["series"])
    np.testing.assert_allclose(series["longitude"], POINT[0], atol=1e-6)
    seen = series[series["kind"] == "annual"]
    # north at longitude -100.9 in EPSG:3031 points away from the pole: the map's direction less the meridian's
    on_map = np.degrees(np.arctan2(seen["vx"], seen["vy"]))
    np.testing.assert_allclose((seen["flow_direction"] - (on_map - POINT[0]) + 180) % 360 - 180, 0, atol=0.01)
    assert series.loc[series["kind"] == "model", "flow_direction"].isna().all()
    for number in (1, 2):
        pack_flow.main(out["series"], out["flowline"], out["gates"], tmp_path / f"{number}.gpkg", lines=gates)
    assert file_sha256(tmp_path / "1.gpkg") == file_sha256(tmp_path / "2.gpkg")
    for layer, table in (("points", series), ("gates", read_csv(out["gates"]))):
        packed = geopandas.read_file(tmp_path / "1.gpkg", layer=layer)
        assert packed.crs == "EPSG:4326" and len(packed) == len(table)
        assert set(table) <= set(packed)
    assert packed.geometry.iloc[0].coords[0] == tuple(gates["g"].lonlat[0])
    found = read_csv(out["gates"]).iloc[0]
    assert (round(found["longitude"], 1), round(found["latitude"], 2), found["epsg"]) == (-100.9, -75.05, 3031)


def test_everything_written_says_whose_metres_its_velocities_are(work, annual):
    """`velocity_units_of: ground` in the cube, the grids, the tables and the rasters."""
    out = {name: work / f"said_{name}" for name in FLOW}
    follow_flow.main(work / "cube", work / "annual", out, points={"p": POINT}, flowlines={}, gates={}, study="x")
    invert_velocity.main(work / "cube", work / "said_inverted", settings=Inversion(), study="x")
    said = [open_cube(work / "cube").attrs, annual.attrs]
    for name in ("strain", "pair", "said_inverted"):
        with xr.open_dataset(work / name, engine="h5netcdf") as grid:
            said.append(grid.attrs)
    said += [read_table(path).attrs["attributes"] for path in (work / "pairs", out["series"], out["flowline"])]
    said.append(read_csv(out["gates"]).attrs["attributes"])
    with rasterio.open(work / "maps/v.tif") as raster:
        said.append(raster.tags())
    assert [attributes.get("velocity_units_of") for attributes in said] == ["ground"] * len(said)


def test_a_gate_drawn_the_other_way_counts_the_flow_as_negative(work, annual):
    line = [[-100.98, -75.04], [-100.86, -75.06]]
    gates = {name: gate_of(lonlat) for name, lonlat in (("a", line), ("b", line[::-1]))}
    out = {name: work / f"two_{name}" for name in FLOW}
    follow_flow.main(work / "cube", work / "annual", out, points={"p": POINT}, flowlines={}, gates=gates, study="x")
    found = read_csv(out["gates"]).pivot(index="year", columns="gate", values="area_flux")
    assert len(found) > 3
    np.testing.assert_allclose(found["a"], -found["b"], rtol=1e-6)
    series = read_table(out["series"])
    assert set(series["kind"]) == {"pair", "annual", "model"} and series["v"].notna().all()


def test_a_gate_along_the_flow_is_told(work, annual, tmp_path, caplog):
    """Of two gates at one place the run names the one that lies along the flow; areas carry errors."""
    across, along = [[-100.85, -75.03], [-100.95, -75.06]], [[-100.98, -75.04], [-100.86, -75.06]]
    gates = {name: gate_of(line) for name, line in (("good", across), ("bad", along))}
    out = {name: tmp_path / name for name in FLOW}
    follow_flow.main(work / "cube", work / "annual", out, points={}, flowlines={}, gates=gates, study="x")
    found = read_csv(out["gates"])
    angles = found.groupby("gate")["angle"].median()
    assert angles["good"] > 75 and angles["bad"] < 30
    assert "gate bad: lies at" in caplog.text and "gate good" not in caplog.text
    assert (found["area_flux_sigma"] > 0).all() and read_csv(out["gates"]).attrs["units"]["area_flux_sigma"] == "km2/yr"
    rows = velocity_words.gates_rows(found)
    assert len(rows[0]) == 8 and "±" in rows[0][6] and rows[0][7] == ""


@pytest.mark.parametrize(("seen", "given"), [(1.0, True), (0.75, True), (0.25, False)])
def test_a_discharge_needs_the_thickness_of_half_of_its_flux(work, annual, tmp_path, seen, given):
    """A raster over part of the gate: its share is told, and below a half there is no discharge."""
    lonlat = np.array([[-100.98, -75.04], [-100.86, -75.06]])
    x, y = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3031", always_xy=True).transform(*lonlat.T)
    left, right, top = min(x) - 2000, min(x) + seen * (max(x) - min(x)) + 2000 * (seen == 1), max(y) + 3000
    values = np.full((100, 100), 1000.0, "f4")
    profile = {
        "driver": "GTiff",
        "count": 1,
        "height": 100,
        "width": 100,
        "dtype": "float32",
        "crs": "EPSG:3031",
        "transform": rasterio.Affine((right - left) / 100, 0, left, 0, -100, top),
    }
    with rasterio.open(tmp_path / "thick.tif", "w", **profile) as target:
        target.write(values, 1)
    gates = {"g": gate_of(lonlat.tolist(), thickness=str(tmp_path / "thick.tif"))}
    out = {name: tmp_path / name for name in FLOW}
    follow_flow.main(work / "cube", work / "annual", out, points={}, flowlines={}, gates=gates, study="x")
    found = read_csv(out["gates"])
    np.testing.assert_allclose(found["thickness_share"], seen, atol=0.12)
    assert found["discharge"].notna().all() if given else found["discharge"].isna().all()
    if given:
        np.testing.assert_allclose(found["discharge"], found["area_flux"] * 0.917, rtol=1e-5)


def test_a_gate_beside_the_map_is_refused_and_one_without_a_velocity_said(work, annual, tmp_path, caplog):
    """Places that do not fit; ice that no year sees."""
    out = {name: tmp_path / name for name in FLOW}
    near = gate_of([[-100.98, -75.04], [-100.86, -75.06]])
    gates = {"far": replace(near, lonlat=((-45.0, -70.0), (-44.0, -70.0)))}
    with pytest.raises(NunatakError, match="gates: far: lies outside the map of velocities"):
        follow_flow.main(work / "cube", work / "annual", out, points={}, flowlines={}, gates=gates, study="x")
    blank = annual.copy(deep=True)
    blank["vx"][:] = np.nan
    write_netcdf(blank, tmp_path / "blank.nc", blank.attrs)
    gates = {"front": gate_of([[-100.98, -75.04], [-100.86, -75.06]])}
    follow_flow.main(work / "cube", tmp_path / "blank.nc", out, points={}, flowlines={}, gates=gates, study="x")
    assert len(read_csv(out["gates"])) == 0 and "gate front: no year has a velocity on it" in caplog.text


def test_inversion_gives_a_regular_series_near_the_annual_means(work, annual):
    settings = Inversion(step_days=365.25, smoothness=100.0)
    invert_velocity.main(work / "cube", work / "inverted", settings=settings, study="x")
    with xr.open_dataset(work / "inverted", engine="h5netcdf") as inverted:
        assert set(np.round(np.diff(inverted["time"].values) / np.timedelta64(1, "D"))) <= {365.0, 366.0}
        speeds = inverted["v"].median(("y", "x")).values
    means = annual["v"].median(("y", "x")).values
    assert abs(np.nanmedian(speeds) / np.nanmedian(means) - 1) < 0.05


@pytest.mark.parametrize(
    ("key", "changes", "told"),
    [
        ("products.itslive", {"cell": 120}, "crs and cell go together"),
        ("products.itslive", {"geometry": "all"}, "geometry"),
        ("composite", {"v0_years": [2020, 2014]}, "2020 is after 2014"),
    ],
)
def test_keys_that_make_no_sense_are_refused(key, changes, told):
    with pytest.raises(ValueError, match=told):
        settings_of(key, **changes)


def test_variables_of_a_study_are_those_of_the_product():
    """The names a study may write are those a granule's fields are read by."""
    from typing import get_args

    from nunatak.parameters.velocity import Variable
    from nunatak.products.itslive.fields import LAYOUT

    assert set(get_args(Variable)) == set(LAYOUT)


def test_a_study_leaves_out_values_beside_the_margin_of_its_ice(granules, tmp_path):
    """Plan, years and cube of the rules hold what one call makes of the same outline."""
    paths = [path for path in granules if path.name.startswith("S1A")][:6]
    chain = Chain(tmp_path)
    chain.build(ledger_of(paths), ice="region", margin=600.0)
    api.build_cube(paths, AREA, tmp_path / "once", ice=AREA, margin=600.0)
    by_rules, once = open_cube(chain.folder / "cube"), open_cube(tmp_path / "once")
    np.testing.assert_array_equal(by_rules["vx"].values, once["vx"].values)
    assert by_rules.attrs["ice_margin"] == once.attrs["ice_margin"]
    chain.build(ledger_of(paths), ice="region")
    assert chain.stacked and "half their search chip" in open_cube(chain.folder / "cube").attrs["ice_margin"]


def test_an_outline_of_ice_that_the_study_does_not_have_is_refused():
    with pytest.raises(ValueError, match=r"products.itslive.ice: 'glacier' is not one of regions; the study has none"):
        settings_of("products.itslive", ice="glacier")
    assert settings_of("products.itslive", ice="region")["margin"] == "chip"
