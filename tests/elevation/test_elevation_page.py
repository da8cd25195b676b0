"""What docs/elevation.md says: its example runs, and the files it names are those that studies make."""

from __future__ import annotations

import re

from tests.builders import studies, tiny_granules
from tests.conftest import ROOT

from nunatak import study
from nunatak.results import targets

PAGE = (ROOT / "docs" / "elevation.md").read_text("utf-8")


def test_the_example_runs_and_gives_volumes_and_pairs(tmp_path, monkeypatch):
    """The surface sinks by 1 m/yr over two years: -2 m; two passes over one flat place differ by nothing."""
    change = studies.height_change(-1.0, on=studies.grid(100, 100, left=1_000_500.0, top=-350_500.0))
    made = {"ATL15_SV_0327_01km_005_01.nc": studies.write_atl15(tmp_path / "ATL15_SV_0327_01km_005_01.nc", change)}
    for cycle, stamp in ((3, "20190504"), (7, "20200501")):
        name = tiny_granules.name_of(548, cycle, version="007")
        path = tiny_granules.atl06(tmp_path, re.sub(r"_\d{8}", f"_{stamp}", name), orbit=(548, cycle))
        made[f"ATL06_{stamp}..._007_01.h5"] = path
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    for name, path in made.items():
        assert code.count(f'"{name}"') == 1
        code = code.replace(f'"{name}"', repr(str(path)))
    monkeypatch.chdir(ROOT)
    said = {}
    exec(compile(code, "docs/elevation.md", "exec"), said)
    last = said["volumes"].iloc[-1]
    assert abs(last["mean_dh"] + 2.0) < 1e-3 and last["volume_change"] < 0
    assert len(said["pairs"]) == 240 and list(said["medians"]["median_dh"]) == [0.0] * 6


def test_the_files_of_the_page_are_those_of_studies():
    """Every path in the table of files is one that a study of land ice makes."""
    further = {"surface_rates": {}, "pass_biases": {}}
    loaded = study.load(ROOT / "config" / "studies" / "austfonna.yaml", overrides=further)
    known = set(targets.everything(loaded))
    table = PAGE.partition("| file below")[2].partition("\n\n")[0]
    named = []
    for row in table.splitlines()[2:]:
        paths = re.findall(r"`([^`]+)`", row.split("|")[1])
        folder = paths[0].rpartition("/")[0]
        named += [path if "/" in path else f"{folder}/{path}" for path in paths]
    assert len(named) >= 15
    for path in named:
        assert path in known or any(other.startswith(path) for other in known if path.endswith("/")), path
