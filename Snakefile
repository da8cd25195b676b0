"""Nunatak: case studies of ice change, from the archives' granules to figures and a report."""

import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")
sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))


configfile: "config/config.yaml"


pathvars:
    results=config.get("results", "results"),
    resources=config.get("resources", "resources"),
    benchmarks="logs/benchmarks",


include: "rules/common.smk"


wildcard_constraints:
    study="[A-Za-z0-9_-]+",
    product="atl[0-9]{2}(sr)?|itslive",
    chunk="[A-Za-z0-9-]+",
    figure="[A-Za-z0-9_]+",
    topic="[a-z_]+",


include: "rules/simulate.smk"
include: "rules/query.smk"
include: "rules/download.smk"
include: "rules/subset.smk"
include: "rules/elevation.smk"
include: "rules/checks.smk"
include: "rules/figures.smk"
include: "rules/reports.smk"


rule all:
    """Every study on its own archive, or on the one given with --config archive=..."""
    localrule: True
    input:
        [report_of(label) for label in STUDIES],
    default_target: True


for label in STUDIES:

    rule:
        name:
            STUDIES[label]["name"]
        localrule: True
        input:
            report_of(label),


