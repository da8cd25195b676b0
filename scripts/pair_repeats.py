"""Heights of two cycles on the same ground track, joined on segment_id."""

from pathlib import Path

import pandas as pd

from nunatak import elevation
from nunatak.elevation import filters
from nunatak.files.tables import joined_releases, read_table, write_csv, write_table
from nunatak.granules import datums
from nunatak.runtime import job, log, say, stamp
from nunatak.study.parts import typed
from nunatak.study.products import Atl06


def main(points, out, out_counts, *, segment_filter, max_across, study, version=None):
    """
    Write every pair of consecutive passes over a track, also where a cycle in between did not see it or lay beside it.

    Parameters
    ----------
    points : the chunks of ATL06
    segment_filter : which heights to use, a name of `elevation.filters`
    max_across : m across the track within which two passes see one place
    version : the study's; "any" says that releases are meant to be mixed
    """
    pairs, latest, counts, joins, said = [], [], [], [], []
    for cycle in by_cycle(points):
        table = datums.with_release(read_table(cycle))
        said.append(table.attrs["attributes"])
        kept = table[filters.PRESETS[segment_filter](table)]
        counts.append((len(table), len(kept)))
        if len(kept):
            found = [elevation.paired(earlier, kept, max_across=max_across) for earlier in latest]
            pairs += [part for part, _ in found]
            joins += [joined for _, joined in found]
            latest = [*not_seen_again(latest, kept, [joined for _, joined in found]), kept]
    if not pairs:
        n, n_kept = (sum(column) for column in zip(*counts, strict=True))
        seen = sum(count > 0 for _, count in counts)
        say(
            f"ATL06: no repeat pair: {n} segments, {n_kept} pass filter {segment_filter}, in {seen} cycles, and a pair "
            "needs two: widen the period or the region, or choose another filter"
        )
        none, joined_none = elevation.paired(table[:0], table[:0], max_across=max_across)
        pairs, joins = [none], [joined_none]
    joined = pd.concat(joins, ignore_index=True)
    tell(joined, max_across)
    settings = {"filter": segment_filter, "max_across": max_across}
    about = stamp(study=study, source=said[0]["nunatak_source"], inputs=points, parameters=settings)
    about |= joined_releases(said)
    noted = {**about, "max_across": f"{max_across:g} m", "version": version or "newest"}
    write_csv(joined, out_counts, attributes=noted, units={"median_dy": "m"})
    table = pd.concat([part for part in pairs if len(part)] or pairs[:1], ignore_index=True)
    write_table(table, out, attributes={**about, "crs": said[0]["crs"]}, units=pairs[0].attrs["units"], points=True)


def tell(joined, max_across):
    """Log what lay too far apart across the track or does not say where it lay, by pair of cycles."""
    for (first, second), rows in joined.groupby(["cycle_first", "cycle_second"]):
        for fault in elevation.faults_of_pairs(rows, f"{max_across:g} m"):
            log.warning("cycles %02d and %02d: %s", first, second, fault)


def not_seen_again(latest, kept, joins):
    """
    Keep those of the latest passes over tracks that the cycle after them did not see, or saw from beside.

    Parameters
    ----------
    latest : tables of passes, one for each cycle
    kept : the passes of the cycle after them
    joins : counts of `elevation.paired`, one for each of `latest`
    """
    tracks = ["rgt", "beam"]
    none = kept[tracks].drop_duplicates().assign(n_joined=0, n_beyond=0)
    sums = pd.concat([none, *joins]).groupby(tracks, observed=True)
    sums = sums[["n_joined", "n_beyond"]].sum()
    seen = sums.index[(sums["n_joined"] == 0) | (sums["n_beyond"] < sums["n_joined"])]
    waiting = [part[~pd.MultiIndex.from_frame(part[tracks]).isin(seen)] for part in latest]
    return [part for part in waiting if len(part)]


def by_cycle(points):
    """
    Return the chunks of each cycle, in the order of the cycles, so that one cycle and those before it are in memory.
    """
    chunks: dict[str, list] = {}
    for path in points:
        chunks.setdefault(Path(path).stem.partition("-")[0], []).append(path)
    return [chunks[cycle] for cycle in sorted(chunks)]


if __name__ == "__main__":
    with job(snakemake):
        settings = typed(Atl06, snakemake.params.settings)
        main(
            snakemake.input.points,
            snakemake.output.pairs,
            snakemake.output.counts,
            segment_filter=settings.filter,
            max_across=settings.max_across,
            version=settings.version,
            study=snakemake.wildcards.study,
        )
