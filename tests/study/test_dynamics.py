"""What the section that joins elevation and velocity refuses, and with which words."""

import pytest
from pydantic import ValidationError

from nunatak.results.table import has_thinning
from nunatak.study.dynamics import Box, Dynamics
from nunatak.study.models import StudyFile

BASE = {
    "title": "Flux",
    "archive": "simulated",
    "region": {"bbox": [-102, -75.5, -99, -74.7]},
    "period": ["2019-01-01", "2021-12-31"],
    "products": {"itslive": {}},
    "gates": {"front": {"lonlat": [[-100.9, -75.0], [-101.2, -75.1]]}},
    "flowlines": {"main": {"start": [-100.9, -75.05]}},
}


def read(section, **more):
    return StudyFile.model_validate(BASE | more | {"dynamics": section})


@pytest.mark.parametrize(
    ("section", "more", "words"),
    [
        ({}, {}, "bedmachine is not one of the products"),
        ({"thickness": 500}, {"products": {"atl15": {}}}, "add products.itslive"),
        ({"thickness": -5}, {}, "got -5; write metres of ice"),
        ({"thickness": 500, "depth_factor": 0.5}, {}, "depth_factor"),
        ({"thickness": 500, "derive": {"front": {"flowline": "main", "distance": 1}}}, {}, "choose another"),
        ({"thickness": 500, "derive": {"low": {"flowline": "mian", "distance": 1}}}, {}, "'mian' is not one of flow"),
        ({"thickness": 500, "boxes": {"b": {"outflow": "frnt", "region": "region"}}}, {}, "'frnt' is no gate"),
        ({"thickness": 500, "boxes": {"b": {"outflow": "front", "region": "basin"}}}, {}, "'basin' is not one of"),
        ({"thickness": 500, "boxes": {"b": {"outflow": "front"}}}, {}, "name both, or add a region"),
        ({"thickness": 500, "boxes": {"b": {"outflow": "front", "region": "region"}}}, {}, "add products.atl15"),
        ({"thickness": 500, "derive": {"edge": {"margin": {}, "distance": 5}}}, {}, "margin stands alone"),
        ({"thickness": 500, "derive": {"edge": {"flowline": "main"}}}, {}, "name flowline and distance"),
        (
            {
                "thickness": 500,
                "derive": {"edge": {"margin": {}}},
                "boxes": {"b": {"outflow": "edge", "region": "region"}},
            },
            {},
            "'edge' is no gate",
        ),
        ({"thickness": "simulated"}, {"archive": "earthdata"}, "thickness: is simulated with archive simulated alone"),
    ],
)
def test_what_is_missing_is_named(section, more, words):
    with pytest.raises(ValidationError, match=words):
        read(section, **more)


def test_a_number_is_a_thickness_and_a_derived_gate_bounds_a_box():
    asked = read(
        {
            "thickness": 800,
            "derive": {"upper": {"flowline": "main", "distance": 9000}},
            "boxes": {"trunk": {"outflow": "front", "inflow": "upper"}},
        },
        products={"itslive": {}, "atl15": {}},
    ).dynamics
    assert isinstance(asked, Dynamics) and asked.thickness == 800.0
    assert asked.boxes["trunk"] == Box(outflow=("front",), inflow=("upper",))
    assert StudyFile.model_validate(BASE).dynamics is None


@pytest.mark.parametrize(
    ("products", "there"),
    [({"itslive": {}}, False), ({"itslive": {}, "atl15": {}}, True), ({"itslive": {}, "itslive_elevation": {}}, True)],
)
def test_thinning_needs_a_height_change_from_either_product(products, there):
    """The long record stands in for ATL15."""
    assert has_thinning(read({"thickness": 800}, products=products)) is there
