"""What figures say of themselves held against the results they were drawn from."""

from __future__ import annotations

from typing import Any

import numpy as np

from nunatak import elevation
from nunatak.checks.check import at_most, not_applicable
from nunatak.checks.same import same

_DIGITS = 1e-4  # sidecars keep six digits


def checks(results, sidecars, hashes):
    """
    Check the sidecars of figures.

    Parameters
    ----------
    results : Opened
    sidecars : mapping of figure to what its JSON file says
    hashes : mapping of folder and name of each file, as sidecars name them, to its SHA-256; those that are too large
        to be read again are not in it
    """
    if not sidecars:
        return []
    return [history(sidecars, hashes), numbers(results, sidecars)]


def history(sidecars, hashes):
    """Check that every figure was drawn from the results as they are now."""
    named = {
        (figure, name): digest for figure, said in sidecars.items() for name, digest in said.get("inputs", {}).items()
    }
    known = {key: digest for key, digest in named.items() if key[1] in hashes}
    if not known:
        return not_applicable("figures/history", "no figure names a result")
    stale = sorted({f"{figure} ({name})" for (figure, name), digest in known.items() if digest != hashes[name]})
    said = f": {', '.join(stale[:3])}" if stale else ""
    return at_most(
        "figures/history",
        len(stale),
        0,
        "",
        f"of {len(known)} files that figures name, those that were changed since{said}",
    )


def numbers(results, sidecars):
    """
    Check that numbers beside figures are those of the results: volumes, rates, heights, freeboards and speeds.

    Of the other figures the summaries alone are looked at: the median lies between the lowest and the highest value.
    """
    columns: dict[str, Any] = {}
    for figure, said in sidecars.items():
        for name, summary in _summaries(said.get("numbers") or {}):
            order = [summary[key] for key in ("min", "p2", "median", "p98", "max") if summary.get(key) is not None]
            columns[f"{figure}: order of {name}"] = np.sort(order), np.array(order, dtype=float)
        columns |= {
            f"{figure}: {key}": ([found], [value])
            for key, found, value in _of(figure, said.get("numbers") or {}, results)
        }
    return same("figures/numbers", columns, "numbers beside figures from their results", limit=_DIGITS)


def _summaries(numbers, path=""):
    """List every mapping below `numbers` that summarises values, with its name."""
    if {"min", "median", "max"} <= set(numbers):
        yield path, numbers
        return
    for key, value in numbers.items():
        if isinstance(value, dict):
            yield from _summaries(value, f"{path} {key}".strip())


def _of(figure, said, results):
    """Return (name, number beside the figure, number of the result) of a figure whose numbers are known."""
    if figure == "height_change_series" and "region_change" in results:
        table = results["region_change"]
        finest = table[table["resolution"] == table["resolution"].min()].sort_values("time")
        for region, rows in finest.groupby("region"):
            for column in ("mean_dh", "volume_change"):
                told, last = said.get(region, {}).get(column, {}), rows.iloc[-1]
                if told:
                    yield f"{region} {column}", told["last"], last[column]
                    sigma = "volume_sigma" if column == "volume_change" else f"{column}_sigma"
                    yield f"{region} {column} sigma", told["last_sigma"], last[sigma]
    if figure == "dhdt_points" and "rates" in results and "dhdt_m_per_yr" in said:
        good = elevation.good_rates(results["rates"])["dhdt"]
        yield from _summary("dhdt", said["dhdt_m_per_yr"], good)
    if figure == "heights" and "heights" in results:
        for product, rows in results["heights"].groupby("product"):
            if "h_m" in said.get(product, {}):
                yield from _summary(f"h of {product}", said[product]["h_m"], rows["h"])


def _summary(name, told, values):
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    for key, value in (("count", values.size), ("mean", values.mean()), ("median", np.median(values))):
        if key in told:
            yield f"{name} {key}", told[key], value
