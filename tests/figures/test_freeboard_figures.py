"""Maps, series and distribution of sea ice: where things are drawn, on which scale, and what is said of them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm

from nunatak import figures
from nunatak.figures import freeboard, freeboard_layouts, study_freeboard
from nunatak.figures.coast import land_on
from nunatak.geometry import region
from nunatak.geometry.region import RegionError

CRS = "EPSG:6932"
WINDOW = (-4.2e5, 8.4e5, -2.2e6, -1.2e6)  # of the Ross Sea
LOOK = figures.preset("copernicus")


def layers(n=3, fill=0.3):
    """Months of 40 x 50 cells in the Ross Sea, of which the middle holds data."""
    x, y = -4e5 + 25e3 * np.arange(50), -1.2e6 - 25e3 * np.arange(40)
    values = np.full((n, 40, 50), np.nan)
    values[:, 8:35, 10:40] = fill * np.linspace(0.5, 1.5, 30)
    months = np.arange("2019-01", n, dtype="M8[M]").astype("M8[ns]")
    array = xr.DataArray(values, dims=("time", "y", "x"), coords={"time": months, "y": y, "x": x})
    return array, (months.astype("M8[M]") + 1).astype("M8[ns]")


def maps_of(n=3, **options):
    values, ends = layers(n)
    options = {"kind": "sequential", "label": "mean freeboard (m)"} | options
    with figures.use(LOOK):
        land, note = land_on(CRS, WINDOW)
        drawn = freeboard_layouts.statistic_maps(
            LOOK, title="Ross Sea", values=values, ends=ends, crs=CRS, land=land, land_note=note, **options
        )
        FigureCanvasAgg(drawn.figure).draw()
    return drawn


def panels(drawn):
    return [ax for ax in drawn.figure.axes if ax.images and ax.get_gid() != "colour-bar"]


@pytest.mark.parametrize(("n", "shown"), [(1, 1), (4, 4), (12, 12), (15, 12)])
def test_one_map_per_month_and_at_most_twelve(n, shown):
    """The last twelve of fifteen; every map with equal aspect, one scale from zero, its month and the coast."""
    drawn = maps_of(n)
    axes = panels(drawn)
    assert len(axes) == shown
    assert drawn.numbers["layers_left_out"] == n - shown
    assert {ax.get_aspect() for ax in axes} == {1.0}
    assert {ax.images[0].norm.vmin for ax in axes} == {0.0}
    assert all(any(patch.get_gid() == "shore" for patch in ax.patches) for ax in axes)
    assert list(drawn.numbers["values"])[-1] == str(np.datetime64("2019-01") + n - 1) + "-01"


def test_maps_name_the_days_of_a_month_that_the_period_cuts():
    """As the sentences do: a week of January, all of February, and its first days of March."""
    values, ends = layers(3)
    bounds = np.stack([values["time"].values, ends], axis=1)
    dataset = xr.Dataset({"mean": values, "time_bnds": (("time", "nv"), bounds)}, attrs={"crs": CRS})
    ross = region.load({"bbox": [-180, -78, -150, -70]})
    data = {"freeboard": {"month": dataset}, "granules": {"atl10": None}, "regions": {"region": ross}}
    period = {"start": "2019-01-25T00:00:00", "end": "2019-03-04T00:00:00"}
    told = {}
    for asked in (None, period):
        with figures.use(LOOK):
            subject = figures.Subject("freeboard_mean", "Ross Sea", period=asked)
            drawn = study_freeboard.maps(LOOK, subject, data)
            told[asked is None] = [" ".join(text.get_text() for text in ax.texts) for ax in panels(drawn)]
    whole, cut = (
        ["January 2019", "February 2019", "March 2019"],
        ["25 Jan 2019 to 31 Jan 2019", "1 Mar 2019 to 3 Mar 2019"],
    )
    assert all(name in said for name, said in zip(whole, told[True], strict=True))
    assert all(name in said for name, said in zip((cut[0], whole[1], cut[1]), told[False], strict=True))


def test_cells_are_drawn_where_they_are():
    """The image reaches from cell edge to cell edge around the data, and grey lies below missing cells."""
    drawn = maps_of(1)
    image = panels(drawn)[0].images[0]
    left, right, _, top = image.get_extent()
    assert (left + 4e5 + 12.5e3) % 25e3 == 0 and (top + 1.2e6 - 12.5e3) % 25e3 == 0
    assert (right - left) / 25e3 == image.get_array().shape[1]
    assert image.get_array().mask.any() and image.cmap.get_bad()[3] == 0


def test_counts_have_a_logarithmic_scale_and_zero_is_no_data():
    drawn = maps_of(1, kind="count", label="number of segments")
    norm = panels(drawn)[0].images[0].norm
    assert isinstance(norm, LogNorm) and (norm.vmin, norm.vmax) == (1.0, 10.0)


def test_anomalies_are_symmetric_and_hatched_where_doubtful():
    values, _ = layers(2)
    doubtful = (values < 0.3) & np.isfinite(values)
    drawn = maps_of(2, kind="change", label="anomaly of freeboard (m)", doubtful=doubtful)
    norm = panels(drawn)[0].images[0].norm
    assert norm.vmin == -norm.vmax
    ax = panels(drawn)[0]
    hatches = [c for c in ax.collections if getattr(c, "hatches", None) and any(c.hatches)]
    assert hatches and hatches[0].get_zorder() > ax.images[0].get_zorder()
    assert "hatched" in drawn.caption


def series():
    starts = pd.date_range("2019-09-01", "2019-09-30")
    days = pd.DataFrame(
        {
            "region": "region",
            "bins": "day",
            "time_start": starts,
            "time_end": starts + pd.Timedelta(1, "D"),
            "count": 100,
            "mean": 0.3,
            "stderr": 0.01,
            "cell_mean": 0.28,
            "area": 5e4,
        }
    )
    month = days.iloc[:1].assign(bins="month", time_end=pd.Timestamp("2019-10-01"), count=3000)
    return pd.concat([days, month], ignore_index=True)


def test_series_of_days_under_the_month():
    """Both bins are in the legend, the year stands once, and the numbers are those of the month."""
    with figures.use(LOOK):
        drawn = freeboard_layouts.freeboard_series(LOOK, title="Ross Sea", table=series())
        FigureCanvasAgg(drawn.figure).draw()
    words = [text.get_text() for text in drawn.figure.legends[0].get_texts()]
    assert any("month" in word for word in words) and any("day" in word for word in words)
    assert drawn.figure.axes[1].get_xlabel() == "2019"
    assert drawn.numbers["segments"] == 3000 and drawn.numbers["mean_m"]["count"] == 30


@pytest.mark.parametrize("what", ["freeboard", "height above the mean sea surface"])
def test_labels_of_a_series_stay_beside_their_panels(what):
    """No label is longer than the panel it names, or leaves the page."""
    with figures.use(LOOK):
        drawn = freeboard_layouts.freeboard_series(LOOK, title="Ross Sea", table=series(), what=what)
        canvas = FigureCanvasAgg(drawn.figure)
        canvas.draw()
    for ax in drawn.figure.axes:
        label, panel = ax.yaxis.label.get_window_extent(canvas.get_renderer()), ax.get_window_extent()
        assert label.height <= panel.height and label.x0 >= 0
        assert ax.get_ylabel()


def test_longest_bins_of_a_series_carry_their_error():
    """A band of one standard error to either side of the month's mean; none where the error is not known."""
    table = series()
    for error, expected in ((0.02, [(0.28, 0.32)]), (np.nan, [])):
        table.loc[table["bins"] == "month", "stderr"] = error
        with figures.use(LOOK):
            drawn = freeboard_layouts.freeboard_series(LOOK, title="Ross Sea", table=table)
        heights = [
            band.get_paths()[0].vertices[:, 1]
            for band in drawn.figure.axes[0].collections
            if isinstance(band, PolyCollection)
        ]
        assert [(h.min().round(6), h.max().round(6)) for h in heights] == expected
        assert "standard error" in drawn.figure.legends[0].get_texts()[0].get_text()


