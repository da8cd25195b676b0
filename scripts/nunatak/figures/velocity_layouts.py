"""Maps of velocity: one or several panels on one colour scale or on their own."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.lines import Line2D

from nunatak.constants import DAYS_PER_YEAR
from nunatak.figures import colour, maps, style, velocity
from nunatak.figures.graticule import draw_graticule
from nunatak.figures.layouts import TITLE_MM, Drawn, colour_bar, rounded, write_title

LEFT, BETWEEN, BAR = 14.0, 4.0, 3.0  # mm: tick labels; room between panels; height of a colour bar


@dataclass(frozen=True)
class Panel:
    """
    One map of a figure.

    It holds values (DataArray y, x, with `crs`), colours, the label of its bar, its heading, doubtful cells, and for
    values that are few the words of the bar's ticks.
    """

    values: object
    cmap: object
    norm: object
    label: str
    heading: str = ""
    doubtful: object = None
    ticks: dict | None = None


def panels(
    look,
    *,
    title,
    caption,
    shown,
    columns=None,
    one_bar=True,
    lines=(),
    lines_text="",
    doubtful_text="",
    graticule=True,
):
    """
    Draw maps side by side, with one colour bar for all or one below each.

    Parameters
    ----------
    shown : list of Panel on one grid
    columns : maps in a row
    one_bar : all panels have the first one's colours; else all stand in one row and each has its own bar
    lines, lines_text : (x, y) arrays drawn over every map, m, and what they are
    doubtful_text : what pale cells mean
    """
    columns = min(columns or len(shown), len(shown)) if one_bar else len(shown)
    between = BETWEEN if one_bar else 2 * BETWEEN  # the ends of two bars need room for their numbers
    rows = -(-len(shown) // columns)
    crs = shown[0].values.attrs["crs"]
    box = maps.extent_of(shown[0].values)
    top, foot, head = TITLE_MM + 6, 9 + BAR + 16, 7.0 if any(p.heading for p in shown) else 3.0
    width = (look.page_mm - LEFT - 4 - between * (columns - 1)) / columns
    most = min((look.height_mm - top - foot - head * (rows - 1)) / rows, 42 if look.narrow else 120)
    wide, tall = maps.fit(box, width=width, height=most)
    fig = style.new_figure(look, height_mm=top + rows * tall + head * (rows - 1) + foot)
    left = LEFT + (look.page_mm - LEFT - 4 - columns * wide - between * (columns - 1)) / 2
    under = top + rows * tall + head * (rows - 1) + 9
    for number, panel in enumerate(shown):
        row, column = divmod(number, columns)
        place = left + column * (wide + between)
        ax = style.add_axes(fig, place, top + row * (tall + head), wide, tall)
        image = velocity.map_of(ax, panel.values, cmap=panel.cmap, norm=panel.norm, doubtful=panel.doubtful)
        for x, y in lines:
            ax.plot(x, y, color="white", lw=1.4, zorder=4)
            ax.plot(x, y, color="#111111", lw=0.7, zorder=5)
        ax.set(xlim=box[:2], ylim=box[2:])
        if graticule:
            draw_graticule(ax, crs, labels=len(shown) <= 2)
        maps.km_axes(ax, labels=len(shown) == 1)
        if rows > 1:  # numbers at every small map would be as large as the map; the scale bar serves
            ax.set(xticks=[], yticks=[])
        elif len(shown) > 1:
            ax.locator_params(axis="x", nbins=1 if wide < 32 else 2 if wide < 45 else 4)
            ax.tick_params(labelleft=column == 0)
            ax.set_xlabel("x (km)")
            ax.set_ylabel("y (km)" if column == 0 else "")
        if number == 0:
            length = maps.scale_bar(ax, crs, corner=maps.emptiest_corner(panel.values))
        if panel.heading:
            ax.set_title(panel.heading, fontsize=look.small_pt)
        if not one_bar:
            bar = colour_bar(fig, image, look, (place, under, wide, BAR), label=panel.label, values=panel.values)
            if panel.ticks:
                bar.set_ticks(list(panel.ticks), labels=list(panel.ticks.values()))
    if one_bar:
        across = min(columns * wide + between * (columns - 1), 120)
        start = left + (columns * wide + between * (columns - 1) - across) / 2
        everything = np.concatenate([panel.values.values.ravel() for panel in shown])
        colour_bar(fig, image, look, (start, under, across, BAR), label=shown[0].label, values=everything)
    handles = [maps.missing_patch("no data")] + ([velocity.fade_patch(doubtful_text)] if doubtful_text else [])
    handles += [Line2D([], [], color="#111111", lw=0.9, label=lines_text)] if lines else []
    fig.legend(handles=handles, loc="lower center", ncols=3, bbox_to_anchor=(0.5, 0.0), handlelength=2.2)
    write_title(fig, title, look)
    numbers = {
        "scale_bar_km": length[0],
        "limits": [rounded(shown[0].norm.vmin), rounded(shown[0].norm.vmax)],
        "values": {panel.heading or panel.label: style.statistics(panel.values) for panel in shown},
    }
    caption = f"{caption} Grey is no data. Projection {crs}; scale bar in true kilometres."
    return Drawn(fig, title, caption, numbers, crs)


def speed_map(look, *, title, speed, period, lines=()):
    """Draw the mean speed on a logarithmic scale, flowlines on it."""
    said = " Lines are the study's flowlines." if lines else ""
    shown = [Panel(speed, colour.sequential_map(), velocity.speed_norm(speed), "mean speed (m/yr)")]
    made = "from the mean of the components of each cell's annual velocities"
    return panels(
        look,
        title=title,
        shown=shown,
        lines=lines,
        lines_text="flowline",
        caption=f"Mean speed {period}, {made}.{said}",
    )


def speed_annual(look, *, title, speed):
    """Draw the speed of every year with data on one logarithmic scale, four in a row, at most the last twenty."""
    years = [k for k in range(speed.sizes["year"]) if np.isfinite(speed[k].values).any()][-20:]
    norm, cmap = velocity.speed_norm(speed.values), colour.sequential_map()
    shown = [Panel(_layer(speed, k), cmap, norm, "annual speed (m/yr)", str(int(speed["year"][k]))) for k in years]
    return panels(
        look,
        title=title,
        shown=shown,
        columns=4,
        graticule=False,
        caption="Annual speed, components averaged. Years that no pair observes are not drawn, nor cells of a year "
        "whose error is beyond the composite's limit.",
    )


def speed_change(look, *, title, annual, first, last):
    """Draw the speed of one year less that of an earlier one, pale where it is below two standard errors."""
    early, late = (_layer(annual["v"], k) for k in (first, last))
    error = np.hypot(annual["v_error"][first].values, annual["v_error"][last].values)
    change = (late - early).assign_attrs(crs=early.attrs["crs"])
    years = int(annual["year"][first]), int(annual["year"][last])
    label = f"change of speed, {years[0]} to {years[1]} (m/yr)"
    doubtful = (abs(change) < 2 * error).assign_attrs(crs=early.attrs["crs"])
    # red is faster here: speed-up is what thins the ice
    cmap = colour.change_map().reversed().with_extremes(bad=colour.MISSING)
    shown = [Panel(change, cmap, colour.change_norm(change), label, doubtful=doubtful)]
    return panels(
        look,
        title=title,
        shown=shown,
        doubtful_text="smaller than two standard errors",
        caption=f"Annual speed {years[1]} less that of {years[0]}, red where the ice became faster.",
    )


def seasonal(look, *, title, annual):
    """Draw amplitude of the seasonal cycle and day of its maximum, pale where chance alone explains the cycle."""
    from matplotlib.colors import Normalize

    crs = annual.attrs["crs"]
    amplitude, phase = (annual[name].assign_attrs(crs=crs) for name in ("v_amp", "v_phase"))
    doubtful = (amplitude <= 2 * annual["v_amp_error"]).assign_attrs(crs=crs)
    finite = amplitude.values[np.isfinite(amplitude.values)]
    high = colour.nice(np.percentile(finite, 98)) if finite.size else 1.0
    shown = [
        Panel(amplitude, colour.sequential_map(), Normalize(0, high), "amplitude (m/yr)", "amplitude", doubtful),
        Panel(
            phase,
            colour.sequential_map("romaO"),
            Normalize(0, DAYS_PER_YEAR),
            "day of the year of the maximum",
            "phase",
            doubtful,
        ),
    ]
    return panels(
        look,
        title=title,
        shown=shown,
        one_bar=False,
        doubtful_text="amplitude within two standard errors of 0",
        caption="Seasonal cycle of the speed along the flow, one cycle for all years. Where the amplitude is within "
        "two standard errors of 0 the day of the maximum means nothing.",
    )


def strain(look, *, title, rates):
    """Draw strain rates along the flow, across it and in shear, on one diverging scale, pale where below two errors."""
    crs = rates.attrs["crs"]
    words = {"e_lon": "along the flow", "e_trn": "across the flow", "e_shr": "shear"}
    fields = {name: rates[name].assign_attrs(crs=crs) for name in words}
    norm = colour.change_norm(np.concatenate([f.values.ravel() for f in fields.values()]))
    doubt = {name: None for name in words}
    if "sigma" in rates:
        doubt = {n: (abs(f) < 2 * rates["sigma"]).assign_attrs(crs=crs) for n, f in fields.items()}
    shown = [
        Panel(fields[n], colour.change_map(), norm, "strain rate (1/yr)", text, doubt[n]) for n, text in words.items()
    ]
    half = f" over {rates.attrs['half_length']:g} m to either side" if "half_length" in rates.attrs else ""
    return panels(
        look,
        title=title,
        shown=shown,
        columns=3,
        doubtful_text="smaller than two standard errors" if "sigma" in rates else "",
        caption=f"Strain rates of the mean velocity along the flow{half}; blue is extension, red compression.",
    )


def pair(look, *, title, granule):
    """Draw one granule as it comes: speed, size of the search template, where values were interpolated."""
    crs = granule.attrs["crs"]
    speed = granule["v"].assign_attrs(crs=crs)
    shown = [Panel(speed, colour.sequential_map(), velocity.speed_norm(speed), "speed (m/yr)", "v")]
    for name, label in (("chip_size_width", "width of the template (m)"), ("interp_mask", "")):
        if name in granule:
            # a mask of zero is no missing value where there is a velocity
            values = granule[name].fillna(0).where(np.isfinite(granule["v"])).assign_attrs(crs=crs)
            shown.append(_classes(values, label, name))
    about = granule.attrs
    if "year" in about:
        said = f"The annual mosaic of {about['year']} as its file has it, over ground: {about['granule_id']}."
    else:
        said = (
            f"One image pair as the granule has it, {about['acquisition_date_img1']} to "
            f"{about['acquisition_date_img2']} ({about['date_dt']:.0f} days, {about['platform']}): "
            f"{about['granule_id']}."
        )
    return panels(look, title=title, shown=shown, one_bar=False, caption=said)


def _classes(values, label, name):
    """Return the Panel of a field that takes few values: a colour and a tick for each."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    words = {0.0: "measured", 1.0: "interpolated"} if name == "interp_mask" else {}
    known = np.unique(values.values[np.isfinite(values.values)])
    classes = sorted(set(known[:6].tolist()) | set(words)) or [0.0]
    middles = [(a + b) / 2 for a, b in pairwise(classes)]
    edges = [classes[0] - 1, *middles, classes[-1] + 1]
    # the bar's parts are equally wide, whatever the values
    place = values.copy(data=np.where(np.isfinite(values.values), np.digitize(values.values, edges[1:-1]), np.nan))
    colours = colour.sequential_map("lapaz")(np.linspace(0.15, 0.8, len(classes)))
    cmap = ListedColormap(colours).with_extremes(bad=colour.MISSING)
    norm = BoundaryNorm(np.arange(len(classes) + 1) - 0.5, len(classes))
    ticks = {number: words.get(value, f"{value:g}") for number, value in enumerate(classes)}
    return Panel(place.assign_attrs(values.attrs), cmap, norm, label, name, ticks=ticks)


def _layer(values, k):
    return values.isel(year=k).assign_attrs(crs=values.attrs["crs"])
