"""
What the ATL10 gridding tutorial's code gets wrong, one test for each of its eighteen faults, named by what is right.

The letters are those of the list in the order the tutorial's code was read; its two-group table is the golden test.
"""

import numpy as np
import pandas as pd
import pyproj
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.builders.sea_ice import NAME, START, segments, write_granule

from nunatak.geometry.region import load
from nunatak.gridding import accumulate, cell_statistics, make_grid, merge, select, statistics
from nunatak.products import atl10

TUTORIAL = make_grid(preset="ross_sea_tutorial")
TO_LONLAT = pyproj.Transformer.from_crs("EPSG:6932", "EPSG:4326", always_xy=True)
STATISTICS = ("count", "mean_length", "mean", "std", "variance")


def points(x, y, value=0.3, length=20.0, time="2019-09-15T12:00", **columns):
    """Segments at projected positions of EASE-Grid 2.0 South."""
    x, y = np.broadcast_arrays(np.atleast_1d(np.asarray(x, float)), np.asarray(y, float))
    longitude, latitude = TO_LONLAT.transform(x, y)
    fixed = {"beam_fb_height": value, "height_segment_length_seg": length, "time": np.asarray(time, "datetime64[ns]")}
    spread = {name: np.broadcast_to(column, x.shape) for name, column in (fixed | columns).items()}
    return pd.DataFrame({"longitude": longitude, "latitude": latitude, **spread})


def grid_points(table, grid=TUTORIAL):
    """Accumulators of a table of segments."""
    return accumulate(table, grid, value="beam_fb_height", weight="height_segment_length_seg")


def centre(row, column, grid=TUTORIAL):
    """x, y of a cell's centre."""
    return grid.x[column], grid.y[row]


@pytest.fixture
def two_groups():
    """The tutorial's own test table: three segments in one cell, four in the next."""
    x = [centre(5, 3)[0]] * 3 + [centre(5, 4)[0]] * 4
    lengths = [1.2, 1.1, 0.7, 2.3, 1.5, 0.9, 1.0]
    return points(x, centre(5, 3)[1], [0, 0.2, 0.5, 1.1, 2, 0.9, 1.5], lengths)


def test_golden_two_groups(two_groups):
    """Counts 3 and 4, mean lengths 1 and 1.425, and the means, variances and standard deviations of the table."""
    table = cell_statistics(grid_points(two_groups), names=STATISTICS)
    assert list(table["count"]) == [3, 4]
    assert_allclose(table["mean_length"], [1.0, 1.425], rtol=1e-12)
    assert_allclose(table["mean"], [0.19, 1.375438596491228], rtol=1e-12)
    assert_allclose(table["variance"], [0.0369, 0.17167743921206569], rtol=1e-12)
    assert_allclose(table["std"], np.sqrt([0.0369, 0.17167743921206569]), rtol=1e-12)


def test_standard_deviation_is_the_root_of_the_variance(two_groups):
    """(a) std is 0.1921 and 0.4143 m, not the variance under its name."""
    table = cell_statistics(grid_points(two_groups), names=("std", "variance"))
    assert_allclose(table["std"], [0.19209373, 0.41433976], rtol=1e-7)
    assert_allclose(table["std"] ** 2, table["variance"], rtol=1e-12)


def test_last_cell_is_set():
    """(b) A segment in the lower right cell is in the grid."""
    dataset = statistics(grid_points(points(*centre(150, 146))))
    assert dataset["count"].values[0, 150, 146] == 1


@pytest.mark.parametrize("column", [-2.5, 147.5])
def test_columns_do_not_wrap(column):
    """(c) A segment beyond the left or right edge is outside, not in another row."""
    x = TUTORIAL.left + column * TUTORIAL.dx
    done = grid_points(points([x, x], [TUTORIAL.y[5], TUTORIAL.y[6]]))
    assert done.rows.empty
    assert list(done.granules["n_outside"]) == [2]


def test_nothing_is_accepted_from_outside():
    """(c) Of points over +-4,000 km those inside the tutorial's grid are accepted, each in its cell, no other."""
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-4e6, 4e6, (2, 200_000))
    left, bottom, right, top = TUTORIAL.bounds
    inside = (x >= left) & (x < right) & (y > bottom) & (y <= top)
    done = grid_points(points(x, y))
    assert done.n_points == inside.sum() > 5000
    row, column = np.divmod(done.rows["cell"].to_numpy(), TUTORIAL.nx)
    expected = np.histogram2d(
        (top - y[inside]) / TUTORIAL.dy, (x[inside] - left) / TUTORIAL.dx, bins=(range(152), range(148))
    )[0]
    found = np.zeros(TUTORIAL.shape)
    found[row, column] = done.rows["n"]
    assert_array_equal(found, expected)


def test_no_loop_over_points_or_groups():
    """(d) A hundred thousand segments in as many cells as there are take one pass, whatever their order."""
    rng = np.random.default_rng(1)
    table = points(
        rng.uniform(-1.0e6, 0.4e6, 100_000), rng.uniform(-2.0e6, -0.6e6, 100_000), rng.normal(0.3, 0.1, 100_000)
    )
    done, shuffled = grid_points(table), grid_points(table.sample(frac=1, random_state=2))
    assert_array_equal(done.rows["cell"], shuffled.rows["cell"])
    assert_allclose(done.rows["swv"], shuffled.rows["swv"], rtol=1e-12)  # same sums, other order
    assert len(done.rows) > 15_000


