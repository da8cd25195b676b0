"""The front page's words and numbers, from a study's results."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

import nunatak
from nunatak.checks import in_words
from nunatak.figures.study_elevation import widest_pair
from nunatak.granules import STATUSES, present
from nunatak.reports import dynamics, releases, scope, sea_ice, velocity, words
from nunatak.reports.bibliography import for_products, topics_of
from nunatak.reports.height_tables import last_epochs, pair_table, region_table
from nunatak.reports.page import Front
from nunatak.results.figures import row_of
from nunatak.runtime import read_json

_REASONS = 200  # granules listed with their reason; more are counted
_TOPICS = {
    "explore": "results on a map, offline: each layer and time, values at a click or along a line, CSV",
    "elevation_change": "elevation change, step by step: what the granules hold, maps, transects, what they say",
    "along_track": "tracks, cycle by cycle: which there are, profiles, rates, crossovers, how well products agree",
    "freeboard": "sea ice on a grid: which segments were kept, what falls into the cells, maps, series, distribution",
    "velocity": "speeds from image pairs: anatomy of a granule, which pairs were used, maps, series, flowlines",
    "dynamics": "elevation and velocity together: thickness, discharge, thinning by the flow, budgets, along the flow",
    "photons": "heights from photons: anatomy of a granule, how the fit works, its parameters, how often it is wrong",
}


@dataclass(frozen=True)
class ProductCount:
    """What came of one product's granules."""

    product: str
    version: str
    found: int
    present: int
    empty: int
    outside: int
    failed: int
    size: str
    reasons: list = field(default_factory=list)
    unwanted: int = 0


def count_product(product, granules, ledger, left_out=None):
    """
    Count a product's granules by outcome.

    What was found is the sum of all outcomes.

    Parameters
    ----------
    granules : granule table, what the study asked for
    ledger : ledger of all chunks, what came of each
    left_out : table with `why`, what the archive had and the study does not want
    """
    here, empty, outside, failed = (int((ledger["status"] == status).sum()) for status in STATUSES)
    unused = ledger[ledger["status"] != "present"]
    order = unused.assign(failed=unused["status"] != "failed").sort_values(["failed", "granule_id"])
    names = order["granule_id"].head(_REASONS)
    reasons = [
        (str(name), str(row.status), "" if pd.isna(row.reason) else str(row.reason))
        for name, row in zip(names, order.head(_REASONS).itertuples(), strict=True)
    ]
    if len(order) > _REASONS:
        reasons.append((f"… and {len(order) - _REASONS} more", "", "see the ledgers"))
    unwanted = 0 if left_out is None else len(left_out)
    if unwanted:
        by_key = left_out["why"].str.split(":").str[0].value_counts().sort_index()
        reasons += [(words.counted(int(count), "granule"), "not wanted", key) for key, count in by_key.items()]
    used = present(ledger)
    n_bytes = int(used["size_bytes"].fillna(0).sum())
    releases = ", ".join(sorted({str(v) for v in granules["version"].dropna()})) or "none"
    found = len(granules) + unwanted
    return ProductCount(product, releases, found, here, empty, outside, failed, words.size(n_bytes), reasons, unwanted)


