"""One citable file of a study: an RO-Crate with its tables, grids, figures, pages, lock, provenance and citations."""

from __future__ import annotations

import json
import os
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import yaml

from nunatak.constants import SIMULATED
from nunatak.reports.bibliography import for_products
from nunatak.reports.differences import kind_of
from nunatak.runtime import NunatakError, written

METADATA = "ro-crate-metadata.json"
# tables of chunks and cubes are as large as the study; their hashes are in the provenance
_LEFT_OUT = re.compile(
    r"[a-z0-9]+/((lists|ledger|read|points|sums|levels|tallies|segments|extents)/|(granules|left_out)\.parquet)|.*\.zarr(/|$)"
)
_WORDS = {
    "table": "table",
    "grid": "grid, CF NetCDF",
    "raster": "grid, GeoTIFF",
    "numbers": "values",
    "figure": "figure",
    "page": "page",
}
_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".csv": "text/csv",
    ".nc": "application/netcdf",
    ".tif": "image/tiff",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".png": "image/png",
    ".pdf": "application/pdf",
    ".svg": "image/svg+xml",
    ".html": "text/html",
    ".ipynb": "application/x-ipynb+json",
    ".yaml": "application/yaml",
    ".md": "text/markdown",
    ".txt": "text/plain",
    ".bib": "application/x-bibtex",
}
_POLICY = "https://www.earthdata.nasa.gov/learn/use-data/data-use-policy"
_CITING = "https://nsidc.org/data/data-programs/nsidc-daac/citing-nsidc-daac"
_TERMS = """# Licence of the data, and how to cite

{what}

NASA's data use policy: data of NASA-led missions are licensed as Creative Commons Zero (CC0) unless marked with another
licence; NASA is to be acknowledged as their source ({policy}).
The data centre asks that the data sets be cited ({citing}).
What a product's own granules state of their use comes first and is quoted below.

{products}

## References

{references}
"""


def members(folder, provenance) -> dict[str, Path]:
    """List the files of a study that its bundle holds, by their path below the study's folder."""
    folder = Path(folder)
    names = [name for name in provenance["results"] if not _LEFT_OUT.match(name)]
    found: dict[str, Path] = {}
    for name in [*names, "provenance.json", "report.html", "summary.txt"]:
        path = folder / name
        inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        found |= {p.relative_to(folder).as_posix(): p for p in inside}
    return found


def study_file(provenance) -> str:
    """Write the study's own keys as YAML, ready to be used again as config/studies/<name>.yaml."""
    asked = {
        k: v for k, v in provenance["study_file"].items() if v not in (None, {}, []) and k not in ("name", "label")
    }
    return yaml.safe_dump(_lean(asked), sort_keys=False, allow_unicode=True, width=120)


def _lean(value):
    """Remove keys without a value."""
    if isinstance(value, dict):
        return {key: _lean(part) for key, part in value.items() if part is not None}
    return value


def terms(provenance, references) -> str:
    """Write LICENCES.md: what may be done with the data, and what to cite."""
    what = "These results were made from the data sets below."
    if provenance["nunatak_source"] == SIMULATED:
        what = "The granules are SIMULATED: no data set is behind these results, and none is to be cited for them."
    rows = []
    for name, product in sorted(provenance["products"].items()):
        doi = f", https://doi.org/{product['doi']}" if product["doi"] else ""
        rows.append(f"## {name.upper()}, release {', '.join(product['releases']) or 'unknown'}{doi}\n")
        rows.append(f"> {product['license']}\n" if product["license"] else "Its granules state no terms.\n")
    cited = [f"- {reference.text()}" for reference in references]
    return _TERMS.format(
        what=what, policy=_POLICY, citing=_CITING, products="\n".join(rows), references="\n".join(cited)
    )


