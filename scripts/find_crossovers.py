"""Height differences where tracks cross: ATL11 with the tracks that cross it, ATL06 with ATL06."""

import pandas as pd

from nunatak import elevation
from nunatak.archives.in_place import openable
from nunatak.elevation import filters
from nunatak.outlines import altimetry_outline
from nunatak.products import atl11
from nunatak.runtime import job, log, stamp
from nunatak.study.period import Period
from nunatak.tables import read_table, write_table


def main(ledger, heights, segments, regions, out, *, settings, period, study, endpoints=None):
    """
    Write every crossover, with the product it comes from.

    Parameters
    ----------
    ledger : what reading the ATL11 granules found; those with points are opened again for their crossings
    heights, segments : chunks of ATL11 and, where the study has them, of ATL06
    settings : the study's `atl11` and `atl06`
    endpoints : addresses of the services, for granules that stay where they are
    """
    points = read_table(heights)
    attributes = points.attrs["attributes"]
    best = settings["atl11"]["filter"] == "standard"
    good = points[elevation.usable(points, quality=best)]
    read = read_table(ledger)
    paths = [openable(path, endpoints) for path in read[read["status"] == "present"]["path"]]
    crossings = read_crossings(paths, regions, period)
    if best:
        crossings = crossings[crossings["atl06_quality_summary"] == 0]
    log.info("%d heights of crossing tracks", len(crossings))
    found = {"atl11": elevation.reference_crossovers(good, crossings)}
    if not len(crossings):  # releases without crossing_track_data: the tracks of the study among themselves
        shared = good.assign(sigma_systematic=good["h_corr_sigma_systematic"])
        found["atl11"] = elevation.crossovers(
            shared, height="h_corr", beam="pair", along="ref_pt", correlation=0.0, max_gap=200.0
        )
    if segments:
        lines = read_table(segments)
        kept = lines[filters.keep(lines, settings["atl06"]["filter"])]
        found["atl06"] = elevation.crossovers(kept.assign(sigma_systematic=kept["sigma_geo_h"]))
    parts = [table.assign(product=product) for product, table in found.items()]
    table = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    log.info("crossovers: %s", ", ".join(f"{len(part)} of {name}" for name, part in found.items()))
    about = stamp(study=study, source=attributes["nunatak_source"], inputs=[*ledger, *heights, *segments, regions],
                  parameters={"settings": settings, "period": period})  # fmt: skip
    units = found["atl11"].attrs["units"]
    write_table(table, out, attributes={**about, "crs": attributes["crs"]}, units=units, points=True)


def read_crossings(paths, regions, period):
    """The crossings of all granules in the region and the period."""
    region, period = altimetry_outline(regions), Period.model_validate(period)
    tables = [atl11.read_crossings(path, region=region, period=period)[0] for path in sorted(paths)]
    return pd.concat([table for table in tables if len(table)] or [atl11.no_crossings()], ignore_index=True)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.ledger,
            snakemake.input.heights,
            snakemake.input.segments,
            snakemake.input.regions,
            snakemake.output.crossovers,
            settings=snakemake.params.products,
            period=snakemake.params.period,
            study=snakemake.wildcards.study,
            endpoints=snakemake.params.endpoints,
        )
