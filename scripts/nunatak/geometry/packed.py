"""
Pack polygons into a short text: multiples of a quantum, differences from vertex to vertex, varints, zlib, base64.

The numbers are, in this order: the number of polygons, for each polygon the number of rings, for each ring the number
of vertices (without the closing one) and, for each vertex, its distance in x and in y from the vertex before. The first
vertex of a ring counts from the last one of the ring before. Negative numbers are interleaved with the others (zigzag:
0, -1, 1, -2 become 0, 1, 2, 3).
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence

import numpy as np
import shapely

_BITS = 7  # bits of a number in each byte of a varint; the eighth marks that more bytes follow


def quantised(polygons: Sequence[shapely.Geometry] | np.ndarray, quantum: float) -> np.ndarray:
    """
    Return the polygons with their vertices on a grid, without those that vanish on it.

    Parameters
    ----------
    polygons : shapely Polygons
    quantum : step of the grid, in the polygons' unit
    """
    snapped = shapely.set_precision(np.asarray(polygons, dtype=object), quantum)
    parts = shapely.get_parts(snapped)
    return parts[(shapely.get_type_id(parts) == 3) & (shapely.area(parts) > 0)]


def encode(polygons: Sequence[shapely.Polygon] | np.ndarray, quantum: float) -> str:
    """
    Return polygons whose vertices lie on a grid of `quantum` as text.

    Parameters
    ----------
    polygons : shapely Polygons
    quantum : step of the grid, in the polygons' unit
    """
    numbers = [[len(polygons)]]
    last = np.zeros(2, dtype=np.int64)
    for polygon in polygons:
        rings = [polygon.exterior, *polygon.interiors]
        numbers.append([len(rings)])
        for ring in rings:
            steps = np.round(shapely.get_coordinates(ring)[:-1] / quantum).astype(np.int64)
            numbers += [[len(steps)], np.diff(steps, axis=0, prepend=last[None]).ravel()]
            last = steps[-1]
    stream = np.concatenate([np.asarray(part, dtype=np.int64) for part in numbers])
    return base64.b64encode(zlib.compress(_varints((stream << 1) ^ (stream >> 63)), 9)).decode()


def decode(text: str, quantum: float) -> np.ndarray:
    """
    Return the polygons that `encode` wrote, an array of shapely Polygons.

    Parameters
    ----------
    text : as from `encode`
    quantum : step of the grid
    """
    folded = _numbers(zlib.decompress(base64.b64decode(text)))
    stream = (folded >> 1) ^ -(folded & 1)
    rings, of_polygon, at = [], [], 1
    for number in range(int(stream[0])):
        count, at = int(stream[at]), at + 1
        for _ in range(count):
            n = int(stream[at])
            rings.append(stream[at + 1 : at + 1 + 2 * n].reshape(n, 2))
            of_polygon.append(number)
            at += 1 + 2 * n
    if not rings:
        return np.empty(0, dtype=object)
    lengths = np.array([len(ring) for ring in rings])
    vertices = np.cumsum(np.concatenate(rings), axis=0) * quantum
    closed = shapely.linearrings(vertices, indices=np.repeat(np.arange(len(rings)), lengths))
    return shapely.polygons(closed, indices=np.array(of_polygon))


def _varints(values):
    """Return whole numbers of at least 0 as bytes: low bits first, with the high bit set in all bytes but the last."""
    lengths = np.maximum(1, -(-np.frexp(values.astype(float))[1] // _BITS))
    starts = np.cumsum(lengths) - lengths
    out = np.empty(int(lengths.sum()), dtype=np.uint8)
    for k in range(int(lengths.max())):
        here = lengths > k
        more = np.where(lengths[here] > k + 1, 0x80, 0)
        out[starts[here] + k] = ((values[here] >> (_BITS * k)) & 0x7F) | more
    return out.tobytes()


def _numbers(data):
    """Return the whole numbers of varints."""
    octets = np.frombuffer(data, dtype=np.uint8).astype(np.int64)
    last = octets < 0x80
    starts = np.flatnonzero(np.concatenate([[True], last[:-1]]))
    lengths = np.diff(np.append(starts, len(octets)))
    shift = _BITS * (np.arange(len(octets)) - np.repeat(starts, lengths))
    return np.add.reduceat((octets & 0x7F) << shift, starts)
