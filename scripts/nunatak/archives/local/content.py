"""
Describe a granule from its content: product, release, time, orbit and footprint.

The product is identified from the groups in the file, and the file name is only checked against it. Attributes are not
used, because subsetted files, templates and early releases often have wrong ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyproj

from nunatak import times
from nunatak.archives.local import footprint
from nunatak.constants import BEAMS, DATUM_YEAR, PAIRS, SIMULATED
from nunatak.granules import PRODUCTS, GranuleName, GranuleNameError, image_date, parse
from nunatak.granules.products import products_with
from nunatak.products import bedmachine_releases, hdf5, sheets
from nunatak.products.beam_columns import MOST_ROWS
from nunatak.products.columns import TIME
from nunatak.products.guarded import guarded
from nunatak.products.itslive.scenes import stated_name
from nunatak.runtime import NunatakError

TRACK_LAYOUTS = {row.name: row.layouts for row in PRODUCTS.values() if row.layouts}
_RESOLUTIONS = {100: "100m", 1000: "1km", 10000: "10km", 20000: "20km", 40000: "40km"}
_SEGMENT_SECONDS = 20.0 / 7000.0  # s along the track from one segment id to the next: 20 m at 7 km/s
_NSIDC_STEREO = {"north": "EPSG:3411", "south": "EPSG:3412"}  # ATL20's grids
_COMPARED = (
    "product",
    "version",
    "revision",
    "rgt",
    "cycle",
    "cycle_end",
    "region_number",
    "hemisphere",
    "region_code",
    "resolution",
    "time_start",
)
_OF_SHEETS = ("itslive_elevation", "itslive_shelves", "bedmachine")
_NO_LAYOUT = "is HDF5, but holds no product known here"


@dataclass(frozen=True)
class Content:
    """
    The description of one file.

    Attributes
    ----------
    status : "granule", "broken" (cannot be opened or read), "unnamed" (a product, but neither name nor content
        identifies the granule), or "other" (not a known product)
    reason : why it is not a granule, in one line without the path
    notes : remarks on a granule, separated by "; ", such as a wrong name
    product : such as "atl06", for a broken file from its name
    name : the granule's own name, as its archive would deliver it, for a broken file from its name
    time_start, time_end : datetime64[ns], UTC, of the rows in this file and not of the orbit piece they are from
    geometry : footprint as WKT in longitude and latitude, or None if the file holds no position
    simulated : made by the simulated archive
    """

    status: str
    reason: str = ""
    notes: str = ""
    product: str | None = None
    name: GranuleName | None = None
    time_start: np.datetime64 | None = None
    time_end: np.datetime64 | None = None
    geometry: str | None = None
    simulated: bool = False


def describe(path: str | Path) -> Content:
    """Open one file and describe it, without raising an error for a bad file."""
    path = Path(path)
    named = _parsed(path.name)
    try:
        with guarded(path), hdf5.open_granule(path) as file:
            return _describe(file, named)
    except (NunatakError, OSError) as error:
        return _broken(reason_without_path(error, path), named)


def reason_without_path(error: Any, path: Any) -> str:
    """Return an error's message without the path at its beginning, for a table that has a column for the path."""
    return str(error).replace("\n", " ").removeprefix(f"{path}: ")


def product_of(file: Any) -> str | None:
    """Return the product of an open file from its groups, or from `short_name` if an empty subset has lost them."""
    tracks = [file[name] for name in (*BEAMS, *PAIRS) if name in file]
    for product, layouts in TRACK_LAYOUTS.items():
        if any(layout[0] in group for group in tracks for layout in layouts if layout[0] != "."):
            return product
    if any(f"{pair}/ref_pt" in file or f"{pair}/h_corr" in file for pair in PAIRS):
        return "atl11"
    if "delta_h" in file or any(name.startswith("dhdt_lag") for name in file):
        return "atl15"
    if "vx" in file and "vy" in file and "img_pair_info" in file:
        return "itslive"
    if "time" in file and ("dh" in file or "height_change" in file):
        return "itslive_shelves" if "ID" in file else "itslive_elevation"
    if "errbed" in file and "thickness" in file:
        return "bedmachine"
    if "h" in file and "x" in file and "y" in file:
        return "atl14"
    if {"v", "x", "y"} <= set(file) and getattr(file["v"], "ndim", 0) == 2 and "img_pair_info" not in file:
        return "itslive_mosaic"
    if "grid_x" in file and ("monthly" in file or "daily" in file):
        return "atl20"
    stated = (hdf5.attribute(file, "short_name") or "").lower()
    return stated if stated in TRACK_LAYOUTS else None


