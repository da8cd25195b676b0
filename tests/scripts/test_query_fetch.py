"""Query, list, fetch, subset: the scripts one after the other, as the workflow calls them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.builders.tiny_granules import atl06, name_of, truncated
from tests.conftest import ROOT

import count_granules
import fetch_granules
import query_granules
import subset_points
from nunatak import study
from nunatak.archives import EmptyAnswer
from nunatak.constants import BEAMS
from nunatak.files.tables import read_table
from nunatak.geometry import region
from nunatak.geometry.outlines import write_outlines
from nunatak.runtime import NunatakError
from nunatak.simulation import itslive, worlds
from nunatak.study.parts import product_settings, typed

SETTINGS = {
    "filter": "standard",
    "version": None,
    "splits": 1,
    "rgt": None,
    "cycles": None,
    "beams": ["all"],
    "variables": ["dh_fit_dy"],
}
PERIOD = {"start": "2019-01-01T00:00:00", "end": "2022-01-01T00:00:00", "months": None}


def chunks_of(settings):
    """The chunks of cycles 1 to 30, as a study with a long period has them."""
    buckets = [f"cycle{cycle:02d}" for cycle in range(1, 31)]
    n = settings["splits"]
    return buckets if n == 1 else [f"{bucket}-{share}of{n}" for bucket in buckets for share in range(1, n + 1)]


class Chain:
    """The four rules of one product in a folder."""

    def __init__(self, folder, granules, bbox=(-35, 66, -34, 67)):
        self.folder = Path(folder)
        self.archive = {"name": "directory", "directory": str(granules), "resources": str(self.folder / "resources")}
        self.regions = self.folder / "regions.geojson"
        write_outlines({"region": region.load({"bbox": list(bbox)})}, self.regions)

    def query(self, **settings):
        out = self.folder / "granules.parquet"
        files = {"granules": out, "left_out": self.folder / "left_out.parquet", "lists": self.folder / "lists"}
        query_granules.main(
            self.regions,
            files,
            archive=self.archive,
            product="atl06",
            settings=product_settings("atl06", {**SETTINGS, **settings}),
            period=typed(study.Period, PERIOD),
            study="steenstrup",
            chunks=chunks_of({**SETTINGS, **settings}),
        )
        return out

    def fetch(self, chunk):
        listed, out = self.folder / f"lists/{chunk}.csv", self.folder / f"ledger/{chunk}.parquet"
        fetch_granules.main(listed, out, archive=self.archive, study="steenstrup")
        return out

    def subset(self, chunk):
        out, ledger = self.folder / f"points/{chunk}.parquet", self.folder / f"read/{chunk}.parquet"
        subset_points.main(
            self.folder / f"ledger/{chunk}.parquet",
            self.regions,
            out,
            ledger,
            product="atl06",
            settings=product_settings("atl06", SETTINGS),
            period=typed(study.Period, PERIOD),
            study="steenstrup",
            crs="EPSG:3413",
        )
        return out, ledger


def test_real_granules_from_the_folder_to_points(data, tmp_path):
    """The repeat pair of Steenstrup Glacier: every segment that an independent read finds in the box, no other."""
    chain = Chain(tmp_path, data("real"), bbox=(-34.8, 66.5, -34.7, 66.6))
    assert list(read_table(chain.query())["chunk"]) == ["cycle05", "cycle13"]
    for chunk in ("cycle05", "cycle13", "cycle06"):
        chain.fetch(chunk)
        points, ledger = chain.subset(chunk)
        paths = read_table(ledger)["path"]
        expected = sum(in_box(path, (-34.8, 66.5, -34.7, 66.6)) for path in paths)
        table = read_table(points)
        assert len(table) == expected and (expected > 1000 or chunk == "cycle06")
        assert "dh_fit_dy" in table
    counts = tmp_path / "counts.csv"
    count_granules.main(tmp_path / "granules.parquet", sorted((tmp_path / "read").iterdir()), counts, max_failed=0)
    assert counts.read_text().splitlines()[1].startswith("present,")


def in_box(path, box):
    """Segments of an ATL06 file in [west, south, east, north], counted without the library."""
    west, south, east, north = box
    with h5py.File(path) as file:
        groups = [file[f"{beam}/land_ice_segments"] for beam in BEAMS]
        lon, lat = (np.concatenate([group[name][:] for group in groups]) for name in ("longitude", "latitude"))
    return int(((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)).sum())


def test_the_points_are_geoparquet_with_provenance(tmp_path):
    atl06(tmp_path / "granules")
    chain = Chain(tmp_path, tmp_path / "granules")
    chain.query()
    chain.fetch("cycle05")
    metadata = pq.read_schema(chain.subset("cycle05")[0]).metadata
    assert b"geo" in metadata
    for word in (b'"nunatak_source": "directory"', b'"study": "steenstrup"', b"inputs_hash", b'"crs": "EPSG:3413"'):
        assert word in metadata[b"nunatak"]


def test_everything_of_a_simulated_granule_says_so(tmp_path):
    atl06(tmp_path / "granules", attributes={"nunatak_source": "SIMULATED"})
    chain = Chain(tmp_path, tmp_path / "granules")
    files = [chain.query(), chain.fetch("cycle05"), *chain.subset("cycle05")]
    for path in files:
        assert read_table(path).attrs["attributes"]["nunatak_source"] == "SIMULATED", path


def test_the_same_question_gives_the_same_bytes(tmp_path):
    """Also when the first answer was thrown away and the index with it."""
    for cycle in (5, 6):
        atl06(tmp_path / "granules", name_of(cycle=cycle))
    results = []
    for name in ("one", "two"):
        chain = Chain(tmp_path / name, tmp_path / "granules")
        results.append([p.read_bytes() for p in (chain.query(), chain.fetch("cycle05"), *chain.subset("cycle05"))])
    assert results[0] == results[1]


def test_a_list_changes_with_its_own_granules_alone(tmp_path):
    """A granule of cycle 6 arrives, one of cycle 5 is mended: the other lists keep their bytes, so nothing follows."""
    folder = tmp_path / "granules"
    kept = atl06(folder)
    chain = Chain(tmp_path, folder)

    def lists():
        chain.query()
        return {path.stem: path.read_bytes() for path in (tmp_path / "lists").iterdir()}

    def changed(old, new):
        return {name for name in new if new[name] != old[name]}

    first = lists()
    atl06(folder, name_of(cycle=6))
    second = lists()
    assert changed(first, second) == {"cycle06"}
    os.utime(kept, ns=(0, 10**18))
    assert changed(second, lists()) == {"cycle05"}


def test_a_split_bucket_keeps_every_granule(tmp_path):
    for rgt in range(1, 9):
        atl06(tmp_path / "granules", name_of(rgt=rgt))
    chain = Chain(tmp_path, tmp_path / "granules")
    chain.query(splits=2)
    parts = [read_table(chain.fetch(f"cycle05-{i}of2")) for i in (1, 2)]
    assert sum(map(len, parts)) == 8 and all(len(part) for part in parts)


def test_a_broken_granule_is_counted_at_the_end(tmp_path):
    """The chain runs through; the count refuses it unless the study allows it."""
    atl06(tmp_path / "granules")
    truncated(atl06(tmp_path / "granules", name_of(rgt=628)))
    chain = Chain(tmp_path, tmp_path / "granules")
    chain.query()
    chain.fetch("cycle05")
    points, ledger = chain.subset("cycle05")
    assert set(read_table(points)["rgt"]) == {627}
    count = lambda allowed: count_granules.main(  # noqa: E731
        tmp_path / "granules.parquet", [ledger], tmp_path / "counts.csv", max_failed=allowed
    )
    count(1)
    with pytest.raises(NunatakError, match=r"1 of 2 granules failed, max_failed allows 0: .*_0628.*truncated"):
        count(0)


def test_an_empty_answer_writes_nothing(tmp_path):
    (tmp_path / "granules").mkdir()
    chain = Chain(tmp_path, tmp_path / "granules")
    with pytest.raises(EmptyAnswer, match="there is no atl06 granule at all"):
        chain.query()
    assert not (tmp_path / "granules.parquet").exists()


LIMITED = """
import resource, sys
sys.path[:0] = [{scripts!r}, {tests!r}, {here!r}]
import conftest  # where the tests are, before anything asks
from test_query_fetch import Chain
from nunatak.runtime import NunatakError
chain = Chain({folder!r}, {granules!r})
resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))
for step in (chain.query, lambda: chain.fetch("cycle05"), lambda: chain.subset("cycle05")):
    try:
        step()
    except NunatakError as error:
        print(error)
