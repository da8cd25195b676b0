"""Write a study file from choices: YAML with the meaning of each key, checked by the code that reads studies."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from nunatak import study
from nunatak.explorer import drawn
from nunatak.runtime import NunatakError
from nunatak.study import loading, reference
from nunatak.study.yaml_files import read_yaml

SCHEMA_LINE = "# yaml-language-server: $schema=../schema.json"
_ORDER = (
    "title",
    "archive",
    "directory",
    "world",
    "region",
    "altimetry_region",
    "regions",
    "focus",
    "period",
    "products",
)
_WIDTH = 110
_STAND_IN = "my_study"  # under which a study is read whose own name cannot be taken
_MEANINGS = {row.path: row.help for row in reference.rows(study.StudyFile)}
_PRODUCT_ROWS = {row.path: row for row in reference.rows(study.Products)}
# role of a drawn line or point: key of the study, what stands under the name
_LINES: dict[str, tuple[str, Any]] = {
    "transect": ("transects", lambda line: {"lonlat": line}),
    "gate": ("gates", lambda line: {"lonlat": line}),
    "flowline": ("flowlines", lambda line: {"start": line[0]}),
    "point": ("points", lambda line: line[0]),
}


class Refused(NunatakError):
    """A choice that cannot be put into a study file: `field` is its key."""

    def __init__(self, field, said):
        super().__init__(said)
        self.field = field


def study_of(state) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """
    Return the study that choices mean, and what of them could not be taken.

    Parameters
    ----------
    state : mapping of `title`, `archive`, `directory`, `period` ([first, last]), `months`, `products` (name to settings
        as text) and `drawings` (each with `role`, `name` and what `drawn` takes)

    Returns
    -------
    (keys of the study file, [(key, what is wrong)])
    """
    made: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for key in ("title", "archive", "directory", "world"):
        if str(state.get(key) or "").strip():
            made[key] = str(state[key]).strip()
    for drawing in state.get("drawings", []):
        try:
            _place(made, drawing)
        except Refused as error:
            wrong.append((error.field, str(error)))
    if any(state.get("period") or ()):
        made["period"] = _period(state["period"], state.get("months"))
    made["products"] = {}
    for name, settings in (state.get("products") or {}).items():
        made["products"][name] = {}
        for key, text in settings.items():
            try:
                made["products"][name][key] = _value(f"{name}.{key}", text)
            except Refused as error:
                wrong.append((error.field, str(error)))
    made.update(state.get("further") or {})
    return {key: made[key] for key in (*_ORDER, *(key for key in made if key not in _ORDER)) if key in made}, wrong


def text_of(made, *, areas=None) -> str:
    """
    Return a study as the text of its file, each key with its meaning.

    Parameters
    ----------
    made : keys of the study file
    areas : mapping of key to area, km2, told beside it
    """
    lines = [SCHEMA_LINE, "# docs/study_reference.md has every key; `make plan_<study>` says what a run would fetch"]
    for key, value in made.items():
        area = f"; {areas[key]:,.0f} km2" if areas and key in areas else ""
        lines.append(f"# {_MEANINGS.get(key, 'a key of the study file')}{area}")
        lines += _entry(key, value)
    return "\n".join(lines) + "\n"


def check(text, name, *, folder, settings=None) -> list[tuple[str, str]]:
    """
    Return every mistake that reading a study file finds: its key and what is wrong.

    Parameters
    ----------
    text : of the file
    name : of the study
    folder : of the workflow, below which paths of the file are looked for
    settings : keys of config/config.yaml. Default: none
    """
    wrong = name_mistake(name)
    of_name = [("name", wrong)] if wrong else []
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / f"{_STAND_IN if wrong else name}.yaml"
        path.write_text(text, "utf-8")
        try:
            study.load(path, settings=settings)
        except study.StudyError as error:
            return of_name + [(key, said.replace(f"{path}: ", "")) for key, said in loading.mistakes_of(error)]
    return of_name


def loaded(text: str, name: str, *, settings: Mapping[str, Any] | None = None) -> study.Study:
    """
    Read the text of a study file as the workflow does.

    Parameters
    ----------
    text : of the file
    name : of the study
    settings : keys of config/config.yaml (default: None)

    Raises
    ------
    StudyError : the text has a mistake
    """
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / f"{name}.yaml"
        path.write_text(text, "utf-8")
        return study.load(path, settings=settings)


def name_mistake(name) -> str:
    """
    Return why a name can be no study's.

    The result is empty where it can.
    """
    if not name:
        return "missing; write one word, the name of the file and of the folder of results"
    try:
        loading.check_name(Path(f"{name.replace('/', '.')}.yaml"))  # a slash would begin another folder
    except study.StudyError as error:
        return str(error).partition(": ")[2]
    return ""


def read_text(text) -> dict[str, Any]:
    """Return the keys of a study file's text, read as the workflow reads them."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "study.yaml"
        path.write_text(text, "utf-8")
        return read_yaml(path)


