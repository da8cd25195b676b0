"""Apply a function to many items in threads or on a Dask scheduler, with the results in the items' order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from nunatak.runtime import NunatakError

log = logging.getLogger(__name__)

LOCAL = ("threads", "processes", "synchronous")
PATIENCE = "20s"  # for a scheduler to answer


def in_order(
    function: Callable[[Any], Any], items: Iterable[Any], *, threads: int = 1, scheduler: str | None = None
) -> list[Any]:
    """
    Apply a function to all items in parallel.

    Parameters
    ----------
    function : function of one item. For `processes` and a scheduler's address it must be importable there: a module's
        function, or a `functools.partial` of one
    items : list
    threads : workers on this machine. Default: 1
    scheduler : one of Dask's own ("threads", "processes", "synchronous"), or the address of a `distributed` scheduler
        such as "tcp://host:8786", whose workers see the same paths. Default: threads of this process

    Returns
    -------
    list in the order of the items

    Raises
    ------
    NunatakError : the address does not answer
    """
    items = list(items)
    if scheduler is None:
        with ThreadPoolExecutor(max(1, threads)) as pool:
            return list(pool.map(function, items))
    if scheduler in LOCAL:
        import dask

        tasks = [dask.delayed(function, pure=False)(item) for item in items]
        with on(scheduler, threads=threads):
            return list(dask.compute(*tasks))
    with _client(scheduler) as client:
        return client.gather(client.map(function, items, pure=False))


@contextmanager
def on(scheduler: str | None, *, threads: int = 1) -> Iterator[None]:
    """
    Choose where Dask computes inside a `with` block.

    Parameters
    ----------
    scheduler, threads : as for `in_order`

    Raises
    ------
    NunatakError : the address does not answer
    """
    if scheduler is None:
        yield
    elif scheduler in LOCAL:
        import dask

        with dask.config.set(scheduler=scheduler, num_workers=max(1, threads)):
            yield
    else:
        with _client(scheduler):
            yield


def _client(address):
    """Connect to a `distributed` scheduler."""
    from distributed import Client

    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        raise NunatakError(
            f"scheduler: {address!r} does not answer ({' '.join(str(error).split())}); start one with `dask scheduler` "
            "or leave the key out"
        ) from error
    if not client.ncores():  # not an error, as some clusters start workers when tasks wait
        log.warning("scheduler %s has no workers: waiting until one joins (`dask worker %s`)", address, address)
    return client
