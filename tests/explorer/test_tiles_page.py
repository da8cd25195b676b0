"""Map tiles in a real OpenLayers page: the point of a known speed has the colour that the legend gives it."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb

import cut_tiles
from nunatak import explorer
from nunatak.files.rasters import write_cog
from nunatak.geometry.grid import Grid

VENDORED = Path(explorer.__file__).parent / "vendored"
GRID = Grid("EPSG:3031", -1.62e6, -2.4e5, 120.0, 120.0, 300, 400)
PAGE = """<!doctype html><title>tiles</title><div id="map" style="width:400px;height:300px"></div>
<script src="proj4.js"></script><script src="ol.js"></script><script>
proj4.defs("EPSG:3031", "+proj=stere +lat_0=-90 +lat_ts=-71 +lon_0=0 +datum=WGS84 +units=m");
ol.proj.proj4.register(proj4);
async function show(name, lonlat) {
  const legend = await (await fetch("tiles/legend.json")).json(), set = legend.sets[name];
  const grid = new ol.tilegrid.TileGrid({origin: set.origin, resolutions: set.resolutions, tileSize: set.tile_size});
  const source = new ol.source.XYZ(
    {url: "tiles/" + set.template, projection: set.crs, tileGrid: grid, interpolate: false});
  const view = new ol.View({projection: set.crs, center: ol.proj.transform(lonlat, "EPSG:4326", set.crs),
    resolution: set.resolutions.at(-1)});
  const map = new ol.Map({target: "map", layers: [new ol.layer.Tile({source})], view, controls: []});
  await new Promise(done => map.once("rendercomplete", done));
  const canvas = document.querySelector("#map canvas");
  return [...canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data];
}
</script>"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A server of plain files with a page and the tiles of a raster of 50 to 449 m/yr."""
    folder = tmp_path_factory.mktemp("site")
    values = np.broadcast_to(50.0 + np.arange(400), GRID.shape).astype("f4")
    write_cog(values, GRID, folder / "v.tif", {"nunatak_source": "SIMULATED"}, names="speed", units="m/yr")
    cut_tiles.main(folder / "v.tif", folder / "tiles", study="x", title="Pine Island")
    (folder / "page.html").write_text(PAGE)
    for name in ("ol.js", "proj4.js"):
        (folder / name).write_bytes((VENDORED / name).read_bytes())
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}/page.html"
    server.shutdown()


@pytest.mark.chromium
@pytest.mark.parametrize("name", ["EPSG3031", "WebMercatorQuad"])
def test_a_known_point_has_the_colour_of_the_legend(chromium, address, name):
    import pyproj

    folder, page_address = address
    legend = json.loads((folder / "tiles" / "legend.json").read_text())
    values, colours = zip(*legend["colours"], strict=True)
    back = pyproj.Transformer.from_crs("EPSG:3031", "EPSG:4326", always_xy=True)
    page = chromium.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(page_address)
    for column in (60, 250):
        lonlat = back.transform(GRID.left + 120.0 * (column + 0.5), GRID.top - 120.0 * 150.5)
        page.goto(page_address)
        pixel = page.evaluate("([name, lonlat]) => show(name, lonlat)", [name, list(lonlat)])
        known = [np.interp(50 + column, values, [to_rgb(c)[k] for c in colours]) * 255 for k in range(3)]
        assert pixel[3] == 255 and np.abs(np.array(pixel[:3]) - known).max() <= 6, (pixel, known)
    assert not errors
    page.close()
