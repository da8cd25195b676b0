"""
Report how fast bytes arrive and how long the rest takes: a progress bar on a terminal, a line a minute in the log.
"""

from __future__ import annotations

import threading
import time

from nunatak.runtime import log

INTERVAL = 60.0  # s, between two lines in the log


class Pace:
    """
    Counter of the bytes of one call of `download.fetch`, shared by its threads.

    Parameters
    ----------
    total : bytes that are to come; None where a catalogue states no size
    files : number of files that are to come
    """

    def __init__(self, total, files):
        from tqdm import tqdm

        self.total, self.files = total, files
        self.arrived, self.done = 0, 0
        self._lock = threading.Lock()
        self._began = self._told = time.monotonic()
        self._bar = tqdm(
            total=total,
            desc="fetching",
            unit="B",
            unit_scale=True,
            disable=None,
            mininterval=0.5,
            leave=False,
            dynamic_ncols=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._bar.close()
        if self.arrived:
            log.info("%s", self.line())

    def add(self, count: int) -> None:
        """
        Count more bytes that have arrived.

        Parameters
        ----------
        count : bytes
        """
        with self._lock:
            self.arrived += count
            self._bar.update(count)
            if time.monotonic() - self._told >= INTERVAL:
                self._told = time.monotonic()
                log.info("%s", self.line())

    def file_done(self) -> None:
        """Count one more finished file, whatever its outcome."""
        with self._lock:
            self.done += 1
            self._bar.set_postfix_str(f"{self.done} of {self.files} files", refresh=False)

    def line(self) -> str:
        """Describe what has arrived, how fast, and how long the rest takes at that rate."""
        rate = self.arrived / max(time.monotonic() - self._began, 1e-9)
        of = f" of {self.total / 1e9:.2f}" if self.total is not None else ""
        left = f", {max(self.total - self.arrived, 0) / rate / 60:.0f} min left" if self.total and rate else ""
        return (
            f"fetched {self.arrived / 1e9:.2f}{of} GB, {self.done} of {self.files} files, {rate / 1e6:.1f} MB/s{left}"
        )
