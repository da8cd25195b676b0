"""From granules to grid without Snakemake: the same sums however they are made, bad granules, empty months, years."""

from __future__ import annotations

import importlib.util

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from tests.builders.studies import damage
from tests.conftest import ROOT

from nunatak import constants, study
from nunatak.files.tables import read_table, write_table
from nunatak.geometry.outlines import STUDY_REGION, write_outlines
from nunatak.granules import ledger as make_ledger
from nunatak.granules.datums import reference_frame, release_of
from nunatak.granules.lists import check_failures
from nunatak.gridding import make_grid, statistics, sum_segments, to_tables
from nunatak.products import atl10 as atl10_reader
from nunatak.results import reading, targets
from nunatak.runtime import NunatakError, file_sha256, stamp
from nunatak.simulation import atl10, seaice_passes, world
from nunatak.study.parts import product_settings, typed
from nunatak.study.sections import Freeboard, FreeboardGrid

TABLES = ("rows", "levels", "granules", "ledger")


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


accumulate, grid = script("accumulate_freeboard"), script("grid_freeboard")


@pytest.fixture(scope="module")
def asked():
    return study.load(ROOT / "config/studies/ross_sea.yaml", overrides={"archive": "simulated", "size": "tiny"})


@pytest.fixture(scope="module")
def granules(tmp_path_factory):
    """Three simulated granules of either layout, and one cut short."""
    folder = tmp_path_factory.mktemp("atl10")
    place = world("ross_sea", "tiny")
    rgts = [one.rgt for one in seaice_passes.passes(place)[:4]]
    paths = atl10.write(place, folder, rgts=rgts[:2]) + atl10.write(place, folder, rgts=rgts[2:], version="005")
    whole = paths[-1].read_bytes()
    paths[-1].write_bytes(whole[: len(whole) // 3])
    return paths


class Made:
    """The tables of one chunk."""

    def __init__(self, folder, granules, asked, **options):
        folder.mkdir(parents=True)
        self.out = {name: folder / f"{name}.parquet" for name in TABLES}
        self.regions = folder / "regions.geojson"
        write_outlines({STUDY_REGION: asked.region}, self.regions)
        rows = [
            {
                "granule_id": path.stem,
                "path": str(path),
                "status": "present",
                "reason": "",
                "size_bytes": path.stat().st_size,
                "sha256": file_sha256(path),
            }
            for path in granules
        ]
        about = stamp(study="ross_sea", source="SIMULATED")
        write_table(make_ledger(rows), folder / "fetched.parquet", attributes=about)
        product = asked.products["atl10"].model_dump(mode="json") | options.pop("product", {})
        accumulate.main(
            folder / "fetched.parquet",
            self.regions,
            self.out,
            product="atl10",
            settings=product_settings("atl10", product),
            freeboard=freeboard_of(asked, **options.pop("freeboard", {})),
            period=asked.period,
            study="ross_sea",
            **options,
        )

    def table(self, name):
        return read_table(self.out[name])


def freeboard_of(asked, **changes):
    return typed(Freeboard, asked.gridded_freeboard.model_dump(mode="json") | changes)


def gridded(folder, made, asked, theirs=(), **changes):
    """The Datasets and tables of some chunks, compared with ATL20 files."""
    inputs = {"regions": made[0].regions, "atl20": list(theirs)}
    inputs |= {name: [chunk.out[name] for chunk in made] for name in TABLES[:3]}
    inputs["ledgers"] = [chunk.out["ledger"] for chunk in made]
    names = {"grid": "grid.nc", "maps": "maps", "series": "series.csv", "distribution": "distribution.csv"}
    out = {name: folder / path for name, path in names.items()}
    grid.main(
        inputs,
        out,
        product="atl10",
        settings=asked.products["atl10"],
        freeboard=freeboard_of(asked, **changes),
        period=asked.period,
        study="ross_sea",
    )
    return out


@pytest.fixture(scope="module")
def whole(tmp_path_factory, granules, asked):
    return Made(tmp_path_factory.mktemp("whole") / "a", granules, asked)


def test_a_broken_granule_is_a_row_with_its_reason(whole, granules):
    """Three granules of two layouts are summed; the fourth has failed, with words, and stops nothing."""
    ledger = whole.table("ledger").set_index("granule_id")
    assert ledger["status"].value_counts().to_dict() == {"present": 3, "failed": 1}
    assert "changed" in ledger.loc[granules[-1].stem, "reason"] or ledger.loc[granules[-1].stem, "reason"]
    tally = whole.table("granules")
    assert len(tally) == 3
    assert ledger["n_points"].sum() == tally[["n_points", "n_outside", "n_invalid"]].to_numpy().sum()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scheduler", ["threads", "cluster"])
def test_dask_gives_the_same_bytes(tmp_path, whole, granules, asked, request, scheduler):
    """Dask's threads, and workers of their own process behind an address."""
    if scheduler == "cluster":
        scheduler = request.getfixturevalue("dask_cluster")
    other = Made(tmp_path / "b", granules, asked, scheduler=scheduler)
    for name in TABLES:
        assert file_sha256(other.out[name]) == file_sha256(whole.out[name]), name


def test_two_chunks_make_the_grid_of_one(tmp_path, whole, granules, asked):
    """Whatever the share of granules between jobs, every value is the same to the last bit."""
    parts = [Made(tmp_path / "first", granules[::2], asked), Made(tmp_path / "second", granules[1::2], asked)]
    one, two = gridded(tmp_path / "one", [whole], asked), gridded(tmp_path / "two", parts, asked)
    used = {release_of(name) for name in whole.table("ledger").query("status == 'present'")["granule_id"]}
    for name in ("week", "month"):
        ours, theirs = (reading.read_freeboard(out["grid"])[name] for out in (one, two))
        said = ours.attrs["release"], ours.attrs["reference_frame"]
        assert said == (", ".join(sorted(used)), ", ".join(sorted({reference_frame(r) for r in used})))
        xr.testing.assert_equal(ours, theirs)
    for name in ("series", "distribution"):
        pd.testing.assert_frame_equal(reading.freeboard_table(one[name]), reading.freeboard_table(two[name]))


def test_filters_of_the_study_reach_the_reader(tmp_path, granules, asked):
    """Only leads, of weak beams: other segments, all of them leads."""
    limits = {"beam_fb_height": [-1.0, 0.3], "ice_conc_amsr2": [10.0, None]}
    changes = {"types": [3, 7], "beams": ["weak"], "limits": limits}
    made = Made(tmp_path / "leads", granules[:2], asked, product=changes)
    rows = made.table("rows")
    assert rows["n"].sum() > 0
    assert (rows["n"] == rows["n_lead"]).all()
    assert made.table("ledger")["reason"].str.contains("dropped by height_segment_type").all()


def test_a_filter_no_granule_has_leaves_nothing_unfiltered(tmp_path, granules, asked):
    """Release 007 has no ice_conc: its granules fail with that reason and nothing is gridded; release 005 has it."""
    limits = {"version": None, "limits": {"ice_conc": [10.0, None]}}
    made = Made(tmp_path / "new", granules[:2], asked, product=limits)
    outcome = made.table("ledger")
    assert list(outcome["status"]) == ["failed"] * 2 and made.table("rows").empty
    assert outcome["reason"].str.contains("has no 'ice_conc' to filter by; filter by ice_conc_").all()
    with pytest.raises(NunatakError, match=r"nothing to grid.*has no 'ice_conc' to filter by"):
        gridded(tmp_path / "grid", [made], asked)
    assert list(Made(tmp_path / "old", granules[2:3], asked, product=limits).table("ledger")["status"]) == ["present"]


def test_a_damaged_strong_beam_makes_the_granule_failed(tmp_path, granules, asked):
    """What the other beams hold is kept and counted; the beam and the dataset are named, and max_failed counts it."""
    whole = Made(tmp_path / "whole", granules[:1], asked)
    broken = tmp_path / granules[0].name
    broken.write_bytes(granules[0].read_bytes())
    with h5py.File(broken) as file:
        beam = next(b for b in ("gt1l", "gt1r") if file[b].attrs["atlas_beam_type"] == b"strong")
    damage(broken, f"{beam}/freeboard_segment/beam_fb_height")
    made = Made(tmp_path / "made", [broken], asked)
    row = made.table("ledger").iloc[0]
    assert row["status"] == "failed"
    assert f"{beam} failed: freeboard_segment/beam_fb_height: damaged" in row["reason"]
    assert 0 < row["n_points"] < whole.table("ledger")["n_points"].iloc[0]
    with pytest.raises(NunatakError, match="1 of 1 granules failed, max_failed allows 0"):
        check_failures(made.table("ledger"), 0)


def test_the_propagated_error_is_read_when_it_is_asked_for(tmp_path, granules, asked):
    """
    Release 007 calls it beam_fb_unc, release 005 beam_fb_sigma.

    In each cell the sum of (weight x error)^2 over that of weight^2 lies between the least and the largest error stated
    in the granule, squared; cells with a segment that states none have no error.
    """
    made = Made(tmp_path / "sigma", granules[:3], asked, freeboard={"statistics": ["count", "mean", "sigma"]})
    rows = made.table("rows")
    mean_square = (rows["sw2e2"] / rows["sw2"]).groupby(rows["granule"])
    assert len(mean_square) == 3 and rows["sw2e2"].notna().groupby(rows["granule"]).sum().min() >= 1
    places = ("freeboard_segment/beam_fb_unc",) * 2 + ("freeboard_beam_segment/beam_freeboard/beam_fb_sigma",)
    for path, place, (_, found) in zip(granules, places, mean_square, strict=False):
        with h5py.File(path) as file:
            stated = np.concatenate([file[f"{beam}/{place}"][:] for beam in constants.BEAMS])
        low, high = stated[stated < 1e30].min(), stated[stated < 1e30].max()
        assert low**2 * 0.999 <= found.min() and found.max() <= high**2 * 1.001 and low < high


def test_a_grid_of_ones_own_and_an_outline(tmp_path, asked):
    """Bounds are snapped outward to the lattice; an outline's bounds likewise; north and south have their own grid."""
    own = {"crs": "EPSG:3031", "cell": "20km", "bounds": [-301e3, -1.9e6, 299e3, -1.5e6]}
    made = accumulate.grid_of(FreeboardGrid(**own), asked.region)
    assert made.bounds == (-320e3, -1.9e6, 300e3, -1.5e6) and made.dx == 20e3
    path = tmp_path / "box.geojson"
    path.write_text('{"type": "Polygon", "coordinates": [[[178,-76],[179,-76],[179,-75],[178,-75],[178,-76]]]}')
    small = accumulate.grid_of(FreeboardGrid(outline=str(path)), asked.region)
    assert (small.crs, small.dx) == ("EPSG:6932", 12_500.0) and small.size < 200
    north = study.load(ROOT / "config/studies/austfonna.yaml").region
    assert accumulate.grid_of(FreeboardGrid(), north).crs == "EPSG:6931"


def test_nothing_to_grid_is_said_in_one_line(tmp_path, granules, asked):
    """Every segment filtered away: counted, and the study stops with the reason."""
    made = Made(tmp_path / "none", granules[:1], asked, product={"limits": {"beam_fb_height": [9.0, 10.0]}})
    assert made.table("ledger")["reason"].str.contains("dropped by beam_fb_height").all()
    with pytest.raises(
        NunatakError,
        match=r"atl10: nothing to grid: 0 points .*; 1 granules present \(gt1l: .*beam_fb_height.*; look at the period",
    ):
        gridded(tmp_path / "out", [made], asked)


def test_several_years_have_a_climatology_and_anomalies(tmp_path, whole, asked):
    """The same sums a year later, 0.1 m thicker: anomalies of half of that to either side."""
    later = Made.__new__(Made)
    later.regions, later.out = whole.regions, {name: tmp_path / f"{name}.parquet" for name in TABLES}
    for name in TABLES:
        table = whole.table(name)
        about = table.attrs["attributes"]
        if "day" in table:
            table["day"] += 366
        if name == "rows":
            table["swv"] += 0.1 * table["sw"]
        if name == "granules":
            table["granule_id"] = "z" + table["granule_id"]
        write_table(table, later.out[name], attributes=about)
    years = asked.model_copy(update={"period": study.Period.model_validate({"years": [2019, 2020], "months": [9]})})
    out = gridded(tmp_path / "years", [whole, later], years, bins=["month"], statistics=["count", "mean", "stderr"])
    bins = reading.read_freeboard(out["grid"])
    assert list(bins) == ["month", "climatology", "anomaly"]
    assert bins["month"].sizes["time"] == 2
    anomaly = bins["anomaly"]["anomaly"].values
    assert np.nanmax(np.abs(anomaly[0] + 0.05)) < 1e-9 and np.nanmax(np.abs(anomaly[1] - 0.05)) < 1e-9


def test_difference_from_the_users_atl20(tmp_path, whole, granules, asked):
    """Theirs 0.02 m thinner everywhere: the difference is that, with the months in common; another grid is refused."""
    made = Made.__new__(Made)
    made.regions, made.out = whole.regions, {}
    hughes = make_grid(preset="nsidc_south_hughes", region=asked.region)
    segments = pd.concat([atl10_reader.read_segments(path)[0].assign(granule_id=path.stem) for path in granules[:2]])
    sums = sum_segments(segments, hughes, value="beam_fb_height", weight="height_segment_length_seg", level_width=0.01)
    tables, attributes = to_tables(sums)
    for name, table in tables.items():
        made.out[name] = tmp_path / f"{name}.parquet"
        write_table(table, made.out[name], attributes={**attributes, "nunatak_source": "SIMULATED"})
    made.out["ledger"] = whole.out["ledger"]
    theirs = tmp_path / "ATL20-02_20190901000000_12340401_004_01.h5"
    month = statistics(sums, "month", ("mean",))
    with h5py.File(theirs, "w") as file:
        file["grid_x"], file["grid_y"] = month["x"].values, month["y"].values
        file["monthly/mean_fb"] = np.nan_to_num(month["mean"].values[0] - 0.02, nan=3.4028235e38).astype("f4")
    out = gridded(tmp_path / "out", [made], asked, theirs=[theirs], bins=["month"], statistics=["count", "mean"])
    compared = reading.read_freeboard(out["grid"])["atl20"]["difference"]
    assert abs(float(compared.mean()) - 0.02) < 1e-6 and int(compared.count()) > 20
    with pytest.raises(NunatakError, match=r"lies on another grid \(EPSG:3412\) than ours \(EPSG:6932"):
        gridded(tmp_path / "other", [whole], asked, theirs=[theirs], bins=["month"], statistics=["count", "mean"])


def test_the_distribution_is_a_result_with_and_without_a_histogram():
    """It is written always, so that no end of a run takes it for a file of an older study."""
    path = ROOT / "config/studies/ross_sea.yaml"
    for kept in (["mean"], ["mean", "median"]):
        loaded = study.load(path, overrides={"freeboard": {"statistics": kept}})
        assert "freeboard/distribution.csv" in targets.everything(loaded)
