"""Which image pairs enter: the keys users know, and each rejected pair with its reason."""

from __future__ import annotations

import calendar

import numpy as np
import pandas as pd

from nunatak import granules
from nunatak.parameters.choices import check, choices_of, read_choices
from nunatak.parameters.velocity import PairSelection
from nunatak.runtime import NunatakError

_MONTHS = {
    name.lower(): i for names in (calendar.month_name, calendar.month_abbr) for i, name in enumerate(names) if name
}


def refuse_unknown(settings):
    """Refuse a key that selects nothing, such as a misspelt one."""
    unknown = [key for key in settings if key not in choices_of(PairSelection)]
    if unknown:
        known = ", ".join(choices_of(PairSelection))
        raise NunatakError(f"velocity: selection: unknown key {unknown[0]!r}; choose from {known}")


def selection_from(settings) -> PairSelection:
    """Return the selection that a mapping or object makes with some of its keys. Further ones are left aside."""
    get = settings.get if hasattr(settings, "get") else lambda key, default: getattr(settings, key, default)
    given: dict = {}
    for choice in choices_of(PairSelection).values():
        value = get(choice.name, None)
        if value is not None:
            single = isinstance(value, str) and isinstance(choice.default, tuple)
            given[choice.name] = (value,) if single else value
    return checked(read_choices(PairSelection, given))


def checked(selection):
    """
    Return a selection, if pairs can be selected by it.

    Raises
    ------
    NunatakError : a value out of range, a month or a platform that does not exist
    """
    check(selection, "velocity")
    if selection.min_separation > selection.max_separation:
        given = f"min_separation {selection.min_separation} exceeds max_separation {selection.max_separation}"
        raise NunatakError(f"velocity: {given}; swap them")
    month_numbers(selection.months or ())
    for word in platform_words(selection):
        if wrong := granules.unknown_platform(word):
            raise NunatakError(f"velocity: platforms: {wrong}")
    return selection


def platform_words(selection) -> tuple[str, ...]:
    """Return the platforms and groups that a selection is restricted to, none where it takes all."""
    return () if "all" in selection.platforms else tuple(selection.platforms)


def month_numbers(months):
    """
    Return numbers of month names, full or abbreviated.

    >>> month_numbers(["November", "dec", "Jan"])
    (11, 12, 1)
    """
    known = {**_MONTHS, **{str(number): number for number in range(1, 13)}}
    unknown = [name for name in months if str(name).lower() not in known]
    if unknown:
        raise NunatakError(f"velocity: months: {unknown[0]!r} is no month; write January, Jan or 1")
    return tuple(known[str(name).lower()] for name in months)


def season_start(months):
    """
    Return the month a season begins with: 1, unless the months run across the New Year.

    >>> season_start((11, 12, 1)), season_start((6, 7, 8)), season_start(())
    (11, 1, 1)
    """
    chosen = set(months)
    if not {12, 1} <= chosen or len(chosen) == 12:
        return 1
    start = 12
    while start - 1 in chosen:
        start -= 1
    return start


def season_year(mid_date, start_month=1):
    """
    Return the year a season belongs to: that of its end, as with water years.

    With start month 1 it is the calendar year.

    >>> season_year(np.array(["2018-11-15", "2019-01-15"], dtype="datetime64[D]"), 11)
    array([2019, 2019])
    """
    month = np.asarray(mid_date, dtype="datetime64[M]").astype("int64")
    shift = 0 if start_month == 1 else 13 - start_month
    return 1970 + (month + shift) // 12


def reject(pairs, selection, *, by_name=False):
    """
    Return why each pair is left out by the keys that look at one pair alone.

    Parameters
    ----------
    pairs : DataFrame with `mid_date, date_dt, roi_valid_percentage, platform, group, geometry`, and where it was
        measured `percent_valid_in_region`
    selection : PairSelection
    by_name : only names were asked; a frame that none of them tells is left to the files

    Returns
    -------
    Series of str on the pairs' index, empty where a pair passes
    """
    why = pd.Series("", index=pairs.index, dtype=object)

    def rule(bad, text):
        bad = np.asarray(bad) & (why == "").to_numpy()
        why[bad] = text[bad] if isinstance(text, pd.Series) else text

    dt, share = pairs["date_dt"], pairs["roi_valid_percentage"]
    rule(dt < selection.min_separation, dt.map(f"min_separation: {{:.0f}} < {selection.min_separation:g} days".format))
    rule(dt > selection.max_separation, dt.map(f"max_separation: {{:.0f}} > {selection.max_separation:g} days".format))
    least = selection.percent_valid_pixels
    rule(share < least, share.map(f"percent_valid_pixels: {{:.0f}} < {least:g} %".format))
    if "percent_valid_in_region" in pairs:
        least, share = selection.percent_valid_in_region, pairs["percent_valid_in_region"]
        rule(share < least, share.map(f"percent_valid_in_region: {{:.1f}} < {least:g} %".format))
    months = month_numbers(selection.months or ())
    if months:
        month = pairs["mid_date"].dt.month
        names = month.fillna(0).astype(int).map(dict(enumerate(calendar.month_name)))
        rule(~month.isin(months), "months: mid-date in " + names)
    if words := platform_words(selection):
        wanted = np.logical_or.reduce([_selected(pairs, word) for word in words])
        rule(~wanted, "platforms: " + pairs["platform"])
    # a pair whose frames nobody states may be of one frame, as most are; `remarks` counts those that pass
    unknown = (pairs["geometry"] == "unknown") & (by_name or selection.geometry == "same")
    if selection.geometry != "any":
        rule((pairs["geometry"] != selection.geometry) & ~unknown, "geometry: " + pairs["geometry"])
    return why


