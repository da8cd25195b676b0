"""Assemble the stacked years of a study into a velocity cube, with the fate of every pair, and keep one to look at."""

from pathlib import Path

import pandas as pd

from nunatak.cubes import build, plans
from nunatak.files.rasters import georeference, write_netcdf
from nunatak.files.tables import read_table
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import read_outlines
from nunatak.parameters.choices import read_choices
from nunatak.parameters.velocity import CubeForm
from nunatak.products.itslive import ground
from nunatak.products.itslive.pairs import open_pair
from nunatak.runtime import job, log, stamp, written
from nunatak.velocity.cube import fates

SHOWN = ("v", "vx", "vy", "v_error", "chip_size_width", "chip_size_height", "interp_mask")


def main(plan, years, left_out, ledgers, regions, out, *, form, settings, study):
    """
    Write the cube, pairs.parquet and pair.nc.

    Parameters
    ----------
    plan : folder of the plan
    years : folders of the stacked years, in order
    left_out : granules the study did not want, by their names
    ledgers : what the fetches brought, one per chunk
    out : mapping of cube, pairs, pair to a path
    form : parameters.velocity.CubeForm, how the cube is kept
    settings : all that the study says of the product, for the record
    """
    every = Path(plan) / "pairs.parquet"
    whole = plans.read_share(every, read_outlines(regions))
    read = [read_table(Path(year) / "pairs.parquet") for year in years]
    settled = build.settled_pairs(whole, read)
    source = whole.pairs.attrs["attributes"]["nunatak_source"]
    about = stamp(study=study, source=source, inputs=[every, left_out, regions], parameters=settings)
    about |= ground.GROUND
    told = build.with_left_out(settled, never_read(left_out, ledgers))
    build.write_pairs(told, out["pairs"], about)
    log.info("%s", ", ".join(f"{count} {fate}" for fate, count in fates(told).items()))
    build.refuse_empty(told, out["cube"])
    with written(out["cube"]) as part:
        stacked = [build.stacked_year(rows, year, whole) for rows, year in zip(read, years, strict=True) if len(rows)]
        build.assemble(
            part,
            whole,
            stacked,
            settled,
            chunks=form.chunks,
            zarr_format=form.zarr_format,
            attributes=about,
        )
    write_netcdf(fullest_pair(settled), out["pair"], about)


def never_read(left_out, ledgers):
    """
    List what was found and not read: `file_name` and `why` of what was not wanted, and of what fetching did not bring.
    """
    unwanted, lost = read_table(left_out), read_table(ledgers).query("status != 'present'")
    why = lost["status"] + ": " + lost["reason"].fillna("")
    return pd.DataFrame(
        {
            "file_name": [*unwanted["file_name"], *(lost["granule_id"] + ".nc")],
            "why": [*unwanted["why"], *why],
        },
        dtype=object,
    )


def fullest_pair(pairs):
    """
    Return the granule that sees most of the region, with its fields as the file has them. Of equals it is the first.
    """
    best = pairs.loc[pairs["valid_cells"].where(pairs["fate"] == "used").idxmax()]
    granule = open_pair(best["path"])
    fields = granule[[name for name in SHOWN if name in granule]]
    fields.attrs = {
        "granule_id": best["granule_id"],
        "crs": granule.attrs["crs"],
        "date_dt": float(best["date_dt"]),
        "acquisition_date_img1": str(best["acquisition_date_img1"])[:10],
        "acquisition_date_img2": str(best["acquisition_date_img2"])[:10],
        "platform": best["platform"],
    }
    return georeference(fields, Grid.of(granule))


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.plan,
            list(snakemake.input.years),
            snakemake.input.left_out,
            list(snakemake.input.ledgers),
            snakemake.input.regions,
            dict(snakemake.output.items()),
            form=read_choices(CubeForm, snakemake.params.settings),
            settings=snakemake.params.settings,
            study=snakemake.wildcards.study,
        )
