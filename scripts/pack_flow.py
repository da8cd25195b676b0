"""Pack points, flowlines and gates of a study into one GeoPackage, for a GIS."""

import numpy as np
import pyogrio
import shapely

from nunatak.files.tables import read_csv, read_table
from nunatak.parameters.choices import read_choices
from nunatak.parameters.velocity import Gate
from nunatak.runtime import job, written

EPOCH = "2000-01-01T00:00:00.000Z"  # what the file says of its age, so that equal content has equal bytes


def main(series, flowline, gates, out, *, lines):
    """
    Write the layers points, flowlines and gates, in longitude and latitude, without those that have no row.

    Parameters
    ----------
    series, flowline, gates : series.parquet, flowline.parquet and gates.csv
    out : the GeoPackage
    lines : the study's gates, parameters.velocity.Gate by name, whose lines the rows of gates.csv are of
    """
    tables = {"points": read_table(series), "flowlines": read_table(flowline), "gates": read_csv(gates)}
    shapes = {name: shapely.LineString(gate.lonlat) for name, gate in lines.items()}
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": EPOCH})
    with written(out) as part:
        for name, table in tables.items():
            if not len(table):
                continue
            if name == "gates":
                geometry = np.array([shapes[gate] for gate in table["gate"]])
            else:
                geometry = shapely.points(table["longitude"], table["latitude"])
            write_layer(part, name, table, geometry, append=part.exists())


def write_layer(path, name, table, geometry, *, append):
    """Write one layer of a GeoPackage, its columns as they are."""
    columns = [plain(table[column]) for column in table]
    pyogrio.raw.write(
        str(path),
        shapely.to_wkb(geometry),
        columns,
        np.array(list(table), dtype=object),
        layer=name,
        driver="GPKG",
        geometry_type="LineString" if name == "gates" else "Point",
        crs="EPSG:4326",
        append=append,
    )


def plain(column):
    """Return the values of a column as the driver takes them: numbers, times in ms, or text."""
    if column.dtype.kind == "M":
        return column.to_numpy().astype("datetime64[ms]")
    if column.dtype.kind in "iuf":
        return column.to_numpy()
    return np.array([None if value is None or value != value else str(value) for value in column], dtype=object)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.series,
            snakemake.input.flowline,
            snakemake.input.gates,
            snakemake.output[0],
            lines={name: read_choices(Gate, line) for name, line in snakemake.params.gates.items()},
        )
