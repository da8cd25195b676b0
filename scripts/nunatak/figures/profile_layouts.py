"""Figures that are curves: series, change by elevation, transects, repeat pairs."""

from __future__ import annotations

import numpy as np
from matplotlib.cm import ScalarMappable

from nunatak.figures import colour, elevation, maps, style
from nunatak.figures.graticule import draw_graticule
from nunatak.figures.layouts import TITLE_MM, Drawn, colour_bar, epoch_range, rounded, write_title
from nunatak.times import day, month


def height_change_series(look, *, title, regions, source_note=""):
    """
    Draw volume change and mean height change of every region against time.

    Parameters
    ----------
    regions : mapping of name to DataFrame with time, volume_change, volume_sigma (km3), mean_dh, mean_dh_sigma (m)
        relative to the first epoch
    source_note : words on the error band, for the caption
    """
    tall = look.tall(50)
    fig = style.new_figure(look, height_mm=TITLE_MM + tall + 24)
    width = look.page_mm - 18 if look.narrow else (look.page_mm - 2 * 15 - 4) / 2
    numbers: dict[str, dict] = {}
    panels = (
        ("volume_change", "volume_sigma", "volume change (km³)"),
        ("mean_dh", "mean_dh_sigma", "mean height change (m)"),
    )
    for index, (value, sigma, label) in enumerate(panels[1:] if look.narrow else panels):
        ax = style.add_axes(fig, 13 + index * (width + 15), TITLE_MM + 6, width, tall)
        for (name, table), shade in zip(regions.items(), colour.CATEGORIES, strict=False):
            elevation.change_series(
                ax, table["time"], table[value], table[sigma], label=name.replace("_", " "), colour_of=shade
            )
            numbers.setdefault(name, {})[value] = {
                "last": rounded(table[value].iloc[-1]),
                "last_sigma": rounded(table[sigma].iloc[-1]),
                **style.statistics(table[value]),
            }
        ax.axhline(0, color="#222222", lw=0.5, zorder=0.5)
        gaps = elevation.mark_data_gaps(ax)
        ax.set_ylabel(label)
        ax.set_xlabel("year")
        ax.xaxis.set_major_formatter(lambda v, _: f"{v:.0f}" if abs(v - round(v)) < 1e-6 else "")
        ax.locator_params(axis="x", steps=[1, 2, 5, 10], integer=True, nbins=8)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        style.panel_letter(ax, index, look)
    handles, labels = ax.get_legend_handles_labels()
    fig.legend(handles, labels, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=min(len(labels), 5))
    write_title(fig, title, look)
    first = next(iter(regions.values()))["time"]
    what = "Area-weighted" if look.narrow else "(a) Volume change and (b) area-weighted"
    caption = (
        f"{what} mean height change since {month(first.iloc[0])} of every region; "
        f"bands are one standard error{source_note}. The surface is the product's fixed surface: change at the calving "
        "front is not in it."
    ) + (f" Grey: no data, {' and '.join(gap.get_label() for gap in gaps)}." if gaps else "")
    return Drawn(fig, title, caption, numbers)


def change_by_elevation(look, *, title, table, span=""):
    """
    Draw the hypsometric curve: change of each elevation band, and the ice area it holds.

    Parameters
    ----------
    table : DataFrame with band_low, band_high, mean_dh, dh_sigma (m), area (km2)
    span : epochs, for the caption
    """
    tall = look.tall(70)
    fig = style.new_figure(look, height_mm=TITLE_MM + tall + 20)
    room = look.page_mm - 15 - 8
    ax = style.add_axes(fig, 15, TITLE_MM + 6, room * 0.66, tall)
    elevation.change_by_elevation(ax, table["band_low"], table["band_high"], table["mean_dh"], table["dh_sigma"])
    ax.set(xlabel="mean height change (m)", ylabel="elevation (m above WGS84)")
    style.panel_letter(ax, 0, look)
    side = style.add_axes(fig, 15 + room * 0.66 + 6, TITLE_MM + 6, room * 0.34 - 6, tall, sharey=ax)
    elevation.band_area(side, table["band_low"], table["band_high"], table["area"])
    side.set_xlabel("ice area (km²)")
    side.tick_params(axis="y", labelleft=False)
    style.panel_letter(side, 1, look)
    for panel in (ax, side):
        for edge in ("top", "right"):
            panel.spines[edge].set_visible(False)
    write_title(fig, title, look)
    caption = (
        f"(a) Area-weighted mean height change of each band of elevation{', ' + span if span else ''}; bars are one "
        f"standard error, fully correlated inside a band. (b) Ice area of each band."
    )
    numbers = {"mean_dh_m": style.statistics(table["mean_dh"]), "area_km2": rounded(table["area"].sum())}
    return Drawn(fig, title, caption, numbers)


