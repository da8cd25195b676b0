"""The tables of results and figures: each row leads to what it names."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError

import pytest
from tests.conftest import ROOT

from nunatak import study
from nunatak.compute import code_reach
from nunatak.figures import drawing
from nunatak.results import loading
from nunatak.results.figures import FIGURES, known_names, row_of
from nunatak.results.table import RESULTS

SHIPPED = sorted((ROOT / "config" / "studies").glob("*.yaml"))


@pytest.mark.parametrize("row", FIGURES.values(), ids=lambda row: row.name)
def test_a_figure_leads_to_its_function_and_its_results(row):
    """
    The function of a figure exists and is called as every other.

    Each input is a result with a reader.
    """
    function = drawing.function_of(row.name)
    assert function.__code__.co_varnames[: function.__code__.co_argcount] == ("look", "subject", "data")
    assert row.inputs and set(row.inputs) <= set(RESULTS)
    assert row.topic in {"elevation", "photons", "freeboard", "velocity", "dynamics", "composed"}
    assert len(row.shows) > 10


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_leads_to_its_reader(name):
    assert callable(loading.reader_of(name)), name


def test_figures_reach_the_code_that_draws_them_and_reads_for_them():
    """A figure is drawn again when a drawing function or a reader changes, or its row."""
    reach = {path.relative_to(code_reach.SCRIPTS / "nunatak").as_posix() for path in _reach("plot_figure.py")}
    assert {f"{row.draw.split(':')[0].replace('.', '/')}.py" for row in FIGURES.values()} <= reach
    assert {"results/reading.py", "files/tables.py", "geometry/outlines.py", "results/figures/tracks.py"} <= reach


def test_the_tables_reach_nothing_that_draws_or_reads():
    """What asks for names alone is not made again when a picture changes."""
    reach = _reach("nunatak/results/targets.py")
    assert not {path.parent.name for path in reach} - {"nunatak", "results", "figures", "granules"}
    assert not any(path.is_relative_to(code_reach.SCRIPTS / "nunatak/figures") for path in reach)


def _reach(file):
    return code_reach.modules(code_reach.SCRIPTS / file)


def test_a_row_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        FIGURES["extent"].name = "other"


def test_a_figure_of_several_is_found_by_its_own_name():
    assert row_of("transect_across") is FIGURES["transect"] and FIGURES["transect"].listed == "transect_<name>"
    assert row_of("pair_timeline") is FIGURES["pair_timeline"]
    with pytest.raises(KeyError):
        row_of("extent_of_something")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_a_study_draws_by_default_is_among_what_it_may_ask_for(path):
    loaded = study.load(path)
    assert set(loaded.figure_names) <= set(known_names(loaded))


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_show_figures_of_the_table(path):
    """A name that no row has would be told as not drawn in every study."""
    named = set(re.findall(r'display\.figure\(inputs, f?\\"(\w+)', path.read_text("utf-8")))
    assert named and {name.removesuffix("_") for name in named} <= set(FIGURES)
