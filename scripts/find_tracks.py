"""Which ground tracks see the focus of a study, and the rows of the one that saw most of the change."""

import pandas as pd

from nunatak import elevation
from nunatak.elevation import filters
from nunatak.outlines import altimetry_outline, focus_outline
from nunatak.runtime import job, log, stamp
from nunatak.tables import read_table, write_csv, write_table


def main(heights, segments, regions, out_tracks, out_track, *, focus, settings, study):
    """
    Write every track and pair of the study, and along one of them the heights of ATL11 and ATL06.

    Parameters
    ----------
    heights, segments : chunks of ATL11 and, where the study has them, of ATL06
    focus : the study's, None where it has none: then its region
    settings : its `atl11` and `atl06`
    """
    area = focus_outline(focus) if focus else altimetry_outline(regions)
    points, lines = read_table(heights), read_table(segments) if segments else None
    centre = area.geometry.centroid
    asked = {"inside": area, "point": (centre.x, centre.y)}
    found = [elevation.tracks(points, beam="pair", along="ref_pt", **asked).rename(columns={"pair": "beam"})]
    found[0].insert(0, "product", "atl11")
    if lines is not None and len(lines):
        found.append(elevation.tracks(lines, **asked))
        found[1].insert(0, "product", "atl06")
    table = pd.concat(found, ignore_index=True)
    attributes = points.attrs["attributes"]
    about = stamp(study=study, source=attributes["nunatak_source"], inputs=[*heights, *segments, regions],
                  parameters={"focus": focus, "settings": settings})  # fmt: skip
    log.info("%d tracks and beams", len(table))
    write_csv(table, out_tracks, attributes=about, units=found[0].attrs["units"])
    track = chosen_track(points, lines, area, settings)
    units = track.attrs["units"]
    write_table(track, out_track, attributes={**about, "crs": attributes["crs"]}, units=units, points=True)


def chosen_track(points, lines, area, settings):
    """The rows in the area of the track and pair that saw most of the change; of those of ATL06 where it has any."""
    good = elevation.usable(points, quality=settings["atl11"]["filter"] == "standard")
    rgts = None if lines is None or not len(lines) else lines["rgt"].unique()
    chosen = elevation.most_changed(points[good], inside=area, rgts=rgts)
    parts = []
    for product, table, kept, names in (
        ("atl11", points, good, {"height": "h_corr", "beam": "pair", "along": "ref_pt"}),
        ("atl06", lines, None, {"height": "h_li", "beam": "beam", "along": "segment_id"}),
    ):
        if table is None or not len(table) or chosen is None:
            continue
        kept = filters.keep(table, settings["atl06"]["filter"]) if kept is None else kept
        rgt, pair = chosen
        own = (table["rgt"] == rgt).to_numpy() & table[names["beam"]].astype(str).str[2].eq(pair[2]).to_numpy()
        inside = own & area.contains(table["longitude"], table["latitude"])
        own = inside if inside.any() else own
        parts.append(elevation.along_track(table[own], product, good=kept[own], **names))
    if not parts:
        return elevation.along_track(points, "atl11", good=good, height="h_corr", beam="pair", along="ref_pt")
    joined = pd.concat(parts, ignore_index=True)
    joined.attrs["units"] = parts[0].attrs["units"]
    return joined


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.heights,
            snakemake.input.segments,
            snakemake.input.regions,
            snakemake.output.tracks,
            snakemake.output.track,
            focus=snakemake.params.get("focus"),
            settings=snakemake.params.products,
            study=snakemake.wildcards.study,
        )