def segment_groups(file: Any, product: str) -> tuple[dict[str, Any], list[str]]:
    """
    Return the groups of rows of a track granule, beam by beam.

    Parameters
    ----------
    file : open HDF5 file
    product : such as "atl06"

    Returns
    -------
    groups : beam (or pair) -> (group, longitude, latitude, time names)
    lacking : beams that exist without the product's group
    """
    groups, lacking = {}, []
    for beam in (name for name in (*BEAMS, *PAIRS) if name in file):
        held = [row for row in TRACK_LAYOUTS[product] if row[0] == "." or row[0] in file[beam]]
        if not held:
            lacking.append(beam)
            continue
        whole = (row for row in held if all(hdf5.has(file[beam], f"{row[0]}/{name}") for name in row[1:]))
        group, *names = next(whole, held[0])
        groups[beam] = (file[beam][group], *names)
    return groups, lacking


def _parsed(text) -> GranuleName | None:
    """Return the parts of a granule's name, or None for another name."""
    try:
        return parse(text)
    except GranuleNameError:
        return None


def _describe(file, named) -> Content:
    """Describe an open file."""
    product = product_of(file)
    if product is None:
        # A file with a granule's name but without its groups is a broken granule, not some other file.
        return _broken(_NO_LAYOUT, named) if named else Content("other", reason=_NO_LAYOUT)
    stated = (
        _parsed(hdf5.attribute(file["METADATA/DatasetIdentification"], "fileName", ""))
        if ("METADATA/DatasetIdentification" in file)
        else None
    )
    if product == "itslive" and named is None:
        stated = _parsed(stated_name(file))
    facts, start, end, shape, notes = (
        _read_track(file, product) if product in TRACK_LAYOUTS else _read_grid(file, product)
    )
    facts = {"product": product, "version": _release(file, product), **facts}
    name = _settled(stated or named, facts)
    if name is None:
        claim = f"is named as {named.product}" if named else "has no granule's name"
        reason = f"holds {product} data but {claim}; give the file its original name back"
        return Content("unnamed", reason=reason, product=product)
    lies = [
        f"{field}: the name says {getattr(named, field)}, the content {getattr(name, field)}"
        for field in _COMPARED
        if named is not None and getattr(named, field) != getattr(name, field)
    ]
    if start is None:
        start, end = _stated_times(file, name)
    simulated = (hdf5.attribute(file, "nunatak_source") or "").upper() == SIMULATED
    notes = "; ".join([*lies, *notes])
    return Content("granule", "", notes, product, name, start, end, footprint.to_text(shape), simulated)


def _broken(reason, named) -> Content:
    """Describe a file that cannot be read."""
    return Content("broken", reason, product=named and named.product, name=named)


def _settled(base, facts) -> GranuleName | None:
    """Return the name with the parts that the content corrects, or None if the name is of another kind of product."""
    facts = {key: value for key, value in facts.items() if value is not None}
    passes = products_with(bucket="cycle")
    if base is None or (base.product != facts["product"] and not {base.product, facts["product"]} <= {*passes}):
        return None
    changed = replace(base, **facts)
    return replace(changed, name=changed.file_name) if changed != base else base


def _release(file, product):
    """Return the release as three digits from `ancillary_data`, METADATA or the DOI, or None."""
    stated = [hdf5.scalar(file, "ancillary_data/release")]
    if "METADATA/DatasetIdentification" in file:
        stated.append(hdf5.attribute(file["METADATA/DatasetIdentification"], "VersionID"))
    if product in TRACK_LAYOUTS:  # the templates of the gridded products carry an old DOI
        stated.append((hdf5.attribute(file, "identifier_product_doi") or "").rpartition(".")[2])
    return next((str(text) for text in stated if text is not None and re.fullmatch(r"\d{3}", str(text))), None)


def _read_track(file, product):
    """Return facts, times, footprint and notes of a granule along a track."""
    groups, lacking = segment_groups(file, product)
    absent = {beam: TRACK_LAYOUTS[product][0][0] for beam in lacking}
    parts = []
    for beam, (group, *names) in groups.items():
        missing = [name for name in names if not hdf5.has(group, name)]
        if missing:
            absent[beam] = " and no ".join(missing)
        else:
            parts.append((_along(group, names[2]), *(hdf5.read(group, name) for name in names)))
    notes = [
        f"{', '.join(b for b in absent if absent[b] == lost)}: no {lost}" for lost in dict.fromkeys(absent.values())
    ]
    if not groups and not lacking:
        notes.append("no beam holds data")
    start = end = shape = None
    if parts:
        along, lon, lat, time = (np.concatenate([part[i].ravel() for part in parts]) for i in range(4))
        shape = footprint.along_track(along, lon, lat)
        time = time[(time >= TIME.low) & (time <= TIME.high)]
        if time.size:
            start, end = times.delta_time_to_utc(time.min()), times.delta_time_to_utc(time.max())
    rgt, cycle = hdf5.orbit(file)
    facts = {"rgt": rgt, "cycle": cycle}
    if product == "atl11":
        cycles = [hdf5.read(file[pair], "cycle_number") for pair in groups if hdf5.has(file[pair], "cycle_number")]
        facts["cycle"] = int(min(c.min() for c in cycles)) if cycles else None
        facts["cycle_end"] = int(max(c.max() for c in cycles)) if cycles else None
    return facts, start, end, shape, notes


