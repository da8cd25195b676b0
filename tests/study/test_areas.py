"""Places and worlds that have nothing to do with the study's area are refused when the study is read."""

from __future__ import annotations

import pytest

from nunatak.simulation import world
from nunatak.simulation.glacier import Glacier
from nunatak.study import load, simulated_world
from nunatak.study.base import StudyError

STUDY = """
title: t
archive: simulated
region: {bbox: [10, 79, 30, 81]}
period: [2019-01-01, 2020-12-31]
products: {PRODUCTS}
"""
EAST = "{crs: EPSG:3413, xlim: [1.0e6, 1.1e6], ylim: [-4.5e5, -3.5e5]}"


def read(tmp_path, more="", products="{atl06: {}}", **instead):
    path = tmp_path / "mine.yaml"
    text = STUDY.replace("{PRODUCTS}", products)
    for old, new in instead.items():
        text = "\n".join(new if line.startswith(f"{old}:") else line for line in text.splitlines())
    path.write_text(f"{text}\n{more}\n")
    return load(path)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "focus: {crs: EPSG:3413, xlim: [-3.0e5, -2.0e5], ylim: [-2.2e6, -2.1e6]}",
            "focus has x -300000 to -200000 and y -2200000 to -2100000 in EPSG:3413 and lies outside region, which has "
            "x 800209 to 1154403 and y -685496 to -252834 in EPSG:3413; choose another one, or widen region",
        ),
        (
            "regions: {lake: {bbox: [40, 70, 41, 71]}}",
            "regions.lake has longitudes 40 to 41 and latitudes 70 to 71 and lies outside region, which has longitudes "
            "10 to 30 and latitudes 79 to 81; choose another one, or widen region",
        ),
        (
            "regions: {lake: {bbox: [-3.0e5, -2.2e6, -2.0e5, -2.1e6], crs: EPSG:3413}}",
            "regions.lake has x -300000 to -200000 and y -2200000 to -2100000 in EPSG:3413 and lies outside region",
        ),
    ],
)
def test_what_lies_outside_is_said_in_the_units_of_the_file(tmp_path, more, message):
    with pytest.raises(StudyError) as error:
        read(tmp_path, more)
    assert message in str(error.value) and str(error.value).startswith(str(tmp_path / "mine.yaml"))


def test_what_touches_the_region_is_taken(tmp_path):
    """Also a focus and an outline that only reach into it."""
    read(tmp_path, f"focus: {EAST}\nregions: {{sea: {{bbox: [29, 80.9, 40, 82]}}}}")


def test_outlines_may_lie_where_altimetry_is_read_unless_they_are_of_velocity(tmp_path):
    """
    With a basin of the altimetry as ice, no pair would be left.

    With a part of the trunk as floating ice, no height would float.
    """
    both = "{itslive: {ICE}, atl06: {FLOAT}}"
    more = (
        "altimetry_region: {bbox: [15, 79, 20, 80]}\n"
        "regions: {basin: {bbox: [16, 79.2, 17, 79.4]}, trunk: {bbox: [29, 80, 29.5, 80.5]}}"
    )
    read(tmp_path, more, both.replace("ICE", "").replace("FLOAT", ""), region="region: {bbox: [28, 80, 30, 81]}")
    for ice, floats, message in (
        ("ice: basin", "", "products.itslive.ice: basin has .* lies outside region, which has longitudes 28 to 30"),
        ("ice: trunk", "floating: trunk", "products.atl06.floating: trunk has .* lies outside altimetry_region, which"),
    ):
        with pytest.raises(StudyError, match=message):
            products = both.replace("ICE", ice).replace("FLOAT", floats)
            read(tmp_path, more, products, region="region: {bbox: [28, 80, 30, 81]}")


@pytest.mark.parametrize(
    ("name", "products", "message"),
    [
        (
            "pine_island",
            "{atl06: {}}",
            "has longitudes -108 to -89 and latitudes -77.5 to -73.5, and region lies outside",
        ),
        ("ross_sea", "{atl06: {}}", "is a world of sea ice and has no atl06"),
        ("austfonna", "{atl10: {}}", "is a world of a glacier and has no atl10"),
    ],
)
def test_a_world_without_a_truth_for_the_study_is_refused(tmp_path, name, products, message):
    with pytest.raises(StudyError, match=f"world: {name} {message}; leave world out, or write generic"):
        read(tmp_path, f"world: {name}", products)
    assert simulated_world.world_name(read(tmp_path, "world: generic", products)) == "generic"


def test_a_world_that_is_true_of_the_study_is_taken(tmp_path):
    assert simulated_world.world_name(read(tmp_path, "world: austfonna", "{atl06: {}, itslive: {}}")) == "austfonna"


def test_a_study_of_sea_ice_with_the_name_of_a_glacier_gets_a_generic_world(tmp_path):
    path = tmp_path / "austfonna.yaml"
    for products, name in (("{atl06: {}}", "austfonna"), ("{atl10: {}}", "generic")):
        path.write_text(STUDY.replace("{PRODUCTS}", products))
        assert simulated_world.world_name(load(path)) == name


def test_the_table_of_sea_ice_is_that_of_the_simulation():
    ice = {name for name in simulated_world.SHIPPED if not isinstance(world(name, "tiny").truth, Glacier)}
    assert ice == set(simulated_world.SEA_ICE)
