"""Keep ranges of a file at an address that were requested side by side, before they are read one after the other."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

BYTES = 64 << 20  # kept at most
LARGEST = 4 << 20  # bytes of one request for ranges that lie side by side
GAP = 1 << 13  # bytes between neighbours that come along
SIDE_BY_SIDE = 8  # requests at a time


class ReadAhead:
    """
    Ranges of a file that are kept for a while, the oldest let go first.

    Parameters
    ----------
    request : function of a start and a number of bytes that returns the bytes
    most : bytes kept at most. Default: 64 MB
    """

    def __init__(self, request: Callable[[int, int], bytes], most: int = BYTES):
        self._request, self._most, self._size = request, most, 0
        self._kept: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, start: int, count: int) -> bytes | None:
        """Return a range that is kept, or None."""
        return self._kept.get((start, count))

    def ask(self, ranges: Iterable[tuple[int, int]]) -> None:
        """
        Request ranges side by side, neighbours in one request.

        Parameters
        ----------
        ranges : (start, bytes) of each read that will come
        """
        runs: list[list[tuple[int, int]]] = []
        for start, count in sorted(set(ranges) - set(self._kept)):
            if runs and start <= sum(runs[-1][-1]) + GAP and start + count - runs[-1][0][0] <= LARGEST:
                runs[-1].append((start, count))
            else:
                runs.append([(start, count)])
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            for run, content in zip(runs, pool.map(self._bytes_of, runs), strict=True):
                for start, count in run:
                    low = start - run[0][0]
                    self._keep(start, count, content[low : low + count])

    def _bytes_of(self, run):
        return self._request(run[0][0], sum(run[-1]) - run[0][0])

    def _keep(self, start, count, content):
        with self._lock:
            self._size += 0 if (start, count) in self._kept else count
            self._kept[start, count] = content
            while self._size > self._most and len(self._kept) > 1:
                self._size -= self._kept.popitem(last=False)[0][1]
