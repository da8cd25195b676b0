"""Runs that are killed, and started again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess

import pytest
from tests.workflow.same_bytes import differences
from tests.workflow.workflow_runs import TINY

LABEL = "austfonna-simulated-tiny"


def kill_and_start_again(flow, finished, times, seed):
    """
    Kill the run's group of processes at so many random moments, each start going on from where the last one ended.

    Between a kill and the next start there is no other command. A run that ends before it is killed is held against
    the uninterrupted one, and the next begins from nothing; so is what the last start completes. Returns that start
    and how many runs were completed.
    """
    moments, killed, ended = random.Random(seed), 0, 0
    while killed < times:
        after = moments.randint(0, 6)
        done = flow.run_and_kill("austfonna", after=after, delay=moments.uniform(0, 1.5 if after else 6), **TINY)
        if done.code == 0:
            ended += agrees(flow, finished)
            for name in ("results", "resources", "logs", ".snakemake"):
                shutil.rmtree(flow / name)
            continue
        assert done.code == -signal.SIGKILL, done.text
        assert "same files here" not in done.text and "Error" not in done.text, done.text
        killed += 1
    done = flow.run("austfonna", **TINY)
    assert done.code == 0, done.text
    return done, ended + agrees(flow, finished)


def agrees(flow, finished):
    """Whether a run that was killed on the way left what the uninterrupted run leaves, and nothing else."""
    assert flow.unfinished() == []
    assert differences(flow / "results" / LABEL, finished / "results" / LABEL) == []
    return True


def test_killed_at_five_moments_and_started_again_gives_the_same_bytes(finished, flow):
    """Killed on one core and held against a run of another folder on two: runs and cores make no difference either."""
    flow.cores = 1
    done, ended = kill_and_start_again(flow, finished, 5, seed=20181014)
    if ended == 1:
        assert 0 < sum(done.jobs.values()) < sum(finished.said.jobs.values()), "a killed run keeps what it finished"


@pytest.mark.full
def test_killed_at_fifty_moments_and_started_again_gives_the_same_bytes(finished, flow):
    _, ended = kill_and_start_again(flow, finished, 50, seed=20260101)
    print(f"50 kills, {ended} runs completed, each with the bytes of an uninterrupted one")


def test_locks_of_runs_that_died_are_no_obstacle(copy_of_finished):
    """What a power cut leaves: locks on every file of the study, of a process that is gone."""
    locks = copy_of_finished / ".snakemake" / "locks"
    locks.mkdir(exist_ok=True)
    below = copy_of_finished / "results"
    files = sorted(str(path.relative_to(copy_of_finished.folder)) for path in below.rglob("*") if path.is_file())
    for kind in ("input", "output"):
        (locks / f"0.{kind}.lock").write_text("\n".join(files))
    target = f"results/{LABEL}/atl14/surface.nc"
    done = copy_of_finished.run(target, "--force", **TINY)
    assert done.code == 0, done.text


def test_two_runs_at_once_do_not_meet(copy_of_finished):
    """While one run lives, another that would write the same files is refused; when it has ended, it is not."""
    flow = copy_of_finished
    target = f"results/{LABEL}/atl14/surface.nc"
    with subprocess.Popen(
        flow.command(target, "--force", **TINY),
        cwd=flow.folder,
        env=flow.environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as first:
        next(line for line in first.stdout if "reading the ATL14 surface" in line)
        os.killpg(first.pid, signal.SIGSTOP)
        try:
            second = flow.run(target, "--force", **TINY)
        finally:
            os.killpg(first.pid, signal.SIGCONT)
        rest = first.stdout.read()
    assert first.returncode == 0, rest
    assert second.code != 0, second.text
    said = [line for line in second.text.splitlines() if "another run is making the same files here" in line]
    assert len(said) == 1 and "wait until it has ended" in said[0] and "LockException" not in second.text
    assert "Nothing to be done" in flow.run(target, **TINY).text
