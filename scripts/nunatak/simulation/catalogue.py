"""What the simulated archive holds: one row per granule with its footprint, size and checksum."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import shapely
import shapely.affinity

from nunatak.files.tables import write_table
from nunatak.geometry import polygons
from nunatak.granules import granule_table, parse
from nunatak.products import bedmachine_releases, hdf5, sheet_window, sheets
from nunatak.products.itslive import pairs
from nunatak.products.itslive.datacube import Datacube
from nunatak.products.itslive.mosaics import mosaic_parts
from nunatak.products.itslive.zarr_metadata import metadata_checksum
from nunatak.runtime import file_sha256
from nunatak.simulation import hdf, orbit, polar_grid
from nunatak.simulation.itslive_mosaics import STATIC_YEARS
from nunatak.times import delta_time_to_utc, from_decimal_year

if TYPE_CHECKING:
    import pandas as pd

    from nunatak.simulation.worlds import World

FILE_NAME = "catalogue.parquet"


def catalogue(world: World, paths: list[Path]) -> pd.DataFrame:
    """
    Return the granule table of simulated granules.

    `url` is the name of the file beside the catalogue; `resolution`, `region_code` and `cycle_end` are given where the
    name has them; `geometry` is the footprint in longitude and latitude.

    Parameters
    ----------
    world : World, the simulated world
    paths : sequence of Path, the granules
    """
    return granule_table([_row(world, Path(path)) for path in paths])


def write(table: pd.DataFrame, folder: Path | str) -> Path:
    """
    Write the granule table beside the granules it lists and return its path.

    Parameters
    ----------
    table : DataFrame, a granule table
    folder : Path, the folder that granules are written to
    """
    path = Path(folder) / FILE_NAME
    write_table(table, path, attributes={"nunatak_source": hdf.SOURCE})
    return path


def _row(world, path):
    name = parse(path.name)
    row = {
        "file_name": path.name,
        "url": path.name,
        "size_bytes": _size(path),
        "checksum": metadata_checksum(path) if path.is_dir() else file_sha256(path),
        "checksum_algorithm": "SHA-256",
        "source": hdf.SOURCE,
        "resolution": name.resolution,
        "region_code": name.region_code,
        "cycle_end": name.cycle_end,
    }
    if name.product == "itslive":
        return {**row, **_pair(path)}
    if name.product == "itslive_cube":
        return {**row, **_cube(path)}
    if name.product == "itslive_mosaic":
        return {**row, **_mosaic(path)}
    if name.region_code in sheets.SHEETS:
        return {**row, **_sheet(world, name, path)}
    return {**row, **(_grid(world, name) if name.region_code else _track(world, name))}


def _sheet(world, name, path):
    """
    Return the period and footprint of the part of an ice sheet's grid that was written.

    The period of BedMachine is its nominal year.
    """
    with hdf5.open_granule(path) as file:
        window = sheet_window.window(file, None)
        if name.product == "bedmachine":
            year = bedmachine_releases.RELEASES[
                name.region_code, bedmachine_releases.version_of(file, name.region_code)
            ].year
            start = end = from_decimal_year(year)
        else:
            start, *_, end = sheets.times_of(file)
    half = abs(window.x[1] - window.x[0]) / 2
    bounds = (window.x[0] - half, window.y.min() - half, window.x[-1] + half, window.y.max() + half)
    return {"time_start": start, "time_end": end, "geometry": _outline(world.crs, bounds)}


def _outline(crs, bounds):
    """Return the box of longitude and latitude around a box on the map, as WKT."""
    extent = polar_grid.lonlat_extent(crs, bounds)
    return shapely.to_wkt(shapely.union_all(polygons.box(extent, crosses=True)), rounding_precision=5)


def _pair(path):
    """Read both acquisition dates and the footprint of an image pair from the granule itself."""
    pair = pairs.read_pair(path)
    x = pair["x0"] + (np.array([0, 0, 1, 1]) * pair["nx"] - 0.5) * pair["dx"]
    y = pair["y0"] - (np.array([0, 1, 1, 0]) * pair["ny"] - 0.5) * pair["dy"]
    corners = shapely.Polygon(np.column_stack([x, y]))
    crs = pyproj.CRS.from_user_input(pair["epsg"])
    outline, _ = polygons.unproject([shapely.segmentize(corners, 20e3)], crs, follow=False)
    return {
        "time_start": pair["acquisition_date_img1"],
        "time_end": pair["acquisition_date_img2"],
        "geometry": shapely.to_wkt(outline, rounding_precision=5),
    }


def _size(path):
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _cube(path):
    """
    Return the projection and footprint of a datacube.

    Its layers tell their dates.
    """
    grid = Datacube(path).grid
    return {
        "epsg": int(grid.crs.removeprefix("EPSG:")),
        "geometry": _outline(grid.crs, grid.bounds),
    }


def _mosaic(path):
    """Return the projection, footprint and years of a mosaic."""
    year = mosaic_parts(path.name).year
    first, last = (year, year) if year else STATIC_YEARS
    with hdf5.open_granule(path) as file:
        x, y, epsg = file["x"][:], file["y"][:], int(file["mapping"].attrs["spatial_epsg"])
    half = abs(x[1] - x[0]) / 2
    return {
        "time_start": np.datetime64(f"{first}-01-01"),
        "time_end": np.datetime64(f"{last}-12-31"),
        "epsg": epsg,
        "geometry": _outline(f"EPSG:{epsg}", (x[0] - half, y.min() - half, x[-1] + half, y.max() + half)),
    }


def _grid(world, name):
    """Return period and footprint of a gridded granule."""
    west, south, east, north = world.surface_bounds if name.product == "atl14" else world.height_bounds
    x, y = np.array([west, east]), np.array([south, north])
    if name.region_code in ("A1", "A2", "A3", "A4"):
        x = np.clip(x, *((0, np.inf) if name.region_code in ("A1", "A4") else (-np.inf, 0)))
        y = np.clip(y, *((0, np.inf) if name.region_code in ("A1", "A2") else (-np.inf, 0)))
    start, end = (from_decimal_year(year) for year in world.period)
    return {
        "time_start": start,
        "time_end": end,
        "geometry": _outline(world.crs, (x[0], y[0], x[1], y[1])),
    }


def _track(world, name):
    """Return period and footprint of a pass inside the world's track box: a strip wide enough for all six beams."""
    runs = orbit.passes(world.track_bbox, rgts=[name.rgt])
    if not name.hemisphere:  # sea-ice granules hold all of a revolution's runs
        runs = [r for r in runs if name.region_number in (None, r.region_number)]
    strips = [_strip(run) for run in runs]
    cycles = (name.cycle, name.cycle_end or name.cycle)
    when = [
        orbit.delta_time_at(name.rgt, c, (s - 1) * orbit.SEGMENT_LENGTH)
        for c in cycles
        for r in runs
        for s in (r.first, r.last)
    ]
    return {
        "time_start": delta_time_to_utc(min(when)),
        "time_end": delta_time_to_utc(max(when)),
        "geometry": shapely.to_wkt(shapely.union_all(strips), rounding_precision=5),
    }


def _strip(run):
    """Return the ground that a run's six beams cover, with some room for the pointing, cut at the antimeridian."""
    x = (np.append(np.arange(run.first, run.last, 500), run.last) - 1) * orbit.SEGMENT_LENGTH
    half = orbit.PAIR_SPACING + 200.0
    left, right = (orbit.ground_point(run.rgt, x, np.full(x.size, side)) for side in (half, -half))
    lon, lat = np.append(left[0], right[0][::-1]), np.append(left[1], right[1][::-1])
    whole = shapely.Polygon(np.column_stack([np.unwrap(lon, period=360.0), lat]))
    turns = [shapely.affinity.translate(whole, xoff=turn) for turn in (-360.0, 0.0, 360.0)]
    return shapely.union_all([shapely.intersection(part, shapely.box(-180, -90, 180, 90)) for part in turns])
