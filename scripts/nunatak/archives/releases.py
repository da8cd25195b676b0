"""Releases in one answer: heights of two releases differ where the ice has not changed."""

from __future__ import annotations

ANY = "any"


def note(table, product):
    """
    Return a note on granules of several releases, none where they are of one.

    Parameters
    ----------
    table : granule table with `version`, each granule once
    product : such as "atl06"
    """
    counts = table["version"].dropna().value_counts().sort_index()
    if len(counts) < 2:
        return []
    held = ", ".join(f"{count} of release {release}" for release, count in counts.items())
    return [
        f"releases are mixed: {held}; heights of two releases differ where the ice has not changed: name one, "
        f'products: {product}: {{version: "{counts.index[-1]}"}}, or say that it is meant, version: {ANY}'
    ]
