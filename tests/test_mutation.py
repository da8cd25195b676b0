"""The tool that makes slips: what it exchanges, what it leaves alone, and which tests it runs."""

from __future__ import annotations

import importlib.util

import pytest

from tests.conftest import ROOT

SPEC = importlib.util.spec_from_file_location("mutate", ROOT / "tools/mutate.py")
mutate = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(mutate)


@pytest.mark.parametrize(
    ("line", "slips"),
    [
        ("c = a + b", {"c = a - b"}),
        ("c = (a) ** (b)", {"c = (a) * (b)"}),
        ("c = a <= b < d", {"c = a < b < d", "c = a <= b <= d"}),
        ("c = a and b and d", {"c = a or b and d", "c = a and b or d"}),
        (
            "c = a not in b or a is not d",
            {"c = a in b or a is not d", "c = a not in b and a is not d", "c = a not in b or a is d"},
        ),
        ("c = [b or a][0]", {"c = [b and a][0]", "c = [b or a][1]"}),
        ("c = -a", {"c = a"}),
        ("c = not ~a", {"c = ~a", "c = not a"}),
        (
            "c = f(True, 3, 0.5, 0.0)",
            {f"c = f({x})" for x in ("False, 3, 0.5, 0.0", "True, 4, 0.5, 0.0")}
            | {f"c = f({x})" for x in ("True, 3, 0.55, 0.0", "True, 3, 0.5, 1.0")},
        ),
        ("c = np.hypot(a, b).max()", {"c = np.add(a, b).max()", "c = np.hypot(a, b).min()"}),
        ("def f(a: int | None = 2): return a", {"def f(a: int | None = 3): return a"}),
        ("c: float | None = a", set()),
        ("c = 'text ' + a", set()),
        ("c = f'{a + 1}'", set()),
        ("raise ValueError(a + 1)", set()),
        ("log.info('%d', a + 1)", set()),
        ("def f_reference(a): return a + 1", set()),
    ],
)
def test_slips_of_a_line(line, slips):
    """
    One place of each kind is changed at a time.

    Words for users, types and slow definitions of kernels are left alone.
    """
    text = f"import numpy as np\n\n{line}\n"
    made = [mutate.Slip("", "", *change) for change in mutate.Finder(text).found]
    assert {slip.lines(text)[2] for slip in made} == slips
    assert {slip.lines(text)[:2] for slip in made} <= {(3, line)}


def test_the_tests_of_a_module_begin_with_those_that_name_it():
    """
    The tests of the module's room come first, then tests elsewhere that import it.

    No workflow is run.
    """
    near, others = mutate.tests_of(ROOT, "scripts/nunatak/elevation/trend.py")
    assert "tests/elevation/test_trend.py" in near and "tests/elevation/test_hypsometry.py" in others
    assert all((ROOT / name).is_file() and "/workflow/" not in name for name in near + others)


def test_slips_by_chance_come_evenly_from_the_rooms_and_are_the_same_again():
    rooms = ("reading", "cubes")
    slips = mutate.drawn(rooms, 10, 3)
    assert slips == mutate.drawn(rooms, 10, 3) != mutate.drawn(rooms, 10, 4)
    assert [slip.file.split("/")[2] for slip in slips] == ["reading"] * 5 + ["cubes"] * 5
