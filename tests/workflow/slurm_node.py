"""A Slurm of one node for the tests, and runs of the workflow on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

SCRIPT = ROOT / "profiles/slurm/one_node.sh"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel")
# a node of the tests answers at once
IMPATIENT = (
    "--slurm-init-seconds-before-status-checks",
    "1",
    "--seconds-between-status-checks",
    "1",
    "--latency-wait",
    "5",
)


def what_lacks():
    """Why no Slurm can be started here; an empty text where one can."""
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        return f"no {', '.join(missing)} on the path; apt-get install slurmd slurmctld slurm-client munge"
    if os.geteuid() != 0:
        return "starting the daemons needs root"
    if Path("/etc/slurm/slurm.conf").exists():
        return "a Slurm is configured on this machine already"
    return ""


class Node:
    """Slurm on this machine, in a folder of its own, with the executor beside the tests' Python."""

    def __init__(self, folder):
        self.folder = Path(folder) / "node"
        self.layer = Path(folder) / "layer"
        # not into .venv: found there, it would slow down every other call of snakemake
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "--require-hashes",
                "--target",
                self.layer,
                "--requirement",
                ROOT / "requirements-slurm.lock",
            ],
            check=True,
        )
        started = subprocess.run([SCRIPT, "start", self.folder, "2"], text=True, capture_output=True)
        assert started.returncode == 0, started.stderr

    def stop(self):
        subprocess.run([SCRIPT, "stop", self.folder], check=True)

    def drive(self, flow):
        """Let a flow find the executor; `run` then takes `on_slurm` as words."""
        flow.environment["PYTHONPATH"] = f"{self.layer}{os.pathsep}{flow.environment['PYTHONPATH']}"
        return flow

    @property
    def on_slurm(self):
        return ("--workflow-profile", "profiles/slurm", *IMPATIENT)

    @property
    def jobs(self):
        """Every job that has ended: mapping of its number to how and with which comment Slurm says it ended."""
        lines = (self.folder / "log/jobs.log").read_text("utf-8").splitlines()
        fields = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]
        return {line["JobId"]: line["JobState"] for line in fields}
