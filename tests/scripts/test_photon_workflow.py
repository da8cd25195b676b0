"""From fetched ATL03 granules to heights, comparison, figures and checks: the scripts as the workflow calls them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pytest
from tests.builders.falsified import Changed

import compare_heights
import fit_photons
import plot_figure
import request_heights
import sample_photons
from nunatak import api, granules, simulation
from nunatak.archives import ServiceFailed
from nunatak.checks import photons as checks
from nunatak.checks import releases, together
from nunatak.files.tables import read_table, write_csv, write_table
from nunatak.geometry import region
from nunatak.geometry.outlines import write_outlines
from nunatak.geometry.points import placed
from nunatak.products import atl06
from nunatak.results.loading import Opened
from nunatak.simulation import atl03, atl08
from nunatak.simulation import atl06 as simulated_atl06
from nunatak.study.parts import typed
from nunatak.study.period import Period
from nunatak.study.photon_products import Atl03, Atl06sr

PERIOD = {"start": "2019-01-01T00:00:00", "end": "2021-01-01T00:00:00", "months": None}
ASKED = {"srt": "land_ice", "cnf": 1, "maxi": 6, "rgt": 548, "cycles": 3}
ABOUT = {"nunatak_source": "SIMULATED"}
WORLD = {"name": "austfonna", "size": "tiny"}


def settings(model=Atl06sr, **keys):
    asked = {name: value for name, value in ASKED.items() if name in model.model_fields}
    return model.model_validate({**asked, **keys})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """One pass: 4 km of photons, their classes, ATL06; the tables that search and fetch would leave."""
    folder = tmp_path_factory.mktemp("photons")
    world = simulation.world(**WORLD)
    world = replace(world, settings={**world.settings, "atl03_segments": 200})
    run, cycle = atl03.passes(world, cycles=[3])[0]
    path = atl03.write_granule(world, folder / "granules", run, cycle)
    (classes,) = atl08.write(world, folder / "granules", cycles=[3])
    (segments,) = simulated_atl06.write(world, folder / "granules", cycles=[3])
    write_outlines({"region": region.load({"bbox": [10, 79, 30, 81]})}, folder / "regions.geojson")
    points, _ = atl06.read_segments(segments)
    points.attrs.setdefault("units", {})
    write_table(
        placed(points, "EPSG:3413"), folder / "points.parquet", attributes={**ABOUT, "release": "007"}, points=True
    )
    write_ledger(folder / "ledger.parquet", [path])
    write_ledger(folder / "classes.parquet", [classes])
    return SimpleNamespace(
        folder=folder, path=path, classes=classes, regions=folder / "regions.geojson", ledger=folder / "ledger.parquet"
    )


def write_ledger(path, files, status="present"):
    rows = [
        {"granule_id": f.stem, "path": str(f), "status": status, "reason": "", "size_bytes": f.stat().st_size}
        for f in files
    ]
    write_table(granules.ledger(rows), path, attributes=ABOUT)


def fit(place, out, *, ledger=None, product="atl06sr", period=PERIOD, classes=(), **keys):
    """Run the script; returns table and ledger."""
    model = Atl06sr if product == "atl06sr" else Atl03
    fit_photons.main(
        ledger or place.ledger,
        place.regions,
        out / "rows.parquet",
        out / "read.parquet",
        product=product,
        settings=settings(model, **keys),
        period=typed(Period, period),
        study="s",
        crs="EPSG:3413",
        classes=classes,
    )
    return read_table(out / "rows.parquet"), read_table(out / "read.parquet")


def test_a_chunk_holds_what_the_facade_gives(place, tmp_path):
    """Same rows, with granule, place on the map, units, and every beam's fate in the ledger."""
    table, ledger = fit(place, tmp_path)
    alone = api.atl06sr(place.path, {**{k: ASKED[k] for k in ("srt", "cnf", "maxi")}, "profile": "anchored"})
    np.testing.assert_array_equal(table["h_mean"], alone["h_mean"])
    assert len(table) > 1000 and set(table["granule_id"]) == {place.path.stem}
    assert table.attrs["attributes"]["nunatak_source"] == "SIMULATED" and table.attrs["units"]["x"] == "m"
    assert np.hypot(table["x"] - 1.04e6, table["y"] + 3.9e5).max() < 6e4
    row = ledger.iloc[0]
    assert row["status"] == "present" and row["n_points"] == len(table) and row["n_photons"] > row["n_selected"] > 0
    assert [row[beam] for beam in ("gt1l", "gt1r", "gt2l", "gt2r", "gt3l", "gt3r")] == ["ok"] * 6


