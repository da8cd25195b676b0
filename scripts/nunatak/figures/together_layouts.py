"""Figures of elevation and velocity together: along a flowline, and of regions by year."""

from __future__ import annotations

import numpy as np

from nunatak.figures import colour, style
from nunatak.figures.gate_layouts import year_axis, years_bar, years_norm
from nunatak.figures.layouts import TITLE_MM, Drawn, NothingToDraw, rounded, write_title

_LEFT, _RIGHT = 21.0, 26.0  # mm: labels; the bar of years
_GAP = 5.0  # mm between panels along a flowline
_BED = "#8c7b6b"
_LIMIT = 0.05  # p below which a correlation counts as one


def flowline_together(look, *, title, line, about, name, others=0):
    """
    Draw surface and bed, height change, speed, speed change and strain along a flowline, every year in its colour.

    Parameters
    ----------
    line : DataFrame of flowline_years.parquet, of one flowline
    about : the table's attributes
    name : of the flowline
    others : further flowlines of the study, which the caption counts. Default: 0
    """
    panels = [panel for panel in _PANELS if np.isfinite(line[panel[0]]).any()]
    if not panels:
        raise NothingToDraw("figures: flowline_together: no year has a speed or a height on the flowline")
    tall = min(34.0, (look.height_mm - TITLE_MM - 20 - _GAP * (len(panels) - 1)) / len(panels))
    fig = style.new_figure(look, height_mm=TITLE_MM + 6 + len(panels) * (tall + _GAP) + 9)
    width = look.page_mm - _LEFT - _RIGHT
    norm, cmap = years_norm(line["year"]), colour.time_map()
    places = [TITLE_MM + 6 + number * (tall + _GAP) for number in range(len(panels))]
    axes = [style.add_axes(fig, _LEFT, top, width, tall) for top in places]
    numbers = {}
    for number, (ax, (column, sigma, label)) in enumerate(zip(axes, panels, strict=True)):
        if column == "thickness":
            _section(ax, line, cmap, norm)
        else:
            _years(ax, line, column, sigma, cmap, norm)
        ax.set_ylabel(_label(label, line) if column == "thickness" else label)
        ax.tick_params(labelbottom=number == len(panels) - 1)
        ax.locator_params(axis="y", nbins=5)
        ax.spines[["top", "right"]].set_visible(False)
        style.panel_letter(ax, number, look)
        numbers[column] = style.statistics(line[column])
        ax.set_xlim(line["distance"].min() / 1000, line["distance"].max() / 1000)
    axes[-1].set_xlabel("distance along the flow (km), 0 at the start")
    fig.align_ylabels()
    years_bar(fig, look, (_LEFT + width + 5, TITLE_MM + 6, 3, min(2 * tall, 50)), cmap, norm)
    write_title(fig, title, look)
    numbers |= {"length_km": rounded(np.ptp(line["distance"]) / 1000), "years": int(line["year"].nunique())}
    more = f" The first of {others + 1} flowlines." if others else ""
    return Drawn(fig, title, _caption(panels, about, name) + more, numbers)


_PANELS = (
    ("thickness", "thickness_sigma", "height (m)"),
    ("dh", "dh_sigma", "height\nchange (m)"),
    ("v", "v_error", "speed\n(m/yr)"),
    ("v_change", "v_change_error", "change of\nspeed (m/yr)"),
    ("strain", "strain_sigma", "strain rate\n(1/yr)"),
)


def _label(label, line):
    return label if np.isfinite(line["surface"]).any() else "depth below\nthe surface (m)"


