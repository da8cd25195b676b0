"""The environments of envs/, built by the stand-in for conda, and runs of the workflow in them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml
from tests.conftest import ROOT

STAND_IN = ROOT / "tests/tools/conda"


def with_conda(flow, **settings):
    """Put the stand-in for conda on the path of a flow; `settings` are variables of the environment."""
    path = f"{STAND_IN / 'bin'}{os.pathsep}{flow.environment['PATH']}"
    flow.environment |= {"PATH": path, "NUNATAK_TEST_PYTHON": sys.executable, **settings}
    return flow


def conda(*words):
    """Call the stand-in as Snakemake does."""
    return subprocess.run(
        [STAND_IN / "bin/conda", *map(str, words)],
        text=True,
        capture_output=True,
        env={**os.environ, "NUNATAK_TEST_PYTHON": sys.executable},
    )


class Environments:
    """Every file of envs/ as an environment of its own, built once; `prefix` is Snakemake's folder of them."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.prefix = self.folder / "conda"

    def python(self, name):
        """The Python of an environment by the name of its file, built where it is not there yet."""
        place = self.folder / name
        if not place.exists():
            ended = conda(
                "env",
                "create",
                "--quiet",
                "--no-default-packages",
                "--file",
                ROOT / f"envs/{name}.yaml",
                "--prefix",
                place,
            )
            assert ended.returncode == 0, ended.stderr
        return place / "bin/python"

    @property
    def built_with(self):
        """What the stand-in says of the Python that it found."""
        return sorted({note.read_text("utf-8").strip() for note in self.folder.glob("*/python.txt")})

    def on_path(self, flow):
        """Let every rule of a flow run in its own environment, where it is run with --sdm conda."""
        return with_conda(flow, SNAKEMAKE_CONDA_PREFIX=str(self.prefix))

    def drive(self, flow):
        """The same, with Snakemake itself in the driver's environment."""
        flow.python = str(self.python("driver"))
        activated = yaml.safe_load((ROOT / "envs/driver.yaml").read_text("utf-8"))["variables"]
        flow.environment |= {name: str(value) for name, value in activated.items()}
        return self.on_path(flow)

    def whole(self):
        """One environment with the whole lock, in the Python that the others have."""
        place = self.folder / "whole"
        if not place.exists():
            uv = Path(sys.executable).with_name("uv")
            base = subprocess.check_output([self.python("driver"), "-c", "import sys; print(sys._base_executable)"])
            subprocess.run([uv, "venv", "--quiet", "--python", base.decode().strip(), place], check=True)
            subprocess.run(
                [
                    uv,
                    "pip",
                    "install",
                    "--quiet",
                    "--python",
                    place / "bin/python",
                    "--require-hashes",
                    "--requirement",
                    ROOT / "requirements.lock",
                    "--only-binary",
                    ":all:",
                    "--no-binary",
                    "connection-pool",
                ],
                check=True,
            )
        return place / "bin/python"
