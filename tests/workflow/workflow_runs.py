"""A copy of the workflow in a folder of its own, and runs of it as a user starts them."""

from __future__ import annotations

import hashlib
import os
import re
import resource
import shutil
import signal
import site
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

PARTS = ("Snakefile", "Makefile", "pyproject.toml", "rules", "scripts", "config", "profiles", "envs", "notebooks")
TINY = {"archive": "simulated", "size": "tiny"}
# every Python of a run refuses to leave this machine and leaves a note when it is asked to
GUARD = """
import os, socket
def _refuse(what):
    with open(os.environ["NUNATAK_TEST_NETWORK"], "a") as note:
        print(what, file=note)
    raise OSError(f"a test reached for the network: {what}")
class _Socket(socket.socket):
    def connect(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(("127.", "::1")):
            _refuse(address)
        return super().connect(address)
_look_up = socket.getaddrinfo
def _getaddrinfo(host, *args, **options):
    local = host in (None, "", "localhost", socket.gethostname()) or str(host).startswith(("127.", "::1"))
    return _look_up(host, *args, **options) if local else _refuse(host)
socket.socket, socket.getaddrinfo = _Socket, _getaddrinfo
"""


@dataclass
class Done:
    """How a run ended and all it said."""

    code: int
    text: str

    @property
    def jobs(self):
        """Jobs that ran or would run: mapping of rule to how many, from Snakemake's table."""
        table = re.search(r"^job +count\n-.*\n((?:\S+ +\d+\n)+)", self.text, re.MULTILINE)
        counts = dict(line.split() for line in table[1].splitlines()) if table else {}
        return {rule: int(count) for rule, count in counts.items() if rule != "total"}

    @property
    def steps(self):
        """What was done, each job in its own words, sorted."""
        return sorted(re.findall(r"^Job \d+: (.*)$", self.text, re.MULTILINE))

    @property
    def reasons(self):
        """What the run says of why it stopped, one line for each reason."""
        _, _, told = self.text.partition("The run stopped:\n")
        return [line.strip() for line in told.splitlines() if line.startswith("  ")]


def own_python(folder):
    """A virtual environment in a folder, with the packages of the one that runs the tests; its Python."""
    venv.create(folder, symlinks=True, with_pip=False)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    lines = [f"import site; site.addsitedir({path!r})\n" for path in site.getsitepackages()]
    (folder / "lib" / version / "site-packages" / "common.pth").write_text("".join(lines))
    (folder / "share").symlink_to(Path(sys.prefix) / "share")
    return str(folder / "bin" / "python")


class Flow:
    """
    The workflow, copied to a folder whose path has a blank, with a `.venv` of its own there.

    It is started from a shell that belongs to another installation of PROJ and GDAL.
    """

    def __init__(self, folder):
        self.folder = Path(folder) / "my nunatak"
        self.folder.mkdir(parents=True)
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
            options = {"ignore": shutil.ignore_patterns("__pycache__")} if (ROOT / part).is_dir() else {}
            copy(ROOT / part, self.folder / part, **options)
        guard = Path(folder) / "guard"
        guard.mkdir()
        (guard / "sitecustomize.py").write_text(GUARD)
        self.network = Path(folder) / "network.txt"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("SNAKEMAKE", "PYTEST"))}
        self.environment = {**clean, "PYTHONPATH": str(guard), "NUNATAK_TEST_NETWORK": str(self.network)}
        self.environment |= {"PROJ_LIB": "/opt/qgis/share/proj", "GDAL_DATA": "/opt/qgis/share/gdal"}
        self.python, self.cores = own_python(self.folder / ".venv"), 2

    def __truediv__(self, name):
        return self.folder / name

    def command(self, *words, **config):
        pairs = [f"{key}={value}" for key, value in config.items()]
        return [
            self.python,
            "-m",
            "snakemake",
            *words,
            "--cores",
            str(self.cores),
            *(["--config", *pairs] if pairs else []),
        ]

    def run(self, *words, file_limit=None, cwd=None, **config):
        """Start Snakemake with these words and settings; `file_limit` is the size in bytes no file may pass."""

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

        ended = subprocess.run(
            self.command(*words, **config),
            cwd=cwd or self.folder,
            env=self.environment,
            text=True,
            timeout=900,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=limit if file_limit else None,
        )
        return Done(ended.returncode, ended.stdout)

    def run_and_kill(self, *words, after, delay=0.0, **config):
        """Start, and kill the whole group `delay` seconds after this many steps are done; 0: after the start."""
        process = subprocess.Popen(
            self.command(*words, **config),
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        lines = []
        while after and (line := process.stdout.readline()):
            lines.append(line)
            if line.startswith(f"{after} of "):
                break
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        lines += process.stdout.readlines()
        process.wait()
        return Done(process.returncode, "".join(lines))

    def copy_results_of(self, other):
        """What another run left: results, originals, logs and what Snakemake noted of them."""
        for name in ("results", "resources", "logs", ".snakemake"):
            shutil.copytree(other.folder / name, self.folder / name, dirs_exist_ok=True)

    def digests(self, label):
        """SHA-256 of every result of a study, by its path."""
        base = self.folder / "results" / label
        files = sorted(path for path in base.rglob("*") if path.is_file())
        return {str(path.relative_to(base)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    def unfinished(self):
        """Files that a writer left half-written."""
        return [path for name in ("results", "resources") for path in (self.folder / name).rglob("*.part*")]
