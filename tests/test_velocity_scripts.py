"""The scripts of velocity on a small simulated stack: what a rule would call, without the workflow around it."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import build_cube
import composite_velocity
import follow_flow
import invert_velocity
from nunatak import study
from nunatak.outlines import write_outlines
from nunatak.products.cube_store import open_cube
from nunatak.region import load
from nunatak.simulation import itslive, worlds
from nunatak.tables import read_csv, read_table, write_table

AREA = {"bbox": [-101.0, -75.07, -100.75, -75.02]}
POINT = (-100.9, -75.05)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with granules, one of them gone by the ledger, outlines, and a cube of the rest."""
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "granules").mkdir()
    paths = itslive.write(worlds.world("pine_island", "tiny"), folder / "granules")
    ledger = study_ledger(paths)
    write_table(ledger, folder / "ledger.parquet", attributes={"nunatak_source": "SIMULATED"})
    write_outlines({"region": load(AREA)}, folder / "regions.geojson")
    settings = settings_of("products.itslive", min_separation=6, max_separation=120, geometry="any")
    out = {name: folder / f"{name}" for name in ("cube", "pairs", "pair")}
    build_cube.main(
        [folder / "ledger.parquet"], folder / "regions.geojson", out, settings=settings, study="pine_island"
    )
    return folder


def study_ledger(paths):
    import pandas as pd

    status = ["failed", *["present"] * (len(paths) - 1)]
    names = [path.name.removesuffix(".nc") for path in paths]
    return pd.DataFrame({"granule_id": names, "path": [str(p) for p in paths], "status": status, "reason": ""})


def settings_of(key, **changes):
    """A part of a study, with its defaults, as a rule's parameters give it."""
    given = {"title": "x", "region": AREA, "period": ["2012-01-01", "2024-12-31"], "products": {"itslive": {}}}
    if key == "products.itslive":
        given["products"] = {"itslive": changes}
        return study.StudyFile.model_validate(given).model_dump(mode="json")["products"]["itslive"]
    given[key] = changes
    return study.StudyFile.model_validate(given).model_dump(mode="json")[key]


@pytest.fixture(scope="module")
def annual(work):
    out = {name: work / name for name in ("annual", "strain", "maps", "speeds")}
    composite_velocity.main(work / "cube", out, composite=settings_of("composite", minimum_pairs=8), study="x")
    return xr.load_dataset(work / "annual", engine="h5netcdf")


def test_what_the_fetch_lost_is_no_pair(work):
    """A granule the ledger calls failed is neither read nor counted; the pair to look at is a used one."""
    pairs, ledger = read_table(work / "pairs"), read_table(work / "ledger.parquet")
    assert set(pairs["granule_id"]) == set(ledger.loc[ledger["status"] == "present", "granule_id"])
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


def test_points_lines_and_gates_that_nobody_asked_for_are_tables_without_rows(work, annual):
    out = {name: work / f"none_{name}" for name in ("series", "flowline", "gates")}
    follow_flow.main(work / "cube", work / "annual", out, points={}, flowlines={}, gates={}, study="x")
    assert [len(read_table(out[name])) for name in ("series", "flowline")] == [0, 0]
    assert len(read_csv(out["gates"])) == 0


def test_a_gate_drawn_the_other_way_counts_the_flow_as_negative(work, annual):
    line = [[-100.98, -75.04], [-100.86, -75.06]]
    gates = {name: settings_of("gates", g={"lonlat": lonlat})["g"] for name, lonlat in (("a", line), ("b", line[::-1]))}
    out = {name: work / f"two_{name}" for name in ("series", "flowline", "gates")}
    follow_flow.main(work / "cube", work / "annual", out, points={"p": POINT}, flowlines={}, gates=gates, study="x")
    found = read_csv(out["gates"]).pivot(index="year", columns="gate", values="area_flux")
    assert len(found) > 3
    np.testing.assert_allclose(found["a"], -found["b"], rtol=1e-6)
    series = read_table(out["series"])
    assert set(series["kind"]) == {"pair", "annual", "model"} and series["v"].notna().all()


def test_inversion_gives_a_regular_series_near_the_annual_means(work, annual):
    settings = settings_of("invert", step_days=365.25, smoothness=100.0)
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

    from nunatak.products.itslive import LAYOUT
    from nunatak.study.products import Variable

    assert set(get_args(Variable)) == set(LAYOUT)
