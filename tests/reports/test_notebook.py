"""Notebooks: clear in git, run on a study, rendered to one page that says the same every time."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.reports.test_front_page import Page

import render_notebook
from nunatak.reports import notebook
from nunatak.runtime import NunatakError

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebooks_in_git_hold_no_output_and_no_machine(path):
    """`python -m nunatak.reports.notebook` leaves the file as it is."""
    before = path.read_text("utf-8")
    assert not notebook.clear(path), f"{path.name} was not clear; it is now: commit it"
    assert path.read_text("utf-8") == before


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebooks_have_one_cell_of_parameters(path):
    tags = [cell["metadata"].get("tags", []) for cell in json.loads(path.read_text())["cells"]]
    assert sum("parameters" in t for t in tags) == 1


def test_clearing_removes_what_running_left(tmp_path):
    path = write(tmp_path, ["1 + 1"], outputs=[{"output_type": "stream", "name": "stdout", "text": ["2"]}])
    assert notebook.clear(path)
    cell = json.loads(path.read_text())["cells"][0]
    assert (cell["outputs"], cell["execution_count"]) == ([], None)


def write(folder, sources, outputs=()):
    cells = [
        {
            "cell_type": "code",
            "id": f"c{i}",
            "metadata": {"tags": ["parameters"]} if i == 0 else {"time": 3},
            "execution_count": 7,
            "outputs": list(outputs),
            "source": source,
        }
        for i, source in enumerate(sources)
    ]
    path = folder / "template.ipynb"
    path.write_text(
        json.dumps(
            {
                "cells": cells,
                "metadata": {"kernelspec": {"name": "mine", "display_name": "mine"}},
                "nbformat": 4,
                "nbformat_minor": 5,
            }
        )
    )
    return path


def test_a_cell_that_fails_is_named_in_one_line(tmp_path):
    path = write(tmp_path, ["x = 1", "raise ValueError('no such epoch')"])
    before = dict(os.environ)
    with pytest.raises(NunatakError, match=r"template\.ipynb: cell \d+: ValueError: no such epoch"):
        notebook.render(path, tmp_path / "out.html", parameters={"x": 2}, title="t", simulated=False)
    assert not (tmp_path / "out.html").exists()
    assert dict(os.environ) == before


@pytest.fixture
def pages(made, one_figure, tmp_path):
    """The elevation notebook run twice on the made-up study."""
    inputs = {k: v for k, v in made.inputs.items() if k not in ("references", "checks")}
    inputs["figures"] = [one_figure[0]]
    texts = []
    for name in ("a", "b"):
        out = tmp_path / f"{name}.html"
        template = next(p for p in NOTEBOOKS if p.stem == "elevation_change")
        render_notebook.main(template, inputs, out, study=made.study, references=made.inputs["references"])
        texts.append(out.read_text("utf-8"))
    return texts


def test_the_elevation_notebook_answers_in_order_and_repeats_itself(pages):
    """Anatomy first, questions 1 to 7, a computed sentence per transect, conclusion, reading; same bytes twice."""
    first, second = pages
    assert first == second
    page = Page(first)
    assert page.tags.count("script") == 1
    words = page.words
    heads = [
        "The anatomy of a granule",
        "1. Which granules",
        "2. What was fetched",
        "3. What do the grids hold",
        "4. How is the datum removed",
        "5. How has the surface changed",
        "6. And in the focus",
        "7. How does the surface evolve",
        "Conclusion",
        "Further reading",
    ]
    places = [words.index(head) for head in heads]
    assert places == sorted(places)
    assert "SIMULATED DATA" in words
    assert "dhdt_lag1" in words
    assert "The largest lowering" in words
    assert "The study names no focus." in words
    assert "the region lost" in words
