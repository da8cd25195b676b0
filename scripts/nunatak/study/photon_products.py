"""
ATL03 and the heights fitted from it, as a study asks for them: SlideRule's keys under SlideRule's names.

Names, ranges and defaults are those of `parameters.photons`, which reads every value here too; only the default
profile is another: a study's extents are anchored to segment ids, so that they are the same in every cycle.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema, field_validator, model_validator

from nunatak.parameters.choices import ParameterError
from nunatak.parameters.photons import Extents, FittedHeights, Percentiles, YapcParameters
from nunatak.parameters.sliderule import FIELDS, PRESETS, FitParameters
from nunatak.parameters.values import ATL08_CLASSES, CONFIDENCES, QUALITIES, SURFACES
from nunatak.study.base import Model, key
from nunatak.study.orbit_products import FLOATING, InPlace, TrackProduct, known_names

STRONG_SPOTS, WEAK_SPOTS = (1, 3, 5), (2, 4, 6)
# the reference's keys that a study says once for all its products
_OF_THE_STUDY = {
    "poly": "region",
    "region_mask": "region",
    "raster": "region",
    "proj": "region",
    "t0": "period",
    "t1": "period",
    "cycle": "cycles",
    "region": "region_numbers",
    "granule": "rgt, cycles and region_numbers",
}
_OF_THE_PRODUCT = ("rgt", "version", "beams")
_FIT_KEYS = ("maxi", "H_min_win", "sigma_r_max")


def _read(name):
    """
    Return a validator that reads a value as the engine does.

    What the engine takes for a number is a number from here on.
    """

    def check(value):
        try:
            return FIELDS[name][1](value)
        except ParameterError as error:
            raise ValueError(str(error).removeprefix(f"{name}: ")) from error

    return BeforeValidator(check)


def _schema(names, *, many=True):
    one = {"anyOf": [{"type": "integer"}, {"enum": list(names)}]}
    return WithJsonSchema({"anyOf": [one, {"type": "array", "items": one}]} if many else one)


def _spelt(value):
    return value.replace("x-s", "xs") if isinstance(value, str) else value


Surface = Annotated[int, _read("srt"), _schema(SURFACES, many=False)]
Confidence = Annotated[tuple[int, ...], _read("cnf"), _schema(CONFIDENCES)]
Quality = Annotated[tuple[int, ...], _read("quality_ph"), _schema(QUALITIES)]
Classes = Annotated[tuple[int, ...], _read("atl08_class"), _schema(ATL08_CLASSES)]


class Yapc(Model, YapcParameters):
    """Photon weights by the density of their neighbours."""

    @model_validator(mode="before")
    @classmethod
    def _older_name(cls, given):
        if isinstance(given, dict) and "min_ph" in given:
            given = {"min_knn": given["min_ph"], **{name: v for name, v in given.items() if name != "min_ph"}}
        return given


class Als(Model, Percentiles):
    """Percentile surfaces."""


class PhotonProduct(TrackProduct, InPlace, Extents):
    """Which photons make which extents: the keys that extents and heights share."""

    profile: Annotated[Literal["legacy", "xseries", "anchored"], BeforeValidator(_spelt)]
    srt: Surface
    cnf: Confidence
    quality_ph: Quality
    atl08_class: Classes
    yapc: Yapc | None

    @model_validator(mode="before")
    @classmethod
    def _as_users_type_it(cls, given):
        """Merge the preset below, spread out `fit: {..}` and `track`, and refuse what the study says elsewhere."""
        if not isinstance(given, dict):
            return given
        for name, instead in _OF_THE_STUDY.items():
            if name in given:
                raise ValueError(f"{name} is the study's own; write {instead} instead")
        given = {**PRESETS.get(str(given.get("preset")), {}), **given}
        if "fit" in given and "maxi" in cls.model_fields:
            given = {"profile": "xseries", **given, **_fit(given["fit"])}
            del given["fit"]
        return _tracks(given)

    @model_validator(mode="after")
    def _sound_together(self):
        try:
            FitParameters.of(fit_parameters(self.model_dump()))
        except ParameterError as error:
            raise ValueError(str(error)) from error
        return self

    def fit(self) -> dict[str, Any]:
        """Return what is asked of the photons, as `photons.FitParameters.of` takes it."""
        return fit_parameters(self.model_dump(mode="json"))

    @property
    def joins_atl08(self) -> bool:
        """Return whether the photons' classes are needed."""
        return FitParameters.of(fit_parameters(self.model_dump())).joins_atl08


