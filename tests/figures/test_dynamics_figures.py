"""Figures of elevation and velocity together: what is drawn where, what is said of it, and what cannot be drawn."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from tests.builders import dynamics as made
from tests.builders import records

from nunatak import figures
from nunatak.figures import style

LOOK = figures.preset("copernicus")
FIGURES = (
    "gate_section",
    "gates_series",
    "flux_divergence",
    "dynamic_thinning",
    "budget",
    "flowline_together",
    "speed_vs_thinning",
    "record_series",
)


def results(**changes):
    """Return every result the figures are drawn from."""
    found = {
        "gate_sections": made.sections(),
        "discharge": made.gates(),
        "dynamics": made.mapped(),
        "budget": made.budget(("trunk", "tributary")),
        "flowline_years": made.flowline_years(),
        "basin_years": made.basin_years(),
        "lags": made.lags(),
        **records.tables("region", "upper_basin"),
    }
    return found | changes


def draw(name, look=LOOK, **changes):
    with figures.use(look):
        drawn = figures.draw(look, figures.Subject(name, "Pine Island"), results(**changes))
        style.mark_simulated(drawn.figure, look)
        FigureCanvasAgg(drawn.figure).draw()
    return drawn


@pytest.fixture(scope="module", params=[(n, p) for n in FIGURES for p in ("copernicus", "nature")], ids="-".join)
def drawn(request):
    """Each figure under two presets."""
    name, preset = request.param
    look = figures.preset(preset)
    return draw(name, look), look


def shown_texts(fig):
    """
    Yield every text that is seen, with its box.

    Ticks beyond the ends of an axis are not.
    """
    renderer = fig.canvas.get_renderer()
    unseen = set()
    for ax in fig.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            slack = 1e-6 * (high - low)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low - slack <= tick.get_loc() <= high + slack:
                    unseen |= {tick.label1, tick.label2}
    for text in fig.findobj(mpl.text.Text):
        if text not in unseen and text.get_visible() and text.get_text().strip():
            yield text, text.get_window_extent(renderer)


def test_each_figure_has_the_journal_s_width_and_sizes_of_text(drawn):
    one, look = drawn
    width, height = style.size_mm(one.figure)
    assert width == pytest.approx(look.page_mm, abs=0.01) and height <= look.height_mm
    sizes = {text.get_fontsize() for text, _ in shown_texts(one.figure)}
    assert min(sizes) >= 5 and max(sizes) <= max(look.font_pt, look.panel_pt) + 0.01


def test_no_text_leaves_the_page_or_lies_on_another(drawn):
    fig = drawn[0].figure
    boxes = [(text.get_text(), box) for text, box in shown_texts(fig) if box.width > 0]
    for words, box in boxes:
        assert box.x0 >= fig.bbox.x0 - 1 and box.x1 <= fig.bbox.x1 + 1, words
        assert box.y0 >= fig.bbox.y0 - 1 and box.y1 <= fig.bbox.y1 + 1, words
    outside = [
        (text.get_text(), box.shrunk(0.9, 0.7))
        for text, box in shown_texts(fig)
        if not is_graticule(text) and box.width
    ]
    for k, (words, box) in enumerate(outside):
        for other, place in outside[k + 1 :]:
            assert not box.overlaps(place), f"{words!r} lies on {other!r}"


def is_graticule(text):
    """Whether a text is written into a map, where it may lie on others."""
    return text.axes is not None and bool(text.axes.images) and text in text.axes.texts


def test_sections_show_every_gate_and_mark_what_was_not_observed():
    one = draw("gate_section")
    assert set(one.numbers) == {"front", "upper"} and one.numbers["front"]["years"] == 3
    assert one.numbers["front"]["width_km"] == pytest.approx(4.02, abs=0.1)
    over = one.figure.axes[0]
    solid = [line for line in over.lines if line.get_linestyle() == "-" and len(line.get_xdata()) > 2]
    assert len(solid) == 3 and all(np.isnan(line.get_ydata()).sum() == 7 for line in solid)
    below = one.figure.axes[1]
    assert below.get_ylim()[0] > below.get_ylim()[1], "thickness grows downwards"
    assert any(patch.get_hatch() for patch in below.collections)


def test_change_of_discharge_has_the_errors_of_velocity_alone():
    one = draw("gates_series")
    change = one.figure.axes[1]
    bars = next(c for c in change.collections if len(c.get_segments()) == 3)
    heights = [np.ptp(segment[:, 1]) / 2 for segment in bars.get_segments()]
    assert heights == pytest.approx([0, 0.01 * np.sqrt(2), 0.01 * np.sqrt(2)])
    assert one.numbers["front"]["last"] == 3.06
    opened = [line for line in one.figure.axes[0].lines if line.get_markerfacecolor() == "white"]
    assert [len(line.get_xdata()) for line in opened] == [1, 1], "the year that is observed for 40 %"


def test_thinning_is_red_where_the_surface_sinks_and_divergence_where_ice_is_lost():
    one = draw("dynamic_thinning")
    names = [ax.get_title("left") for ax in one.figure.axes if ax.images and ax.get_gid() != "colour-bar"]
    assert names == ["height change", "surface part", "dynamic part", "residual"]
    both = draw("dynamic_thinning", dynamics=made.mapped(firn=True))
    names = [ax.get_title("left") for ax in both.figure.axes if ax.images and ax.get_gid() != "colour-bar"]
    assert names == ["height change", "surface balance", "firn", "dynamic part", "residual"]
    image = one.figure.axes[0].images[0]
    red, _, blue, _ = image.cmap(image.norm(-0.8))
    assert red > blue and image.norm.vmin == -image.norm.vmax
    image = draw("flux_divergence").figure.axes[0].images[0]
    red, _, blue, _ = image.cmap(image.norm(0.8))
    assert red > blue


def test_without_surface_mass_balance_the_parts_are_not_drawn_and_that_is_said():
    one = draw("dynamic_thinning", dynamics=made.mapped(smb=False))
    assert [ax.get_title("left") for ax in one.figure.axes if ax.get_gid() != "colour-bar"] == ["height change"]
    assert "without a surface mass balance" in one.caption
    one = draw("budget", budget=made.budget(smb=np.nan))
    said = [text.get_text() for text, _ in shown_texts(one.figure)]
    assert said.count("not known") == 5, "balance, melt, expected change, residual, residual of each year"


def test_bars_of_a_budget_end_where_the_next_begins_and_add_up():
    one = draw("budget", budget=made.budget())
    bars = one.figure.axes[0].patches
    assert [bar.get_width() for bar in bars] == pytest.approx([2.1, 0.5, -0.1, -3.0, -0.5, -0.45, 0.05])
    starts = [bar.get_x() + min(bar.get_width(), 0) for bar in bars]
    assert starts[:4] == pytest.approx([0, 2.1, 2.5, -0.5])
    assert one.numbers["trunk"]["residual"] == pytest.approx(0.05)


def test_firn_that_was_taken_out_is_outlined_beside_the_observed_change():
    one = draw("budget", budget=made.budget().assign(firn=-0.2, firn_sigma=0.05))
    outline = [bar for bar in one.figure.axes[0].patches if not bar.get_fill()]
    assert [(bar.get_x(), bar.get_width()) for bar in outline] == [pytest.approx((-0.45, -0.2))]
    assert "air in the firn" in one.caption and "air in the firn" not in draw("budget").caption


def test_more_boxes_than_fit_are_told():
    one = draw("budget", budget=made.budget(tuple("abcde")))
    assert len(one.figure.axes) == 6 and "first 3 of 5 boxes" in one.caption
    assert "first 3 of 4 gates" in draw("gate_section", gate_sections=made.sections(tuple("abcd"))).caption


def test_a_flowline_shows_bed_change_speed_and_strain_of_every_year():
    one = draw("flowline_together")
    labels = [ax.get_ylabel().replace("\n", " ") for ax in one.figure.axes[:5]]
    assert labels == ["height (m)", "height change (m)", "speed (m/yr)", "change of speed (m/yr)", "strain rate (1/yr)"]
    bed = one.figure.axes[0].lines[0]
    np.testing.assert_allclose(bed.get_ydata(), -800.0)
    change = [line for line in one.figure.axes[1].lines if len(line.get_xdata()) > 2]
    assert len(change) == 3, "2018 is not held whole"
    assert "since 2019.5" in one.caption and "since 2018" in one.caption and "3000 m" in one.caption
    assert one.numbers["years"] == 4 and one.numbers["strain"]["max"] == 0.001
    line = made.flowline_years()
    both = pd.concat([line, line.assign(flowline="side")])
    both.attrs = line.attrs
    assert "The first of 2 flowlines." in draw("flowline_together", flowline_years=both).caption
    assert "first of" not in one.caption


def test_a_flowline_without_surface_shows_the_depth_and_without_altimetry_no_change():
    line = made.flowline_years(surface=False)
    line[["dh", "dh_sigma", "dhdt", "dhdt_sigma"]] = np.nan
    one = draw("flowline_together", flowline_years=line)
    labels = [ax.get_ylabel() for ax in one.figure.axes[:4]]
    assert labels[0].startswith("depth below") and not any("height" in label for label in labels)


def test_lags_are_filled_where_they_are_more_than_chance():
    one = draw("speed_vs_thinning")
    assert {name: found["lag"] for name, found in one.numbers["lags"].items()} == {"basin": 1.0, "rest": 1.0}
    lagged = one.figure.axes[2]
    filled = [line for line in lagged.lines if line.get_linestyle() == "None" and len(line.get_xdata())]
    assert all(1 in line.get_xdata() for line in filled) and len(filled) == 2
    few = draw("speed_vs_thinning", lags=made.lags().assign(correlation=np.nan))
    assert "too few years of both" in [text.get_text() for text, _ in shown_texts(few.figure)]


EMPTY = {
    "gate_section": {"gate_sections": made.sections(())},
    "gates_series": {"discharge": made.gates(())},
    "flux_divergence": {"dynamics": made.mapped() * np.nan},
    "dynamic_thinning": {"dynamics": made.mapped() * np.nan},
    "budget": {"budget": made.budget(())},
    "flowline_together": {"flowline_years": made.flowline_years(())},
    "speed_vs_thinning": {"basin_years": made.basin_years(regions=())},
    "record_series": {"record_series": records.tables("elsewhere")["record_series"]},
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_nothing_says_why_it_is_not_drawn(name):
    with pytest.raises(figures.NothingToDraw, match=f"figures: {name}: "):
        draw(name, **EMPTY[name])


def missing(table):
    """Return a table whose numbers are all missing, but for what names its rows."""
    out = table.copy()
    names = {"gate", "year", "box", "region", "flowline", "distance", "since", "until", "vertices", "kind", "observed"}
    for name in out.columns.difference([*names, "measured", "series", "lag", "place", "name"]):
        out[name] = np.nan
    out.attrs = table.attrs
    return out


@pytest.mark.parametrize("name", ["gate_section", "gates_series", "flowline_together", "speed_vs_thinning"])
def test_a_figure_of_missing_values_alone_says_why_it_is_not_drawn(name):
    tables = {key: missing(value) for key, value in results().items() if key != "dynamics"}
    with pytest.raises(figures.NothingToDraw, match=f"figures: {name}: "):
        draw(name, **tables)


def test_a_budget_of_which_nothing_is_known_says_so_for_every_term():
    one = draw("budget", budget=missing(made.budget()))
    assert [text.get_text() for text, _ in shown_texts(one.figure)].count("not known") == 9
    assert not one.figure.axes[0].patches


@pytest.mark.parametrize("name", FIGURES)
def test_a_single_year_is_drawn(name):
    one = {"years": (2020,)}
    changes = {"gate_sections": made.sections(**one), "discharge": made.gates(**one), "budget": made.budget(**one)}
    changes |= {"flowline_years": made.flowline_years(**one), "basin_years": made.basin_years(**one)}
    changes |= {"lags": made.lags(changes["basin_years"])}
    assert draw(name, **changes).numbers


def test_record_shows_each_source_and_the_trend_of_each_period():
    """Every epoch of both sources, the years they share, and a rate and an acceleration by period."""
    found = draw("record_series")
    axes = found.figure.axes
    lines = {line.get_label(): line.get_xdata() for line in axes[0].lines}
    assert (min(lines["all altimeters (ITS_LIVE)"]), max(lines["ATL15"])) == (1992.0, 2024.0)
    assert [patch.get_gid() for patch in axes[0].patches] == ["overlap"]
    told = found.numbers["upper_basin"]["periods"]
    assert set(told) == {"all", "1992-2004", "2004-2024"} and told["2004-2024"]["mean_acceleration"] < 0
    assert sum(line.get_linestyle() == "--" for line in axes[0].lines) == 2
