"""Which ground tracks see the focus of a study, and the rows of the one that saw most of the change."""

import numpy as np
import pandas as pd

from nunatak import elevation
from nunatak.elevation import filters
from nunatak.files.tables import read_table, write_csv, write_table
from nunatak.geometry.outlines import altimetry_outline, focus_outline
from nunatak.products import corrections
from nunatak.runtime import job, log, stamp
from nunatak.study.parts import products_settings

NAMES = {
    "atl11": {"height": "h_corr", "beam": "pair", "along": "ref_pt"},
    "atl06": {"height": "h_li", "beam": "beam", "along": "segment_id"},
}


def main(heights, segments, regions, out_tracks, out_track, *, focus, settings, study):
    """
    Write every track and beam of the study, and along one of them the heights of ATL11 and ATL06.

    Parameters
    ----------
    heights, segments : chunks of ATL11 and of ATL06; either may be empty where the study lacks the product
    focus : the study's, None where it has none: then its region
    settings : its `atl06` and `atl11`
    """
    area = focus_outline(focus) if focus else altimetry_outline(regions)
    chunks = {name: paths for name, paths in (("atl11", heights), ("atl06", segments)) if paths}
    rows = {name: read_table(paths) for name, paths in chunks.items()}
    centre, found = area.geometry.centroid, []
    for name, table in rows.items():
        columns = {key: NAMES[name][key] for key in ("beam", "along")}
        part = elevation.tracks(table, inside=area, point=(centre.x, centre.y), **columns)
        found.append(part.rename(columns={columns["beam"]: "beam"}))
        found[-1].insert(0, "product", name)
    units = found[0].attrs["units"]
    table = pd.concat([part for part in found if len(part)] or found[:1], ignore_index=True)
    attributes = next(iter(rows.values())).attrs["attributes"]
    about = stamp(
        study=study,
        source=attributes["nunatak_source"],
        inputs=[*heights, *segments, regions],
        parameters={"focus": focus, "settings": settings},
    )
    log.info("%d tracks and beams", len(table))
    write_csv(table, out_tracks, attributes=about, units=units)
    track = chosen_track(rows, area, settings)
    write_table(
        track,
        out_track,
        units=track.attrs["units"],
        points=True,
        attributes={**about, **corrections.kept_from(attributes), "crs": attributes["crs"]},
    )


def chosen_track(rows, area, settings):
    """
    Return the rows in the area of the track and pair that saw most of the change, of ATL06 those where it has any.
    """
    good = {name: usable(name, table, settings[name]) for name, table in rows.items()}
    seen = "atl11" if len(rows.get("atl11", ())) else next(reversed(rows))
    rgts = rows["atl06"]["rgt"].unique() if len(rows.get("atl06", ())) else None
    chosen = elevation.most_changed(rows[seen][good[seen]], inside=area, rgts=rgts, **NAMES[seen])
    parts = []
    for name, table in rows.items():
        if chosen is None or not len(table):
            continue
        rgt, pair = chosen  # pt2 and gt2l: of both, the third sign is the pair
        own = (table["rgt"] == rgt).to_numpy() & table[NAMES[name]["beam"]].astype(str).str[2].eq(pair[2]).to_numpy()
        inside = own & area.contains(table["longitude"], table["latitude"])
        own = inside if inside.any() else own
        parts.append(elevation.along_track(table[own], name, good=good[name][own], **NAMES[name]))
    if not parts:
        name, table = next(iter(rows.items()))
        return elevation.along_track(table[:0], name, good=good[name][:0], **NAMES[name])
    joined = pd.concat(parts, ignore_index=True)
    joined.attrs["units"] = parts[0].attrs["units"]
    return joined


def usable(name, table, settings):
    """Return which rows of a product pass the study's filter: (n,) bool array."""
    if name == "atl11":
        return np.asarray(elevation.usable(table, quality=settings.filter == "standard"))
    return np.asarray(filters.keep(table, settings.filter))


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.atl11,
            snakemake.input.atl06,
            snakemake.input.regions,
            snakemake.output.tracks,
            snakemake.output.track,
            focus=snakemake.params.get("focus"),
            settings=products_settings(snakemake.params.settings),
            study=snakemake.wildcards.study,
        )