def compose(provenance, files, further, *, title, references, published):
    """
    Compose the bundle's description as an RO-Crate.

    Parameters
    ----------
    provenance : as `provenance.collect` makes it
    files : mapping of name to path
    further : mapping of name to text
    title : of the study
    references : works to cite, see `cited`
    published : day of publication, such as "2026-01-31"
    """
    from rocrate.rocrate import ROCrate

    simulated = provenance["nunatak_source"] == SIMULATED
    crate = ROCrate(version="1.1")
    crate.root_dataset["datePublished"] = published
    crate.name = f"{title} (SIMULATED)" if simulated else title
    crate.description = (
        f"Results of the Nunatak study {provenance['study']}: tables, grids, figures and pages, with the study file, "
        "the lock of its granules, the provenance with a checksum of every granule and result, and what to cite."
        + (" The granules are SIMULATED from a known truth." if simulated else "")
    )
    about = {"url": _POLICY, "description": "LICENCES.md: the terms as the granules state them"}
    crate.license = _add(crate, "#terms", "CreativeWork", "Terms of the data", about)
    about = {"version": provenance["nunatak_version"], "identifier": f"sha256:{provenance['code']}"}
    software = _add(crate, "#nunatak", "SoftwareApplication", "Nunatak", about)
    crate.root_dataset["citation"] = [_work(crate, reference) for reference in references]
    if not simulated:
        crate.root_dataset["isBasedOn"] = _data_sets(crate, provenance)
    made = [crate.add_file(path, name, properties=_about(name, path.stat().st_size)) for name, path in files.items()]
    for name, text in further.items():
        crate.add_file(None, name, properties=_about(name, len(text.encode())))
    crate.add_action(software, identifier="#run", result=made, properties={"name": f"run of {provenance['study']}"})
    return crate


def _data_sets(crate, provenance):
    found = []
    for name, product in sorted(provenance["products"].items()):
        if product["doi"]:
            about = {"version": ", ".join(product["releases"])}
            found.append(_add(crate, f"https://doi.org/{product['doi']}", "CreativeWork", name.upper(), about))
    return found


def _add(crate, identifier, kind, name, properties=None):
    from rocrate.model.contextentity import ContextEntity

    known = crate.dereference(identifier)
    about = {"@type": kind, "name": name, **(properties or {})}
    return known or crate.add(ContextEntity(crate, identifier, about))


def _work(crate, reference):
    kind = "CreativeWork" if reference.kind == "misc" else "ScholarlyArticle"
    return _add(crate, reference.url or f"#{reference.key}", kind, reference.text())


def _about(name, size):
    suffix = Path(name).suffix
    return {
        "name": name,
        "description": _WORDS.get(kind_of(name), "file") if suffix in _TYPES else "file",
        "encodingFormat": _TYPES.get(suffix, "application/octet-stream"),
        "contentSize": str(size),
    }


def cited(provenance, references, *, topics=()):
    """Return the references of a study's products and methods."""
    releases = {name: product["version"] for name, product in provenance["products"].items()}
    return for_products(references, releases, topics=topics)


def day_of(folder) -> str:
    """Return the day of SOURCE_DATE_EPOCH where that is set, else the day the study's results were completed (UTC)."""
    told = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        seconds = int(told) if told else (Path(folder) / "provenance.json").stat().st_mtime
    except ValueError:
        raise NunatakError(f"SOURCE_DATE_EPOCH: {told!r}: write seconds since 1970 as a whole number") from None
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def write(crate, files, further, path):
    """
    Write the bundle as a zip: sorted names, no dates, so that equal content is equal bytes.

    Parameters
    ----------
    crate : as `compose` makes it
    files, further : mapping of name to path, and of name to text
    """
    said = json.dumps(crate.metadata.generate(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    texts = {**further, METADATA: said}
    with written(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as bundle:
        for name in sorted({*files, *texts}):
            entry = zipfile.ZipInfo(name)  # dated 1980-01-01
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            with bundle.open(entry, "w", force_zip64=True) as member:
                if name in texts:
                    member.write(texts[name].encode())
                    continue
                with open(files[name], "rb") as source:
                    while block := source.read(1 << 20):
                        member.write(block)
