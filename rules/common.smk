"""Helpers for rules: which files a study asks for, and what a rule is told of it."""

from nunatak import study as studies
from nunatak.closure import code_version

if True:  # the studies of this run, by the name of their folder of results
    LOADED = studies.load_all(config, base=workflow.basedir)
    STUDIES = {label: study.model_dump(mode="json") for label, study in LOADED.items()}
