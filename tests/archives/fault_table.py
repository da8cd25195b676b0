"""
Every fault of the stand-in: what the client makes of it, and what this workflow does.

A row names the fault, the archive's door at which it is met, the client's own symptom and the right behaviour, which is
one of: the run stops at a rule with one line; the granule is in the ledger as failed; it is there all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from json import JSONDecodeError
from typing import Any

import earthaccess.exceptions as earthaccess_errors
import pystac_client
import requests
from tests.archives import clients

# doors
GRANULES, PAIRS, SUBSETS = "granules", "pairs", "subsets"


@dataclass(frozen=True)
class Raises:
    """The client raises; a person who wrote a script sees this."""

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
    """The run stops at a rule, with words; nothing is written that a later run takes for an answer."""

    rule: str
    words: str


@dataclass(frozen=True)
class Fails:
    """The granule, and no other, is in the ledger as failed, with words; counting stops a study that allows none."""

    words: str


@dataclass(frozen=True)
class Comes:
    """The granule is there in the end, with its right bytes; words are in the log."""

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


def _links(like):
    return Returns(lambda found, world: any(like in link for item in found for link in item.data_links()))


ROWS = [
    # the catalogue, through earthaccess
    Row(
        "cmr_500",
        GRANULES,
        clients.search,
        Raises(RuntimeError),
        Stops(QUERY, "status 500.*wait and run again"),
        "stops, the service failed",
    ),
    Row(
        "cmr_503",
        GRANULES,
        clients.search,
        Raises(RuntimeError),
        Stops(QUERY, "status 503.*wait and run again"),
        "stops, the service failed",
    ),
    Row(
        "cmr_429",
        GRANULES,
        clients.search,
        Raises(RuntimeError),
        Stops(QUERY, "status 429.*wait and run again"),
        "stops after five attempts at the pace asked for",
    ),
    Row(
        "cmr_400",
        GRANULES,
        clients.search,
        Raises(RuntimeError, "bounding_box"),
        Stops(QUERY, "refuses the question: .*bounding_box.*mend the study"),
        "stops, the study is to be mended",
    ),
    Row(
        "cmr_401",
        GRANULES,
        clients.search,
        Raises(RuntimeError, "Token does not exist"),
        Stops(QUERY, "status 401"),
        "stops, though no token was sent",
    ),
    Row(
        "cmr_html",
        GRANULES,
        clients.search,
        Raises((KeyError, ValueError)),
        Stops(QUERY, "login page or a proxy"),
        "stops, a page is no catalogue",
    ),
    Row("cmr_drop", GRANULES, clients.search, Raises(LOST), Stops(QUERY, "no connection"), "stops, no connection"),
    Row(
        "cmr_hangs",
        GRANULES,
        clients.waited(clients.search),
        WAITS_ON,
        Stops(QUERY, "read timeout"),
        "stops at a time limit",
    ),
    Row(
        "cmr_not_json",
        GRANULES,
        clients.search,
        Raises((JSONDecodeError, requests.exceptions.JSONDecodeError)),
        Stops(QUERY, "JSONDecodeError"),
        "stops, half an answer is none",
    ),
    Row(
        "cmr_timed_out",
        GRANULES,
        clients.search,
        FINDS_TOO_FEW,
        Stops(QUERY, "ran out of time"),
        "stops, a part of the answer is none",
    ),
    Row(
        "cmr_lost_item",
        GRANULES,
        clients.search,
        FINDS_TOO_FEW,
        Stops(QUERY, "states 2 records but sends 1"),
        "stops, a record is missing",
    ),
    Row(
        "cmr_empty",
        GRANULES,
        clients.search,
        FINDS_NOTHING,
        Stops(QUERY, "has no granule in .*widen the study"),
        "stops, an empty answer is named as one",
    ),
    Row(
        "cmr_repeats_item",
        GRANULES,
        clients.search,
        Returns(lambda found, world: len(found) == 3),
        Comes(),
        "each granule once",
    ),
    Row(
        "cmr_path_in_name",
        GRANULES,
        clients.search,
        _links("..%2F..%2F"),
        Stops(QUERY, "leave its folder"),
        "stops, no name leads out of the folder",
    ),
    Row(
        "cmr_no_links",
        GRANULES,
        clients.search,
        Returns(lambda found, world: found[0].data_links() == []),
        Stops(QUERY, "no link to a data file"),
        "stops, records without a file are named",
    ),
    Row(
        "cmr_foreign_host",
        GRANULES,
        clients.search,
        _links("elsewhere.example.org"),
        Stops(FETCH, r"elsewhere\.example\.org: sent a login page"),
        "the token stays with NASA's hosts",
    ),
    # the login, through earthaccess
    Row(
        "edl_401",
        GRANULES,
        clients.login,
        Raises(earthaccess_errors.LoginAttemptFailure),
        Stops(FETCH, "refuses user and password from EARTHDATA_USERNAME"),
        "stops, asked once",
    ),
    Row(
        "edl_500",
        GRANULES,
        clients.login,
        Raises(earthaccess_errors.LoginAttemptFailure),
        Stops(FETCH, "Earthdata login: did not answer as it should"),
        "stops, no refusal",
    ),
    Row(
        "edl_html",
        GRANULES,
        clients.login,
        Raises((ValueError, KeyError)),
        Stops(FETCH, "Earthdata login: did not answer as it should"),
        "stops, no refusal",
    ),
    Row(
        "edl_no_token",
        GRANULES,
        clients.login,
        Raises(KeyError),
        Stops(FETCH, "Earthdata login: did not answer as it should"),
        "stops, an answer without a token is none",
    ),
    Row(
        "edl_drop",
        GRANULES,
        clients.login,
        Raises(LOST),
        Stops(FETCH, "Earthdata login: did not answer.*no conn"),
        "stops, no connection",
    ),
    # whole granules, through earthaccess
    Row(
        "data_401",
        GRANULES,
        clients.download,
        REFUSED,
        Stops(FETCH, "the token may have expired"),
        "one new login, then all stop",
    ),
    Row(
        "data_403_eula",
        GRANULES,
        clients.download,
        Raises(earthaccess_errors.EulaNotAccepted),
        Stops(FETCH, "accept_eula"),
        "stops, names the terms to accept",
    ),
    Row("data_404", GRANULES, clients.download, REFUSED, Fails("gone from the archive"), "failed, asked once"),
    Row("data_429", GRANULES, clients.download, REFUSED, Fails("answered 429, 5 times"), "failed after five attempts"),
    Row("data_500", GRANULES, clients.download, REFUSED, Fails("answered 500, 5 times"), "failed after five attempts"),
    Row("data_503", GRANULES, clients.download, REFUSED, Fails("answered 503, 5 times"), "failed after five attempts"),
    Row(
        "data_html",
        GRANULES,
        clients.download,
        SAVES_A_PAGE,
        Stops(FETCH, "sent a login page in place of the file"),
        "stops, a login page is no data",
    ),
    Row(
        "data_loops",
        GRANULES,
        clients.download,
        Raises(requests.exceptions.TooManyRedirects),
        Stops(FETCH, "redirected in a circle"),
        "stops, an unauthorised login",
    ),
    Row(
        "data_drop",
        GRANULES,
        clients.download,
        Raises(LOST),
        Fails("connection lost .*, 5 times"),
        "failed after five attempts",
    ),
    Row(
        "data_truncated",
        GRANULES,
        clients.download,
        Raises(LOST),
        Comes("connection lost"),
        "goes on from each cut to the end",
    ),
    Row(
        "data_short",
        GRANULES,
        clients.download,
        SAVES_LESS,
        Fails("arrived with .* bytes, expected .*quarantine"),
        "failed, kept in quarantine",
    ),
    Row(
        "data_flipped",
        GRANULES,
        clients.download,
        SAVES_OTHER_BYTES,
        Fails("its MD5 begins .*quarantine"),
        "failed, the checksum does not fit",
    ),
    Row(
        "data_not_hdf5",
        GRANULES,
        clients.download,
        SAVES_OTHER_BYTES,
        Fails("no HDF5 or NetCDF file .*quarantine"),
        "failed, no granule by its first bytes",
    ),
    Row(
        "data_other_file",
        GRANULES,
        clients.download,
        SAVES_SOMETHING_ELSE,
        Fails("bytes, expected .*quarantine"),
        "failed, another file",
    ),
    Row(
        "data_empty",
        GRANULES,
        clients.download,
        SAVES_LESS,
        Fails(r"no HDF5 or NetCDF file \(0 bytes\)"),
        "failed, nothing in it",
    ),
    Row(
        "data_no_length",
        GRANULES,
        clients.download,
        SAVES_LESS,
        Comes("ended after"),
        "goes on until the catalogue's size is there",
    ),
    Row("data_no_range", GRANULES, clients.download, ASKS_FROM_THE_START, Comes(), "begins anew", also=(CUT,)),
    Row(
        "data_416", GRANULES, clients.download, ASKS_FROM_THE_START, Comes("beginning anew"), "begins anew", also=(CUT,)
    ),
    Row(
        "data_other_range",
        GRANULES,
        clients.download,
        ASKS_FROM_THE_START,
        Comes("another range"),
        "begins anew, never mixes two parts",
        also=(CUT,),
    ),
    Row(
        "data_hangs",
        GRANULES,
        clients.waited(clients.download),
        WAITS_ON,
        Fails("no byte for 0.1 s, 5 times"),
        "failed after five time limits",
    ),
    # image pairs, through pystac-client and requests
    Row(
        "stac_503",
        PAIRS,
        clients.pairs,
        Raises(pystac_client.exceptions.APIError),
        Stops(QUERY, r"stac\.itslive\.cloud: did not answer as it should"),
        "stops, the service failed",
    ),
    Row(
        "stac_html",
        PAIRS,
        clients.pairs,
        Raises((ValueError, pystac_client.exceptions.APIError)),
        Stops(QUERY, r"stac\.itslive\.cloud: did not answer as it should"),
        "stops, a page is no catalogue",
    ),
    Row(
        "stac_drop",
        PAIRS,
        clients.pairs,
        Raises((*LOST, pystac_client.exceptions.APIError)),
        Stops(QUERY, "did not answer as it should .*Connection aborted"),
        "stops, no connection",
    ),
    Row(
        "stac_lost_items",
        PAIRS,
        clients.pairs,
        FINDS_TOO_FEW,
        Stops(QUERY, "states 2 image pairs but sends 1"),
        "stops, a pair is missing",
    ),
    Row("s3_404", PAIRS, clients.save, SAVES_SOMETHING_ELSE, Fails("gone from the archive"), "failed, asked once"),
    Row(
        "s3_503",
        PAIRS,
        clients.save,
        SAVES_SOMETHING_ELSE,
        Fails("answered 503, 5 times"),
        "failed after five attempts",
    ),
    Row("s3_html", PAIRS, clients.save, SAVES_A_PAGE, Stops(FETCH, "sent a login page"), "stops, a page is no data"),
    Row("s3_drop", PAIRS, clients.save, Raises(LOST), Fails("connection lost"), "failed after five attempts"),
    Row("s3_short", PAIRS, clients.save, SAVES_LESS, Fails("quarantine"), "failed, half a file does not open"),
    # server-side subsets, through harmony-py and icepyx
    Row(
        "harmony_400",
        SUBSETS,
        clients.submit,
        Raises(Exception, "unsupported"),
        Comes("taking whole granules"),
        "the whole granule in place of a refused order",
    ),
    Row(
        "harmony_401",
        SUBSETS,
        clients.submit,
        Raises(Exception, "Unauthorized|401"),
        Stops(FETCH, r"harmony\.earthdata\.nasa\.gov"),
        "stops, not taken for a failed order",
    ),
    Row(
        "harmony_500",
        SUBSETS,
        clients.submit,
        Raises(Exception, "500"),
        Stops(FETCH, r"harmony\.earthdata\.nasa\.gov: did not answer"),
        "stops, the service failed",
    ),
    Row(
        "harmony_html",
        SUBSETS,
        clients.subset,
        Raises((ValueError, KeyError)),
        Stops(FETCH, r"harmony\.earthdata\.nasa\.gov: did not answer"),
        "stops, a page is no order",
    ),
    Row(
        "harmony_labels_fail",
        SUBSETS,
        clients.labelled,
        Raises(Exception, "500"),
        Comes(),
        "no order is lost to a label: none is asked for",
    ),
    Row(
        "harmony_failed",
        SUBSETS,
        clients.subset,
        FINDS_NOTHING,
        Comes(r"failed \(the service broke\)"),
        "the whole granule, the order's end in the log",
    ),
    Row(
        "harmony_canceled",
        SUBSETS,
        clients.subset,
        FINDS_NOTHING,
        Comes("canceled"),
        "the whole granule, the order's end in the log",
    ),
    Row(
        "harmony_paused",
        SUBSETS,
        clients.subset,
        FINDS_NOTHING,
        Comes("paused again after it was resumed"),
        "resumed once, then the whole granule",
    ),
    Row(
        "harmony_one_lost",
        SUBSETS,
        clients.subset,
        FINDS_NOTHING,
        Comes(r"could not do it \(timed out\)"),
        "the whole granule in place of the one that was lost",
    ),
    Row(
        "harmony_nothing",
        SUBSETS,
        clients.subset,
        FINDS_NOTHING,
        Empty("no data of it lies in the box"),
        "empty, and no failure",
    ),
    Row(
        "harmony_no_data",
        SUBSETS,
        clients.subset,
        FINDS_NOTHING,
        Empty("no data of it lies in the box"),
        "empty, though the order calls itself failed",
    ),
    Row(
        "harmony_running",
        SUBSETS,
        clients.followed,
        Returns(lambda looks, world: looks > 3),
        Stops(FETCH, "not done in .* h; run again to go on with it"),
        "stops at last, and is found again",
    ),
    Row(
        "harmony_result_html",
        SUBSETS,
        clients.subset,
        Returns(lambda paths, world: b"<html" in paths[0].read_bytes().lower()),
        Stops(FETCH, "sent a login page"),
        "stops, a login page is no subset",
    ),
    Row(
        "harmony_result_short",
        SUBSETS,
        clients.subset,
        Returns(lambda paths, world: paths[0].stat().st_size < world.cut_bytes),
        Comes("its subset: .*quarantine"),
        "the whole granule in place of half a subset",
    ),
    Row(
        "harmony_result_404",
        SUBSETS,
        clients.subset,
        Raises(requests.exceptions.HTTPError, "404"),
        Comes("its subset: gone .*taking the whole granule"),
        "the whole granule in place of a result that is gone",
    ),
]

# the stand-in's own switches that are no faults of a service: a slow line, and an end of what was staged
TOOLS = {"data_slow", "harmony_expired"}
