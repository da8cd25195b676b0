"""What provenance says of granules, code and results."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from nunatak.reports import provenance as of
from nunatak.reports.provenance import code_hash, granule_rows
from nunatak.runtime import file_sha256, read_json

CODE = ("Snakefile", "rules/figures.smk", "scripts/plot.py", "scripts/nunatak/deep/part.py", "notebooks/ice.ipynb")


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


def test_every_result_is_in_the_provenance_with_its_hash(made, made_and_granules, provenance):
    """All that was made, from the first to the last, and nothing else."""
    results = read_json(provenance)["results"]
    assert results == {
        Path(path).relative_to(made.base).as_posix(): file_sha256(path) for path in made_and_granules["made"]
    }
    assert len(results) == 6


@pytest.mark.parametrize("edited", CODE)
def test_the_code_is_workflow_rules_scripts_and_notebooks(tmp_path, monkeypatch, edited):
    """
    A changed byte in any of these files is another code, and so is another name.

    A README is no part of the code.
    """
    for name in CODE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(of, "SCRIPTS", tmp_path / "scripts")
    hashes = [code_hash()]
    (tmp_path / "README.md").write_text("words")
    assert code_hash() == hashes[0]
    path = tmp_path / edited
    path.write_text("edited")
    hashes.append(code_hash())
    path.rename(path.with_name(f"a{path.name}"))
    hashes.append(code_hash())
    assert len(set(hashes)) == 3
