"""
Declare choices: the fields of frozen dataclasses, each with its default, range, unit and help.

A field is written `name: Annotated[type, Range(0, 100), Unit("%"), "what it means"] = default`; range and unit may be
left out. The study's sections are built from these classes, and sciences take them as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from nunatak.runtime import NunatakError


class ParameterError(NunatakError, ValueError):
    """A parameter is unknown or out of range. The message names it, its value and what is allowed."""


class Range(NamedTuple):
    """The numbers that a choice allows. None is no limit."""

    least: float | None = None
    most: float | None = None
    above: float | None = None
    """an open lower limit"""


NO_RANGE = Range()
Declared = TypeVar("Declared")


class Unit(str):
    """The unit of a choice."""


class AtLeast(NamedTuple):
    """The smallest number of members of a list."""

    members: int


@dataclass(frozen=True)
class Choice:
    """One field of a class of choices."""

    name: str
    kind: Any
    """its type, without range, unit and help"""
    default: Any
    """`...` where it must be given"""
    help: str
    unit: str | None = None
    range: Range = NO_RANGE
    members: int | None = None


def choices_of(declared: Any) -> dict[str, Choice]:
    """
    Return the choices that a class declares, by name and in its order.

    Parameters
    ----------
    declared : dataclass whose fields are `Annotated`, as in this package
    """
    hints = get_type_hints(declared, include_extras=True)
    return {field.name: _choice(field, hints[field.name]) for field in fields(declared)}


def _choice(field, hint):
    """Return the choice that a field declares."""
    if get_origin(hint) is not Annotated:
        raise TypeError(f"{field.name}: a choice is declared with Annotated[type, ..., help]")
    kind, *words = get_args(hint)
    given = {type(word): word for word in words}
    default = field.default if field.default is not MISSING else ...
    if field.default_factory is not MISSING:
        default = field.default_factory()
    return Choice(
        field.name,
        kind,
        default,
        given[str],
        given.get(Unit),
        given.get(Range, NO_RANGE),
        given[AtLeast].members if AtLeast in given else None,
    )


def read_choices(declared: type[Declared], values: Mapping[str, Any]) -> Declared:
    """
    Return a class of choices with the values that a rule passes, also in environments without the study's models.

    Parameters
    ----------
    declared : class of choices, such as `velocity.CubeForm`
    values : part of a study as plain values. Keys of other classes are ignored, and missing ones take their default

    Examples
    --------
    >>> from nunatak.parameters.velocity import AnnualFit
    >>> read_choices(AnnualFit, {"minimum_pairs": 9, "error_limit": [50.0, 0.1], "version": "02"}).error_limit
    (50.0, 0.1)
    """
    given = {name: values[name] for name in choices_of(declared) if name in values}
    return declared(**{name: _as_tuple(value) for name, value in given.items()})


def _as_tuple(value):
    """Return a list as a tuple, with the lists in it."""
    return tuple(map(_as_tuple, value)) if isinstance(value, list | tuple) else value


def check(chosen: Any, where: str) -> None:
    """
    Refuse a value that its declaration does not allow: a word that is not in the list, or a number out of range.

    Parameters
    ----------
    chosen : instance of a class of choices
    where : text that the message begins with

    Raises
    ------
    ParameterError : names the key, the value and what is allowed
    """
    for choice in choices_of(type(chosen)).values():
        value = getattr(chosen, choice.name)
        if get_origin(choice.kind) is Literal and value not in get_args(choice.kind):
            words = ", ".join(map(str, get_args(choice.kind)))
            raise ParameterError(f"{where}: {choice.name}: {value!r} is none of {words}")
        if isinstance(value, int | float) and (limit := out_of(choice.range, value)):
            raise ParameterError(f"{where}: {choice.name}: {value!r} is out of range; write a number {limit}")


def out_of(limits: Range, value: float) -> str:
    """
    Return the limits that a number violates in words, or an empty text.

    Parameters
    ----------
    limits : Range
    value : number

    >>> out_of(Range(1, 9), 10), out_of(Range(above=0), 0), out_of(Range(), 7)
    ('from 1 to 9', 'above 0', '')
    """
    lower, upper = [], "" if limits.most is None else f" to {limits.most:g}"
    if limits.least is not None:
        lower.append((value >= limits.least, f"from {limits.least:g}"))
    if limits.above is not None:
        lower.append((value > limits.above, f"above {limits.above:g}"))
    kept = all(fits for fits, _ in lower) and (limits.most is None or value <= limits.most)
    return "" if kept else (lower[0][1] if lower else "any number") + upper
