"""What provenance says of granules."""

from __future__ import annotations

import pandas as pd

from nunatak.reports.provenance import granule_rows


def test_a_granule_that_serves_two_products_was_used_by_either():
    """The same photons, fitted and sampled: outside the region for one, present for the other."""
    name = "ATL03_20190420093051_03380303_007_01"
    granules = pd.DataFrame(
        {"granule_id": [name] * 2, "file_name": [f"{name}.h5"] * 2, "product": ["atl03"] * 2, "version": ["007"] * 2}
    )
    ledger = pd.DataFrame(
        {"granule_id": [name] * 2, "status": ["outside", "present"], "size_bytes": [7, 7], "sha256": ["ab", "ab"]}
    )
    assert [row["status"] for row in granule_rows(granules, ledger)] == ["present", "present"]
    assert granule_rows(granules, ledger.head(0))[0]["status"] == "unknown"
