"""Presets, and the one way a figure is saved."""

from __future__ import annotations

import json
import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from nunatak import figures
from nunatak.figures import style
from nunatak.runtime import NunatakError

LAYOUTS = ("extent", "height_change", "series", "by_elevation", "transect", "repeat_pair")


def plain_figure(look):
    with figures.use(look):
        fig = style.new_figure(look, height_mm=60, width="column")
        ax = style.add_axes(fig, 12, 8, 60, 40)
        ax.plot([0, 1], [0, 1], label="a line")
        ax.set_title("title")
    return fig


@pytest.mark.parametrize("name", figures.PRESETS)
def test_a_preset_says_where_its_numbers_are_from(name):
    """Widths that were only heard of are not claimed as checked."""
    look = figures.PRESETS[name]
    assert look.source
    assert ("commonly quoted" in look.source) != look.checked


def test_nature_is_as_its_guide_says():
    """89 / 183 mm, at most 170 mm high, text of 5-7 pt, panel letters 8 pt lower-case."""
    look = figures.preset("nature")
    assert (look.column_mm, look.page_mm, look.height_mm) == (89, 183, 170)
    assert 5 <= look.small_pt <= look.font_pt <= 7
    assert (look.panel, look.panel_pt) == ("a", 8)


def test_an_unknown_preset_names_those_there_are():
    with pytest.raises(NunatakError, match="'naature' is unknown; choose one of copernicus, agu, nature"):
        figures.preset("naature")


def test_settings_of_the_user_do_not_reach_a_figure():
    with mpl.rc_context({"font.size": 30, "axes.grid": True}), figures.use(figures.preset("agu")):
        assert mpl.rcParams["font.size"] == 8
        assert not mpl.rcParams["axes.grid"]
        assert mpl.rcParams["pdf.fonttype"] == 42


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_is_as_wide_as_the_journal_says(copernicus, layout):
    """177 mm to a hundredth, and not higher than a page."""
    width, height = style.size_mm(copernicus[layout].figure)
    assert width == pytest.approx(177, abs=0.01)
    assert height <= figures.preset("copernicus").height_mm


@pytest.mark.parametrize("layout", LAYOUTS)
def test_text_is_neither_small_nor_large(copernicus, layout):
    """Every visible text has 5 to 9 pt, the range in which the journals ask for it."""
    sizes = {t.get_fontsize() for t in copernicus[layout].figure.findobj(mpl.text.Text) if t.get_text().strip()}
    assert sizes
    assert min(sizes) >= 5
    assert max(sizes) <= 9


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_text_leaves_the_figure_or_lies_on_the_mark_or_the_title(copernicus, layout):
    """Labels stay inside the page; title and SIMULATED mark share a strip without touching."""
    fig = copernicus[layout].figure
    renderer = fig.canvas.get_renderer()
    page = fig.bbox
    strip = {}
    for text in fig.texts:
        box = text.get_window_extent(renderer)
        strip[text.get_gid()] = box
        assert page.x0 - 1 <= box.x0 and box.x1 <= page.x1 + 1 and box.y1 <= page.y1 + 1, text.get_text()
    assert not strip["title"].overlaps(strip["simulated-mark"])
    for ax in fig.axes:
        box = ax.get_tightbbox(renderer)
        assert box.x0 >= page.x0 - 2 and box.y0 >= page.y0 - 2 and box.x1 <= page.x1 + 2, ax.get_ylabel()
        assert not box.overlaps(strip["simulated-mark"])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_text_lies_on_a_colour_bar(copernicus, layout):
    """What is written on other axes, and the legend, keeps clear of every colour bar and its labels."""
    fig = copernicus[layout].figure
    renderer = fig.canvas.get_renderer()
    bars = [ax for ax in fig.axes if ax.get_gid() == "colour-bar"]
    others = [ax for ax in fig.axes if ax not in bars]
    for bar in bars:
        box = bar.get_tightbbox(renderer).shrunk(0.98, 0.98)
        for ax in others:
            for text in [ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels(), *ax.texts]:
                if text.get_visible() and text.get_text().strip():
                    assert not box.overlaps(text.get_window_extent(renderer)), text.get_text()
        for legend in fig.legends:
            assert not box.overlaps(legend.get_window_extent(renderer))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_legend_lies_on_a_label(copernicus, layout):
    """The legend below the panels leaves the labels of their axes free."""
    fig = copernicus[layout].figure
    renderer = fig.canvas.get_renderer()
    for legend in fig.legends:
        box = legend.get_window_extent(renderer)
        for ax in fig.axes:
            for text in [ax.xaxis.label, *ax.get_xticklabels()]:
                shown = ax.axison and text.get_visible() and text.get_text().strip()
                assert not shown or not box.overlaps(text.get_window_extent(renderer)), text.get_text()


