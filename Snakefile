"""Nunatak: case studies of ice change, from the archives' granules to figures and a report."""

import os
import re
import sys
from pathlib import Path

from snakemake.utils import min_version
from snakemake_interface_executor_plugins.executors import real

min_version("9.27")
# not workflow.basedir, which is another's where this workflow is used as a module
HERE = Path(workflow.snakefile).parent
sys.path.insert(0, str(HERE / "scripts"))

from nunatak.compute.environment import settle

for line in settle():  # before anything reads a projection
    if workflow.is_main_process:
        print(line, file=sys.stderr)
# executors join the words of a job's command as they are; formatted before, the path of the interpreter has its quotes
real.join_cli_args = lambda words, join=real.join_cli_args: join([f"{word}" for word in words if word])


# the one of the working directory, else the one that comes with the workflow
configfile: next(filter(os.path.exists, ["config/config.yaml", str(HERE / "config" / "config.yaml")]))


pathvars:
    results=os.path.expanduser(config.get("results", "results")),
    resources=os.path.expanduser(config.get("resources", "resources")),
    benchmarks="logs/benchmarks",


include: "rules/common.smk"
include: "rules/screen.smk"


report: "config/captions/workflow.rst"


wildcard_constraints:
    study="|".join(map(re.escape, STUDIES)),
    product="|".join(PRODUCTS),
    chunk="[A-Za-z0-9-]+",
    figure="[A-Za-z0-9_]+",
    topic="|".join(targets.TOPICS),


include: "rules/simulate.smk"
include: "rules/query.smk"
include: "rules/download.smk"
include: "rules/subset.smk"
include: "rules/height_change.smk"
include: "rules/elevation.smk"
include: "rules/photons.smk"
include: "rules/freeboard.smk"
include: "rules/velocity.smk"
include: "rules/datacubes.smk"
include: "rules/mosaics.smk"
include: "rules/dynamics.smk"
include: "rules/features.smk"
include: "rules/checks.smk"
include: "rules/figures.smk"
include: "rules/reports.smk"
include: "rules/tiles.smk"
include: "rules/locks.smk"


# every study on its own archive, or on the one given with --config archive=...
rule all:
    default_target: True
    input:
        [whole(label) for label in STUDIES],
        ["<results>/.left_out"] if BROKEN else [],
    localrule: True
    message:
        "every study is done"


for label in STUDIES:

    rule:
        name:
            STUDIES[label]["name"]
        input:
            whole(label),
        localrule: True
        message:
            f"{label}: done"
