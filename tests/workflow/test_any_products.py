"""A study with any product, or any two: planned as a whole; those along tracks run from granules to the report."""

from __future__ import annotations

from itertools import combinations

import pytest
from tests.workflow.workflow_runs import Flow

from nunatak import study, targets
from nunatak.runtime import NunatakError
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


CHOICES = [one for n in (1, 2) for one in combinations(ALL, n) if not {"atl07", "atl10"} <= set(one)]


def test_sea_ice_is_gridded_one_product_at_a_time(tmp_path):
    """The one pair that no study can have says so, and what to do."""
    with pytest.raises(NunatakError, match="atl07 and atl10 are gridded one at a time; leave out one of them"):
        study.load(write_study(tmp_path, ("atl07", "atl10")))


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
    """All 54 studies in one dry run: each ends in a report, and no rule asks for what no other makes."""
    said = flow.run("all", "-n", "--quiet", "host", archive="earthdata")
    assert said.code == 0, said.text[-3000:]
    assert said.jobs["write_report"] == said.jobs["conclude_study"] == len(CHOICES)
    pairs_with = {name: sum(name in products for products in CHOICES) for name in ALL}
    either = sum(bool({"atl06", "atl11"} & set(products)) for products in CHOICES)
    assert said.jobs["find_crossovers"] == said.jobs["find_tracks"] == either
    assert said.jobs["fit_rates"] == pairs_with["atl11"] and said.jobs["pair_repeats"] == pairs_with["atl06"]
    assert said.jobs["map_heights"] == sum(bool({"atl06", "atl11", "atl06sr"} & set(p)) for p in CHOICES)