def test_extents_on_request(place, tmp_path):
    """The photons of every extent, a row each."""
    table, ledger = fit(place, tmp_path, product="atl03", beams=["gt1l"], extents=True)
    assert set(table["beam"]) == {"gt1l"} and (table.groupby("extent_id").size() >= 10).all()
    assert ledger["gt2r"].iloc[0] == "not asked for"


def test_older_names_on_request(place, tmp_path):
    """`columns: classic` has the reference's older names, and the period still counts."""
    table, _ = fit(place, tmp_path, columns="classic", beams=["gt1l"])
    assert {"lat", "lon", "distance", "delta_time", "x"} <= set(table) and "time" not in table
    nothing, ledger = fit(place, tmp_path, columns="classic", period={**PERIOD, "start": "2020-01-01T00:00:00"})
    assert nothing.empty and list(nothing) == list(table)
    assert ledger["status"].tolist() == ["empty"] and ledger["reason"].tolist() == ["no row in region and period"]


def test_classes_come_from_the_granule_of_the_same_pass(place, tmp_path):
    """Ground photons alone give fewer photons; without the partner the granule has failed and says so."""
    whole, _ = fit(place, tmp_path)
    ground, _ = fit(place, tmp_path, atl08_class="atl08_ground", cnf=0, classes=[place.folder / "classes.parquet"])
    assert 0 < ground["n_fit_photons"].mean() < whole["n_fit_photons"].mean()
    table, ledger = fit(place, tmp_path, atl08_class="atl08_ground")
    assert table.empty and ledger["status"].tolist() == ["failed"]
    assert ledger["reason"].iloc[0].startswith("no ATL08 granule of the same pass and release was fetched")


def test_a_bad_granule_is_told_and_the_good_one_kept(place, tmp_path):
    """Truncated, gone, outside, not fetched: each has its line, and the table its rows."""
    cut, gone, late = (tmp_path / place.path.name.replace("_05480303_", f"_0548{c}03_") for c in ("04", "05", "06"))
    cut.write_bytes(place.path.read_bytes()[:100_000])
    shutil.copyfile(place.path, gone)
    shutil.copyfile(place.path, late)
    write_ledger(tmp_path / "ledger.parquet", [place.path, cut, gone, late])
    gone.unlink()
    late.write_bytes(b"x")
    table, ledger = fit(place, tmp_path, ledger=tmp_path / "ledger.parquet", beams=["gt1l"])
    assert set(table["granule_id"]) == {place.path.stem}
    assert ledger["status"].tolist() == ["present", "failed", "failed", "failed"]
    assert "gone" in ledger["reason"].iloc[2] and "changed" in ledger["reason"].iloc[3]
    write_ledger(tmp_path / "none.parquet", [place.path], status="empty")
    table, ledger = fit(place, tmp_path, ledger=tmp_path / "none.parquet")
    assert table.empty and "h_mean" in table and ledger["status"].tolist() == ["empty"]


def test_one_failed_beam_fails_the_granule_and_keeps_the_others(place, tmp_path):
    """`max_failed` decides whether that is enough; the reason names the beam."""
    import h5py

    broken = tmp_path / place.path.name
    shutil.copyfile(place.path, broken)
    with h5py.File(broken, "r+") as file:
        del file["gt2l/heights/h_ph"]
    write_ledger(tmp_path / "ledger.parquet", [broken])
    table, ledger = fit(place, tmp_path, ledger=tmp_path / "ledger.parquet")
    assert len(table["beam"].unique()) == 5
    assert ledger["status"].tolist() == ["failed"] and ledger["gt2l"].tolist() == ["failed"]
    assert ledger["reason"].iloc[0].startswith("gt2l failed: ") and "h_ph" in ledger["reason"].iloc[0]