"""


def test_a_full_disk_costs_one_line_and_nothing_finished(tmp_path):
    """No write beyond 400 bytes succeeds; what an earlier run finished is still there, byte for byte."""
    atl06(tmp_path / "granules")
    chain = Chain(tmp_path, tmp_path / "granules")
    done = [chain.query(), chain.fetch("cycle05"), *chain.subset("cycle05")]
    before = [path.read_bytes() for path in done]
    where = {"scripts": str(ROOT / "scripts"), "tests": str(ROOT / "tests"), "here": str(Path(__file__).parent)}
    program = LIMITED.format(folder=str(tmp_path), granules=str(tmp_path / "granules"), **where)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    lines = [line for line in ended.stdout.splitlines() if line]
    assert ended.returncode == 0, ended.stderr
    assert len(lines) == 3 and all("could not be written" in line and "free space" in line for line in lines)
    assert [path.read_bytes() for path in done] == before
    assert not list(tmp_path.rglob("*.part*"))


TRUNK = {"bbox": [-101.0, -75.07, -100.75, -75.02]}


@pytest.fixture(scope="module")
def image_pairs(tmp_path_factory):
    """A folder of simulated image pairs."""
    folder = tmp_path_factory.mktemp("pairs")
    itslive.write(worlds.world("pine_island", "tiny"), folder)
    return folder


def query_pairs(folder, work, **keys):
    """The query of a study's image pairs in a folder: its granule table and what it leaves out."""
    given = {"title": "x", "region": TRUNK, "period": ["2012-01-01", "2024-12-31"], "products": {"itslive": keys}}
    asked = study.StudyFile.model_validate(given)
    write_outlines({"region": region.load(TRUNK)}, work / "regions.geojson")
    out = {name: work / name for name in ("granules", "left_out", "lists")}
    query_granules.main(
        work / "regions.geojson",
        out,
        archive={"name": "directory", "directory": str(folder)},
        product="itslive",
        settings=asked.products["itslive"],
        period=asked.period,
        chunks=[str(year) for year in range(2012, 2025)],
        study="x",
    )
    return read_table(out["granules"]), read_table(out["left_out"])


