"""
A stand-in for conda: answers the calls that Snakemake makes and builds each environment from PyPI with uv.

An environment holds the packages its file names and what those need, at the versions of requirements.lock, which are
those that the file pins to two numbers; nothing else. So a rule that runs in it has what the file promises. As in an
environment of conda's, packages of the user's home folder come first unless PYTHONNOUSERSITE keeps them out. What it
does not show is that the channels have these packages, under these names and pins. Where the Python of the file is not
on this machine, the one that runs the tests takes its place, with the versions the lock has for that one, and
`python.txt` in the environment says so.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
LOCK = HERE.parents[2] / "requirements.lock"
VERSION = os.environ.get("NUNATAK_TEST_CONDA_VERSION", "26.1.0")
PYPI = {
    "matplotlib-base": "matplotlib",
    "dask-core": "dask",
    "snakemake-minimal": "snakemake",
    "nbconvert-core": "nbconvert",
    "libgdal-netcdf": None,  # comes with rasterio there
}
# a Python of conda's looks for packages in the user's home folder first, which one of a virtual environment does not
USER_SITE = (
    "import site, sys; sys.flags.no_user_site or sys.path.insert("
    "next((n for n, p in enumerate(sys.path) if p.endswith('site-packages')), 0), site.getusersitepackages())\n"
)
PIN = re.compile(r"([a-z0-9][a-z0-9_.-]*) =([0-9][0-9a-z]*(?:\.[0-9a-z]+)*)")


def main(words):
    match words:
        case ["info", "--json"]:
            print(json.dumps({"conda_prefix": str(HERE), "platform": "linux-64"}))
        case ["--version"]:
            print("conda", VERSION)
        case ["config", "--get", "channel_priority", "--json"]:
            print(json.dumps({"get": {"channel_priority": "strict"}}))
        case ["env", "create", "--quiet", "--no-default-packages", "--file", file, "--prefix", prefix]:
            create(Path(file), Path(prefix))
        case ["clean", "-y", "--tarballs"]:
            pass
        case _:
            sys.exit(f"conda stand-in: it does not know the call: conda {' '.join(words)}")


def read(file):
    """The Python and the packages (name and version, as conda spells them) of an environment file."""
    content = yaml.safe_load(file.read_text("utf-8"))
    unknown = set(content) - {"name", "channels", "dependencies", "variables"}
    if unknown:
        sys.exit(f"conda stand-in: {file.name}: {', '.join(sorted(unknown))}: not understood")
    pins = {}
    for line in content["dependencies"]:
        found = PIN.fullmatch(str(line))
        if not found:
            sys.exit(f"conda stand-in: {file.name}: {line}: not of the form `name =version`")
        pins[found[1]] = found[2]
    return pins.pop("python"), pins


def create(file, prefix):
    """Build the environment of a file at `prefix`, or leave nothing there."""
    wanted, pins = read(file)
    python = interpreter(wanted)
    pins = {PYPI.get(name, name): version for name, version in pins.items() if PYPI.get(name, name)}
    packages = [f"{name}=={version}.*" for name, version in pins.items()]
    note = f"Python {wanted}"
    if python is None:
        # the lock has for some packages another version for an older Python
        python, packages = sys.executable, list(pins)
        note = f"Python {sys.version_info.major}.{sys.version_info.minor}, for want of {wanted}"
    try:
        run("venv", "--quiet", "--python", python, str(prefix))
        # the same choice of builds as in the Makefile
        run(
            "pip",
            "install",
            "--quiet",
            "--python",
            str(prefix / "bin" / "python"),
            "--constraint",
            str(LOCK),
            "--only-binary",
            ":all:",
            "--no-binary",
            "connection-pool",
            *packages,
        )
    except subprocess.CalledProcessError as error:
        shutil.rmtree(prefix, ignore_errors=True)
        sys.exit(f"conda stand-in: {file.name}: not built: {error.stderr.strip()}")
    [packages_of] = prefix.glob("lib/python*/site-packages")
    (packages_of / "user_site.pth").write_text(USER_SITE, "utf-8")
    (prefix / "python.txt").write_text(note + "\n", "utf-8")


def interpreter(wanted):
    """A Python of this version on this machine; None where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places = [sys._base_executable, shutil.which(f"python{wanted}"), *sorted(pyenv.glob(f"{wanted}.*/bin/python"))]
    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    for place in filter(None, places):
        # a name on the path may be a shim that leads nowhere
        answer = subprocess.run([place, "-I", "-c", question], capture_output=True, text=True)
        if answer.returncode == 0 and answer.stdout.strip() == wanted:
            return str(place)
    return None


def run(*words):
    """uv, with the package index that pip is set to use."""
    settings = {"UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": os.environ.get("UV_LINK_MODE", "hardlink")}
    for key, variable in {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}.items():
        value = pip_setting(key)
        if value:
            settings[variable] = value
    subprocess.run(
        [shutil.which("uv", path=Path(sys.executable).parent) or "uv", *words],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **settings},
    )


def pip_setting(key):
    """A setting of pip's own files or environment."""
    told = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
    found = re.search(rf"^(?:global|install|:env:)\.{key}='(.*)'$", told, re.MULTILINE)
    return found and found[1]


if __name__ == "__main__":
    main(sys.argv[1:])
