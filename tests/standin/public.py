"""ITS_LIVE's public storage as a tree of files: objects by key, by range, listed in pages as Amazon's does."""

from __future__ import annotations

import os
from pathlib import Path
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from tests.standin.messages import Answer
from tests.standin.services import file_answer

WAREHOUSE = "test-space/stac/catalog/warehouse/grid=h3/level=1"


class PublicStorage:
    """
    The objects below a folder; a request that carries a login is refused.

    Attributes
    ----------
    page : keys of one page of a listing
    """

    page = 1000

    def __init__(self, root):
        self.root = Path(root)

    def __call__(self, request):
        if "authorization" in request.headers:
            return Answer(400, b"no login is wanted here")
        if request.one("list-type"):
            return self._listing(request)
        path = self.root / request.path.lstrip("/")
        return file_answer(path, request) if path.is_file() else Answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def _listing(self, request):
        keys = sorted(path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file())
        keys = [key for key in keys if key.startswith(request.one("prefix", ""))]
        start = int(request.one("continuation-token", "0"))
        more = start + self.page < len(keys)
        token = f"<NextContinuationToken>{start + self.page}</NextContinuationToken>" if more else ""
        listed = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in keys[start : start + self.page])
        text = f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{listed}{token}</ListBucketResult>'
        return Answer(200, text.encode(), {"Content-Type": "application/xml"})


def write_catalogue(root, items, tile_of, *, rows_of_group=8):
    """
    The items as partitioned geoparquet, each in all tiles that `tile_of` names for it; the files, sorted.

    The columns are those of stac-geoparquet: properties at the top, geometry as WKB, bbox and assets as structures.
    """
    shares: dict[tuple[str, str], list] = {}
    for item in items:
        for tile in tile_of(item):
            shares.setdefault((tile, item["properties"]["datetime"][:4]), []).append(item)
    for (tile, year), share in shares.items():
        path = Path(root) / WAREHOUSE / f"tile={tile}" / f"year={year}" / "part-0.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        boxes = [dict(zip(("xmin", "ymin", "xmax", "ymax"), _box(item), strict=True)) for item in share]
        table = pa.table(
            {
                "id": [item["id"] for item in share],
                "collection": [item["collection"] for item in share],
                "geometry": [shapely.to_wkb(shapely.geometry.shape(item["geometry"])) for item in share],
                "bbox": boxes,
                "assets": [{"data": {"href": item["assets"]["data"]["href"], "roles": ["data"]}} for item in share],
                **{name: [item["properties"][name] for item in share] for name in share[0]["properties"]},
                "links": [os.urandom(12000).hex() for _ in share],  # what nobody wants, and most of the file
            }
        )
        pq.write_table(table, path, row_group_size=rows_of_group, compression="zstd")
    return sorted(Path(root).rglob("*.parquet"))


def _box(item):
    """(west, south, east, north), west of an item over the antimeridian east of its east, as GeoJSON has it."""
    parts = shapely.get_parts(shapely.geometry.shape(item["geometry"]))
    if len(parts) == 1:
        return shapely.bounds(parts[0]).tolist()
    bounds = shapely.bounds(parts)
    return [bounds[:, 0].max(), bounds[:, 1].min(), bounds[:, 2].min(), bounds[:, 3].max()]
