"""Read the value of one parameter: names or numbers, ranges, and errors that state what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Literal, get_args, get_origin

from nunatak.parameters.choices import ParameterError

SURFACES = {"dynamic": -1, "land": 0, "ocean": 1, "sea_ice": 2, "land_ice": 3, "inland_water": 4}
CONFIDENCES = {
    "atl03_tep": -2,
    "atl03_not_considered": -1,
    "atl03_background": 0,
    "atl03_within_10m": 1,
    "atl03_low": 2,
    "atl03_medium": 3,
    "atl03_high": 4,
}
ATL08_CLASSES = {
    "atl08_noise": 0,
    "atl08_ground": 1,
    "atl08_canopy": 2,
    "atl08_top_of_canopy": 3,
    "atl08_unclassified": 4,
}
_EFFECTS = ("afterpulse", "impulse_response", "tep", "noise_burst", "noise_streak")
# quality_ph: 0..3 to release 006; from 007 on effects 4 and 5, and 10 (part) and 20 (full saturation) plus an effect.
# 13 and 23 have no name of their own but are in range.
QUALITIES = {
    "atl03_quality_nominal": 0,
    **{f"atl03_quality_{name}": i + 1 for i, name in enumerate(_EFFECTS)},
    "atl03_quality_tx_part_sat": 10,
    **{f"atl03_quality_tx_part_sat_{name}": 11 + i for i, name in enumerate(_EFFECTS) if i != 2},
    "atl03_quality_tx_full_sat": 20,
    **{f"atl03_quality_tx_full_sat_{name}": 21 + i for i, name in enumerate(_EFFECTS) if i != 2},
}
QUALITY_RANGE = (0, 25)
MAX_POINTS = 16384  # vertices of a polygon


def members(key: str, value: Any, names: Mapping[str, int], *, single: str, empty: bool = False) -> tuple[int, ...]:
    """
    Return a choice among named numbers as a sorted tuple of numbers.

    Parameters
    ----------
    key : the parameter's name, for the message
    value : a number, a name, or a list of them
    names : mapping of name to number. A name's unique prefix (`atl03_`, `srt_`) may be left out
    single : "above" if one value means it and all above, "exact" if it means only itself
    empty : whether an empty list is allowed. Default: False

    Raises
    ------
    ParameterError : names the key, the value and what is allowed

    >>> members("cnf", 3, CONFIDENCES, single="above"), members("cnf", ["atl03_low"], CONFIDENCES, single="above")
    ((3, 4), (2,))
    """
    if isinstance(value, list | tuple | set | frozenset):
        if not value and not empty:
            raise ParameterError(f"{key}: an empty list selects nothing; {_allowed(key, names)}")
        return tuple(sorted({_member(key, v, names) for v in value}))
    chosen = _member(key, value, names)
    if single == "above":
        return tuple(v for v in sorted(names.values()) if v >= chosen)
    return (chosen,)


def _member(key, value, names):
    """Return the number of one name or number."""
    low, high = QUALITY_RANGE if key == "quality_ph" else (min(names.values()), max(names.values()))
    if isinstance(value, str):
        word = value.strip().lower()
        for name, code in names.items():
            shorter = {name.removeprefix(p) for p in ("atl03_quality_", "atl03_", "atl08_")}
            if word in shorter | {name}:
                return code
        if word.removeprefix("srt_") in names:
            return names[word.removeprefix("srt_")]
    elif isinstance(value, Real) and not isinstance(value, bool) and value in range(low, high + 1):
        return int(float(value))
    raise ParameterError(f"{key}: {value!r} is not allowed; {_allowed(key, names)}")


def _allowed(key, names):
    """Describe the allowed numbers and names."""
    low, high = QUALITY_RANGE if key == "quality_ph" else (min(names.values()), max(names.values()))
    return f"choose from {low} .. {high} or {', '.join(names)}"


def declared(key: str, choice: Any, value: Any) -> Any:
    """
    Check a value against its declared choice: a switch, a word of a list, or a number in its range.

    Parameters
    ----------
    key : the parameter's name, for the message
    choice : choices.Choice of a bool, a Literal, an int or a float
    value : value to check
    """
    if choice.kind is bool:
        return switch(key, value)
    if get_origin(choice.kind) is Literal:
        return one_of(key, value, get_args(choice.kind))
    least, most, above = choice.range
    if choice.kind is int:
        return whole(key, value, least, most)
    return number(key, value, least if above is None else above, most, above=above is not None)


def number(key: str, value: Any, low: Any, high: Any, *, above: bool = False) -> float:
    """
    Return a real number in [low, high], or in (low, high] with `above`.

    Parameters
    ----------
    key : the parameter's name, for the message
    value : value to check
    low, high : limits
    above : whether low itself is excluded. Default: False
    """
    real = isinstance(value, Real) and not isinstance(value, bool)
    if not real or not (low < value <= high if above else low <= value <= high):
        start = f"above {low:g}" if above else f"from {low:g}"
        raise ParameterError(f"{key}: {value!r} is out of range; a number {start} to {high:g} is allowed")
    return float(value)


def whole(key: str, value: Any, low: Any, high: Any) -> int:
    """
    Return a whole number in [low, high].

    Parameters
    ----------
    key : the parameter's name, for the message
    value : value to check
    low, high : limits
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, Integral) or isinstance(value, bool) or not low <= value <= high:
        raise ParameterError(f"{key}: {value!r} is out of range; a whole number from {low} to {high} is allowed")
    return int(value)


