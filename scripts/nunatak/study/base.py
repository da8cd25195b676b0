"""What all models of the study file share: frozen, no unknown keys, every key with description, unit and range."""

from __future__ import annotations

import os
import re
import types
from dataclasses import is_dataclass
from difflib import get_close_matches
from functools import reduce
from inspect import get_annotations
from operator import or_
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError, PydanticUndefined, core_schema

from nunatak.constants import N_RGT
from nunatak.geometry import polygons
from nunatak.parameters.choices import NO_RANGE, choices_of
from nunatak.runtime import NunatakError

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


class StudyError(NunatakError):
    """A study file that cannot be run as it stands."""


class Model(BaseModel):
    """
    A section of the study file.

    A section takes its keys from the classes of `nunatak.parameters` among its bases: type, default, range, unit and
    help. It may narrow the type of such a key by writing `name: Type`, and adds keys of its own with `key`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        own = dict(get_annotations(cls))
        for base in (base for base in cls.__mro__ if is_dataclass(base) and not issubclass(base, BaseModel)):
            for choice in choices_of(base).values():
                if choice.name in cls.__dict__:  # a section may have a default of its own
                    continue
                if base not in cls.__bases__:  # the key of the section above, not the bare default of its class
                    setattr(cls, choice.name, PydanticUndefined)
                    continue
                own.setdefault(choice.name, _as_typed(choice.kind, choice.range))
                setattr(cls, choice.name, key(choice.default, choice.help, unit=choice.unit, min_length=choice.members))
        cls.__annotations__ = own

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, given: Any) -> Any:
        """Name the unknown key and the nearest known one, before anything else is looked at."""
        if given is None:
            return {}
        if isinstance(given, dict):
            known = list(cls.model_fields)
            for name, value in given.items():
                if name not in known:
                    raise unknown_key(name, known)
                if _is_truth_for_number(value, cls.model_fields[name].annotation):
                    hint = f"got {value!r}; write a number"  # as which pydantic takes yes and no
                    raise PydanticCustomError("unknown_key", "{hint}", {"key": str(name), "hint": hint})
        return given


def _is_truth_for_number(value, kind):
    """Return whether true or false, alone or in a list, stands where a number is meant."""
    members = value if isinstance(value, (list, tuple)) else [value]
    if not any(isinstance(member, bool) for member in members):
        return False
    kinds = _kinds(kind)
    return bool({int, float} & kinds) and bool not in kinds


def _kinds(kind):
    """
    Return the plain types that an annotation is made of.

    A literal counts as the type of its values.
    """
    parts = get_args(kind)
    if not parts:
        return {kind} if isinstance(kind, type) else {type(kind)}
    return set().union(*(_kinds(part) for part in parts))


def unknown_key(name, known):
    """Return the error for a key that the model does not have."""
    near = get_close_matches(str(name), known, 1, 0.5)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    return PydanticCustomError("unknown_key", "unknown key; {hint}", {"key": str(name), "hint": hint})


def key(default, description, *, unit=None, **limits):
    """Declare one key of the study file: default (`...` where it must be given), what it means, unit and range."""
    return Field(default, description=description, json_schema_extra={"unit": unit} if unit else None, **limits)


def _as_typed(kind, range_):
    """Return the type of a declared choice for a study file, where a list may be given as its single value."""
    parts = get_args(kind)
    if get_origin(kind) is tuple and parts[-1] is Ellipsis:
        return Listed[_as_typed(parts[0], NO_RANGE)]  # type: ignore[misc]
    if get_origin(kind) in (Union, types.UnionType):
        return reduce(or_, (_as_typed(part, range_) for part in parts))
    limits = Field(ge=range_.least, le=range_.most, gt=range_.above)
    return Annotated[kind, limits] if kind in (int, float) else kind


def listed(value):
    """Return a single value as a list."""
    return value if value is None or isinstance(value, (list, tuple)) else [value]


def _month(value):
    if isinstance(value, str):
        full = [name for name in MONTHS if len(value) >= 3 and name.lower().startswith(value.strip().lower())]
        if not full:
            near = get_close_matches(value.capitalize(), MONTHS, 1, 0.4)
            hint = f"did you mean {near[0]}?" if near else "write January to December or 1 to 12"
            raise ValueError(f"{value!r} is no month; {hint}")
        return MONTHS.index(full[0]) + 1
    return value


def _release(value):
    if isinstance(value, int):
        # a number has lost its zeros: of a release it is a word that is wanted
        raise ValueError(f'got the number {value}; write the release in quotes, such as "{value:03d}"')
    if isinstance(value, str) and value != "any" and not (len(value) == 3 and value.isdecimal()):
        raise ValueError(f'got {value!r}; write the release with three digits, such as "006", or any')
    return value


def _point(value):
    lonlat = polygons.points([value] if isinstance(value, (list, tuple, dict)) else value)
    polygons.check_degrees(lonlat)
    return tuple(lonlat[0].tolist())


def _line(value):
    lonlat = polygons.points(value)
    polygons.check_degrees(lonlat)
    if len(lonlat) < 2:
        raise polygons.RegionError("a line needs at least two points")
    if len({tuple(point) for point in lonlat.tolist()}) < 2:
        raise polygons.RegionError("the line has no length; give two different points")
    return tuple(tuple(point) for point in lonlat.tolist())


def plain(function):
    """Return a validator whose refusals of an outline become refusals of the key."""

    def check(value):
        try:
            return function(value)
        except polygons.RegionError as error:
            raise ValueError(str(error).removeprefix("lonlat: ")) from error

    return check


def _file_word(value):
    if not re.fullmatch(r"[A-Za-z0-9_]+", value):
        raise ValueError(
            f"got the name {value[:40]!r}; write letters without accents, digits and _: it names a figure's file"
        )
    return value


def _word(value):
    if not re.fullmatch(r"[A-Za-z0-9_-]+", value):
        raise ValueError(f"got the name {value[:40]!r}; write letters without accents, digits, _ and -")
    return value


class OneOrMore:
    """Marks a list that may be given as its single value."""

    def __get_pydantic_core_schema__(self, source, handler):
        return core_schema.no_info_before_validator_function(listed, handler(source))

    def __get_pydantic_json_schema__(self, schema, handler):
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


T = TypeVar("T")
Listed = Annotated[tuple[T, ...], OneOrMore()]

_MONTH_SCHEMA = {"anyOf": [{"enum": list(MONTHS)}, {"type": "integer", "minimum": 1, "maximum": 12}]}
_POINT_SCHEMA = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}

FileWord = Annotated[str, AfterValidator(_file_word)]
Word = Annotated[str, AfterValidator(_word)]
UserPath = Annotated[str, AfterValidator(os.path.expanduser)]  # ~ is the home, which no shell puts in after `key=`
Month = Annotated[int, BeforeValidator(_month), Field(ge=1, le=12), WithJsonSchema(_MONTH_SCHEMA)]
Release = Annotated[str, BeforeValidator(_release), WithJsonSchema({"type": "string", "pattern": r"^(\d{3}|any)$"})]
Track = Annotated[int, Field(ge=1, le=N_RGT)]
Cycle = Annotated[int, Field(ge=1, le=99)]
RegionNumber = Annotated[int, Field(ge=1, le=14)]
Point = Annotated[tuple[float, float], BeforeValidator(plain(_point)), WithJsonSchema(_POINT_SCHEMA)]
Line = Annotated[tuple[tuple[float, float], ...], BeforeValidator(plain(_line)), WithJsonSchema({"type": "array"})]