def _years(ax, line, column, sigma, cmap, norm):
    """Draw a column along the line in every year, the last year with its error."""
    known = [(year, rows) for year, rows in line.groupby("year") if np.isfinite(rows[column]).any()]
    for year, rows in known:
        ax.plot(rows["distance"] / 1000, rows[column], color=cmap(norm(year)), lw=0.7)
    year, rows = known[-1]
    value, error = rows[column].to_numpy(float), rows[sigma].to_numpy(float)
    ax.fill_between(rows["distance"] / 1000, value - error, value + error, color=cmap(norm(year)), alpha=0.25, lw=0)
    if column in ("dh", "v_change", "strain"):
        ax.axhline(0, color="#222222", lw=0.4, zorder=0.5)
    low, high = np.nanpercentile(line[column], [0.5, 99.5])
    # of years that hardly differ the error tells how much
    pad = max(0.12 * (high - low), 1.3 * float(np.nanmedian(error)) if high - low < np.nanmedian(error) else 0.0, 1e-9)
    ax.set_ylim(low - pad, high + pad)


def _section(ax, line, cmap, norm):
    """
    Draw the surface of the first and the last year and the bed with its error.

    Without a surface, draw the depth alone.
    """
    seen = line[np.isfinite(line["thickness"])]
    first, last = (seen[seen["year"] == year] for year in (seen["year"].min(), seen["year"].max()))
    km = last["distance"].to_numpy() / 1000
    top = np.where(np.isfinite(last["surface"]), last["surface"], 0.0 if last["surface"].isna().all() else np.nan)
    bed, sigma = top - last["thickness"].to_numpy(), last["thickness_sigma"].to_numpy()
    ax.fill_between(km, bed, top, color="#dbe9f4", lw=0)
    ax.fill_between(km, bed - sigma, bed + sigma, color=_BED, alpha=0.35, lw=0)
    ax.plot(km, bed, color=_BED, lw=1.0)
    for rows in (first, last):
        ax.plot(rows["distance"] / 1000, rows["surface"], color=cmap(norm(rows["year"].iloc[0])), lw=0.8)


def _caption(panels, about, name):
    """Return the caption: what each panel shows, from which year on, over which length."""
    told = {
        "thickness": "surface of the first and the last year, and the bed with one standard error",
        "dh": f"change of the surface since {_since(about, name, 'dh_since')}, of years that altimetry holds whole",
        "v": "speed",
        "v_change": f"change of speed since {_since(about, name, 'v_since')}",
        "strain": "strain rate along the flow, from the speed over "
        f"{2 * float(about.get(f'{name}_half_length', 'nan')):.0f} m",
    }
    said = "; ".join(f"({'abcde'[number]}) {told[column]}" for number, (column, *_) in enumerate(panels))
    surface = about.get("surface_is", "")
    whence = f" Surface: {surface}." if surface and "not known" not in surface else ""
    return (
        f"Along flowline {name.replace('_', ' ')} of the mean velocity: {said}. Every year in its colour where it is "
        f"known, bands are one standard error of the last year. Distance in true kilometres.{whence}"
    )


def _since(about, name, key):
    value = about.get(f"{name}_{key}")
    return "the first year" if value is None else f"{float(value):.1f}".removesuffix(".0")


