"""Figures of tracks as curves: a profile by cycle, ATL06 beside ATL11, crossovers."""

from __future__ import annotations

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.ticker import FuncFormatter

from nunatak.compute.robust import nmad
from nunatak.constants import DAYS_PER_YEAR
from nunatak.elevation import RateOptions, flag_rates, rates, summarise
from nunatak.figures import colour, elevation, maps, style
from nunatak.figures.layouts import TITLE_MM, Drawn, colour_bar, rounded, write_title
from nunatak.products.corrections import above
from nunatak.times import day, decimal_year

_GAP_M = 400.0  # no line is drawn over a longer gap
_PROFILE_M = 100.0  # glaciers that surge or lose their tongue change by as much in a few years
_CHANGE_M = 30.0  # differences of surging ice between two passes are as large; clouds reach hundreds of metres


def atl11_profile(look, *, title, points):
    """
    Draw height along a track, a line per cycle coloured by time, and the change since the first well-seen cycle.

    Change is drawn at the reference points that both cycles saw and nowhere else.

    Parameters
    ----------
    points : DataFrame of one pair with cycle, x_atc (m), time, h (m), good; only good ones are drawn
    """
    good = points[points["good"]]
    start = good["x_atc"].min()
    times = good.groupby("cycle")["time"].min()
    colours, cmap, norm = elevation.time_colours(times.to_numpy())
    fig = style.new_figure(look, height_mm=TITLE_MM + 132)
    width = look.page_mm - 16 - 6
    axes = [style.add_axes(fig, 16, TITLE_MM + 6 + k * 57, width, 46) for k in range(2)]
    table = good.pivot_table(index="x_atc", columns="cycle", values="h")
    since = first_well_seen(table)
    base = table[since]
    for cycle, shade in zip(times.index, colours, strict=True):
        h = table[cycle].dropna()
        km, values = _broken((h.index.to_numpy() - start), h.to_numpy())
        axes[0].plot(km, values, color=shade, lw=0.7)
        change = (table[cycle] - base).dropna()
        km, values = _broken((change.index.to_numpy() - start), change.to_numpy())
        axes[1].plot(km, values, color=shade, lw=0.7, marker=".", ms=0.8)  # lone points have no line
    limit, beyond = _limit_of_change(table.sub(base, axis=0).to_numpy())
    if beyond:
        axes[1].set_ylim(-limit, limit)
    axes[0].set_ylabel(f"h_corr (m above {above(points)})")
    axes[1].set(ylabel=f"change since cycle {since:02d} (m)", xlabel="distance along the track (km)")
    axes[1].axhline(0, color="#222222", lw=0.5)
    for index, ax in enumerate(axes):
        ax.set_xlim(0, (good["x_atc"].max() - start) / 1000)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        style.panel_letter(ax, index, look)
    box = (16, TITLE_MM + 6 + 57 + 46 + 11, width, 3)
    bar = colour_bar(fig, ScalarMappable(norm, cmap), look, box, label="time of the cycle (year)")
    years = np.arange(np.ceil(norm.vmin), np.floor(norm.vmax) + 1)
    if years.size >= 2:
        bar.set_ticks(years, labels=[f"{y:.0f}" for y in years])
    write_title(fig, title, look)
    caption = (
        f"ATL11 along RGT {int(good['rgt'].iloc[0]):04d}, pair {good['beam'].iloc[0]}, {len(times)} cycles from "
        f"{day(times.min())} to {day(times.max())}, coloured by time: (a) h_corr of best quality; (b) its change since "
        f"cycle {since:02d} ({day(times[since])}), the first that saw half as many points as the best, at the "
        f"reference points that both cycles saw ({base.notna().sum():,} of {len(table):,}). Lines end at gaps "
        "longer than 400 m."
    )
    if beyond:
        caption += f" {beyond:,} differences lie beyond the axis of (b)."
    common = {f"{cycle:02d}": int((table[cycle].notna() & base.notna()).sum()) for cycle in times.index}
    last = (table[times.index[-1]] - base).dropna()
    numbers = {
        "cycles": len(times),
        "points": len(table),
        "since_cycle": int(since),
        "points_in_common": common,
        "beyond_axis": beyond,
        "last_change_m": style.statistics(last),
    }
    return Drawn(fig, title, caption, numbers)


