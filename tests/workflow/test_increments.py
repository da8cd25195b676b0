"""New granules redo their own bucket of time and what follows from it, and give what a run from nothing gives."""

from __future__ import annotations

import os

import numpy as np
import pytest
from tests.builders import sea_ice, tiny_granules
from tests.workflow.same_bytes import differences
from tests.workflow.workflow_runs import Flow

from nunatak.times import cycle_start, delta_time_to_utc, utc_to_delta_time

STUDIES = {
    "tracks": """
title: Tracks of one glacier
archive: directory
region: {bbox: [-36, 66, -33, 67]}
period: [2019-03-01, 2020-08-01]
products:
  atl06: {cycles: [3, 5, 7], filter: none, variables: [h_li, h_li_sigma]}
figures: {names: [extent], formats: [png]}
""",
    "floes": """
title: Sea ice of one autumn
archive: directory
region: {bbox: [170, -78, 180, -70]}
period: [2019-09-01, 2019-10-31]
products:
  atl10: {beams: all}
freeboard: {grid: {preset: ease2_south, cell: 25km}, bins: [month], statistics: [count, mean]}
figures: {names: [freeboard_mean], formats: [png]}
""",
}
PARTS = {
    "tracks": ("elevation/repeat_pairs.parquet", "atl06/counts.csv"),
    "floes": ("freeboard/grid.nc", "atl10/counts.csv", "figures/freeboard_mean.png"),
}
# the jobs that a granule of a new bucket brings: asking, fetching, reading, and what is made of all buckets
AGAIN = {
    "tracks": (
        "asking for atl06 granules",
        "fetching atl06 cycle07",
        "subsetting atl06 cycle07",
        "counting atl06 granules",
        "pairing repeats of a track",
    ),
    "floes": (
        "asking for atl10 granules",
        "fetching atl10 2019-10",
        "summing atl10 2019-10",
        "counting atl10 granules",
        "gridding freeboard",
        "drawing freeboard_mean",
    ),
}


def track(folder, cycle, rgt=627):
    """A granule of a cycle."""
    start = cycle_start(cycle) + np.timedelta64(rgt * 5669, "s")
    name = tiny_granules.name_of(rgt, cycle, 3, version="007", start=start)
    dated(tiny_granules.atl06(folder, name, start=start, orbit=(rgt, cycle)))


def floes(folder, month):
    """A granule of a month."""
    folder.mkdir(exist_ok=True)
    start = utc_to_delta_time(np.datetime64(f"2019-{month:02d}-15T12:00:00", "ns"))
    stamp = str(delta_time_to_utc(start).astype("datetime64[s]")).translate(str.maketrans("", "", "-T:"))
    columns = sea_ice.segments(40, longitude=np.full(40, 175.0), delta_time=start + 0.01 * np.arange(40))
    path = folder / f"ATL10-02_{stamp}_{700 + month:04d}0501_007_01.h5"
    dated(sea_ice.write_granule(path, {"gt1l": columns}, orientation=((0, start - 1e5),)))


def dated(path):
    """The same time of last change in every folder."""
    os.utime(path, (1.5e9, 1.5e9))


WRITE = {"tracks": (track, (3, 5), 7), "floes": (floes, (9,), 10)}


def wanted(name):
    return [f"results/{name}/{path}" for path in PARTS[name]]


@pytest.fixture(scope="module", params=sorted(STUDIES))
def grown(request, tmp_path_factory):
    """A study that was run, got granules of a further bucket, and was run again; and what the runs said."""
    name = request.param
    write, before, new = WRITE[name]
    flow = Flow(tmp_path_factory.mktemp("grown"))
    (flow / f"config/studies/{name}.yaml").write_text(STUDIES[name])
    for bucket in before:
        write(flow / "granules", bucket)
    first = flow.run(*wanted(name), directory="granules")
    assert first.code == 0, first.text
    write(flow / "granules", new)
    news = flow.run(f"update_{name}", directory="granules")
    second = flow.run(*wanted(name), directory="granules")
    assert second.code == 0, second.text
    return name, flow, first, news, second


def test_what_is_new_is_said_and_nothing_is_run_for_it(grown):
    name, _, _, news, _ = grown
    assert news.code == 0, news.text
    product = "atl06" if name == "tracks" else "atl10"
    assert f"{product}: 1 granules differ from the last run" in news.text
    assert news.text.count(".h5 is new\n") == 1 and "query_granules" not in news.jobs


def test_only_the_new_bucket_and_what_follows_is_done(grown):
    """One chunk is fetched and read; what is made of all chunks is made once more."""
    name, _, first, _, second = grown
    assert second.steps == sorted(f"{name}: {step}" for step in AGAIN[name])
    read = AGAIN[name][2].rpartition(" ")[0]
    assert sum(step.startswith(f"{name}: {read}") for step in first.steps) == len(WRITE[name][1]) + 1


def test_results_are_those_of_a_run_from_nothing(grown, tmp_path):
    name, flow, *_ = grown
    write, before, new = WRITE[name]
    fresh = Flow(tmp_path)
    (fresh / f"config/studies/{name}.yaml").write_text(STUDIES[name])
    for bucket in (*before, new):
        write(fresh / "granules", bucket)
    done = fresh.run(*wanted(name), directory="granules")
    assert done.code == 0, done.text
    assert differences(flow / "results" / name, fresh / "results" / name) == []
