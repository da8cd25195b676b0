"""Results of a finished study, changed in memory, and the names of the checks that fail on them."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

from tests.conftest import ROOT

import check_study
from nunatak import study as studies
from nunatak.checks.together import find
from nunatak.results.loading import Opened
from nunatak.results.table import FURTHER, RESULTS
from nunatak.study.simulated_world import world_of

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
    "ledger_sea_ice": "atl10/ledger/*.parquet",
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
        self.settings, self.world = loaded.model_dump(mode="json"), world_of(loaded)
        self.sources = check_study.sources_of(self.results, self.settings)
        if self.sources.height_change:  # the same windows for every change of the results
            self.sources = replace(self.sources, height_change=cache(self.sources.height_change))
        # rasters and figures are made after results: a mistake in these is in those as well
        self.bare = replace(self.sources, bands={}, sidecars={}, hashes={}, projections={})
        self.held = self.check(self.results, self.sources)

    def check(self, results, sources, among=None):
        """Every check of some results, or those that look at some of them."""
        return find(results, sources, world=self.world, settings=self.settings, among=among)

    def noticed(self, values, **sources):
        """Names of the checks that fail when results, and perhaps what lies behind them, are replaced."""
        among = None if sources else {"change" if name == "layers" else name for name in values}
        found = self.check(Changed(self.results, values), replace(self.bare, **sources), among)
        return {check.name for check in found if check.failed}


def of_truth(names):
    """Those of the names that need the truth of the simulation."""
    return {name for name in names if "truth" in name}


def described(name):
    """
    Return whether the page on checks has a row for this name.

    In the name of a row, <..> stands for anything.
    """
    page = (ROOT / "docs/checks.md").read_text("utf-8")
    names = re.findall(r"`([^`]+)`", "".join(re.findall(r"^\| (`.*?) \|", page, flags=re.MULTILINE)))
    return any(re.fullmatch(re.escape(pattern).replace(re.escape("<..>"), ".+"), name) for pattern in names)
