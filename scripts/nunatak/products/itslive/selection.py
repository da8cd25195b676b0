"""Which image pairs enter: the keys users know, and each rejected pair with its reason."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from nunatak import granules
from nunatak.runtime import NunatakError

_POLICIES = ("spread", "best", "first")
_GEOMETRIES = ("same", "cross", "any")
_PROJECTIONS = ("majority", "all")
_MONTHS = {
    name.lower(): i for names in (calendar.month_name, calendar.month_abbr) for i, name in enumerate(names) if name
}


@dataclass(frozen=True)
class Selection:
    """The keys of a study's `itslive` product that decide which pairs are used; the defaults take everything."""

    percent_valid_pixels: float = 0
    """least share of valid cells in the whole granule, as its catalogue and file state it, %"""
    percent_valid_in_region: float = 0
    """least share of valid cells in the region itself, %; measured by reading the pairs"""
    min_separation: float = 0
    """least days between the two images"""
    max_separation: float = 546
    """most days between the two images; ITS_LIVE makes no pairs beyond 546"""
    months: tuple[str, ...] = ()
    """names of the months the mid-date may fall in, full or abbreviated; all when empty"""
    max_per_year: int | None = None
    """most pairs of one year, or of one season year when the months run across the New Year"""
    policy: str = "spread"
    """which pairs a full year keeps: spread (even in time and frame), best (valid share), first (in the given order)"""
    platforms: tuple[str, ...] = ()
    """such as LC08, S2, S1A, or a group L45, L7, L89; all when empty; a word that is no platform's is refused"""
    geometry: str = "any"
    """same (both images on one path and row), cross, any; pairs that do not tell their frames count as same"""
    projections: str = "majority"
    """majority (only the projection most pairs have) or all (the others are rotated)"""
    variables: tuple[str, ...] = ("vx", "vy", "v", "v_error")
    """what the cube holds"""

    def __post_init__(self):
        for key, allowed in (("policy", _POLICIES), ("geometry", _GEOMETRIES), ("projections", _PROJECTIONS)):
            value = getattr(self, key)
            if value not in allowed:
                raise NunatakError(f"velocity: {key}: {value!r} is none of {', '.join(allowed)}")
        if self.min_separation > self.max_separation:
            given = f"min_separation {self.min_separation} exceeds max_separation {self.max_separation}"
            raise NunatakError(f"velocity: {given}; swap them")
        if self.max_per_year is not None and self.max_per_year < 1:
            raise NunatakError(f"velocity: max_per_year: {self.max_per_year} keeps nothing; give 1 or more")
        month_numbers(self.months)
        for word in self.platforms:
            if wrong := granules.unknown_platform(word):
                raise NunatakError(f"velocity: platforms: {wrong}")


# other words of a study file for the same choice
_SYNONYMS = {("geometry", "all"): "any", ("projections", "main"): "majority"}


def refuse_unknown(settings):
    """An error for keys that select nothing: one misspelt would pass in silence."""
    known = [field.name for field in fields(Selection)]
    unknown = [key for key in settings if key not in known]
    if unknown:
        raise NunatakError(f"velocity: selection: unknown key {unknown[0]!r}; choose from {', '.join(known)}")


def selection_from(settings):
    """The Selection of a mapping or object with some of its keys; platforms "all" stands for no restriction."""
    get = settings.get if hasattr(settings, "get") else lambda key, default: getattr(settings, key, default)
    given: dict = {}
    for field in fields(Selection):
        value = _SYNONYMS.get((field.name, str(get(field.name, None))), get(field.name, None))
        if value is None or (field.name == "platforms" and "all" in value):
            continue
        given[field.name] = (value,) if isinstance(value, str) and isinstance(field.default, tuple) else value
        if isinstance(given[field.name], list):
            given[field.name] = tuple(given[field.name])
    return Selection(**given)


def month_numbers(months):
    """
    Numbers of month names, full or abbreviated.

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
    The month a season begins with: 1, unless the months run across the New Year.

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
    The year a season belongs to: that of its end, as with water years; with start month 1 the calendar year.

    >>> season_year(np.array(["2018-11-15", "2019-01-15"], dtype="datetime64[D]"), 11)
    array([2019, 2019])
    """
    month = np.asarray(mid_date, dtype="datetime64[M]").astype("int64")
    shift = 0 if start_month == 1 else 13 - start_month
    return 1970 + (month + shift) // 12


def reject(pairs, selection, *, by_name=False):
    """
    Why each pair is left out by the keys that look at one pair alone.

    Parameters
    ----------
    pairs : DataFrame with `mid_date, date_dt, roi_valid_percentage, platform, group, geometry`, and where it was
        measured `percent_valid_in_region`
    selection : Selection
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
    months = month_numbers(selection.months)
    if months:
        month = pairs["mid_date"].dt.month
        names = month.fillna(0).astype(int).map(dict(enumerate(calendar.month_name)))
        rule(~month.isin(months), "months: mid-date in " + names)
    if selection.platforms:
        wanted = np.logical_or.reduce([_selected(pairs, word) for word in selection.platforms])
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
    selection : Selection
    """
    told = []
    for word in selection.platforms if len(pairs) else ():
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
    Pairs of the same two images processed more than once, all but the newest.

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
    The pairs beyond `max_per_year`, by the policy.

    Returns
    -------
    Series of str: the reason, on the index of the pairs that do not fit
    """
    if selection.max_per_year is None or not len(pairs):
        return pd.Series(dtype=object)
    year = season_year(pairs["mid_date"].to_numpy(), season_start(month_numbers(selection.months)))
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
    Even in time and frame: of the frames used least so far, the pair farthest in time from all chosen.

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
