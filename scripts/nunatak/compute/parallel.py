"""The same work on many items, in threads of this job or on a Dask scheduler; the results come in the items' order."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from nunatak.runtime import NunatakError

log = logging.getLogger(__name__)

LOCAL = ("threads", "processes", "synchronous")
PATIENCE = "20s"  # for a scheduler to answer


def in_order(function, items, *, threads=1, scheduler=None):
    """
    [function(item) for item in items], side by side.

    Parameters
    ----------
    function : of one item; for `processes` and a scheduler's address it must be importable there (a module's function,
        or a `functools.partial` of one)
    items : list
    threads : workers on this machine
    scheduler : None (threads of this process), one of Dask's own ("threads", "processes", "synchronous"), or the
        address of a `distributed` scheduler such as "tcp://host:8786", whose workers see the same paths

    Returns
    -------
    list in the order of the items, whatever finished first

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
def on(scheduler, *, threads=1):
    """
    Where Dask computes what is asked of it inside the block; `scheduler` and `threads` as for `in_order`.

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
    from distributed import Client

    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        raise NunatakError(
            f"scheduler: {address!r} does not answer ({' '.join(str(error).split())}); start one with `dask scheduler` "
            "or leave the key out"
        ) from error
    if not client.ncores():  # some clusters start workers for what waits, so this is no error
        log.warning("scheduler %s has no workers: waiting until one joins (`dask worker %s`)", address, address)
    return client
