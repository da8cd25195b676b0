"""ATL06 alone and ATL11 alone, script by script: with heights, with too few for a rate, and without any."""

import numpy as np
import pandas as pd
import pytest
from tests.builders.tracks import pass_of

import check_study
import find_crossovers
import find_tracks
import fit_rates
import map_heights
import plot_figure
import subset_points
from nunatak import checks
from nunatak.files.tables import read_csv, read_table, write_table
from nunatak.geometry import region
from nunatak.geometry.outlines import write_outlines
from nunatak.granules import ledger
from nunatak.reports import scope, tracks
from nunatak.runtime import NunatakError, read_json
from nunatak.simulation import world, write_product
from nunatak.study import Period, load
from nunatak.study.parts import products_settings, typed

STUDY = "config/studies/austfonna.yaml"
PERIOD = typed(Period, ["2019-01-01", "2019-12-31"])
BOXES = {"seen": [23, 79.5, 26, 80], "beside": [-50, 70, -49.9, 70.1]}


@pytest.fixture(scope="module")
def granules(tmp_path_factory):
    """The granules of a tiny world, by product."""
    folder = tmp_path_factory.mktemp("granules")
    return {
        name: (folder / name, write_product(world("austfonna", "tiny"), name, folder / name))
        for name in ("atl06", "atl11")
    }


@pytest.fixture(scope="module")
def made(granules, tmp_path_factory):
    """A function of product and box: every result of a study of that product alone, each pair made once."""
    done = {}

    def make(product, box="seen"):
        if (product, box) not in done:
            done[product, box] = _made(granules[product], product, box, tmp_path_factory.mktemp(f"{product}_{box}"))
        return done[product, box]

    return make


def _made(found, product, box, folder):
    source, table = found
    settings = load(STUDY, overrides={"archive": "simulated"}).model_dump(mode="json")["products"]
    settings = products_settings({"atl06": None, "atl11": None, product: settings[product]})
    out = {name: folder / f"{name}.parquet" for name in ("points", "heights", "track", "rates", "crossovers")}
    out |= {
        "tracks": folder / "tracks.csv",
        "rates_map": folder / "map.nc",
        "track_report": folder / "report.csv",
        "regions": folder / "regions.geojson",
    }
    write_outlines({"region": region.load({"bbox": BOXES[box]})}, out["regions"])
    rows = [
        {"granule_id": row.granule_id, "path": str(source / row.file_name), "status": "present"}
        for row in table.itertuples()
    ]
    write_table(ledger(rows), folder / "fetched.parquet", attributes={"nunatak_source": "SIMULATED"})
    subset_points.main(
        folder / "fetched.parquet",
        out["regions"],
        out.pop("points"),
        folder / "read.parquet",
        product=product,
        settings=settings[product],
        period=PERIOD,
        study="test",
        crs="EPSG:3413",
    )
    chunks = {name: [folder / "points.parquet"] if name == product else [] for name in ("atl11", "atl06")}
    read = [folder / "read.parquet"] if product == "atl11" else []
    options = {"settings": settings, "study": "test"}
    map_heights.main({**chunks, "atl06sr": []}, out["regions"], out["heights"], **options)
    find_tracks.main(*chunks.values(), out["regions"], out["tracks"], out["track"], focus=None, **options)
    find_crossovers.main(read, *chunks.values(), out["regions"], out["crossovers"], period=PERIOD, **options)
    if product == "atl11":
        fit_rates.main(
            chunks["atl11"],
            out["regions"],
            out["rates"],
            out["rates_map"],
            out["track_report"],
            settings=settings["atl11"],
            study="test",
        )
    return {name: path for name, path in out.items() if path.exists()}


@pytest.mark.parametrize("product", ["atl06", "atl11"])
def test_heights_on_a_map_are_those_of_the_points(made, product):
    """The heights of the cells are all heights that pass the filter; each within the range of its cell."""
    results = made(product)
    table = read_table(results["heights"])
    assert set(table["product"]) == {product} and (table["n_passes"] >= 1).all()
    points = read_table(results["heights"].parent / "points.parquet")
    flag, height = {"atl06": ("atl06_quality_summary", "h_li"), "atl11": ("quality_summary", "h_corr")}[product]
    good = points[(points[flag] == 0) & np.isfinite(points[height])]
    assert table["n"].sum() == len(good)
    assert table["h_low"].min() == good[height].min() and table["h_high"].max() == good[height].max()
    assert ((table["h_low"] <= table["h"]) & (table["h"] <= table["h_high"])).all()
    cell = float(table.attrs["attributes"]["cell"].removesuffix(" m"))
    assert cell == 500 and (np.mod(table["x"], cell) == cell / 2).all()


@pytest.mark.parametrize(
    ("product", "drawn"),
    [
        ("atl06", ["extent", "heights", "atl06_track", "atl06_profile"]),
        ("atl11", ["extent", "heights", "atl11_track", "atl11_profile"]),
    ],
)
def test_figures_need_no_other_product(made, tmp_path, product, drawn):
    """Maps on an empty ground and profiles; what there is nothing of is a page that says why."""
    results = {name: str(path) for name, path in made(product).items()}
    others = {"atl06": ["crossovers"], "atl11": ["dhdt_points"]}[product]
    for name in [*drawn, *others]:
        out = [tmp_path / f"{name}.png", tmp_path / f"{name}.json"]
        plot_figure.main(name, results, out, study="test", title="Test")
        said = read_json(out[1])
        assert ("not_drawn" in said) == (name in others), said["caption"]
        assert said["caption"] and (name in others or said["numbers"])


