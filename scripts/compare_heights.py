"""Join the heights fitted from photons with those of ATL06 or ATL11, at the same places."""

import pandas as pd

from nunatak import photons
from nunatak.files.tables import joined_releases, read_table, write_table
from nunatak.granules import datums
from nunatak.products import corrections
from nunatak.runtime import job, log, stamp

# product: columns that are read of it, the flag whose 0 is good, how it is joined
_ATL06 = ["rgt", "cycle", "beam", "segment_id", "x_atc", "h_li", "h_li_sigma", "atl06_quality_summary"]
_ATL11 = [
    "rgt",
    "cycle",
    "pair",
    "ref_pt",
    "time",
    "latitude",
    "longitude",
    "x_atc",
    "y_atc",
    "h_corr",
    "h_corr_sigma",
    "quality_summary",
]
OTHERS = {
    "atl06": (_ATL06, "atl06_quality_summary", photons.against_atl06),
    "atl11": (_ATL11, "quality_summary", photons.against_atl11),
}


def main(heights, points, out, *, other, study, versions=()):
    """
    Write the places that both have, with the difference and the slope.

    Parameters
    ----------
    heights : files of fitted heights, one per chunk
    points : files of the other product's points; only its good ones enter, of the tracks and cycles that were fitted
    other : atl06 or atl11
    versions : the study's of both products; "any" says that releases are meant to be mixed
    """
    columns, flag, join = OTHERS[other]
    parts, fitted = [], []
    for path in heights:
        table = photons.standard_names(read_table(path))
        seen = [(name, "in", table[name].unique().tolist()) for name in ("rgt", "cycle")] if len(table) else None
        rows = read_table(points, columns=columns, filters=seen)
        parts.append(join(table, rows[rows[flag] == 0]))
        fitted.append(table.attrs["attributes"])
    full = [part for part in parts if len(part)] or parts[:1]
    joined = pd.concat(full, ignore_index=True)
    found = photons.differences_by_slope(joined["slope"], joined["difference"])
    log.info("%s: %d places in both\n%s", other, len(joined), found.to_string(index=False))
    about = stamp(study=study, source=fitted[-1]["nunatak_source"], inputs=[*heights, *points])
    both = {"atl06sr": joined_releases(fitted), other: joined_releases([rows.attrs["attributes"]])}
    about |= joined_releases(both.values()) | datums.compared(both, versions) | corrections.kept_from(fitted[-1])
    write_table(joined, out, attributes=about, units=parts[0].attrs["units"], points=True)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.heights,
            snakemake.input.points,
            snakemake.output.table,
            other=snakemake.wildcards.other,
            versions=snakemake.params.versions,
            study=snakemake.wildcards.study,
        )
