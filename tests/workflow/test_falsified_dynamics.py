"""Thickness, discharge, thinning and budgets of the finished tiny Pine Island made wrong: which checks notice."""

from __future__ import annotations

import numpy as np
import pytest
from tests.builders.falsified import assert_noticed, by, described, grid, opened, table, times, turned

SINGLE = ("thickness", "discharge", "gate_sections", "dynamics", "budget")


@pytest.fixture(scope="module")
def flow(finished_velocity):
    with opened(finished_velocity, "pine_island") as study:
        yield study


def of_variables(name, **changes):
    """A map with variables made wrong by functions of it."""
    return grid(name, lambda mapped: mapped.assign({n: change(mapped) for n, change in changes.items()}))


def of_years(name, change):
    """A table without the rows for which a function of it is false."""
    return lambda flow: {name: flow.results[name][change(flow.results[name])]}


def a_year_late(flow):
    mapped = flow.results["dynamics"]
    late = {name: f"{float(mapped.attrs[name]) - 1:.4f}" for name in ("since", "until")}
    return {"dynamics": mapped.assign_attrs(late)}


def both(*changes):
    return lambda flow: {name: value for change in changes for name, value in change(flow).items()}


SOURCE, SUMS, PLACES, SECTIONS = (
    {name}
    for name in ("thickness/from_source", "discharge/from_sections", "discharge/places", "gate_sections/from_maps")
)
PARTS, MAPS, AGAIN, ERRORS = (
    {f"dynamics/{name}"} for name in ("closes", "from_maps", "divergence", "divergence_sigma")
)
CLOSES, FLOWS, AREA, GAUSS = ({f"budget/{name}"} for name in ("closes", "discharge", "area/trunk", "gauss/trunk"))
TRUE_THICKNESS, TRUE_THINNING = (
    {f"{name}_against_truth", f"{name}_against_truth/spread"} for name in ("thickness", "thinning")
)
TRUE_DISCHARGE = {"discharge_against_truth", "discharge_against_truth/scale"}


def true_budget(*names):
    return {f"budget_against_truth/trunk/{name}" for name in names}


# what is wrong: how, the checks that notice on any study, and those that the truth of the simulation adds
CASES = {
    "thickness x 1.02": (
        grid("thickness", lambda m: times(m, 1.02, "thickness")),
        AGAIN | ERRORS | SECTIONS | SOURCE,
        TRUE_THICKNESS,
    ),
    "thickness upside down": (
        grid("thickness", lambda m: turned(m, rows=-1)),
        AGAIN | ERRORS | SECTIONS | SOURCE,
        TRUE_THICKNESS,
    ),
    "errors of thickness x 3": (grid("thickness", lambda m: times(m, 3.0, "thickness_sigma")), ERRORS | SOURCE, set()),
    "discharge x 1.02": (table("discharge", **by(1.02, "discharge")), FLOWS | SUMS, set()),
    "discharge x 1.1 with all that is made of it": (
        both(
            table("discharge", **by(1.1, "discharge", "discharge_sigma", "sigma_thickness", "sigma_velocity")),
            table("gate_sections", **by(1.1, "discharge", "v_across", "v_across_error")),
        ),
        FLOWS | SECTIONS,
        TRUE_DISCHARGE,
    ),
    "gates elsewhere": (table("discharge", longitude=lambda t: t["longitude"] + 0.1), PLACES, set()),
    "a year of discharge gone": (of_years("discharge", lambda t: t["year"] != 2020), FLOWS | SUMS, set()),
    "sections a year late": (table("gate_sections", year=lambda t: t["year"] + 1), SUMS | SECTIONS, set()),
    "sections reversed": (table("gate_sections", x=lambda t: t["x"].to_numpy()[::-1]), SECTIONS, set()),
    "sign of the divergence": (
        grid("dynamics", lambda m: times(m, -1.0, "flux_divergence")),
        GAUSS | PARTS | AGAIN,
        {"divergence_against_truth", "divergence_against_truth/spread"},
    ),
    "divergence and residual x 1.2": (
        of_variables(
            "dynamics",
            flux_divergence=lambda d: d["flux_divergence"] * 1.2,
            residual=lambda d: d["residual"] + 0.2 * d["flux_divergence"],
        ),
        AGAIN,
        set(),
    ),
    "errors of the divergence x 10": (
        grid("dynamics", lambda m: times(m, 10.0, "flux_divergence_sigma")),
        PARTS | ERRORS,
        {"divergence_against_truth/spread"},
    ),
    "thinning x 1.02": (
        grid("dynamics", lambda m: times(m, 1.02, "thinning")),
        PARTS | MAPS,
        {"thinning_against_truth/spread"},
    ),
    "thinning a year late": (a_year_late, AGAIN | ERRORS | MAPS, TRUE_THINNING),
    "dynamics mirrored": (
        grid("dynamics", lambda m: turned(m, columns=-1)),
        AREA | AGAIN | ERRORS | MAPS,
        TRUE_THINNING,
    ),
    "residual of the budget 0": (table("budget", residual=lambda t: t["residual"] * 0), CLOSES, set()),
    "storage x 1.1 and the residual with it": (
        table(
            "budget",
            storage=lambda t: t["storage"] * 1.1,
            residual=lambda t: t["residual"] + 0.1 * t["storage"],
        ),
        AREA | CLOSES,
        true_budget("storage"),
    ),
    "discharge out x 1.1 and the residual with it": (
        table(
            "budget",
            discharge_out=lambda t: t["discharge_out"] * 1.1,
            residual=lambda t: t["residual"] + 0.1 * t["discharge_out"],
        ),
        CLOSES | FLOWS | GAUSS,
        true_budget("residual", "share"),
    ),
    "flow through the sides lost": (
        table("budget", sides=lambda t: t["sides"] * 0, residual=lambda t: t["residual"] - t["sides"]),
        CLOSES | GAUSS,
        set(),
    ),
    "area of the map": (table("budget", **by(0.96, "area")), AREA, true_budget("area")),
}


@pytest.mark.parametrize("wrong", CASES)
def test_a_wrong_result_is_noticed(flow, wrong):
    assert_noticed(flow, *CASES[wrong])


@pytest.mark.parametrize("name", SINGLE)
def test_missing_values_of_every_result_are_noticed(flow, name):
    result = flow.results[name]
    if hasattr(result, "data_vars"):
        main = next(n for n in ("thickness", "flux_divergence") if n in result)
        gone = result[main].where(result["x"] > float(result["x"].mean()))
    else:
        main = {"discharge": "discharge", "gate_sections": "v_across", "budget": "storage"}[name]
        gone = result[main].where(np.arange(len(result)) > 0)
    assert flow.noticed({name: result.assign(**{main: gone})})


def test_checks_are_described(flow):
    found = flow.check(flow.results, flow.bare, set(SINGLE))
    assert len(found) > 20 and [check.name for check in found if not described(check.name)] == []
    assert [check.name for check in found if not check.held] == []
