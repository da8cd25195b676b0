"""Hold a study's results against what must be true of them, and against the truth where granules are simulated."""

from functools import partial
from pathlib import Path

import numpy as np
import pyproj
import rasterio

from nunatak import checks, granules, gridding
from nunatak.archives.archive import outline_of
from nunatak.checks.together import Sources, find
from nunatak.compute.registry import registry
from nunatak.cubes.datacubes import open_stack
from nunatak.files.rasters import has_projection
from nunatak.files.tables import read_table
from nunatak.geometry.outlines import read_outlines
from nunatak.granules.products import PRODUCTS, product_row
from nunatak.products import atl14, atl15, bedmachine, hdf5
from nunatak.products.itslive_elevation import read_elevation
from nunatak.products.segment_filter import SegmentFilter
from nunatak.products.sheets import SHEETS, sheet_of
from nunatak.reading.granules import ledger_paths
from nunatak.results import reading
from nunatak.results.loading import Opened
from nunatak.results.table import RASTERS
from nunatak.runtime import file_sha256, job, log, read_json
from nunatak.study.parts import product_settings, typed
from nunatak.study.period import Period

reader_of = registry(PRODUCTS, "reader", kept="sums")
WEIGHT = "height_segment_length_seg"
LARGEST = 1 << 28  # bytes of a file that is read again for its SHA-256
ROOM = 3e3  # m of BedMachine that are read beside the points
MOST_SUMS = 3_000_000  # rows of sums that are held at a time


def main(inputs, out, *, world, settings=None):
    """
    Write checks.json.

    A check that fails does not fail this job: conclude_study judges it.

    Parameters
    ----------
    inputs : mapping to a path or a list of paths of the results there are, of the rasters (change_raster,
        freeboard_maps, velocity_maps), and of what lies behind them: rows (points_atl06, points_atl11, fitted), sums
        of sea ice (sums, levels, tallies), ledgers (ledger_atl15, ledger_atl14, ledger_itslive_elevation,
        ledger_sea_ice), cube, figures
    world : mapping of what `simulation.world` takes, None for real granules
    settings : mapping of the study's keys, with their defaults
    """
    results = Opened(inputs)
    found = find(results, sources_of(results, settings or {}), world=world, settings=settings)
    for check in found:
        log.info("%s %s: %s", check.status, check.name, check.text)
    checks.write_checks(
        found, out, source=reading.source_of(path for name, path in results.paths.items() if name in results)
    )


def sources_of(results, settings):
    """
    Return what lies behind the results, as far as it is on this machine.

    Parameters
    ----------
    results : Opened
    settings : as of `main`
    """
    sums, whole = sums_of(results)
    grids = {
        "change_raster": lambda: next(iter(results.layers.values()))[0],
        "freeboard_maps": lambda: next(iter(results["freeboard"].values())),
        "velocity_maps": lambda: results["annual"],
    }
    rasters = {name: files_of(results.paths[name]) for name in RASTERS if name in results.paths}
    projections = {}
    for name, files in rasters.items():
        proj = pyproj.CRS.from_user_input(grids[name]().attrs["crs"])
        projections |= {f"{Path(results.paths[name]).name}/{file.name}": has_projection(file, proj) for file in files}
    figures = [Path(path) for path in reading.listed(results.paths.get("figures", []))]
    return Sources(
        height_change=height_change_of(results.paths.get("ledger_atl15")),
        surface=surface_of(results.paths.get("ledger_atl14")),
        record=record_of(results.paths.get("ledger_itslive_elevation"), settings),
        bed=bed_of(results.paths.get("ledger_bedmachine")),
        cube=open_stack(results.paths["cube"]) if "cube" in results.paths else None,
        sums=sums,
        all_sums=whole,
        sea_ice=sea_ice_of(results, settings),
        sea_ice_ledger=read_table(ledger) if (ledger := results.paths.get("ledger_sea_ice")) else None,
        projections=projections,
        bands={name: {file.stem: partial(bands_of, file) for file in files} for name, files in rasters.items()},
        sidecars={path.stem: read_json(path) for path in figures},
        hashes=hashes_of(results) if figures else {},
    )


def files_of(path):
    """List a raster, or the rasters of a folder."""
    path = Path(path)
    return sorted(path.glob("*.tif")) if path.is_dir() else [path]


def bands_of(path):
    """
    Return the bands of a raster on disk, (band, y, x).

    Bands of floating-point numbers are NaN where the raster has no value.
    """
    with rasterio.open(path) as source:
        return source.read(masked=True).filled(np.nan) if source.dtypes[0].startswith("float") else source.read()


