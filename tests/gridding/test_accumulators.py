"""Sums that add: the kernel against its NumPy twin, the same bytes for any spread of granules over jobs and threads."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from nunatak.files.tables import read_table, write_table
from nunatak.gridding import (
    accumulate,
    cell_statistics,
    coarsen,
    from_tables,
    make_grid,
    merge,
    select,
    statistics,
    to_tables,
)
from nunatak.gridding.bins import BLOCK, SUMS, sum_points, sum_points_reference
from nunatak.runtime import NunatakError

GRIDS = {
    "ease2_south": make_grid(preset="ease2_south", cell="25km"),
    "nsidc_south": make_grid(preset="nsidc_south", cell="12.5km"),
    "nsidc_south_hughes": make_grid(preset="nsidc_south_hughes"),
    "utm": make_grid(crs="EPSG:32758", cell=1000, bounds=(2e5, 1.2e6, 8e5, 1.9e6)),
}
NAMES = ("count", "mean", "std", "stderr", "median", "mad", "mode", "p10", "lead_share", "sigma", "n_pass", "n_day")


def tracks(n=3000, granules=6, seed=0):
    """Straight tracks over the Ross Sea and beyond, with missing values, fills and a few leads."""
    rng = np.random.default_rng(seed)
    parts = []
    for number in range(granules):
        share = np.linspace(0, 1, n)
        value = rng.normal(0.3, 0.1, n).astype("f4")
        value[rng.random(n) < 0.02] = rng.choice([np.nan, np.float32(3.4e38)])
        weight = rng.uniform(5, 60, n).astype("f4")
        weight[rng.random(n) < 0.01] = -1.0
        start = np.datetime64("2019-08-31T20:00") + np.timedelta64(300 * number, "m")
        parts.append(
            pd.DataFrame(
                {
                    "granule_id": f"ATL10_{number:02d}",
                    "longitude": (165 + 5 * number + 3 * share + 180) % 360 - 180,
                    "latitude": -60 - 28.6 * share,
                    "time": start + (share * 600e9).astype("m8[ns]"),
                    "value": value,
                    "weight": weight,
                    "error": rng.uniform(0.01, 0.05, n),
                    "lead": rng.random(n) < 0.1,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def gridded(table, grid=GRIDS["ease2_south"], **options):
    """Accumulators with everything asked for."""
    return accumulate(
        table, grid, value="value", weight="weight", error="error", lead="lead", level_width=0.01, **options
    )


def as_bytes(accumulators):
    """All bytes of what the accumulators hold and of what follows from them."""
    table = cell_statistics(accumulators, "month", NAMES)
    return [frame.to_numpy(dtype=float).tobytes() for frame in (accumulators.rows, accumulators.levels, table)]


@pytest.mark.parametrize("name", GRIDS)
def test_kernel_equals_its_twin(name):
    """Counts identical to plain NumPy with PROJ, sums within 1e-12, what was left out counted alike; also at 88.6 S."""
    table = tracks(n=BLOCK // 2 + 10, granules=2)
    table.loc[:99, "latitude"] *= -1
    columns = {"lon": "longitude", "lat": "latitude", "value": "value", "weight": "weight", "time": "time"}
    columns |= {"error": "error", "lead": "lead"}
    columns = {ours: table[theirs].to_numpy() for ours, theirs in columns.items()}
    fast, slow = sum_points(columns, GRIDS[name], 0.25), sum_points_reference(columns, GRIDS[name], 0.25)
    assert_array_equal(fast[0], slow[0])
    assert_array_equal(fast[1], slow[1])
    assert_array_equal(fast[2][:, 0], slow[2][:, 0])
    assert_allclose(fast[2], slow[2], rtol=1e-12, atol=1e-9)  # swv cancels around the shift
    assert_array_equal(fast[3], slow[3])
    assert slow[3].min() > 0


def test_same_bytes_for_any_grouping_into_jobs():
    """All granules in one job, one job each, two and four, merged in either order: the same bytes."""
    table = tracks()
    whole = as_bytes(gridded(table))
    single = [gridded(part) for _, part in table.groupby("granule_id")]
    assert as_bytes(merge(single)) == whole
    assert as_bytes(merge(reversed(single))) == whole
    assert as_bytes(merge([merge(single[4:]), merge(single[:4])])) == whole


def test_same_bytes_for_any_number_of_threads():
    """One thread, two, five: the same bytes."""
    table = tracks()
    assert (
        as_bytes(gridded(table, threads=1))
        == as_bytes(gridded(table, threads=2))
        == as_bytes(gridded(table, threads=5))
    )


def test_granules_that_lie_scattered_in_the_table():
    """Rows sorted by time instead of by granule give the same bytes when each granule's own order stays."""
    table = tracks()
    mixed = table.iloc[np.argsort(np.arange(len(table)) % 3000, kind="stable")]
    assert as_bytes(gridded(mixed)) == as_bytes(gridded(table))


@settings(max_examples=20)
@given(cuts=st.lists(st.integers(0, 17_999), max_size=6))
def test_any_finer_partition_gives_the_same_to_rounding(cuts):
    """Granules cut anywhere: counts equal, sums within 1e-12."""
    table = tracks()
    edges = [0, *sorted(cuts), len(table)]
    parts = [gridded(table.iloc[a:b]) for a, b in pairwise(edges)]
    whole, merged = gridded(table), merge(parts)
    assert_array_equal(merged.rows[["granule", "day", "cell", "n"]], whole.rows[["granule", "day", "cell", "n"]])
    assert_allclose(merged.rows[list(SUMS)], whole.rows[list(SUMS)], rtol=1e-12)
    assert_array_equal(merged.levels["n"], whole.levels["n"])
    pd.testing.assert_frame_equal(merged.granules, whole.granules)