def switch(key: str, value: Any) -> bool:
    """
    Return true or false.

    Parameters
    ----------
    key : the parameter's name, for the message
    value : value to check
    """
    if not isinstance(value, bool):
        raise ParameterError(f"{key}: {value!r} is not allowed; write true or false")
    return value


def one_of(key: str, value: Any, allowed: Sequence[str]) -> str:
    """
    Return the word of a list that a value matches in any case.

    Parameters
    ----------
    key : the parameter's name, for the message
    value : value to check
    allowed : words
    """
    for word in allowed:
        if isinstance(value, str) and value.lower() == word.lower():
            return word
    raise ParameterError(f"{key}: {value!r} is not allowed; choose from {', '.join(allowed)}")


def several(key: str, value: Any) -> list[Any]:
    """
    Return a value or a list of values as a list that is not empty.

    Parameters
    ----------
    key : the parameter's name, for the message
    value : value to check
    """
    values = list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
    if not values:
        raise ParameterError(f"{key}: an empty list selects nothing; leave the key out for all")
    return values


def rings(value: Any) -> tuple[tuple[tuple[float, float], ...], ...]:
    """
    Return the rings of a polygon parameter as ((lon, lat), ...) tuples.

    Accepted are the reference's list of {lon, lat}, a list of such lists (several parts or holes, where a point inside
    an odd number of rings is in the area), or [lon, lat] pairs. A closing vertex is allowed.

    Parameters
    ----------
    value : value of the parameter

    Raises
    ------
    ParameterError : names what is wrong and what is allowed

    >>> rings([{"lon": 0, "lat": 0}, {"lon": 1, "lat": 0}, {"lon": 1, "lat": 1}])
    (((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)),)
    """
    if not isinstance(value, list | tuple) or not value:
        raise ParameterError(f"poly: {value!r} is not a list of {{lon, lat}} vertices")
    parts = [value] if _is_vertex(value[0]) else value
    outlines = tuple(tuple(_vertex(v) for v in part) for part in parts)
    if min(map(len, outlines)) < 3:
        raise ParameterError("poly: a ring of fewer than 3 vertices encloses nothing")
    n = sum(map(len, outlines))
    if n > MAX_POINTS:
        raise ParameterError(f"poly: {n} vertices, at most {MAX_POINTS} are allowed; simplify the outline")
    return outlines


def _is_vertex(value):
    """Return whether a value is a single vertex."""
    return isinstance(value, Mapping) or (len(value) == 2 and not isinstance(value[0], Mapping | list | tuple))


def _vertex(value):
    """Return longitude and latitude of a vertex."""
    try:
        lon, lat = (value["lon"], value["lat"]) if isinstance(value, Mapping) else value
        lon, lat = float(lon), float(lat)
    except (KeyError, TypeError, ValueError):
        raise ParameterError(f"poly: {value!r} is not a vertex; write {{lon: .., lat: ..}} in degrees") from None
    if not (-360 <= lon <= 360 and -90 <= lat <= 90):
        raise ParameterError(f"poly: vertex lon {lon:g}, lat {lat:g} is not on the globe; degrees, lon before lat")
    return lon, lat