def atl06_profile(look, *, title, segments):
    """
    Draw height along one beam of ATL06, a line per cycle coloured by time.

    Parameters
    ----------
    segments : DataFrame of one beam with rgt, cycle, x_atc (m), time, h (m), good; only good ones are drawn
    """
    good = segments[segments["good"]].sort_values(["cycle", "x_atc"])
    start, times = good["x_atc"].min(), good.groupby("cycle")["time"].min()
    colours, cmap, norm = elevation.time_colours(times.to_numpy())
    tall = look.tall(52)
    fig = style.new_figure(look, height_mm=TITLE_MM + tall + 32)
    width = look.page_mm - 16 - 6
    ax = style.add_axes(fig, 16, TITLE_MM + 6, width, tall)
    for cycle, shade in zip(times.index, colours, strict=True):
        rows = good[good["cycle"] == cycle]
        ax.plot(
            *_broken((rows["x_atc"] - start).to_numpy(), rows["h"].to_numpy()), ".-", color=shade, lw=0.7, ms=1.5, mew=0
        )
    ax.set(ylabel=f"h_li (m above {above(segments)})", xlabel="distance along the track (km)")
    ax.set_xlim(0, max(good["x_atc"].max() - start, 20.0) / 1000)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    box = (16, TITLE_MM + 6 + tall + 13, width, 3)
    bar = colour_bar(fig, ScalarMappable(norm, cmap), look, box, label="time of the cycle (year)")
    bar.ax.xaxis.set_major_formatter(FuncFormatter(lambda year, _: f"{year:.1f}"))
    write_title(fig, title, look)
    caption = (
        f"ATL06 along RGT {int(good['rgt'].iloc[0]):04d}, {good['beam'].iloc[0]}: h_li of {len(good):,} segments that "
        f"pass the study's filter, {len(times)} cycle{'s' if len(times) > 1 else ''} from {day(times.min())} to "
        f"{day(times.max())}, coloured by time. Lines end at gaps longer than 400 m."
    )
    numbers = {"cycles": len(times), "segments": len(good), "h_m": style.statistics(good["h"])}
    return Drawn(fig, title, caption, numbers)


def atl06_against_atl11(look, *, title, segments, points, filtered):
    """
    Draw ATL06 and ATL11 of one cycle along a track, and their difference at common places.

    Parameters
    ----------
    segments, points : DataFrames of ATL06 and ATL11 of one cycle with beam, number, x_atc (m), h (m)
    filtered : whether the heights of ATL06 passed the study's filter, for words
    """
    start = min(segments["x_atc"].min(), points["x_atc"].min())
    fig = style.new_figure(look, height_mm=TITLE_MM + 122)
    width = look.page_mm - 16 - 6
    axes = [style.add_axes(fig, 16, TITLE_MM + 6 + k * 53, width, 42) for k in range(2)]
    middle = segments.groupby("number").agg(h=("h", "mean"), beams=("h", "size"), x_atc=("x_atc", "first"))
    both = middle[middle["beams"] == 2].merge(points[["number", "h"]], on="number", suffixes=("", "_atl11"))
    difference = both["h"] - both["h_atl11"]
    for beam, shade in zip(sorted(segments["beam"].unique()), colour.CATEGORIES[1:], strict=False):
        rows = segments[segments["beam"] == beam]
        axes[0].plot(
            (rows["x_atc"] - start) / 1000,
            rows["h"],
            ".",
            ms=2,
            mew=0,
            color=shade,
            rasterized=True,
            label=f"ATL06 {beam}",
        )
    km, values = _broken((points["x_atc"] - start).to_numpy(), points["h"].to_numpy())
    axes[0].plot(km, values, color="#222222", lw=0.8, label=f"ATL11 {points['beam'].iloc[0]}")
    axes[1].plot((both["x_atc"] - start) / 1000, difference, ".", ms=2.4, mew=0, color="#333333", rasterized=True)
    axes[1].axhline(0, color="#222222", lw=0.5)
    axes[0].set_ylabel(f"height (m above {above(points)})")
    axes[1].set(ylabel="ATL06 less ATL11 (m)", xlabel="distance along the track (km)")
    for index, ax in enumerate(axes):
        ax.set_xlim(0, (max(segments["x_atc"].max(), points["x_atc"].max()) - start) / 1000)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        style.panel_letter(ax, index, look)
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=3, markerscale=4)
    write_title(fig, title, look)
    time = segments["time"].min()
    how = "that pass the study's filter" if filtered else "of every quality"
    caption = (
        f"RGT {int(segments['rgt'].iloc[0]):04d}, cycle {int(segments['cycle'].iloc[0]):02d}, {day(time)}: (a) ATL06 "
        f"heights {how} and ATL11; (b) the mean of both beams, which run 45 m to either side of the reference points, "
        f"less ATL11: median {difference.median():.3f} m, NMAD {nmad(difference):.3f} m over {len(both):,} points."
    ).replace(" -", " −")
    numbers = {
        "segments": len(segments),
        "in_common": len(both),
        "difference_m": style.statistics(difference),
        "nmad_m": rounded(nmad(difference)),
    }
    return Drawn(fig, title, caption, numbers)


