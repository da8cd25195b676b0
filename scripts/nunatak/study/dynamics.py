"""The section of a study file that joins elevation and velocity."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ValidationInfo, model_validator

from nunatak.constants import FIRN_RATE_ERROR, THICKNESS
from nunatak.parameters import dynamics
from nunatak.results.table import has_thinning
from nunatak.study.base import Listed, Model, Word, key
from nunatak.study.lines import check_rasters


def _thickness(value: Any) -> Any:
    low, high = THICKNESS
    if isinstance(value, int | float) and not isinstance(value, bool) and not low < value <= high:
        raise ValueError(f"got {value:g}; write metres of ice, more than {low:g} and at most {high:g}, or a raster")
    return value


Thickness = Annotated[float | str, BeforeValidator(_thickness)]


class MarginGates(Model):
    """Gates along the margin of the grounded ice, where it flows fast (Mankoff et al. 2020)."""

    min_speed: float = key(100.0, "the ice beside a gate is at least that fast", unit="m/yr", gt=0, le=20000)
    inland: float = key(5000.0, "how far from the edge of the ice the gates stand", unit="m", ge=0, le=1e6)
    least: int = key(3, "fewest edges of cells of a gate; shorter ones are left out", ge=1, le=1000)


class DerivedGate(Model):
    """
    A gate across a flowline, by its distance from the lower end.

    Or the gates along the margin, numbered.
    """

    flowline: Word | None = key(None, "one of the study's flowlines")
    distance: float | None = key(None, "how far above the lower end of the flowline", unit="m", ge=0, le=5e6)
    least: float = key(0.25, "it ends where the ice is slower than this share of the speed on the line", gt=0, lt=1)
    margin: MarginGates | None = key(None, "gates along the fast margin of the grounded ice, in place of a flowline")

    @model_validator(mode="after")
    def _one_rule(self):
        across = (self.flowline is not None, self.distance is not None)
        if self.margin is None and not all(across):
            raise ValueError(
                "name flowline and distance for a gate across the flow, or margin for gates along the edge"
            )
        if self.margin is not None and any(across):
            raise ValueError("margin stands alone: leave flowline and distance out, or derive two sets of gates")
        return self


class Box(Model):
    """An area whose mass budget is closed: between two gates, or the part of a region above its gates."""

    outflow: Listed[Word] = key(..., "gates that the ice leaves by", min_length=1)
    inflow: Listed[Word] = key((), "gates that the ice comes in by")
    region: Word | None = key(None, "one of `regions`, or region; between outflow and inflow where not given")

    @model_validator(mode="after")
    def _an_area(self):
        if self.region is None and (len(self.outflow) != 1 or len(self.inflow) != 1):
            raise ValueError(
                "a box without a region lies between one gate of outflow and one of inflow; name both, or add a region"
            )
        return self


class Dynamics(Model, dynamics.Dynamics):
    """Flux, its divergence, dynamic thinning and budgets, from velocity, thickness and height change."""

    thickness: Thickness = key("bedmachine", "bedmachine, a raster of one's own, or a number", unit="m")
    thickness_variable: str | int | None = key(None, "variable or band of the raster")
    thickness_sigma: Thickness | None = key(
        None,
        "its standard error, a raster or a number; 10 % of a thickness of one's own where not given, half in its gaps",
        unit="m",
    )
    sigma_variable: str | int | None = key(None, "variable or band of that raster")
    off_ice: Literal["zero", "missing"] = key(
        "zero",
        "how one's own raster says that there is no ice; where it is by missing values, its holes are none either",
    )
    thickness_year: float | None = key(
        None,
        "year of a thickness of one's own; the middle of the height change, else of the velocities, where not given",
        ge=1900,
        le=2200,
    )
    smb: float | str | None = key(
        None, "surface mass balance, a number or a raster; of a series the mean of the shared years", unit="m/yr of ice"
    )
    smb_variable: str | int | None = key(None, "variable or band of the raster")
    smb_error: float = key(0.15, "its standard error as a share of it", unit="1", ge=0, le=2)
    firn: float | str | None = key(
        None,
        "air content of the firn along time (m), or the rate of its change, a raster or a number; that of the record "
        "of itslive_elevation where not given",
        unit="m/yr of air",
    )
    firn_variable: str | int | None = key(None, "variable or band of the raster")
    firn_error: float = key(
        FIRN_RATE_ERROR, "standard error of the change of the firn as a share of it", unit="1", ge=0, le=5
    )
    basal_melt: float | str | None = key(
        None,
        "basal melt, positive where ice is lost, a number or a raster; of a series the mean of the shared years",
        unit="m/yr of ice",
    )
    basal_melt_variable: str | int | None = key(None, "variable or band of the raster")
    basal_error: float = key(0.2, "its standard error as a share of it", unit="1", ge=0, le=5)
    derive: dict[Word, DerivedGate] = key({}, "gates across flowlines or along the margin, by name")
    boxes: dict[Word, Box] = key({}, "areas whose budget is closed, by name")

    @model_validator(mode="after")
    def _readable(self, info: ValidationInfo):
        asked = {"smb": (self.smb, self.smb_variable), "thickness_sigma": (self.thickness_sigma, self.sigma_variable)}
        asked |= {"firn": (self.firn, self.firn_variable), "basal_melt": (self.basal_melt, self.basal_melt_variable)}
        if self.thickness != "bedmachine":
            asked["thickness"] = (self.thickness, self.thickness_variable)
        check_rasters(info, asked)
        return self


def check_dynamics(study):
    """
    Refuse a section that lacks the products, gates, flowlines or regions that it names.

    Raises
    ------
    ValueError : which key, and the remedy
    """
    asked = study.dynamics
    if asked is None:
        return
    if "itslive" not in study.products:
        raise ValueError("dynamics: rests on velocities; add products.itslive, or leave the section out")
    if asked.thickness == "bedmachine" and "bedmachine" not in study.products:
        raise ValueError(
            "dynamics.thickness: bedmachine is not one of the products; add it, or give a raster or number"
        )
    for name, gate in asked.derive.items():
        if name in study.gates:
            raise ValueError(f"dynamics.derive.{name}: a gate of gates has this name; choose another")
        if gate.flowline is not None and gate.flowline not in study.flowlines:
            raise ValueError(f"dynamics.derive.{name}.flowline: {gate.flowline!r} is not one of flowlines")
    across = [name for name, gate in asked.derive.items() if gate.margin is None]  # gates along the margin bound no box
    gates, regions = {*study.gates, *across}, {"region", *study.regions}
    for name, box in asked.boxes.items():
        for given in (*box.outflow, *box.inflow):
            if given not in gates:
                raise ValueError(f"dynamics.boxes.{name}: {given!r} is no gate; there are {', '.join(sorted(gates))}")
        if box.region is not None and box.region not in regions:
            raise ValueError(f"dynamics.boxes.{name}.region: {box.region!r} is not one of {', '.join(sorted(regions))}")
    if asked.boxes and not has_thinning(study):
        raise ValueError("dynamics.boxes: a budget needs the height change; add products.atl15, or leave the boxes out")
