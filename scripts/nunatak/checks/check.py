"""One check: a number held against a limit, with words for a reader; and how checks are kept in a file."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from nunatak.runtime import read_json, write_json


@dataclass(frozen=True)
class Check:
    """
    A statement about results, with the number it rests on.

    Attributes
    ----------
    name : short, unique within a study: "lag_closure", "volume_closure/region"
    passed : whether it holds
    value : the number found; None where the check does not apply to this study
    limit : the number it is held against
    unit : of both; "" for a count or a share
    text : one sentence: what was compared, and why the limit
    """

    name: str
    passed: bool
    value: float | None
    limit: float | None
    unit: str
    text: str

    @property
    def applies(self):
        """Whether there was anything to check."""
        return self.value is not None


def at_most(name, value, limit, unit, text):
    """A check that |value| does not exceed a limit; a value that is not a number fails."""
    value = float(value)
    passed = math.isfinite(value) and abs(value) <= limit
    return Check(name, passed, value if math.isfinite(value) else math.inf, float(limit), unit, text)


def at_least(name, value, limit, unit, text):
    """A check that a value reaches a limit; a value that is not a number fails."""
    value = float(value)
    passed = math.isfinite(value) and value >= limit
    return Check(name, passed, value if math.isfinite(value) else -math.inf, float(limit), unit, text)


def not_applicable(name, reason):
    """A check that has nothing to hold against: passed, without a number, with the reason."""
    return Check(name, True, None, None, "", f"does not apply: {reason}")


def write_checks(checks, path, *, source):
    """Write checks.json: every check, how many failed, and whether the granules were simulated."""
    rows = [_json_row(check) for check in checks]
    failed = [row["name"] for row in rows if not row["passed"]]
    write_json({"nunatak_source": source, "passed": not failed, "failed": failed, "checks": rows}, path)


def read_checks(path):
    """The checks of a file that `write_checks` wrote."""
    return [Check(**_from_json(row)) for row in read_json(path)["checks"]]


def _json_row(check):
    """Infinity is no JSON: a value that could not be computed is written as text."""
    row = asdict(check)
    for key in ("value", "limit"):
        number = row[key]
        if number is not None:
            row[key] = float(f"{number:.8g}") if math.isfinite(number) else "not a number"
    return row


def _from_json(row):
    return {k: math.inf if v == "not a number" else v for k, v in row.items()}