def test_no_image_pair_is_a_sentence(tmp_path):
    """A folder without any: the question in words, numbers and all."""
    (tmp_path / "none").mkdir()
    with pytest.raises(EmptyAnswer, match=r"no itslive granule in region .* min_separation 6, .*: name another folder"):
        query_pairs(tmp_path / "none", tmp_path, min_separation=6)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"months": ["July"]}, r"47 image pairs found in region, none of them wanted: 45 months, 1 duplicate, 1 perc"),
        ({"platforms": ["S1D"]}, r"45 platforms, .*; platforms: S1D is of none of 47 pairs; they are of LC08, LE07"),
        ({"percent_valid_pixels": 100}, r"46 percent_valid_pixels, 1 duplicate; widen these keys of products: itslive"),
    ],
)
def test_a_selection_that_keeps_no_pair_says_which_keys_took_them(image_pairs, tmp_path, keys, message):
    with pytest.raises(EmptyAnswer, match=message):
        query_pairs(image_pairs, tmp_path, **{"geometry": "any", **keys})


def test_pairs_of_any_name_are_found(image_pairs, tmp_path):
    """As ordered from HyP3, or renamed: the same pairs as before, by what their files say."""
    before, _ = query_pairs(image_pairs, tmp_path, geometry="any")
    folder = tmp_path / "own"
    folder.mkdir()
    for number, path in enumerate(sorted(image_pairs.glob("*.nc"))):
        stem = path.stem if number % 3 else f"{path.stem}_IL_ASF_OD"
        renamed = f"pair{number}" if number % 3 == 1 and "V02" in path.stem else stem
        (folder / f"{renamed}.nc").symlink_to(path)
    after, _ = query_pairs(folder, tmp_path, geometry="any")
    names = after["file_name"].str.replace("_IL_ASF_OD", "")
    assert sorted(names) == sorted(before["file_name"]) and (names != after["file_name"]).any()
    assert after["url"].str.contains(r"pair\d+.nc").any()
