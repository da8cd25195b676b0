"""The terms of a box's budget, from maps of velocity, thickness, height change and surface mass balance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from nunatak.constants import BUOYANCY, FIRN_RANGE, ICE_DENSITY
from nunatak.dynamics.boxes import sides_of
from nunatak.dynamics.budget import UNKNOWN, Term, area_term, true_areas
from nunatak.dynamics.flux import FLOATING, around, discharge_by_year
from nunatak.elevation import cell_coverage
from nunatak.geometry.grid import Grid
from nunatak.runtime import NunatakError
from nunatak.velocity.gates import NotMeasured

_STEP = 0.5  # cells of a box's outline that are judged as one
_ALIKE = 1e7  # m, over which errors of a surface mass balance are correlated: the whole of any box
_BEYOND = 0.01  # of a box that may lie off the map of velocities


class BoxOfIce(NamedTuple):
    """The ice of a box on the part of a map around it."""

    window: Grid
    cells: tuple[slice, slice]
    """rows and columns of the window on the map"""
    coverage: np.ndarray
    """share of each cell of the window that is ice inside the box, 0 to 1"""
    floating: np.ndarray
    """whether the ice of each cell floats, bool"""
    unknown_share: float
    """share of the box where the thickness is not known; it counts as no ice"""

    @property
    def area(self):
        """Return the true area of the ice, m2."""
        return float((self.coverage * true_areas(self.window)).sum())

    @property
    def floating_share(self):
        """Return the share of the area of ice that floats, 0 to 1."""
        return float((self.coverage * true_areas(self.window))[self.floating].sum()) / self.area


def ice_of(box, thickness):
    """
    Return the ice of a box.

    Parameters
    ----------
    box : shapely Polygon in map metres
    thickness : Dataset with `thickness` on (y, x), m, 0 where there is no ice, and where it is known the `mask` of
        BedMachine; attribute `crs`

    Returns
    -------
    BoxOfIce

    Raises
    ------
    NunatakError : a box that reaches beyond the map, or holds no ice
    """
    grid = Grid.of(thickness)
    window, cells = around(grid, box.bounds)
    inside = cell_coverage(window, box)
    beyond = 1 - float(inside.sum()) * window.dx * window.dy / box.area
    if beyond > _BEYOND:
        raise NunatakError(
            f"{100 * beyond:.0f} % of the box lies off the map of velocities; choose a smaller region or a larger map"
        )
    local = thickness.isel(y=cells[0], x=cells[1])
    values = local["thickness"].values
    if not ((values > 0) & (inside > 0)).any():
        raise NunatakError("no ice in the box; choose another")
    unknown = float(inside[np.isnan(values)].sum() / inside.sum())
    return BoxOfIce(window, cells, inside * (values > 0), floating_of(local), unknown)


def floating_of(thickness):
    """
    Return where ice floats by the mask of BedMachine, (ny, nx) bool.

    No ice floats where no mask is known.
    """
    if "mask" not in thickness:
        return np.zeros(thickness["thickness"].shape, dtype=bool)
    return thickness["mask"].values == FLOATING


def storage(rate, ice, *, density, correlation_range, firn=None):
    """
    Return the change of mass of the ice of a box, and the part of its volume change that is air.

    Parameters
    ----------
    rate : Dataset of `surface.rate_between` on the window of the box, m/yr
    ice : BoxOfIce
    density : of what is left when the firn's air is taken out, kg m-3
    correlation_range : distance over which errors of height change are correlated, m
    firn : Dataset with `rate` and `rate_sigma`, m/yr of air, on the window. None: not known, and the storage holds it

    Returns
    -------
    storage, firn : Term, Gt/yr; storage = density x (volume change - change of the firn's air). Floating ice counts
        with the change of its thickness, by buoyancy. `firn` is `UNKNOWN` where it is not known anywhere
    """
    factor = np.where(ice.floating, BUOYANCY, 1.0)

    def over(values, sigma, reach):
        field = xr.DataArray(factor * values, {"y": ice.window.y, "x": ice.window.x}, ("y", "x"), attrs=about)
        return area_term(field, factor * sigma, ice.coverage, density=density, correlation_range=reach)

    about = {"crs": ice.window.crs}
    volume = over(rate["dhdt"].values, rate["dhdt_sigma"].values, correlation_range)
    air = UNKNOWN if firn is None else over(firn["rate"].values, firn["rate_sigma"].values, FIRN_RANGE)
    if not (air.known and volume.known):
        return volume, air
    left = Term(volume.value - air.value, float(np.hypot(volume.sigma, air.sigma)), min(volume.share, air.share))
    return left, air


def sum_over(mapped, name, ice):
    """
    Return the sum of a rate of ice over a box.

    Parameters
    ----------
    mapped : Dataset on the map with the rate and its `_sigma`, m of ice per year
    name : of the rate
    ice : BoxOfIce

    Returns
    -------
    Term, Gt/yr; metres of ice are those of pure ice, and errors are alike over the whole box. `UNKNOWN` where nothing
        is known
    """
    rows, columns = ice.cells
    local = mapped[[name, f"{name}_sigma"]].isel(y=rows, x=columns)
    return area_term(
        local[name].assign_attrs(crs=ice.window.crs),
        local[f"{name}_sigma"].values,
        ice.coverage,
        density=ICE_DENSITY,
        correlation_range=_ALIKE,
    )


def flux_of_sides(box, borders, annual, thickness, moving, settings):
    """
    Return the flux out through each side of a box that is no gate.

    Parameters
    ----------
    box : shapely Polygon
    borders : list of (n, 2) vertices of the gates
    annual, thickness, moving : as `flux.discharge_by_year` takes them
    settings : parameters.dynamics.Dynamics

    Returns
    -------
    tables : list of a DataFrame by year for each side; None for a side of which nothing is known
    reasons : list of why, for those sides
    """
    tables, reasons = [], []
    for side in sides_of(box, borders, step=_STEP * Grid.of(annual).dx):
        try:
            tables.append(discharge_by_year(annual, thickness, side, moving, **settings.flux_options())[0])
        except NotMeasured as error:
            tables.append(None)
            reasons.append(str(error))
    return tables, reasons


def mean_of(terms):
    """
    Return the mean of a term over years, unknown where that of a year is.

    The errors of the years are those of the thickness, which they share, and therefore add up.
    """
    if not all(term.known for term in terms):
        return UNKNOWN
    return Term(*(float(np.mean([getattr(term, name) for term in terms])) for name in ("value", "sigma", "share")))
