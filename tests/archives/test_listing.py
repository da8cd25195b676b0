"""Which files a folder tree holds."""

from __future__ import annotations

import os

import pytest
from tests.builders.tiny_granules import atl06

from nunatak.archives.local.listing import fingerprint, granule_files
from nunatak.runtime import NunatakError


def test_only_granule_files_of_visible_folders_are_listed(tmp_path):
    for name in ("b/one.h5", "b/c/two.nc", "a.NC", "notes.txt", ".hidden/x.h5", "cube.zarr/v/x.h5", ".part.h5"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert [entry.path for entry in granule_files(tmp_path)] == ["a.NC", "b/c/two.nc", "b/one.h5"]


def test_a_link_back_to_the_root_ends(tmp_path):
    atl06(tmp_path / "granules")
    (tmp_path / "granules" / "again").symlink_to(tmp_path)
    assert len(granule_files(tmp_path)) == 1


def test_a_link_that_leads_nowhere_is_listed(tmp_path):
    (tmp_path / "gone.h5").symlink_to(tmp_path / "nowhere.h5")
    assert [entry.path for entry in granule_files(tmp_path)] == ["gone.h5"]


def test_the_root_must_be_a_folder(tmp_path):
    with pytest.raises(NunatakError, match=r"no such folder; name the folder .* with directory="):
        granule_files(tmp_path / "nowhere")
    with pytest.raises(NunatakError, match="is a file where a folder of granules is expected"):
        granule_files(atl06(tmp_path))


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    """Its granules would be missing from every answer without a word."""
    (tmp_path / "locked").mkdir()
    scandir = os.scandir

    def refuse(folder):
        if str(folder).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(NunatakError, match=r"locked: cannot be listed \(Permission denied\); make it readable"):
        granule_files(tmp_path)


def test_the_fingerprint_follows_the_files(tmp_path):
    """It changes when a file comes, is touched or goes, and returns when the folder is as it was."""
    path = atl06(tmp_path)
    first = fingerprint(tmp_path)
    other = atl06(tmp_path / "more")
    assert fingerprint(tmp_path) != first
    other.unlink()
    assert fingerprint(tmp_path) == first
    os.utime(path, ns=(1, 1))
    assert fingerprint(tmp_path) != first
    assert fingerprint(tmp_path / "nowhere") == ""
