"""Imports by the names in tables: they work, and the code that a script reaches follows them."""

from __future__ import annotations

import pytest

from nunatak.archives.opening import class_of
from nunatak.compute import code_reach
from nunatak.compute.registry import registry
from nunatak.granules.products import PRODUCTS
from nunatak.parameters.archives import ARCHIVES
from nunatak.results.figures import FIGURES
from nunatak.results.table import RESULTS

LIBRARY = code_reach.SCRIPTS / "nunatak"
SCRIPTS = {path.stem: code_reach.modules(path) for path in sorted(code_reach.SCRIPTS.glob("*.py"))}


@pytest.mark.parametrize(
    ("importer", "table", "column", "below"),
    [
        ("archives/opening.py", ARCHIVES, "opened_by", "archives/"),
        ("simulation/products.py", PRODUCTS, "writer", ""),
        ("results/loading.py", RESULTS, "read", ""),
        ("figures/drawing.py", FIGURES, "draw", ""),
    ],
)
def test_what_a_table_names_is_in_the_reach_of_what_imports_it(importer, table, column, below):
    """Every module that a row names, wherever it lies."""
    named = {getattr(row, column).partition(":")[0].replace(".", "/") for row in table.values() if getattr(row, column)}
    assert named and {LIBRARY / f"{below}{name}.py" for name in named} <= code_reach.modules(LIBRARY / importer)


@pytest.mark.parametrize("archive", ARCHIVES)
def test_an_archive_is_in_the_reach_of_what_opens_archives_and_of_nothing_else(archive):
    """
    An edit of an archive's class is a new version of the scripts that ask and fetch.

    What reads granules keeps its version.
    """
    path = LIBRARY / "archives" / f"{ARCHIVES[archive].opened_by.partition(':')[0].replace('.', '/')}.py"
    reaching = {name for name, reach in SCRIPTS.items() if path in reach}
    assert reaching == {"query_granules", "fetch_granules", "show_updates"}
    assert class_of(archive).__module__ == f"nunatak.archives.{ARCHIVES[archive].opened_by.partition(':')[0]}"


def test_a_registry_of_some_rows_knows_no_others():
    """A condition leaves rows out, when it is called and in what is reached."""
    reader_of = registry(PRODUCTS, "reader", kept="points")
    assert callable(reader_of("atl06"))
    with pytest.raises(KeyError):
        reader_of("atl10")
    points, sums = LIBRARY / "products/atl06.py", LIBRARY / "products/atl10.py"
    assert points in SCRIPTS["subset_points"] and sums not in SCRIPTS["subset_points"]


def test_a_table_that_is_not_imported_by_name_is_refused(tmp_path):
    """Its modules could not be read off the source."""
    script = tmp_path / "make_x.py"
    script.write_text('ROWS = {}\nopener = registry(ROWS, "opened_by")\n')
    with pytest.raises(ValueError, match=r"make_x.py: line 2: registry of ROWS; import the table by its name"):
        code_reach.imports(script)
