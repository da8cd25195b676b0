"""Checks: what must be true of results, each with its number and limit."""

from nunatak.checks.check import (
    Check,
    at_least,
    at_most,
    counted,
    in_words,
    not_applicable,
    read_checks,
    within,
    write_checks,
)

__all__ = [
    "Check",
    "at_least",
    "at_most",
    "counted",
    "in_words",
    "not_applicable",
    "read_checks",
    "within",
    "write_checks",
]
