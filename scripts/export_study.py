"""Write one citable bundle of a study: an RO-Crate of its results, study file, lock, provenance and citations."""

import tempfile
from pathlib import Path

from nunatak import reports
from nunatak.archives import lock
from nunatak.files.tables import read_table
from nunatak.reports import bundle
from nunatak.reports.bibliography import topics_of
from nunatak.runtime import job, read_json, say


def main(folder, out, *, granules, study, references, originals):
    """
    Write the bundle.

    Parameters
    ----------
    folder : the study's results
    granules : mapping of product to its granule table
    study : the study as plain values
    references : the BibTeX file
    originals : folder of the archive's originals, whose checksums go into the lock where the archive publishes none
    """
    provenance = read_json(Path(folder) / "provenance.json")
    works = bundle.cited(provenance, reports.read_references(references), topics=topics_of(study))
    files = bundle.members(folder, provenance)
    further = {
        f"study/{study['name']}.yaml": bundle.study_file(provenance),
        "LICENCES.md": bundle.terms(provenance, works),
        **locks(granules, originals),
    }
    crate = bundle.compose(
        provenance, files, further, title=study["title"], references=works, published=bundle.day_of(folder)
    )
    bundle.write(crate, files, further, out)
    say(f"{out}: {len(files) + len(further)} files, {Path(out).stat().st_size / 1e6:.1f} MB")


def locks(granules, originals):
    """Return the lock of every product: mapping of name in the bundle to text."""
    found = {}
    with tempfile.TemporaryDirectory() as work:
        for product, table in granules.items():
            path = lock.file_of(work, product)
            lock.write(read_table(table), path, originals=originals)
            found[f"lock/{product}.csv"] = path.read_text("utf-8")
    return found


if __name__ == "__main__":
    with job(snakemake):
        main(
            Path(snakemake.input.report).parent,
            snakemake.output.bundle,
            granules=dict(zip(snakemake.params.products, snakemake.input.granules, strict=True)),
            study=snakemake.params.study,
            references=snakemake.params.references,
            originals=snakemake.params.originals,
        )
