"""Files and functions stay short enough to be read at a sitting."""

from __future__ import annotations

import ast

import pytest

from nunatak.compute import code_reach

ROOT = code_reach.SCRIPTS.parent
CODE = sorted(code_reach.SCRIPTS.rglob("*.py"))
FILES = [*CODE, *sorted((ROOT / "rules").glob("*.smk"))]
LINES, FUNCTION_LINES, ARGUMENTS, PUBLIC_ARGUMENTS = 350, 60, 12, 8


def functions(text):
    """Yield every function of a source text."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(function):
    """Return the lines of a function without its docstring."""
    documented = ast.get_docstring(function) is not None and len(function.body) > 1
    return function.end_lineno - function.body[documented].lineno + 1


def positional(function):
    """Return the number of arguments that may be given by position."""
    return len(function.args.posonlyargs) + len(function.args.args)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_file_is_longer_than_350_lines(path):
    assert len(path.read_text("utf-8").splitlines()) <= LINES


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_function_is_longer_than_60_lines_or_takes_many_arguments(path):
    """Arguments by name do not count: a call says what each is."""
    for function in functions(path.read_text("utf-8")):
        most = ARGUMENTS if function.name.startswith("_") else PUBLIC_ARGUMENTS
        assert lines_of(function) <= FUNCTION_LINES, f"{function.name}: {lines_of(function)} lines"
        assert positional(function) <= most, f"{function.name}: {positional(function)} arguments by position"


def test_the_measures_see_what_is_too_long():
    """A docstring is not counted, and an argument by name is none by position."""
    [long] = functions('def f(a, b, /, c, *, d):\n    """\n    Say.\n    """\n    x = 1\n    return x\n')
    assert (lines_of(long), positional(long)) == (2, 3)


def test_no_two_files_of_tests_have_one_name():
    """They are modules side by side, whatever their folder: of two with one name the second is not collected."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
