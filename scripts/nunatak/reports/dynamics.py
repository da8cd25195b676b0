"""Words and tables of discharge and mass budgets, for the front page and the notebook."""

from __future__ import annotations

import numpy as np

from nunatak.geometry.outlines import STUDY_REGION
from nunatak.reports import words
from nunatak.reports.page import Table

BUDGET_HEADS = (
    "box",
    "years",
    "flow in",
    "surface balance",
    "sides",
    "flow out",
    "change",
    "firn",
    "residual",
    "observed",
)
DISCHARGE_HEADS = (
    "gate",
    "drawn or derived",
    "year",
    "discharge (Gt/yr)",
    "velocity observed",
    "thickness known",
    "by mass conservation",
    "interpolated",
    "floating",
    "angle to the flow (°)",
    "width (km)",
)
_SHARES = ("observed_share", "thickness_share", "share_mass_conservation", "share_interpolated", "share_floating")
REGION_HEADS = (
    "region",
    "year",
    "mean speed (m/yr)",
    "of the area",
    "height change (m/yr)",
    "of the area",
)
_SURE = 0.05  # p below which a correlation counts, over all lags looked at
_TERMS = ("discharge_in", "smb", "sides", "discharge_out", "storage", "residual")
BUDGET_NOTES = (
    "Gt/yr with one standard error. Sides: the flux out through the parts of the outline that are no gate. Change: "
    "as observed, without firn. Firn: the air that was taken out of it, as if it were ice. Residual: the observed "
    "change less what the other terms add up to; 0 where everything is right.",
    "Observed: the smallest share of a gate, a side or the box that a term was measured on.",
)


def budget_rows(budget, *, yearly=True):
    """
    Return the budgets of every box as rows of words for a table with `BUDGET_HEADS`.

    Parameters
    ----------
    budget : DataFrame of budget.csv
    yearly : with a row for every year; else only the row of all shared years
    """
    rows = []
    for row in budget.to_dict("records"):
        if row["year"] and not yearly:
            continue
        span = str(row["year"]) if row["year"] else f"{row['since']:.1f} to {row['until']:.1f}"
        share = np.nanmin([row[f"{term}_share"] for term in _TERMS if np.isfinite(row[term])] or [np.nan])
        rows.append(
            (
                row["box"].replace("_", " "),
                span,
                *(words.plus_minus(row[term], row[f"{term}_sigma"]) for term in _TERMS[:-1]),
                words.plus_minus(row.get("firn", np.nan), row.get("firn_sigma", np.nan)),
                words.plus_minus(row["residual"], row["residual_sigma"]),
                f"{100 * share:.0f} %" if np.isfinite(share) else "",
            )
        )
    return rows


def budget_table(budget):
    """
    Return the budgets over all shared years as a table of the front page.

    Firn has a column where it is known.
    """
    firn = BUDGET_HEADS.index("firn")
    rows = [BUDGET_HEADS, *budget_rows(budget, yearly=False)]
    if all(row[firn] == "unknown" for row in rows[1:]):
        rows = [row[:firn] + row[firn + 1 :] for row in rows]
    return Table("Mass budget (Gt/yr)", rows[0], rows[1:], BUDGET_NOTES)


def budget_sentences(budget):
    """Say for every box what leaves it, what it loses, and whether its budget closes."""
    said = []
    for row in budget[budget["year"] == 0].to_dict("records"):
        box = f"Box {row['box'].replace('_', ' ')}"
        span = f"from {row['since']:.1f} to {row['until']:.1f}"
        out = words.plus_minus(row["discharge_out"], row["discharge_out_sigma"], "Gt/yr")
        change = words.plus_minus(row["storage"], row["storage_sigma"], "Gt/yr")
        rest, sigma = row["residual"], row["residual_sigma"]
        verdict = (
            "its budget stays open, since a term is not known"
            if not np.isfinite(rest)
            else f"the residual is {words.plus_minus(rest, sigma, 'Gt/yr')}, "
            + ("within two standard errors of 0" if abs(rest) <= 2 * sigma else "more than two standard errors from 0")
        )
        said.append(f"{box}, {span}: {out} left through its gates, it changed by {change}, and {verdict}.")
    return said


def lead_sentences(gates=None, budget=None):
    """
    Say what leads the front page: budgets, or discharge where no box has one.

    The result is empty where there is neither.
    """
    if budget is not None and len(budget):
        return budget_sentences(budget)
    return discharge_sentences(gates) if gates is not None and len(gates) else []


def discharge_rows(gates):
    """
    Return the discharge of every gate in its first and last year as rows for a table.

    Parameters
    ----------
    gates : DataFrame of dynamics/gates.csv
    """
    rows = []
    for name, own in gates.groupby("gate", sort=False):
        ends = own.sort_values("year").iloc[[0, -1] if len(own) > 1 else [0]]
        for row in ends.to_dict("records"):
            rows.append(
                (
                    name.replace("_", " "),
                    row["kind"],
                    str(row["year"]),
                    words.plus_minus(row["discharge"], row["discharge_sigma"]),
                    *(_share(row[key]) for key in _SHARES),
                    f"{row['angle']:.0f}",
                    f"{row['width'] / 1000:.1f}",
                )
            )
    return rows


def _share(value):
    return f"{100 * value:.0f} %" if np.isfinite(value) else "not known"


