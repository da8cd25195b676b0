"""What a study's products tell in one sentence, and what they cannot tell."""

from __future__ import annotations

import numpy as np

from nunatak.granules.products import product_row, products_with
from nunatak.products.corrections import above
from nunatak.reports import tracks
from nunatak.reports.words import day, number

_LAND_ICE = (*products_with(kept="grid"), *products_with(land_ice=True))


def heights_sentence(table):
    """
    Say how many heights of each product there are, of how many cells, from when, and between which elevations.

    Parameters
    ----------
    table : elevation/heights.parquet: product, h (m), n, time_first, time_last
    """
    said = []
    for product, rows in table.groupby("product", sort=False):
        low, middle, high = rows["h"].quantile([0.02, 0.5, 0.98])
        said.append(
            f"{product_row(product)} holds {rows['n'].sum():,} heights in the region, "
            f"{day(rows['time_first'].min())} to {day(rows['time_last'].max())}; 96 % of them lie between "
            f"{number(low)} and {number(high)} m above {above(table)}, the median at {number(middle, 4)} m."
        )
    return " ".join(said)


def surface_sentence(surface):
    """
    Say over how much ice a surface lies, and how high.

    Parameters
    ----------
    surface : Dataset of ATL14 with h (m) and ice_area (m2)
    """
    h = surface["h"].values
    known = np.isfinite(h)
    if not known.any():
        return ""
    low, middle, high = np.percentile(h[known], [2, 50, 98])
    area = float(np.nansum(surface["ice_area"].values[known])) / 1e6 if "ice_area" in surface else np.nan
    over = f" over {area:,.0f} km² of ice" if np.isfinite(area) else ""
    return (
        f"The surface of ATL14 (2020.0){over} lies between {number(low)} and {number(high)} m above the ellipsoid "
        f"(2nd and 98th percentile), the median at {number(middle, 4)} m."
    )


def speeds_sentence(annual):
    """
    Say how fast the ice of a region is, by the median of each cell's years.

    Parameters
    ----------
    annual : Dataset of annual velocities with v (year, y, x; m/yr)
    """
    v = annual["v"].values
    seen = np.isfinite(v).any(axis=0)
    if not seen.any():
        return ""
    middle, high = np.percentile(np.nanmedian(v[:, seen], axis=0), [50, 98])
    years = annual["year"].values[np.isfinite(v).any(axis=(1, 2))]
    return (
        f"From {years[0]} to {years[-1]} half of {int(seen.sum()):,} cells move faster than {number(middle)} m/yr and "
        f"one of fifty faster than {number(high)} m/yr (median of each cell's years)."
    )


def measured(heights=None, rates=None, crossovers=None, surface=None, annual=None):
    """
    Say what a study without a gridded change has measured: heights, rates, crossovers, the surface, speeds.

    Parameters
    ----------
    heights, rates, crossovers : tables of heights.parquet, rates.parquet, crossovers.parquet
    surface, annual : Datasets of ATL14 and of annual velocities; each may be None, as the tables may

    Returns
    -------
    list of sentences, none that is empty
    """
    said = [surface_sentence(surface)] if surface is not None else []
    said += [heights_sentence(heights)] if heights is not None and len(heights) else []
    said += [tracks.rates_sentence(rates)] if rates is not None and len(rates) else []
    if crossovers is not None and len(crossovers):
        said += [tracks.crossover_sentence(product, part) for product, part in crossovers.groupby("product")]
    said += [speeds_sentence(annual)] if annual is not None else []
    return [sentence for sentence in said if sentence]


def not_computed(study, *, pairs=None, crossovers=None, rates=None, record_change=None, not_drawn=()):
    """
    List what a study does not compute, and why.

    Parameters
    ----------
    study : the study as plain values
    pairs, crossovers, rates : tables of repeat pairs, crossovers and rates of reference points, None where the study
        makes none
    record_change : table of the long record, None where the study has none
    not_drawn : (figure, reason) of figures with nothing to show

    Returns
    -------
    list of (what, why)
    """
    asked = {name for name, values in study["products"].items() if values is not None}
    rows = [*_land_ice(asked, pairs, crossovers, rates), *_photons(study, asked)] if asked & set(_LAND_ICE) else []
    rows += _only_fetched(study, asked)
    if "itslive" in asked:
        rows += [
            (what, f"the study has no {name}")
            for name, what in (
                ("points", "speed at points through time"),
                ("flowlines", "speed along flowlines"),
                ("gates", "discharge through gates"),
            )
            if not study[name]
        ]
        rows += _flux(study, asked, record_change)
    return rows + [(f"figure {name}", reason) for name, reason in not_drawn]


def _flux(study, asked, record_change):
    """Say what velocity does not tell without a thickness, height change, surface mass balance or firn."""
    given = study.get("dynamics")
    if given is None:
        what = "discharge by year through a known thickness, dynamic thinning and mass budgets"
        return [(what, "needs a thickness: add dynamics to the study")]
    if not asked & {"atl15", "itslive_elevation"}:
        return [("thickness in time, thinning and mass budgets", "needs height change: add atl15")]
    rows = []
    if given.get("smb") is None:
        rows.append(("dynamic thinning and the residual of mass budgets", "dynamics has no smb"))
    if given.get("firn") is None and (record_change is None or record_change["firn_change"].isna().all()):
        whence = ", and the record of itslive_elevation has none here" if "itslive_elevation" in asked else ""
        rows.append(("change of mass without the air in the firn", f"dynamics has no firn{whence}"))
    return rows


def _land_ice(asked, pairs, crossovers, rates):
    rows = []
    if "atl15" not in asked:
        rows.append(("height change on a grid, volume and mass of the region", "needs atl15"))
    elif "atl14" not in asked:
        rows.append(("change by elevation", "needs atl14 beside atl15"))
    if "atl11" not in asked:
        rows.append(("rates of height change at reference points", "needs atl11"))
    elif rates is not None and not np.isfinite(rates["dhdt"]).any():
        why = "no point was seen in enough cycles: widen the period, or lower min_cycles and min_years of atl11"
        rows.append(("rates of height change at reference points", why))
    if "atl06" not in asked:
        rows.append(("differences of repeated passes", "needs atl06"))
    elif pairs is None:
        rows.append(("differences of repeated passes", "the study asks for one cycle of atl06, a pair needs two"))
    elif not len(pairs):
        rows.append(("differences of repeated passes", "no track of ATL06 has good heights in two cycles"))
    if {"atl06", "atl11"} & asked and {"atl06", "atl11"} - asked:
        rows.append(("agreement of ATL06 and ATL11", "needs both"))
    if not {"atl06", "atl11"} & asked:
        rows.append(("crossovers", "needs atl06 or atl11"))
    elif crossovers is not None and not len(crossovers):
        rows.append(("crossovers", "no two tracks of the study cross in the region"))
    return rows


def _photons(study, asked):
    fitted = study["products"].get("atl06sr")
    if fitted and (fitted["compact"] or fitted["als"]):
        return [("how the fit works, and its agreement with ATL06 or ATL11", "needs atl06sr without compact and als")]
    return []


def _only_fetched(study, asked):
    rows, photons = [], asked & {"atl03", "atl06sr"}
    if "atl03" in asked and not study["products"]["atl03"]["extents"]:
        rows.append(("photons of ATL03", "atl03 is fetched and not read; write extents: true, or ask for atl06sr"))
    if "atl08" in asked and not photons:
        rows.append(("photon classes of ATL08", "atl08 is fetched and not read; ask for atl03 or atl06sr beside it"))
    return rows