@pytest.mark.parametrize("kind", ["pdf", "png", "svg"])
def test_equal_figures_are_equal_bytes(tmp_path, simulated_sidecar, kind):
    look = figures.preset("copernicus")
    for name in ("a", "b"):
        with figures.use(look):
            figures.save(plain_figure(look), [tmp_path / f"{name}.{kind}"], simulated_sidecar, look=look)
    assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_a_file_carries_no_date_and_no_place(tmp_path, simulated_sidecar):
    look = figures.preset("copernicus")
    with figures.use(look):
        figures.save(plain_figure(look), [tmp_path / "a.pdf", tmp_path / "a.svg"], simulated_sidecar, look=look)
    pdf, svg = (tmp_path / "a.pdf").read_bytes(), (tmp_path / "a.svg").read_text()
    assert b"CreationDate" not in pdf
    assert "<dc:date>" not in svg
    assert str(tmp_path).encode() not in pdf


def test_fonts_are_embedded_as_truetype(tmp_path, simulated_sidecar):
    look = figures.preset("nature")
    with figures.use(look):
        figures.save(plain_figure(look), [tmp_path / "a.pdf"], simulated_sidecar, look=look)
    pdf = (tmp_path / "a.pdf").read_bytes()
    assert b"/CIDFontType2" in pdf or b"/TrueType" in pdf
    assert b"/Type3" not in pdf


def test_a_png_has_the_width_of_the_preset_at_its_resolution(tmp_path, simulated_sidecar):
    """No tight bounding box: 83 mm at 450 dpi are 1470 pixels."""
    look = figures.preset("copernicus")
    with figures.use(look):
        figures.save(plain_figure(look), [tmp_path / "a.png"], simulated_sidecar, look=look)
    image = mpl.image.imread(tmp_path / "a.png")
    assert image.shape[1] == pytest.approx(83 / 25.4 * 450, abs=1)


@pytest.mark.parametrize(("source", "marked"), [("SIMULATED", True), ("directory", False)])
def test_simulated_figures_and_only_they_are_marked(tmp_path, source, marked):
    look = figures.preset("copernicus")
    with figures.use(look):
        fig = plain_figure(look)
        figures.save(fig, [tmp_path / "a.svg"], {"nunatak_source": source}, look=look)
    assert ("SIMULATED" in re.sub(r"<!--.*?-->", "", (tmp_path / "a.svg").read_text())) == marked


def test_the_sidecar_holds_what_was_drawn(tmp_path, copernicus):
    one = copernicus["height_change"]
    sidecar = figures.sidecar_of(
        "height_change_region",
        one,
        study="icecap",
        source="SIMULATED",
        inputs={"atl15/height_change.nc": "ab12"},
        products={"atl15": {"version": "005"}},
        preset_name="copernicus",
    )
    figures.save(Figure(figsize=(1, 1)), [tmp_path / "a.json"], sidecar)
    read = json.loads((tmp_path / "a.json").read_text())
    assert read["inputs"] == {"atl15/height_change.nc": "ab12"}
    assert read["crs"] == "EPSG:3413"
    assert read["numbers"]["b"]["dh_m"]["min"] < -5
    assert read["numbers"]["b"]["limit_m"] >= abs(read["numbers"]["b"]["dh_m"]["p2"])
    assert read["width_mm"] == pytest.approx(25.4)


def test_an_unknown_format_is_refused_in_one_line(tmp_path):
    with pytest.raises(NunatakError, match=r"a\.tiff: \.tiff is no figure format; use pdf, png, svg"):
        figures.save(Figure(), [tmp_path / "a.tiff"], {})


def test_a_failing_writer_leaves_no_figure(tmp_path, monkeypatch, simulated_sidecar):
    fig = plain_figure(figures.preset("copernicus"))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fig, "savefig", full)
    with pytest.raises(NunatakError, match="could not be written"):
        figures.save(fig, [tmp_path / "a.png"], simulated_sidecar)
    assert list(tmp_path.iterdir()) == []


def test_statistics_of_nothing_say_so():
    assert style.statistics([np.nan, np.nan]) == {"count": 0}


def test_statistics_are_those_of_the_finite_values():
    assert style.statistics([1.0, np.nan, 3.0]) == {
        "count": 2,
        "min": 1.0,
        "p2": 1.04,
        "median": 2.0,
        "p98": 2.96,
        "max": 3.0,
        "mean": 2.0,
    }