def test_median_and_mode_of_a_distribution():
    """Shares 0.2, 0.5, 0.3 in levels of 0.1 m from 0.1 m: the median is 0.26 m, the mode the middle of the second."""
    table = pd.DataFrame(
        {
            "time_start": pd.Timestamp("2019-09-01"),
            "time_end": pd.Timestamp("2019-10-01"),
            "low": [0.1, 0.2, 0.3],
            "high": [0.2, 0.3, 0.4],
            "n": [2, 5, 3],
            "share": [0.2, 0.5, 0.3],
        }
    )
    with figures.use(LOOK):
        drawn = freeboard_layouts.freeboard_distribution(LOOK, title="Ross Sea", table=table)
    numbers = drawn.numbers["2019-09-01"]
    assert (numbers["median_m"], numbers["mode_m"], numbers["segments"]) == (0.26, 0.25, 10)


def test_time_bins_in_words():
    def said(*dates, **options):
        return freeboard_layouts.span(*map(pd.Timestamp, dates), **options)

    assert said("2019-09-01", "2019-10-01") == "September 2019"
    assert said("2019-09-01", "2019-09-02") == "1 Sep 2019"
    assert said("2019-12-30", "2020-01-06", short=True) == "30 Dec to 5 Jan 2020"


def test_scale_of_values_below_zero_begins_there():
    norm = freeboard.sequential_norm(np.array([-0.11, 0.0, 0.42]))
    assert norm.vmin < -0.1 and norm.vmax == 0.5
    assert freeboard.sequential_norm([np.nan]).vmax == 1.0


def test_land_without_a_file_is_natural_earths_and_says_what_its_edge_is():
    land, note = land_on(CRS, WINDOW)
    assert land.is_valid and note.startswith("Natural Earth") and "grounding line" in note
    assert land_on("EPSG:3413", (-1e6, 1e6, -2e6, -1e6))[1] == "Natural Earth"


def test_a_coast_of_the_users_own(tmp_path):
    ring = [[170, -72], [171, -72], [171, -71], [170, -71], [170, -72]]
    path = tmp_path / "island.geojson"
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    land, note = land_on(CRS, WINDOW, path)
    assert land.area < 5e9 and note == "island.geojson"
    with pytest.raises(RegionError, match="nowhere"):
        land_on(CRS, WINDOW, tmp_path / "nowhere.geojson")
