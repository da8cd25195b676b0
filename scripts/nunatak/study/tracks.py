"""Sections of a study file on what is computed from heights along tracks."""

from __future__ import annotations

from nunatak.parameters.tracks import PassAdjustment, SurfaceFit
from nunatak.study.base import Model


class SurfaceRates(Model, SurfaceFit):
    """Rates of height change around regular centres, from ATL06."""


class PassBiases(Model, PassAdjustment):
    """The error that each pass shares, from its crossovers with all others."""


def check_sections(study):
    """
    Refuse a section whose product or region the study does not have.

    Parameters
    ----------
    study : StudyFile

    Raises
    ------
    ValueError : the section and what it needs
    """
    _check_mosaics(study)
    _check_cells(study)
    if study.mass is not None and study.mass.floating not in (None, *study.regions):
        known = f"there are {', '.join(study.regions)}" if study.regions else "the study has none"
        raise ValueError(f"mass.floating: {study.mass.floating!r} is not one of regions; {known}")
    if study.surface_rates is not None and "atl06" not in study.products:
        raise ValueError("surface_rates: fits ATL06; add products: {atl06: {..}}")
    if study.pass_biases is not None and not {"atl06", "atl11"} & set(study.products):
        raise ValueError("pass_biases: needs crossovers of ATL06 or ATL11; add products: {atl06: {..}}")


def _check_mosaics(study):
    """Refuse what annual mosaics cannot give: they hold ITS_LIVE's means of calendar years and no single pair."""
    if not ("itslive" in study.products and study.products["itslive"].source == "mosaics"):
        return
    fit = study.annual_velocity
    asked = {
        "invert": study.invert is not None,
        f"composite.method: {fit.method}": fit.method != "lsq",
        f"composite.year_start: {fit.year_start}": fit.year_start != 1,
        f"composite.image_sigma: {fit.image_sigma:g}": fit.image_sigma > 0,
    }
    for name, given in asked.items():
        if given:
            raise ValueError(
                f"{name} needs single pairs, and products.itslive.source is mosaics; take source: datacubes or pairs"
            )


def _check_cells(study):
    """Refuse what needs the whole map where only the cells around points and gates are read."""
    if "itslive" not in study.products or study.products["itslive"].cells == "region":
        return
    if not (study.points or study.gates):
        raise ValueError(
            "products.itslive.cells: points reads around points and gates; add points or gates to the study"
        )
    for name in ("flowlines", "dynamics"):
        if getattr(study, name):
            raise ValueError(f"{name} needs the whole map, and products.itslive.cells is points; leave one of them out")