def asked(study, region, simulated, simplified=None, used=None):
    """
    Return rows of what was asked: region, period, products, archive.

    Parameters
    ----------
    simplified : mapping of further region to what `tolerance` did to its outline
    used : mapping of product to the releases found
    """
    west, south, east, north = region.bounds
    start, end = study["period"]["start"], np.datetime64(study["period"]["end"]) - np.timedelta64(1, "s")
    months = study["period"].get("months")
    products = ", ".join(
        releases.named(name, values.get("version"), (used or {}).get(name, ""))
        for name, values in study["products"].items()
        if values
    )
    rows = [
        ("region", f"{words.place(west, south)} to {words.place(east, north)}; {region.area_km2:,.0f} km²"),
        *([("outline of the region", words.minus(str(region.simplification)))] if region.simplification else []),
        ("period", f"{words.day(start)} to {words.day(end)}" + (f", months {months}" if months else "")),
        ("products", products),
        *releases.datum(used or {}, geoid=any((v or {}).get("datum") == "EGM08" for v in study["products"].values())),
        ("archive", "simulated granules of a known truth" if simulated else study["archive"]),
    ]
    if study["regions"]:
        rows.append(("further regions", ", ".join(name.replace("_", " ") for name in study["regions"])))
    for name, did in (simplified or {}).items():
        rows.append((f"outline of {name.replace('_', ' ')}", words.minus(str(did))))
    if study["transects"]:
        rows.append(("transects", ", ".join(name.replace("_", " ") for name in study["transects"])))
    if study["size"] != "full":
        rows.append(("size", f"{study['size']}: a study made small for a test"))
    return rows


def not_drawn(paths):
    """List figures with nothing to show: (name, reason)."""
    told = ((Path(path).stem, read_json(Path(path).with_suffix(".json")).get("not_drawn")) for path in paths)
    return [(name, reason) for name, reason in told if reason]


def citations(references, products, study, provenance, simulated):
    """List what to cite: this software, the data sets with the DOI the granules state, the methods' papers."""
    releases = {name: values.get("version") for name, values in products.items()}
    chosen = for_products(references, releases, topics=topics_of(study))
    lines = [f"The Nunatak developers: Nunatak, version {escape(nunatak.__version__)}."]
    if simulated:
        lines.append("No data set: the granules are simulated. A study of the real ones would cite:")
    cited = {reference.fields.get("doi", "").lower() for reference in chosen}
    for name, values in products.items():
        doi = values.get("doi")
        if doi and doi.lower() not in cited:
            address = f'<a href="https://doi.org/{escape(doi)}">doi:{escape(doi)}</a>'
            lines.append(
                f"{escape(name.upper())}, release {escape(str(values.get('version') or 'unknown'))}. {address}"
            )
    return lines + [reference.html() for reference in chosen]


def provenance_rows(provenance):
    """Return the lines of the provenance a reader wants on the page."""
    granules = provenance["granules"]
    return [
        ("nunatak", provenance["nunatak_version"]),
        ("Python", f"{provenance['environment']['python']} on {provenance['environment']['platform']}"),
        ("archive", provenance["archive"]),
        ("granules", f"{len(granules)} with checksum"),
        ("inputs hash", provenance["inputs_hash"]),
    ]


def velocity_leads(study):
    """Return whether a study is about velocity first: its altimetry has an area of its own, beside the region."""
    return bool(study.get("altimetry_region"))


def _is_first(figure):
    """Return whether a figure stands before others in a study about velocity."""
    return figure == "extent" or row_of(figure).topic in ("velocity", "dynamics")


def lead(
    region_change,
    pairs,
    checks,
    freeboard=None,
    speeds=None,
    *,
    what="freeboard",
    measured=(),
    speeds_first=False,
    flows=(),
):
    """
    Write the sentences a reader sees first: the numbers of what the study is about, and whether the checks hold.

    Parameters
    ----------
    what : the value of gridded sea ice, in words
    measured : sentences on heights, told where there is no gridded change
    flows : sentences on the long record, budgets or discharge
    """
    lines = []
    if region_change is not None:
        rows = last_epochs(region_change)
        finest = rows[rows["resolution"] == rows["resolution"].min()]
        lines.append(" ".join(words.region_change(row["region"], row) for row in finest.to_dict("records")))
    if pairs is not None and len(pairs):
        lines.append(words.pair_medians(widest_pair(pairs)))
    if freeboard is not None and len(freeboard):
        lines.append(" ".join(sea_ice.sentences(freeboard, what)))
    if speeds is not None and len(speeds):
        lines.insert(0 if speeds_first else len(lines), " ".join(velocity.sentences(speeds)))
    lines += [" ".join(flows)] if flows else []
    lines += [] if region_change is not None else measured
    lines = lines or ["No number was computed; “What was not computed” says why."]
    failed = [check.name for check in checks if check.failed]
    named = f". Failed: {', '.join(failed)}" if failed else ""
    lines.append(f"Checks: {in_words(checks)}{named}.")
    return lines


