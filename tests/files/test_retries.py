"""Pauses between attempts: what the service asked for in either form, else doubling, and never beyond the longest."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from nunatak.files import retries


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7, 7),
        pytest.param(formatdate(time.time() + 36000, usegmt=True), 300, 300, id="in ten hours"),
        (formatdate(0, usegmt=True), 0, 0),
        ("86400", 300, 300),
        ("-3", 0, 0),
        ("soon", 3, 5),  # as if nothing had been asked: the third pause, 4 s with a quarter of chance
        (None, 3, 5),
    ],
)
def test_a_pause_is_what_was_asked_for_within_bounds(header, low, high):
    assert low <= retries.pause_before(3, header) <= high


def test_a_pause_doubles_up_to_the_longest():
    assert 0.75 <= retries.pause_before(1) <= 1.25
    assert retries.pause_before(40) <= 1.25 * retries.LONGEST