def test_bins_add_up():
    """Days add to weeks, weeks and ten-day bins to months, months to the season: n and every sum."""
    done = gridded(tracks())
    total = {
        kind: cell_statistics(done, kind, ("count",))["count"].sum()
        for kind in ("day", "week", "ten_day", "month", "all")
    }
    assert set(total.values()) == {done.n_points}
    one_by_one = [select(done, start=day, end=day + 1) for day in np.array(["2019-08-31", "2019-09-01"], "M8[D]")]
    assert sum(part.rows["n"].sum() for part in one_by_one) == done.n_points


def test_coarser_cells_are_sums_of_finer_ones():
    """6.25 km summed to 12.5 and 25 km is what 25 km gives directly, on the preset's own grid."""
    table = tracks()
    fine = gridded(table, make_grid(preset="ease2_south", cell="6.25km"))
    coarse = gridded(table)
    for summed in (coarsen(fine, 4), coarsen(coarsen(fine, 2), 2)):
        assert summed.grid == coarse.grid
        assert_array_equal(summed.rows[["granule", "day", "cell", "n"]], coarse.rows[["granule", "day", "cell", "n"]])
        assert_allclose(summed.rows[list(SUMS)], coarse.rows[list(SUMS)], rtol=1e-12)
        pd.testing.assert_frame_equal(summed.levels, coarse.levels, rtol=1e-12)


def test_a_window_coarsens_onto_the_preset():
    """A window that begins in the middle of a coarse cell is snapped outward to it."""
    window = make_grid(preset="ease2_south", cell="6.25km", bounds=(-6_250, -2e6, 400_000, -1_000_000))
    coarse = coarsen(gridded(tracks(), window), 4).grid
    assert (coarse.left, coarse.top, coarse.dx) == (-25_000.0, -1_000_000.0, 25_000.0)


def test_accumulators_survive_files(tmp_path):
    """Written as Parquet and read back, attributes as text: the same bytes."""
    whole = gridded(tracks())
    tables, attributes = to_tables(whole)
    for name, table in tables.items():
        write_table(table, tmp_path / f"{name}.parquet", attributes=attributes)
    back = {name: read_table(tmp_path / f"{name}.parquet") for name in tables}
    text = {name: str(value) for name, value in back["rows"].attrs["attributes"].items()}
    again = from_tables(back, text)
    assert as_bytes(again) == as_bytes(whole)
    assert (again.grid, again.n_points) == (whole.grid, whole.n_points)


def test_merging_what_differs_is_refused():
    """Grids, shifts and level widths must agree; nothing at all cannot be merged."""
    table = tracks(n=50, granules=1)
    first = gridded(table)
    with pytest.raises(NunatakError, match="cannot merge: grid differs"):
        merge([first, gridded(table, GRIDS["utm"])])
    with pytest.raises(NunatakError, match="cannot merge: shift differs"):
        merge([first, gridded(table, shift=1.0)])
    with pytest.raises(NunatakError, match="nothing to merge"):
        merge([])


def test_absent_column_is_named():
    """A misspelt column says which there are."""
    with pytest.raises(NunatakError, match=r"no column 'beam_fb_height' \(they have: granule_id, longitude"):
        accumulate(tracks(n=5), GRIDS["ease2_south"], value="beam_fb_height")


def test_nothing_left_is_said_with_numbers():
    """All filtered out: without a period an error with the counts, with one an empty layer that carries them."""
    table = tracks(n=100, granules=1).assign(value=np.nan)
    done = gridded(table)
    with pytest.raises(NunatakError, match="nothing to grid: 0 points in the grid, 0 outside, 100 without a valid"):
        statistics(done)
    empty = statistics(done, period=("2019-09-01", "2019-10-01"))
    assert empty["count"].values.sum() == 0
    assert empty["mean"].isnull().all()
    assert empty.attrs["points"].startswith("0 points in the grid")


def test_no_points_at_all():
    """An empty table is an empty set of accumulators that merges with others."""
    table = tracks()
    nothing = gridded(table.iloc[:0])
    assert nothing.n_points == 0
    assert as_bytes(merge([nothing, gridded(table)])) == as_bytes(gridded(table))


def test_north_on_a_south_grid_is_outside():
    """A northern granule on a southern grid: every segment counted as outside, none placed."""
    table = tracks(n=500, granules=1)
    table["latitude"] *= -1
    done = gridded(table.assign(value=0.3, weight=20.0))
    assert (done.n_points, list(done.granules["n_outside"])) == (0, [500])


def test_without_weights_every_segment_counts_one():
    """No weight column: mean is the plain mean, and so is the effective number."""
    table = pd.DataFrame({"longitude": [180.0] * 4, "latitude": [-75.0] * 4, "value": [1.0, 2.0, 3.0, 6.0]})
    stats = cell_statistics(
        accumulate(table, GRIDS["ease2_south"], value="value"), "all", ("mean", "n_effective", "sample_variance")
    )
    assert_allclose(stats["mean"], 3.0)
    assert_allclose(stats["n_effective"], 4.0)
    assert_allclose(stats["sample_variance"], np.var([1, 2, 3, 6], ddof=1))
