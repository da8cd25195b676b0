"""Every fault of a service, met by a night's run: the client's own symptom first, then what the workflow does."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import earthaccess
import h5py
import numpy as np
import pandas as pd
import pytest
import urllib3.util.retry
from tests.archives.conftest import record_of
from tests.archives.fault_forms import GRANULES, PAIRS, SUBSETS, Comes, Empty, Fails, Stops
from tests.archives.fault_table import ROWS, TOOLS
from tests.archives.fetching import HERE, YEAR, md5
from tests.builders.tiny_granules import atl06, name_of
from tests.conftest import ROOT
from tests.standin import faults, services, stac, subsetter
from tests.standin.faults import FAULTS
from tests.standin.harmony import Harmony

import count_granules
import fetch_granules
import query_granules
from nunatak import study
from nunatak.archives.asking import asked_of
from nunatak.archives.nasa import subsets
from nunatak.files import retries
from nunatak.geometry.outlines import write_outlines
from nunatak.granules import granule_table
from nunatak.runtime import job
from nunatak.study.products import Atl06

PINE_ISLAND = study.load(ROOT / "config" / "studies" / "pine_island.yaml", overrides={"size": "tiny"}).products
ASKED = asked_of(HERE, YEAR)
CHUNK = {GRANULES: "cycle05", SUBSETS: "cycle05", PAIRS: "2019"}


@dataclass
class World:
    """Two granules at one door of the archive: the first was fetched long ago, the second is wanted tonight."""

    standin: object
    door: str
    base: Path
    first: object = None
    second: object = None
    said: dict = field(default_factory=dict)

    def folder(self):
        """A new folder for a client's files."""
        made = self.base / f"client{len(list(self.base.glob('client*')))}"
        made.mkdir()
        return made

    def job(self, rule, main, *words, **named):
        """Run a script as the workflow does; its last line when it stopped, else None."""
        log = self.base / f"{rule}.log"
        try:
            with job(SimpleNamespace(rule=rule, log=[log])):
                main(*words, **named)
        except SystemExit as ended:
            self.said[rule] = str(ended.code)
            return self.said[rule]
        return None

    def night(self):
        """Query and fetch; (rule, line) of where it stopped, or (None, None)."""
        base, archive = self.base, {"name": "earthdata", "resources": str(self.base / "resources"), "endpoints": None}
        product = "itslive" if self.door == PAIRS else "atl06"
        if self.door == SUBSETS:
            archive["subset"] = ASKED
        settings = PINE_ISLAND["itslive"] if self.door == PAIRS else Atl06()
        chunk, written = CHUNK[self.door], {name: base / name for name in ("granules", "left_out", "lists")}
        steps = [
            (
                "query_granules",
                query_granules.main,
                (base / "regions.geojson", written),
                {
                    "archive": archive,
                    "product": product,
                    "settings": settings,
                    "period": YEAR,
                    "chunks": [chunk],
                    "study": "night",
                },
            ),
            (
                "fetch_granules",
                fetch_granules.main,
                (base / "lists" / f"{chunk}.csv", base / "ledger"),
                {"archive": archive, "study": "night", "connections": 2},
            ),
        ]
        for path in (base / "granules", base / "ledger"):
            path.unlink(missing_ok=True)
        for rule, main, words, options in steps:
            line = self.job(rule, main, *words, **options)
            if line is not None:
                return rule, line
        return None, None

    def count(self, max_failed):
        return self.job(
            "count_granules",
            lambda *words: count_granules.main(words[0], [words[1]], words[2], max_failed=max_failed),
            self.base / "granules",
            self.base / "ledger",
            self.base / "counts.csv",
        )

    def hashes(self, record):
        """Of a granule whole and, where it may come so, of its cut by the service."""
        cut = {hashlib.sha256(self.cut(record)).hexdigest()} if self.door == SUBSETS else set()
        return {digest(record.path)} | cut

    def cut(self, record):
        span = tuple(np.datetime64(text[:19]) for text in (ASKED["start"], ASKED["stop"]))
        return subsetter.cut(record.path, "ATL06", ASKED["bbox"], span)

    @property
    def cut_bytes(self):
        return len(self.cut(self.second))

    @property
    def ledger(self):
        return pd.read_parquet(self.base / "ledger").set_index("granule_id")

    def named(self):
        """Every file that bears a granule's name, in the archive's folders, and its hash."""
        files = [path for end in ("h5", "nc") for path in (self.base / "resources").rglob(f"[!.]*.{end}")]
        return {path: digest(path) for path in files if "quarantine" not in path.parts}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def granules(world):
    """Two granules of ATL06 with checksums."""
    made = [atl06(world.base / "held", name_of(rgt), n=2000) for rgt in (627, 628)]
    world.standin.records += [record_of(path, checksum=md5) for path in made]
    return world.standin.records[:2]


def pairs(world):
    """Two image pairs of the public bucket."""
    made = []
    for number, day in enumerate(("20190105", "20190121")):
        images = f"LC08_L1GT_001113_{day}_20200901_02_T2_X_LC08_L1GT_001113_2019030{number + 1}_20200901_02_T2"
        path = world.base / f"{images}_G0120V02_P090.nc"
        with h5py.File(path, "w") as file:
            for name in ("vx", "vy", "img_pair_info"):
                file[name] = np.arange(20000, dtype="i4")
        made.append(SimpleNamespace(name=path.name, path=path, url=f"https://{faults.S3}{stac.PREFIX}{path.name}"))
    rows = granule_table([{"file_name": pair.name, "geometry": HERE.geometry.wkt} for pair in made])
    world.standin.services |= {
        faults.STAC: stac.Stac([stac.item_of(row) for row in rows.itertuples()]),
        faults.S3: stac.bucket([pair.path for pair in made]),
    }
    return made


