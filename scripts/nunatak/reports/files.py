"""What figures and the front page are made of, read from a study's files."""

from __future__ import annotations

from nunatak.checks import read_checks
from nunatak.figures import Request
from nunatak.files.tables import read_csv, read_table
from nunatak.geometry.outlines import STUDY_REGION, read_outlines
from nunatak.reports import front
from nunatak.results.reading import (
    SIMULATED,
    change_by_elevation,
    freeboard_table,
    granule_tables,
    ledger_tables,
    listed,
    read_freeboard,
    read_height_change,
    read_map,
    region_change,
    sections,
    source_of,
)
from nunatak.runtime import read_json

VELOCITY_TABLES = ("image_pairs", "velocity_series", "flowline")


def figure_request(inputs, *, title, focus=None, transects=None, coastline=None):
    """
    What a figure is drawn from, read from files.

    Parameters
    ----------
    inputs : mapping of regions, change, region_change, change_by_elevation, transects, repeat_pairs, tracks, track,
        rates, rates_map, crossovers, heights, surface, freeboard, freeboard_series, freeboard_distribution,
        photon_cloud, photon_segments, heights_compared, image_pairs, image_pair, annual, strain, speeds,
        velocity_series, flowline, granules to a path or a list of paths; what is absent is left out
    title, focus, transects : the study's
    coastline : a file of the user's with land for polar maps
    """
    change, rates = read_height_change(inputs["change"]) if "change" in inputs else (None, {})
    return Request(
        title=title,
        outlines=read_outlines(inputs["regions"]),
        change=change,
        rates=rates,
        region_change=region_change(inputs["region_change"]) if "region_change" in inputs else None,
        bands=change_by_elevation(inputs["change_by_elevation"]) if "change_by_elevation" in inputs else None,
        sections=sections(inputs["transects"]) if "transects" in inputs else {},
        pairs=read_table(inputs["repeat_pairs"]) if "repeat_pairs" in inputs else None,
        tracks=read_csv(inputs["tracks"]) if "tracks" in inputs else None,
        track=read_table(inputs["track"]) if "track" in inputs else None,
        point_rates=read_table(inputs["rates"]) if "rates" in inputs else None,
        rates_map=read_map(inputs["rates_map"]) if "rates_map" in inputs else None,
        crossovers=read_table(inputs["crossovers"]) if "crossovers" in inputs else None,
        freeboard=read_freeboard(inputs["freeboard"]) if "freeboard" in inputs else {},
        freeboard_series=freeboard_table(inputs["freeboard_series"]) if "freeboard_series" in inputs else None,
        freeboard_distribution=(
            freeboard_table(inputs["freeboard_distribution"]) if "freeboard_distribution" in inputs else None
        ),
        **{
            name: read_table(inputs[name])
            for name in ("heights", "photon_cloud", "photon_segments", "heights_compared", *VELOCITY_TABLES)
            if name in inputs
        },
        **{name: read_map(inputs[name]) for name in ("surface", "image_pair", "annual", "strain") if name in inputs},
        speeds=read_csv(inputs["speeds"]) if "speeds" in inputs else None,
        coastline=coastline,
        granules=granule_tables(inputs.get("granules", [])),
        focus=focus,
        transects=transects or {},
    )


def front_material(inputs):
    """
    What the front page is made of, read from files; the arguments of `front.compose`.

    Parameters
    ----------
    inputs : mapping of regions, granules, left_out, ledgers, checks, provenance, figures, pages, and the results there
        are, to a path or a list of paths
    """
    granules, ledgers = granule_tables(inputs["granules"]), ledger_tables(inputs["ledgers"])
    figures = listed(inputs["figures"])
    unwanted = granule_tables(inputs.get("left_out", []))
    outlines = read_outlines(inputs["regions"])
    data = [path for name in ("granules", "region_change", "repeat_pairs") for path in listed(inputs.get(name, []))]
    return {
        "region": outlines.pop(STUDY_REGION),
        "simplified": {key: other.simplification for key, other in outlines.items() if other.simplification},
        "counts": [
            front.count_product(name, table, ledgers[name], unwanted.get(name)) for name, table in granules.items()
        ],
        "region_change": region_change(inputs["region_change"]) if "region_change" in inputs else None,
        "pairs": read_table(inputs["repeat_pairs"]) if "repeat_pairs" in inputs else None,
        "pair_counts": read_csv(inputs["repeat_counts"]) if "repeat_counts" in inputs else None,
        "freeboard": freeboard_table(inputs["freeboard_series"]) if "freeboard_series" in inputs else None,
        "speeds": read_table(inputs["velocity_series"]) if "velocity_series" in inputs else None,
        **{name: read_table(inputs[name]) for name in ("heights", "rates", "crossovers") if name in inputs},
        "annual": read_map(inputs["annual"]) if "annual" in inputs and "velocity_series" not in inputs else None,
        "surface": read_map(inputs["surface"]) if "surface" in inputs and "region_change" not in inputs else None,
        "figure_list": front.figures(figures),
        "not_drawn": front.not_drawn(figures),
        "pages": [str(path) for path in listed(inputs["pages"])],
        "checks": read_checks(inputs["checks"]),
        "provenance": read_json(inputs["provenance"]),
        "simulated": source_of(data) == SIMULATED,
    }
