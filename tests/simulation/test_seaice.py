"""Simulated sea ice: the truth is a law, granules keep to it, and gridding finds it again within its errors."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pandas as pd
import pytest
import shapely
from numpy.testing import assert_allclose, assert_array_equal

from nunatak.constants import BEAMS
from nunatak.gridding import accumulate, cell_statistics, make_grid
from nunatak.products import atl07 as atl07_reader
from nunatak.products import atl10 as atl10_reader
from nunatak.runtime import file_sha256
from nunatak.simulation import atl07, atl10, orbit, seaice_passes, seaice_segments, world, write_product
from nunatak.times import decimal_year, delta_time_to_utc

GRID = make_grid(preset="ease2_south", cell="25km")


@pytest.fixture(scope="module")
def place():
    """The tiny world."""
    return world("ross_sea", "tiny")


@pytest.fixture(scope="module")
def granules(place, tmp_path_factory):
    """All its ATL10 granules."""
    return atl10.write(place, tmp_path_factory.mktemp("atl10"))


def read_all(paths, reader=atl10_reader, **options):
    """The segments of all granules in one table."""
    return pd.concat(
        [reader.read_segments(p, **options)[0].assign(granule_id=p.stem) for p in paths], ignore_index=True
    )


def cell_truth(truth, table, x, y):
    """Mean of the true freeboard over the segments of each cell, weighted by length."""
    t = decimal_year(table["time"].to_numpy())
    expected = table.assign(beam_fb_height=truth.freeboard(x, y, t))
    return cell_statistics(gridded(expected), "all", ("mean",))["mean"].to_numpy()


def gridded(table, grid=GRID):
    """Accumulators of freeboard."""
    return accumulate(table, grid, value="beam_fb_height", weight="height_segment_length_seg", lead="lead")


def test_truth_is_sea_ice():
    """Thin ice along the shelf front, thicker offshore and in October, leads of 2 to 10 %, no sea on the shelf."""
    truth = world("ross_sea").truth
    x, y = truth.plane(np.full(4, 180.0), np.array([-78.0, -77.0, -74.0, -71.0]))
    freeboard = truth.ice_freeboard(x, y, 2019.7)
    assert (np.diff(freeboard) > 0).all()
    assert 0 < freeboard[0] < 0.2 < freeboard[-1] < 0.6
    assert (truth.ice_freeboard(x, y, 2019.79) > truth.ice_freeboard(x, y, 2019.6)).all()
    assert_allclose(truth.ice_freeboard(x, y, 2019.29), truth.ice_freeboard(x, y, 2019.79) / 2)
    share = truth.lead_share(*np.meshgrid(np.linspace(-1e6, 1e6, 50), np.linspace(-2.5e6, -1e6, 50)))
    assert 0.02 <= share.min() < share.max() <= 0.10
    assert_array_equal(
        truth.sea(np.array([180.0, -180.0, 180.0, 160.0, -170.0]), np.array([-75, -75, -79, -75, -76])),
        [True, True, False, False, True],
    )


def test_granules_are_in_the_layout_of_their_release(place, tmp_path):
    """Release 007 has freeboard_segment, 005 freeboard_beam_segment; the reader finds the same segments in both."""
    rgt = seaice_passes.passes(place)[0].rgt
    new, old = (atl10.write(place, tmp_path, rgts=[rgt], version=version)[0] for version in ("007", "005"))
    with h5py.File(new) as file:
        assert set(file["gt1l"]) == {"freeboard_segment", "leads"}
        assert file.attrs["nunatak_source"] == b"SIMULATED"
    with h5py.File(old) as file:
        assert "beam_freeboard" in file["gt1l/freeboard_beam_segment"]
    first, second = (atl10_reader.read_segments(path, beams="all")[0] for path in (new, old))
    pd.testing.assert_series_equal(first["time"], second["time"])
    assert "beam_fb_unc" not in first


def test_every_variable_has_fills_and_six_beams(granules):
    """Each float variable of each beam holds at least one fill, except time."""
    with h5py.File(granules[0]) as file:
        for beam in BEAMS:

            def look(name, item):
                in_segments = isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and "leads" not in item.name
                if in_segments and not name.endswith(("delta_time", "ice_conc_amsr2", "ice_conc_ssmi")):
                    assert (item[()] == item.attrs["_FillValue"][0]).any(), item.name

            file[beam].visititems(look)


@pytest.mark.parametrize("product", ["ATL07", "ATL10"])
def test_every_dataset_is_one_that_the_release_has(data, place, tmp_path, product):
    """The names of release 007 are those of the recorded list: two ice concentrations, of AMSR2 and SSMI."""
    recorded = json.loads(data("recorded/products/is2variables.json").read_text())[product]
    first = seaice_passes.passes(place)[0].rgt
    (path,) = {"ATL07": atl07, "ATL10": atl10}[product].write(place, tmp_path, rgts=[first])
    names = []
    with h5py.File(path) as file:
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    written = {name for name in names if name.startswith("gt1l/")}
    assert written <= set(recorded)
    assert {name.rpartition("/")[2] for name in written if "ice_conc" in name} == {"ice_conc_amsr2", "ice_conc_ssmi"}


def test_granules_cross_the_antimeridian_and_some_segments_lie_on_edges(granules, place):
    """Longitudes on both sides of 180 in one granule; per beam a segment within a micrometre of an edge."""
    table = read_all(granules, beams="all")
    longitude = table.groupby("granule_id")["longitude"]
    assert ((longitude.min() < -170) & (longitude.max() > 170)).any()
    x, _ = place.truth.plane(table["longitude"], table["latitude"])
    off = np.abs(x - np.round(x / seaice_segments.EDGE) * seaice_segments.EDGE)
    assert (pd.Series(off).groupby([table["granule_id"], table["beam"]], observed=True).min() < 1e-6).mean() > 0.9


def test_the_observatory_turns_inside_one_granule(granules, place):
    """One granule holds three orientations; left beams are strong before, right ones after, none in between."""
    turning = [p for p in granules if atl10_reader.read_segments(p)[0]["spot"].nunique() == 6 or turns(p)]
    assert len(turning) == 1
    strong, statuses = atl10_reader.read_segments(turning[0])
    by_time = strong.sort_values("time")
    assert by_time["beam"].iloc[0].endswith("l")
    assert by_time["beam"].iloc[-1].endswith("r")
    assert all("neither strong nor weak" in s.reason for s in statuses)
    length = strong.groupby("beam", observed=True)["height_segment_length_seg"].mean()
    # about 2,500 segments of each beam, half as long or twice as long as the mean: it is known to 1 %
    assert_allclose(length, place.settings["segment_length"], rtol=0.03)


def turns(path):
    """Whether a granule holds more than one orientation."""
    with h5py.File(path) as file:
        return len(file["orbit_info/sc_orient"]) > 1


def test_passes_go_both_ways():
    """Half the passes of the full world go north, half south, although only every other pair is kept."""
    latitude = []
    for ice_pass in seaice_passes.passes(world("ross_sea")):
        run = ice_pass.runs[0]
        ends = (np.array([run.first, run.last]) - 1) * orbit.SEGMENT_LENGTH
        latitude.append(orbit.ground_point(ice_pass.rgt, ends, np.zeros(2))[1])
    north = np.diff(np.array(latitude))[:, 0] > 0
    assert 0.4 < north.mean() < 0.6


def test_height_is_freeboard_above_the_sea_surface(place, tmp_path):
    """ATL07 and ATL10 of one pass are one truth: heights less the sea surface are freeboards, to an offset."""
    rgt = seaice_passes.passes(place)[1].rgt
    heights, _ = atl07_reader.read_segments(atl07.write(place, tmp_path, rgts=[rgt])[0])
    freeboards, _ = atl10_reader.read_segments(atl10.write(place, tmp_path, rgts=[rgt])[0])
    both = heights.merge(freeboards, on=["beam", "time"]).dropna(subset=["longitude_x", "latitude_x"])
    x, y = place.truth.plane(both["longitude_x"], both["latitude_x"])
    offset = both["height_segment_height"] - place.truth.sea_surface(x, y) - both["beam_fb_height"]
    assert offset.std() < 1e-5
    assert abs(offset.mean()) < 4 * place.truth.reference_sigma


def test_writing_is_repeatable_and_by_month(place, tmp_path):
    """The same bytes twice; another month has no granules; the catalogue lists footprints cut at 180 degrees."""
    first = write_product(place, "atl10", tmp_path / "a")
    second = write_product(place, "atl10", tmp_path / "b", chunks=["2019-09"])
    assert first["checksum"].tolist() == second["checksum"].tolist()
    assert write_product(place, "atl10", tmp_path / "c", chunks=["2019-10"]).empty
    assert file_sha256(tmp_path / "a" / "catalogue.parquet") == file_sha256(tmp_path / "b" / "catalogue.parquet")
    for row in first.itertuples():
        west, _, east, _ = shapely.from_wkt(row.geometry).bounds
        assert -180 <= west < east <= 180
    table, _ = atl10_reader.read_segments(tmp_path / "a" / first["file_name"][0], beams="all")
    outline = shapely.from_wkt(first["geometry"][0])
    assert shapely.contains_xy(outline, table["longitude"], table["latitude"]).mean() > 0.99


def test_gridded_month_is_the_truth_within_its_errors(granules, place):
    """Cells seen by several passes differ from the truth by what their standard errors say; leads are as frequent."""
    table = read_all(granules)
    x, y = place.truth.plane(table["longitude"], table["latitude"])
    stats = cell_statistics(gridded(table), "all", ("count", "n_pass", "mean", "stderr", "std", "lead_share"))
    known = table.dropna(subset=["beam_fb_height", "height_segment_length_seg"])
    mean = cell_truth(place.truth, known, x[known.index], y[known.index])
    assert_allclose(stats["mean"].mean(), mean.mean(), atol=0.02)  # eight passes share offsets of 15 mm
    assert np.median(np.abs(stats["mean"] - mean)) < 0.04
    centre = GRID.x[stats["cell"] % GRID.nx], GRID.y[stats["cell"] // GRID.nx]
    many = stats["count"] > 300
    spread = place.truth.spread(*centre, 2019.67, noise=np.hypot(0.02, 0.015))
    assert_allclose((stats["std"] / spread)[many].median(), 1.0, atol=0.15)
    share = place.truth.lead_share(*centre)
    assert_allclose(
        np.average(stats["lead_share"], weights=stats["count"]), np.average(share, weights=stats["count"]), atol=0.02
    )


def test_errors_are_calibrated_over_realisations(place):
    """
    Six realisations of a month: in cells of 100 km seen by four passes or more, squared errors are what stderr says.

    Passes are independent, so their ratio is 1 but for the scatter of some hundred cells.
    """
    grid = make_grid(preset="ease2_south", cell="100km")
    squared, stated = [], []
    for seed in range(6):
        other = replace(
            place, seed=seed, period=world("ross_sea").period, settings={"stride": 1, "segment_length": 400.0}
        )
        table, truth = observed(other)
        names = ("mean", "stderr", "n_pass", "count")
        found = cell_statistics(gridded(table, grid), "all", names, minimum_passes=4, minimum_segments=50)
        expected = cell_statistics(gridded(table.assign(beam_fb_height=truth), grid), "all", ("mean",))
        error = found["mean"] - expected["mean"]
        squared += list(error.dropna() ** 2)
        stated += list(found["stderr"][error.notna()] ** 2)
    assert len(squared) > 60
    assert 0.7 < np.mean(squared) / np.mean(stated) < 1.4


def observed(place):
    """What the middle left beam sees on all passes, without files, and the truth at each segment."""
    tables, truths = [], []
    for number, ice_pass in enumerate(seaice_passes.passes(place)):
        seen = seaice_segments.observe(place, ice_pass, "gt2l")
        tables.append(
            pd.DataFrame(
                {
                    "granule_id": f"{number:03d}",
                    "longitude": seen.longitude,
                    "latitude": seen.latitude,
                    "beam_fb_height": seen.freeboard,
                    "height_segment_length_seg": seen.length,
                    "lead": seen.kind > 1,
                }
            )
        )
        x, y = place.truth.plane(seen.longitude, seen.latitude)
        truths.append(place.truth.freeboard(x, y, decimal_year(delta_time_to_utc(seen.delta_time))))
    return pd.concat(tables, ignore_index=True), np.concatenate(truths)
