"""The figures of a study's tracks by name, from its results in memory."""

from __future__ import annotations

import numpy as np
import pyproj
import shapely

from nunatak import elevation
from nunatak.figures import track_maps, track_profiles
from nunatak.figures.layouts import NothingToDraw
from nunatak.figures.subject import cut_to_focus, ice_at_first, map_crs
from nunatak.times import decimal_year


def tracks(look, subject, data):
    dh, ice, crs = _background(subject, data)
    rates, lines = data["rates"], []
    for row in data["tracks"][data["tracks"]["product"] == "atl11"].itertuples():
        own = rates[(rates["rgt"] == row.rgt) & (rates["pair"].astype(str) == row.beam)]
        if len(own):
            lines.append((f"{row.rgt:04d}" if row.beam == "pt2" else "", row.direction, *_on(crs, own)))
    if not lines:
        raise NothingToDraw(f"figures: {subject.name}: no track crosses the focus; leave it out of figures.names")
    target = None
    if subject.focus:
        middle = [sum(subject.focus[key]) / 2 for key in ("xlim", "ylim")]
        target = pyproj.Transformer.from_crs(subject.focus["crs"], crs, always_xy=True).transform(*middle)
    return track_maps.tracks(
        look, title=f"{subject.title}: tracks over the focus", dh=dh, crs=crs, ice_area=ice, lines=lines, target=target
    )


def atl11_track(look, subject, data):
    dh, ice, crs = _background(subject, data)
    points = _part(subject, data, "atl11")
    moved = points.assign(**dict(zip("xy", _on(crs, points), strict=True)))
    first, last = _epochs(dh, points)
    x, y, change, left_out = track_profiles.change_between_cycles(moved, first, last, limits=subject.limits)
    if not x.size:
        sound = ", or the change of each has a flag" if left_out else ""
        raise NothingToDraw(
            f"figures: {subject.name}: no point was seen in three cycles{sound}; leave it out of figures.names"
        )
    return track_maps.track_over_change(
        look,
        title=f"{subject.title}: ATL11, {_called(points)}",
        dh=dh,
        crs=crs,
        ice_area=ice,
        x=x,
        y=y,
        value=change,
        left_out=left_out,
        what=f"Reference points of ATL11, {_called(points)},",
    )


def atl06_track(look, subject, data):
    dh, ice, crs = _background(subject, data)
    segments = _first_cycle(_part(subject, data, "atl06"))
    x, y = _on(crs, segments)
    return track_maps.track_over_change(
        look,
        title=f"{subject.title}: ATL06, {_called(segments)}",
        dh=dh,
        crs=crs,
        ice_area=ice,
        x=x,
        y=y,
        good=segments["good"].to_numpy(bool),
        what=f"Segments of ATL06, {_called(segments)},",
    )


def heights(look, subject, data):
    known, crs = data["heights"], map_crs(data)
    ice = ice_at_first(data)
    parts = {product: (*_on(crs, rows), rows) for product, rows in known.groupby("product", sort=False)}
    return track_maps.heights(look, title=f"{subject.title}: heights along tracks", parts=parts, crs=crs, ice_area=ice)


def atl06_profile(look, subject, data):
    segments = _part(subject, data, "atl06")
    good = segments[segments["good"]]
    if not len(good):
        raise NothingToDraw(f"figures: {subject.name}: no height passes the filter; leave it out of figures.names")
    one = segments[segments["beam"] == good["beam"].value_counts().index[0]]
    return track_profiles.atl06_profile(look, title=f"{subject.title}: ATL06, {_called(one)}", segments=one)


def atl11_profile(look, subject, data):
    points = _part(subject, data, "atl11")
    if not points["good"].any():
        raise NothingToDraw(
            f"figures: {subject.name}: no height of best quality on the track; leave it out of figures.names"
        )
    return track_profiles.atl11_profile(look, title=f"{subject.title}: ATL11, {_called(points)}", points=points)


def against(look, subject, data):
    filtered = not subject.name.endswith("_unfiltered")
    segments, points = _part(subject, data, "atl06"), _part(subject, data, "atl11")
    shared = sorted(set(segments["cycle"]) & set(points[points["good"]]["cycle"]))
    if not shared:
        raise NothingToDraw(f"figures: {subject.name}: ATL06 and ATL11 share no cycle; leave it out of figures.names")
    segments = segments[(segments["cycle"] == shared[0]) & segments["h"].notna()]
    segments = segments[segments["good"]] if filtered else segments
    points = points[(points["cycle"] == shared[0]) & points["good"]]
    how = "filtered" if filtered else "unfiltered"
    return track_profiles.atl06_against_atl11(
        look,
        title=f"{subject.title}: ATL06 ({how}) and ATL11, {_called(segments)}",
        segments=segments,
        points=points,
        filtered=filtered,
    )


def dhdt_points(look, subject, data):
    crs = map_crs(data)
    known = elevation.good_rates(data["rates"])
    every = data["rates"][np.isfinite(data["rates"]["dhdt"])]
    if not len(every):
        raise NothingToDraw(f"figures: {subject.name}: no point has a rate; leave it out of figures.names")
    x, y = _on(crs, known)
    ice = ice_at_first(data)
    return track_maps.dhdt_points(
        look,
        title=f"{subject.title}: rates of ATL11 reference points",
        x=x,
        y=y,
        dhdt=known["dhdt"].to_numpy(),
        crs=crs,
        ice_area=ice,
        span=_span(every),
        flagged=_on(crs, every.drop(known.index)),
    )


