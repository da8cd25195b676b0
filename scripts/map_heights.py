"""Heights along all tracks of a study, thinned to cells, to be seen on a map."""

import numpy as np

from nunatak import elevation, photons
from nunatak.elevation import filters
from nunatak.files.tables import joined_releases, read_table, write_table
from nunatak.geometry.outlines import altimetry_outline, read_outlines
from nunatak.granules.products import product_row, products_with
from nunatak.products import corrections
from nunatak.runtime import job, log, stamp
from nunatak.study.parts import products_settings


def main(chunks, regions, out, *, settings, study, crs=None, floating=None):
    """
    Write the median height of every product in every cell that a track crosses.

    Parameters
    ----------
    chunks : mapping of product to the files of its heights
    settings : the study's `atl06` and `atl11`
    crs : of the cells; the region's natural one where not given
    floating : key of the study's outline whose ice floats; the heights there are counted, too
    """
    area = altimetry_outline(regions)
    crs = crs or area.natural_crs
    cells = elevation.map_cells(area, crs)
    shelf = read_outlines(regions)[floating] if floating else None
    parts, source, said, afloat = [], "unknown", [], {}
    for product, paths in chunks.items():
        for path in paths:
            table = photons.standard_names(read_table(path))
            source = table.attrs["attributes"]["nunatak_source"]
            said.append(table.attrs["attributes"])
            if shelf is not None:
                afloat[product] = afloat.get(product, 0) + int(corrections.where_floating(table, shelf).sum())
            if len(table):
                kept = table[usable(product, table, settings)]
                height = next(name for name in product_row(product).values if name in table)
                parts.append(elevation.thin_heights(kept, product, cells, height=height))
    table = elevation.join_cells(parts)
    for product, rows in table.groupby("product"):
        log.info("%s: %d heights in %d cells of %g m", product, rows["n"].sum(), len(rows), cells.dx)
    about = stamp(
        study=study,
        source=source,
        inputs=[regions, *(p for paths in chunks.values() for p in paths)],
        parameters={"settings": settings},
    )
    about |= corrections.kept_from(said[0] if said else {})
    about |= {f"n_floating_{product}": str(n) for product, n in afloat.items()}
    about |= {"crs": crs, "cell": f"{cells.dx:g} m", **joined_releases(said)}
    write_table(table, out, attributes=about, points=True)


def usable(product, table, settings):
    """Return which rows pass the study's filter, of fitted heights those of a good flag: (n,) bool array."""
    if product == "atl11":
        return np.asarray(elevation.usable(table, quality=settings["atl11"].filter == "standard"))
    if product == "atl06":
        return np.asarray(filters.keep(table, settings["atl06"].filter))
    return np.asarray(table["pflags"] == 0) if "pflags" in table else np.ones(len(table), dtype=bool)


if __name__ == "__main__":
    with job(snakemake):
        main(
            {name: snakemake.input[name] for name in products_with(land_ice=True)},
            snakemake.input.regions,
            snakemake.output.heights,
            settings=products_settings(snakemake.params.settings),
            study=snakemake.wildcards.study,
            crs=snakemake.params.get("crs"),
            floating=snakemake.params.floating,
        )
