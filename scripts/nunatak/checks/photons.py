"""Checks of heights fitted from photons: beside ATL06 and ATL11, and against the truth where granules are simulated."""

from __future__ import annotations

import numpy as np
import pyproj

from nunatak.checks import truth
from nunatak.checks.check import at_least, at_most, not_applicable, within
from nunatak.checks.same import same_rows
from nunatak.compute.robust import nmad
from nunatak.photons import standard_names
from nunatak.photons.comparison import differences_by_slope, in_words
from nunatak.products.corrections import above
from nunatak.times import decimal_year

# Upper end of a class of slope (degrees): limits of |median| and NMAD of fitted height less ATL06, m. On ice sheets
# the two differ by some centimetres (SlideRule's own comparison: 3 cm in the mean); on slopes their photons differ.
AGREEMENT = {0.5: (0.05, 0.15), 1.0: (0.05, 0.2), 2.0: (0.1, 0.4), 90.0: (0.5, 1.5)}
# Less the truth: a simulated pass carries a bias of its own, 3 cm in one standard deviation, in both products.
TRUTH = {0.5: (0.1, 0.15), 1.0: (0.1, 0.2), 2.0: (0.15, 0.4), 90.0: (0.5, 1.5)}
FEWEST = 30  # segments of a class that is judged
# Selected photons about their segments: median over the misfit, m at least, spread over the misfit, m of reach
CLOUD_MEDIAN, CLOUD_LEAST, CLOUD_SPREAD, CLOUD_REACH = 0.5, 0.05, (0.2, 2.0), 150.0
SIGMA_LIMITS = (0.5, 1.5)  # NMAD of error / h_sigma on gentle slopes; 1 where the errors are what they say


def beside_atl06(table):
    """
    Check median and spread of fitted heights less ATL06's, by class of slope.

    Parameters
    ----------
    table : of `photons.against_atl06`
    """
    checks = [at_least("atl06sr/joined", len(table), 1, "", "segments that ATL06-SR and ATL06 both have")]
    if len(table):
        checks += _by_class("atl06sr_less_atl06", table["slope"], table["difference"], AGREEMENT, "ATL06-SR less ATL06")
    return checks


def beside_atl11(table):
    """
    Check median and spread of fitted heights less ATL11's at its reference points, by class of slope.

    Parameters
    ----------
    table : of `photons.against_atl11`
    """
    if not len(table):
        reason = "no reference point of ATL11 lies on a pass whose photons were fitted on both beams of the pair"
        return [not_applicable("atl06sr_less_atl11", reason)]
    return _by_class("atl06sr_less_atl11", table["slope"], table["difference"], AGREEMENT, "ATL06-SR less ATL11")


def against_truth(table, world):
    """
    Check fitted heights and ATL06's against the surface they were simulated from, by class of slope.

    Parameters
    ----------
    table : of `photons.against_atl06`
    world : mapping of what `simulation.world` takes
    """
    if not len(table):
        return []
    true = surface_at(truth.glacier(**world), table)
    slope = table["slope"].to_numpy()
    fitted = table["h_mean"].to_numpy() - true
    moved = table["h_mean"].to_numpy() - table["difference"].to_numpy() - true  # ATL06 at the fitted centre
    checks = _by_class("atl06sr_less_truth", slope, fitted, TRUTH, "ATL06-SR less truth")
    checks += _by_class("atl06_less_truth", slope, moved, TRUTH, "ATL06 less truth")
    gentle = (slope < next(iter(TRUTH))) & np.isfinite(fitted)
    if gentle.sum() >= FEWEST:
        by_pass = [table[name] for name in ("rgt", "cycle") if name in table]
        error = table.assign(error=np.where(gentle, fitted, np.nan))
        bias = error.groupby(by_pass)["error"].transform("median") if by_pass else error["error"].median()
        z = ((error["error"] - bias) / error["h_sigma"]).to_numpy()[gentle]
        spread = nmad(z)
        text = f"NMAD of error over h_sigma on slopes below {next(iter(TRUTH)):g}°, the pass's own bias taken off"
        checks.append(within("atl06sr_sigma", spread, *SIGMA_LIMITS, "", text))
    return checks


def surface_at(glacier, table):
    """
    Compute the true surface at the places and times of the rows of a table, (n,) m, above what the table's heights are.
    """
    to_map = pyproj.Transformer.from_crs("EPSG:4326", glacier.crs, always_xy=True)
    x, y = to_map.transform(table["longitude"].to_numpy(), table["latitude"].to_numpy())
    true = glacier.surface(x, y, decimal_year(table["time"].to_numpy()))
    return true - glacier.geoid if above(table) == "the geoid" else true


def _by_class(name, slope, difference, limits, text):
    """Create two checks for each class of slope that has enough segments."""
    checks = []
    for row in differences_by_slope(slope, difference).iloc[1:].itertuples():
        if row.n < FEWEST:
            continue
        median, spread = limits[row.slope_to]
        said = f"{text}, slopes {in_words(row.slope_from, row.slope_to)}, {int(row.n)} segments"
        where = f"{name}/{row.slope_from:g}-{row.slope_to:g}"
        checks.append(at_most(f"{where}/median", row.median, median, "m", f"median of {said}"))
        checks.append(at_most(f"{where}/nmad", row.nmad, spread, "m", f"NMAD of {said}"))
    return checks


