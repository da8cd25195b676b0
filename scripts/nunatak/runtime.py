"""What every job needs: a log, one-line errors, files written whole or not at all, and the stamp on each of them."""

from __future__ import annotations

import errno
import fcntl
import glob
import hashlib
import json
import logging
import os
import platform
import resource
import shutil
import sys
import time
import traceback
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path

import nunatak
from nunatak import endings

log = logging.getLogger("nunatak")

# Libraries whose versions decide a number; the job's log names those that were loaded.
_VERSIONED = (
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "h5py",
    "xarray",
    "pyproj",
    "shapely",
    "numba",
    "zarr",
    "matplotlib",
)


class NunatakError(Exception):
    """Something a user can mend: one line that names the file, the field, the value and the remedy."""


@contextmanager
def job(snakemake):
    """
    Run a script's work as one job of the workflow.

    Everything logged and every uncaught error with its traceback goes to the rule's log file; the screen gets one
    line. A `NunatakError` ends the job with that line alone, and so does a lack of memory. A job that is told to stop
    notes that in its log and leaves nothing half-written.
    """
    path = Path(snakemake.log[0]) if snakemake.log else None
    handler = _log_to(path)
    started = time.monotonic()
    log.info("%s, nunatak %s, Python %s", snakemake.rule, nunatak.__version__, platform.python_version())
    said, code = "", 0
    try:
        with endings.listening(log):
            yield
    except NunatakError as error:
        log.error("%s", error)
        log.debug("%s", traceback.format_exc())
        said, code = f"{snakemake.rule}: {error}", 1
    except (KeyboardInterrupt, endings.Terminated) as error:
        why, code = endings.told_to_stop(error)
        log.error("%s: %s", snakemake.rule, why)  # the run says it on the screen, once for all of its jobs
    except Exception as error:  # noqa: BLE001  the border of a job: whatever it is goes to the log whole
        log.debug("%s", traceback.format_exc())
        line = f"{type(error).__name__}: {error} (traceback in {path})"
        if endings.lacks_memory(error):
            line = endings.out_of_memory(snakemake.rule, type(error).__name__)
        log.error("%s", line)
        said, code = f"{snakemake.rule}: {line}", 1
    finally:
        loaded = {name: sys.modules[name] for name in _VERSIONED if name in sys.modules}
        log.info("with %s", ", ".join(f"{n} {getattr(m, '__version__', '?')}" for n, m in loaded.items()))
        log.info("took %.1f s, peak memory %.0f MB", time.monotonic() - started, peak_memory_mb())
        log.removeHandler(handler)
        handler.close()
    if code:
        endings.leave(said, code)


def watch_imports():
    """Let a script that ends before its work begins, for want of a package, say so in one line and in its log."""
    if hasattr(sys.modules["__main__"], "snakemake"):
        sys.excepthook = _end_of_imports


def _end_of_imports(kind, error, trace):
    memory = endings.lacks_memory(error)
    if not issubclass(kind, ImportError) and not memory:
        sys.__excepthook__(kind, error, trace)
        return
    snakemake = sys.modules["__main__"].snakemake
    handler = _log_to(Path(snakemake.log[0]) if snakemake.log else None)
    lacks = f"no package {error.name!r}" if issubclass(kind, ModuleNotFoundError) else str(error)
    log.debug("%s", "".join(traceback.format_exception(error)))
    if memory:
        lacks = endings.out_of_memory(snakemake.rule, kind.__name__)
    else:
        lacks += f" in {sys.prefix}; add it to the file in envs/ that the rule names; without conda, remove .venv, "
        lacks += "which make builds"
    log.error("%s: %s", snakemake.rule, lacks)
    handler.close()


def progress(items, *, label, total=None):
    """Return the items, one by one, with a progress bar on a terminal and work done and time left in the log."""
    from tqdm import tqdm

    return tqdm(items, desc=label, total=total, disable=None, mininterval=0.5, leave=False, dynamic_ncols=True)


def say(text):
    """Tell the person who watches, and the log."""
    print(text, file=sys.stderr, flush=True)
    log.info("%s", text)


def _log_to(path):
    handler: logging.Handler = logging.StreamHandler()
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.setLevel(logging.DEBUG)
    log.addHandler(handler)
    return handler


