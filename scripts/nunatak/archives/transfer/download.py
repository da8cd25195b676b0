"""
Download originals over HTTPS, check them, and resume where a download was cut off.

No client of the archives compares size or checksum, and all accept a login page as a granule. So a file is checked,
from its signature to the product's groups, before it gets its name. An incomplete file is hidden (`.<name>.part`). A
run that is killed leaves it, and the next run requests the rest.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from nunatak.archives import ServiceFailed, verify
from nunatak.archives.archive import Outcome
from nunatak.archives.nasa.records import base_name
from nunatak.archives.transfer import receipts
from nunatak.archives.transfer.digests import Digests
from nunatak.archives.transfer.integrity import check_arrived, check_present, wanted_of
from nunatak.archives.transfer.pace import Pace
from nunatak.archives.transfer.resume import Gone, Spoiled, bytes_of, transfer
from nunatak.archives.transfer.transport import redacted
from nunatak.granules import GranuleNameError
from nunatak.runtime import NunatakError, log, progress

QUARANTINE = "quarantine"
_RESERVE = 200e6  # bytes left free on the disk


def fetch(
    granules: pd.DataFrame,
    folder: str | Path,
    open_session: Callable[[], Any],
    *,
    back_off: Any,
    connections: int = 4,
    successor: Callable[[Any], str | None] | None = None,
) -> pd.DataFrame:
    """
    Download granules into a folder, or check those already there, and return the ledger.

    Parameters
    ----------
    granules : granule table, each row of which gets one row of the ledger
    folder : folder, in which each product gets a folder
    open_session : function that returns a `requests` session, called once and only if something must be downloaded
    back_off : `transport.BackOff`, shared by all downloads
    connections : files downloaded at a time. Default: 4
    successor : function from a row to the name of the granule that replaced a missing one, or None. Default: none

    Raises
    ------
    LoginRefused : the service needs another login, and no more requests are made
    NunatakError : there is less free space than the missing files need
    """
    job = _Job(Path(folder), back_off, successor)
    rows = list(granules.itertuples(index=False))
    with ThreadPoolExecutor(connections) as pool:
        outcomes = list(progress(pool.map(job.present, rows), label="checking", total=len(rows)))
        missing = [row for row, outcome in zip(rows, outcomes, strict=True) if outcome is None]
        if missing:
            _room_for(missing, job.folder)
            job.session = open_session()
            with Pace(job.bytes_of(missing), len(missing)) as job.pace:
                downloaded = dict(zip((r.granule_id for r in missing), job.bring_all(pool, missing), strict=True))
            outcomes = [outcome or downloaded[row.granule_id] for row, outcome in zip(rows, outcomes, strict=True)]
    for outcome in outcomes:
        if outcome.status == "failed":
            log.warning("%s: %s", outcome.path, outcome.reason)
    return verify.as_ledger(granules, outcomes)


class _Job:
    """One call of `fetch`: its folder, session and stop flag."""

    def __init__(self, folder, back_off, successor):
        self.folder, self.back_off, self.successor = folder, back_off, successor
        self.session = None
        self.pace: Pace
        self.stop = threading.Event()

    def path(self, row) -> Path:
        """Return the path of a granule, after checking its name, which comes from outside."""
        for name in (row.product, row.file_name):
            if base_name(name) != name:
                raise GranuleNameError(f"{name!r}: a name that would leave its folder")
        return self.folder / row.product / row.file_name

    def present(self, row) -> Outcome | None:
        """Return the outcome of a granule that is here and good, or None if it must be downloaded."""
        try:
            path = self.path(row)
        except GranuleNameError as error:
            return Outcome(row.granule_id, "", "failed", str(error))
        if not path.exists():
            return None
        outcome = check_present(row, path)
        if outcome is None:
            verify.quarantine(path, self.folder / QUARANTINE)
            receipts.path_of(path).unlink(missing_ok=True)
        return outcome

    def bring_all(self, pool, rows):
        """Download granules and return their outcomes. A refused login or a full disk stops all downloads."""
        waiting = [pool.submit(self.bring, row) for row in rows]
        try:
            return [future.result() for future in waiting]
        except BaseException:
            self.stop.set()
            for future in waiting:
                future.cancel()
            raise

    def bring(self, row) -> Outcome:
        """Download one granule. A refused login or a full disk also stops the others."""
        if self.stop.is_set():
            return self._failed(row, self.path(row), "not tried: the run stopped")
        try:
            return self._bring(row)
        except NunatakError:
            self.stop.set()
            raise
        finally:
            self.pace.file_done()

    def bytes_of(self, rows) -> int | None:
        """Return the bytes to download, less those of earlier runs, or None if a size is unknown."""
        sizes = [_size(row) for row in rows]
        if None in sizes:
            return None
        return sum(size - min(bytes_of(self._part(row)), size) for row, size in zip(rows, sizes, strict=True))

    def _part(self, row) -> Path:
        """Return the path of a granule while it is being downloaded."""
        path = self.path(row)
        return path.with_name(f".{path.name}.part")

    def _bring(self, row) -> Outcome:
        """Download one granule in several attempts, and quarantine a broken file before it is requested once more."""
        path = self.path(row)
        path.parent.mkdir(parents=True, exist_ok=True)
        part, size = self._part(row), _size(row)
        spoiled: list[Spoiled] = []
        with _alone(part):
            outcome = self.present(row)  # another run may have downloaded it meanwhile
            while outcome is None:
                try:
                    arrivals = Digests(wanted_of(row), self.pace.add)
                    transfer(
                        self.session,
                        row.url,
                        part,
                        size=size,
                        back_off=self.back_off,
                        stop=self.stop,
                        arrivals=arrivals,
                    )
                    outcome = self._settle(row, part, path, arrivals)
                except Spoiled as error:
                    outcome = self._spoiled(row, path, part, [*spoiled, error])
                    spoiled.append(error)
                except Gone as error:
                    part.unlink(missing_ok=True)
                    outcome = self._failed(row, path, self._gone(row, error))
                except ServiceFailed as error:
                    outcome = self._failed(row, path, str(error))
                except OSError as error:
                    raise NunatakError(
                        f"{path}: could not be written ({error.strerror or error}); free space or choose another folder"
                    ) from None
        return outcome

    def _spoiled(self, row, path, part, errors) -> Outcome | None:
        """Quarantine a broken file, and return None if it should be requested again."""
        if part.exists():
            verify.quarantine(part, self.folder / QUARANTINE)
        if len(errors) == 1:
            log.info("%s: %s; asking once more", path.name, errors[0])
            return None
        return self._failed(row, path, f"{errors[-1]}; the file is kept in {self.folder / QUARANTINE}")

    def _settle(self, row, part, path, arrivals) -> Outcome:
        """Check a downloaded file and give it its name."""
        status, reason, found = check_arrived(row, part, arrivals)
        os.replace(part, path)
        receipts.keep(path, checksums=found, status=status, reason=reason)
        return Outcome(row.granule_id, str(path), status, reason, path.stat().st_size, found["SHA-256"])

    def _failed(self, row, path, reason):
        """Return the outcome of a failed granule."""
        return Outcome(row.granule_id, str(path), "failed", redacted(reason))

    def _gone(self, row, error):
        """Describe a granule that the archive no longer has."""
        try:
            newer = self.successor(row) if self.successor else None
        except NunatakError as unknown:
            newer = None
            log.warning("%s: its successor is not known: %s", row.file_name, unknown)
        if newer:
            return f"gone from the archive, superseded by {newer}; {verify.ASK_AGAIN}"
        return f"gone from the archive ({error}); {verify.ASK_AGAIN}"


@contextmanager
def _alone(part):
    """Lock a file against other runs that download the same one, which wait."""
    lock = part.with_suffix(".lock")
    while True:
        with open(lock, "a") as opened:
            try:
                fcntl.flock(opened, fcntl.LOCK_EX)
            except OSError as error:
                log.warning("%s: no locks here (%s); let one run at a time fetch to it", lock.parent, error.strerror)
            if not _same(lock, opened):  # the previous run removed it while this one waited
                continue
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)
            return


def _same(path, opened):
    """Return whether a path still leads to the opened file."""
    try:
        return os.stat(path).st_ino == os.fstat(opened.fileno()).st_ino
    except FileNotFoundError:
        return False


def _room_for(rows, folder):
    """
    Refuse downloads that do not fit on the disk.

    Raises
    ------
    NunatakError : states how much space is missing
    """
    under = folder
    while not under.exists():
        under = under.parent
    needed = sum(_size(row) or 0 for row in rows)
    free = shutil.disk_usage(under).free
    if needed + _RESERVE > free:
        raise NunatakError(
            f"{folder}: {len(rows)} granules need {needed / 1e9:.2f} GB, {free / 1e9:.2f} GB are free; free space, or "
            "set resources to a folder on a larger disk"
        )


def _size(row):
    """Return the stated size of a granule, or None."""
    return int(row.size_bytes) if pd.notna(row.size_bytes) else None
