"""The volume of a region through time from the long record, as each of its sources sees it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nunatak.elevation import series_fits
from nunatak.elevation.record_cells import FEWEST, cells_of, curve, fixed_set, stated_sigma
from nunatak.elevation.record_change import UNITS
from nunatak.parameters.elevation import HeightRecord
from nunatak.times import from_decimal_year

_COLUMNS = (
    *("region", "source", "time", "decimal_year", "mean_dh", "mean_dh_sigma", "volume", "volume_sigma"),
    *("observed_share", "n_cells", "share"),
)


def record_series(record, coverage, *, region, options: HeightRecord):
    """
    Return the series of a region over the cells that are fixed for the whole record.

    Parameters
    ----------
    record : Dataset as of `join` or `of_one_source`
    coverage : (ny, nx) share of each cell inside the region
    region : its name
    options : fixed sets of cells and range of correlation

    Returns
    -------
    DataFrame, a row for each epoch and source (itslive, atl15; both at shared epochs) that saw enough of the cells:
        volume (km3) and mean_dh (m) since the first epoch of the joined series, with errors, observed_share of the
        area, n_cells and the share of the region's ice; empty where no set of cells is seen through
    """
    whole = cells_of(record, coverage)
    epochs, chosen = fixed_set(whole, options)
    if epochs.sum() < FEWEST or not chosen.any():
        return pd.DataFrame({name: [] for name in _COLUMNS})
    layers = _by_source(whole, record, coverage)
    fixed = whole.at(epochs, chosen)
    design, _ = curve(fixed, fixed.years.mean())
    joined, _ = series_fits.total(fixed.values, fixed.weight, design)
    parts = []
    for source, (values, sigma) in layers.items():
        values, sigma = values[np.ix_(epochs, chosen)], sigma[np.ix_(epochs, chosen)]
        sums, share = series_fits.total(values, fixed.weight, design, like=fixed.values)
        stated = stated_sigma(values, sigma, fixed, options.correlation_range * 1e3)
        enough = share >= options.coverage
        table = {"decimal_year": fixed.years, "volume": (sums - joined[0]) / 1e9, "observed_share": share}
        table["volume_sigma"] = np.divide(stated, share, out=np.full(share.size, np.nan), where=enough)
        parts.append(pd.DataFrame(table)[enough].assign(source=source))
    area = fixed.weight.sum()
    found = pd.concat(parts).sort_values(["decimal_year", "source"], ignore_index=True)
    found = found.assign(
        region=region,
        time=from_decimal_year(found["decimal_year"].to_numpy()),
        mean_dh=1e9 * found["volume"] / area,
        mean_dh_sigma=1e9 * found["volume_sigma"] / area,
        n_cells=int(chosen.sum()),
        share=area / whole.weight.sum(),
    )[list(_COLUMNS)]
    found.attrs["units"] = {name: UNITS[name] for name in found if name in UNITS}
    return found


def _by_source(whole, record, coverage):
    """
    Return values and errors (n_epoch, n_cell) of each source.

    ITS_LIVE's at the shared epochs, too.
    """
    layers = {
        source: (np.where(own, whole.values, np.nan), np.where(own, whole.sigma, np.nan))
        for source, own in (("itslive", ~whole.new), ("atl15", whole.new))
        if own.any()
    }
    if "itslive" in record:
        at = np.flatnonzero(np.isin(np.round(4 * whole.years), np.round(4 * record["shared_year"].values)))
        for layer, name in zip(layers["itslive"], ("itslive", "itslive_sigma"), strict=True):
            layer[at] = whole.columns_of(record[name].values)
    return layers