@pytest.fixture
def world(request, standin, login, tmp_path, monkeypatch):
    """The world of a row, its first granule fetched; nobody sleeps between attempts, and patience is short."""
    quick = SimpleNamespace(**{**vars(urllib3.util.retry.time), "sleep": lambda seconds: None})
    monkeypatch.setattr(urllib3.util.retry, "time", quick)
    monkeypatch.setattr(earthaccess.Store._download_file.retry, "sleep", lambda seconds: None)
    monkeypatch.setattr(retries, "LONGEST", 0.01)
    monkeypatch.setattr(subsets, "INTERVAL", 0.01)
    made = World(standin, request.param, tmp_path)
    write_outlines({"region": HERE}, tmp_path / "regions.geojson")
    made.first, made.second = pairs(made) if made.door == PAIRS else granules(made)
    standin.services[faults.HARMONY] = Harmony(standin.records)
    standin.services[faults.HARMONY].states = ["successful"]
    only_the_first(made)
    # impatient from here on: the first look at the service takes what it takes
    monkeypatch.setattr(subsets, "PATIENCE", 0.3)
    monkeypatch.setattr(retries, "READ", 0.1)
    return made


def only_the_first(world):
    """An earlier night, when the archive had one granule."""
    if world.door == PAIRS:
        items = world.standin.services[faults.STAC].items
        kept, items[:] = list(items), items[:1]
        assert world.night() == (None, None)
        items[:] = kept
    else:
        kept, world.standin.records[:] = list(world.standin.records), world.standin.records[:1]
        assert world.night() == (None, None)
        world.standin.records[:] = kept
    assert list(world.ledger["status"]) == ["present"]


def test_the_table_has_every_fault():
    """At least forty, each with a row; a fault that is added without one fails here."""
    assert len(ROWS) >= 40 and len({row.fault for row in ROWS}) == len(ROWS)
    assert {row.fault for row in ROWS} | TOOLS == set(FAULTS)


@pytest.mark.parametrize(
    ("row", "world"), [(row, row.door) for row in ROWS], ids=[r.id for r in ROWS], indirect=["world"]
)
def test_fault(row, world, caplog):
    finished = world.named()
    assert len(finished) == 1

    switch_on(row, world)
    row.symptom.shown_by(attempt(row.client, world), world)

    world.standin.reset()
    switch_on(row, world)
    stopped, line = world.night()
    ours = row.ours
    if isinstance(ours, Stops):
        assert stopped == ours.rule and re.search(ours.words, line), (stopped, line)
        assert "\n" not in line and line.startswith(f"{stopped}: ")
        assert not (world.base / ("granules" if stopped == "query_granules" else "ledger")).exists()
    else:
        assert stopped is None, line
        one, two = (name.removesuffix(".h5").removesuffix(".nc") for name in (world.first.name, world.second.name))
        assert world.ledger["status"][one] == "present" and len(world.ledger) == 2
        judge(ours, world, world.ledger.loc[two])

    # nothing finished is lost or asked for again, and no file bears a granule's name that is not the granule
    assert finished.items() <= world.named().items()
    assert not [r for r in world.standin.requests() if world.first.name in r.path]
    assert set(world.named().values()) <= world.hashes(world.first) | world.hashes(world.second)
    texts = [*world.said.values(), *(path.read_text() for path in world.base.glob("*.log"))]
    for secret in (services.PASSWORD, services.TOKEN, services.SIGNATURE):
        assert not [text for text in texts if secret in text]


def switch_on(row, world):
    for name, options in row.also:
        world.standin.fault(name, **options)
    world.standin.fault(row.fault, **row.options)


def attempt(client, world):
    """What a client returns, or the exception it raises."""
    try:
        return client(world)
    except Exception as error:  # noqa: BLE001  whatever it is, the row says which it must be
        return error


def judge(ours, world, found):
    log = (world.base / "fetch_granules.log").read_text()
    if isinstance(ours, Fails):
        assert found["status"] == "failed" and re.search(ours.words, found["reason"]), found["reason"]
        assert re.search("1 of 2 granules failed, max_failed allows 0", world.count(0))
        assert world.count(1) is None
        aside = [path for path in (world.base / "resources").rglob("quarantine/*") if path.is_file()]
        assert len(aside) == (2 if "quarantine" in found["reason"] else 0)  # it was asked for once more
    elif isinstance(ours, Empty):
        assert (found["status"], world.count(0)) == ("empty", None) and re.search(ours.words, found["reason"])
    else:
        assert isinstance(ours, Comes)
        assert (found["status"], world.count(0)) == ("present", None), found["reason"]
        assert found["sha256"] in world.hashes(world.second)
        assert re.search(ours.words, log), log


@pytest.mark.parametrize("world", [GRANULES], indirect=True)
def test_a_record_that_is_left_out_is_told_to_who_watches(world, capsys):
    """One of two records names no file: the other is fetched, and the screen says which one is missing and why."""

    def without_links(answer, request):
        page = json.loads(answer.body)
        for item in page["items"]:
            if item["meta"]["concept-id"] == world.second.concept_id:
                item["umm"]["RelatedUrls"] = []
        return replace(answer, body=json.dumps(page).encode())

    world.standin.fault("cmr_no_links", change=without_links)
    assert world.night() == (None, None)
    assert list(world.ledger["status"]) == ["present"]
    said = f"atl06: {world.second.concept_id}: left out: {world.second.name}: has no link to a data file"
    assert said in capsys.readouterr().err