def peak_memory_mb():
    """Return the most memory this process has used, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage counts the parent's memory too, from before this program took its place
        held = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
        return int(held.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


@contextmanager
def written(path):
    """
    Provide a temporary path beside `path`, renamed to it when the block ends well and removed when it does not.

    With files and with folders (Zarr); an unfinished output never bears the final name, and neither does an old one
    half removed. What a killed job of this machine left half-written for the same path is removed first.
    """
    path = Path(path)
    temporary, old = _temporary(path), None
    try:
        yield temporary
        if path.is_dir() and temporary.is_dir():
            old = _set_aside(temporary)
            os.replace(path, old)
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:
        number = endings.no_place(error)
        if isinstance(error, RuntimeError) and not number:
            raise
        why = os.strerror(number) if number else str(error).partition("\n")[0]
        raise NunatakError(f"{path}: could not be written ({why}); free space or choose another folder") from error
    finally:
        _remove(temporary)
        if old is not None:
            _remove(old)


def refuse_full_disk(path, size):
    """
    Refuse to write where a file would not fit, for libraries that crash when a disk gets full under them, as HDF5 does.

    Parameters
    ----------
    path : file to write, in a folder that exists
    size : bytes of its values before compression

    Raises
    ------
    NunatakError : less is free
    """
    free = shutil.disk_usage(Path(path).parent).free
    if free < size:
        why = f"{os.strerror(errno.ENOSPC)}: up to {size / 1e6:.1f} MB, {free / 1e6:.1f} MB are free"
        raise NunatakError(f"{path}: could not be written ({why}); free space or choose another folder")


@contextmanager
def scratch(path):
    """Provide a folder beside `path` that is removed when the block ends, and first what a killed job left of it."""
    folder = _temporary(Path(f"{path}.scratch"))
    folder.mkdir()
    try:
        yield folder
    finally:
        _remove(folder)


def _temporary(path):
    """Return a free name beside a path for this process alone. Those of processes that ended are removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    begin, end = f".{path.stem}.{platform.node()}-", f".part{path.suffix}"
    for left in path.parent.glob(f"{glob.escape(begin)}*{glob.escape(end)}"):
        if not _lives(left.name.removeprefix(begin).removesuffix(end).removesuffix(".old")):
            _remove(left)
    temporary = path.with_name(f"{begin}{os.getpid()}{end}")
    _remove(temporary)
    _remove(_set_aside(temporary))
    return temporary


def _set_aside(temporary):
    """Return where the folder lies that a temporary one replaces, until it is removed."""
    stem, part, suffix = temporary.name.rpartition(".part")
    return temporary.with_name(f"{stem}.old{part}{suffix}")


def _lives(pid):
    """Return whether a process of this number, as text, runs on this machine."""
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (ValueError, PermissionError):  # no number: not ours to judge; another user's process: it lives
        return True
    return True


def claim(folder):
    """
    Say that a run lives in this folder, and remove the locks of runs that were killed.

    The system takes the claim back when the process ends, however it ends. So when no other run has one, every lock
    that lies in Snakemake's folder is a dead run's; while another lives, its locks stay and Snakemake minds them.

    Returns
    -------
    the open file that holds the claim, to be kept as long as the run lives; None where the folder cannot be written or
        its file system knows no such claims
    """
    folder = Path(folder)
    try:
        folder.mkdir(exist_ok=True)
        held = open(folder / "claim", "a")  # noqa: SIM115  open means claimed
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for lock in (folder / "locks").glob("*.lock"):
                lock.unlink(missing_ok=True)
        except BlockingIOError:
            log.debug("%s: another run lives here", folder)
        fcntl.flock(held, fcntl.LOCK_SH)
    except OSError:
        return None
    return held


def check_folder(path, key):
    """Return an error where a setting of the user's own names a file, or lies below one, instead of a folder."""
    for folder in (Path(path), *Path(path).parents):
        if folder.exists() and not folder.is_dir():
            raise NunatakError(
                f"{key}: {path}: {folder} is a file where a folder is expected; name another: {key}=<folder>"
            )


def check_conda(deployment):
    """
    Return an error where environments are asked of conda (`deployment` names how software comes) and there is none.
    """
    if "conda" in deployment and not shutil.which("conda"):
        raise NunatakError(
            "--sdm conda: no conda on the path; install Miniforge (conda 24.7.1 or newer) and activate it, "
            "or leave --sdm conda out: then every rule runs in the Python that Snakemake runs in"
        )


def _remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def stamp(*, study, source, inputs=(), parameters=None):
    """
    Return the attributes every output carries: version, source, study and a hash of inputs and parameters.

    `inputs` are paths; they enter by name and content, so the stamp is the same wherever the study runs. `parameters`
    are plain values or parts of the study, which enter with all their keys.
    """
    digest = hashlib.sha256()
    for path in sorted(map(Path, inputs), key=lambda p: p.name):
        digest.update(path.name.encode())
        digest.update(file_sha256(path).encode())
    digest.update(json.dumps(parameters, sort_keys=True, default=_stated).encode())
    return {
        "nunatak_version": nunatak.__version__,
        "nunatak_source": source,
        "study": study,
        "history": f"nunatak {nunatak.__version__}",
        "inputs_hash": digest.hexdigest()[:16],
    }


def _stated(value):
    """
    Return a part of a study, or a class of choices, as plain values.

    Anything else that JSON lacks is returned as text.
    """
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


def file_sha256(path):
    """Compute the SHA-256 of a file's bytes (hex), or of a folder over its files' names and bytes in order of name."""
    path = Path(path)
    if path.is_dir():
        digest = hashlib.sha256()
        for part in sorted(p for p in path.rglob("*") if p.is_file()):
            digest.update(part.relative_to(path).as_posix().encode())
            digest.update(file_sha256(part).encode())
        return digest.hexdigest()
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_json(value, path):
    """Write JSON with sorted keys and a final newline, so that equal content is equal bytes."""
    with written(path) as part:
        part.write_text(json.dumps(value, indent=2, sort_keys=True, default=_plain, ensure_ascii=False) + "\n", "utf-8")


def read_json(path):
    """Read the content of a JSON file."""
    return json.loads(Path(path).read_text("utf-8"))


def _plain(value):
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        return value.item()
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
