"""The workflow as a user starts it, with every Python of it led to the stand-in; and a look for secrets afterwards."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
from tests.archives.conftest import services_of
from tests.conftest import ROOT
from tests.standin import faults, holdings, redirect, services, stac
from tests.workflow.workflow_runs import Flow

from nunatak import simulation, study
from nunatak.archives.itslive import height_change
from nunatak.granules import granules_of

OUTSIDE = "REFUSED"  # what a process says that was asked for another address
SECRETS = (services.PASSWORD, services.TOKEN, services.SIGNATURE)


class Reached(Flow):
    """The workflow, whose every Python reaches the stand-in and nothing else; its command lines are watched."""

    def __init__(self, folder, standin):
        super().__init__(folder)
        clean = {k: v for k, v in self.environment.items() if not k.startswith(("EARTHDATA", "NUNATAK_TEST"))}
        self.netrc = Path(folder) / "netrc"
        self.shown: list[str] = []
        self.environment = {
            **clean,
            **redirect.environment(standin.port, standin.authority),
            "PYTHONPATH": str(ROOT / "tests" / "standin" / "site"),
            "NETRC": str(self.netrc),
        }

    def run(self, *words, **config):
        with self._watched():
            return super().run(*words, **config)

    @contextmanager
    def _watched(self):
        """Collect, while a run lasts, what any user of the machine sees of its processes, and of no other run's."""
        over = threading.Event()

        def watch():
            while not over.wait(0.25):
                for text in _command_lines(below=os.getpid()):
                    self.shown += [secret for secret in SECRETS if secret in text]

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        try:
            yield
        finally:
            over.set()
            watching.join()

    def log_in(self):
        """A user and a password in the environment."""
        self.environment |= {"EARTHDATA_USERNAME": services.USER, "EARTHDATA_PASSWORD": services.PASSWORD}

    def log_in_by_netrc(self):
        self.netrc.write_text(f"machine {faults.EDL} login {services.USER} password {services.PASSWORD}\n")
        self.netrc.chmod(0o600)

    def log_in_by_token(self):
        self.environment |= {"EARTHDATA_TOKEN": services.TOKEN}

    def leaks(self, done):
        """Where a secret is to be read: the run's words, a command line, or a file of any kind below its folder."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and "scripts" not in path.parts]
        return [
            *(f"command line: {secret}" for secret in self.shown),
            *(f"{where}: {secret}" for secret in SECRETS for where, text in [("screen", done.text)] if secret in text),
            *(
                f"{path}: {secret}"
                for path in files
                for text in [_content(path)]
                for secret in SECRETS
                if secret.encode() in text
            ),
        ]


def _command_lines(below):
    """The command line of every process that descends from one, itself left out."""
    parents, lines = {}, {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "stat").read_text("latin-1").rpartition(")")[2].split()
            lines[int(process.name)] = (process / "cmdline").read_bytes().decode("latin-1")
        except OSError:  # it ended meanwhile
            continue
        parents[int(process.name)] = int(said[1])
    found = {below}
    while further := {process for process, parent in parents.items() if parent in found} - found:
        found |= further
    return [lines[process] for process in found - {below}]


def _content(path):
    """A file's bytes; a table's cells and metadata, which are compressed in the file."""
    if path.suffix != ".parquet":
        return path.read_bytes()
    table = pq.read_table(path)
    return repr((table.schema.metadata, table.to_pydict())).encode()


def hold(name, folder, server, further=()):
    """
    Put the granules of a tiny study into the stand-in: simulated, and found and fetched as the archives' own.

    `further` names products that the tiny study leaves out.
    """
    asked = study.load(ROOT / "config" / "studies" / f"{name}.yaml", overrides={"size": "tiny"}).products
    world = simulation.world(name, "tiny")
    server.reset()
    server.records = []
    server.services = services_of(server.records)
    stored = {}
    for product in dict.fromkeys((*map(granules_of, asked), *further)):
        (folder / product).mkdir(parents=True)
        table = simulation.write_product(world, product, folder / product)
        if product == "itslive":
            server.services[faults.STAC] = stac.Stac([stac.item_of(row) for row in table.itertuples()])
            stored |= {stac.PREFIX + path.name: path for path in (folder / product).glob("*.nc")}
        elif product in height_change.PRODUCTS:
            places = {
                record.path.rpartition("/")[2]: f"/height_change/{record.path}" for record in height_change.RECORDS
            }
            stored |= {places[path.name]: path for path in (folder / product).glob("*.nc")}
        else:
            server.records += holdings.of_files(table, folder / product)
    if stored:
        server.services[faults.S3] = stac.bucket(stored)
    return list(asked)
