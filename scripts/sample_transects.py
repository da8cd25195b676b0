"""Height change, and the surface where there is one, along each transect of a study."""

import xarray as xr

from nunatak import elevation
from nunatak.files.rasters import write_netcdf_groups
from nunatak.results import reading
from nunatak.runtime import job, stamp
from nunatak.study.lines import Transect
from nunatak.study.parts import typed


def main(change, surface, out, *, transects, study):
    """
    Write one group per transect: change since the first epoch and the surface, by time and distance.

    Parameters
    ----------
    change, surface : height_change.nc, and surface.nc or None
    transects : the study's, study.lines.Transect by name
    """
    layer, rates = reading.read_height_change(change)
    height = xr.load_dataset(surface, engine="h5netcdf") if surface else None
    lines = {
        name: elevation.transect(layer, transect.lonlat, surface=height, rates=rates, spacing=transect.step)
        for name, transect in transects.items()
    }
    source = layer.attrs["nunatak_source"]
    about = stamp(study=study, source=source, inputs=[change, *([surface] if surface else [])], parameters=transects)
    write_netcdf_groups(lines, out, about)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.change,
            snakemake.input.surface,
            snakemake.output.transects,
            transects={name: typed(Transect, line) for name, line in snakemake.params.transects.items()},
            study=snakemake.wildcards.study,
        )
