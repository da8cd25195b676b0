"""Checks of heights fitted from photons: beside ATL06 and ATL11, and against the truth where granules are simulated."""

from __future__ import annotations

import numpy as np
import pyproj

from nunatak.checks import truth
from nunatak.checks.check import at_least, at_most, not_applicable
from nunatak.compute.robust import nmad
from nunatak.photons.comparison import differences_by_slope, in_words
from nunatak.products.corrections import above
from nunatak.times import decimal_year

# Upper end of a class of slope (degrees): limits of |median| and NMAD of fitted height less ATL06, m. On ice sheets
# the two differ by some centimetres (SlideRule's own comparison: 3 cm in the mean); on slopes their photons differ.
AGREEMENT = {0.5: (0.05, 0.15), 1.0: (0.05, 0.2), 2.0: (0.1, 0.4), 90.0: (0.5, 1.5)}
# Less the truth: a simulated pass carries a bias of its own, 3 cm in one standard deviation, in both products.
TRUTH = {0.5: (0.1, 0.15), 1.0: (0.1, 0.2), 2.0: (0.15, 0.4), 90.0: (0.5, 1.5)}
FEWEST = 30  # segments of a class that is judged
SIGMA_LIMIT = 1.5  # NMAD of error / h_sigma on gentle slopes; 1 where the errors are what they say


def beside_atl06(table):
    """
    Median and spread of fitted heights less ATL06's, by class of slope.

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
    Median and spread of fitted heights less ATL11's at its reference points, by class of slope.

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
    Fitted heights and ATL06's against the surface they were simulated from, by class of slope.

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
        checks.append(at_most("atl06sr_sigma", spread, SIGMA_LIMIT, "", text))
    return checks


def surface_at(glacier, table):
    """(n,) m: the true surface at the places and times of the rows of a table, above what the table's heights are."""
    to_map = pyproj.Transformer.from_crs("EPSG:4326", glacier.crs, always_xy=True)
    x, y = to_map.transform(table["longitude"].to_numpy(), table["latitude"].to_numpy())
    true = glacier.surface(x, y, decimal_year(table["time"].to_numpy()))
    return true - glacier.geoid if above(table) == "the geoid" else true


def _by_class(name, slope, difference, limits, text):
    """Two checks for each class of slope that has enough segments."""
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
