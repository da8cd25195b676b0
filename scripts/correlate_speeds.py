"""Lag and correlation between speed and height change, by region and along flowlines."""

import numpy as np
import pandas as pd

from nunatak.dynamics.along import thinned
from nunatak.dynamics.lag import lags_of_years
from nunatak.files.tables import read_csv, read_table, write_csv
from nunatak.results.reading import source_of
from nunatak.runtime import job, stamp

SPACING = 1000.0  # m between the points of a flowline that are looked at: a cell of ATL15
UNITS = {"distance": "m", "lag": "yr", "correlation": "1", "n": "1", "n_effective": "1", "p": "1"}
COLUMNS = ["place", "name", "distance", "series", *list(UNITS)[1:]]


def main(regions, flowlines, out, *, study):
    """
    Write lags.csv, one row for every place, lag and kind of series.

    Parameters
    ----------
    regions : basin_years.csv
    flowlines : flowline_years.parquet, or None
    """
    tables = [
        lags_of_years(own["year"], own["speed"], own["dhdt"]).assign(place="region", name=name, distance=np.nan)
        for name, own in read_csv(regions).groupby("region", sort=False)
    ]
    if flowlines:
        for name, line in read_table(flowlines).groupby("flowline", sort=False):
            tables += [
                lags_of_years(own["year"], own["v"], own["dhdt"]).assign(place="flowline", name=name, distance=at)
                for at, own in spaced(line)
            ]
    inputs = [path for path in (regions, flowlines) if path]
    about = stamp(study=study, source=source_of(inputs), inputs=inputs, parameters={"spacing": SPACING})
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)
    about |= {"lag_is": "years by which the height change follows the speed", "rows": str(len(table))}
    write_csv(table[COLUMNS], out, attributes=about, units=UNITS)


def spaced(line):
    """Yield the distance and the rows of one point of a flowline for every `SPACING`."""
    points = thinned(pd.DataFrame({"distance": np.sort(line["distance"].unique())}), SPACING)
    for distance in points["distance"]:
        yield distance, line[line["distance"] == distance]


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.regions,
            snakemake.input.get("flowlines"),
            snakemake.output.lags,
            study=snakemake.wildcards.study,
        )