def test_missing_freeboard_does_not_weigh():
    """(e) The mean of 0.3, missing, 0.3 with lengths 10, 20, 30 is 0.3, not 0.2."""
    x, y = centre(9, 9)
    table = cell_statistics(grid_points(points([x] * 3, y, [0.3, np.nan, 0.3], [10, 20, 30])), names=STATISTICS)
    assert_allclose(table["mean"], [0.3], rtol=1e-12)
    assert list(table["count"]) == [2]
    assert_allclose(table["mean_length"], [20.0])


@pytest.mark.parametrize("fill", [3.4028235e38, -3.4028235e38, 1.7976931348623157e308, np.inf])
def test_fills_never_reach_a_cell(fill):
    """(f) A fill of either sign in freeboard or in length leaves its segment out and nothing else."""
    x, y = centre(9, 9)
    done = grid_points(points([x] * 3, y, [0.3, fill, 0.5], [10, 10, fill]))
    assert list(done.granules["n_invalid"]) == [2]
    assert_allclose(cell_statistics(done, names=("mean",))["mean"], [0.3])


def test_segments_near_midnight_fall_on_their_utc_day(tmp_path):
    """(g) delta_time counts UTC seconds: 10 s before midnight is the old day, not the new one as with GPS time."""
    midnight = START + 43200.0
    path = write_granule(tmp_path / NAME, {"gt1l": segments(2, delta_time=[midnight - 10.0, midnight + 10.0])})
    table, _ = atl10.read_segments(path)
    daily = cell_statistics(grid_points(table, make_grid(preset="ease2_south")), "day", ("count",))
    assert_array_equal(
        daily["start"].to_numpy().astype("datetime64[D]"), np.array(["2019-09-16", "2019-09-17"], "M8[D]")
    )
    assert list(daily["count"]) == [1, 1]


def test_variance_is_never_negative_and_survives_large_values():
    """(h) Equal values have variance 0; heights of 3,000 m spread by 5 cm keep their spread, also as float32."""
    x, y = centre(9, 9)
    equal = np.full(1000, np.float32(0.1))
    assert cell_statistics(grid_points(points([x] * 1000, y, equal)), names=("std",))["std"][0] < 1e-7
    high = (3000.0 + np.tile([-0.05, 0.05], 500)).astype("f4")
    table = points([x] * 1000, y, high)
    done = accumulate(table, TUTORIAL, value="beam_fb_height", weight="height_segment_length_seg", shift=3000.0)
    assert_allclose(cell_statistics(done, names=("std",))["std"], np.std(high.astype("f8")), rtol=1e-9)
    plain = cell_statistics(grid_points(table), names=("std",))["std"]
    assert_allclose(plain, np.std(high.astype("f8")), rtol=1e-3)  # 1000 sums, each rounded by 2e-16 * 3000^2 / 0.05^2


def test_a_granule_in_transition_does_not_stop_the_others(tmp_path):
    """
    (i) Orientation is looked up by time.

    A turning granule gives no strong segment, and a reason.
    """
    (tmp_path / "turning").mkdir()
    turning = write_granule(tmp_path / "turning" / NAME, {"gt1l": segments(4)}, orientation=((2, 0.0),))
    flipping = write_granule(
        tmp_path / NAME, {"gt1l": segments(4), "gt1r": segments(4)}, orientation=((0, 0.0), (1, START + 0.015))
    )
    tables = [atl10.read_segments(path)[0].assign(granule_id=path.parent.name) for path in (turning, flipping)]
    done = grid_points(pd.concat([table for table in tables if len(table)]), make_grid(preset="ease2_south"))
    assert done.n_points == 4
    _, statuses = atl10.read_segments(turning)
    assert "4 neither strong nor weak" in statuses[0].reason


def test_every_year_is_gridded():
    """(j) Several years of one month give a layer for each, not the last one only."""
    x, y = centre(9, 9)
    parts = [
        grid_points(points([x], y, year / 1e4, time=f"{year}-09-15", granule_id=f"g{year}"))
        for year in (2019, 2020, 2021)
    ]
    dataset = statistics(merge(parts), "month", ("mean",))
    assert_array_equal(dataset["time"].dt.year, [2019, 2020, 2021])
    assert_allclose(dataset["mean"][:, 9, 9], [0.2019, 0.2020, 0.2021])


