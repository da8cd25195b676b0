"""Results from simulated granules against the truth they were made from."""

from __future__ import annotations

import numpy as np

from nunatak.checks.check import at_most, not_applicable, within
from nunatak.compute.robust import nmad
from nunatak.constants import DATUM_YEAR

# m of mean height, and share of the largest true change of the record. Simulated errors are correlated over some
# kilometres, so that the mean of a region is off by millimetres to a centimetre; a stated error does not widen this.
MEAN_LIMIT, CHANGE_SHARE = 0.03, 0.01
GRID_MEDIAN = 0.05  # m, of the median of any epoch
GRID_SCALE, GRID_SPREAD = (0.99, 1.01), (0.8, 1.25)
_FEWEST, _FINE = 500, 1000.0  # cells, and m of the largest that its middle stands for
_CELLS = 4000  # that are held against the truth, evenly over the ice


def volume_against_truth(region, volume_km3, truth_km3, area_km2, span=""):
    """
    Check the volume change of a region at every epoch against the truth.

    Parameters
    ----------
    region : name
    volume_km3, truth_km3 : (n_epoch,) change since the first epoch, on the same ground
    area_km2 : of the region's ice
    span : the record, in words

    Returns
    -------
    Check of the largest difference, as a change of the mean height
    """
    name = f"volume_against_truth/{region}"
    volume, true = np.asarray(volume_km3, dtype=float), np.asarray(truth_km3, dtype=float)
    if not np.abs(true).max(initial=0.0) > 0:
        return not_applicable(name, "the true volume does not change")
    difference = 1000 * (volume - true) / area_km2
    worst = int(np.argmax(np.where(np.isfinite(difference), np.abs(difference), np.inf)))
    limit = MEAN_LIMIT + CHANGE_SHARE * 1000 * float(np.abs(true).max()) / area_km2
    text = (
        f"largest difference of {volume.size} epochs{', ' + span if span else ''}, over the area: volume change "
        f"{volume[worst]:.4g} km³ against {true[worst]:.4g} km³ of the truth; the limit is {MEAN_LIMIT:g} m and "
        f"{100 * CHANGE_SHARE:g} % of the largest true change"
    )
    return at_most(name, difference[worst], limit, "m", text)


def grid_against_truth(change, rates, glacier):
    """
    Check the finest grid of height change against the truth at the centres of its cells.

    Parameters
    ----------
    change : Dataset (time, y, x) with delta_h, delta_h_sigma (m) and decimal_year
    rates : mapping of lag to Dataset with dhdt and dhdt_sigma (m/yr)
    glacier : simulated glacier

    Returns
    -------
    list of Check: the factor by which change is off, the largest median of an epoch, and the spread of standardised
    differences of the change and of its rates, either way
    """
    i, j = np.nonzero(np.isfinite(change["delta_h"].values).any(axis=0))
    some = np.unique(np.linspace(0, i.size - 1, min(_CELLS, i.size)).astype(int)) if i.size else i
    name = "height_change_against_truth"
    if len(some) < _FEWEST or change.attrs["resolution"] > _FINE:
        reason = f"{len(some)} cells of {change.attrs['resolution'] / 1000:g} km; it needs {_FEWEST} of 1 km"
        return [not_applicable(name, f"{reason}, whose errors are correlated and whose middle stands for the cell")]
    i, j = i[some], j[some]
    patterns = glacier.change_patterns(change["x"].values[j], change["y"].values[i])

    def true(years):
        return np.stack([glacier.change_factors(np.full((i.size, 1), t))[..., 0] for t in years])

    def at(years):
        return np.einsum("kn,tkn->tn", patterns, true(years))

    years = change["decimal_year"].values
    expected = at(years) - at([DATUM_YEAR])
    h, sigma = (change[n].values[:, i, j].astype("f8") for n in ("delta_h", "delta_h_sigma"))
    off = np.where(np.abs(years - DATUM_YEAR)[:, None] > 0.02, h - expected, np.nan)  # the datum has neither
    seen = np.isfinite(off)
    if not seen.any():
        return [not_applicable(name, "no epoch but the datum has a change")]
    factor = (h[seen] * expected[seen]).sum() / (expected[seen] ** 2).sum()
    medians = [float(np.nanmedian(row)) for row in off if np.isfinite(row).any()]
    sigma = np.where(sigma > 0, sigma, np.nan)
    z: dict[str, list] = {"errors": [off / sigma], "errors_of_rates": []}
    for rate in rates.values():
        half = rate.attrs["lag_years"] / 2
        middle = rate["decimal_year"].values
        slope = (at(middle + half) - at(middle - half)) / (2 * half)
        own, error = (rate[n].values[:, i, j].astype("f8") for n in ("dhdt", "dhdt_sigma"))
        z["errors_of_rates"].append((own - slope) / error)
    text = f"{i.size} cells and {len(medians)} epochs"
    found = [
        within(f"{name}/scale", factor, *GRID_SCALE, "", f"change over the truth's, of {text}"),
        at_most(
            f"{name}/epochs",
            max(medians, key=abs),
            GRID_MEDIAN,
            "m",
            f"largest median of an epoch less the truth, of {text}",
        ),
    ]
    return found + [_spread(f"{name}/{key}", value) for key, value in z.items()]


def _spread(name, z):
    """Check that the errors of many values are those made, either way."""
    z = np.concatenate([part.ravel() for part in z]) if z else np.empty(0)
    z = z[np.isfinite(z)]
    if not z.size:
        return not_applicable(name, "no value has an error")
    spread = nmad(z)
    return within(
        name, spread, *GRID_SPREAD, "", f"NMAD of difference from the truth over stated error, {z.size:,} values"
    )


def glacier(name, size, place=None):
    """Return the truth of a simulated world of land ice, with the parameters of `simulation.world`."""
    from nunatak.simulation import world

    return world(name, size, place).truth
