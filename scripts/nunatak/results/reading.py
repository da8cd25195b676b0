"""A study's results as this workflow keeps them: written, read, and where numbers come from."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nunatak.constants import SIMULATED
from nunatak.files.rasters import write_netcdf_groups
from nunatak.files.tables import read_csv, read_table
from nunatak.runtime import NunatakError, file_sha256, read_json

if TYPE_CHECKING:
    import xarray as xr

# the folders below a product's that hold a table for every chunk, and the files of a figure
CHUNKED = ("ledger", "read", "points", "sums", "levels", "tallies", "segments", "extents")
FIGURE_FILES = ("png", "pdf", "svg", "json")


class HeightChange(NamedTuple):
    """Height change of one resolution with its rates."""

    change: Any
    """Dataset (time, y, x)"""
    rates: dict[float, Any]
    """lag in quarters to Dataset"""


def write_height_change(layers, path, attributes=None):
    """
    Write height change and rates of several resolutions: a group per resolution, below it one per lag of the rates.

    Parameters
    ----------
    layers : mapping of resolution ("1km", ..) to (change, rates): a Dataset and a mapping of the lag in quarters to a
        Dataset, as `products.atl15` reads them
    attributes : mapping of text, such as `runtime.stamp` returns
    """
    groups = {}
    for resolution, (change, rates) in layers.items():
        groups[resolution] = change
        groups |= {f"{resolution}/dhdt_lag{lag:g}": rate for lag, rate in rates.items()}
    write_netcdf_groups(groups, path, attributes)


def resolutions(path) -> list[str]:
    """List the resolutions in a file of height change, finest first."""
    import h5py

    with h5py.File(path, "r") as file:
        names = [name for name in file if isinstance(file[name], h5py.Group)]
    return sorted(names, key=lambda name: float(name.removesuffix("km")))


def read_height_change(path, resolution=None):
    """
    Read height change and rates of one resolution (default: the finest) into memory.

    Returns
    -------
    HeightChange
    """
    import h5py
    import xarray as xr

    held = resolutions(path)
    resolution = held[0] if resolution is None else resolution
    if resolution not in held:
        raise NunatakError(
            f"{path}: no group {resolution}; it has {', '.join(held)}: add it to the study's resolutions"
        )
    with h5py.File(path, "r") as file:
        lags = sorted(float(name.removeprefix("dhdt_lag")) for name in file[resolution] if name.startswith("dhdt_lag"))
    change = xr.load_dataset(path, group=resolution, engine="h5netcdf")
    rates = {
        lag: xr.load_dataset(path, group=f"{resolution}/dhdt_lag{lag:g}", engine="h5netcdf")
        for lag in (int(lag) if lag == np.floor(lag) else lag for lag in lags)
    }
    return HeightChange(change, rates)


def read_record(path):
    """
    Read the long record of height change, in memory.

    Returns
    -------
    Dataset (time, y, x) in the form of `read_height_change(path).change`: delta_h, delta_h_sigma (m), coordinate
        decimal_year, attribute crs; further variables as of `elevation.join`, and where the product has it firn air
        content firn, firn_sigma (m of air)
    """
    import xarray as xr

    _exists(path)
    return xr.load_dataset(path, engine="h5netcdf")


def read_surface_change(path):
    """
    Read the height change of the surface, in memory: the joined record, or the finest resolution of ATL15.

    Parameters
    ----------
    path : elevation/record.nc or atl15/height_change.nc

    Returns
    -------
    Dataset (time, y, x) as `dynamics.surface.yearly_change` takes it
    """
    _exists(path)
    return read_height_change(path).change if resolutions(path) else read_record(path)


def read_map(path: str) -> xr.Dataset:
    """
    Open a NetCDF file with one grid.

    Values are read when they are used.
    """
    import xarray as xr

    _exists(path)
    return xr.open_dataset(path, engine="h5netcdf")


# the order of time bins in grid.nc, then what is derived from them; HDF5 sorts groups by name
_FREEBOARD_GROUPS = ("day", "week", "ten_day", "month", "season", "year", "all", "climatology", "anomaly", "atl20")


def read_freeboard(path):
    """
    Read the groups of freeboard/grid.nc: mapping of time bin to Dataset (time, y, x), shortest bin first.

    Values are read when they are used. With several years of months there are `climatology` and `anomaly` too.
    """
    groups = {name.strip("/"): group for name, group in _groups(path).items()}
    return {name: groups[name] for name in _FREEBOARD_GROUPS if name in groups}


def freeboard_table(path):
    """Read the table of freeboard's series.csv or distribution.csv, times as times."""
    _exists(path)
    return read_csv(path, parse_dates=["time_start", "time_end"])


def region_change(path):
    """Read the table of region_change.csv, times as times."""
    _exists(path)
    return read_csv(path, parse_dates=["time", "since"])


def series(path):
    """Read the table of record_series.csv, times as times."""
    _exists(path)
    return read_csv(path, parse_dates=["time"])


def change_by_elevation(path):
    """Read the table of change_by_elevation.csv."""
    _exists(path)
    return read_csv(path)


