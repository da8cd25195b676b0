"""From a study file to a Study: YAML read, layers merged, mistakes told in one line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nunatak.runtime import NunatakError
from nunatak.study.base import StudyError
from nunatak.study.models import Settings, Study, StudyFile
from nunatak.study.yaml_files import read_yaml

# keys whose own keys replace others, in this order, and the key that says so by their name
_LAYERS = {"simulated": "archive", "tiny": "size"}
# parts of an error's place that name a type and not a key
_TYPES = ("int", "str", "float", "bool", "dict", "list")


def load(path, *, overrides: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None) -> Study:
    """
    Read and check a study file.

    Parameters
    ----------
    path : the YAML file; its name is the study's
    overrides : keys that win over the file, as `--config` gives them (archive, directory, size, ...); of `products`
        they change those that the study has, and add none
    settings : keys the file wins over, as config/config.yaml holds them

    Raises
    ------
    StudyError : one line that names the file, the key, the value and the remedy
    """
    path = Path(path)
    check_name(path)
    given = read_yaml(path)
    overrides = dict(overrides or {})
    _check_keys(given, f"{path}: ")
    for name in _LAYERS:
        _check_layer(given.get(name), name, path)
    _check_keys(overrides, "--config ")
    _check_products(given, path)
    merged = merge(settings or {}, given)
    for name, key in _LAYERS.items():
        if overrides.get(key, given.get(key)) == name:
            merged = merge(merged, given.get(name) or {})
    merged = merge(merged, _of_its_products(overrides, merged))
    own = given.get("archive", StudyFile.model_fields["archive"].default)
    labels = {"name": path.stem, "path": str(path), "label": label(path.stem, own, merged)}
    try:
        return Study.model_validate({**merged, **labels}, context={"folder": path.parent})
    except ValidationError as error:
        line = one_line(error)
        typed = re.split(r"[.:]", line)[0] in overrides
        raise StudyError(f"--config {line}" if typed else f"{path}: {line}") from error
    except NunatakError as error:
        raise StudyError(f"{path}: {error}") from error
    except Exception as error:  # one file at fault must not stop the other studies
        told = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise StudyError(
            f"{path}: cannot be read as a study ({told}); docs/study_reference.md has every key"
        ) from error


def mistakes_of(error: StudyError) -> list[tuple[str, str]]:
    """
    Return every mistake of a refused study as its key and what is wrong with it.

    Parameters
    ----------
    error : what `load` raised; the key is empty where the mistake is of the file as a whole
    """
    if isinstance(error.__cause__, ValidationError):
        mistakes = error.__cause__.errors(include_url=False)
        found = {_place(mistake): " ".join(_sentence(mistake).split()) for mistake in mistakes}
        return [_parted(place, said) for place, said in found.items()]
    return [_parted("", str(error).partition(": ")[2] or str(error))]


def _parted(place, said):
    """
    Return the key of a mistake and the words about it.

    Those of the whole study name their key themselves.
    """
    first, colon, rest = said.partition(": ")
    if colon and first == place:
        return place, rest
    named = not place and colon and re.split(r"[.:]", first)[0] in StudyFile.model_fields
    return (first, rest) if named else (place, said)


_COMMANDS = ("plan_", "lock_", "update_", "verify_", "export_", "figures_", "tiles_")
_RESERVED = ("all", "demo", "explore", "help", "lint", "regions", "slurm", "study", "test", "test-full", "check_access")


def check_name(path: Path) -> None:
    """
    Refuse a study file whose name cannot be that of a command and of a folder.

    Raises
    ------
    StudyError : blanks, dots, braces, letters with accents and the like, or the name of another command
    """
    name = path.stem
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", plain).strip("_-") or "my_study"
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", name):
        raise StudyError(
            f"{path}: {name!r} cannot be the name of a command and of a folder of results; name the file "
            f"{plain}{path.suffix}: letters without accents, digits, _ and -"
        )
    if name in _RESERVED or name.startswith(_COMMANDS):
        raise StudyError(f"{path}: {name} is another command's name; name the file my_{name}{path.suffix}")


def load_settings(path) -> dict[str, Any]:
    """Read and check the keys of config/config.yaml."""
    given = read_yaml(Path(path))
    try:
        Settings.model_validate(given)
    except ValidationError as error:
        raise StudyError(f"{path}: {one_line(error)}") from error
    return given


def load_all(config: Mapping[str, Any], *, base=".", broken: dict[str, StudyError] | None = None) -> dict[str, Study]:
    """
    Load every study of config/studies, by the name of its folder of results.

    Parameters
    ----------
    config : config/config.yaml with `--config` laid over it, as Snakemake has it; what differs from the file is what
        the user typed, and wins over the study
    base : the workflow's folder
    broken : takes the error of each study whose file is at fault, by the study's name, so that the others can run;
        the first such error is raised where this is not given, or where no study is left

    Raises
    ------
    StudyError : one line; always for a mistake in `config.yaml` or in what was typed
    """
    folder = Path(base) / "config"
    settings = load_settings(folder / "config.yaml")
    typed = {
        name: None if value == "null" else value  # Snakemake hands on the word
        for name, value in config.items()
        if name not in settings or settings[name] != value
    }
    studies, faults = [], {}
    files = [path for end in ("yaml", "yml") for path in (folder / "studies").glob(f"*.{end}")]
    for path in sorted(path for path in files if not path.name.startswith(".")):
        try:
            if path.suffix == ".yml" and path.with_suffix(".yaml") in files:
                raise StudyError(f"{path}: {path.stem}.yaml is there, too; remove one of the two")
            studies.append(load(path, overrides=typed, settings=settings))
        except StudyError as error:
            if str(error).startswith("--config"):
                raise
            faults[path.stem] = error
    if faults and (broken is None or not studies):
        raise next(iter(faults.values()))
    if broken is not None:
        broken.update(faults)
    return {study.label: study for study in studies}


def explain_target(target: str, names: Mapping[str, str], broken: Mapping[str, Exception], *, others=()) -> str:
    """
    Say why a target is none of the workflow: its study is at fault, misspelt, or not there.

    Parameters
    ----------
    target : what was asked for: a study, a command of one such as plan_<study>, or a file of its results
    names : mapping of folder of results to name, of the studies that were read
    broken : mapping of study name to what is wrong with its file
    others : targets that are no study's, such as check_access

    >>> explain_target("plan_pine_iland", {"pine_island-simulated": "pine_island"}, {})
    'plan_pine_iland: no such target; did you mean plan_pine_island?'
    >>> explain_target("results/pine_island/report.html", {"pine_island-simulated": "pine_island"}, {})
    'results/pine_island/report.html: no such target; did you mean results/pine_island-simulated/report.html?'
    """
    for name in sorted(broken, key=len, reverse=True):
        if target in (name, *(command + name for command in _COMMANDS)) or f"/{name}/" in f"/{target}/":
            return str(broken[name])
    named = sorted({*names.values(), *broken})
    known = [*named, *others, *(command + name for name in named for command in _COMMANDS)]
    above, folder, below = _folder_of_results(target, names)
    near = [above + folder + below] if folder else get_close_matches(target, known, 1, 0.7)
    if near == [target]:
        return f"{target}: no study makes this file; README.md lists what a study makes"
    if near:
        return f"{target}: no such target; did you mean {near[0]}?"
    return (
        f"{target}: no such target; the studies are {', '.join(named)}, each a file "
        f"config/studies/<study>.yaml, and what is done with one is {', '.join(f'{c}<study>' for c in _COMMANDS)}"
    )


def _folder_of_results(target, names):
    """Return a path in three parts, the middle one the known folder of results nearest to one of its folders."""
    parts = target.split("/")
    for number, part in enumerate(parts[:-1]):
        near = get_close_matches(part, names, 1, 0.5)
        if near:
            above, below = parts[:number], parts[number + 1 :]
            return "/".join([*above, ""]), near[0], "/".join(["", *below])
    return "", "", ""


def label(name: str, own_archive: str, merged: Mapping[str, Any]) -> str:
    """
    Name the folder of results: the study's name, with the archive that overrides its own, and `tiny`, so that none mix.

    >>> label("austfonna", "earthdata", {"archive": "simulated"})
    'austfonna-simulated'
    """
    archive = merged.get("archive", own_archive)
    parts = [name] + ([str(archive)] if archive != own_archive else [])
    return "-".join(parts + (["tiny"] if merged.get("size") == "tiny" else []))


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """
    Merge two layers of keys: mappings are merged key by key, anything else is replaced.

    >>> merge({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}})
    {'a': {'b': 1, 'c': 3}}
    """
    merged = dict(below)
    for name, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        # an outline is given one way: the upper layer's replaces the lower one
        merged[name] = merge(merged[name], value) if both and name != "region" else value
    return merged


def _of_its_products(overrides, merged):
    """Return overrides without the products a study does not have: they are typed for all studies at once."""
    typed, own = overrides.get("products"), merged.get("products")
    if not (isinstance(typed, Mapping) and isinstance(own, Mapping)):
        return overrides
    return {**overrides, "products": {name: keys for name, keys in typed.items() if name in own}}


def _check_keys(given, where):
    for name in given:
        if name not in StudyFile.model_fields:
            near = get_close_matches(str(name), StudyFile.model_fields, 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else "docs/study_reference.md lists the known ones"
            raise StudyError(f"{where}{name}: unknown key; {hint}")


def _check_layer(given, layer, path):
    """Refuse what `tiny` or `simulated` could not put in place of other keys, whether it is asked for or not."""
    if given is None:
        return
    if not isinstance(given, Mapping):
        raise StudyError(f"{path}: {layer}: got {_brief(given)}; write key: value lines")
    _check_keys(given, f"{path}: {layer}.")
    for name in (*_LAYERS, *_LAYERS.values()):
        if name in given:
            raise StudyError(f"{path}: {layer}.{name}: cannot be another one in {_LAYERS[layer]} {layer}; take it away")


def _check_products(given, path):
    products = given.get("products")
    for name, settings in products.items() if isinstance(products, Mapping) else ():
        if settings is None:
            raise StudyError(f"{path}: products.{name}: empty; write {name}: {{}} for its defaults")


def one_line(error: ValidationError) -> str:
    """Describe the first mistake (key, what was given, remedy) and say how many more there are."""
    mistakes = error.errors(include_url=False)
    # an unknown key often explains the missing one beside it
    mistakes.sort(key=lambda m: (m["type"] != "unknown_key", m["type"] == "missing"))
    places = {_place(mistake) for mistake in mistakes}
    # a list is said to be too short when its one value was refused: only the innermost place is a mistake of its own
    distinct = {place for place in places if not any(other != place and other.startswith(place) for other in places)}
    more = f" (and {len(distinct) - 1} more)" if len(distinct) > 1 else ""
    return " ".join(_sentence(mistakes[0]).split()) + more


def _place(mistake):
    """Format the key as it is written in the file, without the parts that name a type or count a list."""
    parts = [p for p in mistake["loc"] if isinstance(p, str) and p not in _TYPES and "[" not in p]
    return ".".join([*parts, *([mistake["ctx"]["key"]] if mistake["type"] == "unknown_key" else [])])


_REMEDIES = {
    "greater_than_equal": "write at least {ge:g}",
    "less_than_equal": "write at most {le:g}",
    "greater_than": "write more than {gt:g}",
    "less_than": "write less than {lt:g}",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "float_parsing": "write a number",
    "float_type": "write a number",
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
    "string_type": "write text, in quotes",
    "string_too_short": "write some text",
    "tuple_type": "write a list",
    "dict_type": "write key: value lines",
    "model_type": "write key: value lines",
    "too_short": "write at least {min_length}",
    "too_long": "write at most {max_length}",
}


def _sentence(mistake):
    where = f"{_place(mistake)}: " if _place(mistake) else ""
    context: dict[str, Any] = mistake.get("ctx") or {}
    kind, got = mistake["type"], _brief(mistake.get("input"))
    if kind == "missing":
        return f"{where}missing; add this key"
    if kind in ("value_error", "unknown_key"):
        return where + mistake["msg"].removeprefix("Value error, ")
    if kind == "literal_error":
        known = [word.strip().strip("'") for word in context["expected"].replace(" or ", ", ").split(",")]
        near = get_close_matches(str(mistake["input"]), known, 1, 0.6)
        hint = f"did you mean {near[0]}?" if near else f"write one of {', '.join(known)}"
        return f"{where}got {got}; {hint}"
    remedy = _REMEDIES[kind].format(**context) if kind in _REMEDIES else mistake["msg"]
    return f"{where}got {got}; {remedy}"


def _brief(value):
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
