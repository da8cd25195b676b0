"""Checksums taken while a file arrives are those of the file, however it arrived."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from nunatak.archives.transfer.digests import Digests, of_file


def expected(content):
    return {"MD5": hashlib.md5(content).hexdigest(), "SHA-256": hashlib.sha256(content).hexdigest()}


@given(content=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=4), step=st.integers(1, 50))
def test_cut_and_resumed_anywhere_they_are_those_of_the_whole(tmp_path_factory, content, cuts, step):
    """Each attempt goes on from what is written, or begins anew at 0; bytes that are read again do not count as new."""
    path = tmp_path_factory.mktemp("part") / "file"
    told = []
    running = Digests({"MD5", "SHA-256"}, told.append)
    new = 0
    for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
        have = content[: min(start, len(content))]
        path.write_bytes(have + b"left over")
        running.begin(path, len(have))
        for at in range(len(have), min(end, len(content)), step):
            running.add(content[at : min(at + step, end)])
        new += max(min(end, len(content)) - len(have), 0)
    assert running.length == max(len(content), 0) and running.hex() == expected(content)
    assert sum(told) == new


def test_a_file_that_is_here(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 3_000_000)
    assert of_file(path, {"MD5", "SHA-256"}) == expected(b"x" * 3_000_000)
