"""Make jobs independent of the machine and the shell that a run was started in."""

from __future__ import annotations

import os
import shlex
import signal
import site
import sys
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

# folders of data that belong to one build of PROJ or GDAL; shells of QGIS, conda and module systems set their own
FOREIGN = ("PROJ_LIB", "PROJ_DATA", "GDAL_DATA", "GDAL_DRIVER_PATH")


class Interpreter(str):
    """The path of a Python interpreter, which is quoted when formatted into a shell command."""

    def __format__(self, spec):
        return shlex.quote(self)


def settle() -> list[str]:
    """
    Make the jobs of this process independent of the shell that it was started in.

    Snakemake writes the path of its Python into each job's command without quotes
    (https://github.com/snakemake/snakemake/issues/2645), so a path with a blank is quoted here. Folders of another PROJ
    or GDAL are not passed on, as every raster would lose its projection. Neither are packages in the user's home
    folder, which would replace the pinned ones. If no cache can be kept in the home folder, jobs keep it elsewhere.

    Returns
    -------
    list of str : a line for each variable that is not passed on, and for a cache that is moved
    """
    if shlex.quote(sys.executable) != sys.executable:
        sys.executable = Interpreter(sys.executable)
    _leave_user_packages()
    return [*drop_foreign(os.environ), *_move_cache(os.environ)]


def cache_folder() -> Path | None:
    """
    Return the folder for caches: the user's own, else one of this user below TMPDIR, else None.

    The user's own is XDG_CACHE_HOME (default: ~/.cache). On computing nodes it is often missing or read-only.
    """
    return next((folder for folder in (_cache_of_user(), _cache_of_machine()) if folder and is_writable(folder)), None)


def is_writable(folder: Path) -> bool:
    """
    Return whether a folder exists, or can be made, and accepts a file of 1 MB, which a full disk does not.

    Parameters
    ----------
    folder : path
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(2**20))
            file.flush()
    except OSError:
        return False
    return True


def _cache_of_user():
    """Return the user's cache folder, or None for a user without a home folder."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # a user without a home folder
        return None


def _cache_of_machine():
    """
    Return a folder below TMPDIR that only this user can write, or None.

    Compiled code is loaded from it, so it must not be writable by others.
    """
    try:
        folder = Path(tempfile.gettempdir()) / f"nunatak-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        kept = folder.lstat()
    except OSError:
        return None
    return folder if kept.st_uid == os.getuid() and not kept.st_mode & 0o022 and not folder.is_symlink() else None


def _move_cache(environment):
    """Set the variables that move the caches of jobs if the user's own folder cannot be written."""
    home, folder = _cache_of_user(), cache_folder()
    if folder == home:
        return []
    if folder is None:
        return [f"{home} and TMPDIR cannot be written: kernels are compiled anew in every job; set XDG_CACHE_HOME"]
    environment["XDG_CACHE_HOME"] = str(folder)
    environment.setdefault("MPLCONFIGDIR", str(folder / "matplotlib"))
    return [f"{home} cannot be written: caches are kept in {folder}; another place: XDG_CACHE_HOME=<folder>"]


def drop_foreign(environment: MutableMapping[str, str]) -> list[str]:
    """
    Remove the variables that name the data of another PROJ or GDAL.

    A folder below the prefix of this Python belongs to it and stays.

    Parameters
    ----------
    environment : variables by name, changed in place

    Returns
    -------
    list of str : a line for each variable removed
    """
    own = Path(sys.prefix).resolve()
    foreign = [name for name in FOREIGN if name in environment and not _all_below(environment[name], own)]
    return [f"{name}={environment.pop(name)} is of another installation and is not passed on" for name in foreign]


def _all_below(folders, prefix):
    """Return whether every folder of a list, joined as in PATH, lies below a prefix."""
    return all(Path(folder).resolve().is_relative_to(prefix) for folder in folders.split(os.pathsep))


def _leave_user_packages():
    """
    Exclude the packages of the user's home folder from this process and its jobs, unless Snakemake is one of them.
    """
    home = Path(site.getusersitepackages())
    own = getattr(sys.modules.get("snakemake"), "__file__", None)
    if own and site.ENABLE_USER_SITE and Path(own).is_relative_to(home):
        return
    os.environ["PYTHONNOUSERSITE"] = "1"
    sys.path[:] = [folder for folder in sys.path if folder != str(home)]


def explain_exit(status: int | None, command: str) -> str | None:
    """
    Explain why a job ended that wrote no reason into its log.

    Parameters
    ----------
    status : exit code, negative or above 128 for a signal, or None if unknown
    command : shell command that ended

    Returns
    -------
    str, or None if the status is unknown
    """
    if status is None:
        return None
    if status in (126, 127):
        why = "was not found" if status == 127 else "may not be run from there"
        return (
            f"not started (exit code {status}): {_program(command)} {why}; without conda, remove .venv, "
            "which make builds; with conda, remove .snakemake/conda"
        )
    number = -status if status < 0 else status - 128
    if number == signal.SIGKILL:
        return "killed (signal 9), most often for want of memory; give it more: --set-resources <rule>:mem_mb=8000"
    if number > 0:
        return f"ended by signal {number} ({_signal_name(number)})"
    return f"ended with exit code {status} before it wrote to its log; its output stands above"


def _signal_name(number):
    """Return the name of a signal."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def _program(command):
    """Return the first word after the shell settings of a command, such as the path of a Python."""
    try:
        return shlex.split(command.rpartition(";")[2])[0]
    except (ValueError, IndexError):
        return "its program"