def dhdt_centres(look, subject, data):
    known, crs = data["surface_rates"], map_crs(data)
    if not len(known):
        raise NothingToDraw(f"figures: {subject.name}: no centre has a rate; leave it out of figures.names")
    x, y = _on(crs, known)
    return track_maps.dhdt_points(
        look,
        title=f"{subject.title}: rates around regular centres",
        x=x,
        y=y,
        dhdt=known["dhdt"].to_numpy(),
        crs=crs,
        ice_area=ice_at_first(data),
        how=("regular centres", "a surface and a line in time fitted to the ATL06 segments around each"),
    )


def dhdt_map(look, subject, data):
    mapped, (change, rates) = data["rates_map"], data["change"]
    x, y = (np.intersect1d(mapped[axis].values, change[axis].values) for axis in "xy")
    if x.size < 2 or y.size < 2:
        raise NothingToDraw(
            f"figures: {subject.name}: the grids of ATL11 and ATL15 do not meet; leave it out of figures.names"
        )
    y = y[::-1]
    years = change.decimal_year.values
    whole = elevation.change_between(change, years[0], years[-1], rates=rates)
    gridded = whole["dhdt"].sel(x=x, y=y).assign_attrs(crs=change.attrs["crs"])
    ours = mapped["dhdt"].sel(x=x, y=y).where(gridded.notnull()).assign_attrs(crs=change.attrs["crs"])
    known = elevation.good_rates(data["rates"])
    px, py = _on(change.attrs["crs"], known)
    difference = elevation.against_grid(known.assign(x=px, y=py), whole.x.values, whole.y.values, whole["dhdt"].values)
    return track_maps.dhdt_map(
        look,
        title=f"{subject.title}: rates of ATL11 and of ATL15",
        mapped=ours,
        gridded=gridded,
        difference=difference,
        crs=change.attrs["crs"],
        ice_area=change["ice_area"].isel(time=0).sel(x=x, y=y),
        span=_span(known),
    )


def crossovers(look, subject, data):
    table = data["crossovers"]
    crs = map_crs(data)
    x, y = _on(crs, table)
    ice = ice_at_first(data)
    return track_profiles.crossovers(
        look, title=f"{subject.title}: crossovers", table=table, x=x, y=y, crs=crs, ice_area=ice
    )


def rates_on_section(rates, section, *, reach=300.0):
    """
    Return the change over the time of a transect by rates beside it, one for each track and pair.

    Only rates without a flag that rest on at least half of that time count.

    Parameters
    ----------
    rates : DataFrame of rates of points, or None
    section : Dataset (time, distance) with longitude, latitude
    reach : m from the line within which points count

    Returns
    -------
    DataFrame with distance (m), change, change_sigma (m), or None without rates
    """
    if rates is None:
        return None
    longitude, latitude = section["longitude"].values, section["latitude"].values
    middle = len(longitude) // 2
    local = pyproj.CRS(f"+proj=aeqd +lat_0={latitude[middle]} +lon_0={longitude[middle]} +datum=WGS84")
    to_map = pyproj.Transformer.from_crs("EPSG:4326", local, always_xy=True)
    line = shapely.LineString(np.column_stack(to_map.transform(longitude, latitude)))
    known = elevation.good_rates(rates)
    years = decimal_year(section["time"].values)
    span = float(years[-1] - years[0])
    known = known[known["last_year"] - known["first_year"] >= 0.5 * span]
    points = shapely.points(*to_map.transform(known["longitude"].to_numpy(), known["latitude"].to_numpy()))
    near = shapely.distance(points, line) <= reach
    found = known[near].assign(distance=shapely.line_locate_point(line, points[near]))
    found["change"] = found["dhdt"] * span
    found["change_sigma"] = np.hypot(found["dhdt_sigma"], found["dhdt_sigma_systematic"]) * span
    columns = ["distance", "change", "change_sigma"]
    return found.groupby(["rgt", "pair"], observed=True)[columns].median().reset_index()


def _background(subject, data):
    """
    Return the change over the period in the focus (else all of it), the ice and the map's system.

    Without ATL15 it is the system alone.
    """
    if "change" not in data:
        return None, None, map_crs(data)
    change, rates = data["change"]
    if subject.focus:
        change, rates = cut_to_focus(change, rates, subject.focus)
    years = change.decimal_year.values
    span = elevation.change_between(change, years[0], years[-1], rates=rates)
    dh = span["dh"].assign_attrs(span.attrs, crs=change.attrs["crs"])
    return dh, change["ice_area"].isel(time=0), change.attrs["crs"]


def _epochs(dh, points):
    """Return the epochs of the change on the map, else the first and the last height of the track."""
    if dh is not None:
        return tuple(np.datetime64(dh.attrs[key], "ns") for key in ("since", "until"))
    return points["time"].min().to_datetime64(), points["time"].max().to_datetime64()


def _on(crs, table):
    """Project a table's longitudes and latitudes to x and y on a map."""
    to_map = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    return to_map.transform(table["longitude"].to_numpy(), table["latitude"].to_numpy())


def _part(subject, data, product):
    part = data["track"][data["track"]["product"] == product]
    if not len(part):
        raise NothingToDraw(
            f"figures: {subject.name}: no {product.upper()} on the track; leave it out of figures.names"
        )
    return part


def _first_cycle(table):
    return table[table["cycle"] == table["cycle"].min()]


def _called(table):
    """Return the track in words."""
    beams, cycles = ", ".join(sorted(table["beam"].unique())), np.unique(table["cycle"])
    said = f"cycle {cycles[0]:02d}" if cycles.size == 1 else f"cycles {cycles[0]:02d} to {cycles[-1]:02d}"
    return f"RGT {int(table['rgt'].iloc[0]):04d}, {beams}, {said}"


def _span(rates):
    return f"{rates['first_year'].min():.1f} to {rates['last_year'].max():.1f}"