def transect(look, *, title, section, dh, crs, ice_area=None, name="A", points=None):
    """
    Draw a transect: where it lies, the surface along it through time, and its change with the error band.

    Parameters
    ----------
    section : Dataset (time, distance): dh, dh_sigma (m, relative to the first epoch), `h` (m) where a reference
        surface is at hand; coordinates distance (m, geodesic), x, y (m in `crs`)
    dh : DataArray (y, x), m: the map behind the line, first to last epoch
    points : DataFrame with distance (m along the line), change, change_sigma (m, first to last epoch): what ATL11 says
        where its tracks cross the line, or None
    """
    if look.narrow:
        return _transect_alone(look, section, points, name)
    box = maps.extent_of(dh)
    wide, tall = maps.fit(box, width=look.page_mm * 0.40, height=92)
    body = max(tall, 86)
    fig = style.new_figure(look, height_mm=TITLE_MM + 6 + body + 22)
    ax = style.add_axes(fig, 12, TITLE_MM + 6, wide, tall)
    image = elevation.height_change_map(ax, dh, ice_area=ice_area)
    maps.section_line(ax, section["x"].values, section["y"].values, name=name)
    maps.km_axes(ax)
    maps.scale_bar(ax, crs, corner=_free_lower(dh))
    ax.set_title(epoch_range(section["time"].values[0], section["time"].values[-1]))
    style.panel_letter(ax, 0, look)
    colour_bar(fig, image, look, (12, TITLE_MM + 6 + tall + 9, wide, 3), label="height change (m)", values=dh)

    left = 12 + wide + 16
    width = look.page_mm - left - 4
    panels = ["dh"] if "h" not in section else ["h", "dh"]
    high = (body - 13 * (len(panels) - 1)) / len(panels)
    for index, variable in enumerate(panels):
        profile = style.add_axes(fig, left, TITLE_MM + 6 + index * (high + 13), width, high)
        draw = elevation.surface_profiles if variable == "h" else elevation.change_profiles
        draw(profile, section)
        profile.set_ylabel(
            "surface (m above WGS84)" if variable == "h" else f"change since {month(section['time'].values[0])} (m)"
        )
        for side in ("top", "right"):
            profile.spines[side].set_visible(False)
        style.panel_letter(profile, index + 1, look)
    _rates_on(profile, points)
    profile.set_xlabel(f"distance from {name} to {name}′ (km)")
    _time_bar(fig, look, section["time"].values, (left, TITLE_MM + 6 + body + 9, width, 3))
    write_title(fig, title, look)
    caption = (
        f"(a) Height change and the transect {name}–{name}′; projection {crs}. "
        + ("(b) Surface along it at every epoch. (c) " if len(panels) == 2 else "(b) ")
        + "Change since the first epoch, coloured by time; the band is one standard error of the last epoch. Distance "
        "is geodesic."
        + ("" if points is None or points.empty else " Circles: rates of ATL11 reference points over the same time.")
    )
    numbers = {
        "dh_m": style.statistics(section["dh"]),
        "length_km": rounded(section["distance"].values[-1] / 1000),
        "epochs": int(section.sizes["time"]),
        "limit_m": rounded(image.norm.vmax),
    }
    return Drawn(fig, title, caption, numbers, crs)


def _rates_on(ax, points):
    """Draw what ATL11 says where its tracks cross a transect, where there is any."""
    if points is None or not len(points):
        return
    ax.errorbar(
        points["distance"] / 1000,
        points["change"],
        yerr=points["change_sigma"],
        fmt="o",
        ms=2.6,
        color="#111111",
        mfc="white",
        mew=0.7,
        elinewidth=0.6,
        capsize=1.2,
        zorder=6,
        label="ATL11",
    )
    ax.legend(loc="best")


def _transect_alone(look, section, points, name):
    """Draw the change along a transect as a part of a composed figure, whose maps show where it lies."""
    tall, times = look.tall(50), section["time"].values
    fig = style.new_figure(look, height_mm=TITLE_MM + 6 + tall + 22)
    ax = style.add_axes(fig, 13, TITLE_MM + 6, look.page_mm - 18, tall)
    elevation.change_profiles(ax, section)
    _rates_on(ax, points)
    ax.set(ylabel=f"change since {month(times[0])} (m)", xlabel=f"distance from {name} to {name}′ (km)")
    ax.spines[["top", "right"]].set_visible(False)
    style.panel_letter(ax, 0, look)
    _time_bar(fig, look, times, (13, TITLE_MM + 6 + tall + 11, look.page_mm - 18, 3))
    caption = (
        f"Change along the transect {name}–{name}′ since the first epoch, coloured by time; the band is one standard "
        "error of the last epoch. Distance is geodesic."
    )
    return Drawn(fig, "", caption, {"dh_m": style.statistics(section["dh"]), "epochs": int(section.sizes["time"])})