def summary(study, front, report, simulated):
    """Write five lines for the end of a run: what, granules, numbers, checks, where the report lies."""
    found, used, failed = (sum(getattr(c, name) for c in front.products) for name in ("found", "present", "failed"))
    return "\n".join(
        [
            f"{study['title']}{' (SIMULATED)' if simulated else ''}",
            f"granules: {found} found, {used} used, {failed} failed",
            f"numbers: {front.lead[0]}",
            f"checks: {in_words(front.checks)}",
            f"report: {report}",
        ]
    )


def compose(
    study,
    *,
    region,
    counts,
    region_change,
    pairs,
    figure_list,
    pages,
    checks,
    provenance,
    references,
    simulated,
    freeboard=None,
    speeds=None,
    pair_counts=None,
    heights=None,
    rates=None,
    crossovers=None,
    surface=None,
    annual=None,
    discharge=None,
    budget=None,
    record_change=None,
    not_drawn=(),
    simplified=None,
    files=None,
):
    """Compose the front page's content. See the functions above for the arguments."""

    def linked(table, name):
        link = (files or {}).get(name)
        return replace(table, files=((link, link),)) if link else table

    tables = []
    if region_change is not None:
        tables.append(linked(region_table(region_change), "region_change"))
    if pairs is not None and (len(pairs) or (pair_counts is not None and len(pair_counts))):
        tables.append(linked(pair_table(pairs, pair_counts), "repeat_pairs"))
    if freeboard is not None and len(freeboard):
        freeboard = sea_ice.within(freeboard, study["period"])
        tables.append(linked(sea_ice.series_table(freeboard, sea_ice.quantity(study)), "freeboard_series"))
    recorded = words.long_record(record_change) if record_change is not None else []
    first = velocity_leads(study)
    if speeds is not None and len(speeds):
        tables.insert(0 if first else len(tables), linked(velocity.years_table(speeds), "velocity_series"))
    if budget is not None and len(budget):
        tables.append(linked(dynamics.budget_table(budget), "budget"))
    if first:
        figure_list = sorted(figure_list, key=lambda figure: not _is_first(figure.name))
        pages = sorted(pages, key=lambda page: Path(page).stem != "velocity")
    return Front(
        study=study["label"],
        lead=lead(
            region_change,
            pairs,
            checks,
            freeboard,
            speeds,
            what=sea_ice.quantity(study),
            speeds_first=first,
            flows=[*recorded, *dynamics.lead_sentences(discharge, budget)],
            measured=scope.measured(heights, rates, crossovers, surface, annual),
        ),
        asked=asked(study, region, simulated, simplified, {count.product: count.version for count in counts}),
        products=counts,
        tables=tables,
        figures=figure_list,
        pages=[
            (_title(p, study), Path(p).name, _TOPICS.get(Path(p).stem, "the notebook of this topic")) for p in pages
        ],
        not_computed=scope.not_computed(
            study, pairs=pairs, crossovers=crossovers, rates=rates, record_change=record_change, not_drawn=not_drawn
        ),
        checks=sorted(checks, key=lambda check: (not check.failed, not check.applies)),
        provenance=provenance_rows(provenance),
        citations=citations(references, provenance["products"], study, provenance, simulated),
    )


def _title(page, study):
    """Return the topic's name. The page of gridded sea ice is named by what its values are."""
    stem = Path(page).stem
    return f"sea ice: {sea_ice.quantity(study)}" if stem == "freeboard" else stem.replace("_", " ")
