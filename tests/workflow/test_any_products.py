"""A study with any product, or any two: planned as a whole; those along tracks run from granules to the report."""

from __future__ import annotations

import json
from itertools import combinations

import pytest
from tests.workflow.workflow_runs import Flow

from nunatak import study
from nunatak.files.tables import read_table
from nunatak.results import targets
from nunatak.runtime import NunatakError
from nunatak.simulation import world, write_product
from nunatak.study.products import Products

ALL = tuple(Products.model_fields)
LAND = "region: {bbox: [23, 79.5, 26, 80]}\nperiod: [2019-01-01, 2021-01-01]\n"
FIGURES = "figures: {formats: [png]}\n"


def name_of(products):
    return "only_" + "_".join(products)


def write_study(folder, products, keys="", asked=None):
    """A study file with these products and nothing that its products do not need."""
    path = folder / f"{name_of(products)}.yaml"
    said = "".join(f"  {name}: {(asked or {}).get(name, '{}')}\n" for name in products)
    path.write_text(f"title: {' and '.join(products)}\n{LAND}{keys}products:\n{said}", "utf-8")
    return path


def is_a_study(products):
    """Return whether a study may ask for these: one product of sea ice, and mosaics beside `itslive` alone."""
    return not {"atl07", "atl10"} <= set(products) and ("itslive_mosaic" not in products or "itslive" in products)


CHOICES = [one for n in (1, 2) for one in combinations(ALL, n) if is_a_study(one)]


def test_sea_ice_is_gridded_one_product_at_a_time(tmp_path):
    """The one pair that no study can have says so, and what to do."""
    with pytest.raises(NunatakError, match="atl07 and atl10 are gridded one at a time; leave out one of them"):
        study.load(write_study(tmp_path, ("atl07", "atl10")))


def test_a_refusal_that_holds_braces_leaves_out_its_study_alone(tmp_path):
    """Mosaics are compared with pairs or datacubes, and the remedy shows a key with braces."""
    flow = Flow(tmp_path)
    folder = flow / "config" / "studies"
    for path in folder.iterdir():
        path.unlink()
    for products in (("atl15",), ("itslive_mosaic",)):
        write_study(folder, products, FIGURES)
    said = flow.run("all", "-n", "--quiet", "host", archive="earthdata")
    assert said.code == 0, said.text[-3000:]
    assert "add itslive: {..}" in said.text and said.jobs["write_report"] == 1


@pytest.mark.parametrize("products", CHOICES, ids="-".join)
def test_defaults_follow_from_the_products(tmp_path, products):
    """Each default figure is drawn from results that the study makes, and each topic's notebook from its own."""
    loaded = study.load(write_study(tmp_path, products))
    made = targets.results(loaded)
    for figure in loaded.figure_names:
        drawn = set(targets.drawn_from(loaded, figure)) - {"regions", "change"}
        assert drawn or figure == "extent" or "change" in made, figure
    heights = {"atl06", "atl11", "atl06sr"} & set(products)
    assert ("heights" in loaded.figure_names) == bool(heights) == ("heights" in made)
    assert ("crossovers" in made) == bool({"atl06", "atl11"} & set(products))
    assert ("along_track" in targets.topics(loaded)) == bool({"atl06", "atl11"} & set(products))


@pytest.fixture(scope="module")
def flow(tmp_path_factory):
    """The workflow with a study of every product and every two, and none of its own; a folder of granules."""
    flow = Flow(tmp_path_factory.mktemp("any"))
    folder = flow / "config" / "studies"
    for path in folder.iterdir():
        path.unlink()
    for products in CHOICES:
        write_study(folder, products, FIGURES, {"atl06sr": "{cnf: 1, ats: 20}"})
    return flow


def test_every_product_and_pair_is_planned(flow):
    """All studies in one dry run: each ends in a report, and no rule asks for what no other makes."""
    said = flow.run("all", "-n", "--quiet", "host", archive="earthdata")
    assert said.code == 0, said.text[-3000:]
    assert said.jobs["write_report"] == said.jobs["conclude_study"] == len(CHOICES)
    pairs_with = {name: sum(name in products for products in CHOICES) for name in ALL}
    either = sum(bool({"atl06", "atl11"} & set(products)) for products in CHOICES)
    assert said.jobs["find_crossovers"] == said.jobs["find_tracks"] == either
    assert said.jobs["fit_rates"] == pairs_with["atl11"] and said.jobs["pair_repeats"] == pairs_with["atl06"]
    assert said.jobs["map_heights"] == sum(bool({"atl06", "atl11", "atl06sr"} & set(p)) for p in CHOICES)


# what each study's summary begins its numbers with; those of the first are run always, the others in the full tests
RUN = {
    ("atl06",): "Between 4 May 2019 and 1 May 2020 the median height difference was gt1l",
    ("atl11",): "ATL11 holds 26,066 heights",
    ("atl14",): "The surface of ATL14 (2020.0) over 5,536 km² of ice lies between",
}
RUN_IN_FULL = {
    ("atl03",): "No number was computed",
    ("atl08",): "No number was computed",
    ("atl15",): "From 1 Jan 2019 to 1 Jan 2021 the region lost",
    ("atl06sr",): "ATL06-SR holds",
    ("atl11", "atl15"): "From 1 Jan 2019 to 1 Jan 2021 the region lost",
    ("atl06", "atl11"): "Between 4 May 2019 and 1 May 2020 the median height difference was gt1l",
}


def run(flow, folder, products):
    """Run these studies on the granules of a tiny world, kept in a folder; returns the end of the run."""
    for name in sorted({name for names in products for name in names}):
        wanted = "atl03" if name == "atl06sr" else name
        write_product(world("austfonna", "tiny"), wanted, folder / wanted)
    names = [name_of(names) for names in products]
    said = flow.run(*names, archive="directory", directory=str(folder))
    assert said.code == 0, said.text[-3000:]


def check(flow, products, numbers):
    """The summary's numbers, the pages, and that each figure was drawn or says why not."""
    results = flow / "results" / f"{name_of(products)}-directory"
    summary = (results / "summary.txt").read_text("utf-8")
    assert f"numbers: {numbers}" in summary and "SIMULATED" in summary
    page = (results / "report.html").read_text("utf-8")
    assert "What was not computed" in page
    loaded = study.load(flow / "config/studies" / f"{name_of(products)}.yaml")
    for topic in targets.topics(loaded):
        assert (results / f"{topic}.html").is_file()
    for name in loaded.figure_names:
        said = json.loads((results / "figures" / f"{name}.json").read_text("utf-8"))
        assert said["numbers"] or said["not_drawn"] in page
    if "heights" in targets.results(loaded):
        heights = read_table(results / "elevation/heights.parquet")
        assert set(heights["product"]) == set(products) & {"atl06", "atl11", "atl06sr"} and heights["n"].sum() > 5000


@pytest.fixture(scope="module")
def ran(flow, tmp_path_factory):
    """The three studies of one product that no other test runs, to their reports."""
    run(flow, tmp_path_factory.mktemp("granules"), RUN)
    return flow


@pytest.mark.parametrize("products", RUN, ids="-".join)
def test_one_product_is_a_study(ran, products):
    check(ran, products, RUN[products])


@pytest.mark.full
@pytest.mark.parametrize("products", RUN_IN_FULL, ids="-".join)
def test_every_product_of_land_ice_is_a_study(flow, tmp_path, products):
    run(flow, tmp_path / "granules", [products])
    check(flow, products, RUN_IN_FULL[products])
