"""YAML as it is meant: numbers with leading zeros are decimal, and what would be read as something else is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from nunatak.study.base import StudyError


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file's mapping."""
    try:
        given = _read(path.read_text("utf-8"))
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror}); check the name of the study") from error
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: is not UTF-8 text ({error.reason}); save it as UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise StudyError(f"{path}: {where}{' '.join(reason.split())}; mend the YAML there") from error
    except RecursionError as error:
        raise StudyError(f"{path}: lists or mappings lie too deep in one another; mend the YAML") from error
    if not isinstance(given, dict):
        raise StudyError(
            f"{path}: holds {type(given).__name__ if given is not None else 'nothing'}; write key: value lines"
        )
    return given


_MOST_NODES = 200_000  # values of a study file, aliases counted as often as they stand


def _read(text):
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _count(node, counted):
    """
    Count the values below a node.

    Refuse more than a study file can hold, and a value inside itself.
    """
    if id(node) in counted:
        if counted[id(node)] is None:
            raise yaml.constructor.ConstructorError(None, None, "an alias stands inside what it names", node.start_mark)
        return counted[id(node)]
    counted[id(node)] = None
    children = []
    if isinstance(node, yaml.MappingNode):
        children = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    number = 1 + sum(_count(child, counted) for child in children)
    if number > _MOST_NODES:
        problem = f"more than {_MOST_NODES} values, aliases counted"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    counted[id(node)] = number
    return number


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key given twice, the first of which would be lost, and names what it refuses."""

    def construct_object(self, node, deep=False):
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, OverflowError) as error:  # a 30th of February, a number of 6,000 digits
            shown = str(node.value)[:40] if isinstance(node, yaml.ScalarNode) else "this"
            problem = f"{shown} is no {node.tag.rpartition(':')[2]} ({error})"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":  # <<: *other, whose keys give way to those beside it
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                problem = "a list or mapping stands where a key is expected; write text"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            name = self.construct_object(key_node, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{name} is given twice", key_node.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


# YAML 1.1 takes 1.0e6 for text, people and YAML 1.2 take it for a number
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(?:\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def _decimal(loader, node):
    """Read a whole number with leading zeros as granule names have them, where YAML 1.1 reads the octal 0627 as 407."""
    text = str(node.value).replace("_", "")
    _refuse_colons(node)
    return int(text) if re.fullmatch(r"[-+]?0[0-9]+", text) else loader.construct_yaml_int(node)


def _float(loader, node):
    """Read a number with a fraction."""
    _refuse_colons(node)
    return loader.construct_yaml_float(node)


def _refuse_colons(node):
    """Refuse a number to the base 60, as which YAML 1.1 takes 1:20 for 80."""
    if ":" in str(node.value):
        raise yaml.constructor.ConstructorError(
            None,
            None,
            f"{node.value} is read as a number to the base 60; write a list [a, b] or text in quotes",
            node.start_mark,
        )


# 0598 is no octal number, so that YAML 1.1 takes it for text
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?0[0-9_]*[0-9]$"), list("-+0"))
_Loader.add_constructor("tag:yaml.org,2002:int", _decimal)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)


def as_written(config: Mapping[str, Any], paths, *, typed=None, snakemake_reads) -> dict[str, Any]:
    """
    Return a configuration with the values of its files as `read_yaml` reads them, where Snakemake reads other ones.

    Snakemake takes `0415` for the octal 269 and `1:20` for 80. A file that asks for templates (`__use_yte__`) or is
    JSON stays as Snakemake reads it.

    Parameters
    ----------
    config : as Snakemake has it
    paths : files it was read from, later ones over earlier ones
    typed : what `--config` set; these values stay
    snakemake_reads : function of a path, what Snakemake reads of that file

    Raises
    ------
    StudyError : one line, for a value that may not be written so

    >>> as_written({"cores": 8}, [], snakemake_reads=None)
    {'cores': 8}
    """
    mended = dict(config)
    for path in map(Path, paths):
        if not path.is_file() or _is_json(path):
            continue
        ours = read_yaml(path)
        if not ours.get("__use_yte__"):
            mended = _as_ours(mended, ours, snakemake_reads(path), typed or {})
    return mended


def _as_ours(config, ours, theirs, typed):
    """Merge one level of `as_written`: values that come from this file are those that differ from no reading of it."""
    mended = dict(config)
    for name in config.keys() & ours.keys() & theirs.keys():
        given, own, other = (level[name] for level in (config, ours, theirs))
        if all(isinstance(level, Mapping) for level in (given, own, other)):
            below = typed.get(name)
            mended[name] = _as_ours(given, own, other, below if isinstance(below, Mapping) else {})
        elif given == other and name not in typed:
            mended[name] = own
    return mended


def _is_json(path):
    try:
        return isinstance(json.loads(path.read_text("utf-8")), dict)
    except (OSError, ValueError):
        return False