def _along(group, time):
    """
    Return seconds that order a group's rows along the track.

    For ATL11, whose rows are measured in many cycles, they are computed from the reference points.
    """
    if hdf5.length(group, time) > MOST_ROWS:
        raise NunatakError(f"{group.name[1:]}/{time} states {hdf5.length(group, time)} rows, more than any beam has")
    if group[time].ndim == 1:
        return hdf5.read(group, time)
    return hdf5.read(group, "ref_pt", as_float=True) * _SEGMENT_SECONDS


def _read_grid(file, product):
    """Return facts, times and footprint of a gridded granule."""
    x, y, crs, hemisphere = _grid_axes(file, product)
    dx, dy = abs(x[1] - x[0]), abs(y[1] - y[0])
    bounds = (x.min() - dx / 2, y.min() - dy / 2, x.max() + dx / 2, y.max() + dy / 2)
    start = end = None
    facts = {}
    if product == "atl15":
        facts["resolution"] = _RESOLUTIONS.get(round(float(dx)))
        group = "delta_h" if "delta_h" in file else next(name for name in file if name.startswith("dhdt_lag"))
        time = times.days_to_utc(hdf5.read(file[group], "time"))
        start, end = time.min(), time.max()
    elif product == "atl14":
        facts["resolution"] = _RESOLUTIONS.get(round(float(dx)))
        start = end = times.from_decimal_year(DATUM_YEAR)
    elif product == "itslive":
        start, end = sorted(_acquisition(file, number) for number in (1, 2))
    elif product in _OF_SHEETS:
        facts["region_code"] = sheets.sheet_of(file)
        start, end = _of_sheet(file, product, facts["region_code"])
    else:
        facts["hemisphere"] = hemisphere
    return facts, start, end, footprint.of_grid(bounds, crs), []


def _grid_axes(file, product):
    """Return cell centres, coordinate system and, for ATL20, hemisphere."""
    group = file
    names = ("grid_x", "grid_y") if product == "atl20" else ("x", "y")
    if product == "atl15":
        group = next(file[name] for name in file if name == "delta_h" or name.startswith("dhdt_lag"))
    x, y = (np.unique(hdf5.read(group, name)) for name in names)
    if len(x) < 2 or len(y) < 2:
        raise NunatakError(f"{file.filename}: {names[0]} and {names[1]} span no grid; fetch it again")
    if product in _OF_SHEETS:
        return x, y, sheets.SHEETS[sheets.sheet_of(file)], None
    if product == "atl20":
        hemisphere = "north" if float(np.nanmean(hdf5.read(file, "grid_lat"))) > 0 else "south"
        return x, y, _NSIDC_STEREO[hemisphere], hemisphere
    return x, y, _crs(file, group), None


def _of_sheet(file, product, sheet):
    """Return first and last instant of a grid of an ice sheet, which for BedMachine are both its nominal year."""
    if product == "bedmachine":
        version = bedmachine_releases.version_of(file, sheet)
        return (times.from_decimal_year(bedmachine_releases.RELEASES[sheet, version].year),) * 2
    steps = sheets.times_of(file)
    return steps[0], steps[-1]


def _crs(file, group):
    """
    Return the coordinate system from `spatial_epsg` or WKT.

    The axes of the ellipsoid are not used, as several products give them in kilometres.
    """
    for holder in {group, file}:
        for node in holder.values():
            if not isinstance(node, h5py.Dataset):
                continue
            if "spatial_epsg" in node.attrs:
                return f"EPSG:{int(float(hdf5.attribute(node, 'spatial_epsg')))}"
            for name in ("crs_wkt", "spatial_ref"):
                if name in node.attrs:
                    return pyproj.CRS.from_wkt(hdf5.attribute(node, name))
    raise NunatakError(f"{file.filename}: no spatial_epsg and no crs_wkt, so its place is unknown; fetch it again")


def _acquisition(file, number):
    """Return the acquisition date of an image of a pair."""
    info = file["img_pair_info"]
    for name in (f"acquisition_date_img{number}", f"aquisition_date_img{number}"):  # version 1 misspells it
        if name in info.attrs:
            return image_date(hdf5.attribute(info, name)).astype("datetime64[ns]")
    raise NunatakError(f"{file.filename}: img_pair_info: no acquisition_date_img{number}; fetch it again")


def _stated_times(file, name):
    """Return start and end from the root attributes, or from the name, for a file whose rows do not contain them."""
    stated = [hdf5.attribute(file, f"time_coverage_{which}") for which in ("start", "end")]
    if all(text and re.match(r"\d{4}-\d\d-\d\dT", text) for text in stated):
        start, end = (times.nanoseconds(text.rstrip("Z")) for text in stated)
        return start, end
    if name.time_start is None:
        return None, None
    start = name.time_start.astype("datetime64[ns]")
    whole_year = np.timedelta64(364, "D") if name.product == "itslive_mosaic" else np.timedelta64(0, "D")
    return start, start + whole_year
