"""Join the heights fitted from photons with those of ATL06, segment by segment."""

import pandas as pd

from nunatak import photons
from nunatak.runtime import job, log, stamp
from nunatak.tables import read_table, write_table

_NEEDED = ["rgt", "cycle", "beam", "segment_id", "x_atc", "h_li", "h_li_sigma", "atl06_quality_summary"]


def main(heights, segments, out, *, study):
    """
    Write the segments that both have, with the difference and the slope.

    Parameters
    ----------
    heights : files of fitted heights, one per chunk
    segments : files of ATL06 points; its good segments (atl06_quality_summary 0) enter
    """
    atl06 = read_table(segments, columns=_NEEDED)
    atl06 = atl06[atl06["atl06_quality_summary"] == 0]
    tables = [photons.standard_names(read_table(path)) for path in heights]
    parts = [photons.against_atl06(table, atl06) for table in tables]
    full = [part for part in parts if len(part)] or parts[:1]
    table = pd.concat(full, ignore_index=True)
    log.info("%d segments in both; %s", len(table), photons.by_slope(table["slope"], table["difference"]).to_dict())
    about = stamp(study=study, source=tables[0].attrs["attributes"]["nunatak_source"], inputs=[*heights, *segments])
    write_table(table, out, attributes=about, units=parts[0].attrs["units"], points=True)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.heights,
            snakemake.input.segments,
            snakemake.output.table,
            study=snakemake.wildcards.study,
        )
