"""Build the site of Nunatak: `make docs`, without a network."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

project = "Nunatak"
author = "The Nunatak developers"
copyright = author  # the name that Sphinx asks for  # noqa: A001
extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx_design",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinxcontrib.bibtex",
]
exclude_patterns = ["_build"]
nitpicky = False  # names in docstrings are words of the field, not references

# Markdown
myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
suppress_warnings = ["myst.header"]  # pages that are also read in the repository begin their parts where they do

# notebooks
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_ipywidgets_js: dict = {}  # widgets would be fetched from another place

# Python
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = False

# literature
bibtex_bibfiles = ["../config/references.bib"]
bibtex_default_style = "plain"

# pages; nothing is fetched from another place
html_theme = "pydata_sphinx_theme"
html_title = "Nunatak"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_last_updated_fmt = None
html_theme_options = {
    "header_links_before_dropdown": 9,
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
