"""Results of a finished study, changed in memory, and the names of the checks that fail on them."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from tests.conftest import ROOT
from tests.workflow.workflow_runs import TINY

import check_study
from nunatak import study as studies
from nunatak.checks.together import find
from nunatak.results.loading import Opened
from nunatak.results.table import FURTHER, RESULTS
from nunatak.study.simulated_world import keys_of, world_of

# what lies behind results: name among the inputs of a check to the files of it, below the study's folder
BEHIND = {
    "points_atl06": "atl06/points/*.parquet",
    "points_atl11": "atl11/points/*.parquet",
    "fitted": "atl06sr/segments/*.parquet",
    "sums": "atl10/sums/*.parquet",
    "levels": "atl10/levels/*.parquet",
    "tallies": "atl10/tallies/*.parquet",
    "ledger_atl15": "atl15/ledger/*.parquet",
    "ledger_atl14": "atl14/ledger/*.parquet",
    "ledger_bedmachine": "bedmachine/ledger/*.parquet",
    "ledger_sea_ice": "atl10/read/*.parquet",
    "figures": "figures/*.json",
}


class Changed(Opened):
    """The results of another Opened, some of them replaced."""

    def __init__(self, other, values):
        self.paths, self._read = other.paths, {**other._read, **values}


class Finished:
    """
    Hold a finished study with what lies behind it, opened once.

    Its results and sources stay as they are.
    """

    def __init__(self, folder, name, **overrides):
        folder = Path(folder)
        loaded = studies.load(folder / f"config/studies/{name}.yaml", overrides=overrides)
        base = folder / "results" / loaded.label
        inputs = {n: str(base / r.path) for n, r in {**RESULTS, **FURTHER}.items() if (base / r.path).exists()}
        inputs |= {n: sorted(map(str, base.glob(pattern))) for n, pattern in BEHIND.items()}
        self.results = Opened(inputs)
        self.settings, self.world = keys_of(loaded), world_of(loaded)
        self.sources = check_study.sources_of(self.results, self.settings)
        if self.sources.height_change:  # the same windows for every change of the results
            self.sources = replace(self.sources, height_change=cache(self.sources.height_change))
        # rasters and figures are made after results: a mistake in these is in those as well
        self.bare = replace(self.sources, bands={}, sidecars={}, hashes={}, projections={})

    @cached_property
    def held(self):
        """Every check of the results as they are."""
        return self.check(self.results, self.sources)

    def check(self, results, sources, among=None):
        """Every check of some results, or those that look at some of them."""
        return find(results, sources, world=self.world, settings=self.settings, among=among)

    def noticed(self, values, **sources):
        """Names of the checks that fail when results, and perhaps what lies behind them, are replaced."""
        among = None if sources else {"change" if name == "layers" else name for name in values}
        found = self.check(Changed(self.results, values), replace(self.bare, **sources), among)
        return {check.name for check in found if check.failed}


@contextmanager
def opened(finished, name):
    """Give a finished study as Finished, in its own folder, to which the paths of its ledgers belong."""
    before = os.getcwd()
    os.chdir(finished.folder)
    try:
        yield Finished(finished.folder, name, **TINY)
    finally:
        os.chdir(before)


def times(dataset, factor, *names):
    """Return a dataset with those variables of the names that it has multiplied."""
    return dataset.assign({n: dataset[n] * factor for n in names if n in dataset})


def turned(dataset, *, rows=1, columns=1):
    """Return the values of a grid upside down (rows=-1) or mirrored (columns=-1), at the old places."""
    maps = {n: v for n, v in dataset.data_vars.items() if {"y", "x"} <= set(v.dims)}
    return dataset.assign({n: (v.dims, v.values[..., ::rows, ::columns].copy(), v.attrs) for n, v in maps.items()})


def grid(name, change):
    """Return what makes a grid of a study wrong: a function of it."""
    return lambda study: {name: change(study.results[name])}


def table(name, **columns):
    """Return what makes a table of a study wrong: values of columns, or functions of the table."""
    return lambda study: {name: study.results[name].assign(**columns)}


def by(factor, *names):
    """Return columns multiplied, for `table`."""
    return {n: (lambda t, n=n: t[n] * factor) for n in names}


def later(days, *names):
    """Return columns of times later by days, for `table`."""
    return {n: (lambda t, n=n: t[n] + np.timedelta64(days, "D")) for n in names}


def assert_noticed(study, change, always, by_truth):
    """Hold the checks that fail on a change of a study against those expected, without the truth and with it."""
    noticed = study.noticed(change(study))
    of_truth = {name for name in noticed if "truth" in name}
    assert noticed - of_truth == always and always, "by checks that need no truth"
    assert of_truth == by_truth


def assert_sound(study, at_least):
    """Hold that no check of a study fails, that there are so many, and that the page on checks has a row for each."""
    assert len(study.held) > at_least and not [check for check in study.held if check.failed]
    assert [check.name for check in study.held if not described(check.name)] == []


def described(name):
    """
    Return whether the page on checks has a row for this name.

    In the name of a row, <..> stands for anything.
    """
    page = (ROOT / "docs/checks.md").read_text("utf-8")
    names = re.findall(r"`([^`]+)`", "".join(re.findall(r"^\| (`.*?) \|", page, flags=re.MULTILINE)))
    return any(re.fullmatch(re.escape(pattern).replace(re.escape("<..>"), ".+"), name) for pattern in names)
