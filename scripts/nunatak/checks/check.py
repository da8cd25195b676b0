"""One check (a number compared with a limit, described in words), and the file of checks."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from nunatak.runtime import read_json, write_json

HELD, FAILED, NOT_APPLICABLE = STATUSES = ("held", "failed", "not applicable")


@dataclass(frozen=True)
class Check:
    """
    A statement about results, with the number it rests on.

    Attributes
    ----------
    name : short, unique within a study: "lag_closure", "volume_closure/region"
    status : held, failed, or not applicable: there was nothing to hold against, and the check says nothing
    value : the number found; None where the check does not apply to this study
    limit : the number it is held against
    unit : of both; "" for a count or a share
    text : one sentence: what was compared, and why the limit
    """

    name: str
    status: str
    value: float | None
    limit: float | None
    unit: str
    text: str

    @property
    def held(self):
        """Return whether the statement was tried and is true."""
        return self.status == HELD

    @property
    def failed(self):
        """Return whether the statement was tried and is false."""
        return self.status == FAILED

    @property
    def applies(self):
        """Return whether there was anything to check."""
        return self.status != NOT_APPLICABLE


def at_most(name, value, limit, unit, text):
    """Check that |value| does not exceed a limit. A value that is not a number fails."""
    value = float(value)
    held = math.isfinite(value) and abs(value) <= limit
    value = value if math.isfinite(value) else math.inf
    return Check(name, HELD if held else FAILED, value, float(limit), unit, text)


def at_least(name, value, limit, unit, text):
    """Check that a value reaches a limit. A value that is not a number fails."""
    value = float(value)
    held = math.isfinite(value) and value >= limit
    value = value if math.isfinite(value) else -math.inf
    return Check(name, HELD if held else FAILED, value, float(limit), unit, text)


def within(name, value, low, high, unit, text):
    """
    Return a check that a value lies between two limits.

    A value that is not a number fails. `limit` of the check is the one that the value is nearer to, and the words name
    both.
    """
    text = f"{text}; between {low:.4g} and {high:.4g}{f' {unit}' if unit else ''}"
    if value > (low + high) / 2:
        return at_most(name, value, high, unit, text)
    return at_least(name, value, low, unit, text)


def not_applicable(name, reason):
    """Create a check that has nothing to compare with: neither held nor failed, without a number, with the reason."""
    return Check(name, NOT_APPLICABLE, None, None, "", f"does not apply: {reason}")


def counted(checks):
    """
    Count checks by status.

    >>> counted([at_most("a", 1, 2, "", ""), not_applicable("b", "")])
    {'held': 1, 'failed': 0, 'not applicable': 1}
    """
    return {status: sum(check.status == status for check in checks) for status in STATUSES}


def in_words(checks):
    """
    Say how many checks have which status.

    >>> in_words([at_most("a", 1, 2, "", ""), not_applicable("b", "")])
    '1 held, 0 failed, 1 not applicable'
    """
    return ", ".join(f"{n} {status}" for status, n in counted(checks).items())


def write_checks(checks, path, *, source):
    """Write checks.json: every check, how many have which status, and whether the granules were simulated."""
    failed = [check.name for check in checks if check.failed]
    rows = [_json_row(check) for check in checks]
    write_json({"nunatak_source": source, "counts": counted(checks), "failed": failed, "checks": rows}, path)


def read_checks(path):
    """Read the checks of a file that `write_checks` wrote."""
    return [Check(**_from_json(row)) for row in read_json(path)["checks"]]


def _json_row(check):
    """
    Return a check as a JSON row.

    Infinity is no JSON: a value that could not be computed is written as text.
    """
    row = asdict(check)
    for key in ("value", "limit"):
        number = row[key]
        if number is not None:
            row[key] = float(f"{number:.8g}") if math.isfinite(number) else "not a number"
    return row


def _from_json(row):
    return {k: math.inf if v == "not a number" else v for k, v in row.items()}
