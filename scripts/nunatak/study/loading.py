"""From a study file to a Study: YAML read, layers merged, mistakes told in one line."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from nunatak.study.base import StudyError
from nunatak.study.models import Settings, Study, StudyFile

# parts of an error's place that name a type and not a key
_TYPES = ("int", "str", "float", "bool", "dict", "list")


def load(path, *, overrides: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None) -> Study:
    """
    Read and check a study file.

    Parameters
    ----------
    path : the YAML file; its name is the study's
    overrides : keys that win over the file, as `--config` gives them (archive, directory, size, ...)
    settings : keys the file wins over, as config/config.yaml holds them

    Raises
    ------
    StudyError : one line that names the file, the key, the value and the remedy
    """
    path = Path(path)
    given = read_yaml(path)
    overrides = dict(overrides or {})
    _check_overrides(overrides)
    merged = merge(settings or {}, given)
    if overrides.get("size", given.get("size")) == "tiny":
        merged = merge(merged, given.get("tiny") or {})
    merged = merge(merged, overrides)
    own = given.get("archive", StudyFile.model_fields["archive"].default)
    labels = {"name": path.stem, "path": str(path), "label": label(path.stem, own, merged)}
    try:
        # the file's own keys first, so that a mistake in it is not taken for one of these
        StudyFile.model_validate(merged, context={"folder": path.parent})
        return Study.model_validate({**merged, **labels}, context={"folder": path.parent})
    except ValidationError as error:
        raise StudyError(f"{path}: {one_line(error)}") from error


def load_settings(path) -> dict[str, Any]:
    """The keys of config/config.yaml, checked."""
    given = read_yaml(Path(path))
    try:
        Settings.model_validate(given)
    except ValidationError as error:
        raise StudyError(f"{path}: {one_line(error)}") from error
    return given


def load_all(config: Mapping[str, Any], *, base=".") -> dict[str, Study]:
    """
    Every study of config/studies, by the name of its folder of results.

    Parameters
    ----------
    config : config/config.yaml with `--config` laid over it, as Snakemake has it; what differs from the file is what
        the user typed, and wins over the study
    base : the workflow's folder
    """
    folder = Path(base) / "config"
    settings = load_settings(folder / "config.yaml")
    typed = {name: value for name, value in config.items() if name not in settings or settings[name] != value}
    studies = [load(path, overrides=typed, settings=settings) for path in sorted((folder / "studies").glob("*.yaml"))]
    return {study.label: study for study in studies}


def label(name: str, own_archive: str, merged: Mapping[str, Any]) -> str:
    """
    The folder of results: the study's name, with the archive that overrides its own, and `tiny`, so that none mix.

    >>> label("austfonna", "earthdata", {"archive": "simulated"})
    'austfonna-simulated'
    """
    archive = merged.get("archive", own_archive)
    parts = [name] + ([str(archive)] if archive != own_archive else [])
    return "-".join(parts + (["tiny"] if merged.get("size") == "tiny" else []))


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """
    Two layers of keys as one; mappings are merged key by key, anything else is replaced.

    >>> merge({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}})
    {'a': {'b': 1, 'c': 3}}
    """
    merged = dict(below)
    for name, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        # an outline is given one way: the upper layer's replaces the lower one
        merged[name] = merge(merged[name], value) if both and name != "region" else value
    return merged


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file's mapping."""
    try:
        given = yaml.load(path.read_text("utf-8"), Loader=_Loader)
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror}); check the name of the study") from error
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: is not UTF-8 text ({error.reason}); save it as UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise StudyError(f"{path}: {where}{reason}; mend the YAML there") from error
    if not isinstance(given, dict):
        raise StudyError(
            f"{path}: holds {type(given).__name__ if given is not None else 'nothing'}; write key: value lines"
        )
    return given


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key given twice, of which the first would be lost without a word."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value:
            name = self.construct_object(key_node, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{name} is given twice", key_node.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def _check_overrides(overrides):
    for name in overrides:
        if name not in StudyFile.model_fields:
            near = get_close_matches(name, StudyFile.model_fields, 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else "write a key of the study file"
            raise StudyError(f"--config {name}: unknown key; {hint}")


def one_line(error: ValidationError) -> str:
    """The first mistake in words: key, what was given, remedy; and how many more there are."""
    mistakes = error.errors(include_url=False)
    # an unknown key often explains the missing one beside it
    mistakes.sort(key=lambda m: (m["type"] != "unknown_key", m["type"] == "missing"))
    more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
    return " ".join(_sentence(mistakes[0]).split()) + more


def _sentence(mistake):
    place = [str(p) for p in mistake["loc"] if not (str(p) in _TYPES or "[" in str(p))]
    context: dict[str, Any] = mistake.get("ctx") or {}
    kind = mistake["type"]
    if kind == "unknown_key":
        place.append(context["key"])
    where = ".".join(place) + ": " if place else ""
    if kind == "missing":
        return f"{where}missing; add this key"
    got = _brief(mistake.get("input"))
    if kind in ("value_error", "unknown_key"):
        return where + mistake["msg"].removeprefix("Value error, ")
    if kind == "literal_error":
        known = [word.strip().strip("'") for word in context["expected"].replace(" or ", ", ").split(",")]
        near = get_close_matches(str(mistake["input"]), known, 1, 0.6)
        hint = f"did you mean {near[0]}?" if near else f"write one of {', '.join(known)}"
        return f"{where}got {got}; {hint}"
    return (
        f"{where}got {got}; it {mistake['msg'].removeprefix('Input ').removeprefix('String ').replace(' valid ', ' ')}"
    )


def _brief(value):
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
