"""Start the workflow for a study, follow what it says, and stop it: one run at a time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Any

from nunatak import study
from nunatak.runtime import NunatakError

TARGETS = {"plan": "plan_{name}", "run": "{name}"}
_LINES = 400  # of what a run said that are kept
_PROGRESS = re.compile(r"(\d+) of (\d+) steps")


class Runs:
    """
    Runs of the workflow of one folder.

    Parameters
    ----------
    folder : of the workflow
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._said: deque[str] = deque(maxlen=_LINES)
        self._told: dict[str, Any] = {}
        self._lock = threading.Lock()

    def start(self, name, what, *, simulated=False) -> dict[str, Any]:
        """
        Start a plan or a run of a study.

        Parameters
        ----------
        name : of a study that is saved
        what : plan, run
        simulated : on made-up granules and small, whatever the study's archive. Default: on its own archive

        Raises
        ------
        StudyError : there is no such command, or a run goes on
        """
        if what not in TARGETS:
            raise study.StudyError(f"{what}: is not known; ask for {' or '.join(TARGETS)}")
        config = ["archive=simulated", "size=tiny"] if simulated else []
        command = [sys.executable, "-m", "snakemake", TARGETS[what].format(name=name)]
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                raise study.StudyError(f"{self._told['name']}: its {self._told['what']} goes on; stop it, or wait")
            self._said.clear()
            self._told = {"name": name, "what": what, "simulated": simulated, "done": 0, "steps": 0}
            self._process = subprocess.Popen(
                [*command, *(["--config", *config] if config else [])],
                cwd=self._folder,
                env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        return self.state()

    def state(self) -> dict[str, Any]:
        """Return what runs: `name`, `what`, `going`, `code` at the end, `done` of `steps`, and the last `lines`."""
        if self._process is None:
            return {"going": False, "lines": []}
        code = self._process.poll()
        return {**self._told, "going": code is None, "code": code, "lines": list(self._said)[-40:]}

    def stop(self) -> dict[str, Any]:
        """
        Tell a run to stop, as Ctrl-C does.

        Jobs leave nothing half-written.
        """
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
        return self.state()

    def end(self):
        """Stop a run and wait until it has ended."""
        self.stop()
        if self._process is not None:
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired as error:
                raise NunatakError("a run does not end; look for it with ps") from error

    def _listen(self, process):
        for line in process.stdout:
            self._said.append(line.rstrip())
            if found := _PROGRESS.search(line):
                self._told |= {"done": int(found[1]), "steps": int(found[2])}
        process.wait()
