"""Compare ATL06 with ATL11, ATL11 with ATL14 and ATL15, and count what each quality filter removes."""

import pandas as pd
import pyproj
import xarray as xr

from nunatak import elevation
from nunatak.elevation import filters
from nunatak.files.tables import joined_releases, read_table, write_csv
from nunatak.granules import datums
from nunatak.products import atl06_filters
from nunatak.results import reading
from nunatak.runtime import job, log, stamp
from nunatak.study.parts import products_settings


def main(inputs, out, out_filters, *, settings, study):
    """
    Write the median and spread of the differences by slope class, and how many segments each test of a filter took.

    Parameters
    ----------
    inputs : mapping of heights (chunks of ATL11) and, where the study has them, segments (of ATL06), change, surface
    settings : the study's `atl11` and `atl06`
    """
    heights = read_table(inputs["heights"])
    source = heights.attrs["attributes"]["nunatak_source"]
    paths = [path for name in inputs for path in reading.listed(inputs[name])]
    about = stamp(study=study, source=source, inputs=paths, parameters=settings)
    good = heights[elevation.usable(heights, quality=settings["atl11"].filter == "standard")]
    about |= joined_releases([heights.attrs["attributes"]])
    found, counts = {}, pd.DataFrame(columns=["filter", "test", "n_before", "n_removed", "n_after"])
    if inputs.get("segments"):
        segments = read_table(inputs["segments"])
        both = {"atl06": segments.attrs["attributes"], "atl11": heights.attrs["attributes"]}
        about |= joined_releases(both.values()) | datums.compared(
            both, [said.version for said in settings.values() if said]
        )
        counts = filter_counts(segments)
        kept = segments[filters.keep(segments, settings["atl06"].filter)]
        found["ATL06 less ATL11, filtered"] = elevation.segments_against_points(kept, good)
        raw = segments[filters.keep(segments, "none")]
        found["ATL06 less ATL11, unfiltered"] = elevation.segments_against_points(raw, good)
    if inputs.get("change") and inputs.get("surface"):
        change, _ = reading.read_height_change(inputs["change"])
        surface = xr.load_dataset(inputs["surface"], engine="h5netcdf")
        to_grid = pyproj.Transformer.from_crs("EPSG:4326", change.attrs["crs"], always_xy=True)
        if settings["atl11"].datum == "EGM08":  # the grids' heights are above the ellipsoid
            good = good.assign(h_corr=good["h_corr"] + good["geoid_h"])
        x, y = to_grid.transform(good["longitude"].to_numpy(), good["latitude"].to_numpy())
        found["ATL11 less ATL14 and ATL15"] = elevation.points_against_surface(good.assign(x=x, y=y), surface, change)
    parts = []
    for name, residuals in found.items():
        log.info("%s: %d in common", name, len(residuals))
        if len(residuals):
            parts.append(elevation.residuals_by_slope(residuals))
            parts[-1].insert(0, "compared", name)
    columns = ["compared", "slope_low", "slope_high", "n", "median", "nmad", "nmad_z"]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    write_csv(table, out, attributes=about, units={"median": "m", "nmad": "m"})
    write_csv(counts, out_filters, attributes=about)


def filter_counts(segments):
    """Count what each test of each preset takes away, for the presets whose variables were read."""
    parts = []
    for preset in filters.TESTS:
        if all(name in segments for name in atl06_filters.variables(preset)):
            parts.append(filters.removed(segments, preset))
            parts[-1].insert(0, "filter", preset)
    return pd.concat(parts, ignore_index=True)


if __name__ == "__main__":
    with job(snakemake):
        main(
            {name: value for name, value in snakemake.input.items() if value},
            snakemake.output.agreement,
            snakemake.output.filters,
            settings=products_settings(snakemake.params.settings),
            study=snakemake.wildcards.study,
        )
