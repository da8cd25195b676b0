"""What made the results: code, environment, configuration, granules with their checksums, results."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

import nunatak
from nunatak.reports.anatomy import product_doi
from nunatak.runtime import file_sha256, stamp

# What decides a number or a picture. No variable of the environment is written: one of them may hold a secret.
PACKAGES = (
    "cmcrameri", "h5netcdf", "h5py", "matplotlib", "numba", "numpy", "pandas", "pyarrow", "pyproj", "rasterio",
    "scipy", "shapely", "snakemake", "xarray", "zarr",
)  # fmt: skip
# Keys of a study that say how a machine is set up, not what was computed.
_MACHINE = ("connections", "directory", "endpoints", "path", "resources", "results")


def environment():
    """Python, platform and the versions of the packages that decide a number; None for one that is absent."""
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


def granule_rows(granules, ledger):
    """
    Every granule with what came of it and its checksum, without the place where it lies.

    Parameters
    ----------
    granules : granule table
    ledger : ledger of all chunks
    """
    outcome = ledger.set_index("granule_id")
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
    """Per product its releases, and the DOI as the first readable granule states it."""
    found = {}
    for product, rows in granules.groupby("product"):
        present = ledger[ledger["granule_id"].isin(rows["granule_id"]) & (ledger["status"] == "present")]
        doi = next((d for d in map(product_doi, present["path"].dropna().head(3)) if d), None)
        releases = sorted({str(v) for v in rows["version"].dropna()})
        found[str(product)] = {"version": releases[0] if len(releases) == 1 else None, "releases": releases, "doi": doi}
    return found


def collect(study, *, granules, ledger, results, source):
    """
    The provenance of a study.

    Parameters
    ----------
    study : the study as plain values
    granules, ledger : tables of all products
    results : mapping of a result's name below the study's folder to its path
    source : `nunatak_source` of the results
    """
    kept = {key: value for key, value in study.items() if key not in _MACHINE}
    made = stamp(study=study["label"], source=source, inputs=results.values(), parameters=kept)
    return {
        **made,
        "archive": study["archive"],
        "environment": environment(),
        "study_file": kept,
        "products": product_rows(granules, ledger),
        "granules": granule_rows(granules, ledger),
        "results": {name: file_sha256(Path(path)) for name, path in sorted(results.items())},
        "nunatak_version": nunatak.__version__,
    }


def _plain(value):
    import pandas as pd

    if value is None or pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value
