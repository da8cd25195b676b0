"""Ask the archive of a study which granules of a product lie in its region and period, and which of them it wants."""

import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as csv

from nunatak.archives import EmptyAnswer, lock
from nunatak.archives.archive import Filters, outline_of, source_of
from nunatak.archives.opening import open_archive
from nunatak.files.tables import write_table
from nunatak.geometry.outlines import focus_outline, read_outlines
from nunatak.granules import chunk_of, granules_of, parse
from nunatak.granules.products import product_row
from nunatak.parameters.archives import ARCHIVES
from nunatak.products.itslive.names import pairs_from_names, select_names
from nunatak.products.itslive.selection import reasons, remarks, selection_from
from nunatak.runtime import job, log, say, stamp, written
from nunatak.study.parts import product_settings, typed
from nunatak.study.period import Period

_TOLD = 10  # notes on the screen


def main(regions, out, *, archive, product, settings, period, chunks, study, focus=None, locked=None):
    """
    Write the granule table of a product, what the study leaves out of the answer, and each chunk's share as a list.

    Parameters
    ----------
    regions : GeoJSON of the study's outlines
    out : mapping of granules, left_out (granules found and not wanted, each with `why`) and lists (a folder with a CSV
        for every chunk) to a path
    archive : mapping with `name` and what `open_archive` needs of it
    settings : the product's part of the study
    focus : the study's; `rgt: auto` asks for the tracks that cross it
    locked : the product's granule lock, where the study has one: exactly these granules, or an error that names each
        that is gone or changed
    chunks : the names of its chunks; a granule of none of them has no chunk, and counting the granules says so
    """
    region = outline_of(read_outlines(regions), product)
    about = stamp(study=study, source="", inputs=[regions], parameters=settings)
    if getattr(settings, "rgt", None) == "auto":
        region, settings = focus_outline(focus), settings.model_copy(update={"rgt": None})
    filters = Filters.of(settings.model_dump(mode="json"))
    asked = granules_of(product, getattr(settings, "source", None))
    answer = _answer(asked, region, period, filters, archive, locked)
    tell(product, answer.attrs.get("notes", []))
    about["nunatak_source"] = source_of(answer, archive["name"])
    pairs = product_row(asked).kept == "pairs"
    why = leave_out(answer, settings, region) if pairs else pd.Series("", index=answer.index)
    wanted = answer[why == ""].reset_index(drop=True)
    named = [chunk_of(parse(name), settings.splits, chunks=chunks) for name in wanted["file_name"]]
    wanted["chunk"] = pd.Series(named, index=wanted.index, dtype=object)  # text also where there is none
    log.info("%s: %d granules, %.1f MB", product, len(wanted), wanted["size_bytes"].sum() / 1e6)
    for key, count in why[why != ""].str.split(":").str[0].value_counts().items():
        log.info("%s: %d left out by %s", product, count, key)
    write_table(wanted, out["granules"], attributes=about)
    write_table(answer.assign(why=why)[why != ""], out["left_out"], attributes=about)
    write_lists(_with_changes(wanted, archive), chunks, out["lists"])


def leave_out(answer, settings, region):
    """
    Choose among image pairs by their names: why each is left out, empty where it is wanted.

    Raises
    ------
    EmptyAnswer : pairs were found and none is wanted, with counts by reason
    """
    selection = selection_from(settings)
    why = select_names(answer, selection)
    told = remarks(pairs_from_names(answer), (why == "").to_numpy(), selection)
    tell("itslive", told)
    if len(answer) and not (why == "").any():
        raise EmptyAnswer(
            f"itslive: {len(answer)} image pairs found in {region.name}, none of them wanted: {reasons(why)}"
            f"{''.join(f'; {remark}' for remark in told)}; widen these keys of products: itslive"
        )
    return why


def _answer(product, region, period, filters, archive, locked):
    """
    Return the archive's answer, or the lock's.

    That of an archive on the network is settled when granules are fetched.
    """
    if locked and ARCHIVES[archive["name"]].remote:
        rows = lock.read(locked, product=granules_of(product))
        quick = any(parse(name).quick_look for name in rows["file_name"])
        return open_archive(archive["name"], archive).with_finals(rows) if quick else rows
    found = open_archive(archive["name"], archive).search(product, region, period, filters)
    return lock.held_against(lock.read(locked), found, name=locked) if locked else found


def tell(product, notes):
    """Tell the person who watches what was odd about an answer: records left out, releases passed over."""
    for note in notes[:_TOLD]:
        say(f"{product}: {note}")
    if len(notes) > _TOLD:
        say(f"{product}: and {len(notes) - _TOLD} notes more, in the log")
    for note in notes[_TOLD:]:
        log.info("%s: %s", product, note)


def _with_changes(table, archive):
    """Return the table with the time of last change of the user's own files, so that a mended one is read again."""
    kind = ARCHIVES[archive["name"]]
    if not kind.watched:
        return table
    root = Path(archive[kind.folder])
    return table.assign(changed_ns=[os.stat(root / url).st_mtime_ns for url in table["url"]])


def write_lists(table, chunks, folder):
    """Write every chunk's rows as CSV, with the same bytes for a chunk whose share is as before."""
    rows = pa.Table.from_pandas(table, preserve_index=False)
    with written(folder) as part:
        part.mkdir()
        for chunk in chunks:
            csv.write_csv(rows.filter(pa.array(table["chunk"] == chunk)), part / f"{chunk}.csv")


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.regions,
            dict(snakemake.output.items()),
            archive=snakemake.params.archive,
            product=snakemake.wildcards.product,
            settings=product_settings(snakemake.wildcards.product, snakemake.params.settings),
            period=typed(Period, snakemake.params.period),
            chunks=snakemake.params.chunks,
            study=snakemake.wildcards.study,
            focus=snakemake.params.get("focus"),
            locked=snakemake.input.get("lock"),
        )
