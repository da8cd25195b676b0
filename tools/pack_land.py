"""
Pack Natural Earth's land into config/regions/land.json, which figures and the region explorer draw.

Natural Earth is in the public domain. It is taken from the npm package world-atlas, which holds TopoJSON in degrees.
Every vertex is projected, and land is clipped in the projection, never in longitude and latitude. Run
`PYTHONPATH=scripts python tools/pack_land.py FOLDER`, where FOLDER holds the unpacked package
(`npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz`).
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pyproj
import shapely

from nunatak.geometry import land, packed, polygons

# layer: coordinate system, file of the package, quantum, half the side of the square that is kept
LAYERS = {
    "north": ("EPSG:3413", "land-10m.json", 250.0, 4_200_000.0),
    "south": ("EPSG:3031", "land-10m.json", 250.0, 4_200_000.0),
    "world": ("OGC:CRS84", "land-50m.json", 0.01, None),
}
_FARTHEST_LATITUDE = 20.0  # degrees; polygons that stay on the other side of it are not projected


def rings_of(topology):
    """Yield the rings of every polygon of a TopoJSON's land, (n, 2) longitudes and latitudes in degrees."""
    scale, origin = np.array(topology["transform"]["scale"]), np.array(topology["transform"]["translate"])
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + origin for arc in topology["arcs"]]

    def line(index):
        return arcs[index] if index >= 0 else arcs[~index][::-1]

    [collection] = topology["objects"]["land"]["geometries"]
    for polygon in collection["arcs"]:
        yield [np.vstack([line(i)[k > 0 :] for k, i in enumerate(ring)]) for ring in polygon]


def projected(rings, crs, half):
    """Return the parts of one polygon within the square of a polar projection."""
    lat = rings[0][:, 1]
    south = crs == "EPSG:3031"
    if (lat.min() > -_FARTHEST_LATITUDE) if south else (lat.max() < _FARTHEST_LATITUDE):
        return []
    project = pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True).transform
    corners = [np.column_stack(project(*np.clip(ring, -180, 180).T)) for ring in rings]
    whole = shapely.make_valid(shapely.Polygon(corners[0], corners[1:]))
    return shapely.get_parts(shapely.intersection(whole, shapely.box(-half, -half, half, half)))


def cut(rings):
    """Return the parts of one polygon in degrees, cut at the antimeridian and closed over the pole that it holds."""
    whole = shapely.Polygon(rings[0], rings[1:])
    if not shapely.area(shapely.convex_hull(whole)) > 0:
        return []
    return shapely.get_parts(polygons.to_sphere([whole], True)[0])


def layer(folder, crs, name, quantum, half):
    """Return a layer of the file, with its own hash."""
    topology = json.loads((folder / name).read_text("utf-8"))
    parts = [p for rings in rings_of(topology) for p in (cut(rings) if half is None else projected(rings, crs, half))]
    parts = [part for part in parts if part.geom_type == "Polygon" and not part.is_empty]
    kept = packed.quantised(parts, quantum)
    text = packed.encode(kept, quantum)
    return {
        "crs": crs,
        "from": name,
        "from_sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(),
        "quantum": quantum,
        "polygons": len(kept),
        "polygons_before_quantum": len(parts),
        "points": int(shapely.get_num_coordinates(kept).sum()),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "data": text,
    }


def main(folder):
    """Write the file and say what is in it."""
    package = json.loads((folder / "package.json").read_text("utf-8"))
    whole = {
        "title": "Land of Natural Earth 4.1, projected and quantised",
        "source": f"npm {package['name']} {package['version']}, https://www.naturalearthdata.com",
        "licence": "public domain (Natural Earth)",
        "made_by": "tools/pack_land.py",
        "layers": {name: layer(folder, *row) for name, row in LAYERS.items()},
    }
    land.FILE.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
    for name, made in whole["layers"].items():
        print(name, {key: value for key, value in made.items() if key not in ("data", "sha256", "from_sha256")})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