def sections(path):
    """
    Read the transects of transects.nc: mapping of name to Dataset (time, distance) as `elevation.transect` returns it.
    """
    found = {}
    for name, group in _groups(path).items():
        if "dh" in group:
            found[name.strip("/")] = group.load().set_coords([v for v in ("x", "y") if v in group])
        group.close()
    return found


def source_of(paths: Iterable[Any]) -> str:
    """
    Return where the numbers of some results come from: SIMULATED when any of them descends from simulated granules.

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
    import xarray as xr

    _exists(path)
    try:
        return xr.open_groups(path, engine="h5netcdf")
    except OSError as error:
        raise NunatakError(f"{path}: is no readable NetCDF ({error}); remove it and run the study again") from error


def _exists(path):
    if not Path(path).is_file():
        raise NunatakError(f"{path}: is missing; run the study again, the workflow will make it")


def granule_tables(paths: list[Any]) -> dict[Any, Any]:
    """Read granule tables by product, the folder each lies in."""
    return {Path(path).parent.name: read_table(path) for path in listed(paths)}


def listed(value: Any) -> list[Any]:
    """Return one path or several as a list."""
    return [value] if isinstance(value, str) or hasattr(value, "__fspath__") else list(value)


def flat(inputs: Mapping[str, Any]) -> list[Path]:
    """Return all paths of a mapping of names to a path or a list of paths."""
    return [Path(path) for value in inputs.values() for path in listed(value)]


def hashes(inputs: Mapping[str, Any]) -> dict[str, str]:
    """
    Compute the SHA-256 of every input, by its folder and name, for the sidecar of a figure.

    Parameters
    ----------
    inputs : mapping of name to a path or a list of paths
    """
    return {f"{path.parent.name}/{path.name}": file_sha256(path) for path in sorted(flat(inputs))}


def obsolete(folder, makes, *, files, products, topics):
    """
    List the files below a study's folder that it made once and makes no more, because its file has changed since.

    Files that no study makes are the user's own and never among them.

    Parameters
    ----------
    folder : of the study's results
    makes : paths below it that the study makes now, files and folders
    files, products, topics : what studies make, as `targets.possible` returns it

    Returns
    -------
    list of paths below the folder, sorted
    """
    makes = set(makes)
    asked = {path.split("/")[0] for path in makes}
    found = []
    for path in sorted(p for p in Path(folder).rglob("*") if p.is_file()):
        own = path.relative_to(folder)
        here = own.as_posix()
        top, inner = own.parts[0], own.parts[1] if len(own.parts) > 2 else ""
        if makes & {here, *(parent.as_posix() for parent in own.parents)}:
            continue
        once = (
            any(here == name or here.startswith(f"{name}/") for name in files)
            or (top in products and (top not in asked or (inner in CHUNKED and own.suffix == ".parquet")))
            or (top == "velocity" and (top not in asked or _is_old_year(own.parts, makes)))
            or (top == "figures" and own.suffix[1:] in FIGURE_FILES)
            or (own.stem in topics and own.suffix in (".html", ".ipynb") and len(own.parts) == 1)
        )
        found += [here] if once else []
    return found


def _is_old_year(parts, makes):
    """Return whether a file belongs to the layers of a year of image pairs that the study does not ask for."""
    year = parts[2].removesuffix(".parquet") if len(parts) > 2 else ""
    if parts[1] not in ("years", "plan") or not year.isdigit():
        return False
    return not any(path.startswith((f"itslive/ledger/{year}.", f"itslive/ledger/{year}-")) for path in makes)


def set_aside(folder, paths):
    """
    Move files of a study's folder to <folder>.obsolete, or to <folder>.obsolete-2, -3 .. where that is there.

    Parameters
    ----------
    folder : Path, the study's folder of results
    paths : sequence of str or Path

    Returns
    -------
    the folder they are in now
    """
    names = (f"{folder}.obsolete{f'-{number}' if number > 1 else ''}" for number in itertools.count(1))
    aside = next(Path(name) for name in names if not os.path.lexists(name))
    for path in paths:
        (aside / path).parent.mkdir(parents=True, exist_ok=True)
        os.replace(Path(folder) / path, aside / path)
    for empty in sorted((p for p in Path(folder).rglob("*") if p.is_dir()), reverse=True):
        if not any(empty.iterdir()):
            empty.rmdir()
    return aside


def releases(granules: Mapping[Any, Any]) -> dict[Any, Any]:
    """
    Return the releases of every product among granule tables.

    Parameters
    ----------
    granules : mapping of product to its granule table
    """
    return {name: {"version": ", ".join(sorted(set(t["version"].dropna())))} for name, t in granules.items()}


def ledger_tables(paths):
    """
    Read the ledgers of every product, its chunks joined. They lie in <product>/<folder>/<chunk>.parquet.

    Parameters
    ----------
    paths : sequence of str or Path
    """
    found: dict[str, list] = {}
    for path in listed(paths):
        found.setdefault(Path(path).parent.parent.name, []).append(path)
    return {name: read_table(chunks) for name, chunks in found.items()}
