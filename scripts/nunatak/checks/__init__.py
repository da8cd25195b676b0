"""Checks: what must be true of results, each with its number and limit."""

from nunatak.checks.check import Check, at_least, at_most, not_applicable, read_checks, write_checks

__all__ = ["Check", "at_least", "at_most", "not_applicable", "read_checks", "write_checks"]