def _free_lower(values):
    """Return the lower corner with fewer data."""
    finite = np.isfinite(values.sortby("y", ascending=False).values)
    ny, nx = finite.shape
    half = finite[-max(ny // 4, 1) :]
    return "lower left" if half[:, : nx // 2].mean() <= half[:, nx // 2 :].mean() else "lower right"


def _time_bar(fig, look, time, box):
    """Draw a bar for lines coloured by time, ticks at whole years."""
    _, cmap, norm = elevation.time_colours(time)
    bar = colour_bar(fig, ScalarMappable(norm, cmap), look, box, label="epoch (year)")
    years = np.arange(np.ceil(norm.vmin), np.floor(norm.vmax) + 1)
    if years.size >= 2:
        bar.set_ticks(years, labels=[f"{y:.0f}" for y in years])
    return bar


def repeat_pair(look, *, title, pairs, x, y, crs, column="dh"):
    """
    Draw the height difference of two passes over the same track: along the track per beam, and on a map.

    The map stands beside the profiles where the track runs up the page, else below them.

    Parameters
    ----------
    pairs : DataFrame with beam, segment_id, `column` (m), time_first, time_second
    x, y : positions of its rows, m in `crs`
    """
    box = _box(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
    below = (box[1] - box[0]) > 1.5 * (box[3] - box[2])
    width = look.page_mm - 17 if below else look.page_mm * 0.52
    across = look.page_mm - 36 if below else look.page_mm - 13 - width - 36
    wide, tall = maps.fit(box, width=across, height=68)
    top = TITLE_MM + 6
    fig = style.new_figure(look, height_mm=top + (58 + 24 + tall + 11 if below else 86))
    ax = style.add_axes(fig, 13, top, width, 58 if below else 66)
    medians = elevation.pair_profiles(ax, pairs, column=column)
    span = f"{day(pairs['time_first'].min())} to {day(pairs['time_second'].max())}"
    ax.set(xlabel="distance along the track (km)", ylabel="height difference (m)", title=span)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    style.panel_letter(ax, 0, look)
    legend = ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -10 / (58 if below else 66)),
        ncols=6,
        markerscale=3,
        columnspacing=0.9,
        handletextpad=0.2,
    )
    legend.set_in_layout(False)

    left, high = (13, top + 58 + 24) if below else (13 + width + 17, top + (66 - tall) / 2)
    side_map = style.add_axes(fig, left, high, wide, tall)
    points = elevation.pair_map(side_map, x, y, pairs[column].values)
    side_map.set(xlim=box[:2], ylim=box[2:])
    draw_graticule(side_map, crs, labels=False)
    maps.km_axes(side_map)
    maps.scale_bar(side_map, crs)
    style.panel_letter(side_map, 1, look)
    colour_bar(
        fig,
        points,
        look,
        (left + wide + 3, high, 3, tall),
        label="height difference (m)",
        values=pairs[column],
        orientation="vertical",
    )
    write_title(fig, title, look)
    said = ", ".join(f"{beam} {value:.2f} m" for beam, value in medians.items()).replace("-", "−")
    caption = (
        f"Height of the later pass minus the earlier one ({span}), joined on segment_id"
        f"{', corrected for the slope across the track' if column == 'dh' else ''}: (a) along the track, medians "
        f"dashed ({said}); (b) on a map, projection {crs}."
    )
    numbers = {
        f"{column}_m": style.statistics(pairs[column]),
        "limit_m": rounded(points.norm.vmax),
        "median_m": {k: rounded(v) for k, v in medians.items()},
        "pairs": len(pairs),
    }
    return Drawn(fig, title, caption, numbers, crs)


def _box(x, y):
    """Return (left, right, bottom, top) around points, with a margin, never slimmer than a third of its length."""
    half = np.array([np.ptp(x), np.ptp(y)]) * 0.56 + 300.0
    half = np.maximum(half, half.max() * 0.3)
    middle = np.array([x.min() + x.max(), y.min() + y.max()]) / 2
    return tuple(float(v) for pair in zip(middle - half, middle + half, strict=True) for v in pair)
