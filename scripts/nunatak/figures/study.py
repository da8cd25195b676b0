"""The figures of a study by name: from its results in memory to a drawn figure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyproj
import shapely

from nunatak import elevation
from nunatak.figures import map_layouts, profile_layouts, study_freeboard, study_photons, study_tracks, study_velocity
from nunatak.figures.layouts import NothingToDraw
from nunatak.geometry import region
from nunatak.geometry.outlines import ALTIMETRY_REGION, STUDY_REGION
from nunatak.runtime import NunatakError


@dataclass(frozen=True)
class Request:
    """
    What a figure is drawn from; a figure takes what it needs.

    Attributes
    ----------
    title : of the study
    outlines : mapping of key to Region, as `outlines.read_outlines` returns it
    change, rates : height change of the finest resolution, as `results.read_height_change` returns it
    region_change, bands : tables of region_change.csv and change_by_elevation.csv
    surface : Dataset of ATL14
    sections : mapping of transect name to Dataset
    pairs : table of repeat pairs
    heights : table of heights along tracks, thinned to cells
    tracks, track : table of tracks over the focus, and the rows of one of them
    point_rates, rates_map : rates of reference points, and the Dataset of their map
    crossovers : table of crossovers
    freeboard : mapping of group to Dataset, as `results.read_freeboard` returns it
    freeboard_series, freeboard_distribution : tables of series.csv and distribution.csv
    photon_cloud, photon_segments : tables of a stretch of one beam, its photons and the segments fitted to them
    heights_compared : table of fitted heights joined with ATL06's
    image_pairs : table of every image pair with its fate; image_pair : Dataset of one of them
    annual, strain : Datasets of annual velocities and of the mean field's strain rates
    speeds, velocity_series, flowline : tables of speeds.csv, series.parquet, flowline.parquet
    coastline : a file with land for polar maps, or None
    granules : mapping of product to granule table
    focus, transects : the study's own keys
    """

    title: str
    outlines: dict
    change: object = None
    rates: dict = field(default_factory=dict)
    region_change: object = None
    bands: object = None
    surface: object = None
    sections: dict = field(default_factory=dict)
    pairs: object = None
    heights: object = None
    tracks: object = None
    track: object = None
    point_rates: object = None
    rates_map: object = None
    crossovers: object = None
    freeboard: dict = field(default_factory=dict)
    freeboard_series: object = None
    freeboard_distribution: object = None
    photon_cloud: object = None
    photon_segments: object = None
    heights_compared: object = None
    image_pairs: object = None
    image_pair: object = None
    annual: object = None
    strain: object = None
    speeds: object = None
    velocity_series: object = None
    flowline: object = None
    coastline: str | None = None
    granules: dict = field(default_factory=dict)
    focus: dict | None = None
    transects: dict = field(default_factory=dict)

    @property
    def area(self):
        """The outline altimetry is read in."""
        return self.outlines.get(ALTIMETRY_REGION, self.outlines[STUDY_REGION])

    def cut_to_focus(self):
        """The height change and its rates in the focus, or all of them where the study has no focus."""
        if not self.focus:
            return self.change, self.rates
        change: Any = self.change
        return _cut(change, self.rates, self.focus, change.attrs["crs"])


def draw(name, look, request: Request):
    """
    The figure of that name.

    Raises
    ------
    NunatakError : no figure has that name
    NothingToDraw : what it needs is not there, or holds nothing to see
    """
    kind = "transect" if name.startswith("transect_") else name
    if kind not in _FIGURES:
        raise NunatakError(f"figures: {name!r} is unknown; choose one of {', '.join(_FIGURES)}")
    function, needs = _FIGURES[kind]
    if needs and (getattr(request, needs) is None or not len(getattr(request, needs))):
        raise NothingToDraw(f"figures: {name}: has no {needs.replace('_', ' ')} to draw; leave it out of figures.names")
    return function(look, request, name)


def _extent(look, request, name):
    further = {key: outline.geometry for key, outline in request.outlines.items() if key != STUDY_REGION}
    own = request.outlines[STUDY_REGION]
    ice, crs = None, own.natural_crs
    if request.change is not None:
        ice, crs = request.change["ice_area"].max("time"), request.change.attrs["crs"]
    footprints = {
        product: [shapely.from_wkt(wkt) for wkt in table["geometry"].dropna()]
        for product, table in request.granules.items()
    }
    context = [region.load({"name": key}).geometry for key, entry in region.gazetteer().items() if entry.get("code")]
    return map_layouts.extent(
        look,
        title=f"{request.title}: extent of the study",
        region=own.geometry,
        further=further,
        crs=crs,
        ice_area=ice,
        footprints={product: shapes for product, shapes in footprints.items() if shapes},
        transects={key: np.asarray(line["lonlat"]) for key, line in request.transects.items()},
        context=context,
    )


def _region(look, request, name):
    crs = request.change.attrs["crs"]
    same = request.focus and pyproj.CRS(request.focus["crs"]) == pyproj.CRS(crs)
    return map_layouts.height_change(
        look,
        title=f"{request.title}: height change ({_cells(request.change)})",
        changes=_spans(request.change, request.rates),
        crs=crs,
        ice_area=request.change["ice_area"].isel(time=0),
        focus=request.focus if same else None,
        transects=_on_map(request.transects, crs),
        region=request.area.geometry,
    )


def _focus(look, request, name):
    if not request.focus:
        raise NunatakError("figures: height_change_focus: the study has no focus; add focus: {crs, xlim, ylim}")
    crs = request.change.attrs["crs"]
    change, rates = _cut(request.change, request.rates, request.focus, crs)
    return map_layouts.height_change(
        look,
        title=f"{request.title}: height change in the focus ({_cells(change)})",
        changes=_spans(change, rates),
        crs=crs,
        ice_area=change["ice_area"].isel(time=0),
        transects=_on_map(request.transects, crs),
    )


def _cut(change, rates, focus, crs):
    """The cells whose centres lie in the focus."""
    to_map = pyproj.Transformer.from_crs(focus["crs"], crs, always_xy=True)
    (x0, x1), (y0, y1) = focus["xlim"], focus["ylim"]
    left, bottom, right, top = to_map.transform_bounds(x0, y0, x1, y1, densify_pts=21)
    x = np.flatnonzero((change.x.values >= left) & (change.x.values <= right))
    y = np.flatnonzero((change.y.values >= bottom) & (change.y.values <= top))
    if x.size < 2 or y.size < 2:
        raise NothingToDraw(
            "focus: holds fewer than 2 x 2 cells of the height change; widen it or move it to the region"
        )
    return change.isel(x=x, y=y), {lag: rate.isel(x=x, y=y) for lag, rate in rates.items()}


def _spans(change, rates):
    """The change over the first quarter and over the whole period."""
    years = change.decimal_year.values
    spans = [(years[0], years[1]), (years[0], years[-1])] if years.size > 2 else [(years[0], years[-1])]
    return [elevation.change_between(change, *span, rates=rates) for span in spans]


def _series(look, request, name):
    table = request.region_change
    finest = table[(table["resolution"] == table["resolution"].min()) & table["volume_change"].notna()]
    regions = {key: rows.reset_index(drop=True) for key, rows in finest.groupby("region", sort=False)}
    return profile_layouts.height_change_series(
        look,
        title=f"{request.title}: height change through time",
        regions=regions,
        source_note=f", correlated over {finest['correlation_range'].iloc[0] / 1000:g} km",
    )


def _bands(look, request, name):
    own = request.bands[request.bands["region"] == request.bands["region"].iloc[0]]
    return profile_layouts.change_by_elevation(look, title=f"{request.title}: height change by elevation", table=own)


def _surface(look, request, name):
    return map_layouts.surface(
        look, title=f"{request.title}: surface of ATL14", surface=request.surface, region=request.area.geometry
    )


def _transect(look, request, name):
    own = name.removeprefix("transect_")
    if own not in request.sections:
        raise NunatakError(f"figures: {name}: no such transect; there are: {', '.join(request.sections)}")
    change, section = request.change, request.sections[own]
    years = change.decimal_year.values
    dh = _around(elevation.change_between(change, years[0], years[-1], rates=request.rates), section)
    return profile_layouts.transect(
        look,
        title=f"{request.title}: transect {own.replace('_', ' ')}",
        section=section,
        dh=dh.dh,
        crs=change.attrs["crs"],
        ice_area=dh.ice_area,
        points=study_tracks.rates_on_section(request.point_rates, section),
    )


def _around(change, section):
    """The cells about a transect, with two fifths of its length to every side."""
    x, y = section["x"].values, section["y"].values
    room = 0.4 * max(np.ptp(x), np.ptp(y))
    columns = np.flatnonzero((change.x.values >= x.min() - room) & (change.x.values <= x.max() + room))
    rows = np.flatnonzero((change.y.values >= y.min() - room) & (change.y.values <= y.max() + room))
    return change.isel(x=columns, y=rows) if columns.size > 1 and rows.size > 1 else change


def _repeat_pair(look, request, name):
    pairs = widest_pair(request.pairs)
    crs = request.pairs.attrs.get("attributes", {}).get("crs") or request.area.natural_crs
    to_map = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    x, y = to_map.transform(pairs["longitude"].values, pairs["latitude"].values)
    first, last = int(pairs["cycle_first"].iloc[0]), int(pairs["cycle_second"].iloc[0])
    said = f"RGT {int(pairs['rgt'].iloc[0]):04d}, cycles {first:02d} and {last:02d}"
    return profile_layouts.repeat_pair(look, title=f"{request.title}: {said}", pairs=pairs, x=x, y=y, crs=crs)


def widest_pair(pairs):
    """The rows of the repeat pair with most segments; of several the one whose passes lie longest apart."""
    groups = pairs.groupby(["rgt", "cycle_first", "cycle_second"], observed=True)
    table = groups.agg(n=("dh", "size"), years=("years", "median"))
    key = table.sort_values(["n", "years"], ascending=False).index[0]
    return groups.get_group(key).reset_index(drop=True)


_FIGURES: dict[str, tuple] = {
    "extent": (_extent, None),
    "height_change_region": (_region, "change"),
    "height_change_focus": (_focus, "change"),
    "height_change_series": (_series, "region_change"),
    "change_by_elevation": (_bands, "bands"),
    "surface": (_surface, "surface"),
    "transect": (_transect, "sections"),
    "repeat_pair": (_repeat_pair, "pairs"),
    **study_tracks.FIGURES,
    **study_freeboard.FIGURES,
    **study_photons.FIGURES,
    **study_velocity.FIGURES,
}


def _on_map(transects, crs):
    """Transects as (x, y) on the map."""
    to_map = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    return {key: to_map.transform(*np.asarray(line["lonlat"], dtype=float).T) for key, line in transects.items()}


def _cells(change):
    return f"{change.attrs['resolution'] / 1000:g} km cells"
