"""Files read by range: any sequence of reads gives the file's bytes, and the blocks kept never mix."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from nunatak.files import remote, retries

CONTENT = np.random.default_rng(5).bytes(200_000)


class Storage:
    """A session that answers ranges of some bytes; `changes` are made to its answers, in turn."""

    def __init__(self, content=CONTENT, changes=()):
        self.content, self.changes, self.asked = content, list(changes), []

    def get(self, url, headers, timeout, stream):
        first, _, last = headers["Range"].removeprefix("bytes=").partition("-")
        size = len(self.content)
        start, end = (max(size - int(last), 0), size) if not first else (int(first), min(int(last) + 1, size))
        self.asked.append((start, end))
        part = self.content[start:end]
        said = {"Content-Range": f"bytes {start}-{end - 1}/{size}", "ETag": '"a"'}
        answer = {"status_code": 206, "headers": said, "content": part, "url": url}
        answer |= self.changes.pop(0) if self.changes else {}
        return Answer(**answer)


class Answer(SimpleNamespace):
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False


def opened(storage, **options):
    return remote.open_address(remote.Address("https://host/file.h5", storage), **options)


reads = strategies.lists(
    strategies.tuples(strategies.integers(0, len(CONTENT) - 1), strategies.integers(1, 3 * remote.EXACT)), max_size=40
)


@settings(max_examples=200)
@given(reads=reads, tail=strategies.sampled_from([0, 1000, 1 << 16, 1 << 20]))
def test_any_reads_give_the_files_bytes(reads, tail):
    """Small and large, forwards, backwards and across each other."""
    file = opened(Storage(), tail=tail)
    for start, count in reads:
        file.seek(start)
        assert file.read(count) == CONTENT[start : start + count]


def test_reading_through_a_table_costs_a_quarter_more_and_few_requests():
    storage = Storage()
    file = opened(storage)
    for start in range(0, 120_000, 100):
        file.seek(start)
        assert file.read(100) == CONTENT[start : start + 100]
    assert file.moved <= 1.25 * 120_000 + remote.BLOCK and len(storage.asked) < 12


def test_a_large_read_is_asked_for_as_it_is():
    storage = Storage()
    file = opened(storage)
    file.seek(100_000)
    file.read(remote.EXACT)
    assert storage.asked[-1] == (100_000, 100_000 + remote.EXACT)


def test_seeking_from_the_end_and_reading_beyond_it():
    file = opened(Storage())
    assert file.seek(-10, io.SEEK_END) == len(CONTENT) - 10
    assert file.read(100) == CONTENT[-10:] and file.read(1) == b""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status_code": 404}, r"is gone \(404\)"),
        ({"status_code": 200, "headers": {}}, "does not serve ranges"),
        ({"status_code": 200, "headers": {"Content-Type": "text/html"}}, "sent a web page"),
        ({"headers": {"Content-Range": "bytes 5-9/200000"}}, "answered 206"),
        ({"headers": {"Content-Range": "bytes 100000-116383/200001", "ETag": '"a"'}}, "changed while it was read"),
        ({"headers": {"Content-Range": "bytes 100000-116383/200000", "ETag": '"b"'}}, "changed while it was read"),
    ],
)
def test_a_wrong_answer_is_an_error_and_no_bytes(change, said):
    file = opened(Storage(changes=[{}, change]))
    file.seek(100_000)
    with pytest.raises(remote.NotReadable, match=said):
        file.read(remote.EXACT)


def test_a_cut_answer_is_asked_for_again(monkeypatch):
    monkeypatch.setattr(retries, "PAUSE", 0.0)
    storage = Storage(changes=[{}, {"content": b"cut"}, {"status_code": 503, "headers": {"Retry-After": "0"}}])
    file = opened(storage)
    file.seek(100_000)
    assert file.read(remote.EXACT) == CONTENT[100_000 : 100_000 + remote.EXACT] and len(storage.asked) == 4


class Objects:
    """A session whose answers are given in turn."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def get(self, url, headers, timeout):
        said = {"status_code": 200, "headers": {}, "content": b"chunk", "url": url, "history": []}
        return Answer(**{**said, **self.answers.pop(0)})


def test_an_object_that_is_absent_is_none_and_one_of_a_store_that_moved_is_an_error():
    """A store that redirects elsewhere answers 404 there for every chunk, which would be cells without data."""
    assert remote.read_object("https://host/cube/vx/0.0.0", Objects({"status_code": 404})) is None
    moved = {"url": "https://other/cube/vx/0.0.0", "history": [301]}
    assert remote.read_object("https://host/cube/vx/0.0.0", Objects(moved)) == b"chunk"
    with pytest.raises(remote.NotReadable, match=r"host/cube/vx/0\.0\.0: is gone \(404\)"):
        remote.read_object("https://host/cube/vx/0.0.0", Objects({**moved, "status_code": 404}))


def test_a_store_that_throttles_is_asked_again_after_the_pause_it_wants(monkeypatch):
    waited = []
    monkeypatch.setattr(remote.time, "sleep", waited.append)
    slow = {"status_code": 429, "headers": {"Retry-After": "7"}}
    assert remote.read_object("https://host/a", Objects(slow, slow, {})) == b"chunk" and waited == [7.0, 7.0]
    with pytest.raises(remote.NotReadable, match="answered 429, 5 times; wait and run again"):
        remote.read_object("https://host/a", Objects(*[slow] * 5))
