"""Change the keys of a study file and leave its comments, its order and its spelling where they are."""

from __future__ import annotations

import datetime
import io
from collections.abc import Mapping

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from nunatak.explorer.sheet import Refused, plain, read_text

_WIDTH = 10_000  # nothing is wrapped anew


def edited(text, made) -> str:
    """
    Return the text of a study file with other keys and values, and its comments where they are.

    Parameters
    ----------
    text : of the file
    made : the keys that it shall have

    Raises
    ------
    Refused : the file is written so that a change of one key would change others, as with anchors
    """
    was = read_text(text)
    if plain(was) == plain(made):
        return text
    writer = _writer()
    try:
        tree = writer.load(text)
    except YAMLError as error:
        raise Refused("", f"the file cannot be changed here ({_first_line(error)}); change it by hand") from error
    _lay(tree, plain(was), made)
    out = io.StringIO()
    writer.dump(tree, out)
    if plain(read_text(out.getvalue())) != plain(made):
        raise Refused("", "the file names some values twice (anchors), and cannot be changed here; change it by hand")
    return out.getvalue()


def _writer():
    """Return a reader and writer that keeps quotes and says null as null."""
    writer = YAML()
    writer.preserve_quotes = True
    writer.width = _WIDTH
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.representer.add_representer(type(None), _null)
    return writer


def _null(representer, _):
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")


def _lay(node, was, made):
    """
    Lay the keys of a mapping over those of the file.

    What is the same is not touched.
    """
    for key in [key for key in node if str(key) not in made]:
        del node[key]
    for key, value in made.items():
        if key in node and plain(was.get(key)) == plain(value):
            continue
        inner = node.get(key)
        if isinstance(inner, CommentedMap) and isinstance(value, Mapping) and inner and value:
            _lay(inner, was[key], value)
        else:
            node[key if key in node else _word(key)] = _as_written(value, flow=not _of_mappings(value))


def _as_written(value, *, flow=True):
    """Return a value as it is to be written: lists and mappings on one line, words in quotes where they need them."""
    if isinstance(value, Mapping):
        made = CommentedMap((_word(key), _as_written(inner)) for key, inner in value.items())
        if flow:
            made.fa.set_flow_style()
        return made
    if isinstance(value, (list, tuple)):
        listed = CommentedSeq(_as_written(inner) for inner in value)
        listed.fa.set_flow_style()
        return listed
    return _word(value)


def _word(value):
    """Return text in quotes where it would be read as a number, a date or a truth value."""
    if isinstance(value, str) and yaml.safe_dump(value).startswith(("'", '"')):
        return DoubleQuotedScalarString(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return value


def _of_mappings(value):
    return isinstance(value, Mapping) and bool(value) and all(isinstance(inner, Mapping) for inner in value.values())


def _first_line(error):
    return " ".join(str(error).split())[:120]
