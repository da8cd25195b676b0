"""Cut a map of a study's results into tiles: folders of PNG and PMTiles, with a colour bar and a legend."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import rasterio
import rasterio.warp
from matplotlib.colors import LogNorm, Normalize, to_hex

from nunatak.figures import colour
from nunatak.figures.map_tiles import MERCATOR, cut, sets_for, tile_matrix_set
from nunatak.files.tile_archive import write_archive
from nunatak.runtime import job, log, stamp, written

_WIDE = 30  # times the low end of a map is its high end, from which on colours go by powers of ten


def main(raster, out, *, study, title):
    """
    Write a folder: a folder and a PMTiles file for each tile matrix set, legend.json and legend.png.

    Parameters
    ----------
    raster : GeoTIFF of a result
    out : folder
    title : of the study
    """
    with rasterio.open(raster) as source:
        values = source.read(1, masked=True).filled(np.nan)
        unit, name = source.units[0] or "1", source.descriptions[0] or Path(raster).stem
        box = rasterio.warp.transform_bounds(source.crs, "EPSG:4326", *source.bounds)
        origin = source.tags().get("nunatak_source", "unknown")
    about = stamp(study=study, source=origin, inputs=[raster])
    colours, norm, cmap = scale_of(values)
    legend = {
        "title": title,
        "map": name,
        "unit": unit,
        "scale": "logarithmic" if isinstance(norm, LogNorm) else "linear",
        "limits": [float(norm.vmin), float(norm.vmax)],
        "colours": stops(norm, cmap),
        **about,
    }
    with written(out) as part:
        part.mkdir()
        sets = {}
        for number in sets_for((box[1] + box[3]) / 2):
            tiles = list(cut(raster, number, colours))
            for zoom, column, row, content in tiles:
                path = part / number / str(zoom) / str(column) / f"{row}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            sets[number] = described(number, tiles)
            write_archive(part / f"{number}.pmtiles", tiles, {**legend, "tiles": sets[number]}, box, offset_of(number))
            log.info("%s: %d tiles", number, len(tiles))
        (part / "legend.json").write_text(json.dumps({**legend, "sets": sets}, indent=1, sort_keys=True) + "\n")
        draw_legend(part / "legend.png", norm, cmap, f"{name} ({unit})", origin)


def offset_of(name):
    """Return what is added to a zoom for PMTiles, whose zoom 0 is one tile: the polar sets begin with four."""
    return 0 if name == MERCATOR else 1


def described(name, tiles):
    """Return what a client needs to place the tiles of a set."""
    tms = tile_matrix_set(name)
    zooms = sorted({tile[0] for tile in tiles})
    return {
        "template": f"{name}/{{z}}/{{x}}/{{y}}.png",
        "crs": "EPSG:3857" if name == MERCATOR else f"EPSG:{name.removeprefix('EPSG')}",
        "origin": [float(value) for value in tms.matrix(0).pointOfOrigin],
        "tile_size": tms.matrix(0).tileWidth,
        "resolutions": [float(tms.matrix(zoom).cellSize) for zoom in range(zooms[-1] + 1)],
        "zooms": [zooms[0], zooms[-1]],
        "tiles": len(tiles),
        "pmtiles_zoom_offset": offset_of(name),
    }


def scale_of(values):
    """Return the function that colours values, its norm and its colours: signed change about zero, else low to high."""
    known = values[np.isfinite(values)]
    if known.size and known.min() < 0:
        norm, cmap = colour.change_norm(known), colour.change_map()
    else:
        low, top = np.percentile(known, (1, 99)) if known.size and known.max() > 0 else (0.0, 1.0)
        top, wide = colour.nice(float(top)), top > _WIDE * max(low, 1.0)
        norm, cmap = (LogNorm(max(1.0, top / 3000), top) if wide else Normalize(0.0, top)), colour.sequential_map()
    cmap = cmap.with_extremes(bad=(0, 0, 0, 0))

    def colours(tile):
        low = np.maximum(tile, norm.vmin) if isinstance(norm, LogNorm) else tile
        return cmap(norm(np.ma.masked_invalid(low)), bytes=True)

    return colours, norm, cmap


def stops(norm, cmap):
    """Return values and colours from one end of a scale to the other."""
    at = np.linspace(0, 1, 33)
    return [[float(f"{value:.6g}"), to_hex(cmap(place))] for value, place in zip(norm.inverse(at), at, strict=True)]


def draw_legend(path, norm, cmap, label, origin):
    """Draw a colour bar, with SIMULATED above it where granules were made up."""
    figure, axis = plt.subplots(figsize=(3.6, 0.75), dpi=200, layout="constrained")
    bar = figure.colorbar(plt.cm.ScalarMappable(norm, cmap), cax=axis, orientation="horizontal")
    bar.set_label(label, fontsize=8)
    axis.tick_params(labelsize=7)
    if origin == "SIMULATED":
        axis.set_title("SIMULATED", fontsize=7, loc="left", pad=2)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.params.raster,
            snakemake.output.tiles,
            study=snakemake.wildcards.study,
            title=snakemake.params.title,
        )