def hashes_of(results):
    """Compute the SHA-256 of every result of no great size, named as the sidecars of figures name it."""
    paths = [Path(results.paths[name]) for name in results]
    return {f"{p.parent.name}/{p.name}": file_sha256(p) for p in paths if p.stat().st_size <= LARGEST}


def here(ledgers):
    """
    Return a ledger and the paths of its granules.

    The answer is None where there are none, or where they are not files of this machine.
    """
    if not ledgers:
        return None
    ledger = read_table(ledgers)
    paths = ledger_paths(ledger) if all(Path(str(p)).is_file() for p in granules.present(ledger)["path"]) else []
    return (ledger, paths) if paths else None


def height_change_of(ledgers):
    """
    Return a function that reads windows of ATL15 again, as `originals.height_change` asks for it.

    The answer is None where ATL15 is not on this machine.
    """
    found = here(ledgers)
    if found is None:
        return None
    ledger, paths = found
    named = [granules.parse(f"{name}.nc").resolution for name in granules.present(ledger)["granule_id"]]

    def read(resolution, bounds, lag=None):
        own = [path for path, name in zip(paths, named, strict=True) if name == resolution]
        return (
            atl15.read_height_change(own, bounds=bounds) if lag is None else atl15.read_rates(own, lag, bounds=bounds)
        )

    return read


def surface_of(ledgers):
    """Return a function that reads windows of ATL14's granules, or None where they are not on this machine."""
    found = here(ledgers)
    return found and (lambda bounds: atl14.read_surface(found[1], bounds=bounds))


def record_of(ledgers, settings):
    """Return a function that reads months of ITS_LIVE's height change, or None where it is not on this machine."""
    found = here(ledgers)
    if found is None:
        return None
    period = typed(Period, settings["period"])
    return lambda bounds: read_elevation(found[1][0], bounds=bounds, period=(period.start, period.end))


def bed_of(ledgers):
    """
    Return a function that reads BedMachine around points again, as the checks of thickness ask for it.

    The answer is None where it is not one file of this machine.
    """
    found = here(ledgers)
    if found is None or len(found[1]) != 1:
        return None
    path = found[1][0]

    def read(x, y, crs):
        with hdf5.open_granule(path) as file:
            own = SHEETS[sheet_of(file)]
        px, py = pyproj.Transformer.from_crs(crs, own, always_xy=True).transform(x, y)
        bounds = (px.min() - ROOM, py.min() - ROOM, px.max() + ROOM, py.max() + ROOM)
        return bedmachine.read_bedmachine(path, bounds=bounds)

    return read


def sums_of(results):
    """
    Return the sums of sea ice as one, and whether they are those of all granules.

    The sums are None where there are none, or too many to hold.
    """
    if "sums" not in results.paths:
        return None, False
    kinds = [reading.listed(results.paths[kind]) for kind in ("sums", "levels", "tallies")]
    if results.row_count("levels") > MOST_SUMS:
        return None, False
    parts = []
    for paths in zip(*kinds, strict=True):
        tables = dict(zip(("rows", "levels", "granules"), map(read_table, paths), strict=True))
        parts.append(gridding.from_tables(tables, tables["rows"].attrs["attributes"]))
    return gridding.merge(parts), True


def sea_ice_of(results, settings):
    """
    Read one granule of sea ice again as the study reads it.

    Return its id and its segments, or None where no granule is on this machine.
    """
    found = here(results.paths.get("ledger_sea_ice"))
    product = next((name for name in ("atl10", "atl07") if (settings.get("products") or {}).get(name)), None)
    if found is None or product is None:
        return None
    ledger, paths = found
    asked = product_settings(product, settings["products"][product])
    read, _ = reader_of(product)(error=False)
    identity = granules.present(ledger)["granule_id"].iloc[0]
    table, _ = read(
        paths[0],
        region=outline_of(read_outlines(results.paths["regions"]), product),
        period=typed(Period, settings["period"]),
        beams=asked.beams[0] if asked.beams[0] in ("all", "strong", "weak") else asked.beams,
        keep=SegmentFilter(None if asked.types == "all" else asked.types, asked.flags, asked.limits),
        reader=asked.reader,
        variables=(WEIGHT,),
    )
    value = product_row(product).values[0]
    return identity, table.rename(columns={value: "value", WEIGHT: "weight"})


if __name__ == "__main__":
    with job(snakemake):
        main(
            dict(snakemake.input.items()),
            snakemake.output.checks,
            world=snakemake.params.world,
            settings=snakemake.params.settings,
        )