def _selected(pairs, word):
    return (pairs["platform"].str.startswith(word) | (pairs["group"] == word)).to_numpy(dtype=bool)


def remarks(pairs, kept, selection):
    """
    Return what a user should know of a selection beside its counts, a sentence each.

    Parameters
    ----------
    pairs : DataFrame as for `reject`
    kept : (n,) bool, the pairs that pass
    selection : PairSelection
    """
    told = []
    for word in platform_words(selection) if len(pairs) else ():
        if not _selected(pairs, word).any():
            here = ", ".join(sorted(pairs["platform"].unique()))
            told.append(f"platforms: {word} is of none of {len(pairs)} pairs; they are of {here}")
    unknown = int(((pairs["geometry"] == "unknown") & kept).sum())
    if unknown and selection.geometry == "same":
        told.append(f"geometry: same: {unknown} of {int(np.sum(kept))} pairs kept do not tell their frames")
    return told


def reasons(why):
    """
    Return why pairs are left out, in words with counts, the largest first.

    Parameters
    ----------
    why : Series of str that begin with a fate or a key of the selection, empty where a pair is kept

    Examples
    --------
    >>> reasons(pd.Series(["months: mid-date in June", "months: mid-date in May", "", "empty: no valid cell"]))
    '2 months, 1 empty'
    """
    counts = why[why != ""].str.split(":").str[0].value_counts(sort=False)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {key}" for key, count in ordered)


def duplicates(pairs):
    """
    Find pairs of the same two images processed more than once, all but the newest.

    The newest has the higher version, then the later processing dates, then the larger valid share, then the name.

    Returns
    -------
    Series of str: the reason, on the index of the superseded pairs
    """
    if not len(pairs):
        return pd.Series(dtype=object)
    framed = (pairs["path_row_img1"] != "") & (pairs["path_row_img2"] != "")
    place = pairs["x0"].map(str) + pairs["y0"].map(str)
    key = pairs["image_key"].where(framed, pairs["image_key"] + place)
    order = pairs.assign(key=key).sort_values(
        ["key", "version", "processed", "roi_valid_percentage", "granule_id", "path"], kind="stable"
    )
    newest = order.groupby("key")["granule_id"].transform("last")
    superseded = order[order["key"].duplicated(keep="last")]
    return "duplicate: of " + newest[superseded.index]


def cap_per_year(pairs, selection):
    """
    Find the pairs beyond `max_per_year`, by the policy.

    Returns
    -------
    Series of str: the reason, on the index of the pairs that do not fit
    """
    if selection.max_per_year is None or not len(pairs):
        return pd.Series(dtype=object)
    year = season_year(pairs["mid_date"].to_numpy(), season_start(month_numbers(selection.months or ())))
    out: dict = {}
    for value, group in pairs.groupby(year, sort=True):
        kept = _choose(group, selection.max_per_year, selection.policy)
        text = f"max_per_year: {value} keeps {selection.max_per_year} of {len(group)} ({selection.policy})"
        out |= dict.fromkeys(group.index.difference(kept), text)
    return pd.Series(out).astype(object)


def _choose(group, n, policy):
    """Index labels of at most n pairs of one year."""
    if len(group) <= n:
        return group.index
    if policy == "first":
        order = group["order"] if "order" in group else pd.Series(range(len(group)), index=group.index)
        return order.sort_values(kind="stable").index[:n]
    ranked = group.sort_values(["roi_valid_percentage", "granule_id"], ascending=[False, True], kind="stable")
    return ranked.index[:n] if policy == "best" else _spread(ranked, n)


def _spread(ranked, n):
    """
    Choose pairs evenly in time and frame: of the frames used least so far, the pair farthest in time from all chosen.

    `ranked` is in order of merit, which decides between equals; the first pick is the best.
    """
    time = ranked["mid_date"].to_numpy().astype("datetime64[s]").astype("int64")
    frame = ranked["path_row_img1"].to_numpy()
    distance = np.full(len(ranked), np.iinfo("int64").max)
    taken = np.zeros(len(ranked), dtype=bool)
    used = dict.fromkeys(frame, 0)
    for _ in range(n):
        least = min(used[f] for f, t in zip(frame, taken, strict=True) if not t)
        open_ = ~taken & np.array([used[f] == least for f in frame])
        pick = int(np.argmax(np.where(open_, distance, -1)))
        taken[pick] = True
        used[frame[pick]] += 1
        distance = np.minimum(distance, np.abs(time - time[pick]))
    return ranked.index[taken]