def crossovers(look, *, title, table, x, y, crs, ice_area=None):
    """
    Draw crossovers: where they lie, their difference against the time between the passes, and how their errors hold.

    Parameters
    ----------
    table : DataFrame with dt_days, dh (m), z
    x, y : of its rows, m in `crs`
    """
    near = table[table["dt_days"] < 10]
    half = np.array([np.ptp(x), np.ptp(y)]) * 0.56 + 2000.0
    half = np.maximum(half, half.max() * 0.5)
    middle = np.array([np.min(x) + np.max(x), np.min(y) + np.max(y)]) / 2
    box = tuple(float(v) for pair in zip(middle - half, middle + half, strict=True) for v in pair)
    wide, tall = maps.fit(box, width=52, height=62)
    fig = style.new_figure(look, height_mm=TITLE_MM + 84)
    ax = style.add_axes(fig, 12, TITLE_MM + 6, wide, tall)
    ax.set_facecolor("#f6f8fa")
    if ice_area is not None:
        maps.outline(ax, ice_area)
    ax.plot(x, y, ".", ms=3, mew=0, color=colour.CATEGORIES[0], alpha=0.6, rasterized=True)
    ax.set(xlim=box[:2], ylim=box[2:], aspect="equal")
    maps.km_axes(ax)
    maps.scale_bar(ax, crs)
    style.panel_letter(ax, 0, look)
    left = 12 + wide + 15
    width = (look.page_mm - left - 4 - 13) * 0.6
    series = style.add_axes(fig, left, TITLE_MM + 6, width, 62)
    limit = _over_time(series, table)
    beyond = int((table["dh"].abs() > limit).sum())
    style.panel_letter(series, 1, look)
    hist = style.add_axes(fig, left + width + 13, TITLE_MM + 6, look.page_mm - left - 4 - 13 - width, 62)
    z = near["z_own"][np.isfinite(near["z_own"])]
    _errors_hold(hist, z)
    style.panel_letter(hist, 2, look)
    for panel in (series, hist):
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)
    write_title(fig, title, look)
    said = f"median {near['dh'].median():.3f} m, NMAD {nmad(near['dh']):.3f} m"
    said += f", NMAD(z) {nmad(z):.2f}" if z.size else ""
    off = f", of which {beyond:,} lie beyond the axis" if beyond else ""
    caption = (
        f"{len(table):,} crossovers of {_tracks_of(table)} tracks: (a) where they lie, projection {crs}; "
        f"(b) height of the later pass less the earlier against the time between them, medians and NMAD of bins{off}; "
        f"(c) the {len(near)} within 10 days, less what their two passes share, over the stated errors "
        "of single heights, with the normal curve" + (f" ({said})." if len(near) else ".")
    ).replace(" -", " −")
    numbers = {
        "crossovers": len(table),
        "within_10_days": len(near),
        "beyond_axis": beyond,
        "limit_m": rounded(limit),
        "nmad_m": rounded(nmad(near["dh"])),
        "nmad_z": rounded(nmad(z)),
        "dh_m": style.statistics(table["dh"]),
    }
    return Drawn(fig, title, caption, numbers, crs)


