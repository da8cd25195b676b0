"""What calls itself a published result, and is damaged or something else."""

from __future__ import annotations

import json
import os
import zipfile

import pytest

from nunatak.reports.verification import altered, compare, hashes_now, opened, stated
from nunatak.runtime import NunatakError, file_sha256

PROVENANCE = {"results": {"a.csv": "0" * 64}, "granules": [], "study_file": {"name": "ice"}}


@pytest.fixture
def bundle(tmp_path):
    """A function that writes a bundle of some members, with a provenance unless that is one of them."""

    def made(**members):
        path = tmp_path / "ice.crate.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, text in {"provenance.json": json.dumps(PROVENANCE), **members}.items():
                file.writestr(name, text)
        return path

    return made


def flipped(content, at, to):
    return content[:at] + bytes([to]) + content[at + 1 :]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda c: c[: len(c) // 2], "is neither a folder nor a bundle, or is cut short; name"),
        (lambda c: c[:1000] + bytes(500) + c[1500:], "cannot be unpacked .*; fetch it again"),
        (lambda c: flipped(c, c.rfind(b"PK\x01\x02") + 8, 1), "cannot be unpacked .*password"),
        (lambda c: flipped(c, c.rfind(b"PK\x01\x02") + 10, 99), "cannot be unpacked .*not supported"),
    ],
    ids=["cut", "overwritten", "locked", "unknown method"],
)
def test_a_damaged_bundle_is_one_line(bundle, damage, reason):
    path = bundle(**{"b.csv": os.urandom(3000).hex()})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(NunatakError, match=rf"^published: .*ice\.crate\.zip: {reason}"), opened(path):
        pass


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", json.dumps(PROVENANCE | {"granules": [{}]}), json.dumps(PROVENANCE | {"results": []})],
)
def test_what_is_no_provenance_is_one_line(bundle, tmp_path, text):
    with (
        pytest.raises(NunatakError, match=r"^published: .*zip: provenance\.json is damaged.*; fetch it again$"),
        opened(bundle(**{"provenance.json": text})),
    ):
        pass
    (tmp_path / "provenance.json").write_text(text)
    with pytest.raises(NunatakError, match=r"provenance\.json is damaged.*; bring the file back"):
        stated(tmp_path)


def test_no_member_is_unpacked_outside(bundle, tmp_path):
    """Absolute names and those that climb end up inside, and nothing is left when the block ends."""
    outside = tmp_path / "outside"
    with opened(bundle(**{str(outside): "x", "../../climbed": "x"})) as folder:
        inside = [path.name for path in folder.rglob("*") if path.is_file()]
        assert sorted(inside) == ["climbed", "outside", "provenance.json"]
        assert not (folder.parent.parent / "climbed").exists() and not outside.exists()
    assert not folder.exists()


def test_results_of_another_study_share_nothing(bundle, tmp_path):
    with opened(bundle()) as theirs:
        fates = compare(tmp_path, {"b.csv": "1" * 64}, theirs)
    assert [fate.line for fate in fates] == ["a.csv: only in the published", "b.csv: only here"]


def test_results_that_changed_and_that_are_gone_are_named(tmp_path):
    """
    Of three results, one was changed and one is gone.

    A file that nobody made is not looked at.
    """
    for name in ("same.csv", "changed.csv", "gone.csv"):
        (tmp_path / name).write_text(name)
    provenance = {"results": {path.name: file_sha256(path) for path in tmp_path.iterdir()}}
    assert altered(provenance, hashes_now(tmp_path, provenance)) == []
    (tmp_path / "changed.csv").write_text("Changed.csv")
    (tmp_path / "gone.csv").unlink()
    (tmp_path / "new.csv").write_text("new")
    now = hashes_now(tmp_path, provenance)
    assert sorted(altered(provenance, now)) == ["changed.csv was changed", "gone.csv is gone"]
