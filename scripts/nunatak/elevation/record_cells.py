"""The cells of a region in a long record, and those of them that a sum can be followed through."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nunatak.elevation import series_fits
from nunatak.elevation.errors import errors_of
from nunatak.elevation.quarters import PER_YEAR

FEWEST = 2 * PER_YEAR  # epochs that a trend needs


@dataclass(frozen=True)
class Cells:
    """The cells of a region in columns, over the epochs of a period."""

    years: np.ndarray
    values: np.ndarray
    sigma: np.ndarray
    new: np.ndarray
    """(n_epoch, n_cell) bool: from ATL15"""
    weight: np.ndarray
    """(n_cell,) m2 of ice inside the region"""
    x: np.ndarray
    y: np.ndarray
    offset_sigma: np.ndarray
    firn: tuple[np.ndarray, ...] | None
    """mean and difference of the firn models"""
    index: np.ndarray
    """(n_cell,) of each cell in the flattened grid"""

    def columns_of(self, layers):
        """Return the cells of layers (n, ny, nx) as (n, n_cell)."""
        return layers.reshape(len(layers), -1)[:, self.index]

    def at(self, epochs, cells=slice(None)):
        """Return the part of some epochs and cells."""
        pick = (epochs, slice(None)) if isinstance(cells, slice) else np.ix_(epochs, cells)
        return replace(
            self,
            years=self.years[epochs],
            **{name: getattr(self, name)[pick] for name in ("values", "sigma", "new")},
            **{name: getattr(self, name)[cells] for name in ("weight", "x", "y", "offset_sigma", "index")},
            firn=self.firn and tuple(layer[pick] for layer in self.firn),
        )


def cells_of(record, coverage):
    """
    Return the cells of a region that have ice, in columns.

    Parameters
    ----------
    record : Dataset as of `join` or `of_one_source`
    coverage : (ny, nx) share of each cell inside the region
    """
    weight = np.where(record["ice_area"].values > 0, coverage * record["ice_area"].values, 0.0)
    inside = np.flatnonzero(weight)
    x, y = (axis.ravel()[inside] for axis in np.meshgrid(record["x"].values, record["y"].values))

    def columns(name):
        return record[name].values.reshape(record.sizes["time"], -1)[:, inside]

    offset = record["offset_sigma"].values.ravel()[inside] if "offset_sigma" in record else np.zeros(inside.size)
    return Cells(
        years=record["decimal_year"].values,
        values=columns("delta_h"),
        sigma=columns("delta_h_sigma"),
        new=columns("from_atl15") > 0,
        weight=weight.ravel()[inside],
        x=x,
        y=y,
        offset_sigma=np.nan_to_num(offset),
        firn=(columns("firn"), columns("firn_difference")) if "firn" in record else None,
        index=inside,
    )


def fixed_set(cells, options):
    """
    Return the epochs and cells of a period that its sums are followed through, see `series_fits.fixed_set`.

    Parameters
    ----------
    cells : Cells
    options : parameters.elevation.HeightRecord
    """
    longest = round(options.max_gap * PER_YEAR)
    return series_fits.fixed_set(np.isfinite(cells.values), cells.weight, coverage=options.coverage, longest=longest)


def curve(cells, middle):
    """Return the design of the curve that gaps are filled by, and whether it has a square."""
    curved = bool(np.ptp(cells.years) >= series_fits.CURVED_YEARS)
    return series_fits.design_of(cells.years, middle, curved=curved), curved


def stated_sigma(values, sigma, cells, correlation_range):
    """
    Return the stated error of the sum over observed cells at every epoch, km3.

    Parameters
    ----------
    values, sigma : (n_epoch, n_cell) m
    cells : Cells, for weights and places
    correlation_range : m, see `errors.sum_errors`
    """

    def each():
        for value, error in zip(values, sigma, strict=True):
            area = np.where(np.isfinite(value), cells.weight, 0.0)
            weighted = area * np.nan_to_num(error)
            yield weighted, weighted, area.sum()

    return errors_of(each(), cells.x, cells.y, correlation_range=correlation_range).correlated / 1e9
