"""What every output carries: a stamp that follows the content of its inputs, and hashes of files and folders."""

from __future__ import annotations

import hashlib

import nunatak
from nunatak.runtime import file_sha256, stamp


def stamped(folder, **contents):
    """The stamp of inputs with these contents by name."""
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_text(content)
    return stamp(study="ice", source="directory", inputs=[folder / name for name in contents], parameters={"a": 1})


def test_a_stamp_follows_content_and_names_of_inputs_and_not_their_place(tmp_path):
    """Other bytes under one name, the same bytes under another name, another parameter: another hash."""
    one = stamped(tmp_path / "here", first="1", second="2")
    assert one == stamped(tmp_path / "there", second="2", first="1")
    others = [stamped(tmp_path / "x", first="1", second="3"), stamped(tmp_path / "y", first="2", second="1")]
    others += [stamped(tmp_path / "z", first="1", third="2"), stamped(tmp_path / "here", first="1")]
    others.append(stamp(study="ice", source="directory", inputs=sorted((tmp_path / "here").iterdir())))
    hashes = [found["inputs_hash"] for found in (one, *others)]
    assert len(set(hashes)) == len(hashes) and all(len(text) == 16 for text in hashes)
    assert {k: v for k, v in one.items() if k != "inputs_hash"} == {
        "nunatak_version": nunatak.__version__,
        "nunatak_source": "directory",
        "study": "ice",
        "history": f"nunatak {nunatak.__version__}",
    }


def test_the_hash_of_a_file_is_its_sha256_and_a_folder_has_one_of_names_and_bytes(tmp_path):
    folder = tmp_path / "store.zarr"
    (folder / "x").mkdir(parents=True)
    for name, content in (("x/0", b"zero"), ("x/1", b"one")):
        (folder / name).write_bytes(content)
    assert file_sha256(folder / "x/0") == hashlib.sha256(b"zero").hexdigest()
    before = file_sha256(folder)
    (folder / "x/1").write_bytes(b"two")
    changed = file_sha256(folder)
    (folder / "x/1").rename(folder / "x/2")
    assert len({before, changed, file_sha256(folder)}) == 3
