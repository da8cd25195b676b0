"""
Describe a study's results for GIS programs: a STAC catalogue of its rasters, grids and tables of points.

STAC 1.1.0, with the fields of its projection extension. Addresses are relative, so that the folder can be moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from shapely.geometry import mapping

import nunatak
from nunatak.geometry.outlines import ALTIMETRY_REGION, STUDY_REGION, read_outlines
from nunatak.runtime import write_json, written

VERSION = "1.1.0"
PROJECTION = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
KINDS = {
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".parquet": "application/vnd.apache.parquet",
    ".nc": "application/netcdf",
    ".gpkg": "application/geopackage+sqlite3",
}
# folders of one table for each bucket of time, which make one item
_BUCKETS = ("points", "segments", "extents")


def describable(folder: str | Path, made: Iterable[str | Path]) -> dict[str, list[Path]]:
    """
    Return the results that a GIS can show, by the name of their item.

    Parameters
    ----------
    folder : of the study
    made : paths of results, files and folders of rasters

    Returns
    -------
    mapping of names such as atl15-map_change to files; the tables of all buckets of a product are one item
    """
    files = [file for path in map(Path, made) for file in (sorted(path.glob("*.tif")) if path.is_dir() else [path])]
    items: dict[str, list[Path]] = {}
    for file in files:
        if file.suffix in KINDS and (file.suffix != ".parquet" or _has_places(file)):
            named = file.parent if file.parent.name in _BUCKETS else file.with_suffix("")
            items.setdefault("-".join(named.relative_to(folder).parts), []).append(file)
    return items


def write_catalog(
    folder: str | Path, made: Iterable[str | Path], *, study: str, title: str, period: Mapping[str, Any], source: str
) -> None:
    """
    Write catalog.json and an item for each result below stac/.

    Parameters
    ----------
    folder : of the study, with regions.geojson
    made : results, as of `describable`
    study, title : of the study
    period : start and end of the study
    source : `nunatak_source` of its granules
    """
    folder = Path(folder)
    items = describable(folder, made)
    outlines = read_outlines(folder / "regions.geojson")
    times = {f"{end}_datetime": f"{str(period[end])[:10]}T{clock}Z" for end, clock in _CLOCKS.items()}
    with written(folder / "stac") as part:
        part.mkdir()
        for name, files in items.items():
            own = ALTIMETRY_REGION if not name.startswith("velocity") and ALTIMETRY_REGION in outlines else STUDY_REGION
            about = {
                "title": f"{title}: {name}",
                "datetime": None,
                **times,
                "nunatak_source": source,
                **_grid(files[0]),
            }
            write_json(_item(name, files, folder, outlines[own], about), part / f"{name}.json")
    links = [{"rel": "item", "href": f"./stac/{name}.json", "type": "application/geo+json"} for name in items]
    catalog = {
        "type": "Catalog",
        "stac_version": VERSION,
        "id": study,
        "title": title,
        "description": f"Results of the study {study} by Nunatak {nunatak.__version__}, source of granules: {source}.",
        "links": [{"rel": "root", "href": "./catalog.json", "type": "application/json"}, *links],
    }
    write_json(catalog, folder / "catalog.json")


_CLOCKS = {"start": "00:00:00", "end": "23:59:59"}


def _item(name, files, folder, outline, about):
    """Return a STAC item of files that belong together, with the styles that lie beside them."""
    assets = {}
    for file in files:
        key = "data" if len(files) == 1 else file.stem
        address = f"../{file.relative_to(folder).as_posix()}"
        assets[key] = {"href": address, "type": KINDS[file.suffix], "roles": ["data"]}
        if file.with_suffix(".qml").exists():
            style = str(Path(address).with_suffix(".qml"))
            assets["style"] = {
                "href": style,
                "type": "application/xml",
                "title": "style of QGIS",
                "roles": ["metadata"],
            }
    links = [{"rel": word, "href": "../catalog.json", "type": "application/json"} for word in ("root", "parent")]
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": [PROJECTION] if "proj:code" in about else [],
        "id": name,
        "geometry": mapping(outline.geometry),
        "bbox": list(outline.bounds),
        "properties": about,
        "links": links,
        "assets": assets,
    }


def _grid(file):
    """Return projection, extent and size of a raster, as the projection extension names them."""
    if file.suffix != ".tif":
        return {}
    import rasterio

    with rasterio.open(file) as raster:
        code = raster.crs.to_authority() if raster.crs else None
        return {
            "proj:code": ":".join(code) if code else None,
            "proj:bbox": list(raster.bounds),
            "proj:shape": list(raster.shape),
            "proj:transform": list(raster.transform)[:6],
        }


def _has_places(file):
    """Return whether a Parquet file says in its metadata where its rows lie (GeoParquet)."""
    import pyarrow.parquet

    return b"geo" in (pyarrow.parquet.read_schema(file).metadata or {})
