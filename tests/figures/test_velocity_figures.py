"""Maps of speed, pairs through time, series: where things are drawn, on which scale, and what is said of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm

from nunatak import figures
from nunatak.figures import pair_layouts, study_velocity, velocity, velocity_layouts
from nunatak.granules import group_of
from nunatak.runtime import NunatakError

LOOK = figures.preset("copernicus")


def annual(n=6, missing=(2,)):
    """Six years of a glacier that runs at 200 to 4000 m/yr and gains 50 m/yr a year; one year is missing."""
    x, y = -1.6e6 + 120.0 * np.arange(50), -3.0e5 - 120.0 * np.arange(40)
    base = np.broadcast_to(np.geomspace(200, 4000, 50), (40, 50))
    v = np.stack([base + 50 * k for k in range(n)]).astype("f4")
    for k in missing:
        v[k] = np.nan
    dims = ("year", "y", "x")
    fields = {
        "v": (dims, v, {"units": "m/yr"}),
        "v_error": (dims, np.full_like(v, 20.0)),
        "v_amp": (dims[1:], np.full((40, 50), 80.0)),
        "v_amp_error": (dims[1:], np.full((40, 50), 10.0)),
        "v_phase": (dims[1:], np.full((40, 50), 91.0)),
    }
    return xr.Dataset(fields, {"year": 2015 + np.arange(n), "y": y, "x": x}, {"crs": "EPSG:3031"})


def pairs():
    """Eight pairs of three years; the middle year has none that is used."""
    mid = pd.to_datetime(["2015-01-15"] * 4 + ["2016-06-01"] + ["2017-12-01"] * 3)
    return pd.DataFrame(
        {
            "mid_date": mid,
            "fate": ["used", "used", "filter", "outside", "filter", "used", "used", "corrupt"],
            "acquisition_date_img1": mid - pd.Timedelta(8, "D"),
            "acquisition_date_img2": mid + pd.Timedelta(8, "D"),
            "date_dt": 16.0,
            "group": ["L89", "S1", "L7", "S2", "L89", "L89", "S2", "S1"],
            "roi_valid_percentage": 60.0,
            "vx_error": 12.0,
            "valid_cells": 900,
            "epsg": 3031,
            "treatment": "copied",
        }
    )


def render(layout, *args, **options):
    with figures.use(LOOK):
        drawn = layout(LOOK, *args, title="Pine Island", **options)
        FigureCanvasAgg(drawn.figure).draw()
    return drawn


def maps_in(drawn):
    return [ax for ax in drawn.figure.axes if ax.images and ax.get_gid() != "colour-bar"]


def test_annual_maps_skip_years_without_data_and_share_one_logarithmic_scale():
    drawn = render(velocity_layouts.speed_annual, speed=annual()["v"].assign_attrs(crs="EPSG:3031"))
    axes = maps_in(drawn)
    assert [ax.get_title("left") for ax in axes] == ["2015", "2016", "2018", "2019", "2020"]
    norms = {(type(ax.images[0].norm), ax.images[0].norm.vmin, ax.images[0].norm.vmax) for ax in axes}
    assert len(norms) == 1 and next(iter(norms))[0] is LogNorm
    assert {ax.get_aspect() for ax in axes} == {1.0}
    assert drawn.numbers["values"]["2015"] != drawn.numbers["values"]["2020"]


def test_speed_scale_leaves_out_what_is_not_above_zero():
    """Zero and missing values have no logarithm; the scale begins at a power of ten."""
    norm = velocity.speed_norm(np.array([0.0, np.nan, *np.geomspace(150, 3300, 200)]))
    assert (norm.vmin, norm.vmax) == (100.0, 4000.0)
    assert velocity.speed_norm(np.full(5, np.nan)).vmin == 1.0


def test_change_is_symmetric_red_where_faster_and_hatched_where_small():
    data = annual()
    data["v"].attrs["crs"] = "EPSG:3031"
    drawn = render(velocity_layouts.speed_change, annual=data, first=0, last=5)
    image = maps_in(drawn)[0].images[0]
    assert image.norm.vmin == -image.norm.vmax
    assert np.nanmedian(np.ma.filled(image.get_array(), np.nan)) == pytest.approx(250, abs=1)
    red, _, blue, _ = image.cmap(image.norm(200.0))
    assert red > blue
    assert "2015" in drawn.caption and "2020" in drawn.caption


def test_years_compared_are_the_first_and_last_that_are_seen():
    v = annual(missing=(0, 5))["v"].values
    v[1, :, 10:] = np.nan  # a fifth of the cells
    assert study_velocity.compared_years(v) == (2, 4)
    v[3:, :, 10:] = np.nan
    assert study_velocity.compared_years(v) == (1, 4)  # rather poor years than none
    with pytest.raises(NunatakError, match="speed_change: needs two years"):
        study_velocity.compared_years(v[:1])


def test_pairs_of_a_year_are_counted_by_fate_and_years_without_are_drawn():
    table = pair_layouts.by_fate(pairs())
    assert table.to_dict("list") == {"used": [2, 0, 2], "filter": [1, 1, 0], "rest": [1, 0, 1]}
    drawn = render(pair_layouts.granules_per_year, table=table)
    assert drawn.numbers == {"used": 4, "filter": 2, "rest": 2, "years_without": 1}
    assert drawn.figure.axes[0].get_xlim()[0] < 2015 < 2017 < drawn.figure.axes[0].get_xlim()[1]


def test_summary_and_timeline_draw_every_pair_used():
    used = pairs().query("fate == 'used'")
    assert render(pair_layouts.pairs_summary, pairs=used).numbers["pairs"] == 4
    drawn = render(pair_layouts.pair_timeline, pairs=used)
    assert sum(len(lines.get_segments()) for lines in drawn.figure.axes[0].collections) == 4


def test_every_sensor_group_has_a_colour():
    names = [group_of(p, p) for p in ("LT05", "LE07", "LC08", "LC09", "S1A", "S2B")]
    assert {velocity.group_key(name) for name in names} == set(velocity.GROUPS) - {"other"}
    assert velocity.group_key("ALOS") == "other"


def test_seasonal_phase_has_a_scale_that_closes():
    """31 December and 1 January look alike."""
    cmap = maps_in(render(velocity_layouts.seasonal, annual=annual()))[1].images[0].cmap
    assert np.abs(np.array(cmap(0.0)) - np.array(cmap(1.0))).max() < 0.05


def test_series_shows_pairs_and_model_within_limits_that_outliers_do_not_stretch():
    time = pd.date_range("2015-01-01", "2017-12-31", freq="10D")
    model = pd.DataFrame({"point": "trunk", "kind": "model", "time": time, "v": 3000.0, "v_error": 20.0})
    single = pd.DataFrame(
        {
            "point": "trunk",
            "kind": "pair",
            "time": time[::2],
            "v": 3010.0,
            "v_error": 60.0,
            "date_dt": 16.0,
            "group": "L89",
        }
    )
    single.loc[0, "v"] = 15000.0
    drawn = render(pair_layouts.speed_series, series=pd.concat([single, model], ignore_index=True))
    assert drawn.figure.axes[0].get_ylim()[1] < 4000
    assert drawn.numbers["trunk"]["max"] == 15000.0


def test_insignificant_cells_grow_pale_and_nothing_else_does():
    """Below two errors: a veil over half of the map, seen through; the legend says what it means."""
    data = annual()
    data["v_amp_error"][:, 25:] = 60.0
    drawn = render(velocity_layouts.seasonal, annual=data)
    veil = maps_in(drawn)[0].images[1]
    pale = ~np.ma.getmaskarray(veil.get_array())
    assert pale[:, 25:].all() and not pale[:, :25].any()
    assert 0 < veil.cmap(0)[3] < 1
    assert any("pale: amplitude within two" in text.get_text() for text in drawn.figure.legends[0].get_texts())


def test_fields_of_few_values_have_a_word_for_each():
    """Template sizes and the mask of interpolated cells are classes, not a scale."""
    y, x = -3.0e5 - 120.0 * np.arange(4), -1.6e6 + 120.0 * np.arange(6)
    fields = {"v": np.full((4, 6), 900.0), "chip_size_width": np.full((4, 6), 480.0), "interp_mask": np.zeros((4, 6))}
    fields["chip_size_width"][:, 3:], fields["v"][0, 0] = 960.0, np.nan
    about = {
        "crs": "EPSG:3031",
        "acquisition_date_img1": "2016-01-01",
        "acquisition_date_img2": "2016-01-17",
        "date_dt": 16.0,
        "platform": "LC08",
        "granule_id": "one",
    }
    granule = xr.Dataset({k: (("y", "x"), v) for k, v in fields.items()}, {"y": y, "x": x}, about)
    drawn = render(velocity_layouts.pair, granule=granule)
    bars = [ax for ax in drawn.figure.axes if ax.get_gid() == "colour-bar"]
    assert [[t.get_text() for t in bar.get_xticklabels()] for bar in bars[1:]] == [
        ["480", "960"],
        ["measured", "interpolated"],
    ]
    assert maps_in(drawn)[2].images[0].get_array().compressed().tolist() == [0.0] * 23


def test_a_few_wild_values_do_not_stretch_the_histogram():
    table = pd.DataFrame(
        {"low": np.arange(0, 20000, 200.0), "high": np.arange(200, 20001, 200.0), "pairs": 0, "annual": 0}
    )
    table.loc[10:20, ["pairs", "annual"]] = 100_000
    table.loc[90, "annual"] = 3
    drawn = render(pair_layouts.speed_histogram, table=table)
    assert drawn.figure.axes[0].get_xlim() == (0, 5000)
