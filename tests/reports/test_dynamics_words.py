"""Discharge and budgets in words: what is said of a change within its error, of a term that is not known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from tests.builders import dynamics as made

from nunatak.reports import dynamics, files, front


def test_a_budget_says_whether_it_closes():
    [said] = dynamics.budget_sentences(made.budget())
    assert said.startswith("Box trunk, from 2019.0 to 2022.0: 3.000 ± 0.050 Gt/yr left through its gates")
    assert "the residual is 0.050 ± 0.050 Gt/yr, within two standard errors of 0" in said
    wrong = made.budget()
    wrong["residual"] = 0.5
    assert "more than two standard errors from 0" in dynamics.budget_sentences(wrong)[0]
    assert "stays open, since a term is not known" in dynamics.budget_sentences(made.budget(smb=np.nan))[0]


def test_rows_of_a_budget_name_years_terms_and_what_was_observed():
    rows = dynamics.budget_rows(made.budget())
    assert [row[1] for row in rows] == ["2019", "2020", "2021", "2019.0 to 2022.0"]
    assert rows[0][2] == "2.100 ± 0.050" and rows[0][-1] == "95 %"
    assert all(len(row) == len(dynamics.BUDGET_HEADS) for row in rows)
    [only] = dynamics.budget_table(made.budget(smb=np.nan)).rows
    assert only[3] == only[7] == "unknown" and len(only) == len(dynamics.BUDGET_HEADS) - 1, "firn is nowhere known"
    firn = dynamics.budget_table(made.budget().assign(firn=-0.2, firn_sigma=0.05))
    assert firn.heads == dynamics.BUDGET_HEADS and firn.rows[0][7] == "−0.200 ± 0.050"


def test_discharge_changes_by_more_than_the_errors_of_velocity_or_not():
    """0.06 against 0.014 Gt/yr: the error of the thickness is common to both years and does not hide it."""
    [said] = dynamics.discharge_sentences(made.gates(("front",)))
    assert said == (
        "Through gate front flowed 3.00 ± 0.15 Gt/yr in 2019; until 2021 that changed by 0.060 ± 0.014 Gt/yr."
    )
    small = made.gates(("front",)).assign(sigma_velocity=0.05)
    assert dynamics.discharge_sentences(small)[0].endswith("no significant change.")
    assert dynamics.discharge_sentences(made.gates(("front",), (2020,))) == [
        "Through gate front flowed 3.03 ± 0.15 Gt/yr in 2020."
    ]


def test_rows_of_discharge_are_those_of_the_first_and_the_last_year():
    rows = dynamics.discharge_rows(made.gates(("front",)))
    assert [row[2] for row in rows] == ["2019", "2021"] and rows[0][4] == "40 %"
    assert all(len(row) == len(dynamics.DISCHARGE_HEADS) for row in rows)
    own = made.gates(("front",)).assign(share_interpolated=np.nan)
    assert dynamics.discharge_rows(own)[0][7] == "not known"


def test_what_numbers_do_not_hold_is_said():
    said = " ".join(dynamics.limits({"smb": None}, made.gates(), made.mapped().assign(firn_part=np.nan)))
    assert "No surface mass balance" in said and "No change of firn is known" in said
    assert "at front and upper is interpolated" in said
    measured = made.gates().assign(share_interpolated=0.1)
    assert dynamics.limits({"smb": 0.9}, measured, made.mapped(firn=True)) == []
    assert dynamics.limits({"smb": 0.9}, measured) == [], "without height change nobody asks for firn"


def test_shares_of_thickness_by_what_it_rests_on_count_ice_alone():
    depth, source = np.array([[900.0, 700.0, 0.0, 0.0]]), np.array([[2, 3, 1, 1]])
    fields = {"thickness": depth, "thickness_sigma": depth / 10, "source": source}
    about = {"thickness_product": "BedMachine antarctica", "reference_year": 2015.0}
    about["source_meanings"] = "1: REMA/IBCSO, 2: mass conservation, 3: interpolation"
    placed = xr.Dataset({name: (("y", "x"), values) for name, values in fields.items()}, attrs=about)
    assert dynamics.source_rows(placed) == [("mass conservation", "50 %"), ("interpolation", "50 %")]
    assert dynamics.source_rows(placed.drop_vars("source")) == [("not told by the product", "100 %")]
    said = " ".join(dynamics.thickness_sentences(placed))
    assert "of 2015 is that of BedMachine antarctica" in said and "50 % of the map is ice" in said
    assert "no ice" in dynamics.thickness_sentences(placed.assign(thickness=placed["thickness"] * 0))[0]


def test_a_lag_is_judged_by_the_number_of_lags_that_were_looked_at():
    basin = dynamics.lag_sentences(made.lags())[0]
    assert "In basin, without their trends" in basin and "height change follows by 1 year (r = −1.0" in basin
    assert basin.endswith(": more than chance.")
    chance = made.lags().assign(p=0.03)
    assert all("no more than chance" in said for said in dynamics.lag_sentences(chance))
    region = made.lags(made.basin_years(regions=("region",)))
    assert dynamics.lag_sentences(region)[0].startswith("In the region, without")
    assert all("too few years" in said for said in dynamics.lag_sentences(made.lags().assign(p=np.nan)))


def test_years_of_a_region_without_speed_and_height_change_have_no_row():
    table = made.basin_years(regions=("basin",))
    table.loc[3, ["speed", "dhdt"]] = np.nan
    rows = dynamics.region_rows(table)
    assert len(rows) == 15 and "2008" not in [row[1] for row in rows]
    assert all(len(row) == len(dynamics.REGION_HEADS) for row in rows) and rows[0][3] == "90 %"


@pytest.mark.parametrize(("given", "words"), [({}, "Through gate"), ({"budget": made.budget()}, "Box trunk")])
def test_the_front_page_leads_with_budgets_or_else_with_discharge(made_study, given, words):
    page = made_study(discharge=made.gates(), **given)
    assert any(line.startswith(words) for line in page.lead)
    assert ("Mass budget (Gt/yr)" in [table.title for table in page.tables]) == bool(given)


@pytest.fixture
def made_study(request):
    """Compose the front page of the made-up study with further results."""
    study, provenance, figure = (request.getfixturevalue(name) for name in ("made", "provenance", "one_figure"))
    inputs = {**study.inputs, "provenance": str(provenance), "figures": [figure[0]], "pages": ["dynamics.html"]}
    material = files.front_material(inputs)
    return lambda **more: front.compose(study.study, references=[], **{**material, **more})
