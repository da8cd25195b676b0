"""What figures and the front page are made of, read from a study's files."""

from __future__ import annotations

from pathlib import Path

from nunatak.checks import read_checks
from nunatak.constants import SIMULATED
from nunatak.geometry.outlines import STUDY_REGION, read_outlines
from nunatak.reports import front
from nunatak.reports.pictures import picture
from nunatak.results.loading import read_results
from nunatak.results.reading import granule_tables, ledger_tables, listed, source_of
from nunatak.runtime import read_json

# results the front page speaks of, by their names in the table
_TOLD = ("region_change", "repeat_pairs", "repeat_counts", "freeboard_series", "velocity_series")
_TOLD_AS_NAMED = ("heights", "rates", "crossovers", "discharge", "budget", "record_change")


def figure_data(inputs):
    """
    Return what figures are drawn from, read from files.

    Parameters
    ----------
    inputs : mapping of names of results, and of `granules`, to a path or a list of paths

    Returns
    -------
    mapping of name to what the result's reader returns, and of `granules` to the granule tables by product
    """
    return {**read_results(inputs), "granules": granule_tables(inputs.get("granules", []))}


def front_material(inputs):
    """
    Read what the front page is made of from files: the arguments of `front.compose`.

    Parameters
    ----------
    inputs : mapping of regions, granules, left_out, ledgers, checks, provenance, figures, pages, and the results there
        are, to a path or a list of paths
    """
    granules, ledgers = granule_tables(inputs["granules"]), ledger_tables(inputs["ledgers"])
    figures = listed(inputs["figures"])
    unwanted = granule_tables(inputs.get("left_out", []))
    outlines = read_outlines(inputs["regions"])
    told = [*_TOLD, *_TOLD_AS_NAMED]
    # of these only where no table sums them up
    told += ["annual"] if "velocity_series" not in inputs else []
    told += ["surface"] if "region_change" not in inputs else []
    results = read_results(inputs, told)
    data = [path for name in ("granules", "region_change", "repeat_pairs") for path in listed(inputs.get(name, []))]
    return {
        "region": outlines.pop(STUDY_REGION),
        "simplified": {key: other.simplification for key, other in outlines.items() if other.simplification},
        "counts": [
            front.count_product(name, table, ledgers[name], unwanted.get(name)) for name, table in granules.items()
        ],
        "region_change": results.get("region_change"),
        "pairs": results.get("repeat_pairs"),
        "pair_counts": results.get("repeat_counts"),
        "freeboard": results.get("freeboard_series"),
        "speeds": results.get("velocity_series"),
        **{name: results[name] for name in _TOLD_AS_NAMED if name in results},
        **{name: results.get(name) for name in ("annual", "surface")},
        "figure_list": [shown for shown in map(picture, figures) if shown],
        "not_drawn": front.not_drawn(figures),
        "files": _links(inputs, told),
        "pages": [str(path) for path in listed(inputs["pages"])],
        "checks": read_checks(inputs["checks"]),
        "provenance": read_json(inputs["provenance"]),
        "simulated": source_of(data) == SIMULATED,
    }


def _links(inputs, names):
    """Return links from the front page to single files of results that lie in the study's folder, by name."""
    folder = Path(inputs["regions"]).parent
    paths = {name: Path(listed(inputs[name])[0]) for name in names if name in inputs and len(listed(inputs[name])) == 1}
    return {name: path.relative_to(folder).as_posix() for name, path in paths.items() if path.is_relative_to(folder)}
