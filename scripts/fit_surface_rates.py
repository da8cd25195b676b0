"""Rates of height change around regular centres, from ATL06 segments of any tracks."""

import pyproj

from nunatak import elevation
from nunatak.elevation import filters
from nunatak.files.tables import joined_releases, read_table, write_table
from nunatak.granules import datums
from nunatak.parameters.choices import read_choices
from nunatak.parameters.tracks import SurfaceFit
from nunatak.runtime import job, log, stamp


def main(points, out, *, settings, segment_filter, study, version=None):
    """
    Write surface_rates.parquet.

    Parameters
    ----------
    points : chunks of ATL06
    settings : parameters.tracks.SurfaceFit
    segment_filter : which heights to use, a name of `elevation.filters`
    version : the study's; "any" says that releases are meant to be mixed
    """
    table = datums.with_release(read_table(points))
    attributes = table.attrs["attributes"]
    heights = table[filters.keep(table, segment_filter)]
    rates = elevation.surface_rates(heights, options=settings)
    log.info("%d of %d heights are used, around %d centres with a rate", len(heights), len(table), len(rates))
    to_degrees = pyproj.Transformer.from_crs(attributes["crs"], "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform(rates["x"].to_numpy(), rates["y"].to_numpy())
    units = {**rates.attrs["units"], "longitude": "degrees_east", "latitude": "degrees_north"}
    about = stamp(
        study=study,
        source=attributes["nunatak_source"],
        inputs=points,
        parameters={"settings": settings, "filter": segment_filter},
    )
    about |= {"crs": attributes["crs"], **joined_releases([attributes]), "version_atl06": version or "newest"}
    write_table(rates.assign(longitude=longitude, latitude=latitude), out, attributes=about, units=units, points=True)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.points,
            snakemake.output.rates,
            settings=read_choices(SurfaceFit, snakemake.params.settings),
            segment_filter=snakemake.params.segment_filter,
            version=snakemake.params.version,
            study=snakemake.wildcards.study,
        )