def checks(results):
    """
    Check comparisons and the stretch that is shown, from the heights and the products' rows.

    Parameters
    ----------
    results : Opened; its chunks `fitted`, `points_atl06`, `points_atl11` where the study has them
    """
    found = []
    fitted = results.rows("fitted")[0]
    fitted = standard_names(fitted) if fitted is not None else None
    if "heights_compared" in results:
        found.append(joined_atl06(results["heights_compared"], fitted, results.rows("points_atl06")[0]))
    if "heights_at_points" in results:
        found.append(joined_atl11(results["heights_at_points"], results.rows("points_atl11")[0]))
    if "photon_segments" in results:
        found += stretch(results["photon_segments"], results.get("photon_cloud"), fitted)
    return found


def joined_atl06(table, fitted, segments):
    """Check that rows of the comparison are those of the fit and of ATL06, and differ by what is said."""
    name = "atl06sr/rows_atl06"
    if not len(table) or fitted is None or segments is None or "dh_fit_dx" not in fitted:
        return not_applicable(name, "nothing is compared, or its rows are not here")
    keys = ["rgt", "cycle", "beam", "segment_id"]
    mine = fitted.astype({"beam": str})[
        [*keys, "time", "latitude", "longitude", "x_atc", "h_mean", "h_sigma", "dh_fit_dx", "dh_fit_dy"]
    ]
    theirs = segments.astype({"beam": str})[[*keys, "x_atc", "h_li", "h_li_sigma"]].rename(columns={"x_atc": "x_atl06"})
    own = table.astype({"beam": str})
    again = own[keys].merge(mine, on=keys).merge(theirs, on=keys)
    moved = again["h_li"] + again["dh_fit_dx"] * (again["x_atc"] - again["x_atl06"])
    again["difference"] = again["h_mean"] - moved
    again["slope"] = np.degrees(np.arctan(np.hypot(again["dh_fit_dx"], again["dh_fit_dy"].fillna(0.0))))
    columns = [
        "time",
        "latitude",
        "longitude",
        "x_atc",
        "h_mean",
        "h_sigma",
        "h_li",
        "h_li_sigma",
        "difference",
        "slope",
    ]
    scales = {"difference": 1.0, "h_mean": 1.0, "h_li": 1.0, "latitude": 1.0, "longitude": 1.0, "x_atc": 1e3}
    return same_rows(name, own, again, keys, "heights compared with ATL06", columns=columns, scales=scales, limit=1e-3)


def joined_atl11(table, points):
    """Check that rows of the comparison are those of ATL11, and differ from the fitted height by what is said."""
    name = "atl06sr/rows_atl11"
    if not len(table) or points is None:
        return not_applicable(name, "nothing is compared, or its rows are not here")
    keys = ["rgt", "cycle", "pair", "ref_pt"]
    own = table.astype({"pair": str})
    again = own[[*keys, "h_fitted"]].merge(
        points.astype({"pair": str}).drop(columns=["x", "y"], errors="ignore"), on=keys
    )
    again["difference"] = again["h_fitted"] - again["h_corr"]
    columns = ["time", "latitude", "longitude", "h_corr", "h_corr_sigma", "difference"]
    scales = {"difference": 1.0, "h_corr": 1.0, "latitude": 1.0, "longitude": 1.0, "x_atc": 1e3}
    return same_rows(name, own, again, keys, "heights compared with ATL11", columns=columns, scales=scales, limit=1e-3)


def stretch(segments, cloud, fitted):
    """Check that the segments shown are those of the fit, and that the selected photons lie around them."""
    found = []
    if not len(segments):
        return [not_applicable("photon_segments", "no stretch is shown")]
    keys = ["granule_id", "beam", "segment_id"]
    if fitted is not None and "granule_id" in fitted:
        own, rows = segments.astype({"beam": str}), fitted.astype({"beam": str})
        again = own[keys].merge(rows, on=keys)
        columns = [
            "time",
            "latitude",
            "longitude",
            "x_atc",
            "h_mean",
            "h_sigma",
            "dh_fit_dx",
            "n_fit_photons",
            "rms_misfit",
        ]
        scales = {"h_mean": 1.0, "latitude": 1.0, "longitude": 1.0, "x_atc": 1e3}
        found.append(
            same_rows(
                "photon_segments",
                own,
                again,
                keys,
                "segments that are shown from the fit",
                columns=columns,
                scales=scales,
            )
        )
    if cloud is not None and len(cloud):
        chosen = cloud[cloud["selected"].astype(bool)]
        at = np.abs(chosen["x_atc"].to_numpy()[:, None] - segments["x_atc"].to_numpy()).argmin(axis=1)
        near = segments.iloc[at]
        line = near["h_mean"].to_numpy() + near["dh_fit_dx"].to_numpy() * (
            chosen["x_atc"].to_numpy() - near["x_atc"].to_numpy()
        )
        off = chosen["height"].to_numpy() - line
        width = float(segments["rms_misfit"].median())
        text = f"median height of {len(off):,} selected photons above the segments"
        limit = max(CLOUD_MEDIAN * width, CLOUD_LEAST)
        found.append(at_most("photon_cloud/median", float(np.median(off)), limit, "m", text))
        spread = nmad(off) / width
        found.append(
            within(
                "photon_cloud/spread",
                spread,
                *CLOUD_SPREAD,
                "",
                "spread of the photons about their segments over the misfit of the fit",
            )
        )
        degrees = near["latitude"].to_numpy() - chosen["latitude"].to_numpy()
        far = float(np.abs(degrees).max()) * 111e3
        found.append(
            at_most("photon_cloud/place", far, CLOUD_REACH, "m", "farthest photon from its segment, by latitude")
        )
    return found
