"""Stack the image pairs of a study into a velocity cube, with the fate of every pair, and keep one pair to look at."""

from nunatak import cubes
from nunatak.grid import Grid
from nunatak.outlines import STUDY_REGION, read_outlines
from nunatak.products import itslive
from nunatak.rasters import georeference, write_netcdf
from nunatak.runtime import job, log, stamp
from nunatak.tables import read_table
from nunatak.velocity import selection_from
from nunatak.velocity.cube import fates

SHOWN = ("v", "vx", "vy", "v_error", "chip_size_width", "chip_size_height", "interp_mask")


def main(ledgers, regions, out, *, settings, study, threads=2, memory_mb=256):
    """
    Write the cube, pairs.parquet and pair.nc.

    Parameters
    ----------
    ledgers : what the fetches brought, one per year
    out : mapping of cube, pairs, pair to a path; an earlier cube there is kept where no new pair touches a year
    settings : the product's part of the study
    """
    fetched = read_table(ledgers)
    region = read_outlines(regions)[STUDY_REGION]
    paths = list(fetched.loc[fetched["status"] == "present", "path"])
    about = stamp(study=study, source=fetched.attrs["attributes"]["nunatak_source"], inputs=[*ledgers, regions],
                  parameters=settings)  # fmt: skip
    pairs = cubes.build_cube(
        paths, region, out["cube"], selection=selection_from(settings), crs=settings["crs"], cell=settings["cell"],
        pairs=out["pairs"], chunks=settings["chunks"], zarr_format=settings["zarr_format"], memory_mb=memory_mb,
        threads=threads, attributes=about,
    )  # fmt: skip
    write_netcdf(fullest_pair(pairs), out["pair"], about)
    log.info("%s", ", ".join(f"{count} {fate}" for fate, count in fates(pairs).items()))


def fullest_pair(pairs):
    """The granule that sees most of the region, its fields as the file has them; of equals the first."""
    best = pairs.loc[pairs["valid_cells"].where(pairs["fate"] == "used").idxmax()]
    granule = itslive.open_pair(best["path"])
    fields = granule[[name for name in SHOWN if name in granule]]
    fields.attrs = {
        "granule_id": best["granule_id"], "crs": granule.attrs["crs"], "date_dt": float(best["date_dt"]),
        "acquisition_date_img1": str(best["acquisition_date_img1"])[:10],
        "acquisition_date_img2": str(best["acquisition_date_img2"])[:10], "platform": best["platform"],
    }  # fmt: skip
    return georeference(fields, Grid.from_centres(granule.attrs["crs"], granule["x"].values, granule["y"].values))


if __name__ == "__main__":
    with job(snakemake):
        main(
            list(snakemake.input.ledgers),
            snakemake.input.regions,
            dict(snakemake.output.items()),
            settings=snakemake.params.product,
            study=snakemake.wildcards.study,
            threads=snakemake.threads,
        )
