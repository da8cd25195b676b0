"""Heights of two cycles on the same ground track, joined on segment_id."""

from pathlib import Path

import pandas as pd

from nunatak import elevation
from nunatak.elevation import filters
from nunatak.runtime import NunatakError, job, stamp
from nunatak.tables import read_table, write_table


def main(points, out, *, filter, study):
    """
    Write every pair of consecutive passes over a track, also where a cycle in between did not see it.

    Parameters
    ----------
    points : the chunks of ATL06
    filter : which heights to use, a name of `elevation.filters`
    """
    pairs, latest, counts, said = [], [], [], None
    for cycle in by_cycle(points):
        table = read_table(cycle)
        said = said or table.attrs["attributes"]
        kept = table[filters.PRESETS[filter](table)]
        counts.append((len(table), len(kept)))
        if len(kept):
            pairs += [elevation.repeat_pairs(earlier, kept) for earlier in latest]
            latest = [*not_seen_again(latest, kept), kept]
    if not pairs:
        n, n_kept = (sum(column) for column in zip(*counts, strict=True))
        seen = sum(count > 0 for _, count in counts)
        raise NunatakError(
            f"ATL06: {n} segments, {n_kept} pass filter {filter}, in {seen} cycles; a repeat pair needs two: "
            "widen the period or the region, or choose another filter"
        )
    about = stamp(study=study, source=said["nunatak_source"], inputs=points, parameters={"filter": filter})
    joined = pd.concat([part for part in pairs if len(part)] or pairs[:1], ignore_index=True)
    write_table(joined, out, attributes={**about, "crs": said["crs"]}, units=pairs[0].attrs["units"], points=True)


def not_seen_again(latest, kept):
    """Of the latest passes, a table for each cycle, those over tracks that the cycle after them did not see."""
    tracks = ["rgt", "beam"]
    seen = pd.MultiIndex.from_frame(kept[tracks].drop_duplicates())
    waiting = [part[~pd.MultiIndex.from_frame(part[tracks]).isin(seen)] for part in latest]
    return [part for part in waiting if len(part)]


def by_cycle(points):
    """The chunks of each cycle, in the order of the cycles: one and the passes before it are held, not the study."""
    chunks: dict[str, list] = {}
    for path in points:
        chunks.setdefault(Path(path).stem.partition("-")[0], []).append(path)
    return [chunks[cycle] for cycle in sorted(chunks)]


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.points,
            snakemake.output.pairs,
            filter=snakemake.params.filter,
            study=snakemake.wildcards.study,
        )
