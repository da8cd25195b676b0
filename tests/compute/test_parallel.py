"""The same work in threads, under Dask and on a cluster: the same results in the same order."""

from __future__ import annotations

import operator
from functools import partial

import dask
import dask.array
import pytest
from distributed import LocalCluster, default_client

from nunatak.compute import parallel
from nunatak.runtime import NunatakError

ITEMS = list(range(20))
SQUARES = [item * 7 for item in ITEMS]


@pytest.mark.parametrize("scheduler", [None, "threads", "synchronous"])
def test_results_come_in_the_order_of_the_items(scheduler):
    assert parallel.in_order(partial(operator.mul, 7), ITEMS, threads=3, scheduler=scheduler) == SQUARES


@pytest.mark.timeout(300)
def test_a_scheduler_at_an_address_gives_the_same(dask_cluster, caplog):
    """Workers of their own process, reached over TCP; there is nothing to warn of."""
    assert parallel.in_order(partial(operator.mul, 7), ITEMS, scheduler=dask_cluster) == SQUARES
    assert "no workers" not in caplog.text


@pytest.mark.timeout(300)
def test_a_scheduler_without_workers_is_said(tmp_path, caplog):
    """What would be waiting without a word."""
    with (
        dask.config.set({"temporary_directory": str(tmp_path), "distributed.worker.use-file-locking": False}),
        LocalCluster(n_workers=0, processes=False, protocol="tcp://", dashboard_address=None) as cluster,
        parallel.on(cluster.scheduler_address),
    ):
        assert f"{cluster.scheduler_address} has no workers" in caplog.text


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scheduler", [None, "threads", "cluster"])
def test_arrays_are_computed_where_the_block_says(request, scheduler):
    """Threads, or workers behind an address; after the block it is as before."""
    total = dask.array.arange(20, chunks=5).sum()
    before = dask.config.get("scheduler", None)
    if scheduler == "cluster":
        address = request.getfixturevalue("dask_cluster")
        with parallel.on(address):
            assert default_client().scheduler.address == address
            assert total.compute() == 190
    else:
        with parallel.on(scheduler, threads=2):
            assert dask.config.get("scheduler", None) == (scheduler or before)
            assert total.compute() == 190
    assert dask.config.get("scheduler", None) == before


def test_no_items_are_no_work():
    assert parallel.in_order(operator.neg, [], scheduler="threads") == []


def test_an_address_that_does_not_answer_is_said(monkeypatch):
    monkeypatch.setattr(parallel, "PATIENCE", "1s")
    with pytest.raises(NunatakError, match=r"scheduler: 'tcp://127.0.0.1:9' does not answer .*`dask scheduler`"):
        parallel.in_order(operator.neg, ITEMS, scheduler="tcp://127.0.0.1:9")


def test_an_error_in_the_work_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        parallel.in_order(partial(operator.floordiv, 1), [1, 0], scheduler="threads")
