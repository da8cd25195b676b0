"""Whether heights that are differenced are of one release: the frame and the processing differ from one to another."""

from __future__ import annotations

from nunatak import elevation
from nunatak.checks.check import at_most, not_applicable

_DIFFER = "of two releases, whose heights differ where the ice has not changed"
PLACES = "release_of_"
"""Begins the attributes of a table that say which releases are compared."""


def of_pairs(counts):
    """
    Check that both passes of a repeat pair are of one release, unless the study means to mix releases.

    Parameters
    ----------
    counts : repeat_counts.csv, or None
    """
    name = "repeat_pairs/one_release"
    if counts is None or "release_first" not in counts:
        return not_applicable(name, "the releases of the passes are not known")
    first, second = counts["release_first"], counts["release_second"]
    mixed = counts[(first != second) & first.notna() & second.notna()]
    held = ", ".join(sorted({f"{int(release):03d}" for release in (*mixed["release_first"], *mixed["release_second"])}))
    n = (mixed["n_joined"] - mixed["n_beyond"]).sum()
    version = counts.attrs["attributes"].get("version")
    return _judged(name, n, f"pairs of passes {_DIFFER}", held, "atl06", version)


def of_crossovers(product, table):
    """
    Check that both passes of a crossover are of one release, unless the study means to mix releases.

    Parameters
    ----------
    table : crossovers of one product, with the attributes of crossovers.parquet
    """
    n = elevation.two_releases(table).sum() if "release_1" in table else None
    return _of_table(f"crossovers_one_release/{product}", table, n, "crossovers of passes", product)


def of_centres(table):
    """
    Check that the heights around a centre are of one release, unless the study means to mix releases.

    Parameters
    ----------
    table : surface_rates.parquet
    """
    n = (table["n_releases"] > 1).sum() if "n_releases" in table else None
    return _of_table("surface_rates/one_release", table, n, "centres with heights", "atl06")


def of_biases(product, table):
    """
    Check that the crossovers that biases rest on are of one release, unless the study means to mix releases.

    Parameters
    ----------
    table : biases of one product, with the attributes of pass_biases.csv
    """
    n = table["n_other_release"].sum() // 2 if "n_other_release" in table else None
    return _of_table(f"pass_biases_one_release/{product}", table, n, "crossovers of passes", product)


def _of_table(name, table, n, what, product):
    """
    Judge n values of a table that mix releases.

    `n` is None where the table does not say, and the check then does not apply.
    """
    if n is None:
        return not_applicable(name, "the releases of the passes are not known")
    said = table.attrs.get("attributes", {})
    return _judged(name, int(n), f"{what} {_DIFFER}", said.get("release", ""), product, said.get(f"version_{product}"))


def of_places(name, table, n):
    """
    Check that two products that are compared are of one release, unless the study means to mix releases.

    Parameters
    ----------
    name : of the check
    table : the comparison, whose attributes name each product's releases
    n : places that both have
    """
    attributes = table.attrs.get("attributes", {})
    said = {key.removeprefix(PLACES): value for key, value in attributes.items() if key.startswith(PLACES)}
    if not n:
        return not_applicable(name, "the products have no place in common")
    if len(said) < 2:
        return not_applicable(name, "the releases of the products are not known")
    if attributes.get("nunatak_source") == "SIMULATED":
        return not_applicable(name, "simulated granules of every release are of one truth, in one frame")
    mixed = len({release for value in said.values() for release in value.split(", ")}) > 1
    held = ", ".join(f"{product.upper()} {value}" for product, value in sorted(said.items()))
    version = attributes.get("version")
    return _judged(name, n if mixed else 0, f"places with heights {_DIFFER}", held, " and ".join(sorted(said)), version)


def _judged(name, n, text, held, product, version):
    if version == "any":
        return not_applicable(name, "the study mixes releases, version: any")
    remedy = f": {held}; name one release, {product}: {{version: ...}}" if n else ""
    return at_most(name, n, 0, "", text + remedy)
