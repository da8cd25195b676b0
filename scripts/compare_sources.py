"""Annual velocities of mosaics beside a study's own, and how much the two differ."""

from nunatak import granules
from nunatak.cubes import mosaics
from nunatak.files.rasters import georeference, write_netcdf
from nunatak.files.tables import read_table, write_csv
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import STUDY_REGION, read_outlines
from nunatak.products.itslive.ground import GROUND
from nunatak.results.reading import read_map
from nunatak.runtime import job, log, stamp
from nunatak.velocity import agreement
from nunatak.velocity.mosaic_years import annual_of_mosaics


def main(annual, ledgers, regions, out, *, study):
    """
    Write agreement.csv and agreement.nc.

    Parameters
    ----------
    annual : annual.nc of the study
    ledgers : what looking at the mosaics told, one per chunk
    regions : GeoJSON of the study's outlines
    out : mapping of table, map to a path
    """
    own, looked_at = read_map(annual), read_table(ledgers)
    about = stamp(study=study, source=own.attrs["nunatak_source"], inputs=[annual, *ledgers, regions]) | GROUND
    years = own["year"].values
    plan = mosaics.plan_mosaics(granules.ledger(looked_at), range(int(years[0]), int(years[-1]) + 1))
    found, _ = mosaics.read_mosaics(plan, read_outlines(regions)[STUDY_REGION])
    other = annual_of_mosaics(found.layers, found.roi, mosaics.on_grid(found), error_limit=None)
    other = agreement.at_places_of(other, own)
    table = agreement.agreement(own, other)
    units = {name: "m/yr" for name in table if name.startswith(("bias", "nmad"))}
    write_csv(table, out["table"], attributes=about, units=units | {"cells": "1"})
    write_netcdf(georeference(agreement.difference(own, other), Grid.of(own)), out["map"], about)
    mean = table.iloc[0]
    log.info("mean speed: bias %.1f, NMAD %.1f m/yr in %d cells", mean["bias_v"], mean["nmad_v"], mean["cells"])


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.annual,
            list(snakemake.input.ledgers),
            snakemake.input.regions,
            dict(snakemake.output.items()),
            study=snakemake.wildcards.study,
        )