def discharge_sentences(gates):
    """Say for every gate how its discharge changed, with the errors of velocity that do not cancel."""
    said = []
    for name, own in gates.groupby("gate", sort=False):
        own = own.sort_values("year")
        first, last = own.iloc[0], own.iloc[-1]
        gate = f"Through gate {name.replace('_', ' ')}"
        flowed = words.plus_minus(first["discharge"], first["discharge_sigma"], "Gt/yr")
        if len(own) == 1:
            said.append(f"{gate} flowed {flowed} in {first['year']}.")
            continue
        change = last["discharge"] - first["discharge"]
        sigma = float(np.hypot(first["sigma_velocity"], last["sigma_velocity"]))
        significant = "" if abs(change) > 2 * sigma else ", no significant change"
        said.append(
            f"{gate} flowed {flowed} in {first['year']}; until {last['year']} that changed by "
            f"{words.plus_minus(change, sigma, 'Gt/yr')}{significant}."
        )
    return said


def thickness_sentences(thickness):
    """
    Say where the thickness is from, of which year, and how thick the ice is.

    Parameters
    ----------
    thickness : Dataset of dynamics/thickness.nc
    """
    depth, sigma = thickness["thickness"].values, thickness["thickness_sigma"].values
    ice = depth > 0
    if not ice.any():
        return ["The map of velocities holds no ice whose thickness is known."]
    low, middle, high = np.percentile(depth[ice], [2, 50, 98])
    year = thickness.attrs.get("reference_year")
    dated = f" of {float(year):.0f}" if year is not None else ""
    return [
        f"The thickness{dated} is that of {thickness.attrs['thickness_product']}.",
        f"{100 * ice.mean():.0f} % of the map is ice; 96 % of it is between {words.number(low)} and "
        f"{words.number(high)} m thick, the median is {words.number(middle)} m with an error of "
        f"{words.number(float(np.nanmedian(sigma[ice])))} m.",
    ]


def source_rows(thickness):
    """
    Return the share of the ice by what its thickness rests on, as rows for a table.

    There is a single row where the product does not tell.
    """
    ice = thickness["thickness"].values > 0
    if "source" not in thickness:
        return [("not told by the product", "100 %")]
    meanings = dict(part.split(": ", 1) for part in str(thickness.attrs["source_meanings"]).split(", "))
    codes, counts = np.unique(thickness["source"].values[ice], return_counts=True)
    rows = [(meanings.get(f"{code:g}", f"code {code:g}"), n / ice.sum()) for code, n in zip(codes, counts, strict=True)]
    return [(name, f"{100 * share:.0f} %") for name, share in sorted(rows, key=lambda row: -row[1])]


def limits(asked, gates, mapped=None):
    """
    Say what the numbers of a study do not hold.

    Parameters
    ----------
    asked : the study's section `dynamics` as plain values
    gates : DataFrame of dynamics/gates.csv
    mapped : Dataset of dynamics.nc, None where there is none
    """
    said = []
    if asked.get("smb") is None:
        said.append("No surface mass balance was given, so that dynamic thinning and budgets stay open.")
    if mapped is not None and not np.isfinite(mapped["firn_part"].values).any():
        said.append("No change of firn is known: where firn gains or loses air, the residual holds it.")
    guessed = gates[gates["share_interpolated"] > 0.2]["gate"].unique()
    if len(guessed):
        said.append(
            f"The thickness at {' and '.join(name.replace('_', ' ') for name in guessed)} is interpolated for a fifth "
            "of the flux or more: the discharge there is an estimate, not a measurement."
        )
    return said


def region_rows(regions):
    """
    Return speed and height change of every region and year as rows for a table.

    Years without either are left out.

    Parameters
    ----------
    regions : DataFrame of dynamics/basin_years.csv
    """
    known = regions[np.isfinite(regions[["speed", "dhdt"]]).any(axis=1)]
    return [
        (
            row["region"].replace("_", " "),
            str(row["year"]),
            words.plus_minus(row["speed"], row["speed_sigma"]),
            _share(row["speed_share"]),
            words.plus_minus(row["dhdt"], row["dhdt_sigma"]),
            _share(row["dhdt_share"]),
        )
        for row in known.to_dict("records")
    ]


def _follows(lag):
    years = words.counted(abs(round(lag)), "year")
    return "is that of the same year" if lag == 0 else f"{'follows' if lag > 0 else 'precedes'} by {years}"


def lag_sentences(lags):
    """
    Describe for every region whether the height change goes with the speed, at which lag, and how sure that is.

    Parameters
    ----------
    lags : DataFrame of dynamics/lags.csv
    """
    own = lags[(lags["place"] == "region") & (lags["series"] == "detrended")]
    said = []
    for name, rows in own.groupby("name", sort=False):
        known = rows[np.isfinite(rows["p"])]
        place = "In the region" if name == STUDY_REGION else f"In {name.replace('_', ' ')}"
        if not len(known):
            said.append(f"{place} too few years have both speed and height change to tell how they go together.")
            continue
        best = known.loc[known["p"].idxmin()]
        limit = _SURE / len(known)  # as many lags were looked at
        verdict = "more than chance" if best["p"] < limit else "no more than chance among so many lags"
        said.append(
            f"{place}, without their trends, speed and height change go together best where the height change "
            f"{_follows(best['lag'])} (r = {words.number(best['correlation'], 2)}, {best['n']:.0f} years of which "
            f"{best['n_effective']:.1f} are independent, p = {words.number(best['p'], 2)}): {verdict}."
        )
    return said