def _over_time(ax, table):
    """Draw the differences against the time between passes and return the limit of the axis, m."""
    ax.plot(table["dt_days"] / DAYS_PER_YEAR, table["dh"], ".", ms=1.4, mew=0, color="#9fb3c8", rasterized=True)
    bins = summarise(table)
    ax.errorbar(
        bins["median_days"] / DAYS_PER_YEAR,
        bins["median"],
        yerr=bins["nmad"],
        fmt="o",
        ms=2.6,
        color=colour.CATEGORIES[1],
        elinewidth=0.7,
        capsize=1.2,
    )
    ax.axhline(0, color="#222222", lw=0.5)
    limit = _limit_of(table["dh"], bins)
    longest = float(np.nanmax(table["dt_days"], initial=0.0)) / DAYS_PER_YEAR
    ax.set(xlabel="years between the passes", ylabel="later less earlier (m)", ylim=(-limit, limit))
    ax.set_xlim(-0.03 * max(longest, 0.1), 1.05 * max(longest, 0.1))
    return limit


def _errors_hold(ax, z):
    """Draw differences over their errors beside the normal curve."""
    if z.size:  # a density of nothing divides by zero
        ax.hist(np.clip(z, -5, 5), bins=25, range=(-5, 5), density=True, color="#7a8da1", lw=0)
    grid = np.linspace(-5, 5, 201)
    ax.plot(grid, np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi), color=colour.CATEGORIES[1], lw=0.9)
    ax.set(xlabel="(dh − common) / error", yticks=[], xlim=(-5, 5))
    ax.set_title("within 10 days")


def _limit_of(dh, bins):
    """
    Return half the height of the axis: 99 % of the differences, but beyond what ice does only as far as bins scatter.
    """
    if not len(dh):
        return 1.0
    whole = 1.15 * float(np.nanpercentile(np.abs(dh), 99))
    told = bins[bins["n"] >= 5]
    scatter = float((told["median"].abs() + 6.0 * told["nmad"]).max()) if len(told) else np.inf
    return min(whole, max(scatter, _CHANGE_M)) or 1.0


def _limit_of_change(change):
    """Return half the height of an axis of change along a track, m, and how many differences lie beyond it."""
    change = change[np.isfinite(change)]
    scatter = abs(float(np.median(change))) + 6.0 * nmad(change) if change.size else 0.0
    limit = max(scatter, _PROFILE_M)
    return limit, int((np.abs(change) > limit).sum())


def first_well_seen(table):
    """
    Return the first cycle that saw at least half as many points as the cycle that saw most.

    Parameters
    ----------
    table : DataFrame of heights (m) by x_atc and cycle, NaN where not seen
    """
    seen = table.notna().sum()
    return int(seen.index[seen >= 0.5 * seen.max()][0])


def change_between_cycles(points, first, last, *, limits=None):
    """
    Return the change of each reference point between two times, by the line through its heights.

    Parameters
    ----------
    points : DataFrame with number, time, h, h_sigma, x, y, good
    first, last : datetime64
    limits : mapping of the limits of `elevation.flag_rates`. Default: its own

    Returns
    -------
    x, y (m), change (m) of points seen in three cycles or more, over at least half of the time between the two
    left_out : int, further points whose line has a flag of `elevation.flag_rates`
    """
    good = points[points["good"]]
    span = float(decimal_year(last) - decimal_year(first))
    # a line through the heights of one season says nothing of four years
    options = RateOptions(min_cycles=3, min_years=0.5 * span, annual=False)
    lines = rates(good, ["number"], height="h", options=options).merge(
        good.drop_duplicates("number")[["number", "x", "y"]], on="number"
    )
    known = lines[np.isfinite(lines["dhdt"])]
    sound = known[flag_rates(known, **limits or {}) == 0]
    return sound["x"].to_numpy(), sound["y"].to_numpy(), sound["dhdt"].to_numpy() * span, len(known) - len(sound)


def _tracks_of(table):
    """Count the tracks that take part."""
    return len(set(table["rgt_1"]) | set(table["rgt_2"]))


def _broken(distance, values):
    """Return kilometres and values with a NaN where the next point lies beyond a gap."""
    gaps = np.flatnonzero(np.diff(distance) > _GAP_M) + 1
    return np.insert(distance, gaps, np.nan) / 1000, np.insert(values.astype(float), gaps, np.nan)
