"""Height differences where tracks cross: ATL11 with the tracks that cross it, ATL06 with ATL06."""

import pandas as pd

from nunatak import elevation
from nunatak.elevation import filters
from nunatak.files.tables import joined_releases, read_table, write_table
from nunatak.geometry.outlines import altimetry_outline, read_outlines
from nunatak.granules import datums
from nunatak.products import atl11_crossings, corrections
from nunatak.reading.granules import ledger_paths
from nunatak.runtime import job, log, stamp
from nunatak.study.parts import products_settings, typed
from nunatak.study.period import Period
from nunatak.study.products import Atl11


def main(ledger, heights, segments, regions, out, *, settings, period: Period, study, endpoints=None):
    """
    Write every crossover, with the product it comes from.

    Parameters
    ----------
    ledger : what reading the ATL11 granules found; those with points are opened again for their crossings
    heights, segments : chunks of ATL11 and of ATL06; either may be empty where the study lacks the product
    settings : the study's `atl06` and `atl11`
    endpoints : addresses of the services, for granules that stay where they are
    """
    found, attributes, said = {}, None, []
    if heights:
        points = datums.with_release(read_table(heights))
        attributes = points.attrs["attributes"]
        said.append(attributes)
        crossings = read_crossings(ledger_paths(read_table(ledger), endpoints), regions, period)
        crossings = as_points(crossings, points, settings["atl11"], regions)
        found["atl11"] = of_points(points, crossings, best=settings["atl11"].filter == "standard")
    if segments:
        lines = datums.with_release(read_table(segments))
        attributes = attributes or lines.attrs["attributes"]
        said.append(lines.attrs["attributes"])
        found["atl06"] = of_segments(lines, settings["atl06"].filter)
    parts = [table.assign(product=product) for product, table in found.items()]
    table = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    log.info("crossovers: %s", ", ".join(f"{len(part)} of {name}" for name, part in found.items()))
    about = stamp(
        study=study,
        source=attributes["nunatak_source"],
        inputs=[*ledger, *heights, *segments, regions],
        parameters={"settings": settings, "period": period},
    )
    units = next(iter(found.values())).attrs["units"]
    about |= {"crs": attributes["crs"], **joined_releases(said)}
    about |= {f"version_{product}": settings[product].version or "newest" for product in found}
    write_table(table, out, attributes=about, units=units, points=True)


def of_points(points, crossings, *, best):
    """
    Find crossovers of ATL11: with the tracks its granules name, or among the study's own tracks where they name none.
    """
    good = points[elevation.usable(points, quality=best)]
    if best:
        crossings = crossings[crossings["atl06_quality_summary"] == 0]
    log.info("%d heights of crossing tracks", len(crossings))
    if len(crossings):
        return elevation.reference_crossovers(good, crossings)
    # releases without crossing_track_data
    return elevation.crossovers(good, height="h_corr", beam="pair", along="ref_pt", correlation=0.0, max_gap=200.0)


def as_points(crossings, points, settings: Atl11, regions):
    """Return heights of crossing tracks, corrected as those of the reference points are."""
    shelf = read_outlines(regions)[settings.floating] if settings.floating else None
    if settings.datum == "EGM08":
        keys = ["rgt", "pair", "ref_pt"]
        geoid = points[[*keys, "geoid_h"]].drop_duplicates(keys)
        crossings = crossings.astype({"pair": str}).merge(geoid.astype({"pair": str}), on=keys)
    floats = corrections.where_floating(crossings, shelf)
    return corrections.corrected(crossings, "h_corr", floating=floats, datum=settings.datum)[0]


def of_segments(segments, preset):
    """Find crossovers of ATL06 among the study's own tracks."""
    kept = segments[filters.keep(segments, preset)]
    return elevation.crossovers(kept)


def read_crossings(paths, regions, period):
    """Read the crossings of all granules in the region and the period."""
    region = altimetry_outline(regions)
    tables = [atl11_crossings.read_crossings(path, region=region, period=period)[0] for path in sorted(paths)]
    return pd.concat([table for table in tables if len(table)] or [atl11_crossings.no_crossings()], ignore_index=True)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.ledger,
            snakemake.input.atl11,
            snakemake.input.atl06,
            snakemake.input.regions,
            snakemake.output.crossovers,
            settings=products_settings(snakemake.params.settings),
            period=typed(Period, snakemake.params.period),
            study=snakemake.wildcards.study,
            endpoints=snakemake.params.endpoints,
        )
