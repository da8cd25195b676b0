"""
Record which granules a study used, so that the same ones are used again or their absence is reported.

A lock is a folder with one CSV file per product, to be kept under version control beside the study.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from nunatak.archives import quick_looks
from nunatak.archives.transfer import receipts
from nunatak.archives.transfer.integrity import stated_checksum
from nunatak.granules import parse
from nunatak.granules.lists import read_list
from nunatak.runtime import NunatakError, written

# first the identity of a granule and its bytes, then what is needed to use it without a new search
COLUMNS = (
    "file_name",
    "version",
    "revision",
    "size_bytes",
    "checksum",
    "checksum_algorithm",
    "checksum_from",
    "concept_id",
    "revision_id",
    "collection_id",
    "url",
    "time_start",
    "time_end",
    "cycle_end",
    "hemisphere",
    "region_code",
    "resolution",
    "source",
    "s3_url",
)
_SAME = ("size_bytes", "checksum")  # must not differ between a lock and an archive
_MEND = "correct it, or make it anew with make lock_<study>"
_SHOWN = 20  # granules in one message


def file_of(folder: str | Path, product: str) -> Path:
    """
    Return the lock file of a product.

    Parameters
    ----------
    folder : folder of the lock
    product : such as "atl06"
    """
    return Path(folder) / f"{product}.csv"


def write(granules: pd.DataFrame, path: str | Path, *, originals: str | Path | None = None) -> None:
    """
    Write a granule table as a lock, sorted by file name.

    If the archive publishes no checksum and the granule is already fetched, its own SHA-256 is written, so that other
    bytes under the same name are noticed.

    Parameters
    ----------
    granules : granule table
    path : CSV file
    originals : folder with `<product>/<file name>`. Default: none
    """
    rows = granules.copy()
    rows["checksum_from"] = rows["checksum"].notna().map({True: "archive", False: None})
    for index, row in rows.iterrows():
        receipt = receipts.load(Path(originals) / row["product"] / row["file_name"]) if originals else None
        if receipt and stated_checksum(row)[0] is None:
            sums = {"checksum": receipt["checksums"]["SHA-256"], "checksum_algorithm": "SHA-256"}
            rows.loc[index, [*sums, "checksum_from"]] = [*sums.values(), "first download"]
    with written(path) as part:
        rows.reindex(columns=list(COLUMNS)).sort_values("file_name").to_csv(part, index=False, lineterminator="\n")


def with_versions(granules: pd.DataFrame, ledger: pd.DataFrame) -> pd.DataFrame:
    """
    Return a granule table with the SHA-256 of its ledger where the archive publishes no checksum.

    Parameters
    ----------
    granules : granule table
    ledger : what looking at the granules told
    """
    seen = ledger.dropna(subset="sha256").set_index("granule_id")["sha256"]
    own = granules["granule_id"].map(seen)
    new = granules["checksum"].isna() & own.notna()
    return granules.assign(
        checksum=granules["checksum"].where(~new, own),
        checksum_algorithm=granules["checksum_algorithm"].where(~new, "SHA-256"),
    )


def read(path: str | Path, *, product: str | None = None) -> pd.DataFrame:
    """
    Read the granule table of a lock.

    A file that lists only addresses of granules, one to a line, is accepted as well.

    Parameters
    ----------
    path : file
    product : product of all granules. Default: any

    Raises
    ------
    NunatakError : the file is absent or has neither form, or a granule is of another product, listed twice, or without
        an address
    """
    path = Path(path)
    if not path.is_file():
        raise NunatakError(f"{path}: no such lock; make it with make lock_<study>, or take `lock` out of the study")
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise NunatakError(f"{path}: is not a text file ({error.reason}); {_MEND}") from None
    addresses = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if addresses and all(line.startswith("https://") for line in addresses):
        rows = _of_addresses(addresses)
    else:
        rows = read_list(path, remedy=_MEND)
    wrong = {
        "is listed twice": rows["file_name"].duplicated(),
        "has no address (url)": rows["url"].isna(),
        "would leave its folder": rows["file_name"].str.contains(r"[/\\]", regex=True),
        f"is not a granule of {product}": rows["product"] != (product or rows["product"]),
    }
    for what, where in wrong.items():
        if where.any():
            raise NunatakError(f"{path}: {rows.loc[where, 'file_name'].iloc[0]} {what}; {_MEND}")
    return rows


def held_against(locked: pd.DataFrame, found: pd.DataFrame, *, name: str) -> pd.DataFrame:
    """
    Return the rows of a search that a lock names, if all of them exist and are unchanged.

    A quick look whose final granule exists is replaced by it, with a note in `attrs["notes"]`.

    Parameters
    ----------
    locked : granule table of the lock
    found : granule table of the search
    name : name of the lock, for messages

    Raises
    ------
    NunatakError : names each granule that is gone or changed, and its successor if there is one
    """
    changes = differences(locked, found)
    final = changes["fate"].str.startswith(quick_looks.REPLACED)
    lost = [f"{row.file_name} {row.fate}" for row in changes[~final].itertuples() if row.fate != "is new"]
    if lost:
        more = f"; and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        raise NunatakError(
            f"{name}: {len(lost)} of {len(locked)} locked granules are not as they were: "
            f"{'; '.join(lost[:_SHOWN])}{more}; bring them back, or lock the study anew"
        )
    finals = [fate.removeprefix(quick_looks.REPLACED) for fate in changes["fate"][final]]
    names = {*locked["file_name"], *finals} - {*changes["file_name"][final]}
    kept = found[found["file_name"].isin(names)].reset_index(drop=True)
    replaced = [f"{name}: {row.file_name} {row.fate}" for row in changes[final].itertuples()]
    kept.attrs = {**found.attrs, "notes": [*found.attrs.get("notes", []), *replaced]}
    return kept


def differences(locked, found) -> pd.DataFrame:
    """
    Return the differences between a search and a lock.

    Parameters
    ----------
    locked : granule table of the lock
    found : granule table of the search

    Returns
    -------
    DataFrame of `file_name` and `fate`: "is gone", "is superseded by ...", "is replaced by its final granule ...",
        "changed (size_bytes 1, was 2)", "is new"
    """
    then, now = (table.set_index("file_name", drop=False) for table in (locked, found))
    successors = {_without_release(name): name for name in sorted(now.index.difference(then.index))}
    finals = quick_looks.finals(then.index, now.index)
    rows = []
    for name, row in then.iterrows():
        successor = successors.get(_without_release(name))
        if name in finals:
            rows.append((name, quick_looks.REPLACED + finals[name]))
            continue
        if name not in now.index:
            rows.append((name, f"is superseded by {successor}" if successor else "is gone"))
            continue
        for key in _SAME:
            old, new = row[key], now.loc[name, key]
            comparable = key != "checksum" or row["checksum_algorithm"] == now.loc[name, "checksum_algorithm"]
            if pd.notna(old) and pd.notna(new) and old != new and comparable:
                rows.append((name, f"changed ({key} {new}, was {old})"))
                break
    rows += [(name, "is new") for name in now.index.difference([*then.index, *finals.values()])]
    return pd.DataFrame(rows, columns=["file_name", "fate"])


def _without_release(name):
    """Return a file name without release and revision."""
    named = parse(name)
    return named.file_name.replace(f"_{named.version}_{named.revision}.", ".")


def _of_addresses(addresses):
    """Return the granule table of a list of addresses."""
    from nunatak.archives.nasa.records import base_name
    from nunatak.granules import granule_table

    rows = []
    for address in sorted(set(addresses)):
        named = parse(base_name(address))
        further = {key: getattr(named, key) for key in ("cycle_end", "hemisphere", "region_code", "resolution")}
        rows.append({"file_name": named.name, "url": address, "source": "earthdata", **further})
    return granule_table(rows)
