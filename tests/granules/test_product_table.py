"""The table of products: every row is whole, and everything else that is known of a product agrees with it."""

from __future__ import annotations

import ast

import pytest
from tests.conftest import ROOT

from nunatak.archives.local import content
from nunatak.compute import code_reach
from nunatak.compute.registry import load
from nunatak.granules import PRODUCTS, bucket, forms, others, parse, products
from nunatak.products.points import PointReader
from nunatak.reports.bibliography import read_references
from nunatak.study.parts import product_settings
from nunatak.study.products import Products

OF_STUDIES = [row for row in PRODUCTS.values() if row.in_study]
NAMED = [row for row in PRODUCTS.values() if row.name_form]
every = pytest.mark.parametrize("row", PRODUCTS.values(), ids=PRODUCTS)
of_studies = pytest.mark.parametrize("row", OF_STUDIES, ids=[row.name for row in OF_STUDIES])
named = pytest.mark.parametrize("row", NAMED, ids=[row.name for row in NAMED])


@named
def test_an_example_is_read_as_its_own_product_and_written_the_same(row):
    """Its name, and the id that a catalogue gives it (a folder has none beside its name)."""
    granule = parse(row.example)
    assert granule.product == row.name and granule.file_name == row.example == granule.name
    assert parse(row.example.removesuffix(forms.extension(row.name_form))).product == row.name


@named
def test_the_bucket_of_an_example_is_of_the_kind_the_row_says(row):
    """A cycle, a month, a year of mid-date, or all."""
    kinds = {"cycle": r"cycle", "month": "20", "year": "20", "all": "all"}
    assert bucket(parse(row.example)).startswith(kinds[row.bucket])


@every
def test_reader_and_writer_import(row):
    """Every one that a row names; what a study asks for has a reader, and a writer where granules are its own."""
    for dotted in filter(None, (row.reader, row.writer)):
        assert callable(load(dotted))
    if row.in_study:
        assert row.reader and bool(row.writer) == (not row.granules_of)


@pytest.mark.parametrize("name", products.products_with(kept="points"))
def test_a_product_along_tracks_says_how_it_is_read_for_points(name):
    """With the settings a study has by default: the variables asked for, its value and what is wished are columns."""
    row = PRODUCTS[name]
    settings = product_settings(name, {})
    reader = load(row.reader)(settings, wished=row.wished, corrections=("geoid_h",))
    assert isinstance(reader, PointReader) and callable(reader.read) and len(reader.nothing) == 0
    assert {*settings.variables, "geoid_h"} <= set(reader.variables)
    assert {*reader.variables, *row.wished, *row.values} <= set(reader.nothing)


@pytest.mark.parametrize("name", products.products_with(kept="sums"))
def test_a_product_that_is_summed_says_how_and_with_which_errors(name):
    """
    The names of the errors come with the reader that reads them.

    Where errors are not wanted, there are no names beyond those.
    """
    plain, fewest = load(PRODUCTS[name].reader)(error=False)
    full, errors = load(PRODUCTS[name].reader)(error=True)
    assert callable(plain) and callable(full) and set(fewest) <= set(errors) and errors


def test_titles_of_products_that_are_not_read_stand_in_one_table():
    """A product that gets a row is not said to be unread as well."""
    assert not set(others.TITLES) & set(PRODUCTS)
    for row in PRODUCTS.values():
        said = others.about_other(row.name)
        assert bool(said) == (not row.in_study and row.service == "nsidc") and row.title in (said or row.title)


@every
def test_a_row_has_a_name_of_its_own_or_another_products_granules(row):
    """Never both, never neither; what it refers to is in the table."""
    assert bool(row.name_form) == bool(row.example) == (not row.granules_of)
    assert {*filter(None, (row.granules_of,)), *row.joined_by} <= set(PRODUCTS)


def test_the_study_file_knows_the_products_that_a_study_can_ask_for():
    """By the same words, in the same order, with the same help."""
    assert list(Products.model_fields) == [row.name for row in OF_STUDIES]
    assert {name: field.description for name, field in Products.model_fields.items()} == {
        row.name: row.title for row in OF_STUDIES
    }


@of_studies
def test_the_bibliography_and_the_docs_name_the_product(row):
    """A work to cite by the product's word, and the docs or the README by its written name."""
    cited = {word for entry in read_references(ROOT / "config/references.bib") for word in entry.keywords}
    assert row.name in cited
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    assert any(row.written in page.read_text("utf-8") for page in pages)


def test_no_two_products_share_a_group_of_segments():
    """A file is known by its groups; one without a group of segments by its short name or its points."""
    groups = [group for layouts in content.TRACK_LAYOUTS.values() for group, *_ in layouts if group != "."]
    assert len(groups) == len(set(groups))


def test_the_table_needs_the_standard_library_alone():
    """Rules read it while the workflow is parsed."""
    for name in ("products", "product", "forms"):
        tree = ast.parse((ROOT / f"scripts/nunatak/granules/{name}.py").read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                own = str(node.module).removeprefix("nunatak.granules.") in ("forms", "product")
                assert own or node.module in ("__future__", "collections.abc", "dataclasses", "string", "typing")


def test_a_product_that_is_not_in_the_table_has_the_row_of_defaults():
    """A search by hand may ask for any collection; no study can."""
    row = products.product_row("ATL09")
    assert (row.name, row.written, row.in_study, row.service, row.reader) == ("atl09", "ATL09", False, "nsidc", "")


@pytest.mark.parametrize(
    ("script", "column", "wanted"),
    [
        ("subset_points.py", "reader", {"kept": "points"}),
        ("accumulate_freeboard.py", "reader", {"kept": "sums"}),
        ("simulate_granules.py", "writer", {}),
    ],
)
def test_the_readers_that_a_script_looks_up_are_in_its_reach_and_no_others(script, column, wanted):
    """An edited reader reruns what reads by it; one of another kind of product does not."""
    paths = {
        name: code_reach.SCRIPTS / f"nunatak/{getattr(row, column).partition(':')[0].replace('.', '/')}.py"
        for name, row in PRODUCTS.items()
        if getattr(row, column)
    }
    looked_up = {paths[name] for name in products.products_with(**wanted) if name in paths}
    reached = code_reach.modules(code_reach.SCRIPTS / script)
    assert looked_up and looked_up <= reached
    if wanted:
        grids = {paths["atl14"], paths["atl15"]}
        assert not grids & reached


def test_a_module_that_only_asks_the_table_reaches_no_reader():
    """The table itself imports none, so that rules and every script stay light."""
    reached = code_reach.modules(code_reach.SCRIPTS / "nunatak/granules/products.py")
    assert {path.parent.name for path in reached} <= {"granules", "nunatak"}
