"""Note when an answer holds several releases, whose heights differ even where the ice has not changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

ANY = "any"


def note(table: pd.DataFrame, product: str) -> list[str]:
    """
    Return a note on granules of several releases, or an empty list for a single release.

    Parameters
    ----------
    table : granule table with `version`, each granule once
    """
    counts = table["version"].dropna().value_counts().sort_index()
    if len(counts) < 2:
        return []
    counted = ", ".join(f"{count} of release {release}" for release, count in counts.items())
    return [
        f"releases are mixed: {counted}; heights of two releases differ where the ice has not changed: name one, "
        f'products: {product}: {{version: "{counts.index[-1]}"}}, or say that it is meant, version: {ANY}'
    ]
