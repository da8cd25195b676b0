"""Read the region's window of annual and static mosaics, and write it as a study's annual velocities."""

import numpy as np

from nunatak import granules
from nunatak.cubes import mosaics
from nunatak.files.rasters import georeference, write_netcdf
from nunatak.files.tables import read_table, write_table
from nunatak.geometry.outlines import STUDY_REGION, read_outlines
from nunatak.parameters.choices import read_choices
from nunatak.parameters.velocity import AnnualFit
from nunatak.products.itslive.ground import GROUND
from nunatak.runtime import job, log, stamp
from nunatak.velocity.cube import fates
from nunatak.velocity.mosaic_years import annual_of_mosaics


def main(ledgers, regions, out, *, fit, study, years):
    """
    Write annual.nc, pairs.parquet (a row for every mosaic) and pair.nc (the annual mosaic that sees most).

    Parameters
    ----------
    ledgers : what looking at the mosaics told, one per chunk
    regions : GeoJSON of the study's outlines
    out : mapping of annual, pairs, pair to a path
    fit : parameters.velocity.AnnualFit, whose error limit and years of the trend act
    years : (first, last) year of the study
    """
    looked_at = read_table(ledgers)
    source = looked_at.attrs["attributes"]["nunatak_source"]
    about = stamp(study=study, source=source, inputs=[*ledgers, regions], parameters=[fit, years]) | GROUND
    plan = mosaics.plan_mosaics(granules.ledger(looked_at), range(years[0], years[1] + 1))
    found, settled = mosaics.read_mosaics(plan, read_outlines(regions)[STUDY_REGION])
    write_table(settled, out["pairs"], attributes=about)
    log.info("%s", ", ".join(f"{count} {fate}" for fate, count in fates(settled).items()))
    used = settled[settled["fate"] == "used"]
    told = {
        "mosaic_versions": ", ".join(sorted(set(used["version"]))),
        "mosaic_regions": ", ".join(sorted(set(used["place"]))),
        "errors": mosaics.QUALITATIVE,
    }
    annual = annual_of_mosaics(
        found.layers,
        found.roi,
        mosaics.on_grid(found),
        years=years,
        v0_years=fit.v0_years,
        error_limit=fit.error_limit,
        attributes=told,
    )
    for name, values in found.static.items():
        annual[f"static_{name}"] = mosaics.static_field(found, name, values)
    write_netcdf(georeference(annual, found.grid), out["annual"], about)
    write_netcdf(georeference(mosaics.shown_mosaic(found), found.grid), out["pair"], about)
    seen = np.isfinite(annual["v0"].values).sum() / max(int(found.roi.sum()), 1)
    log.info("%d annual mosaics, %.0f %% of the region seen", len(found.layers), 100 * seen)


if __name__ == "__main__":
    with job(snakemake):
        main(
            list(snakemake.input.ledgers),
            snakemake.input.regions,
            dict(snakemake.output.items()),
            fit=read_choices(AnnualFit, snakemake.params.composite),
            study=snakemake.wildcards.study,
            years=snakemake.params.years,
        )
