"""A study's tables of results as figures, checks and reports want them, and where their numbers come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from nunatak.checks import read_checks
from nunatak.figures import Request
from nunatak.outlines import STUDY_REGION, read_outlines
from nunatak.reports import front
from nunatak.results import read_height_change
from nunatak.runtime import NunatakError, file_sha256, read_json
from nunatak.tables import read_csv, read_table

SIMULATED = "SIMULATED"


def region_change(path):
    """The table of region_change.csv, times as times."""
    _exists(path)
    return read_csv(path, parse_dates=["time", "since"])


def change_by_elevation(path):
    """The table of change_by_elevation.csv."""
    _exists(path)
    return read_csv(path)


def sections(path):
    """The transects of transects.nc: mapping of name to Dataset (time, distance) as `elevation.transect` returns it."""
    found = {}
    for name, group in _groups(path).items():
        if "dh" in group:
            found[name.strip("/")] = group.load().set_coords([v for v in ("x", "y") if v in group])
        group.close()
    return found


def source_of(paths):
    """
    Where the numbers of some results come from: SIMULATED when any of them descends from simulated granules.

    Read off each file's `nunatak_source`; a file that does not say is passed over.
    """
    stated = [s for s in (_source(Path(p)) for p in paths) if s]
    return SIMULATED if SIMULATED in stated else next(iter(stated), "unknown")


def _source(path):
    _exists(path)
    if path.suffix == ".nc":
        stated = [group.attrs.get("nunatak_source") for group in _groups(path).values()]
        return next((str(s) for s in stated if s), None)
    if path.suffix == ".parquet":
        return _table_source(path)
    if path.suffix == ".csv":
        return read_csv(path, nrows=0).attrs["attributes"].get("nunatak_source")
    if path.suffix in (".json", ".geojson"):
        return read_json(path).get("nunatak_source")
    return None


def _table_source(path):
    import pyarrow.parquet as pq

    names = pq.read_schema(path).names
    table = read_table(path, columns=["source"] if "source" in names else names[:1])
    stated = table.attrs["attributes"].get("nunatak_source")
    if stated is None and "source" in table and len(table):
        values = table["source"].dropna().unique()
        stated = SIMULATED if np.isin(["simulated", SIMULATED], values).any() else next(iter(values), None)
    return stated


def _groups(path):
    _exists(path)
    try:
        return xr.open_groups(path, engine="h5netcdf")
    except OSError as error:
        raise NunatakError(f"{path}: is no readable NetCDF ({error}); remove it and run the study again") from error


def _exists(path):
    if not Path(path).is_file():
        raise NunatakError(f"{path}: is missing; run the study again, the workflow will make it")


def figure_request(inputs, *, title, focus=None, transects=None):
    """
    What a figure is drawn from, read from files.

    Parameters
    ----------
    inputs : mapping of regions, change, region_change, change_by_elevation, transects, repeat_pairs, granules to a path
        or a list of paths; what is absent is left out
    title, focus, transects : the study's
    """
    change, rates = read_height_change(inputs["change"]) if "change" in inputs else (None, {})
    return Request(
        title=title,
        outlines=read_outlines(inputs["regions"]),
        change=change,
        rates=rates,
        region_change=region_change(inputs["region_change"]) if "region_change" in inputs else None,
        bands=change_by_elevation(inputs["change_by_elevation"]) if "change_by_elevation" in inputs else None,
        sections=sections(inputs["transects"]) if "transects" in inputs else {},
        pairs=read_table(inputs["repeat_pairs"]) if "repeat_pairs" in inputs else None,
        granules=granule_tables(inputs.get("granules", [])),
        focus=focus,
        transects=transects or {},
    )


def granule_tables(paths):
    """Granule tables by product, the folder each lies in."""
    return {Path(path).parent.name: read_table(path) for path in listed(paths)}


def listed(value):
    """One path or several, as a list."""
    return [value] if isinstance(value, str) or hasattr(value, "__fspath__") else list(value)


def flat(inputs):
    """All paths of a mapping of names to a path or a list of paths."""
    return [Path(path) for value in inputs.values() for path in listed(value)]


def hashes(inputs):
    """SHA-256 of every input, by its folder and name: what a sidecar says it was drawn from."""
    return {f"{path.parent.name}/{path.name}": file_sha256(path) for path in sorted(flat(inputs))}


def releases(granules):
    """The releases of every product among granule tables."""
    return {name: {"version": ", ".join(sorted(set(t["version"].dropna())))} for name, t in granules.items()}


def front_material(inputs):
    """
    What the front page is made of, read from files; the arguments of `front.compose`.

    Parameters
    ----------
    inputs : mapping of regions, granules, ledgers, checks, provenance, figures, pages, and the results there are, to a
        path or a list of paths
    """
    granules, ledgers = granule_tables(inputs["granules"]), ledger_tables(inputs["ledgers"])
    data = [path for name in ("granules", "region_change", "repeat_pairs") for path in listed(inputs.get(name, []))]
    return {
        "region": read_outlines(inputs["regions"])[STUDY_REGION],
        "counts": [front.count_product(name, table, ledgers[name]) for name, table in granules.items()],
        "region_change": region_change(inputs["region_change"]) if "region_change" in inputs else None,
        "pairs": read_table(inputs["repeat_pairs"]) if "repeat_pairs" in inputs else None,
        "figure_list": front.figures(listed(inputs["figures"])),
        "pages": [str(path) for path in listed(inputs["pages"])],
        "checks": read_checks(inputs["checks"]),
        "provenance": read_json(inputs["provenance"]),
        "simulated": source_of(data) == SIMULATED,
    }


def ledger_tables(paths):
    """The ledgers of every product, its chunks joined; they lie in <product>/<folder>/<chunk>.parquet."""
    found: dict[str, list] = {}
    for path in listed(paths):
        found.setdefault(Path(path).parent.parent.name, []).append(path)
    return {name: read_table(chunks) for name, chunks in found.items()}
