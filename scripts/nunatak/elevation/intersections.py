"""Find where the ground tracks of many passes cross, by testing segments against neighbours in squares."""

from __future__ import annotations

import numpy as np

from nunatak.compute.kernels import kernel

_PER_SQUARE = 2.0  # width of a square in lengths of the longest segment


def intersections(
    x: np.ndarray, y: np.ndarray, link: np.ndarray, track: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """
    Return the crossings between the segments of many lines.

    Parameters
    ----------
    x, y : (n,) vertices in map metres, with those of a line one after the other
    link : (n - 1,) bool array, whether a segment joins vertex i and i + 1
    track : (n,) integers. Only segments of different tracks cross

    Returns
    -------
    i, j : (m,) first vertices of the two crossing segments, i < j, in ascending order
    u, v : (m,) position of the crossing on them, 0 at the first vertex, 1 at the second
    """
    x, y = np.asarray(x, dtype="f8"), np.asarray(y, dtype="f8")
    track = np.unique(np.asarray(track), return_inverse=True)[1]
    first = np.flatnonzero(link & np.isfinite(x[:-1] + x[1:] + y[:-1] + y[1:]))
    if not first.size:
        return (np.empty(0, "i8"),) * 2 + (np.empty(0),) * 2
    # Positions from a near origin, so that a crossing is accurate to rounding wherever the map's origin lies.
    left, bottom = min(x[first].min(), x[first + 1].min()), min(y[first].min(), y[first + 1].min())
    px, py = x - left, y - bottom
    longest = max(np.abs(px[first + 1] - px[first]).max(), np.abs(py[first + 1] - py[first]).max())
    size = max(_PER_SQUARE * longest, 1e-6)
    square_of, nx = _squares(px, py, first, size)
    order = np.argsort(square_of, kind="stable")
    occupied, start = np.unique(square_of[order], return_index=True)
    start = np.append(start, order.size)
    crossings = _cross(px, py, first[order], track, occupied, start, nx, np.empty((0, 4)))
    while crossings[0] > crossings[1].shape[0]:  # once to count, once to keep
        crossings = _cross(px, py, first[order], track, occupied, start, nx, np.empty((crossings[0], 4)))
    pairs = crossings[1]
    by_vertex = np.lexsort((pairs[:, 1], pairs[:, 0]))
    i, j, u, v = pairs[by_vertex].T
    return i.astype("i8"), j.astype("i8"), u, v


def intersections_reference(
    x: np.ndarray, y: np.ndarray, link: np.ndarray, track: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """
    Test every segment against every other by complex cross products, as the reference implementation.

    Parameters
    ----------
    x, y, link, track : as in `intersections`

    Returns
    -------
    i, j, u, v : as of `intersections`
    """
    z = np.asarray(x) + 1j * np.asarray(y)
    first = np.flatnonzero(link)
    p, r = z[first], z[first + 1] - z[first]

    def cross(a, b):
        return (np.conj(a) * b).imag

    with np.errstate(invalid="ignore", divide="ignore"):
        between = p[None, :] - p[:, None]
        area = cross(r[:, None], r[None, :])
        u, v = cross(between, r[None, :]) / area, cross(between, r[:, None]) / area
    hit = (area != 0) & (u >= 0) & (u < 1) & (v >= 0) & (v < 1)
    track = np.asarray(track)[first]
    a, b = np.nonzero(np.triu(hit & (track[:, None] != track[None, :]), 1))
    return first[a], first[b], u[a, b], v[a, b]


def _squares(x, y, first, size):
    """
    Return the square of each segment's first vertex, and the number of squares in a row, with a margin on both sides.
    """
    nx = int(x.max() // size) + 3
    return (y[first] // size).astype("i8") * nx + (x[first] // size).astype("i8") + 1, nx


@kernel
def _cross(x, y, first, track, occupied, start, nx, pairs):
    """
    Write the crossings of segments that begin in the same square or in neighbouring ones, and return their number.

    No other segments can cross, as none is longer than a square.
    """
    n, room = 0, pairs.shape[0]
    for s in range(occupied.size):
        # The square itself and four of its eight neighbours. The other four test this pair from their side.
        for step in range(5):
            other = occupied[s] + (0 if step == 0 else 1 if step == 1 else nx + step - 3)
            t = s if step == 0 else np.searchsorted(occupied, other)
            if t >= occupied.size or occupied[t] != other:
                continue
            for p in range(start[s], start[s + 1]):
                i = first[p]
                rx, ry = x[i + 1] - x[i], y[i + 1] - y[i]
                for q in range(p + 1 if step == 0 else start[t], start[t + 1]):
                    j = first[q]
                    if track[i] == track[j]:
                        continue
                    sx, sy = x[j + 1] - x[j], y[j + 1] - y[j]
                    area = rx * sy - ry * sx
                    if area == 0.0:
                        continue
                    dx, dy = x[j] - x[i], y[j] - y[i]
                    u, v = (dx * sy - dy * sx) / area, (dx * ry - dy * rx) / area
                    # Half-open intervals: a crossing in a vertex belongs to one of its two segments.
                    if 0.0 <= u < 1.0 and 0.0 <= v < 1.0:
                        if n < room:
                            if i < j:
                                pairs[n, 0], pairs[n, 1], pairs[n, 2], pairs[n, 3] = i, j, u, v
                            else:
                                pairs[n, 0], pairs[n, 1], pairs[n, 2], pairs[n, 3] = j, i, v, u
                        n += 1
    return n, pairs