def test_both_sides_of_the_antimeridian_are_sampled(tmp_path):
    """(k) A region across 180 degrees gives a grid that covers it and keeps segments on either side alike."""
    region = load({"bbox": [165, -78, -165, -74], "crosses_antimeridian": True}, folder=tmp_path)
    grid = make_grid(preset="ease2_south", cell="25km", region=region)
    rng = np.random.default_rng(3)
    longitude = rng.uniform(-15, 15, 4000) + 180.0
    longitude = np.where(longitude > 180, longitude - 360, longitude)
    beams = {"gt1l": segments(4000, longitude=longitude, latitude=np.sort(rng.uniform(-78, -74, 4000)))}
    table, _ = atl10.read_segments(write_granule(tmp_path / NAME, beams), region=region)
    done = grid_points(table, grid)
    assert done.n_points == 4000
    column = done.rows["cell"].to_numpy() % grid.nx
    east = grid.x[column] > 0
    west_points, east_points = done.rows["n"][~east].sum(), done.rows["n"][east].sum()
    assert abs(west_points - east_points) < 5 * np.sqrt(4000)


def test_the_grid_said_is_the_grid_used():
    """(l) EASE-Grid 2.0 at 6.25 km is 2880 x 2880 from (-9e6, 9e6), and a window of it lies on its lattice."""
    grid = make_grid(preset="ease2_south", cell="6.25km")
    assert (grid.shape, grid.left, grid.top, grid.crs) == ((2880, 2880), -9e6, 9e6, "EPSG:6932")
    part = make_grid(preset="ease2_south", cell="6.25km", bounds=TUTORIAL.bounds)
    assert (part.left - grid.left) % 6250 == 0
    assert (grid.top - part.top) % 6250 == 0
    assert (TUTORIAL.shape, TUTORIAL.left, TUTORIAL.top) == ((151, 147), -1_040_000.0, -560_000.0)


def test_rows_do_not_flip_on_a_second_run():
    """(m) A grid is immutable with whole rows and columns; gridding twice gives the same."""
    table = points(*centre(3, 7))
    first, second = grid_points(table), grid_points(table)
    assert list(first.rows["cell"]) == list(second.rows["cell"]) == [3 * 147 + 7]
    assert isinstance(TUTORIAL.ny, int)
    with pytest.raises(AttributeError, match="cannot assign to field 'dy'"):
        TUTORIAL.dy = -1.0


def test_time_bins_are_the_ones_named():
    """(n) Daily, weekly and monthly layers of the same segments, each with its own."""
    x, y = centre(9, 9)
    times = np.array(["2019-09-01T10:00", "2019-09-02T10:00", "2019-09-08T23:59", "2019-10-01T00:00"], "M8[ns]")
    done = grid_points(points([x] * 4, y, [0.1, 0.2, 0.3, 0.4], time=times))
    assert list(cell_statistics(done, "day", ("count",))["count"]) == [1, 1, 1, 1]
    assert list(cell_statistics(done, "week", ("count",))["count"]) == [1, 2, 1]  # Monday is 2 September
    assert list(cell_statistics(done, "month", ("count",))["count"]) == [3, 1]
    assert select(done, start="2019-09-01", end="2019-10-01").rows["n"].sum() == 3


def test_segments_that_are_not_ice_are_removed(tmp_path):
    """(o) Cloud-covered segments never count; with `types=(1,)` only ice does, and the status says how many went."""
    kinds = np.array([1, 9, 0, 1], "i1")
    path = write_granule(tmp_path / NAME, {"gt1l": segments(4, height_segment_type=kinds)})
    assert list(atl10.read_segments(path)[0]["height_segment_type"]) == [1, 9, 1]
    table, statuses = atl10.read_segments(path, keep=atl10.SegmentFilter(types=(1,)))
    assert list(table["height_segment_type"]) == [1, 1]
    assert statuses[0].reason == "2 dropped by height_segment_type"


def test_no_index_is_negative():
    """(p) Segments left of or above the grid are outside; they do not land at its end."""
    done = grid_points(points([TUTORIAL.left - 5e3, TUTORIAL.x[0]], [TUTORIAL.y[0], TUTORIAL.top + 5e3]))
    assert done.rows.empty
    assert list(done.granules["n_outside"]) == [2]


def test_positions_are_projected_as_arrays():
    """(q) No geometry object per point: cells come from arrays and equal PROJ's."""
    rng = np.random.default_rng(4)
    longitude, latitude = rng.uniform(-180, 180, 5000), rng.uniform(-88, -50, 5000)
    grid = make_grid(preset="ease2_south")
    table = pd.DataFrame({"longitude": longitude, "latitude": latitude, "v": 1.0})
    row, column = grid.cell_of(
        *pyproj.Transformer.from_crs("EPSG:4326", "EPSG:6932", always_xy=True).transform(longitude, latitude)
    )
    cells, counts = np.unique(row * grid.nx + column, return_counts=True)
    done = accumulate(table, grid, value="v")
    assert_array_equal(done.rows["cell"], cells)
    assert_array_equal(done.rows["n"], counts)


def test_missing_auxiliary_values_drop_nothing(tmp_path):
    """(r) A fill in a column that is not gridded leaves the segment in."""
    path = write_granule(tmp_path / NAME, {"gt1l": segments(3, seg_dist_x=np.full(3, 1.7976931348623157e308))})
    table, _ = atl10.read_segments(path)
    assert table["seg_dist_x"].isna().all()
    assert grid_points(table, make_grid(preset="ease2_south")).n_points == 3
