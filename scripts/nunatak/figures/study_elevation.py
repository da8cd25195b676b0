"""The figures of a study's height change and surface, from its results in memory."""

from __future__ import annotations

import numpy as np
import pyproj
import shapely

from nunatak import elevation
from nunatak.figures import map_layouts, profile_layouts, study_tracks
from nunatak.figures.subject import area, cut_to_focus
from nunatak.geometry.outlines import STUDY_REGION
from nunatak.runtime import NunatakError


def extent(look, subject, data):
    further = {key: outline.geometry for key, outline in data["regions"].items() if key != STUDY_REGION}
    own = data["regions"][STUDY_REGION]
    ice, crs = None, own.natural_crs
    if "change" in data:
        change = data["change"].change
        ice, crs = change["ice_area"].max("time"), change.attrs["crs"]
    footprints = {
        product: [shapely.from_wkt(wkt) for wkt in table["geometry"].dropna()]
        for product, table in data["granules"].items()
    }
    return map_layouts.extent(
        look,
        title=f"{subject.title}: extent of the study",
        region=own.geometry,
        further=further,
        crs=crs,
        ice_area=ice,
        footprints={product: shapes for product, shapes in footprints.items() if shapes},
        transects={key: np.asarray(line["lonlat"]) for key, line in subject.transects.items()},
        coastline=subject.coastline,
    )


def in_region(look, subject, data):
    change, rates = data["change"]
    crs = change.attrs["crs"]
    same = subject.focus and pyproj.CRS(subject.focus["crs"]) == pyproj.CRS(crs)
    return map_layouts.height_change(
        look,
        title=f"{subject.title}: height change ({_cells(change)})",
        changes=_spans(look, change, rates),
        crs=crs,
        ice_area=change["ice_area"].isel(time=0),
        focus=subject.focus if same else None,
        transects=_on_map(subject.transects, crs),
        region=area(data).geometry,
    )


def in_focus(look, subject, data):
    if not subject.focus:
        raise NunatakError("figures: height_change_focus: the study has no focus; add focus: {crs, xlim, ylim}")
    change, rates = data["change"]
    change, rates = cut_to_focus(change, rates, subject.focus)
    crs = change.attrs["crs"]
    return map_layouts.height_change(
        look,
        title=f"{subject.title}: height change in the focus ({_cells(change)})",
        changes=_spans(look, change, rates),
        crs=crs,
        ice_area=change["ice_area"].isel(time=0),
        transects=_on_map(subject.transects, crs),
    )


def _spans(look, change, rates):
    """Return the change over the first quarter and over the whole period, in a narrow figure that alone."""
    years = change.decimal_year.values
    spans = (
        [(years[0], years[1]), (years[0], years[-1])] if years.size > 2 and not look.narrow else [(years[0], years[-1])]
    )
    return [elevation.change_between(change, *span, rates=rates) for span in spans]


def series(look, subject, data):
    table = data["region_change"]
    finest = table[(table["resolution"] == table["resolution"].min()) & table["volume_change"].notna()]
    regions = {key: rows.reset_index(drop=True) for key, rows in finest.groupby("region", sort=False)}
    return profile_layouts.height_change_series(
        look,
        title=f"{subject.title}: height change through time",
        regions=regions,
        source_note=f", correlated over {finest['correlation_range'].iloc[0] / 1000:g} km",
    )


def bands(look, subject, data):
    own = data["change_by_elevation"][
        data["change_by_elevation"]["region"] == data["change_by_elevation"]["region"].iloc[0]
    ]
    return profile_layouts.change_by_elevation(look, title=f"{subject.title}: height change by elevation", table=own)


def surface(look, subject, data):
    return map_layouts.surface(
        look, title=f"{subject.title}: surface of ATL14", surface=data["surface"], region=area(data).geometry
    )


def transect(look, subject, data):
    own = subject.name.removeprefix("transect_")
    sections, (change, rates) = data["transects"], data["change"]
    if own not in sections:
        raise NunatakError(f"figures: {subject.name}: no such transect; there are: {', '.join(sections)}")
    section = sections[own]
    years = change.decimal_year.values
    dh = _around(elevation.change_between(change, years[0], years[-1], rates=rates), section)
    return profile_layouts.transect(
        look,
        title=f"{subject.title}: transect {own.replace('_', ' ')}",
        section=section,
        dh=dh.dh,
        crs=change.attrs["crs"],
        ice_area=dh.ice_area,
        points=study_tracks.rates_on_section(data.get("rates"), section),
    )


def _around(change, section):
    """Return the cells around a transect, with two fifths of its length to every side."""
    x, y = section["x"].values, section["y"].values
    room = 0.4 * max(np.ptp(x), np.ptp(y))
    columns = np.flatnonzero((change.x.values >= x.min() - room) & (change.x.values <= x.max() + room))
    rows = np.flatnonzero((change.y.values >= y.min() - room) & (change.y.values <= y.max() + room))
    return change.isel(x=columns, y=rows) if columns.size > 1 and rows.size > 1 else change


def repeat_pair(look, subject, data):
    pairs = widest_pair(data["repeat_pairs"])
    crs = data["repeat_pairs"].attrs.get("attributes", {}).get("crs") or area(data).natural_crs
    to_map = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    x, y = to_map.transform(pairs["longitude"].values, pairs["latitude"].values)
    first, last = int(pairs["cycle_first"].iloc[0]), int(pairs["cycle_second"].iloc[0])
    said = f"RGT {int(pairs['rgt'].iloc[0]):04d}, cycles {first:02d} and {last:02d}"
    return profile_layouts.repeat_pair(look, title=f"{subject.title}: {said}", pairs=pairs, x=x, y=y, crs=crs)


def widest_pair(pairs):
    """
    Return the rows of the repeat pair with most segments.

    Of several, it is the one whose passes lie longest apart.
    """
    groups = pairs.groupby(["rgt", "cycle_first", "cycle_second"], observed=True)
    table = groups.agg(n=("dh", "size"), years=("years", "median"))
    key = table.sort_values(["n", "years"], ascending=False).index[0]
    return groups.get_group(key).reset_index(drop=True)


def _on_map(transects, crs):
    """Return transects as (x, y) on the map."""
    to_map = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    return {key: to_map.transform(*np.asarray(line["lonlat"], dtype=float).T) for key, line in transects.items()}


def _cells(change):
    return f"{change.attrs['resolution'] / 1000:g} km cells"