def speed_vs_thinning(look, *, title, regions, lags=None):
    """
    Draw speed and rate of height change of each region by year, and their correlation by lag.

    Parameters
    ----------
    regions : DataFrame of basin_years.csv
    lags : DataFrame of lags.csv, or None
    """
    names = [
        name
        for name, own in regions.groupby("region", sort=False)
        if np.isfinite(own[["speed", "dhdt"]]).any(axis=None)
    ][: len(colour.CATEGORIES)]
    if not names:
        raise NothingToDraw("figures: speed_vs_thinning: no region has a speed or a height change in any year")
    wide = (look.page_mm - 17 - 21 - 5) / 2
    fig = style.new_figure(look, height_mm=TITLE_MM + 6 + 38 + 6 + 38 + 20)
    speed, rate = (style.add_axes(fig, 17, TITLE_MM + 6 + k * 44, wide, 38) for k in range(2))
    lagged = style.add_axes(fig, 17 + wide + 21, TITLE_MM + 6, wide, 82)
    numbers = {}
    for number, (name, shade) in enumerate(zip(names, colour.CATEGORIES, strict=False)):
        own = regions[regions["region"] == name].sort_values("year")
        middle = (own["since"] + own["until"]) / 2 + 0.05 * (number - (len(names) - 1) / 2)
        for ax, value, sigma in ((speed, "speed", "speed_sigma"), (rate, "dhdt", "dhdt_sigma")):
            bars = {"fmt": "o-", "color": shade, "lw": 0.9, "ms": 2.6, "elinewidth": 0.6, "capsize": 1.2}
            ax.errorbar(middle, own[value], yerr=own[sigma], label=name.replace("_", " "), **bars)
        numbers[name] = {key: style.statistics(own[key]) for key in ("speed", "dhdt")}
        numbers[name] |= {"years_of_both": int((np.isfinite(own["speed"]) & np.isfinite(own["dhdt"])).sum())}
    known = regions[np.isfinite(regions[["speed", "dhdt"]]).any(axis=1)]
    for ax, label in ((speed, "mean speed (m/yr)"), (rate, "height change (m/yr)")):
        year_axis(ax, (known["since"] + known["until"]) / 2)
        ax.set_ylabel(label)
        ax.locator_params(axis="y", nbins=5)
    speed.set_xlabel("")
    speed.tick_params(labelbottom=False)
    rate.axhline(0, color="#222222", lw=0.4, zorder=0.5)
    numbers["lags"] = _lags(lagged, lags, names, look)
    for number, ax in enumerate((speed, rate, lagged)):
        ax.spines[["top", "right"]].set_visible(False)
        style.panel_letter(ax, number, look)
    fig.align_ylabels([speed, rate])
    handles, labels = speed.get_legend_handles_labels()
    fig.legend(handles, labels, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=min(len(labels), 5))
    write_title(fig, title, look)
    caption = (
        "(a) Mean speed of each region by year, (b) mean rate of height change over the same years where altimetry "
        "holds them whole; bars are one standard error. (c) Correlation of the yearly speed with the rate of height "
        "change that many years later, without the trends of both; below 0 the surface sinks faster when the ice is "
        f"faster. Filled dots: p below {_LIMIT:g} with the number of independent years. With seven lags for each "
        "region one filled dot in twenty is chance."
    )
    return Drawn(fig, title, caption, numbers)


def _lags(ax, lags, names, look):
    """Draw the correlations without trends of each region by lag, and return the strongest of each."""
    ax.set_xlabel("lag of the height change (yr)")
    ax.set_ylabel("correlation")
    ax.axhline(0, color="#222222", lw=0.4, zorder=0.5)
    ax.axvline(0, color="#bbbbbb", lw=0.4, zorder=0.5)
    ax.set_ylim(-1.05, 1.05)
    strongest, shown = {}, 0
    if lags is not None:
        lags = lags[(lags["place"] == "region") & (lags["series"] == "detrended") & np.isfinite(lags["correlation"])]
        for name, shade in zip(names, colour.CATEGORIES, strict=False):
            own = lags[lags["name"] == name]
            if not len(own):
                continue
            shown += 1
            ax.plot(own["lag"], own["correlation"], "o-", color=shade, lw=0.9, ms=3.6, mfc="white")
            sure = own[own["p"] < _LIMIT]
            ax.plot(sure["lag"], sure["correlation"], "o", color=shade, ms=3.6, zorder=4)
            best = own.loc[own["correlation"].abs().idxmax()]
            strongest[name] = {key: rounded(best[key]) for key in ("lag", "correlation", "n_effective", "p")}
    if shown:
        ax.locator_params(axis="x", integer=True)
    else:
        ax.set_xlim(-3.5, 3.5)
        ax.text(
            0.5,
            0.6,
            "too few years of both",
            transform=ax.transAxes,
            ha="center",
            fontsize=look.small_pt,
            color="#555555",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
        )
    return strongest
