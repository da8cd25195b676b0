"""
The layers of a cube as chunks of their own: written side by side, and moved into another cube without being decoded.

One chunk holds a strip of rows of one layer, so a chunk belongs to one image pair and never spans two years.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numcodecs
import numpy as np
from numcodecs import Blosc

from nunatak.products.itslive.fields import LAYOUT

# one thread for each call: with its own threads Blosc puts blocks in the order they end, and bytes would differ
numcodecs.blosc.use_threads = False
CODEC = {"cname": "zstd", "clevel": 1, "shuffle": Blosc.SHUFFLE}
_STRIP = 4_000_000  # bytes of one chunk, at most


def strip_rows(grid):
    """Return the rows of one chunk: the whole layer unless that is more than 4 MB."""
    return int(np.clip(_STRIP // (2 * grid.nx), 1, grid.ny))


def encode(layer, rows, fill):
    """
    Encode the chunks of a (ny, nx) layer, from the top: bytes each, None where a chunk holds nothing but fill.

    Without a fill every chunk is encoded.
    """
    out: list[bytes | None] = []
    for first in range(0, layer.shape[0], rows):
        strip = np.ascontiguousarray(layer[first : first + rows])
        if fill is not None and not (strip != fill).any():
            out.append(None)
            continue
        if strip.shape[0] < rows:  # chunks at the edge are whole ones, too
            strip = np.concatenate([strip, np.full((rows - strip.shape[0], layer.shape[1]), fill or 0, layer.dtype)])
        out.append(Blosc(**CODEC).encode(strip))
    return out


class LayerFolder:
    """
    Layers in a folder, a file for each chunk that holds a value.

    Parameters
    ----------
    folder : made with the first layer
    grid : Grid
    variables : names of `itslive.LAYOUT`
    """

    def __init__(self, folder, grid, variables):
        self.folder, self.grid, self.variables = Path(folder), grid, tuple(variables)
        self.rows = strip_rows(grid)

    def chunk(self, name, slot, strip):
        """Return the path of a chunk. The file need not exist."""
        return self.folder / name / f"{slot}.{strip}"

    def write(self, slot, layers):
        """Write one layer: {variable: (ny, nx) array}. Several slots may be written at one time."""
        for name in self.variables:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            for strip, data in enumerate(encode(layers[name], self.rows, LAYOUT[name][2])):
                if data is not None:
                    self.chunk(name, slot, strip).write_bytes(data)

    def read(self, name, slots):
        """Read layers of one variable: (len(slots), ny, nx) array."""
        dtype, _, fill, _ = LAYOUT[name]
        out = np.full((len(slots), *self.grid.shape), fill, dtype)
        for layer, slot in zip(out, slots, strict=True):
            for strip, first in enumerate(range(0, self.grid.ny, self.rows)):
                path = self.chunk(name, slot, strip)
                if path.exists():
                    values = np.frombuffer(Blosc(**CODEC).decode(path.read_bytes()), dtype).reshape(self.rows, -1)
                    layer[first : first + self.rows] = values[: self.grid.ny - first]
        return out


def link(source, target):
    """Link a file under a second name where the file system can, else copy it. Nothing is done without such a file."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        if source.exists():
            raise
    except OSError:
        shutil.copyfile(source, target)
