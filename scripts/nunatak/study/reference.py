"""The JSON schema and the reference table, both written from the models."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel

from nunatak.results.figures import FIGURES
from nunatak.study.models import RegionSpec, StudyFile

SCHEMA = Path("config/schema.json")
REFERENCE = Path("docs/study_reference.md")

_YEARS = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}
_PERIOD = {
    "title": "Period",
    "description": "[first day, last day], or {years: [first, last], months: [...]}; the last day belongs to it",
    "anyOf": [
        {"type": "array", "minItems": 2, "maxItems": 2},
        {"type": "object", "properties": {"years": _YEARS, "months": {}}, "required": ["years"]},
        {"type": "object", "properties": {"start": {}, "end": {}, "months": {}}, "required": ["start", "end"]},
    ],
}

_HEAD = """\
# Keys of a study file

Written from the models in `scripts/nunatak/study` (`python -m nunatak.study`); do not edit.
A key without a default must be given. `<name>` stands for a name of your own.

| key | meaning | unit | values | default |
| --- | --- | --- | --- | --- |
"""

_FIGURES_HEAD = """

## Figures

What `figures: {names: [..]}` takes; without it a study draws all that its products and keys allow, which
`make figures_<study>` lists.

"""


def schema() -> dict:
    """Return the JSON schema of a study file, by which editors check and complete."""
    made = StudyFile.model_json_schema()
    outline = RegionSpec.model_json_schema()
    made["$defs"]["RegionSpec"] = {"title": "RegionSpec", "anyOf": [{"type": "string"}, {"type": "array"}, outline]}
    made["$defs"]["Period"] = _PERIOD
    made["title"] = "Nunatak study"
    return _referring(made)


def _referring(part):
    """Return the schema with every bare mention of RegionSpec made a reference to its definition."""
    if isinstance(part, dict):
        if part.get("title") == "RegionSpec" and not {"anyOf", "properties"} & set(part):
            described = {name: part[name] for name in ("description", "default") if name in part}
            return {"$ref": "#/$defs/RegionSpec", **described}
        return {name: _referring(value) for name, value in part.items()}
    return [_referring(value) for value in part] if isinstance(part, list) else part


class Row(NamedTuple):
    """One key of the study file in words."""

    path: str
    """the key with those above it, such as products.atl06.filter"""
    help: str
    unit: str
    values: str
    """the range or the words that it takes"""
    words: tuple[str, ...]
    """those words, where nothing else is taken"""
    default: str
    required: bool
    text: bool
    """takes text alone, so that 006 is no number"""


def table() -> str:
    """Return the reference table of all keys and the list of all figures, as Markdown."""
    figures = [f"- `{row.listed}`: {row.shows}" for row in FIGURES.values()]
    lines = [
        f"| `{row.path}` | {_cell(row.help)} | {row.unit} | {_cell(row.values)} | {_cell(row.default)} |"
        for row in rows(StudyFile)
    ]
    return _HEAD + "\n".join(lines) + _FIGURES_HEAD + "\n".join(figures) + "\n"


def write(base=".") -> list[Path]:
    """Write both files below the folder `base`."""
    base = Path(base)
    texts = {SCHEMA: json.dumps(schema(), indent=2, ensure_ascii=False) + "\n", REFERENCE: table()}
    for path, text in texts.items():
        (base / path).parent.mkdir(parents=True, exist_ok=True)
        (base / path).write_text(text, "utf-8")
    return [base / path for path in texts]


def rows(model, prefix="") -> Iterator[Row]:
    """
    Yield every key of a model and of the models below it.

    Parameters
    ----------
    model : class of the study's models
    prefix : what stands before its keys. Default: nothing
    """
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        inner, many = _inner(field.annotation)
        outline = name in ("region", "altimetry_region", "regions")
        if outline:
            inner, many = RegionSpec, name == "regions"
        default = "" if field.is_required() else _default(field.default)
        unit = (field.json_schema_extra or {}).get("unit", "")
        words = () if inner is not None else tuple(_words_alone(field.annotation))
        text = _inner_types(field.annotation) == {str}
        values = _values(field, inner)
        yield Row(path, field.description or "", unit, values, words, default, field.is_required(), text)
        if inner is not None and not (outline and name != "region") and inner.__name__ != "Period":
            yield from rows(inner, f"{path}.<name>." if many else f"{path}.")


def _inner(annotation):
    """Return the model behind an annotation, and whether it stands in a mapping of names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType, typing.Annotated, dict):
        for part in parts:
            found, many = _inner(part)
            if found:
                return found, many or origin is dict
    return None, False


def _values(field, inner):
    if inner is not None:
        return ""
    words = _literal(field.annotation)
    if words:
        return ", ".join(words)
    limits = [*field.metadata, *_metadata(field.annotation)]
    return ", ".join(dict.fromkeys(text for text in map(_limit, limits) if text))


def _literal(annotation):
    if typing.get_origin(annotation) is typing.Literal:
        return [str(value) for value in typing.get_args(annotation)]
    return [word for part in typing.get_args(annotation) if not isinstance(part, str) for word in _literal(part)]


def _words_alone(annotation):
    """Return the words of an annotation that takes one of them, or nothing, and no list."""
    parts = [part for part in _flat(annotation) if part is not type(None)]
    return _literal(parts[0]) if len(parts) == 1 and typing.get_origin(parts[0]) is typing.Literal else []


def _flat(annotation):
    """Return the members of a union, or the annotation alone."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [member for part in typing.get_args(annotation) for member in _flat(part)]
    return _flat(typing.get_args(annotation)[0]) if typing.get_origin(annotation) is typing.Annotated else [annotation]


def _inner_types(annotation):
    """Return the types that a value may have, None left out."""
    found = set()
    for part in _flat(annotation):
        found |= {type(word) for word in typing.get_args(part)} if typing.get_origin(part) is typing.Literal else {part}
    return found - {type(None)}


def _metadata(annotation):
    """Return limits anywhere inside an annotation."""
    found: list = []
    for part in typing.get_args(annotation):
        found += getattr(part, "metadata", []) if not isinstance(part, type) else []
        found += _metadata(part)
    return found


def _limit(limit):
    signs = {Ge: ">= ", Gt: "> ", Le: "<= ", Lt: "< "}
    for kind, sign in signs.items():
        if isinstance(limit, kind):
            return f"{sign}{getattr(limit, kind.__name__.lower())}"
    if isinstance(limit, MinLen) and limit.min_length:
        return f"at least {limit.min_length}"
    if isinstance(limit, MaxLen):
        return f"at most {limit.max_length}"
    return ""


def _default(value):
    if value is None or (isinstance(value, (tuple, dict)) and not value):
        return "none"
    if isinstance(value, BaseModel):
        return "see below"
    if isinstance(value, dict):
        return json.dumps(value).replace('"', "")
    if isinstance(value, tuple):
        return "[" + ", ".join(map(str, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cell(text):
    return str(text or "").replace("|", "\\|")
