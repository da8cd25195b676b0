"""Results held against their own provenance, and against results that were published."""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nunatak.reports.differences import TOLERANCES, Difference, between
from nunatak.runtime import NunatakError, file_sha256, read_json

PROVENANCE = "provenance.json"
SAME, WITHIN, DIFFERS, ONLY_HERE, ONLY_THERE, UNKNOWN = (
    "the same bytes",
    "within tolerance",
    "differs",
    "only here",
    "only in the published",
    "other bytes, by hash alone",
)
_FAULTS = (DIFFERS, ONLY_HERE, ONLY_THERE)
_SHOWN = 5  # names in one message


@dataclass(frozen=True)
class Fate:
    """What came of one result: its name below the study's folder, the verdict, and by how much where it differs."""

    name: str
    verdict: str
    difference: Difference | None = None

    @property
    def line(self):
        """Return the fate in one line, with the largest difference and where it is."""
        found = self.difference
        if found is None:
            return f"{self.name}: {self.verdict}"
        limit = f" ({found.kind}: {TOLERANCES[found.kind]})" if found.kind in TOLERANCES else ""
        apart = f"; largest difference {found.largest:.3g}, relative {found.relative:.2g}" if found.largest else ""
        return f"{self.name}: {self.verdict}{limit}{apart}{f'; {found.where}' if found.where else ''}"


@contextmanager
def opened(path) -> Iterator[Path]:
    """
    Open the folder of published results: the one named, or a bundle of `export_<study>` unpacked while the block runs.

    Raises
    ------
    NunatakError : there is no such thing, it is damaged, or it holds no provenance
    """
    path = Path(path)
    remedy = "name a study's folder of results or a bundle of export_<study>: published=<path>"
    if path.is_dir():
        if not (path / PROVENANCE).is_file():
            raise NunatakError(f"published: {path}: holds no {PROVENANCE}; {remedy}")
        stated(path, called=f"published: {path}")
        yield path
        return
    if not zipfile.is_zipfile(path):
        why = "is neither a folder nor a bundle, or is cut short" if path.exists() else "is not there"
        raise NunatakError(f"published: {path}: {why}; {remedy}")
    with tempfile.TemporaryDirectory(prefix="nunatak-published-") as work, zipfile.ZipFile(path) as bundle:
        if PROVENANCE not in bundle.namelist():
            raise NunatakError(f"published: {path}: holds no {PROVENANCE}; {remedy}")
        try:
            bundle.extractall(work)
        except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError) as error:  # RuntimeError: locked, unknown method
            raise NunatakError(f"published: {path}: cannot be unpacked ({error}); fetch it again") from error
        stated(work, called=f"published: {path}")
        yield Path(work)


def stated(folder, *, called=None) -> dict:
    """
    Read what the provenance of a folder of results says.

    Parameters
    ----------
    folder : of results
    called : its name in a message; None means the folder itself

    Raises
    ------
    NunatakError : it cannot be read, or says nothing of study, granules or results
    """
    try:
        said = read_json(Path(folder) / PROVENANCE)
        understood = all("file_name" in granule and "sha256" in granule for granule in said["granules"])
        understood &= isinstance(said["results"], dict) and isinstance(said["study_file"], dict)
    except (OSError, ValueError, KeyError, TypeError):
        understood = False
    if not understood:
        remedy = "bring the file back, or run the study again" if called is None else "fetch it again"
        raise NunatakError(f"{called or folder}: {PROVENANCE} is damaged, or that of something else; {remedy}")
    return said


def hashes_now(folder, provenance):
    """Compute the SHA-256 of every result the provenance names, as it lies there now, None for one that is gone."""
    paths = {name: Path(folder) / name for name in provenance["results"]}
    return {name: file_sha256(path) if path.exists() else None for name, path in paths.items()}


def altered(provenance, now) -> list[str]:
    """List results that are not those the provenance names, each with what happened to it."""
    then = provenance["results"]
    return [f"{name} {'is gone' if now[name] is None else 'was changed'}" for name in then if now[name] != then[name]]


def other_granules(provenance, published) -> list[str]:
    """List granules that differ between two provenances, each with what is different about it."""
    here, there = ({g["file_name"]: g["sha256"] for g in p["granules"]} for p in (provenance, published))
    lines = [f"{name}: was not used for the published results" for name in here.keys() - there.keys()]
    lines += [f"{name}: was used for the published results, is not here" for name in there.keys() - here.keys()]
    both = here.keys() & there.keys()
    lines += [f"{n}: other bytes" for n in both if here[n] and there[n] and here[n] != there[n]]
    return sorted(lines)


def other_settings(provenance, published) -> list[str]:
    """List keys of the study that differ between two provenances, without its name."""
    here, there = (p["study_file"] for p in (provenance, published))
    keys = (here.keys() | there.keys()) - {"label", "name", "archive"}
    return sorted(key for key in keys if here.get(key) != there.get(key))


def compare(folder, now, published_folder) -> list[Fate]:
    """
    Compare every result with the published one of its name.

    Parameters
    ----------
    folder : the study's results
    now : SHA-256 of each, as `hashes_now` returns it
    published_folder : see `opened`; what a bundle leaves out is compared by its hash
    """
    published = stated(published_folder)["results"]
    fates = []
    for name in sorted(now.keys() | published.keys()):
        theirs = Path(published_folder) / name
        if now.get(name) is None:
            fates.append(Fate(name, ONLY_THERE))
        elif name not in published:
            fates.append(Fate(name, ONLY_HERE))
        elif now[name] == published[name]:
            fates.append(Fate(name, SAME))
        elif not theirs.exists():
            fates.append(Fate(name, UNKNOWN))
        else:
            fates.append(_held(name, Path(folder) / name, theirs, published[name]))
    return fates


def _held(name, ours, theirs, stated):
    if file_sha256(theirs) != stated:
        raise NunatakError(
            f"published: {name}: is not the file its provenance names; fetch the published results again"
        )
    found = between(ours, theirs)
    return Fate(name, WITHIN if found.within else DIFFERS, found)


def verdict(fates) -> tuple[bool, str]:
    """Return whether the results are the published ones, and that in words."""
    counts = Counter(fate.verdict for fate in fates)
    parts = [f"{counts[word]} {word}" for word in (SAME, WITHIN, UNKNOWN, *_FAULTS) if counts[word]]
    faults = [fate.name for fate in fates if fate.verdict in _FAULTS]
    more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    named = f": {', '.join(faults[:_SHOWN])}{more}" if faults else ""
    return not faults, f"{len(fates)} results: {', '.join(parts)}{named}"
