"""What a run takes over from the machine and the shell it was started in, and what its jobs must not take over."""

from __future__ import annotations

import os
import shlex
import signal
import site
import sys
import tempfile
from pathlib import Path

# folders of data that belong to one build of PROJ or GDAL; shells of QGIS, conda and module systems set their own
FOREIGN = ("PROJ_LIB", "PROJ_DATA", "GDAL_DATA", "GDAL_DRIVER_PATH")


class Interpreter(str):
    """The path of a Python, quoted where it is formatted into a command of the shell."""

    def __format__(self, spec):
        return shlex.quote(self)


def settle():
    """
    Make the jobs of this process independent of the shell that it was started in.

    Snakemake writes the path of its Python into each job's command without quotes
    (https://github.com/snakemake/snakemake/issues/2645), so a blank in it is quoted here. Folders of another PROJ or
    GDAL are not passed on (with them every raster loses its projection), and neither are packages in the user's home
    folder, which would take the place of the pinned ones. Where no cache can be kept there, jobs keep it elsewhere.

    Returns
    -------
    list of str : a line for each variable that is not passed on, and for a cache that is kept elsewhere
    """
    if shlex.quote(sys.executable) != sys.executable:
        sys.executable = Interpreter(sys.executable)
    _leave_user_packages()
    return [*drop_foreign(os.environ), *_move_cache(os.environ)]


def cache_folder():
    """
    Return the folder for caches: the user's own, else one of this user below TMPDIR, else None.

    The user's own is XDG_CACHE_HOME, default ~/.cache. On computing nodes it is often not there or cannot be written.
    """
    return next((folder for folder in (_cache_of_user(), _cache_of_machine()) if folder and is_writable(folder)), None)


def is_writable(folder):
    """Whether a folder is there, or can be made, and takes a file of 1 MB; a full disk takes none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(2**20))
            file.flush()
    except OSError:
        return False
    return True


def _cache_of_user():
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # a user without a home folder
        return None


def _cache_of_machine():
    """A folder below TMPDIR that is this user's alone, since compiled code is loaded from it; None where it is not."""
    try:
        folder = Path(tempfile.gettempdir()) / f"nunatak-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        kept = folder.lstat()
    except OSError:
        return None
    return folder if kept.st_uid == os.getuid() and not kept.st_mode & 0o022 and not folder.is_symlink() else None


def _move_cache(environment):
    """Set the variables that lead caches of jobs elsewhere, where the user's own folder cannot be written."""
    home, folder = _cache_of_user(), cache_folder()
    if folder == home:
        return []
    if folder is None:
        return [f"{home} and TMPDIR cannot be written: kernels are compiled anew in every job; set XDG_CACHE_HOME"]
    environment["XDG_CACHE_HOME"] = str(folder)
    environment.setdefault("MPLCONFIGDIR", str(folder / "matplotlib"))
    return [f"{home} cannot be written: caches are kept in {folder}; another place: XDG_CACHE_HOME=<folder>"]


def drop_foreign(environment):
    """
    Remove from a mapping of variables those that name the data of another PROJ or GDAL.

    A folder below the prefix of this Python is its own and stays.

    Returns
    -------
    list of str : a line for each variable removed
    """
    own = Path(sys.prefix).resolve()
    foreign = [name for name in FOREIGN if name in environment and not _all_below(environment[name], own)]
    return [f"{name}={environment.pop(name)} is of another installation and is not passed on" for name in foreign]


def _all_below(folders, prefix):
    """Whether every folder of a list, as a shell writes lists, lies below a prefix."""
    return all(Path(folder).resolve().is_relative_to(prefix) for folder in folders.split(os.pathsep))


def _leave_user_packages():
    """Keep the packages of the user's home folder out of this process and its jobs, unless Snakemake is one of them."""
    home = Path(site.getusersitepackages())
    own = getattr(sys.modules.get("snakemake"), "__file__", None)
    if own and site.ENABLE_USER_SITE and Path(own).is_relative_to(home):
        return
    os.environ["PYTHONNOUSERSITE"] = "1"
    sys.path[:] = [folder for folder in sys.path if folder != str(home)]


def explain_exit(status, command):
    """
    Say why a job ended that wrote no reason into its log.

    Parameters
    ----------
    status : exit code; negative, or above 128, for a signal; None where it is not known
    command : the shell command that ended

    Returns
    -------
    str, or None where the status is not known
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
    return f"ended with exit code {status} before it wrote to its log; what it said stands above"


def _signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def _program(command):
    """The first word after the settings of the shell, such as the path of a Python."""
    try:
        return shlex.split(command.rpartition(";")[2])[0]
    except (ValueError, IndexError):
        return "its program"
