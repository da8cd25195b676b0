"""Drawings of elevation change: values, errors, gaps, medians."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from tests.builders import results as study_results

from nunatak import figures
from nunatak.figures import elevation
from nunatak.geometry.region import Region
from nunatak.results.reading import HeightChange
from nunatak.runtime import NunatakError
from nunatak.times import from_decimal_year


@pytest.fixture
def ax():
    return Figure().add_axes((0.1, 0.1, 0.8, 0.8))


def test_the_map_draws_every_cell_with_a_value(ax):
    change = study_results.height_change()
    dh = (change.delta_h[-1] - change.delta_h[0]).assign_attrs(crs=study_results.CRS)
    image = elevation.height_change_map(ax, dh)
    assert image.get_array().count() == int(np.isfinite(dh).sum())
    assert image.norm.vmin == -image.norm.vmax
    assert image.get_array().min() == pytest.approx(float(dh.min()))


def test_the_band_of_a_series_is_one_standard_error(ax):
    time = from_decimal_year(np.array([2019.0, 2020.0, 2021.0]))
    elevation.change_series(ax, time, [0.0, -1.0, -2.0], [0.1, 0.2, 0.3])
    vertices = ax.collections[0].get_paths()[0].vertices
    at_end = vertices[np.isclose(vertices[:, 0], 2021.0), 1]
    assert (at_end.min(), at_end.max()) == pytest.approx((-2.3, -1.7))


def test_every_safe_hold_is_marked_once(ax):
    """27 June to 9 July 2019 and 4 to 16 April 2022, as everywhere else."""
    ax.set_xlim(2019, 2023)
    bands = elevation.mark_data_gaps(ax)
    assert [band.get_label() for band in bands] == ["safe hold, June 2019", "safe hold, April 2022"]
    starts = [2019 + 177 / 365.25, 2022 + 93.6 / 365.25]
    assert [band.get_x() for band in bands] == pytest.approx(starts, abs=0.002)
    assert [band.get_width() * 365.25 for band in bands] == pytest.approx([12.0, 11.4], abs=0.1)
    assert ax.get_xlim() == (2019, 2023)


def test_the_caption_of_a_series_names_the_safe_holds_it_shades():
    look = figures.preset("copernicus")
    with figures.use(look):
        found = figures.height_change_series(look, title="Change", regions=study_results.series())
    labels = [band.get_label() for band in found.figure.axes[1].patches if band.get_gid() == "data-gap"]
    assert labels and found.caption.endswith(f"Grey: no data, {' and '.join(labels)}.")


@pytest.mark.parametrize("span", [(2019.6, 2021), (2018.9, 2019.4)])
def test_a_series_between_safe_holds_has_no_gap(ax, span):
    ax.set_xlim(*span)
    assert elevation.mark_data_gaps(ax) == []


def test_bands_take_the_colour_of_their_sign(ax):
    bars = elevation.change_by_elevation(ax, [0, 50], [50, 100], [-1.0, 0.5])
    low, high = (bar.get_facecolor() for bar in bars)
    assert low[0] > low[2]
    assert high[2] > high[0]


def test_profiles_are_one_line_per_epoch(ax):
    section = study_results.section(study_results.height_change())
    assert len(elevation.surface_profiles(ax, section)) == section.sizes["time"]
    assert ax.get_xlim()[1] == pytest.approx(section.distance.values[-1] / 1000)


def test_medians_of_a_repeat_pair_are_those_planted(ax):
    medians = elevation.pair_profiles(ax, study_results.pairs())
    assert list(medians) == ["gt1l", "gt1r", "gt2l", "gt2r", "gt3l", "gt3r"]
    assert medians["gt3l"] == pytest.approx(-12, abs=0.3)  # 90 values with 0.8 m of noise


def test_a_beam_without_a_difference_is_left_out(ax):
    pairs = study_results.pairs()
    pairs.loc[pairs["beam"] == "gt2r", "dh"] = np.nan
    assert "gt2r" not in elevation.pair_profiles(ax, pairs)


def test_the_epochs_stand_in_the_titles(copernicus):
    """Quarter and period, by their nominal months."""
    words = " ".join(t.get_text() for ax in copernicus["height_change"].figure.axes for t in ax.texts)
    assert "Jan 2019 to Apr 2019" in words
    assert "Jan 2019 to Jan 2023" in words


def test_the_caption_names_the_projection(copernicus):
    assert "EPSG:3413" in copernicus["height_change"].caption
    assert "EPSG:32607" in copernicus["repeat_pair"].caption


def drawn(name, look, focus=None, **data):
    """A figure of an ice cap from some results by name."""
    outlines = {"region": Region("ice cap", study_results.REGION)}
    subject = figures.Subject(name, "An ice cap", focus)
    return figures.draw(look, subject, {"regions": outlines, "granules": {}, **data})


def height_change():
    change = study_results.height_change().assign_coords(decimal_year=("time", study_results.YEARS))
    return HeightChange(change, {})


def test_a_figure_is_drawn_by_name():
    look = figures.preset("copernicus")
    with figures.use(look):
        made = drawn("height_change_region", look, change=height_change())
    assert made.numbers["a"]["first"] == "2019-01-01"
    assert made.numbers["b"]["dh_m"]["min"] < -5


def test_the_focus_cuts_the_map():
    look = figures.preset("copernicus")
    focus = {"crs": "EPSG:3413", "xlim": [1.04e6, 1.1e6], "ylim": [-4.8e5, -4.2e5]}
    with figures.use(look):
        made = drawn("height_change_focus", look, change=height_change(), focus=focus)
    assert made.numbers["b"]["extent_m"] == [1_040_000, 1_100_000, -480_000, -420_000]


def test_an_unknown_figure_names_those_there_are():
    with pytest.raises(NunatakError, match="'hight_change' is unknown; choose one of extent, height_change_region"):
        drawn("hight_change", figures.preset("agu"))


def test_a_figure_without_its_data_says_what_to_leave_out():
    with pytest.raises(NunatakError, match=r"repeat_pair: has no repeat pairs to draw; leave it out of figures\.names"):
        drawn("repeat_pair", figures.preset("agu"))


def test_a_focus_outside_the_cells_is_refused():
    focus = {"crs": "EPSG:3413", "xlim": [0.0, 1.0e3], "ylim": [0.0, 1.0e3]}
    with pytest.raises(NunatakError, match="focus: holds fewer than 2 x 2 cells"):
        drawn("height_change_focus", figures.preset("agu"), focus, change=height_change())


def test_an_unknown_transect_names_those_there_are():
    height = height_change()
    lines = {"across": study_results.section(height.change)}
    with pytest.raises(NunatakError, match="transect_along: no such transect; there are: across"):
        drawn("transect_along", figures.preset("agu"), change=height, transects=lines)
