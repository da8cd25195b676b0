"""Reports: the front page, rendered notebooks, provenance, the anatomy of a granule, references."""

from nunatak.reports import words
from nunatak.reports.anatomy import as_html, dissect, stated
from nunatak.reports.bibliography import by_product, for_products, read_references
from nunatak.reports.page import front_page, notebook_page

__all__ = [
    "as_html",
    "by_product",
    "dissect",
    "for_products",
    "front_page",
    "notebook_page",
    "read_references",
    "stated",
    "words",
]