def test_a_figure_that_the_study_names_must_be_drawn(made, tmp_path):
    results = {name: str(path) for name, path in made("atl06").items()}
    with pytest.raises(NunatakError, match=r"crossovers: has no crossovers to draw; leave it out of figures.names"):
        plot_figure.main("crossovers", results, [tmp_path / "c.json"], study="test", title="Test", asked=["crossovers"])


@pytest.mark.parametrize("product", ["atl06", "atl11"])
def test_a_region_without_a_height_goes_through_every_script(made, product, tmp_path):
    """No row, no error on the way: that nothing was found is one check that fails, for the end to tell."""
    results = {name: str(path) for name, path in made(product, "beside").items()}
    assert read_table(results["heights"]).empty and read_table(results["crossovers"]).empty
    assert read_csv(results["tracks"]).empty and read_table(results["track"]).empty
    check_study.main(results, tmp_path / "checks.json", world=None)
    found = {check.name: check for check in checks.read_checks(tmp_path / "checks.json")}
    assert [name for name, check in found.items() if check.failed] == ["results/found"]
    for name in ("heights", f"{product}_profile"):
        plot_figure.main(name, results, [tmp_path / "f.png", tmp_path / "f.json"], study="test", title="Test")
        assert read_json(tmp_path / "f.json")["not_drawn"]


def test_a_period_too_short_for_rates_is_no_failed_check(made, tmp_path):
    results = {name: str(path) for name, path in made("atl11").items()}
    check_study.main(results, tmp_path / "checks.json", world=None)
    found = {check.name: check for check in checks.read_checks(tmp_path / "checks.json")}
    assert not found["point_rates/found"].applies and not any(check.failed for check in found.values())
    assert found["heights/atl11"].value > 1000 and found["heights_plausible/atl11"].value < 1000


def test_crossovers_of_atl06_without_atl11(tmp_path):
    """Two passes that cross once, the later 0.3 m lower: one crossover of that difference."""
    rows = [pass_of(548, 3, (-2000.0, 0.0), 0.0, 500.0), pass_of(45, 4, (0.0, -2000.0), 90.0, 499.7, time="2020-04-01")]
    table = pd.concat(rows, ignore_index=True).assign(sigma_geo_h=0.03, atl06_quality_summary=0)
    table["granule_id"] = [
        f"ATL06_20190401000000_{rgt:04d}{cycle:02d}03_006_01" for rgt, cycle in zip(table.rgt, table.cycle, strict=True)
    ]
    write_table(table, tmp_path / "points.parquet", attributes={"nunatak_source": "SIMULATED", "crs": "EPSG:3413"})
    write_outlines({"region": region.load({"bbox": [20, 79, 30, 81]})}, tmp_path / "regions.geojson")
    find_crossovers.main(
        [],
        [],
        [tmp_path / "points.parquet"],
        tmp_path / "regions.geojson",
        tmp_path / "crossovers.parquet",
        settings=products_settings({"atl06": {"filter": "standard"}, "atl11": None}),
        period=typed(Period, ["2019-01-01", "2021-01-01"]),
        study="test",
    )
    found = read_table(tmp_path / "crossovers.parquet")
    assert found["product"].tolist() == ["atl06"]
    np.testing.assert_allclose(found["dh"], -0.3, atol=1e-9)
    assert "1 crossovers between 2 tracks" in tracks.crossover_sentence("atl06", found)


def test_the_report_says_what_a_study_of_one_product_cannot_tell():
    study = {"products": {"atl06": {}, "atl11": None}, "points": {}, "flowlines": {}, "gates": {}}
    said = dict(
        scope.not_computed(study, pairs=None, crossovers=pd.DataFrame(), not_drawn=[("crossovers", "has none")])
    )
    assert said["rates of height change at reference points"] == "needs atl11"
    assert said["differences of repeated passes"] == "the study asks for one cycle of atl06, a pair needs two"
    assert said["crossovers"] == "no two tracks of the study cross in the region"
    assert said["figure crossovers"] == "has none"
    told = scope.not_computed({**study, "products": {"atl11": {}}}, rates=pd.DataFrame({"dhdt": [np.nan]}))
    assert dict(told)["rates of height change at reference points"].startswith("no point was seen in enough cycles")
    flow = {"products": {"itslive": {}, "atl15": {}}, "points": {1: 1}, "flowlines": {1: 1}, "gates": {1: 1}}
    (missing,) = [why for what, why in scope.not_computed(flow) if "mass budgets" in what]
    assert missing == "needs a thickness: add dynamics to the study"
    without = dict(scope.not_computed({**flow, "dynamics": {"smb": None, "firn": None}}))
    assert without["change of mass without the air in the firn"] == "dynamics has no firn"
    assert without["dynamic thinning and the residual of mass budgets"] == "dynamics has no smb"
    long = {**flow, "products": {**flow["products"], "itslive_elevation": {}}, "dynamics": {"smb": 1.0, "firn": None}}
    of_antarctica, of_greenland = (pd.DataFrame({"firn_change": [value, np.nan]}) for value in (np.nan, 0.1))
    (lacking,) = [why for what, why in scope.not_computed(long, record_change=of_antarctica) if "firn" in what]
    assert lacking.endswith("the record of itslive_elevation has none here")
    assert not [what for what, _ in scope.not_computed(long, record_change=of_greenland) if "firn" in what]
    every = {name: {} for name in ("atl15", "atl14", "atl11", "atl06")}
    whole = {"products": every, "points": {}, "flowlines": {}, "gates": {}}
    assert scope.not_computed(whole, pairs=pd.DataFrame({"dh": [1.0]}), crossovers=pd.DataFrame({"dh": [1.0]})) == []