@pytest.fixture(scope="module")
def compared(place, tmp_path_factory):
    """Heights, comparison and a stretch, as files."""
    out = tmp_path_factory.mktemp("compared")
    fit(place, out)
    compare_heights.main(
        [out / "rows.parquet"], [place.folder / "points.parquet"], out / "comparison.parquet", other="atl06", study="s"
    )
    sample_photons.main(
        [out / "rows.parquet"],
        [out / "read.parquet"],
        out / "cloud.parquet",
        out / "stretch.parquet",
        settings=settings(),
        study="s",
    )
    return out


def test_fitted_heights_agree_with_atl06_and_truth(compared):
    """Most segments have a partner; all checks pass, and a shift of 20 cm would fail them."""
    table = read_table(compared / "comparison.parquet")
    fitted = read_table(compared / "rows.parquet")
    assert 0.7 * len(fitted) < len(table) <= len(fitted)
    found = checks.beside_atl06(table) + checks.against_truth(table, WORLD)
    said = table.attrs["attributes"]
    assert (said["release_of_atl06"], said["release_of_atl06sr"], said["release"]) == ("007", "006", "006, 007")
    assert not releases.of_places("both", table, len(table)).applies, "simulated"
    table.attrs["attributes"] = {**said, "nunatak_source": "NSIDC"}
    assert releases.of_places("both", table, len(table)).value == len(table)
    assert len(found) >= 8 and not any(check.failed for check in found), [c for c in found if c.failed]
    wrong = table.assign(h_mean=table["h_mean"] + 0.2, difference=table["difference"] + 0.2)
    failed = {c.name for c in checks.beside_atl06(wrong) + checks.against_truth(wrong, WORLD) if c.failed}
    assert {"atl06sr_less_atl06/0-0.5/median", "atl06sr_less_truth/0-0.5/median"} <= failed
    assert not any(name.startswith("atl06_less_truth") for name in failed)
    assert not checks.beside_atl06(table.iloc[:0])[0].held


def test_the_stretch_is_what_was_fitted(compared):
    """Twenty segments in a row; their photons that are selected lie about them."""
    cloud, stretch = read_table(compared / "cloud.parquet"), read_table(compared / "stretch.parquet")
    assert (np.diff(stretch["segment_id"].astype(int)) == 1).all() and len(stretch) == 20
    assert stretch["spot"].iloc[0] % 2 == 1 and (stretch["pflags"] == 0).all()
    chosen = cloud[cloud["selected"]]
    line = np.interp(chosen["x_atc"], stretch["x_atc"], stretch["h_mean"])
    assert np.median(np.abs(chosen["height"] - line)) < 0.2 and (~cloud["selected"]).sum() > 10
    reach = stretch["x_atc"].max() - stretch["x_atc"].min() + 40
    assert cloud["x_atc"].max() - cloud["x_atc"].min() == pytest.approx(reach, abs=3)


def steeper(table):
    return table["slope"] > table["slope"].median()


