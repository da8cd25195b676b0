"""Heights of two cycles on the same ground track, joined on segment_id."""

from itertools import pairwise

import pandas as pd

from nunatak import elevation
from nunatak.elevation import filters
from nunatak.runtime import NunatakError, job, stamp
from nunatak.tables import read_table, write_table


def main(points, out, *, filter, study):
    """
    Write every pair of consecutive cycles seen on a track.

    Parameters
    ----------
    points : the chunks of ATL06
    filter : which heights to use, a name of `elevation.filters`
    """
    table = read_table(points)
    kept = table[filters.PRESETS[filter](table)]
    cycles = {cycle: part for cycle, part in kept.groupby("cycle")}
    if len(cycles) < 2:
        raise NunatakError(
            f"ATL06: {len(table)} segments, {len(kept)} pass filter {filter}, in {len(cycles)} cycles; a repeat pair "
            "needs two: widen the period or the region, or choose another filter"
        )
    pairs = [elevation.repeat_pairs(cycles[first], cycles[second]) for first, second in pairwise(sorted(cycles))]
    about = stamp(study=study, source=table.attrs["attributes"]["nunatak_source"], inputs=points,
                  parameters={"filter": filter})  # fmt: skip
    crs = table.attrs["attributes"]["crs"]
    joined = pd.concat(pairs, ignore_index=True)
    write_table(joined, out, attributes={**about, "crs": crs}, units=pairs[0].attrs["units"], points=True)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.points,
            snakemake.output.pairs,
            filter=snakemake.params.filter,
            study=snakemake.wildcards.study,
        )