def state_of(made) -> dict[str, Any]:
    """
    Return the keys of a study file as the page's choices.

    What the page cannot edit stands under `further`.

    Parameters
    ----------
    made : keys of the file, as `read_yaml` returns them
    """
    period = made.get("period")
    simple = isinstance(period, list) and len(period) == 2
    state: dict[str, Any] = {key: made[key] for key in ("title", "archive", "directory", "world") if made.get(key)}
    state["period"] = [str(value) for value in period] if simple else ["", ""]
    products = made.get("products") if isinstance(made.get("products"), Mapping) else {}
    state["products"] = {
        name: {key: _typed(f"{name}.{key}", value) for key, value in (settings or {}).items()}
        for name, settings in products.items()
    }
    state["drawings"] = _drawings(made)
    shown = {"title", "archive", "directory", "world", "products", "region", "altimetry_region", "regions"}
    shown |= {drawing["key"] for drawing in state["drawings"]} | ({"period"} if simple else set())
    state["further"] = plain({key: value for key, value in made.items() if key not in shown})
    return state


def plain(value):
    """Return a value of YAML with dates as text, so that JSON can hold it."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return str(value) if isinstance(value, (datetime.date, datetime.datetime)) else value


def _typed(path, value):
    """Return a setting as a person would type it."""
    row = _PRODUCT_ROWS.get(path)
    if isinstance(value, str) and row is not None and row.text:
        return value
    return yaml.safe_dump(plain(value), default_flow_style=True, width=10_000).strip().removesuffix("...").strip()


def _drawings(made):
    """
    Return the outlines, lines and points of a study file as drawings.

    Areas keep the outline that was given.
    """
    areas = [(key, "", made[key]) for key in ("region", "altimetry_region") if made.get(key) is not None]
    areas += [("regions", name, spec) for name, spec in (made.get("regions") or {}).items()]
    drawings: list[dict[str, Any]] = []
    focus = made.get("focus")
    if isinstance(focus, Mapping) and drawn.is_map(focus.get("crs")):
        corners = [[float(limit[side]) for limit in (focus["xlim"], focus["ylim"])] for side in (0, 1)]
        drawings = [{"key": "focus", "role": "focus", "form": "box", "crs": focus["crs"], "coordinates": corners}]
    drawings += [{"key": key, "role": key, "name": name, "spec": plain(spec)} for key, name, spec in areas]
    for role, (key, _) in _LINES.items():
        found = [(name, _line_of(value)) for name, value in (made.get(key) or {}).items()]
        form = "line" if role in ("transect", "gate") else "point"
        if all(line is not None for _, line in found):  # else the page cannot say it, and the key stays as it is
            drawings += [
                {"key": key, "role": role, "form": form, "name": name, "crs": drawn.DEGREES, "coordinates": line}
                for name, line in found
            ]
    return drawings


def _line_of(value):
    """
    Return the points of a line or a point as the page holds them.

    The result is None where it has settings of its own.
    """
    line = value
    if isinstance(value, Mapping):
        if set(value) not in ({"lonlat"}, {"start"}):
            return None
        line = value.get("lonlat") or [value["start"]]
    else:
        line = [value]
    pairs = all(isinstance(p, (list, tuple)) and len(p) == 2 for p in line)
    return [[float(x) for x in p] for p in line] if pairs else None


def _place(made, drawing):
    """Put a drawing under its key."""
    role, name = str(drawing.get("role")), str(drawing.get("name") or "").strip()
    try:
        if role in ("region", "altimetry_region"):
            made[role] = drawn.area_spec(drawing)
        elif role == "regions":
            made.setdefault("regions", {})[name] = drawn.area_spec(drawing)
        elif role == "focus":
            made["focus"] = drawn.focus_limits(drawing)
        elif role in _LINES:
            key, form = _LINES[role]
            made.setdefault(key, {})[name] = form(drawn.line_lonlat(drawing))
        else:
            raise Refused("drawings", f"{role!r} is nothing that a study knows")
    except drawn.RegionError as error:
        field = role if role not in _LINES else _LINES[role][0]
        raise Refused(field, str(error).removeprefix(f"{role}: ")) from error


def _period(period, months):
    first, last = (_date(value) for value in period)
    chosen = _yaml(months, "period.months") if str(months or "").strip() else None
    return [first, last] if chosen is None else {"start": first, "end": last, "months": chosen}


def _date(value):
    try:
        return datetime.date.fromisoformat(str(value).strip())
    except ValueError:
        return str(value)


def _value(path, text):
    """Return a setting of a product from what was typed."""
    row = _PRODUCT_ROWS.get(path)
    if not isinstance(text, str) or (row is not None and row.text):
        return text
    return _yaml(text, f"products.{path}")


def _yaml(text, field):
    try:
        return read_text(f"value: {text}")["value"]
    except study.StudyError as error:
        raise Refused(field, f"got {text!r}; write a number, a word or a list such as [1, 2]") from error


def _entry(key, value):
    """
    Return the lines of one key.

    Mappings of names get a line for each.
    """
    if isinstance(value, Mapping) and value and all(isinstance(v, Mapping) for v in value.values()) and key != "period":
        return [f"{key}:"] + [f"  {line}" for name, inner in value.items() for line in _flow(name, inner)]
    return _flow(key, value)


def _flow(key, value):
    if not isinstance(value, (Mapping, list, tuple)):
        return yaml.safe_dump({key: value}, allow_unicode=True, width=10_000, sort_keys=False).splitlines()
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=_WIDTH, sort_keys=False).strip()
    first, *rest = text.splitlines()
    quoted = yaml.safe_dump({key: None}).partition(":")[0]
    return [f"{quoted}: {first}", *(f"  {line}" for line in rest)]
