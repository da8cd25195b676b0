"""What made the results: code, environment, configuration, granules with their checksums, results."""

from __future__ import annotations

import hashlib
import platform
from importlib import metadata

import nunatak
from nunatak.compute.code_reach import SCRIPTS
from nunatak.files import remote
from nunatak.granules import present
from nunatak.reports.anatomy import stated
from nunatak.runtime import file_sha256, stamp

# What decides a number or a picture. No variable of the environment is written: one of them may hold a secret.
PACKAGES = (
    "cmcrameri",
    "h5netcdf",
    "h5py",
    "matplotlib",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "pyproj",
    "rasterio",
    "scipy",
    "shapely",
    "snakemake",
    "xarray",
    "zarr",
)
# Keys of a study that say how a machine is set up, not what was computed.
_MACHINE = ("connections", "directory", "endpoints", "path", "resources", "results", "scheduler", "transfer")
_CODE = ("Snakefile", "rules/*.smk", "scripts/**/*.py", "notebooks/*.ipynb")


def environment():
    """Return Python, platform and the versions of the packages that decide a number, None for one that is absent."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def code_hash():
    """Compute the SHA-256 over the workflow's own files, by their names and bytes."""
    base, digest = SCRIPTS.parent, hashlib.sha256()
    for path in sorted({path for pattern in _CODE for path in base.glob(pattern)}):
        digest.update(path.relative_to(base).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def of_study(study):
    """Return the keys of a study that say what was computed, without those of the machine."""
    return {key: value for key, value in study.items() if key not in _MACHINE}


def granule_rows(granules, ledger):
    """
    List every granule with its outcome and its checksum, without the place where it lies.

    Parameters
    ----------
    granules : granule table
    ledger : ledger of all chunks
    """
    # the same photons may serve two products: used by either is used
    ranked = ledger.sort_values("status", key=lambda status: status != "present", kind="stable")
    outcome = ranked.drop_duplicates("granule_id").set_index("granule_id")
    rows = []
    for granule in granules.itertuples():
        known = granule.granule_id in outcome.index
        entry = outcome.loc[granule.granule_id] if known else {}
        rows.append(
            {
                "file_name": granule.file_name,
                "product": granule.product,
                "version": _plain(granule.version),
                "status": _plain(entry.get("status")) or "unknown",
                "size_bytes": _plain(entry.get("size_bytes")),
                "sha256": _plain(entry.get("sha256")),
            }
        )
    return rows


def product_rows(granules, ledger):
    """List the releases of each product, and the DOI and the terms of use as the first readable granule states them."""
    found = {}
    for product, rows in granules.groupby("product"):
        used = present(ledger[ledger["granule_id"].isin(rows["granule_id"])])
        here = [path for path in used["path"].dropna() if not remote.is_address(path)]
        readable = (said for said in map(stated, here[:3]) if said.get("doi"))
        said: dict = next(readable, {})
        releases = sorted({str(v) for v in rows["version"].dropna()})
        found[str(product)] = {
            "version": releases[0] if len(releases) == 1 else None,
            "releases": releases,
            "doi": said.get("doi"),
            "license": said.get("license"),
        }
    return found


def collect(study, *, granules, ledger, results, source):
    """
    Collect the provenance of a study.

    Parameters
    ----------
    study : the study as plain values
    granules, ledger : tables of all products
    results : mapping of a result's name below the study's folder to its path
    source : `nunatak_source` of the results
    """
    kept = of_study(study)
    hashes = {name: file_sha256(path) for name, path in sorted(results.items())}
    return {
        **stamp(study=study["label"], source=source, parameters={**kept, "results": hashes}),
        "archive": study["archive"],
        "code": code_hash(),
        "environment": environment(),
        "study_file": kept,
        "products": product_rows(granules, ledger),
        "granules": granule_rows(granules, ledger),
        "results": hashes,
        "nunatak_version": nunatak.__version__,
    }


def _plain(value):
    import pandas as pd

    if value is None or pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value
