"""The terms of a box's budget, from maps of velocity, thickness, height change and surface mass balance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nunatak.constants import ICE_DENSITY
from nunatak.dynamics.boxes import sides_of
from nunatak.dynamics.budget import UNKNOWN, Term, area_term, true_areas
from nunatak.dynamics.flux import around, discharge_by_year
from nunatak.dynamics.surface import rate_between
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
    unknown_share: float
    """share of the box where the thickness is not known; it counts as no ice"""

    @property
    def area(self):
        """True area of the ice, m2."""
        return float((self.coverage * true_areas(self.window)).sum())


def ice_of(box, thickness):
    """
    Return the ice of a box.

    Parameters
    ----------
    box : shapely Polygon in map metres
    thickness : Dataset with `thickness` on (y, x), m, 0 where there is no ice; attribute `crs`

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
    values = thickness["thickness"].isel(y=cells[0], x=cells[1]).values
    if not ((values > 0) & (inside > 0)).any():
        raise NunatakError("no ice in the box; choose another")
    unknown = float(inside[np.isnan(values)].sum() / inside.sum())
    return BoxOfIce(window, cells, inside * (values > 0), unknown)


def storage(moving, span, ice, settings):
    """
    Return the change of mass of the ice of a box over a span of time.

    Parameters
    ----------
    moving : Dataset of `surface.yearly_change` on the window of the box
    span : first and last decimal year
    ice : BoxOfIce
    settings : parameters.dynamics.Dynamics

    Returns
    -------
    Term, Gt/yr
    """
    rate = rate_between(moving, *span)
    return area_term(
        rate["dhdt"].assign_attrs(crs=ice.window.crs),
        rate["dhdt_sigma"].values,
        ice.coverage,
        density=settings.density,
        correlation_range=settings.thickness_range,
    )


def mass_balance(mapped, ice):
    """
    Return the surface mass balance over the ice of a box.

    Parameters
    ----------
    mapped : Dataset of `thinning.split_thinning` on the map, m of ice per year
    ice : BoxOfIce

    Returns
    -------
    Term, Gt/yr; metres of ice are those of pure ice. `UNKNOWN` where nothing is known
    """
    rows, columns = ice.cells
    local = mapped.isel(y=rows, x=columns)
    return area_term(
        local["surface_part"].assign_attrs(crs=ice.window.crs),
        local["surface_part_sigma"].values,
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