ROWS, STRETCH = {"atl06sr/rows_atl06"}, {"photon_segments"}
STEEP = ROWS | {"atl06sr_sigma", *(f"atl06_less_truth/{n}" for n in ("0-0.5/median", "0.5-1/median", "0-0.5/nmad"))}
WRONG = {
    "difference + 0.04 m": ("heights_compared", {"difference": lambda t: t["difference"] + 0.04}, ROWS),
    "heights + 0.04 m": ("heights_compared", {"h_mean": lambda t: t["h_mean"] + 0.04}, ROWS),
    "steeper half + 0.45 m": ("heights_compared", {"h_mean": lambda t: t["h_mean"] + 0.45 * steeper(t)}, STEEP),
    "errors x 10": ("heights_compared", {"h_sigma": lambda t: t["h_sigma"] * 10}, ROWS | {"atl06sr_sigma"}),
    "20 m along the track": ("heights_compared", {"x_atc": lambda t: t["x_atc"] + 20}, ROWS),
    "segments + 0.5 m": (
        "photon_segments",
        {"h_mean": lambda t: t["h_mean"] + 0.5},
        STRETCH | {"photon_cloud/median"},
    ),
    "photons + 0.5 m": ("photon_cloud", {"height": lambda t: t["height"] + 0.5}, {"photon_cloud/median"}),
    "photons elsewhere": ("photon_cloud", {"latitude": lambda t: t["latitude"] + 0.01}, {"photon_cloud/place"}),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_results_of_photons_are_noticed(place, compared, wrong):
    name, columns, noticed = WRONG[wrong]
    files = {"heights_compared": "comparison", "photon_segments": "stretch", "photon_cloud": "cloud", "fitted": "rows"}
    inputs = {key: compared / f"{file}.parquet" for key, file in files.items()}
    results = Opened(inputs | {"points_atl06": place.folder / "points.parquet"})

    def failed(values):
        found = together.find(Changed(results, values), together.Sources(), world=WORLD)
        return {check.name for check in found if check.failed and not check.name.startswith("atl06sr_less")}

    assert failed({}) == set()
    assert failed({name: results[name].assign(**columns)}) == noticed


@pytest.mark.parametrize(
    ("name", "inputs", "numbers"),
    [
        ("photons_fit", {"photon_cloud": "cloud", "photon_segments": "stretch"}, {"segments": 20}),
        ("atl06sr_vs_atl06", {"heights_compared": "comparison"}, {}),
    ],
)
def test_figures_state_what_they_show(place, compared, tmp_path, name, inputs, numbers):
    """Picture and sidecar from the files alone, marked as simulated."""
    paths = {key: str(compared / f"{value}.parquet") for key, value in inputs.items()}
    outputs = [str(tmp_path / f"{name}.{kind}") for kind in ("png", "json")]
    plot_figure.main(name, {"regions": str(place.regions), "granules": [], **paths}, outputs, study="s", title="Ice")
    sidecar = json.loads((tmp_path / f"{name}.json").read_text())
    assert sidecar["nunatak_source"] == "SIMULATED" and (tmp_path / f"{name}.png").stat().st_size > 10_000
    assert numbers.items() <= sidecar["numbers"].items()
    said = sidecar["numbers"].get("difference_m", sidecar["numbers"].get("h_sigma_m"))
    assert abs(said["median"]) < 0.05


def test_the_service_gives_the_same_table(place, tmp_path):
    """`engine: sliderule`, through the client, from a server on this machine; a granule it lacks ends the job."""
    local, _ = fit(place, tmp_path, profile="legacy")
    listed = tmp_path / "list.csv"
    row = {"file_name": place.path.name, "url": place.path.name, "source": "SIMULATED"}
    write_csv(granules.granule_table([row]), listed)
    lines = [line for line in listed.read_text().splitlines() if not line.startswith("#")]
    listed.write_text("\n".join(lines) + "\n")
    asked = {
        "regions": place.regions,
        "out": tmp_path / "s.parquet",
        "out_ledger": tmp_path / "s_read.parquet",
        "settings": settings(engine="sliderule"),
        "period": typed(Period, PERIOD),
        "study": "s",
        "archive": "simulated",
        "crs": "EPSG:3413",
    }
    served = {"background": True, "port": 0, "resources": tmp_path / "resources"}
    with api.serve_photons(place.folder / "granules", **served) as server:
        request_heights.main(listed, endpoint=f"http://{server.address}", **asked)
        table = read_table(tmp_path / "s.parquet")
        pd.testing.assert_frame_equal(table, local, check_exact=False, atol=1e-6, rtol=1e-12)
        assert read_table(tmp_path / "s_read.parquet")["status"].tolist() == ["present"]
        listed.write_text(listed.read_text().replace("_05480303_", "_05480403_"))
        with pytest.raises(ServiceFailed, match="not in the archive of asset icesat2"):
            request_heights.main(listed, endpoint=f"http://{server.address}", **asked)
    with pytest.raises(ServiceFailed, match="ask again later"):
        request_heights.main(listed, endpoint=f"http://{server.address}", **asked)


def test_tides_are_taken_off_fitted_heights_of_floating_ice(place, tmp_path):
    """Half of the pass floats: its heights are 0.7 m (tide) and 0.1 m (atmosphere) lower, the others are as before."""
    tidal = tmp_path / place.path.name
    shutil.copy(place.path, tidal)
    with h5py.File(tidal, "r+") as file:
        for beam in [name for name in file if name.startswith("gt")]:
            for name, value in (("tide_ocean", 0.7), ("dac", 0.1)):
                group = file[f"{beam}/geophys_corr"]
                group[name][...] = np.full(group[name].shape, value, "f4")
    write_ledger(tmp_path / "ledger.parquet", [tidal])
    before, _ = fit(place, tmp_path)
    middle = float(before["latitude"].median())
    shelf = region.load({"bbox": [10, 79, 30, middle]})
    outlines = {"region": region.load({"bbox": [10, 79, 30, 81]}), "shelf": shelf}
    write_outlines(outlines, tmp_path / "regions.geojson")
    there = SimpleNamespace(regions=tmp_path / "regions.geojson", ledger=tmp_path / "ledger.parquet")
    after, _ = fit(there, tmp_path, floating="shelf")
    floats = shelf.contains(after["longitude"].to_numpy(), after["latitude"].to_numpy())
    assert len(before) == len(after) and 0.4 < floats.mean() < 0.6
    np.testing.assert_allclose(before["h_mean"] - after["h_mean"], np.where(floats, 0.8, 0.0), atol=1e-4)
    assert after.attrs["attributes"]["tides_removed"] == "tide_ocean and dac where shelf floats"


def test_floating_heights_without_a_tide_are_counted(place, tmp_path, caplog):
    """As for ATL06: the height is missing, and one line of the log says how many."""
    tideless = tmp_path / place.path.name
    shutil.copy(place.path, tideless)
    with h5py.File(tideless, "r+") as file:
        for beam in [name for name in file if name.startswith("gt")]:
            group = file[f"{beam}/geophys_corr"]
            group["tide_ocean"][...] = np.full(group["tide_ocean"].shape, np.finfo("f4").max, "f4")
    write_ledger(tmp_path / "ledger.parquet", [tideless])
    whole = region.load({"bbox": [10, 79, 30, 81]})
    write_outlines({"region": whole, "shelf": whole}, tmp_path / "regions.geojson")
    there = SimpleNamespace(regions=tmp_path / "regions.geojson", ledger=tmp_path / "ledger.parquet")
    found, _ = fit(there, tmp_path, floating="shelf")
    assert len(found) > 1000 and found["h_mean"].isna().all()
    assert f"{len(found)} heights have no tide_ocean or dac and are left out" in caplog.text


def test_heights_above_the_geoid_are_held_against_the_truth_above_it(compared):
    """The table says what its heights are above; the same heights less the geoid of 31 m pass as well."""
    table = read_table(compared / "comparison.parquet")
    geoid = simulation.world(**WORLD).truth.geoid
    assert geoid == 31.0 and table.attrs["attributes"]["height_datum"] == "WGS84 ellipsoid"
    lower = table.assign(h_mean=table["h_mean"] - geoid)
    lower.attrs = {"attributes": {**table.attrs["attributes"], "height_datum": "EGM2008 geoid"}}
    both = [{c.name: c.value for c in checks.against_truth(each, WORLD)} for each in (table, lower)]
    assert len(both[0]) >= 5 and both[0] == pytest.approx(both[1], abs=1e-6)
