"""
BedMachine: thickness, bed and surface of an ice sheet, on a grid of 150 m (Greenland) or 500 m (Antarctica).

The files hold heights above the geoid, and those of Antarctica surface and thickness without the air in the firn. Here
all heights are above the WGS84 ellipsoid and the surface is the real one, as ATL14 has it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from nunatak.files import remote
from nunatak.products import GranuleError, hdf5, polar_grid, sheet_window, sheets
from nunatak.products.bedmachine_releases import RELEASES, version_of


def read_bedmachine(
    path: Path | str, *, bounds: tuple[float, float, float, float] | None = None, crs: str | None = None
) -> xr.Dataset | None:
    """
    Read thickness, bed and surface in a window.

    Parameters
    ----------
    path : file of BedMachine Greenland or Antarctica, or its address: then only what is needed travels
    bounds : (left, bottom, right, top), m in the sheet's coordinate system; cells that touch them are read. Default:
        the whole sheet
    crs : coordinate system of `bounds`, to be held against the file's. Default: not compared

    Returns
    -------
    Dataset (y descending, x) with thickness, thickness_sigma (m), bed, surface (m above the WGS84 ellipsoid), geoid
        (m), mask and source (codes), in Antarctica firn (m of air). The surface holds the firn's air; the thickness of
        Antarctica does not (attribute thickness_is). Where there is no ice the thickness is 0 and the bed is the
        surface of land or the sea floor. attrs: crs, resolution (m), sheet, version, reference_year, mask_meanings,
        source_meanings ("code: meaning, .."), cells_negative (thicknesses below 0, taken for missing)

    Raises
    ------
    GranuleError : not BedMachine, of another sheet or an unknown version, codes that the version does not have, or
        nothing of it lies in the bounds

    Notes
    -----
    `thickness_sigma` is the file's errbed, which is no covariance: along a gate it is summed as fully correlated.

    Source
    ------
    BedMachine Greenland, doi 10.5067/6B6B225B8V2D; BedMachine Antarctica, doi 10.5067/POJQI54A45HX
    """
    path = remote.location(path)
    with hdf5.open_granule(path) as file:
        sheet = sheets.sheet_of(file)
        version = version_of(file, sheet)
        window = sheet_window.window(file, bounds, crs)
        release = RELEASES[sheet, version]
        needed = ["thickness", "bed", "surface", "errbed", "geoid", *(["firn"] if sheet == "antarctica" else [])]
        read = {name: _layer(file, name, window) for name in needed}
        codes = {name: _codes(file, name, window, release) for name in ("mask", "source")}
        simulated = hdf5.attribute(file, "nunatak_source")
    data = xr.Dataset(
        {name: (("y", "x"), values) for name, values in (_heights(read, codes["mask"], release) | codes).items()},
        coords={"y": window.y, "x": window.x},
    )
    for name in set(data) - set(codes):
        data[name].attrs["units"] = "m"
    data.attrs = {
        "crs": sheets.SHEETS[sheet],
        "resolution": float(window.x[1] - window.x[0]),
        "sheet": sheet,
        "version": version,
        "reference_year": release.year,
        "thickness_is": "ice equivalent, without the air in the firn" if "firn" in data else "with the air in the firn",
        "mask_meanings": _told(release.mask),
        "source_meanings": _told(release.source),
        "cells_negative": int((read["thickness"] < 0).sum()),
    }
    data.attrs |= {"nunatak_source": simulated} if simulated else {}
    return data if window.y[0] > window.y[-1] else data.isel(y=slice(None, None, -1))


def _layer(file, name, window):
    """Read a field of a window as float64, fills as NaN."""
    if not hdf5.has(file, name):
        raise hdf5.missing(file, name)
    values = hdf5.read(file, name, (window.rows, window.columns), as_float=True, limit=polar_grid.FILL_LIMIT)
    return values.astype("f8")


def _codes(file, name, window, release):
    """Mask or source of a window, every code known."""
    if not hdf5.has(file, name):
        raise hdf5.missing(file, name)
    values = hdf5.read(file, name, (window.rows, window.columns)).astype("i2")
    known = getattr(release, name)
    strange = ~np.isin(values, [*known, 0])
    if name == "source" and release.from_ten:
        strange &= values < 10
    if strange.any():
        raise GranuleError(
            f"{file.filename}: {name}: holds {int(values[strange][0])} in {int(strange.sum())} cells, which its "
            f"version does not have ({_told(known)}); fetch the product's own file"
        )
    return values


def _heights(read, mask, release):
    """
    Return heights above the ellipsoid, with the air in the firn.

    The thickness is 0 off the ice and NaN where it is negative.
    """
    ice = np.isin(mask, release.ice)
    thickness = np.where(read["thickness"] < 0, np.nan, read["thickness"])
    firn = read.get("firn")
    surface = read["surface"] + read["geoid"] + (0.0 if firn is None else np.where(ice, np.nan_to_num(firn), 0.0))
    made = {
        "thickness": np.where(ice, thickness, 0.0),
        "thickness_sigma": np.where(ice, read["errbed"], 0.0),
        "bed": read["bed"] + read["geoid"],
        "surface": surface,
        "geoid": read["geoid"],
    }
    return made if firn is None else made | {"firn": np.where(ice, firn, 0.0)}


def _told(meanings):
    """
    Format codes with their meanings as one text.

    >>> _told({0: "ocean", 1: "land"})
    '0: ocean, 1: land'
    """
    return ", ".join(f"{code}: {meaning}" for code, meaning in meanings.items())
