"""The form of a row in the table of faults: the symptom of a client, and the right behaviour of a run."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import earthaccess.exceptions as earthaccess_errors
import requests

# doors
GRANULES, PAIRS, SUBSETS = "granules", "pairs", "subsets"


@dataclass(frozen=True)
class Raises:
    """
    The client raises an error.

    A person who wrote a script sees this.
    """

    kind: Any
    words: str = ""

    def shown_by(self, result, world):
        assert isinstance(result, self.kind), f"the client answered {result!r}"
        assert re.search(self.words, str(result)), str(result)


@dataclass(frozen=True)
class Returns:
    """The client returns without a word."""

    what: Callable

    def shown_by(self, result, world):
        assert not isinstance(result, Exception), repr(result)
        assert self.what(result, world), f"the client answered {result!r}"


@dataclass(frozen=True)
class Stops:
    """
    The run stops at a rule, with words.

    Nothing is written that a later run takes for an answer.
    """

    rule: str
    words: str


@dataclass(frozen=True)
class Fails:
    """
    The granule, and no other, is in the ledger as failed, with words.

    Counting stops a study that allows no failed granule.
    """

    words: str


@dataclass(frozen=True)
class Comes:
    """
    The granule is there in the end, with its right bytes.

    The words are in the log.
    """

    words: str = ""


@dataclass(frozen=True)
class Empty:
    """The granule is in the ledger as empty, with words: nothing of it lies in the box."""

    words: str


@dataclass(frozen=True)
class Row:
    fault: str
    door: str
    client: Callable
    symptom: Raises | Returns
    ours: Stops | Fails | Comes | Empty
    behaviour: str
    also: tuple[tuple[str, dict], ...] = ()  # faults that are needed for this one to show
    options: dict = field(default_factory=dict)

    @property
    def id(self):
        return f"{self.fault}: {self.behaviour}"


def _bytes_are(wrong):
    return Returns(lambda path, world: wrong(path.read_bytes(), world.second.path.read_bytes()))


SAVES_A_PAGE = _bytes_are(lambda got, held: b"<html" in got.lower())
SAVES_LESS = _bytes_are(lambda got, held: len(got) < len(held))
SAVES_OTHER_BYTES = _bytes_are(lambda got, held: len(got) == len(held) and got != held)
SAVES_SOMETHING_ELSE = _bytes_are(lambda got, held: got != held)
SAVES_THE_FILE = _bytes_are(lambda got, held: got == held)
FINDS_NOTHING = Returns(lambda found, world: found == [])
FINDS_TOO_FEW = Returns(lambda found, world: len(found) == 1)
WAITS_ON = Returns(lambda seconds, world: seconds >= 0.5)
LOST = (ConnectionError, requests.exceptions.RequestException, OSError)
REFUSED = Raises(earthaccess_errors.DownloadFailure, "Download failed")
ASKS_FROM_THE_START = Returns(
    lambda path, world: not any("range" in r.headers for r in world.standin.requests("*cloudfront*"))
)

QUERY, FETCH = "query_granules", "fetch_granules"
CUT = ("data_truncated", {"times": 1})


def links(like):
    return Returns(lambda found, world: any(like in link for item in found for link in item.data_links()))