class Atl03(PhotonProduct):
    """Photons, and on request the extents that heights would be fitted to."""

    extents: bool = key(False, "write the photons of every extent")


class Atl06sr(PhotonProduct, FittedHeights):
    """Heights fitted from ATL03 photons. The keys are SlideRule's."""

    engine: Literal["local", "sliderule"] = key("local", "who fits: this machine, or a SlideRule service")
    floating: str | None = key(None, FLOATING)
    als: Als | None

    @field_validator("atl03_ph_fields", "atl03_geo_fields", "atl03_corr_fields", "atl03_bckgrd_fields", "atl08_fields")
    @classmethod
    def _known_fields(cls, value, info):
        return tuple(dict.fromkeys(known_names(info.field_name, None, value).values()))

    @model_validator(mode="before")
    @classmethod
    def _switched_on(cls, given):
        if isinstance(given, dict) and given.get("als") is True:
            given = {**given, "als": {}}
        if isinstance(given, dict) and given.get("engine") == "sliderule":
            given = {"profile": "legacy", **given}  # the walk of the service
        return given

    @model_validator(mode="after")
    def _tides_have_their_columns(self):
        if self.floating is not None and (self.compact or self.als is not None):
            raise ValueError("floating needs tide_ocean and dac beside h_mean; leave out compact and als")
        return self

    @model_validator(mode="after")
    def _what_the_service_has(self):
        if self.engine == "sliderule" and (self.profile != "legacy" or self.compat or self.als is not None):
            raise ValueError(
                "engine: sliderule walks as profile: legacy, without compat and als; or write engine: local"
            )
        return self


def fit_parameters(settings) -> dict[str, Any]:
    """
    Return what a study asks of the photons, as the mapping that `parameters.sliderule.FitParameters.of` takes.

    Parameters
    ----------
    settings : `atl03` or `atl06sr` of a study as plain values, with every default in it
    """
    asked = {name: value for name, value in settings.items() if name in FIELDS and name not in _OF_THE_PRODUCT}
    asked = {name: value for name, value in asked.items() if value is not None and value != () and value != []}
    if settings.get("floating"):  # carried through the fit, to be taken off its heights
        asked["atl03_corr_fields"] = tuple(dict.fromkeys((*asked.get("atl03_corr_fields", ()), "tide_ocean", "dac")))
    beams = tuple(settings["beams"])
    if beams in (("strong",), ("weak",)):
        spots = STRONG_SPOTS if beams == ("strong",) else WEAK_SPOTS
        asked["spots"] = [spot for spot in spots if spot in (asked.get("spots") or spots)]
    elif beams != ("all",):
        asked["beams"] = beams
    return asked


def _fit(fit):
    if not isinstance(fit, dict):
        raise ValueError(f"fit: {fit!r} is not a mapping; write fit: {{maxi: 5}}")
    for name in fit:
        if name not in _FIT_KEYS:
            raise ValueError(f"fit.{name}: unknown key; known are {', '.join(_FIT_KEYS)}")
    return fit


def _tracks(given):
    """Return `track: 1` as the pair of beams it stands for. 0 is all."""
    if "track" not in given:
        return given
    track = given["track"]
    if track not in (0, 1, 2, 3):
        raise ValueError(f"track: got {track!r}; write 1, 2, 3, or 0 for all")
    rest = {name: value for name, value in given.items() if name != "track"}
    return rest if track == 0 else {**rest, "beams": [f"gt{track}l", f"gt{track}r"]}
